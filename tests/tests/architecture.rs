//! The invariants of ARCHITECTURE.md: who depends on whom, and what stands where.

use counterplay_tests::root;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The direct dependencies of each of our crates, tests' and builds' own left out.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo metadata");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Json = serde_json::from_slice(&output.stdout).expect("JSON");
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let name = package["name"]
                .as_str()
                .unwrap_or("")
                .trim_start_matches("counterplay-")
                .to_owned();
            let of = package["dependencies"]
                .as_array()
                .expect("dependencies")
                .iter()
                .filter(|d| d["kind"].is_null())
                .filter_map(|d| d["name"].as_str().map(str::to_owned))
                .collect();
            (name, of)
        })
        .collect()
}

#[test]
fn compiler_and_runtime_meet_in_the_machine() {
    let of = dependencies();
    for (a, b) in [
        ("runtime", "counterplay-compiler"),
        ("compiler", "counterplay-runtime"),
        ("lsp", "counterplay-runtime"),
        ("machine", "counterplay-compiler"),
        ("machine", "counterplay-runtime"),
        ("sandbox", "counterplay-machine"),
        ("sandbox", "counterplay-runtime"),
    ] {
        assert!(!of[a].contains(b), "{a} must not depend on {b}");
    }
    for quiet in ["tokio", "rusqlite", "reqwest", "lettre", "axum"] {
        assert!(
            !of["machine"].contains(quiet),
            "the machine does no I/O, so that it has no use for {quiet}"
        );
        assert!(
            !of["compiler"].contains(quiet),
            "the compiler does no I/O, so that it has no use for {quiet}"
        );
    }
}

#[test]
fn libraries_stay_where_they_belong() {
    for (library, owners) in [
        ("pest", &["compiler"][..]),
        ("logos", &["compiler"]),
        ("ariadne", &["compiler"]),
        ("salsa", &["compiler"]),
        ("tower-lsp-server", &["lsp"]),
        ("rusqlite", &["runtime"]),
        ("axum", &["sandbox", "server"]),
        ("lettre", &["runtime"]),
        ("clap", &["cli"]),
        ("opentelemetry", &["cli"]),
        ("opentelemetry-otlp", &["cli"]),
        ("opentelemetry_sdk", &["cli"]),
        ("tracing-opentelemetry", &["cli"]),
        ("tracing-subscriber", &["cli"]),
    ] {
        let users: Vec<String> = dependencies()
            .into_iter()
            .filter(|(_, of)| of.contains(library))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(users, owners, "{library}");
    }
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder)
        .expect("a folder")
        .filter_map(Result::ok)
    {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

fn crate_sources(name: &str) -> Vec<(String, String)> {
    let folder = root().join(name).join("src");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("a source file");
            let shown = path
                .strip_prefix(root())
                .map_or_else(|_| path.display().to_string(), |p| p.display().to_string());
            (shown, text)
        })
        .collect()
}

#[test]
fn sql_stands_in_the_store_only() {
    for (path, text) in crate_sources("runtime") {
        if !path.starts_with("runtime/src/store") {
            assert!(!text.contains("rusqlite"), "{path} speaks to the database");
        }
    }
}

#[test]
fn types_of_the_editors_protocol_stand_in_the_shell_only() {
    for (path, text) in crate_sources("lsp") {
        if !path.starts_with("lsp/src/server") {
            assert!(!text.contains("tower_lsp"), "{path} speaks the protocol");
        }
    }
}

#[test]
fn there_is_one_clock_and_one_randomness() {
    for name in ["machine", "compiler", "runtime", "lsp", "server"] {
        for (path, text) in crate_sources(name) {
            if path == "runtime/src/clock.rs" {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or("");
            for forbidden in ["SystemTime::now", "Timestamp::now", "Zoned::now"] {
                assert!(
                    !code.contains(forbidden),
                    "{path} asks the machine's clock: {forbidden}"
                );
            }
            // Keys and what nobody may foretell; whatever else is by chance comes from what is passed in.
            let secrets = [
                "runtime/src/connect/assertion.rs",
                "runtime/src/connect/master_key.rs",
                "runtime/src/store/salts.rs",
                "server/src/identity/secret.rs",
            ];
            assert!(
                !code.contains("getrandom::") || secrets.contains(&path.as_str()),
                "{path} draws from the machine's randomness"
            );
        }
    }
}

#[test]
fn every_source_file_says_what_it_is_for() {
    for name in [
        "machine", "compiler", "runtime", "lsp", "server", "sandbox", "cli",
    ] {
        for (path, text) in crate_sources(name) {
            assert!(
                text.starts_with("//!"),
                "{path} begins without a line that says what goes in and comes out"
            );
        }
    }
}

#[test]
fn no_promise_is_left_open() {
    for name in [
        "machine", "compiler", "runtime", "lsp", "server", "sandbox", "cli",
    ] {
        for (path, text) in crate_sources(name) {
            for stub in ["todo!(", "unimplemented!(", "FIXME"] {
                assert!(!text.contains(stub), "{path} holds {stub}");
            }
        }
    }
}
