//! The standard library compiles without findings.

use counterplay_compiler::workspace::Workspace;

#[test]
fn the_standard_library_has_no_findings() {
    let workspace = Workspace::new(Vec::new(), None);
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{} findings:\n{}",
        compiled.diagnostics.len(),
        workspace.render(&compiled.diagnostics, false)
    );
    assert_eq!(compiled.program.playbooks.len(), 5);
}
