//! A gate cannot be walked around: who may answer, whose answers count, and what a yes opens. With the real engine,
//! its store and the sandbox; where a store is tampered with, with the stepper alone.

use counterplay_machine::Program;
use counterplay_machine::deployment::{Absence, Deployment};
use counterplay_machine::duration::{DAY_MS, HOUR_MS};
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::login::needs_login;
use counterplay_machine::state::{Grant, Run};
use counterplay_machine::step::{Context, Effect, Input, NewRun, Transition, Vote, start, step};
use counterplay_machine::{Value, playbook::Playbook};
use counterplay_runtime::engine::Until;
use counterplay_runtime::store::{ApprovalInfo, AuditFilter, RunDetail};
use counterplay_tests::{Bench, actions, project, project_with_warnings};
use serde_json::json;
use std::sync::Arc;

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;
/// A device of the sandbox.
const DEVICE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004";
const OTHER_DEVICE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2001";
/// A person of the sandbox.
const USER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

fn outcome(run: &RunDetail) -> String {
    run.run
        .outcome
        .as_ref()
        .map_or_else(|| run.run.status().name().to_owned(), ToString::to_string)
}

async fn asked(bench: &Bench) -> Vec<ApprovalInfo> {
    bench.engine.store().approvals().await.expect("approvals")
}

async fn only_run(bench: &Bench) -> RunDetail {
    let mut runs = bench.runs().await;
    assert_eq!(runs.len(), 1);
    runs.remove(0)
}

/// What the audit trail says of an action.
async fn audit(bench: &Bench, action: &str) -> Vec<(String, serde_json::Value)> {
    let filter = AuditFilter::default();
    let records = bench.engine.store().audit(filter).await.expect("audit");
    let records = records.items.into_iter().filter(|r| r.action == action);
    records.map(|r| (r.actor, r.detail)).collect()
}

const WIPE: &str = r#"
use microsoft.intune

playbook wipe "Wipe" {
  when manual(device: Device)
  then {
    approve "Wipe {device.name}?" about device, by team.leads, needs 2, within 4h
    intune.wipe(device)
  }
}
"#;

fn away(deployment: &mut Deployment, who: &str, delegate: &str) {
    let absence = Absence {
        from_ms: None,
        until_ms: START_MS + DAY_MS,
        delegate: delegate.into(),
    };
    deployment.away.insert(who.into(), absence);
}

#[tokio::test]
async fn whoever_is_away_is_stood_in_for_by_another_person() {
    let (program, mut deployment) = project(WIPE);
    away(&mut deployment, "dana@example.org", "ana@example.org");
    // Both of them have one delegate: one voice is his, the other stays hers.
    away(&mut deployment, "eli@example.org", "Ana@example.org");
    // Finn's delegate is asked already.
    away(&mut deployment, "finn@example.org", "eli@example.org");
    let bench = Bench::of((program, deployment), START_MS).await;
    bench.start("wipe", json!({ "device": DEVICE })).await;
    bench.settle().await;
    let open = asked(&bench).await.remove(0);
    assert_eq!(
        open.open.eligible,
        ["ana@example.org", "eli@example.org", "finn@example.org"]
    );
    let say = |who: &str| {
        let (engine, id, who) = (bench.engine.clone(), open.id.clone(), who.to_owned());
        async move { engine.vote(&id, &who, true, None).await }
    };
    let refused = say("dana@example.org").await.expect_err("she is away");
    assert!(
        refused.to_string().contains("asked are ana@example.org"),
        "{refused}"
    );
    say("ANA@example.org").await.expect("she stands in");
    bench.settle().await;
    say("ana@example.org")
        .await
        .expect_err("one person, one voice");
    say("finn@example.org").await.expect("another person");
    bench.settle().await;
    let run = only_run(&bench).await;
    assert_eq!(outcome(&run), "completed");
    let voted: Vec<(String, Option<String>)> = run
        .journal
        .iter()
        .filter_map(|e| match &e.what {
            What::Voted { by, instead_of, .. } => Some((by.clone(), instead_of.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(
        voted,
        [
            ("ANA@example.org".into(), Some("dana@example.org".into())),
            ("finn@example.org".into(), None),
        ]
    );
    let recorded = audit(&bench, "approval.voted").await;
    assert!(
        recorded
            .iter()
            .any(|(who, detail)| who == "ANA@example.org"
                && detail["instead_of"] == "dana@example.org"),
        "{recorded:?}"
    );
}

#[tokio::test]
async fn nobody_stands_in_who_may_not_answer_themselves() {
    let (program, mut deployment) = project(WIPE);
    away(&mut deployment, "dana@example.org", "ana@example.org");
    let bench = Bench::of((program, deployment), START_MS).await;
    let values = json!({ "device": DEVICE });
    bench
        .engine
        .start_manual(
            "wipe",
            "contoso",
            values.as_object().cloned().unwrap_or_default(),
            Some("ana@example.org".into()),
        )
        .await
        .expect("started");
    bench.settle().await;
    let open = asked(&bench).await.remove(0);
    assert_eq!(
        open.open.eligible,
        ["dana@example.org", "eli@example.org", "finn@example.org"],
        "Ana started it: Dana, though away, answers herself"
    );
    let refused = bench.engine.vote(&open.id, "ana@example.org", true, None);
    refused.await.expect_err("she started it");
}

#[tokio::test]
async fn an_absence_that_is_over_changes_nothing() {
    let (program, mut deployment) = project(WIPE);
    away(&mut deployment, "dana@example.org", "ana@example.org");
    let bench = Bench::of((program, deployment), START_MS + DAY_MS).await;
    bench.start("wipe", json!({ "device": DEVICE })).await;
    bench.settle().await;
    let open = asked(&bench).await.remove(0);
    assert_eq!(open.open.eligible[0], "dana@example.org");
}

const ESCALATED: &str = r#"
use microsoft.intune
use ticket

playbook wipe "Wipe" {
  when manual(device: Device)
  then {
    approve "Wipe {device.name}?" about device, by team.soc, within 1h {
      approved { intune.wipe(device) }
      rejected { end run "the SOC says no" }
      unanswered {
        approve "The SOC does not answer. Wipe {device.name}?" about device, by team.leads, within 1h {
          approved { intune.wipe(device) }
          rejected { end run "the leads say no" }
          unanswered { ticket.create(title: "Nobody decided", priority: high) }
        }
      }
    }
  }
}
"#;

#[tokio::test]
async fn what_one_team_leaves_unanswered_another_one_decides() {
    let bench = Bench::of(project(ESCALATED), START_MS).await;
    bench.start("wipe", json!({ "device": DEVICE })).await;
    bench.settle().await;
    let first = asked(&bench).await.remove(0);
    assert_eq!(first.open.team.as_deref(), Some("soc"));
    // An hour later.
    while asked(&bench).await.iter().any(|a| a.id == first.id) {
        bench.wait_until(START_MS + HOUR_MS + 1).await;
    }
    let second = asked(&bench).await.remove(0);
    assert_eq!(second.open.team.as_deref(), Some("leads"));
    let late = bench.engine.vote(&first.id, "ana@example.org", true, None);
    late.await.expect_err("her hour is over");
    let wrong = bench.engine.vote(&second.id, "ana@example.org", true, None);
    wrong.await.expect_err("she is no lead");
    bench
        .engine
        .vote(&second.id, "dana@example.org", true, None)
        .await
        .expect("it counts");
    bench.settle().await;
    let run = only_run(&bench).await;
    assert_eq!(outcome(&run), "completed");
    let authority = run.journal.iter().find_map(|e| match &e.what {
        What::Intended { authority, .. } => authority.clone(),
        _ => None,
    });
    assert_eq!(authority.as_deref(), Some("approved by dana@example.org"));
    assert_eq!(audit(&bench, "approval.vote_refused").await.len(), 2);
}

const TWO: &str = r#"
use microsoft.intune

playbook wipe_both "Wipe Both" {
  when manual(first: Device, second: Device)
  then {
    in parallel {
      then {
        approve "Wipe {first.name}?" about first, by team.soc, within 4h {
          approved { intune.wipe(first) }
        }
      }
      then {
        approve "Wipe {second.name}?" about second, by team.soc, within 4h {
          approved { intune.wipe(second) }
        }
      }
    }
  }
}
"#;

#[tokio::test]
async fn two_gates_at_once_in_one_run_never_mix() {
    let bench = Bench::of(project(TWO), START_MS).await;
    let values = json!({ "first": DEVICE, "second": OTHER_DEVICE });
    bench.start("wipe_both", values).await;
    bench.settle().await;
    let open = asked(&bench).await;
    assert_eq!(open.len(), 2);
    // The run alone names neither of them.
    let run = open[0].run.clone();
    let either = bench.engine.vote(&run, "ana@example.org", true, None);
    either.await.expect_err("which one?");
    let first = open
        .iter()
        .find(|a| a.open.about[0].0.ends_with(DEVICE))
        .expect("one about the first device");
    bench
        .engine
        .vote(&first.id, "ana@example.org", true, None)
        .await
        .expect("it counts");
    bench.settle().await;
    let run = only_run(&bench).await;
    assert_eq!(wiped(&run.journal), [DEVICE], "the other one waits");
    let second = asked(&bench).await.remove(0);
    assert_eq!(second.open.votes, []);
    bench
        .engine
        .vote(&second.id, "ana@example.org", false, Some("no".into()))
        .await
        .expect("it counts");
    bench.settle().await;
    let run = only_run(&bench).await;
    assert_eq!(wiped(&run.journal), [DEVICE]);
    assert!(outcome(&run).starts_with("rejected"), "{}", outcome(&run));
}

/// The devices that a run wiped, or meant to.
fn wiped(journal: &[Entry]) -> Vec<String> {
    let ids = journal.iter().filter_map(|e| match &e.what {
        What::Intended { action, args, .. } if &**action == "intune.wipe" => {
            args["device"]["id"].as_str().map(str::to_owned)
        }
        _ => None,
    });
    ids.collect()
}

const SILENCE: &str = r#"
use microsoft.entra
use ticket

playbook open_case "Open a Case" {
  when manual(user: User)
  then {
    approve "Open a case about {user.name}?" about user, by team.soc, within 1h, default approve
    ticket.create(title: "About {user.name}, said {approval.by}", priority: low)
  }
}
"#;

#[tokio::test]
async fn silence_is_a_no_unless_the_playbook_says_otherwise() {
    let bench = Bench::of(project(WIPE), START_MS).await;
    bench.start("wipe", json!({ "device": DEVICE })).await;
    bench.engine.run(Until::AllEnded).await.expect("driven");
    let run = only_run(&bench).await;
    assert!(outcome(&run).starts_with("rejected"), "{}", outcome(&run));
    assert_eq!(actions(&run.journal), Vec::<String>::new());

    let bench = Bench::of(silent(SILENCE), START_MS).await;
    bench.start("open_case", json!({ "user": USER })).await;
    bench.engine.run(Until::AllEnded).await.expect("driven");
    let run = only_run(&bench).await;
    assert_eq!(outcome(&run), "completed");
    assert_eq!(run.run.grants, [], "silence grants nothing");
    assert_eq!(actions(&run.journal).len(), 1);
}

/// A project that is linted: silence that approves is.
fn silent(source: &str) -> (Arc<Program>, Deployment) {
    counterplay_tests::project_with_warnings(source)
}

/// A run at the gate of a playbook and beyond, without an engine: what it was given is changed in between.
struct Gate {
    program: Arc<Program>,
    deployment: Deployment,
    run: Run,
    now_ms: i64,
}

const LATER: &str = r#"
use microsoft.entra

playbook strip "Strip" {
  when manual(user: User, licence: Text)
  then {
    approve "Remove {licence} from {user.name}?" about user, by team.soc, within 4h, valid 3h
    wait 1h
    entra.unassign_licenses(user, licenses: [licence])
  }
}
"#;

impl Gate {
    fn playbook(&self) -> &Playbook {
        &self.program.playbooks[&self.run.playbook]
    }

    fn tell(&mut self, input: Input) -> Transition {
        let (program, deployment) = (self.program.clone(), self.deployment.clone());
        let context = context(&program, &deployment, &self.run.playbook);
        step(context, &mut self.run, input, self.now_ms)
    }

    /// Approved, and waiting for what comes before the action.
    fn approved() -> Gate {
        let (program, deployment) = project(LATER);
        let user = Value::record(
            "microsoft.User",
            [("id", Value::text("u-1")), ("name", Value::text("Ana"))],
        );
        let playbook = &program.playbooks["strip"];
        let slot = |name: &str| {
            let at = playbook.slots.iter().position(|s| &*s.name == name);
            counterplay_machine::expr::Slot(at.expect("a slot") as u32)
        };
        let new = NewRun {
            id: "r-1".into(),
            tenant: TenantFacts::of("contoso", &deployment.tenants["contoso"]),
            started_by: "a test".into(),
            starter: None,
            behind: Vec::new(),
            slots: [(slot("user"), user), (slot("licence"), Value::text("l-1"))].into(),
        };
        let (run, _) = start(context(&program, &deployment, "strip"), new, START_MS);
        let mut gate = Gate {
            program,
            deployment,
            run,
            now_ms: START_MS,
        };
        let approval = gate.run.approvals.keys().next().expect("asked").clone();
        gate.tell(Input::Vote(Vote {
            approval,
            by: "ana@example.org".into(),
            approve: true,
            comment: None,
            answer: None,
            by_link: false,
        }));
        assert_eq!(gate.run.grants.len(), 1);
        gate
    }

    fn grant(&mut self) -> &mut Grant {
        &mut self.run.grants[0]
    }

    /// The wait is over: whether the action is performed, or why not.
    fn on(&mut self) -> Result<(), String> {
        let id = self.run.threads.values().find_map(|t| match &t.waiting {
            counterplay_machine::state::Waiting::Timer { id, .. } => Some(id.clone()),
            _ => None,
        });
        self.now_ms += HOUR_MS;
        let done = self.tell(Input::Timer {
            id: id.expect("it waits"),
        });
        let performs = |e: &Effect| matches!(e, Effect::Perform { .. });
        if done.effects.iter().any(performs) {
            return Ok(());
        }
        let why = done.journal.iter().find_map(|e| match &e.what {
            What::ActionFailed { reason, .. } => Some(reason.clone()),
            _ => None,
        });
        Err(why.unwrap_or_else(|| format!("{:?}", done.journal)))
    }
}

fn context<'a>(program: &'a Program, deployment: &'a Deployment, playbook: &str) -> Context<'a> {
    Context {
        program,
        playbook: &program.playbooks[playbook],
        deployment,
        guards: &program.guards,
        uses: &|_, _, _| 0,
        recalls: None,
    }
}

#[test]
fn the_engine_refuses_what_is_outside_of_what_was_approved() {
    let mut gate = Gate::approved();
    gate.on().expect("as it was approved");

    let mut gate = Gate::approved();
    gate.grant().about = vec!["microsoft.User:u-2".into()];
    assert_eq!(
        gate.on().expect_err("another person"),
        "no approval covers it; it was not performed"
    );

    let mut gate = Gate::approved();
    gate.grant().node += 1;
    assert_eq!(
        gate.on().expect_err("another gate"),
        "no approval covers it; it was not performed"
    );

    let mut gate = Gate::approved();
    gate.run.grants.clear();
    gate.on().expect_err("nobody approved");

    let mut gate = Gate::approved();
    gate.now_ms += 3 * HOUR_MS;
    let again = gate.on().expect_err("too late");
    assert!(
        again.contains("(approved before; that has expired)"),
        "it is asked anew: {again}"
    );

    // The argument that the approver was shown is another one when the action's turn comes.
    let mut gate = Gate::approved();
    let playbook = gate.playbook();
    let licence = playbook.slots.iter().position(|s| &*s.name == "licence");
    let slot = counterplay_machine::expr::Slot(licence.expect("a slot") as u32);
    for thread in gate.run.threads.values_mut() {
        thread.slots.insert(slot, Value::text("l-2"));
    }
    assert_eq!(
        gate.on().expect_err("other arguments"),
        "what was approved had other arguments; it was not performed"
    );
}

const DECIDED_LATER: &str = r#"
use microsoft.entra

playbook strip "Strip" {
  when manual(user: User)
  then {
    approve "Remove the licences of {user.name}?" about user, by team.soc, within 4h
    let manager = entra.manager(user)
    entra.unassign_licenses(user, licenses: [manager?.name ?? "none"])
  }
}
"#;

#[tokio::test]
async fn what_is_decided_later_is_shown_as_that() {
    let bench = Bench::of(project(DECIDED_LATER), START_MS).await;
    bench.start("strip", json!({ "user": USER })).await;
    bench.settle().await;
    let open = asked(&bench).await.remove(0).open;
    assert_eq!(open.known.len(), 1);
    let args = &open.known[0].args;
    assert_eq!(
        args[0].as_ref().map(|a| a.shown["id"].clone()),
        Some(json!(USER))
    );
    assert_eq!(args[1], None, "which one is known once the manager is");
    bench.finish().await;
    let run = only_run(&bench).await;
    let by = run.journal.iter().find_map(|e| match &e.what {
        What::Intended { authority, .. } => authority.clone(),
        _ => None,
    });
    assert_eq!(by.as_deref(), Some("approved by ana@example.org"));
}

const WEIGHTS: &str = r#"
use microsoft.(entra, intune)
use notify

playbook weights "Weights" {
  when manual(user: User, device: Device)
  then {
    approve "light" about user, by team.soc, within 1h { rejected { } }
    notify.email(team.soc, subject: "s", body: "b")
    ask "question" to user, within 1h { "yes" { } "no" { } }
    approve "heavy" about device, by team.soc, within 1h
    notify.email(team.soc, subject: "s", body: "b")
    intune.wipe(device)
  }
}
"#;

#[tokio::test]
async fn only_what_leads_to_no_harm_is_answered_without_a_login() {
    let bench = Bench::of(project(WEIGHTS), START_MS).await;
    let values = json!({ "user": USER, "device": DEVICE });
    bench.start("weights", values).await;
    let playbook = &bench.program.playbooks["weights"];
    let mut seen = Vec::new();
    for _ in 0..3 {
        bench.settle().await;
        let open = asked(&bench).await.remove(0);
        seen.push((
            open.open.question.clone(),
            needs_login(&bench.program, playbook, &open.open),
        ));
        let who = open.open.eligible[0].clone();
        match open.open.answers.first() {
            Some(answer) => {
                bench
                    .engine
                    .answer(&open.id, &who, answer.clone(), None)
                    .await
            }
            None => bench.engine.vote(&open.id, &who, true, None).await,
        }
        .expect("it counts");
    }
    assert_eq!(
        seen,
        [
            ("light".to_owned(), false),
            ("question".to_owned(), false),
            ("heavy".to_owned(), true),
        ]
    );
}

/// One approval each: whether it needs a login is said by its question.
const LEADS: &str = r#"
use microsoft.entra
use notify

event told {
  source: emit
  field user: User = raw.user
}

event told_more {
  source: emit
  field user: User = raw.user
}

guard "One at a time" {
  limit entra.block_sign_in to 1 per 1h, beyond that approve by team.soc within 1h
}

playbook a_no "A no does harm" {
  when manual(user: User)
  then {
    approve "login: a no" about user, by team.soc, within 1h {
      approved { end run "fine" }
      rejected { entra.reset_password(user) }
    }
  }
}

playbook after_a_no "A no goes on to harm" {
  when manual(user: User)
  then {
    approve "login: behind a no" about user, by team.soc, within 1h {
      rejected { }
      unanswered { end run "nobody" }
    }
    entra.reset_password(user)
  }
}

playbook silence "Silence does harm" {
  when manual(user: User)
  then {
    approve "link: only silence" about user, by team.soc, within 1h {
      approved { end run "yes" }
      rejected { end run "no" }
      unanswered { entra.reset_password(user) }
    }
  }
}

playbook silence_later "A yes and then silence" {
  when manual(user: User)
  then {
    approve "login: silence later" about user, by team.soc, within 1h
    approve "more" about user, by team.leads, within 1h {
      approved { end run "yes" }
      unanswered { entra.reset_password(user) }
    }
  }
}

playbook joined "Behind the branches" {
  when manual(user: User)
  then {
    in parallel {
      approve "login: in a branch" about user, by team.soc, within 1h
      notify.email(team.soc, subject: "s", body: "b")
    }
    entra.reset_password(user)
  }
}

playbook failing "A failure does harm" {
  when manual(user: User)
  then {
    approve "login: a failure" about user, by team.soc, within 1h
    notify.email(team.soc, subject: "s", body: "b")
  }
  on failure { entra.reset_password(user) }
}

playbook tells "Another playbook does harm" {
  when manual(user: User)
  then {
    approve "login: another playbook" about user, by team.soc, within 1h
    emit told(user: user)
  }
}

playbook is_told "Does harm" {
  when told as it
  then { entra.reset_password(it.user) }
}

playbook tells_more "Another playbook asks first" {
  when manual(user: User)
  then {
    approve "link: another asks" about user, by team.soc, within 1h
    emit told_more(user: user)
  }
}

playbook is_told_more "Asks first" {
  when told_more as it
  then {
    approve "once more" about it.user, by team.soc, within 1h
    entra.reset_password(it.user)
  }
}

playbook guarded "A guard asks, and a no does harm" {
  when manual(user: User)
  then {
    entra.block_sign_in(user)
    entra.block_sign_in(user) {
      failed { entra.reset_password(user) }
    }
  }
}
"#;

#[tokio::test]
async fn a_no_that_leads_to_harm_needs_a_login_and_so_does_every_other_way() {
    let bench = Bench::of(project_with_warnings(LEADS), START_MS).await;
    let asking = [
        "a_no",
        "after_a_no",
        "silence",
        "silence_later",
        "joined",
        "failing",
        "tells",
        "tells_more",
        "guarded",
    ];
    for playbook in asking {
        bench.start(playbook, json!({ "user": USER })).await;
        bench.settle().await;
        let all = asked(&bench).await;
        let mut here = all.iter().filter(|a| a.playbook == playbook);
        let open = here.next().unwrap_or_else(|| panic!("{playbook} asks"));
        let needs = needs_login(
            &bench.program,
            &bench.program.playbooks[playbook],
            &open.open,
        );
        let expected = playbook == "guarded" || open.open.question.starts_with("login: ");
        assert_eq!(needs, expected, "{}", open.open.question);
    }
}
