//! The standard library compiles without findings.

use counterplay_compiler::workspace::{Source, Workspace};
use std::path::Path;

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

#[test]
fn the_examples_have_no_findings() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut seen = 0;
    for folder in std::fs::read_dir(examples).expect("there are examples") {
        let folder = folder.expect("a folder").path();
        let Ok(config) = std::fs::read_to_string(folder.join("counterplay.toml")) else {
            continue;
        };
        let mut sources = Vec::new();
        for file in ["playbooks", "integrations"]
            .into_iter()
            .filter_map(|part| std::fs::read_dir(folder.join(part)).ok())
            .flatten()
        {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|ending| ending != "play") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            sources.push(Source {
                path: path.display().to_string(),
                module: name.into_owned(),
                text: std::fs::read_to_string(&path).expect("it is text"),
            });
        }
        let workspace = Workspace::new(sources, Some(("counterplay.toml".into(), config)));
        let compiled = workspace.compile();
        assert!(
            compiled.diagnostics.is_empty(),
            "{}:\n{}",
            folder.display(),
            workspace.render(&compiled.diagnostics, false)
        );
        assert!(
            !compiled.program.playbooks.is_empty(),
            "{}",
            folder.display()
        );
        seen += 1;
    }
    assert!(seen >= 4, "{seen}");
}
