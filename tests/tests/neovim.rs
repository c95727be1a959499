//! Neovim, headless, on an example: what an author sees and does there works.

use counterplay_tests::{outside, root};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the example") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

#[test]
fn an_author_works_in_neovim() {
    if !outside::is_there("nvim", "--version") {
        return outside::skipped("Neovim (`nvim`)");
    }
    let place = tempfile::tempdir().expect("a folder");
    let project = place
        .path()
        .canonicalize()
        .expect("its path")
        .join("lost-device");
    copy(&root().join("examples/lost-device"), &project);
    let report = place.path().join("report");
    let output = Command::new("nvim")
        .args(["--headless", "--clean", "--cmd"])
        .arg(format!(
            "set runtimepath^={}",
            root().join("editors/neovim").display()
        ))
        .arg("-c")
        .arg(format!(
            "luafile {}",
            root().join("tests/neovim/session.lua").display()
        ))
        .arg("-c")
        .arg("cquit")
        .env("COUNTERPLAY_BIN", outside::counterplay())
        .env("COUNTERPLAY_PROJECT", &project)
        .env("COUNTERPLAY_REPORT", &report)
        .env("HOME", place.path())
        .env("XDG_STATE_HOME", place.path().join("state"))
        .env("XDG_CACHE_HOME", place.path().join("cache"))
        .output()
        .expect("Neovim starts");
    let told = std::fs::read_to_string(&report).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    let bad: Vec<&str> = told
        .lines()
        .filter(|line| line.starts_with("not ok"))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}\n{told}\n{said}");
    assert!(
        told.ends_with("done\n"),
        "the session broke off:\n{told}\n{said}"
    );
    assert!(told.lines().count() > 10, "{told}");
    let pid = told.lines().find_map(|line| line.strip_prefix("pid "));
    let process = PathBuf::from("/proc").join(pid.expect("the server has a process"));
    for _ in 0..100 {
        if !process.exists() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the server lives on although Neovim has ended");
}
