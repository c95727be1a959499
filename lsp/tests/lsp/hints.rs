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
