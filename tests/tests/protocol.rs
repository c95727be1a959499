//! The language server as an editor meets it: the real binary, driven over its pipes by an independent client,
//! pytest-lsp. The tests themselves are Python, see `tests/protocol/README.md`.

use counterplay_tests::{outside, root};
use std::env;
use std::process::{Command, Output};

/// A Python that can run the tests, or why there is none.
fn python() -> Result<String, String> {
    let python = env::var("COUNTERPLAY_PYTHON").unwrap_or_else(|_| "python3".into());
    let asked = Command::new(&python)
        .args(["-c", "import pytest, pytest_lsp"])
        .output();
    match asked {
        Ok(output) if output.status.success() => Ok(python),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let why = said.trim().lines().last().unwrap_or("it ended at once");
            Err(format!("`{python}` does not have pytest-lsp ({why})"))
        }
        Err(error) => Err(format!("`{python}` cannot be started ({error})")),
    }
}

/// Everything that was printed, for people who look for the reason.
fn printed(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[test]
fn the_language_server_keeps_the_protocol() {
    let python = match python() {
        Ok(python) => python,
        Err(why) => {
            return outside::skipped(&format!(
                "a Python with pytest-lsp ({why}; see tests/protocol/README.md)"
            ));
        }
    };
    let output = Command::new(&python)
        .args(["-m", "pytest", "tests/protocol", "-q"])
        .current_dir(root())
        .env("COUNTERPLAY_BIN", outside::counterplay())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("pytest runs");
    assert!(
        output.status.success(),
        "the language server breaks the protocol:\n{}",
        printed(&output)
    );
}
