//! The VS Code extension: its own tests, with the real server at the other end.

use counterplay_tests::{outside, root};
use std::process::Command;

#[test]
fn the_extensions_own_tests_pass() {
    let folder = root().join("editors/vscode");
    if !outside::is_there("npm", "--version") {
        return outside::skipped("npm");
    }
    if !folder.join("node_modules").is_dir() {
        return outside::skipped("what `npm ci` puts into editors/vscode/node_modules");
    }
    let output = Command::new("npm")
        .arg("test")
        .current_dir(&folder)
        .env("COUNTERPLAY_BIN", outside::counterplay())
        .output()
        .expect("npm starts");
    let told = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{said}");
}
