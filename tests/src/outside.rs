//! Programs that tests need and that are not ours: found, or the test says that it is skipped.

use std::path::PathBuf;

/// The binary under test, beside the test's own.
pub fn counterplay() -> PathBuf {
    let here = std::env::current_exe().unwrap_or_default();
    let name = format!("counterplay{}", std::env::consts::EXE_SUFFIX);
    let found = here
        .ancestors()
        .skip(1)
        .take(3)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file());
    found.unwrap_or_else(|| {
        panic!("there is no `counterplay` beside this test: build it with `cargo build -p counterplay-cli`")
    })
}

/// Says that a test is skipped because something is missing. Where everything has to be there, that is a failure.
pub fn skipped(what: &str) {
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{what} is missing, and with CI=true no test is skipped"
    );
    println!("skipped: {what} is missing");
}

/// Whether a program can be started.
pub fn is_there(program: &str, argument: &str) -> bool {
    std::process::Command::new(program)
        .arg(argument)
        .output()
        .is_ok_and(|output| output.status.success())
}
