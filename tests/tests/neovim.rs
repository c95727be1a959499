//! The example project and editors/neovim in a real Neovim in; what works there out.
//!
//! `tests/neovim/session.lua` is the person at the keyboard; it writes a line for each check. Where there is no
//! Neovim the test is skipped, except on CI.

use counterplay_tests::{outside, root};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long the whole session may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How many checks the script makes: one that is never reached must not count as passed.
const CHECKS: usize = 16;

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder to copy") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// Whether a process is there and no mere entry in the table of processes, which waits to be collected.
fn runs(pid: &str) -> bool {
    let state = if Path::new("/proc/self/stat").exists() {
        let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        line.rsplit(") ").next().unwrap_or("").to_owned()
    } else {
        let output = Command::new("ps")
            .args(["-o", "stat=", "-p", pid])
            .output()
            .expect("`ps` runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    !state.is_empty() && !state.starts_with('Z')
}

/// Waits for something; says whether it came.
fn within(limit: Duration, mut came: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !came() {
        if start.elapsed() > limit {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

#[test]
fn a_playbook_is_written_in_neovim() {
    let Ok(version) = Command::new("nvim").arg("--version").output() else {
        return outside::skipped("Neovim (`nvim` on the PATH)");
    };
    let version = String::from_utf8_lossy(&version.stdout);
    let version = version.lines().next().unwrap_or("nvim");

    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    copy(&root().join("examples/lost-device"), &at("project"));
    std::fs::create_dir(at("home")).expect("a home");
    let mut editor = Command::new("nvim");
    editor
        .args(["--headless", "--clean", "--cmd"])
        .arg("lua vim.opt.rtp:prepend(os.getenv('COUNTERPLAY_PLUGIN'))")
        .args([
            "-c",
            "execute 'luafile' fnameescape($COUNTERPLAY_SESSION)",
            "-c",
            "qall!",
        ])
        .current_dir(folder.path())
        .env("COUNTERPLAY_PLUGIN", root().join("editors/neovim"))
        .env(
            "COUNTERPLAY_SESSION",
            root().join("tests/neovim/session.lua"),
        )
        .env("COUNTERPLAY_BIN", outside::counterplay())
        .env("COUNTERPLAY_PROJECT", at("project"))
        .env("COUNTERPLAY_REPORT", at("report"))
        .env("COUNTERPLAY_PIDS", at("pids"))
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(at("screen")).expect("a file"))
        .stderr(std::fs::File::create(at("errors")).expect("a file"));
    // Nothing of the person's own Neovim takes part, nor is anything left in it.
    for name in [
        "HOME",
        "XDG_CONFIG_HOME",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
    ] {
        editor.env(name, at("home"));
    }
    for name in ["NVIM_APPNAME", "NVIM_LOG_FILE", "VIMINIT"] {
        editor.env_remove(name);
    }

    let mut editor = editor.spawn().expect("nvim starts");
    let ended = within(LIMIT, || editor.try_wait().expect("a state").is_some());
    if !ended {
        editor.kill().expect("nvim ends");
        editor.wait().expect("nvim ends");
    }
    let read = |name: &str| std::fs::read_to_string(at(name)).unwrap_or_default();
    let report = read("report");
    let everything = format!("{version}\n{report}{}{}", read("screen"), read("errors"));
    assert!(ended, "Neovim did not end within {LIMIT:?}\n{everything}");
    let failed: Vec<&str> = report
        .lines()
        .filter(|line| !line.starts_with("ok "))
        .collect();
    assert!(failed.is_empty(), "{}\n\n{everything}", failed.join("\n"));
    assert_eq!(
        report.lines().count(),
        CHECKS,
        "not every check was made\n{everything}"
    );

    let pids = read("pids");
    assert!(
        !pids.trim().is_empty(),
        "no server was started\n{everything}"
    );
    for pid in pids.split_whitespace() {
        assert!(
            within(Duration::from_secs(5), || !runs(pid)),
            "the server {pid} outlives Neovim\n{everything}"
        );
    }
}
