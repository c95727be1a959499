//! When each stage comes, and types that were inferred.

use crate::support::at;
use counterplay_lsp::features::hints::hints;

#[test]
fn stages_say_when_they_come() {
    let source = r#"|use microsoft.(intune, entra)
use ticket

playbook p "P" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    let case = ticket.create(title: "x", priority: high)
    approve "Sure?" about drift.device, by team.soc, within 7d
  }
  wait 30d
  then { wait until intune.is_compliant(drift.device), at most 2h }
  escalate after 40d unless ticket.is_acknowledged(case) { entra.block_sign_in(drift.owner) }
  escalate after 41d { ticket.note(case, "still") }
}
"#;
    let here = at(&[("case.play", source)]);
    let found = hints(&here.snapshot, here.file, &(0..here.text.len()));
    let mut shown = String::new();
    let mut last = 0;
    for hint in &found {
        shown.push_str(&here.text[last..hint.at]);
        shown.push_str(&format!("‹{}›", hint.label));
        last = hint.at;
    }
    shown.push_str(&here.text[last..]);
    insta::assert_snapshot!(shown);
}

#[test]
fn questions_and_events_take_their_time_and_parameters_leave_it_open() {
    let source = r#"|use microsoft.(intune, entra)

param grace: Duration = 24h

playbook p "P" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    ask "Was this you?" to drift.owner, within 1h {
      "Yes" { wait 2h }
      unanswered { }
    }
    wait for intune.noncompliant as later where later.device.id == drift.device.id, at most 3h
  }
  escalate after 10h { intune.sync(drift.device) }
  escalate after grace { intune.sync(drift.device) }
  escalate after 40d { intune.sync(drift.device) }
}
"#;
    let here = at(&[("case.play", source)]);
    let labels: Vec<String> = hints(&here.snapshot, here.file, &(0..here.text.len()))
        .into_iter()
        .filter(|hint| !hint.is_type)
        .map(|hint| hint.label)
        .collect();
    assert_eq!(
        labels,
        [
            "at the start",
            "level 1, 10h after the start",
            "level 2, 10h or more after the start",
            "level 3, 40d or more after the start",
        ]
    );
}
