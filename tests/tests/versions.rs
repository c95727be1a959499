//! The hash of a playbook: the same for what decides the same, another for what does not.

use counterplay_tests::project;

const PLAYBOOK: &str = "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  ignore repeats of drift.device\n  then { intune.sync(drift.device) }\n  escalate after 4h { intune.sync(drift.device) }\n}\n";

fn hash(source: &str) -> String {
    project(source).0.playbooks["p"].hash.clone()
}

#[test]
fn layout_comments_and_titles_change_nothing() {
    let same = PLAYBOOK
        .replace(
            "playbook p \"P\"",
            "/// What it is for.\nplaybook p \"Another title\"",
        )
        .replace("  then {", "\n  // first of all\n  then   {");
    assert_eq!(hash(PLAYBOOK), hash(&same));
    assert_eq!(hash(PLAYBOOK).len(), 64);
}

#[test]
fn decisions_change_it() {
    for (from, to) in [
        ("4h", "5h"),
        (
            "then { intune.sync(drift.device) }",
            "then {\n    intune.sync(drift.device)\n    intune.sync(drift.device)\n  }",
        ),
        (
            "ignore repeats of drift.device\n",
            "ignore repeats of drift.device for 1h\n",
        ),
        (
            "  ignore",
            "  if drift.device.platform == windows\n  ignore",
        ),
        ("when intune", "mode: paused\n  when intune"),
    ] {
        let changed = PLAYBOOK.replace(from, to);
        assert_ne!(changed, PLAYBOOK, "{from}");
        assert_ne!(hash(PLAYBOOK), hash(&changed), "{from} → {to}");
    }
}

#[test]
fn a_machine_survives_storage() {
    let (program, _) = counterplay_tests::example("shipped-responses");
    let stored = serde_json::to_string(&*program).expect("JSON");
    let read: counterplay_machine::Program = serde_json::from_str(&stored).expect("a program");
    for (id, playbook) in &program.playbooks {
        assert_eq!(
            counterplay_machine::hash::of(&read, &read.playbooks[id]),
            playbook.hash,
            "{id}"
        );
    }
}
