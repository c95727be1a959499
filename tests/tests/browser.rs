//! The dashboard as people meet it: the real binary, a real browser. The tests themselves are JavaScript, see
//! `tests/browser/README.md`.

use counterplay_tests::{outside, root};
use std::process::Command;

#[test]
fn the_dashboard_works_in_a_browser() {
    let folder = root().join("tests/browser");
    if !outside::is_there("node", "--version") {
        return outside::skipped("node");
    }
    let browser = std::env::var("CHROMIUM").unwrap_or_else(|_| "/usr/bin/chromium".into());
    if !outside::is_there(&browser, "--version") {
        return outside::skipped("Chromium");
    }
    if !folder.join("node_modules").is_dir() {
        return outside::skipped("what `npm ci` puts into tests/browser/node_modules");
    }
    let output = Command::new("node")
        .args(["--test", "--test-reporter=tap"])
        .current_dir(&folder)
        .env("CHROMIUM", &browser)
        .env("COUNTERPLAY_BIN", outside::counterplay())
        .output()
        .expect("node starts");
    let told = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}\n{said}");
}
