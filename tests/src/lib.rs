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

/// An example project, compiled, with its deployment.
pub fn example(name: &str) -> (Arc<Program>, Deployment) {
    let folder = root().join("examples").join(name);
    let loaded = counterplay_cli::project::load(&folder).unwrap_or_else(|error| panic!("{error}"));
    let compiled = loaded.workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{}",
        loaded.workspace.render(&compiled.diagnostics, false)
    );
    let deployment = compiled.file.map(|f| f.deployment).unwrap_or_default();
    (Arc::new(compiled.program), deployment)
}
