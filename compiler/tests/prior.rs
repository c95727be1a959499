//! `before:` and `undo:` of an action: what the checker compiles them to, and what it says about mistakes.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::expr::Expr;
use std::sync::Arc;

const LIBRARY: &str = r#"
connection wall {
  base: "https://firewall.example.org"
  auth: bearer
  reversible: POST "/zones/*"
}

type Zone {
  id: Text
}

query zone_of(device: Device) -> Zone? {
  request: wall.get("/devices/{device.id}/zone")
  on 404: absent
  returns: Zone(id: body.zone)
}

action move(device: Device, zone: Text) {
  impact: reversible
  request: wall.post("/zones/{device.id}", json: { zone: zone })
}
"#;

fn workspace(action: &str) -> (String, Workspace) {
    let text = format!("{}{action}", LIBRARY.trim_start());
    let source = Source {
        path: "case.play".into(),
        module: "case".into(),
        text: text.clone(),
    };
    (text, Workspace::new(vec![source], None))
}

/// The action and what is found in it.
fn findings(action: &str) -> String {
    let (_, workspace) = workspace(action);
    let compiled = workspace.compile();
    format!(
        "{}\n---\n{}",
        action.trim(),
        workspace.render(&compiled.diagnostics, false)
    )
}

#[test]
fn what_was_there_before_is_an_argument_of_what_undoes_it() {
    let (_, workspace) = workspace(
        r#"
action isolate(device: Device) {
  impact: reversible
  before: zone_of(device)
  undo: move(device, zone: before?.id ?? "none")
  request: wall.post("/zones/{device.id}", json: { zone: "isolated" })
}
"#,
    );
    let compiled = workspace.compile();
    assert_eq!(workspace.render(&compiled.diagnostics, false), "");
    let action = &compiled.program.callables["case.isolate"];
    let before = action.before.as_ref().expect("it has a query");
    assert_eq!(&*before.query, "case.zone_of");
    assert_eq!(before.args, [Expr::Slot(action.params[0].slot)]);
    let (undo, args) = action.undo.as_ref().expect("it can be undone");
    assert_eq!(&**undo, "case.move");
    let mut used = false;
    args[1].walk(&mut |e| used |= *e == Expr::Slot(before.slot));
    assert!(used, "{args:?}");
    let text = serde_json::to_string(action).expect("it is plain data");
    let read: counterplay_machine::declare::Callable =
        serde_json::from_str(&text).expect("it can be read again");
    assert_eq!(read, *action);
}

#[test]
fn a_text_says_why_nothing_undoes_it() {
    let (_, workspace) = workspace(
        r#"
action erase(device: Device) {
  impact: reversible
  undo: "what was erased stays erased"
  request: wall.post("/zones/{device.id}", json: { zone: "none" })
}
"#,
    );
    let compiled = workspace.compile();
    assert_eq!(workspace.render(&compiled.diagnostics, false), "");
    let action = &compiled.program.callables["case.erase"];
    assert_eq!(action.undo, None);
    let why: Option<Arc<str>> = Some(Arc::from("what was erased stays erased"));
    assert_eq!(action.lasting, why);
}

#[test]
fn before_is_one_query() {
    insta::assert_snapshot!(findings(
        r#"
action isolate(device: Device) {
  impact: reversible
  before: zone_of(device) is present
  undo: move(device, zone: "none")
  request: wall.post("/zones/{device.id}", json: { zone: "isolated" })
}
"#
    ));
}

#[test]
fn what_was_there_before_has_the_type_of_the_query() {
    insta::assert_snapshot!(findings(
        r#"
action isolate(device: Device) {
  impact: reversible
  before: zone_of(device)
  undo: move(device, zone: before.id)
  request: wall.post("/zones/{device.id}", json: { zone: "isolated" })
}
"#
    ));
}

#[test]
fn without_the_line_there_is_no_before() {
    insta::assert_snapshot!(findings(
        r#"
action isolate(device: Device) {
  impact: reversible
  undo: move(device, zone: before)
  request: wall.post("/zones/{device.id}", json: { zone: "isolated" })
}
"#
    ));
}

#[test]
fn a_playbook_does_not_know_what_was_there_before() {
    insta::assert_snapshot!(findings(
        r#"
action isolate(device: Device) {
  impact: reversible
  before: zone_of(device)
  undo: move(device, zone: before?.id ?? "none")
  request: wall.post("/zones/{device.id}", json: { zone: "isolated" })
}

playbook p "P" {
  when manual(device: Device)

  then {
    isolate(device)
    wait 1h
    undo isolate(device)
  }
}
"#
    ));
}
