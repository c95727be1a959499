//! Programs that tests need and that are not ours: found, or the test says that it is skipped.

use std::path::PathBuf;
use std::process::{Command, Output};

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
    Command::new(program)
        .arg(argument)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// A Python that has these modules, or why there is none.
///
/// # Errors
/// What is missing.
pub fn python(modules: &str) -> Result<String, String> {
    let python = std::env::var("COUNTERPLAY_PYTHON").unwrap_or_else(|_| "python3".into());
    let asked = Command::new(&python)
        .args(["-c", &format!("import {modules}")])
        .output();
    match asked {
        Ok(output) if output.status.success() => Ok(python),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let why = said.trim().lines().last().unwrap_or("it ended at once");
            Err(format!("`{python}` does not have {modules} ({why})"))
        }
        Err(error) => Err(format!("`{python}` cannot be started ({error})")),
    }
}

/// Everything that a program printed, for people who look for the reason.
pub fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
