//! What is offered at a cursor: a table of places, what has to be among the offers, and what must not.

use crate::support::{about_device, at};
use counterplay_lsp::features::completion::{completion, plain};

/// The labels that are offered at `|`.
fn offers(source: &str) -> Vec<String> {
    let here = at(&[("case.play", source)]);
    completion(&here.snapshot, here.file, here.offset)
        .items
        .into_iter()
        .map(|item| item.label)
        .collect()
}

#[track_caller]
fn offered(source: &str, wanted: &[&str], unwanted: &[&str]) {
    let found = offers(source);
    for label in wanted {
        assert!(
            found.iter().any(|f| f == label),
            "`{label}` is missing among {found:?}\nin {source}"
        );
    }
    for label in unwanted {
        assert!(
            !found.iter().any(|f| f == label),
            "`{label}` is among {found:?}\nin {source}"
        );
    }
}

fn then(line: &str) -> String {
    about_device("  if drift.owner is present", line)
}

#[test]
fn actions_stand_where_steps_do_and_queries_where_values_do() {
    offered(
        &then("    intune.|"),
        &["sync", "wipe"],
        &["is_compliant", "noncompliant"],
    );
    offered(
        &then("    let ok = intune.|"),
        &["sync", "is_compliant"],
        &["noncompliant"],
    );
    offered(
        &then("    if intune.|"),
        &["is_compliant"],
        &["sync", "wipe"],
    );
    offered(
        &then("    attempt |"),
        &["notify.email", "each"],
        &["intune.is_compliant"],
    );
    offered(
        &then("    sy|"),
        &["intune.sync", "let", "approve"],
        &["intune.is_compliant"],
    );
}

#[test]
fn a_module_that_is_not_imported_is_brought_in() {
    let here = at(&[("case.play", &then("    defender.|"))]);
    let found = completion(&here.snapshot, here.file, here.offset);
    assert!(
        found.items.is_empty(),
        "Defender has no action: {:?}",
        found.items
    );
    let source = "use notify\n\nplaybook p \"P\" {\n  when intune.|\n}\n";
    let here = at(&[("case.play", source)]);
    let found = completion(&here.snapshot, here.file, here.offset);
    let item = found
        .items
        .iter()
        .find(|item| item.label == "noncompliant")
        .expect("the event is offered");
    let (range, text) = item.also.clone().expect("its import comes along");
    assert_eq!(text, "\nuse microsoft.intune");
    assert_eq!(&here.text[..range.start], "use notify");
}

#[test]
fn arguments_come_with_their_names_and_required_ones_first() {
    let source = then("    notify.email(drift.owner, |)");
    let here = at(&[("case.play", &source)]);
    let found = completion(&here.snapshot, here.file, here.offset);
    let names: Vec<&str> = found
        .items
        .iter()
        .map(|i| i.label.as_str())
        .filter(|l| l.ends_with(": "))
        .collect();
    assert_eq!(names, ["body: ", "subject: "]);
    offered(
        &then("    ticket.create(title: \"x\", |)"),
        &["priority: ", "team: ", "details: "],
        &["title: "],
    );
    offered(
        &then("    ticket.create(title: \"x\", priority: |)"),
        &["high", "low"],
        &["team: "],
    );
}

#[test]
fn what_is_inserted_has_places_for_the_required_arguments() {
    let here = at(&[("case.play", &then("    entra.block|"))]);
    let found = completion(&here.snapshot, here.file, here.offset);
    let item = found
        .items
        .iter()
        .find(|i| i.label == "block_sign_in")
        .expect("it is offered");
    assert_eq!(item.insert, "block_sign_in(${1:drift.owner})");
    assert_eq!(plain(&item.insert), "block_sign_in(drift.owner)");
    assert_eq!(&here.text[found.replaces.clone()], "block");
}

#[test]
fn fields_by_type() {
    offered(
        &then("    let x = drift.|"),
        &["device", "owner"],
        &["name"],
    );
    offered(
        &then("    let x = drift.device.na|"),
        &["name", "platform"],
        &["owner"],
    );
    offered(&then("    let x = \"{drift.device.|}\""), &["name"], &[]);
    offered(
        &then("    let x = tenant.|"),
        &["name", "domains"],
        &["started"],
    );
    offered(&then("    let x = run.|"), &["id", "started"], &["domains"]);
}

#[test]
fn enum_members_where_one_is_expected() {
    offered(
        &then("    if drift.device.platform == |"),
        &["windows", "ios"],
        &["high"],
    );
    offered(
        &then("    if drift.device.platform == wi|"),
        &["windows"],
        &[],
    );
    offered(
        &about_device("  if drift.device.platform != |", ""),
        &["windows"],
        &[],
    );
}

#[test]
fn teams_tenants_and_groups_come_from_the_project_file() {
    offered(
        &then("    notify.teams(team.|, \"x\")"),
        &["soc", "leads"],
        &[],
    );
    offered(
        &then("    approve \"?\" about drift.device, by |"),
        &["team.soc"],
        &[],
    );
    offered(
        &about_device("  tenants: [\"|\"]", ""),
        &["contoso"],
        &["gold"],
    );
    offered(
        &about_device("  tenants: group \"|\"", ""),
        &["gold"],
        &["contoso"],
    );
    offered(
        "type Leaver {\n  user: User\n}\n\nplaybook p \"P\" {\n  when webhook \"|\" as request: Leaver\n  then { end run }\n}\n",
        &["offboarding"],
        &["contoso"],
    );
    offered(
        "type Leaver {\n  user: User\n}\n\nplaybook p \"P\" {\n  when webhook \"offboarding\" as request: |\n  then { end run }\n}\n",
        &["Leaver"],
        &["contoso"],
    );
    offered(
        "type Leaver {\n  user: User\n}\n\nplaybook p \"P\" {\n  when webhook \"offboarding\" as request: Leaver\n  if request.|\n  then { end run }\n}\n",
        &["user"],
        &["contoso"],
    );
}

#[test]
fn arms_and_cases_that_are_still_missing() {
    offered(
        &then(
            "    approve \"?\" about drift.device, by team.soc {\n      approved { intune.wipe(drift.device) }\n      |\n    }",
        ),
        &["rejected", "unanswered"],
        &["approved", "done", "let"],
    );
    offered(
        &then("    intune.sync(drift.device) {\n      |\n    }"),
        &["done", "failed"],
        &["approved"],
    );
    offered(
        &then(
            "    match drift.device.platform {\n      windows { intune.sync(drift.device) }\n      |\n    }",
        ),
        &["macos", "else", "all missing cases"],
        &["windows"],
    );
    offered(
        &about_device("", "    match drift.owner {\n      |\n    }"),
        &["present", "absent"],
        &["windows"],
    );
}

#[test]
fn heads_settings_and_items() {
    offered("pl|", &["playbook", "use", "action"], &["then"]);
    offered(
        &about_device("  res|", ""),
        &["resolved when", "escalate after"],
        &["when intune", "let"],
    );
    offered(
        &about_device("  mode: |", ""),
        &["active", "simulate", "paused"],
        &["high"],
    );
    offered("use |", &["microsoft.entra", "notify"], &["prelude"]);
    offered("use microsoft.(|)", &["entra", "intune"], &["notify"]);
    offered(
        "playbook p \"P\" {\n  when |\n}\n",
        &["intune.noncompliant", "every day at", "manual", "webhook"],
        &["intune.sync"],
    );
    offered(
        "playbook p \"P\" {\n  when intune.noncompliant as drift\n  escalate |\n}\n",
        &["after"],
        &[],
    );
    offered(
        "action a(user: User) {\n  im|\n}\n",
        &["impact", "request", "undo"],
        &["source", "finds"],
    );
    offered(
        "action a(user: User) {\n  impact: |\n}\n",
        &["destructive", "notify"],
        &[],
    );
    offered(
        "action a(user: |) {\n}\n",
        &["User", "Text", "Device"],
        &["user"],
    );
}

#[test]
fn clauses_follow_values() {
    offered(
        &then("    approve \"?\" about drift.device, by team.soc, |"),
        &["needs", "within", "valid"],
        &["about", "by"],
    );
    offered(
        &then("    approve \"?\" about drift.device |"),
        &["by", "within"],
        &["about"],
    );
    offered(
        &then("    if drift.owner |"),
        &["is present", "is absent"],
        &["drift"],
    );
    offered(&then("    let t = 90d |"), &["ago", "from now"], &[]);
    offered(
        "playbook p \"P\" {\n  when intune.noncompliant as drift\n  escalate after 4h |\n}\n",
        &["unless"],
        &[],
    );
}

#[test]
fn lines_that_cannot_be_read_yet() {
    offered(
        &then("    notify.email(drift.owner, subject: \"x\", body: drift.|"),
        &["device"],
        &[],
    );
    offered(
        &then("    if intune.is_compliant(drift.| {"),
        &["device", "owner"],
        &[],
    );
    offered(
        "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then {\n    intune.sync(drift.|\n\nplaybook q \"Q\" {\n  when intune.noncompliant as drift\n}\n",
        &["device"],
        &[],
    );
    offered(&then("    for each d in drift.|"), &["device"], &[]);
}

#[test]
fn nothing_in_comments_and_plain_texts() {
    assert!(offers(&then("    // intune.|")).is_empty());
    assert!(offers(&then("    let x = \"intune.|\"")).is_empty());
}

#[test]
fn lines_of_guards_and_tests() {
    let guard = offers("guard \"g\" {\n  |\n}\n");
    assert_eq!(guard, ["limit", "protect"]);
    let test = offers("test \"t\" {\n  |\n}\n");
    assert!(test.contains(&"given approval from".to_owned()), "{test:?}");
    assert!(test.contains(&"expect never".to_owned()), "{test:?}");
    assert!(!test.contains(&"let".to_owned()), "{test:?}");
}

#[test]
fn steps_that_ask_wait_undo_and_emit() {
    let found = offers(&then("    |"));
    for word in ["ask", "wait for", "undo", "emit"] {
        assert!(found.contains(&word.to_owned()), "{word}: {found:?}");
    }
}

#[test]
fn parameters_where_their_type_is_wanted() {
    let with = |line: &str| {
        format!(
            "param grace: Duration = 24h\nparam limit: Int = 3\n\n{}",
            then(line)
        )
    };
    let found = offers(&with("    wait |"));
    assert!(found.contains(&"grace".to_owned()), "{found:?}");
    assert!(!found.contains(&"limit".to_owned()), "{found:?}");
    let found = offers(&then("    if |"));
    assert!(found.contains(&"time_of_day".to_owned()), "{found:?}");
}

const CONTAINED: &str = "\nevent contained {\n  source: emit\n  field user: User = raw.user\n}\n";

#[test]
fn undo_offers_what_can_be_taken_back() {
    let bare = ["entra.block_sign_in"];
    offered(
        &then("    undo |"),
        &bare,
        &["intune.sync", "intune.wipe", "and"],
    );
    offered(
        &then("    undo entra.|"),
        &["block_sign_in"],
        &["user", "is_enabled"],
    );
}

#[test]
fn emit_offers_events_that_playbooks_raise() {
    let source = then("    emit |") + CONTAINED;
    offered(&source, &["contained"], &["intune.noncompliant", "and"]);
    let here = at(&[("case.play", &source)]);
    let found = completion(&here.snapshot, here.file, here.offset).items;
    assert_eq!(plain(&found[0].insert), "contained(user: user)");
}

#[test]
fn wait_for_offers_events() {
    offered(
        &then("    wait for |"),
        &["intune.noncompliant"],
        &["intune.sync"],
    );
    offered(
        &then("    wait for intune.|"),
        &["noncompliant"],
        &["sync", "wipe"],
    );
}

#[test]
fn guards_and_tests_name_what_they_are_about() {
    let guard = |line: &str| format!("use microsoft.intune\n\nguard \"g\" {{\n  {line}\n}}\n");
    let test = |line: &str| format!("use microsoft.intune\n\ntest \"t\" {{\n  {line}\n}}\n");
    offered(
        &guard("limit |"),
        &["intune.sync"],
        &["intune.noncompliant", "and"],
    );
    offered(&guard("limit intune.|"), &["sync"], &["is_compliant"]);
    offered(&guard("protect u: User where u.|"), &["id"], &[]);
    offered(
        &test("given |"),
        &[
            "tenant",
            "approval from",
            "intune.noncompliant",
            "intune.is_compliant",
        ],
        &["never", "and"],
    );
    offered(
        &test("given intune.|"),
        &["noncompliant", "sync"],
        &["tenant"],
    );
    offered(
        &test("expect |"),
        &["never", "outcome", "intune.sync"],
        &["intune.is_compliant", "tenant"],
    );
    offered(
        &test("expect never intune.|"),
        &["wipe"],
        &["never", "is_compliant"],
    );
}

#[test]
fn a_test_is_of_a_playbook_and_starts_one() {
    let playbook = then("    intune.sync(drift.device)");
    for line in ["test \"t\" of | {\n}", "test \"t\" {\n  given manual |\n}"] {
        let found = offers(&format!("{playbook}\n{line}\n"));
        assert_eq!(found, ["p"], "{line}");
    }
}

#[test]
fn facts_of_tenant_and_run() {
    offered(
        &then("    let x = tenant.|"),
        &["break_glass", "has"],
        &["steps"],
    );
    offered(&then("    let x = run.|"), &["steps"], &["has"]);
}

#[test]
fn steps_of_an_answer() {
    let ask = |inside: &str| {
        then(&format!(
            "    ask \"a\" to drift.owner, within 1h {{\n      {inside}\n    }}"
        ))
    };
    offered(
        &ask("\"Yes\" {\n        |\n      }"),
        &["ask", "intune.sync"],
        &["unanswered"],
    );
}
