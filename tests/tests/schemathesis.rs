//! The API as a program meets it that has read its description only: the real binary, asked by schemathesis. What is
//! asked is Python, see `tests/schemathesis/README.md`.

use counterplay_tests::{outside, root};
use std::process::Command;

#[test]
fn every_answer_is_a_described_one() {
    let python = match outside::python("schemathesis, openapi_spec_validator") {
        Ok(python) => python,
        Err(why) => {
            return outside::skipped(&format!(
                "a Python with schemathesis ({why}; see tests/schemathesis/README.md)"
            ));
        }
    };
    let output = Command::new(&python)
        .arg(root().join("tests/schemathesis/run.py"))
        .env("COUNTERPLAY_BIN", outside::counterplay())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .expect("Python runs");
    assert!(
        output.status.success(),
        "the API answers what it does not describe:\n{}",
        outside::printed(&output)
    );
}
