//! Names: where they lead, who mentions them, and giving them another one.

use crate::support::{about_device, at, edited};
use counterplay_lsp::features::definition::definition;
use counterplay_lsp::features::references::references;
use counterplay_lsp::features::rename::{prepare, rename};
use counterplay_lsp::target;

const OWN: &str = r#"
enum Level ordered { unknown, low, high }

type Case {
  id: Text
  level: Level
}

steps contain(device: Device, why: Text) {
  intune.sync(device)
}

define worst(level: Level) -> Bool = level == high
"#;

fn own(source: &str) -> String {
    format!("use microsoft.intune\n{source}")
}

const CALLER: &str = "use own\nuse microsoft.intune\n\nplaybook caller \"Caller\" {\n  when intune.noncompliant as drift\n  then { own.contain(drift.device, why: \"x\") }\n}\n";

/// The texts after a renaming, or why it was refused.
fn renamed(files: &[(&str, &str)], new: &str) -> Result<Vec<String>, String> {
    let here = at(files);
    let edits = rename(&here.snapshot, here.file, here.offset, new)?;
    Ok(files
        .iter()
        .map(|(name, text)| {
            let path = format!("/p/playbooks/{name}");
            edited(&text.replacen('|', "", 1), &path, &edits)
        })
        .collect())
}

#[test]
fn a_name_leads_to_its_declaration() {
    for (source, path, word) in [
        (
            about_device("", "    intune.sy|nc(drift.device)"),
            "std:/microsoft/intune.play",
            "sync",
        ),
        (
            about_device("", "    intune.sync(dri|ft.device)"),
            "/p/playbooks/case.play",
            "drift",
        ),
        (
            about_device("", "    intune.sync(drift.dev|ice)"),
            "std:/microsoft/intune.play",
            "device",
        ),
        (
            about_device("", "    intune.wipe(drift.device, keep_user|_data: true)"),
            "std:/microsoft/intune.play",
            "keep_user_data",
        ),
        (
            about_device("  if drift.device.platform == win|dows", ""),
            "std:/prelude.play",
            "windows",
        ),
        (
            about_device("", "    notify.teams(team.so|c, \"x\")"),
            "/p/counterplay.toml",
            "[teams.soc]",
        ),
        (
            about_device("  tenants: [\"cont|oso\"]", ""),
            "/p/counterplay.toml",
            "[tenants.contoso]",
        ),
        (
            "action a(user: Us|er) {\n}\n".to_owned(),
            "std:/prelude.play",
            "User",
        ),
    ] {
        let here = at(&[("case.play", &source)]);
        let found = definition(&here.snapshot, here.file, here.offset)
            .unwrap_or_else(|| panic!("nothing found in {source}"));
        let text = here
            .snapshot
            .text_of(&found.to.path)
            .expect("it has a text");
        assert_eq!(found.to.path, path, "{source}");
        assert_eq!(&text[found.to.range], word, "{source}");
    }
}

#[test]
fn references_are_found_in_every_file() {
    let own = own(&OWN.replace("steps contain", "steps con|tain"));
    let here = at(&[("own.play", &own), ("caller.play", CALLER)]);
    let found = references(&here.snapshot, here.file, here.offset, true).expect("a name");
    let places: Vec<&str> = found.iter().map(|at| at.path.as_str()).collect();
    assert_eq!(
        places,
        ["/p/playbooks/caller.play", "/p/playbooks/own.play"]
    );
    let found = references(&here.snapshot, here.file, here.offset, false).expect("a name");
    assert_eq!(found.len(), 1);
}

#[test]
fn a_local_name_is_renamed_with_its_interpolations() {
    let source = about_device(
        "",
        "    let ca|se = ticket.create(title: \"a\", priority: high)\n    ticket.note(case, \"see {case.number}\")",
    );
    let texts = renamed(&[("case.play", &source)], "ticket_of_it").expect("it can be renamed");
    assert!(texts[0].contains("let ticket_of_it = "));
    assert!(texts[0].contains("ticket.note(ticket_of_it, \"see {ticket_of_it.number}\")"));
}

#[test]
fn declarations_parameters_and_members_are_renamed_wherever_they_are_mentioned() {
    let source = own(&OWN.replace("steps contain", "steps con|tain"));
    let texts =
        renamed(&[("own.play", &source), ("caller.play", CALLER)], "isolate").expect("steps");
    assert!(texts[0].contains("steps isolate(device"));
    assert!(texts[1].contains("own.isolate(drift.device"));

    let source = own(&OWN.replace("why: Text", "w|hy: Text"));
    let texts =
        renamed(&[("own.play", &source), ("caller.play", CALLER)], "reason").expect("a parameter");
    assert!(texts[0].contains("reason: Text"));
    assert!(texts[1].contains("reason: \"x\""));

    let source = own(&OWN.replace("== high", "== hi|gh"));
    let texts = renamed(&[("own.play", &source)], "severe").expect("a member");
    // The service still calls it by its old name.
    assert!(
        texts[0].contains("low, severe = \"high\" }"),
        "{}",
        texts[0]
    );
    assert!(texts[0].contains("level == severe"));
}

#[test]
fn what_cannot_be_renamed_says_why() {
    let cases = [
        (
            about_device("", "    intune.sy|nc(drift.device)"),
            "resync",
            "`sync` belongs to the standard library",
        ),
        (
            about_device("", "    let a|a = 1\n    let bb = aa"),
            "bb",
            "`bb` cannot be used here",
        ),
        (
            about_device("", "    let a|a = 1\n    let bb = aa"),
            "drift",
            "`drift` cannot be used here",
        ),
        (
            about_device("", "    let a|a = 1"),
            "let",
            "is a word of the language",
        ),
        (
            about_device("", "    let a|a = 1"),
            "a-b",
            "`a-b` is no name",
        ),
        (
            about_device("", "    let a|a = 1"),
            "Aa",
            "only the names of types",
        ),
        (
            about_device("", "    notify.teams(team.so|c, \"x\")"),
            "sec",
            "counterplay.toml",
        ),
        (
            about_device("", "    let aa = lo|wer(\"X\")"),
            "small",
            "belongs to the language",
        ),
        (
            about_device("", "    let aa = 1 |"),
            "b",
            "nothing here has a name",
        ),
    ];
    for (source, new, why) in cases {
        let refused = renamed(&[("case.play", &source)], new).expect_err(&source);
        assert!(refused.contains(why), "{refused}\nin {source}");
    }
}

#[test]
fn what_can_be_renamed_is_named_before() {
    let source = about_device("", "    let ca|se = 1");
    let here = at(&[("case.play", &source)]);
    let (range, name) = prepare(&here.snapshot, here.file, here.offset).expect("a name");
    assert_eq!(name, "case");
    assert_eq!(&here.text[range], "case");
    assert!(target::at(&here.snapshot, here.file, here.offset).is_some());
}

const GRACE: &str = "use microsoft.intune\n\n/// How long people have.\nparam grace: Duration = 24h\n\nplaybook late \"Late\" {\n  when intune.noncompliant as drift\n  then { intune.sync(drift.device) }\n  escalate after grace { intune.sync(drift.device) }\n}\n\ntest \"t\" of late {\n  given intune.noncompliant from \"a.json\"\n  expect intune.sync at 0s\n}\n";

#[test]
fn a_parameter_is_renamed_in_every_file_and_leads_to_its_declaration() {
    let own = GRACE.replace("after grace", "after gra|ce");
    let other = "use own\nuse microsoft.intune\n\nplaybook b \"B\" {\n  when intune.noncompliant as drift\n  then { wait own.grace }\n}\n";
    let here = at(&[("own.play", &own), ("b.play", other)]);
    let found = definition(&here.snapshot, here.file, here.offset).expect("it is declared");
    assert_eq!(
        found.to.range.start,
        GRACE.find("grace").expect("it is written")
    );
    let texts = renamed(&[("own.play", &own), ("b.play", other)], "time").expect("it can be");
    assert!(
        texts[0].contains("param time: Duration") && texts[0].contains("after time {"),
        "{}",
        texts[0]
    );
    assert!(texts[1].contains("wait own.time"), "{}", texts[1]);
}

#[test]
fn a_test_names_its_playbook() {
    let source = GRACE.replace("of late", "of la|te");
    let texts = renamed(&[("own.play", &source)], "slow").expect("it can be renamed");
    assert!(
        texts[0].contains("playbook slow") && texts[0].contains("of slow {"),
        "{}",
        texts[0]
    );
}

#[test]
fn a_parameter_explains_itself() {
    let source = GRACE.replace("after grace", "after gra|ce");
    let here = at(&[("own.play", &source)]);
    let found = counterplay_lsp::features::hover::hover(&here.snapshot, here.file, here.offset)
        .expect("there is something to say");
    for part in ["grace: Duration = 24h", "How long people have."] {
        assert!(found.text.contains(part), "{}", found.text);
    }
}

#[test]
fn answers_fold_and_guards_and_tests_are_in_the_outline() {
    use counterplay_lsp::features::{folding::folding, symbols::symbols};
    let source = about_device(
        "  if drift.owner is present",
        "    ask \"a\" to drift.owner, within 1h {\n      \"Yes\" {\n        intune.sync(drift.device)\n      }\n      unanswered {\n        end run \"b\"\n      }\n    }",
    ) + "|\nguard \"g\" {\n  limit intune.sync to 2 per 1h per tenant\n}\n\ntest \"t\" {\n  expect never intune.sync\n}\n";
    let here = at(&[("case.play", &source)]);
    let folds: Vec<&str> = folding(&here.snapshot, here.file)
        .iter()
        .map(|fold| here.text[fold.range.clone()].trim())
        .collect();
    for part in [
        "{\n        intune.sync(drift.device)\n      }",
        "{\n        end run \"b\"\n      }",
    ] {
        assert!(folds.contains(&part), "{folds:#?}");
    }
    for head in ["guard", "test"] {
        assert!(
            folds.iter().any(|fold| fold.starts_with(head)),
            "{folds:#?}"
        );
    }
    let names: Vec<String> = symbols(&here.snapshot, here.file)
        .into_iter()
        .map(|symbol| symbol.name)
        .collect();
    for name in ["g", "t"] {
        assert!(
            names.iter().any(|n| n.contains(name) && n.len() <= 3),
            "{names:?}"
        );
    }
}
