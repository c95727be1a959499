//! A brace too many or too few in one playbook, anywhere: the mistakes in the other playbooks of the file are still
//! told.

use counterplay_compiler::{
    db,
    workspace::{Source, Workspace},
};

const HEAD: &str = "use microsoft.(identity, intune, entra)\nuse notify, ticket\n\n";

/// Three playbooks, each with a mistake of its own that only the checker can see.
const PLAYBOOKS: [&str; 3] = [
    r#"/// Contain it.
playbook first "First" {
  mode: active
  when identity.risk_detected as risk
  if risk.level >= high

  then {
    entra.blok_sign_in(risk.user)
    let case = ticket.create(title: "About {risk.user.name}", priority: high) {
      failed { end run "no ticket: {failure.reason}" }
    }
    notify.email(team.soc, subject: "x", body: "Ticket {case.number}")
  }

  escalate after 4h { notify.email(team.soc, subject: "y", body: "z") }
}
"#,
    r#"playbook second "Second" {
  when intune.noncompliant as drift
  if drift.owner is present

  then {
    if drift.owner.kind == guest {
      intune.snyc(drift.device)
    } else if drift.device.platform == windows {
      in parallel {
        intune.sync(drift.device)
        then { notify.email(drift.owner, subject: "a", body: "b") }
      }
    } else { wait 4h }
    match drift.owner.kind {
      guest { attempt intune.sync(drift.device) }
      else { }
    }
  }
  on failure { notify.email(team.soc, subject: "c", body: "d") }
}
"#,
    r#"// The last of them.
playbook third "Third" {
  when manual(device: Device, reason: Text)

  then {
    approve "Wipe {device.name}?" about device, by team.soc, within 4h {
      approved { intune.wipe(device) }
      rejected { notify.emial(team.soc, subject: "e", body: reason) }
    }
  }
}
"#,
];

/// What tells each mistake.
const MISTAKES: [&str; 3] = ["`blok_sign_in`", "`snyc`", "`emial`"];

struct Project(Workspace);

impl Project {
    fn new() -> Project {
        Project(Workspace::new(Vec::new(), None))
    }

    /// Everything that is found in a file.
    fn messages(&mut self, text: String) -> Vec<String> {
        self.0.set_text(Source {
            path: "case.play".into(),
            module: "case".into(),
            text,
        });
        let file = self.0.file("case.play").expect("it was put there");
        let found = db::file_findings(&self.0.db, self.0.project, file);
        found.iter().map(|found| found.message.clone()).collect()
    }

    /// Puts one playbook's text in its place; every mistake of the others is told.
    #[track_caller]
    fn others_are_told(&mut self, damaged: usize, text: &str) {
        let mut playbooks = PLAYBOOKS;
        playbooks[damaged] = text;
        let whole = format!("{HEAD}{}", playbooks.join("\n"));
        let found = self.messages(whole.clone());
        for (other, mistake) in MISTAKES.iter().enumerate() {
            let told = found.iter().any(|message| message.contains(mistake));
            assert!(
                told || other == damaged,
                "{mistake} is not told of\n{whole}\n{found:#?}"
            );
        }
    }
}

#[test]
fn each_mistake_is_told_where_no_brace_is_wrong() {
    let found = Project::new().messages(format!("{HEAD}{}", PLAYBOOKS.join("\n")));
    assert_eq!(found.len(), 3, "{found:#?}");
    for mistake in MISTAKES {
        assert!(found.iter().any(|message| message.contains(mistake)));
    }
}

#[test]
fn a_brace_too_many() {
    let mut project = Project::new();
    for (index, playbook) in PLAYBOOKS.iter().enumerate() {
        for at in 0..=playbook.len() {
            for brace in ["{", "}"] {
                let text = format!("{}{brace}{}", &playbook[..at], &playbook[at..]);
                project.others_are_told(index, &text);
            }
        }
    }
}

#[test]
fn a_brace_too_few() {
    let mut project = Project::new();
    for (index, playbook) in PLAYBOOKS.iter().enumerate() {
        for (at, _) in playbook.match_indices(['{', '}']) {
            let text = format!("{}{}", &playbook[..at], &playbook[at + 1..]);
            project.others_are_told(index, &text);
        }
    }
}

#[test]
fn a_brace_moved_to_another_line() {
    let mut project = Project::new();
    for (index, playbook) in PLAYBOOKS.iter().enumerate() {
        for (at, brace) in playbook.match_indices(['{', '}']) {
            let without = format!("{}{}", &playbook[..at], &playbook[at + 1..]);
            for (line, _) in without.match_indices('\n') {
                let text = format!("{}{brace}{}", &without[..line], &without[line..]);
                project.others_are_told(index, &text);
            }
        }
    }
}
