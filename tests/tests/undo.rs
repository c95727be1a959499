//! A run is taken back: what it changed in the outside is as before, what cannot be is told, and nothing is overwritten
//! that somebody else has changed or needs.

use counterplay_cli::sandboxed;
use counterplay_machine::journal::What;
use counterplay_machine::state::Outcome;
use counterplay_runtime::clock::VirtualClock;
use counterplay_runtime::connect::{Connectors, MasterKey};
use counterplay_runtime::engine::{Engine, EngineOptions, Ids, Until};
use counterplay_runtime::store::{Crash, RunDetail, RunFilter, Store, StoreOptions, UndoRefused};
use counterplay_runtime::undo::PLAYBOOK;
use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox, Tenant, User};
use counterplay_tests::{Bench, actions, project, project_with, root};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Arc;

/// 20 November 2026, 08:00 UTC.
const NOW_MS: i64 = 1_795_161_600_000;
const PRIYA: &str = "priya.raman@contoso.example";
const PRIYA_ID: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

/// Somebody's access ends: every action of it can be taken back.
const LEAVES: &str = r#"use microsoft.(entra, exchange)

playbook leaves "Leaves" {
  when manual(user: User)

  then {
    entra.block_sign_in(user)
    approve "May the licences and rules go?" about user, by team.leads, within 1h, valid 1h
    entra.remove_licenses(user)
    for each rule in exchange.rules(user), refuse more than 20 {
      exchange.delete_rule(user, rule)
    }
  }
}

playbook contain "Contain" {
  when manual(user: User)

  then {
    entra.block_sign_in(user)
  }
}

playbook look "Look" {
  when manual(user: User)

  then {
    entra.block_sign_in(user)
    wait 1h
    undo entra.block_sign_in(user)
  }
}
"#;

fn priya(tenant: &Tenant) -> User {
    tenant.user(PRIYA).expect("Priya").clone()
}

/// An account as far as an undoing promises it: a rule that was deleted comes back with another id.
fn as_promised(mut user: User) -> User {
    for rule in user.mailbox.iter_mut().flat_map(|m| &mut m.message_rules) {
        rule.id = String::new();
    }
    if let Some(mailbox) = &mut user.mailbox {
        mailbox.message_rules.sort_by_key(|r| r.sequence);
    }
    user
}

async fn run_of(bench: &Bench, playbook: &str) -> RunDetail {
    let runs = bench.runs().await;
    let found = runs.into_iter().find(|r| r.info.playbook == playbook);
    found.unwrap_or_else(|| panic!("there is no run of {playbook}"))
}

/// The latest run that undoes another one.
async fn undoing(bench: &Bench) -> RunDetail {
    run_of(bench, PLAYBOOK).await
}

/// Starts a playbook for Priya and lets it end; its run's id.
async fn act(bench: &Bench, playbook: &str) -> String {
    bench.start(playbook, json!({ "user": PRIYA_ID })).await;
    bench.finish().await;
    let run = run_of(bench, playbook).await;
    assert_eq!(
        run.run.outcome,
        Some(Outcome::Completed),
        "{:?}",
        run.journal
    );
    run.info.id
}

/// Asks for an undoing; whoever may approve does. How the run of it ended.
async fn undo(bench: &Bench, run: &str) -> RunDetail {
    bench
        .engine
        .undo(run, "gil@example.org", None)
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    bench.finish().await;
    undoing(bench).await
}

/// What is asked now; everything else is settled.
async fn asked(bench: &Bench) -> Vec<(String, String)> {
    bench
        .engine
        .run(Until::Asked)
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    let approvals = bench.engine.store().approvals().await.expect("approvals");
    approvals
        .into_iter()
        .map(|a| (a.id, a.open.question))
        .collect()
}

/// The plan as its reader sees it.
async fn plan(bench: &Bench, run: &str) -> String {
    let plan = bench
        .engine
        .undo_plan(run)
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    let mut out = String::new();
    for lasting in &plan.cannot {
        out.push_str(&format!("cannot  {}: {}\n", lasting.call, lasting.why));
    }
    for lasting in &plan.nothing {
        out.push_str(&format!("nothing {}: {}\n", lasting.call, lasting.why));
    }
    for step in &plan.steps {
        let doubt = step.doubt.as_ref();
        out.push_str(&format!(
            "undo    {} with {}{}\n",
            step.call,
            step.undo_call,
            doubt.map_or_else(String::new, |d| format!("; asks: {d}"))
        ));
    }
    out
}

/// Gil asks for a run to be undone; the leads are to agree.
async fn ask_for_undo(bench: &Bench, run: &str) {
    let wish = bench
        .engine
        .undo(run, "gil@example.org", Some("leads".into()));
    wish.await.unwrap_or_else(|e| panic!("{e}"));
}

#[tokio::test]
async fn what_can_be_taken_back_is_as_before() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    // One of her licences has a service plan that is off: that comes back with it.
    bench.sandbox.update(|tenant| {
        let off = tenant.skus.iter().find_map(|(id, sku)| {
            Some((
                id.clone(),
                sku.service_plans.first()?.service_plan_id.clone(),
            ))
        });
        let (sku, plan) = off.expect("a product with a plan");
        let user = tenant.user_mut(PRIYA).expect("Priya");
        for held in &mut user.assigned_licenses {
            if held.sku_id == sku {
                held.disabled_plans = vec![plan.clone()];
            }
        }
    });
    let before = bench.sandbox.state();
    let run = act(&bench, "leaves").await;
    let between = priya(&bench.sandbox.state());
    assert!(!between.account_enabled);
    assert!(between.assigned_licenses.is_empty());
    let rules = |user: &User| {
        let rules = user.mailbox.iter().flat_map(|m| &m.message_rules);
        rules.filter(|r| !r.hidden).count()
    };
    assert!(rules(&between) == 0 && rules(&priya(&before)) > 0);
    insta::assert_snapshot!(
        "what_can_be_taken_back_is_planned",
        plan(&bench, &run).await
    );

    let undone = undo(&bench, &run).await;
    assert_eq!(
        undone.run.outcome,
        Some(Outcome::Completed),
        "{:?}",
        undone.journal
    );
    let after = bench.sandbox.state();
    assert_eq!(as_promised(priya(&after)), as_promised(priya(&before)));
    for (id, user) in &before.users {
        if user.user_principal_name != PRIYA {
            assert_eq!(after.users.get(id), Some(user), "nobody else was touched");
        }
    }
    let order = actions(&undone.journal);
    assert!(
        order[0].starts_with("exchange.create_rule"),
        "newest first: {order:?}"
    );
    assert!(
        order
            .last()
            .expect("one")
            .starts_with("entra.unblock_sign_in")
    );
    let started = &undone.run.started_by;
    assert_eq!(*started, format!("undo of {run}, by gil@example.org"));
    let approved = undone
        .journal
        .iter()
        .any(|e| matches!(&e.what, What::ApprovalAsked { eligible, .. } if eligible.len() == 3));
    assert!(approved, "the team that approved in the run is asked");
    let (wishes, _) = bench
        .engine
        .store()
        .undoings_of(&run)
        .await
        .expect("wishes");
    assert_eq!(wishes[0].run.as_deref(), Some(undone.info.id.as_str()));
    let (_, of) = bench
        .engine
        .store()
        .undoings_of(&undone.info.id)
        .await
        .expect("a link");
    assert_eq!(of.as_deref(), Some(run.as_str()));

    // Once is enough, and an undoing is no response.
    let again = bench.engine.undo(&run, "gil@example.org", None).await;
    assert_eq!(
        again,
        Err(UndoRefused::Nothing {
            run: run.clone(),
            by: Some(undone.info.id.clone())
        })
    );
    let of_undoing = bench
        .engine
        .undo(&undone.info.id, "gil@example.org", None)
        .await;
    assert_eq!(of_undoing, Err(UndoRefused::IsUndo(undone.info.id)));
}

#[tokio::test]
async fn the_shipped_response_to_a_compromised_account() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let before = priya(&bench.sandbox.state());
    let path = root().join("examples/shipped-responses/events/risk-detection.json");
    let event: Json =
        serde_json::from_slice(&std::fs::read(path).expect("an event")).expect("JSON");
    bench.accept(event).await;
    bench.finish().await;
    let run = run_of(&bench, "compromised_user").await.info.id;
    insta::assert_snapshot!("a_compromised_account_is_planned", plan(&bench, &run).await);
    bench
        .engine
        .undo(&run, "gil@example.org", Some("soc".into()))
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    bench.finish().await;
    let undone = undoing(&bench).await;
    assert_eq!(
        undone.run.outcome,
        Some(Outcome::Completed),
        "{:?}",
        undone.journal
    );
    let after = priya(&bench.sandbox.state());
    assert!(before.account_enabled && after.account_enabled);
    assert_eq!(
        after.password_changes,
        before.password_changes + 1,
        "told, and left"
    );
}

#[tokio::test]
async fn an_account_that_was_disabled_before_is_not_enabled() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    bench.sandbox.update(|tenant| {
        tenant.user_mut(PRIYA).expect("Priya").account_enabled = false;
    });
    let run = act(&bench, "contain").await;
    insta::assert_snapshot!(
        "an_account_that_was_disabled_is_planned",
        plan(&bench, &run).await
    );
    let refused = bench
        .engine
        .undo(&run, "gil@example.org", Some("soc".into()))
        .await;
    assert_eq!(refused, Err(UndoRefused::Nothing { run, by: None }));
    bench.settle().await;
    assert!(!priya(&bench.sandbox.state()).account_enabled);
}

#[tokio::test]
async fn what_somebody_changed_since_is_asked_about() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    let run = act(&bench, "contain").await;
    bench.sandbox.update(|tenant| {
        tenant.user_mut(PRIYA).expect("Priya").account_enabled = true;
    });
    ask_for_undo(&bench, &run).await;
    let first = asked(&bench).await;
    assert_eq!(first.len(), 1);
    assert_eq!(
        first[0].1,
        format!("Undo what run {run} (“Contain”) did: 1 action?")
    );
    bench
        .engine
        .vote(&first[0].0, "dana@example.org", true, None)
        .await
        .expect("a vote");
    let second = asked(&bench).await;
    assert_eq!(
        second[0].1,
        "Take back entra.block_sign_in(Priya Raman) with entra.unblock_sign_in(Priya Raman) all the same? In doubt because it is no longer as the run left it: that was false, and it is true"
    );
    let calls = bench.sandbox.requests().len();
    bench
        .engine
        .vote(&second[0].0, "eli@example.org", false, None)
        .await
        .expect("a vote");
    bench.finish().await;
    assert_eq!(
        bench.sandbox.requests().len(),
        calls,
        "nothing was sent after the no"
    );
    assert_eq!(undoing(&bench).await.run.outcome, Some(Outcome::Completed));
}

#[tokio::test]
async fn another_run_that_needs_it_is_asked_about() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    let run = act(&bench, "contain").await;
    let other = act(&bench, "leaves").await;
    let text = plan(&bench, &run).await;
    assert!(
        text.contains(&format!("asks: run {other} did something to the same")),
        "{text}"
    );
    ask_for_undo(&bench, &run).await;
    for (id, _) in asked(&bench).await {
        bench
            .engine
            .vote(&id, "dana@example.org", true, None)
            .await
            .expect("a vote");
    }
    let second = asked(&bench).await;
    assert!(second[0].1.contains(&other), "{second:?}");
    // Nobody answers: she stays contained, and the rest of the undoing goes on.
    bench.engine.run(Until::Asked).await.expect("it runs");
    bench
        .engine
        .vote(&second[0].0, "dana@example.org", false, None)
        .await
        .expect("a vote");
    bench.finish().await;
    assert!(!priya(&bench.sandbox.state()).account_enabled);
    // What was left alone can be taken back later: when the other run is undone, nobody needs it.
    let undone = undo(&bench, &other).await;
    assert_eq!(undone.run.outcome, Some(Outcome::Completed));
    let undone = {
        bench
            .engine
            .undo(&run, "gil@example.org", Some("leads".into()))
            .await
            .expect("again");
        for (id, _) in asked(&bench).await {
            bench
                .engine
                .vote(&id, "dana@example.org", true, None)
                .await
                .expect("a vote");
        }
        bench.finish().await;
        undoing(&bench).await
    };
    assert_eq!(undone.run.outcome, Some(Outcome::Completed));
    assert!(priya(&bench.sandbox.state()).account_enabled);
}

#[tokio::test]
async fn an_earlier_run_that_somebody_has_lifted_needs_nothing_any_more() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    let earlier = act(&bench, "leaves").await;
    bench.sandbox.update(|tenant| {
        tenant.user_mut(PRIYA).expect("Priya").account_enabled = true;
    });
    let run = act(&bench, "contain").await;
    let text = plan(&bench, &run).await;
    assert!(!text.contains("asks"), "{text}");
    // The other way round it is needed: she is contained for the later one.
    let text = plan(&bench, &earlier).await;
    assert!(text.contains(&format!("asks: run {run}")), "{text}");
}

#[tokio::test]
async fn what_the_run_took_back_itself_is_left_alone() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    let run = act(&bench, "look").await;
    assert!(priya(&bench.sandbox.state()).account_enabled);
    insta::assert_snapshot!(
        "what_the_run_took_back_is_planned",
        plan(&bench, &run).await
    );
    let refused = bench.engine.undo(&run, "gil@example.org", None).await;
    assert_eq!(refused, Err(UndoRefused::Nothing { run, by: None }));
}

/// A service that answers with this and does nothing.
fn answers(status: u16) -> FaultKind {
    FaultKind::Status {
        status,
        code: "Odd".into(),
        message: "It is an odd day.".into(),
    }
}

#[tokio::test]
async fn what_was_accepted_and_not_confirmed_is_asked_about() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    let look = Fault::new("accountEnabled", answers(404)).on("GET");
    bench.sandbox.inject(look.times(u32::MAX));
    bench.start("contain", json!({ "user": PRIYA_ID })).await;
    bench.finish().await;
    let first = run_of(&bench, "contain").await;
    let ended = first.run.outcome.as_ref().map(ToString::to_string);
    assert!(
        ended.is_some_and(|e| e.contains("accepted, but not confirmed within 2m")),
        "{:?}",
        first.journal
    );
    assert!(!priya(&bench.sandbox.state()).account_enabled);
    let first = first.info.id;
    assert_eq!(
        plan(&bench, &first).await,
        "undo    entra.block_sign_in(Priya Raman) with entra.unblock_sign_in(Priya Raman); asks: whether it was done is not known\n"
    );

    // It may be wanted by whoever asked for it: what another run did to the same is asked about for that.
    bench.sandbox.clear_faults();
    bench.sandbox.update(|tenant| {
        tenant.user_mut(PRIYA).expect("Priya").account_enabled = true;
    });
    bench.start("look", json!({ "user": PRIYA_ID })).await;
    bench.settle().await;
    let look = run_of(&bench, "look").await.info.id;
    bench
        .engine
        .cancel(&look, "gil@example.org")
        .await
        .expect("cancelled");
    bench.settle().await;
    let other = plan(&bench, &look).await;
    assert!(
        other.contains(&format!("run {first} did something to the same")),
        "{other}"
    );

    // People say that it is to be taken back.
    ask_for_undo(&bench, &first).await;
    bench.finish().await;
    let undone = undoing(&bench).await;
    assert_eq!(undone.run.outcome, Some(Outcome::Completed));
    assert!(priya(&bench.sandbox.state()).account_enabled);
    assert!(plan(&bench, &first).await.starts_with("nothing"));
}

#[tokio::test]
async fn what_may_have_been_done_and_cannot_be_taken_back_is_told() {
    let text = r#"use microsoft.entra

playbook reset "Reset" {
  when manual(user: User)
  then {
    without approval because "this is a test" { entra.reset_password(user) }
  }
}
"#;
    let bench = Bench::of(project(text), NOW_MS).await;
    let said = "cannot  entra.reset_password(Priya Raman): it is not known whether it was carried out; if it was: nobody but the person knows the password that was there before\n";
    let run = async |kind: FaultKind| {
        bench
            .sandbox
            .inject(Fault::new("/users/", kind).on("PATCH"));
        bench.start("reset", json!({ "user": PRIYA_ID })).await;
        bench.settle().await;
        let run = run_of(&bench, "reset").await;
        (run.info.id, run.run.outcome)
    };
    // Its answer was lost, and the run was ended before anybody looked.
    let (held, none) = run(FaultKind::DropAfter).await;
    assert_eq!(none, None);
    bench
        .engine
        .cancel(&held, "gil@example.org")
        .await
        .expect("cancelled");
    bench.settle().await;
    assert_eq!(plan(&bench, &held).await, said);
    // A refusal is one.
    let (refused, ended) = run(answers(403)).await;
    assert!(matches!(ended, Some(Outcome::Failed(_))));
    assert_eq!(plan(&bench, &refused).await, "");
}

#[tokio::test]
async fn what_is_not_as_before_has_not_been_undone() {
    let text = r#"use microsoft.exchange

playbook quiet "Quiet" {
  when manual(user: User)
  then {
    for each rule in exchange.rules(user), refuse more than 20 {
      exchange.disable_rule(user, rule)
    }
  }
}
"#;
    let bench = Bench::of(project(text), NOW_MS).await;
    let before = priya(&bench.sandbox.state());
    let run = act(&bench, "quiet").await;
    let wanted = plan(&bench, &run).await;
    let rules = wanted.lines().filter(|l| l.starts_with("undo ")).count();
    assert!(rules > 0, "{wanted}");

    // The service says yes, and does nothing.
    let nothing = Fault::new("messageRules", answers(200)).on("PATCH");
    bench.sandbox.inject(nothing.times(rules as u32));
    let ask = || {
        bench
            .engine
            .undo(&run, "gil@example.org", Some("leads".into()))
    };
    ask().await.unwrap_or_else(|e| panic!("{e}"));
    bench.finish().await;
    let undone = undoing(&bench).await;
    assert_eq!(undone.run.outcome, Some(Outcome::CompletedWithFailures));
    let failed = undone.journal.iter().filter(|e| {
        matches!(&e.what, What::ActionFailed { reason, .. }
            if reason == "accepted, but not as before within 2m: it was true, and it is false")
    });
    assert_eq!(failed.count(), rules, "{:#?}", undone.journal);
    assert_eq!(plan(&bench, &run).await, wanted, "all of it is left to do");

    // The next wish does it.
    ask().await.unwrap_or_else(|e| panic!("{e}"));
    bench.finish().await;
    assert_eq!(priya(&bench.sandbox.state()), before);
    assert!(!plan(&bench, &run).await.contains("undo "));
}

#[tokio::test]
async fn an_account_that_was_enabled_is_disabled_again() {
    let text = r#"use microsoft.entra

playbook open "Open" {
  when manual(user: User)
  then { entra.enable(user) }
}
"#;
    // Whether people are asked for leave or not.
    for more in [
        "[undo]\nteam = \"leads\"\n",
        "[undo]\nteam = \"leads\"\nask = false\n",
    ] {
        let bench = Bench::of(project_with(text, more), NOW_MS).await;
        bench.sandbox.update(|tenant| {
            tenant.user_mut(PRIYA).expect("Priya").account_enabled = false;
        });
        let run = act(&bench, "open").await;
        assert!(priya(&bench.sandbox.state()).account_enabled);
        let undone = undo(&bench, &run).await;
        assert_eq!(
            undone.run.outcome,
            Some(Outcome::Completed),
            "{:?}",
            undone.journal
        );
        assert!(!priya(&bench.sandbox.state()).account_enabled);
    }
}

#[tokio::test]
async fn whom_nobody_can_ask_is_told_before_anything_begins() {
    let refused = async |more: &str, by: &str, team: Option<&str>| {
        let bench = Bench::of(project_with(LEAVES, more), NOW_MS).await;
        let run = act(&bench, "contain").await;
        let asked = bench.engine.undo(&run, by, team.map(str::to_owned)).await;
        bench.settle().await;
        let runs = bench.runs().await;
        assert!(
            runs.iter().all(|r| r.info.playbook != PLAYBOOK),
            "nothing begins"
        );
        match asked {
            Err(UndoRefused::NoLeave { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        refused("[undo]\nteam = \"leads\"\n", "gil@example.org", Some("soc")).await,
        "counterplay.toml says that `leads` is asked (`[undo] team`), and not `soc`: name no team, or change that"
    );
    assert_eq!(
        refused("", "gil@example.org", Some("nope")).await,
        "there is no team `nope`; the teams are leads, soc"
    );
    assert_eq!(
        refused("", "gil@example.org", None).await,
        "nobody says who is asked: name a team, or add `[undo] team = \"…\"` to counterplay.toml"
    );
    let alone = refused("[undo]\nneeds = 2\n", "ana@example.org", Some("soc")).await;
    assert!(
        alone.contains("needs 2 people and only 1 may answer") && alone.ends_with("be less"),
        "{alone}"
    );
}

#[tokio::test]
async fn without_leave_nothing_is_taken_back() {
    let bench = Bench::of(project(LEAVES), NOW_MS).await;
    let run = act(&bench, "leaves").await;
    let gone = bench.sandbox.state();
    // Whoever asks for it is no approver of it.
    bench
        .engine
        .undo(&run, "dana@example.org", None)
        .await
        .expect("a wish");
    let open = bench.engine.undo(&run, "eli@example.org", None).await;
    assert!(
        matches!(open, Err(UndoRefused::UnderWay { .. })),
        "{open:?}"
    );
    let first = asked(&bench).await;
    let own = bench
        .engine
        .vote(&first[0].0, "dana@example.org", true, None)
        .await;
    assert!(own.is_err(), "{own:?}");
    bench
        .engine
        .vote(&first[0].0, "eli@example.org", false, None)
        .await
        .expect("a vote");
    bench.finish().await;
    let rejected = undoing(&bench).await;
    assert!(matches!(
        rejected.run.outcome,
        Some(Outcome::Rejected { .. })
    ));
    assert_eq!(priya(&bench.sandbox.state()), priya(&gone));
    // It was refused, so that it can be asked for again.
    let undone = undo(&bench, &run).await;
    assert_eq!(undone.run.outcome, Some(Outcome::Completed));
    assert!(priya(&bench.sandbox.state()).account_enabled);
}

/// An engine on a store that stops after some commits, as a killed process does.
async fn engine(sandbox: &Sandbox, store: &Path, crash: Option<Crash>) -> Option<Engine> {
    let (program, deployment) = project(LEAVES);
    let (deployment, secrets) = sandboxed::deployment(deployment, sandbox);
    let clock = Arc::new(VirtualClock::at(NOW_MS));
    let key = MasterKey::from_bytes([7; 32]);
    let connector = Connectors::new(deployment.clone(), Arc::new(secrets), key, clock.clone());
    let options = StoreOptions {
        crash,
        ..StoreOptions::default()
    };
    let store = Store::open_with(store, options).ok()?;
    let connector = Arc::new(connector.expect("connectors"));
    let mut options = EngineOptions::new(program, deployment, store, connector, clock);
    options.ids = Ids::seeded(1);
    options.schedules = false;
    Engine::open(options).await.ok()
}

/// Lets the engine work until nothing is left; whoever may approve does. `None` when it stopped before.
async fn work(engine: &Engine) -> Option<()> {
    for _ in 0..20 {
        let rest = engine.run(Until::Asked).await.ok()?;
        if rest.open_runs + rest.open_arrivals == 0 {
            return Some(());
        }
        for approval in engine.store().approvals().await.ok()? {
            let who = approval.open.eligible.first().expect("somebody");
            engine.vote(&approval.id, who, true, None).await.ok()?;
        }
    }
    panic!("it does not come to an end");
}

/// Contains an account and takes that back, as far as the engine gets.
async fn contain_and_undo(engine: &Engine) -> Option<()> {
    let runs = async || engine.store().runs(RunFilter::default()).await.ok();
    if runs().await?.is_empty() {
        let values = json!({ "user": PRIYA_ID }).as_object().cloned();
        let values = values.unwrap_or_default();
        let waits = engine.store().events(10).await.ok()?;
        if waits.is_empty() {
            engine
                .start_manual("contain", "contoso", values, None)
                .await
                .ok()?;
        }
    }
    work(engine).await?;
    let run = runs().await?.into_iter().find(|r| r.playbook == "contain");
    let run = run.expect("the run").id;
    let (wishes, _) = engine.store().undoings_of(&run).await.ok()?;
    if wishes.is_empty() {
        let team = Some("leads".to_owned());
        engine.undo(&run, "gil@example.org", team).await.ok()?;
    }
    work(engine).await
}

#[tokio::test]
async fn a_crash_at_any_commit_loses_neither_what_was_there_nor_the_undoing() {
    let mut crashed = 0;
    for commits in 1..60 {
        let after = crash_and_go_on(Crash::After(commits)).await;
        let instead = crash_and_go_on(Crash::Instead(commits)).await;
        crashed += i32::from(after) + i32::from(instead);
        if !after && !instead {
            assert!(crashed > 16, "{crashed}");
            return;
        }
    }
    panic!("there are more commits than were tried");
}

/// Contains and undoes with a crash in between, and goes on; whether it came to the crash.
async fn crash_and_go_on(crash: Crash) -> bool {
    let at = jiff::Timestamp::from_millisecond(NOW_MS).expect("a time");
    let sandbox = Sandbox::start(Options {
        tenant: counterplay_sandbox::demo_tenant_at(at),
        ..Options::default()
    })
    .await
    .expect("a sandbox");
    let before = sandbox.state();
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.db");
    let first = engine(&sandbox, &path, Some(crash)).await;
    let ended = match &first {
        Some(first) => contain_and_undo(first).await,
        None => None,
    };
    drop(first);
    if ended.is_none() {
        let second = engine(&sandbox, &path, None).await;
        let second = second.expect("it starts again");
        contain_and_undo(&second).await.expect("it ends");
    }
    let store = Store::open(&path).expect("the store");
    let runs = store.runs(RunFilter::default()).await.expect("runs");
    let outcomes: Vec<_> = runs
        .iter()
        .map(|r| (r.playbook.as_str(), r.outcome.clone()))
        .collect();
    let completed = Some(Outcome::Completed);
    assert_eq!(
        outcomes,
        [(PLAYBOOK, completed.clone()), ("contain", completed)],
        "{crash:?}"
    );
    let blocked = sandbox
        .requests()
        .into_iter()
        .any(|r| r.method == "PATCH" && r.body["accountEnabled"] == json!(false));
    assert!(blocked, "{crash:?}");
    // Were her state taken for that before the call although the call had been sent, she would stay blocked.
    assert_eq!(priya(&sandbox.state()), priya(&before), "{crash:?}");
    ended.is_none()
}
