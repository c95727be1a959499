//! Example projects in: they are read without findings, stand in the canonical style, and every one of their tests
//! passes with the timeline that is kept.

use counterplay_cli::project;
use counterplay_tests::root;

/// The example projects that have tests, by their folders.
fn projects() -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("examples")).expect("the examples") {
        let entry = entry.expect("an entry");
        if !entry.path().is_dir() {
            continue;
        }
        let project = project::load(&entry.path(), &[]).expect("the project can be read");
        if !project.compiled.tests.is_empty() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    assert!(!names.is_empty(), "no example has tests");
    names
}

/// Runs the command and gives its exit code.
fn counterplay(args: &[&str]) -> u8 {
    let args = std::iter::once("counterplay").chain(args.iter().copied());
    counterplay_cli::run(args.map(Into::into))
}

#[test]
fn the_examples_are_read_without_findings_and_their_tests_pass() {
    for name in projects() {
        let folder = root().join("examples").join(&name);
        let project = project::load(&folder, &[]).expect("the project can be read");
        let findings: Vec<&str> = project.findings.iter().map(|f| &*f.message).collect();
        assert!(findings.is_empty(), "{name}: {findings:?}");

        let path = folder.to_str().expect("a path in UTF-8");
        assert_eq!(counterplay(&["fmt", "--check", path]), 0, "{name}: style");
        assert_eq!(counterplay(&["test", path]), 0, "{name}: tests");
    }
}

#[test]
fn every_playbook_of_the_examples_has_a_test_and_every_test_a_kept_timeline() {
    for name in projects() {
        let folder = root().join("examples").join(&name);
        let project = project::load(&folder, &[]).expect("the project can be read");
        let snapshots = folder.join("playbooks/snapshots");
        let kept = std::fs::read_dir(snapshots).expect("timelines are kept");
        assert_eq!(kept.count(), project.compiled.tests.len(), "{name}");

        for playbook in project.compiled.program.playbooks.values() {
            assert!(!playbook.doc.is_empty(), "{}: it has no doc", playbook.id);
            let mut tests = project.compiled.tests.iter();
            assert!(
                tests.any(|test| test.playbook == playbook.id),
                "{}: it has no test",
                playbook.id
            );
        }
    }
}
