//! The language server as an editor meets it: the real binary, driven over its pipes by an independent client,
//! pytest-lsp. The tests themselves are Python, see `tests/protocol/README.md`.

use counterplay_tests::{outside, root};
use std::process::Command;

#[test]
fn the_language_server_keeps_the_protocol() {
    let python = match outside::python("pytest, pytest_lsp") {
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
        outside::printed(&output)
    );
}
