//! What the end-to-end tests share: compiled projects, a running sandbox and an engine on it.

use counterplay_compiler::workspace::Workspace;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The repository's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(PathBuf::new, Path::to_path_buf)
}

/// The standard library alone, compiled.
pub fn library() -> Arc<Program> {
    let compiled = Workspace::new(Vec::new(), None).compile();
    assert!(!compiled.has_errors(), "the standard library does not compile");
    Arc::new(compiled.program)
}

/// A project of one file, with two teams and one tenant, compiled.
pub fn project(source: &str) -> (Arc<Program>, Deployment) {
    let workspace = Workspace::new(
        vec![counterplay_compiler::workspace::Source {
            path: "playbooks/case.play".into(),
            module: "case".into(),
            text: source.to_owned(),
        }],
        Some(("counterplay.toml".into(), PROJECT.into())),
    );
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    (Arc::new(compiled.program), compiled.file.map(|f| f.deployment).unwrap_or_default())
}

const PROJECT: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
email = "soc@example.org"
teams_webhook = "soc-teams"

[teams.leads]
members = ["dana@example.org", "eli@example.org", "finn@example.org"]

[tenants.contoso]
id = "contoso"
domains = ["example.org"]

[connections.graph]
[connections.identity_protection]
[connections.exchange]
[connections.halopsa]
[connections.mail]
[connections.teams]
[connections.slack]
[connections.webhook]
"#;
