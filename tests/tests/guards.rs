//! What no playbook may do: budgets count what all of them do, whatever became of it, and what is protected is left
//! alone. With the real engine, its store and the sandbox.

use counterplay_machine::journal::What;
use counterplay_runtime::store::RunDetail;
use counterplay_sandbox::{Fault, FaultKind};
use counterplay_tests::{Bench, project, project_with};
use serde_json::json;

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;
const HOUR_MS: i64 = 3_600_000;
/// People and devices of the sandbox.
const USER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const OTHER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004";
const DEVICE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004";
const OTHER_DEVICE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2001";
const FABRIKAM: &str = "\n[tenants.fabrikam]\nid = \"fabrikam\"\n";

fn outcome(run: &RunDetail) -> String {
    run.run
        .outcome
        .as_ref()
        .map_or_else(|| run.run.status().name().to_owned(), ToString::to_string)
}

/// How the runs of a playbook ended, the first started first.
async fn ends(bench: &Bench, playbook: &str) -> Vec<String> {
    let runs = bench.runs().await;
    let mut own: Vec<&RunDetail> = runs
        .iter()
        .filter(|r| &*r.run.playbook == playbook)
        .collect();
    own.sort_by_key(|r| r.run.started_ms);
    own.into_iter().map(outcome).collect()
}

/// Starts a playbook for a tenant and runs until nothing is left to do.
async fn start_in(bench: &Bench, tenant: &str, playbook: &str, values: serde_json::Value) {
    let values = values.as_object().cloned().unwrap_or_default();
    bench
        .engine
        .start_manual(playbook, tenant, values, None)
        .await
        .unwrap_or_else(|refusal| panic!("{refusal}"));
    bench.settle().await;
}

const TWO: &str = r#"
use microsoft.entra

guard "no mass lockout" {
  limit entra.block_sign_in to 1 per 1h
}

playbook one "One" {
  when manual(user: User)
  then { entra.block_sign_in(user) }
}

playbook other "Other" {
  when manual(user: User)
  then {
    entra.block_sign_in(user) {
      done { }
      failed { end run "{failure.reason}" }
    }
  }
}
"#;

#[tokio::test]
async fn a_budget_counts_all_playbooks_and_tenants_and_comes_back() {
    let bench = Bench::of(project_with(TWO, FABRIKAM), START_MS).await;
    start_in(&bench, "contoso", "one", json!({ "user": USER })).await;
    assert_eq!(ends(&bench, "one").await, ["completed"]);
    start_in(&bench, "fabrikam", "other", json!({ "user": OTHER })).await;
    let blocked = ends(&bench, "other").await.remove(0);
    assert!(
        blocked.starts_with("stopped") && blocked.contains("blocked_by_guard"),
        "the playbook goes on by its arm: {blocked}"
    );
    bench.wait_until(START_MS + HOUR_MS + 60_000).await;
    start_in(&bench, "fabrikam", "other", json!({ "user": OTHER })).await;
    assert_eq!(ends(&bench, "other").await[1], "completed");
}

const PER_TENANT: &str = r#"
use microsoft.entra

guard "no mass lockout" {
  limit entra.block_sign_in to 1 per 1h per tenant
}

playbook one "One" {
  when manual(user: User)
  then { entra.block_sign_in(user) }
}
"#;

#[tokio::test]
async fn each_tenant_has_its_own_budget_where_the_guard_says_so() {
    let bench = Bench::of(project_with(PER_TENANT, FABRIKAM), START_MS).await;
    start_in(&bench, "contoso", "one", json!({ "user": USER })).await;
    start_in(&bench, "fabrikam", "one", json!({ "user": OTHER })).await;
    assert_eq!(ends(&bench, "one").await, ["completed", "completed"]);
    start_in(&bench, "fabrikam", "one", json!({ "user": USER })).await;
    let all = ends(&bench, "one").await;
    let blocked = all.iter().filter(|e| e.contains("blocked_by_guard"));
    assert_eq!(blocked.count(), 1, "{all:?}");
}

const WIPES: &str = r#"
use microsoft.intune

guard "few wipes" {
  limit intune.wipe to 1 per 1h per tenant
}

playbook wipe "Wipe" {
  when manual(device: Device)
  then {
    without approval because "this is a test" { intune.wipe(device) }
  }
}
"#;

#[tokio::test]
async fn what_may_have_been_done_counts_against_the_budget() {
    let bench = Bench::of(project(WIPES), START_MS).await;
    bench
        .sandbox
        .inject(Fault::new("/wipe", FaultKind::DropAfter).on("POST"));
    let refused = FaultKind::Status {
        status: 403,
        code: "Forbidden".into(),
        message: "It may not be looked at.".into(),
    };
    let look = Fault::new("deviceActionResults", refused).on("GET");
    bench.sandbox.inject(look.times(10));
    start_in(&bench, "contoso", "wipe", json!({ "device": DEVICE })).await;
    assert_eq!(ends(&bench, "wipe").await, ["held"], "nobody knows");
    start_in(&bench, "contoso", "wipe", json!({ "device": OTHER_DEVICE })).await;
    let all = ends(&bench, "wipe").await;
    assert!(
        all.iter().any(|e| e.contains("blocked_by_guard")),
        "{all:?}"
    );
    let posts = bench.sandbox.requests();
    let wipes = posts.iter().filter(|r| r.path.contains("/wipe"));
    assert_eq!(wipes.count(), 1);
}

const PROTECTED: &str = r#"
use microsoft.entra
use notify

guard "break-glass accounts are left alone" {
  protect u: User where u.id in tenant.break_glass
}

playbook contain "Contain" {
  when manual(user: User)
  then {
    notify.email(team.soc, subject: "About {user.name}", body: "They will be blocked.")
    entra.block_sign_in(user)
  }
}
"#;

#[tokio::test]
async fn protected_accounts_are_left_alone_and_it_is_recorded() {
    let (program, mut deployment) = project(PROTECTED);
    let tenant = deployment.tenants.get_mut("contoso").expect("the tenant");
    // As somebody copied it; Graph answers in small letters.
    tenant.break_glass = vec![USER.to_uppercase()];
    let bench = Bench::of((program, deployment), START_MS).await;
    start_in(&bench, "contoso", "contain", json!({ "user": USER })).await;
    start_in(&bench, "contoso", "contain", json!({ "user": OTHER })).await;
    let all = ends(&bench, "contain").await;
    assert!(
        all.iter().any(|e| e.contains("blocked_by_guard")) && all.contains(&"completed".into()),
        "{all:?}"
    );
    let requests = bench.sandbox.requests();
    let blocked = requests.iter().filter(|r| r.method == "PATCH");
    let blocked: Vec<&str> = blocked.map(|r| r.path.as_str()).collect();
    assert!(
        blocked.iter().all(|path| !path.contains(USER)),
        "{blocked:?}"
    );
    assert_eq!(bench.sandbox.state().mails.len(), 2, "telling is free");
    let runs = bench.runs().await;
    let told = runs.iter().flat_map(|r| &r.journal).any(|e| {
        matches!(&e.what, What::ActionFailed { reason, .. }
            if reason.contains("break-glass accounts are left alone"))
    });
    assert!(told);
    let filter = counterplay_runtime::store::AuditFilter::default();
    let audit = bench.engine.store().audit(filter).await.expect("audit");
    let recorded = audit
        .items
        .iter()
        .any(|r| r.action == "action.failed" && r.detail.to_string().contains("blocked_by_guard"));
    assert!(recorded);
}

const BEYOND: &str = r#"
use microsoft.entra

guard "few blocks" {
  limit entra.block_sign_in to 1 per 1d per tenant, beyond that approve by team.soc within 1h
}

playbook one "One" {
  when manual(user: User)
  then { entra.block_sign_in(user) }
}
"#;

#[tokio::test]
async fn what_nobody_grants_beyond_a_budget_is_not_done() {
    let bench = Bench::of(project(BEYOND), START_MS).await;
    start_in(&bench, "contoso", "one", json!({ "user": USER })).await;
    start_in(&bench, "contoso", "one", json!({ "user": OTHER })).await;
    let store = bench.engine.store().clone();
    let asked = store.approvals().await.expect("approvals");
    assert_eq!(asked.len(), 1, "the second one is asked for");
    assert!(asked[0].open.question.contains("few blocks"), "{asked:?}");
    // A minute before its end the question still stands; after it, it is a no.
    bench.wait_until(START_MS + HOUR_MS - 60_000).await;
    assert_eq!(store.approvals().await.expect("approvals").len(), 1);
    bench.wait_until(START_MS + HOUR_MS + 60_000).await;
    assert!(store.approvals().await.expect("approvals").is_empty());
    let late = bench
        .engine
        .vote(&asked[0].id, "ana@example.org", true, None);
    assert!(late.await.is_err(), "an answer that is late grants nothing");
    bench.settle().await;
    let mut all = ends(&bench, "one").await;
    all.sort();
    assert_eq!(all[0], "completed", "{all:?}");
    assert!(all[1].contains("blocked_by_guard"), "{all:?}");
    let requests = bench.sandbox.requests();
    let done: Vec<&str> = requests
        .iter()
        .filter(|r| r.method == "PATCH")
        .map(|r| r.path.as_str())
        .collect();
    assert!(done.len() == 1 && done[0].contains(USER), "{done:?}");
    let decided = bench.runs().await.into_iter().flat_map(|r| r.journal);
    let decided: Vec<String> = decided
        .filter_map(|e| match e.what {
            What::ApprovalDecided { decision } => Some(decision),
            _ => None,
        })
        .collect();
    assert_eq!(decided, ["unanswered"]);
    // What was not done does not count: the budget is as used up as it was, and not more.
    bench.wait_until(START_MS + 24 * HOUR_MS + 120_000).await;
    start_in(&bench, "contoso", "one", json!({ "user": OTHER })).await;
    let all = ends(&bench, "one").await;
    assert_eq!(
        all.iter().filter(|e| *e == "completed").count(),
        2,
        "{all:?}"
    );
}

/// Approves what is asked until nothing is, and returns the questions.
async fn approve_all(bench: &Bench) -> Vec<String> {
    let mut questions = Vec::new();
    loop {
        let open = bench.engine.store().approvals().await.expect("approvals");
        let Some(first) = open.into_iter().next() else {
            return questions;
        };
        let vote = bench
            .engine
            .vote(&first.id, "ana@example.org", true, None)
            .await;
        vote.unwrap_or_else(|refused| panic!("{}: {refused}", first.open.question));
        questions.push(first.open.question);
        bench.settle().await;
    }
}

/// How many blocks the sandbox was asked for.
fn blocks(bench: &Bench) -> usize {
    let requests = bench.sandbox.requests();
    requests.iter().filter(|r| r.method == "PATCH").count()
}

#[tokio::test]
async fn a_yes_to_one_budget_does_not_open_one_that_nobody_may_go_beyond() {
    let text = BEYOND.replace("1 per 1d per tenant", "1 per 1h")
        + "guard \"never more than two a day\" {\n  limit entra.block_sign_in to 2 per 24h\n}\n";
    let bench = Bench::of(project(&text), START_MS).await;
    let mut asked = Vec::new();
    for user in [USER, OTHER, USER, OTHER] {
        start_in(&bench, "contoso", "one", json!({ "user": user })).await;
        asked.extend(approve_all(&bench).await);
    }
    assert_eq!(
        asked.len(),
        1,
        "nobody is asked what nobody may allow: {asked:?}"
    );
    assert_eq!(blocks(&bench), 2);
    let mut all = ends(&bench, "one").await;
    all.sort();
    assert_eq!(all[..2], ["completed", "completed"]);
    assert!(
        all[2..]
            .iter()
            .all(|end| end.contains("blocked_by_guard") && end.contains("never more than two")),
        "{all:?}"
    );
}

#[tokio::test]
async fn each_budget_has_people_of_its_own_to_ask() {
    let text = BEYOND.replace("1 per 1d per tenant", "1 per 1h")
        + "guard \"many a day\" {\n  limit entra.block_sign_in to 1 per 24h, beyond that approve by team.soc within 2h\n}\n";
    let bench = Bench::of(project(&text), START_MS).await;
    start_in(&bench, "contoso", "one", json!({ "user": USER })).await;
    start_in(&bench, "contoso", "one", json!({ "user": OTHER })).await;
    let asked = approve_all(&bench).await;
    assert!(
        asked.len() == 2 && asked[0].contains("few blocks") && asked[1].contains("many a day"),
        "{asked:?}"
    );
    assert_eq!(blocks(&bench), 2);
    assert_eq!(ends(&bench, "one").await, ["completed", "completed"]);
    // A no to the second one keeps the first one's yes from counting.
    start_in(&bench, "contoso", "one", json!({ "user": USER })).await;
    for approve in [true, false] {
        let open = bench.engine.store().approvals().await.expect("approvals");
        let vote = bench
            .engine
            .vote(&open[0].id, "ana@example.org", approve, None);
        vote.await.expect("it counts");
        bench.settle().await;
    }
    let all = ends(&bench, "one").await;
    assert!(all.iter().any(|end| end.contains("many a day")), "{all:?}");
    assert_eq!(blocks(&bench), 2);
}

const IDS: &str = r#"
use notify

event seen {
  source: push
  known_by: "account"
  field account: Text = raw.account
}

playbook equal "Equal" {
  when seen as it
  if it.account == "7C9E1A40-52B1-4D0E-8A11-0F6B3C2D1003"
  then { notify.email(team.soc, subject: "Equal", body: it.account) }
}

playbook listed "Listed" {
  when seen as it
  if it.account in ["7C9E1A40-52B1-4D0E-8A11-0F6B3C2D1003", "Emergency"]
  then { notify.email(team.soc, subject: "Listed", body: it.account) }
}

playbook other "Other" {
  when seen as it
  if it.account != "7C9E1A40-52B1-4D0E-8A11-0F6B3C2D1003"
  then { notify.email(team.soc, subject: "Other", body: it.account) }
}
"#;

/// Whatever finds playbooks for an event takes an id for the same one.
#[tokio::test]
async fn ids_are_the_same_in_capitals_and_in_small_letters() {
    let bench = Bench::of(project(IDS), START_MS).await;
    let mut started = Vec::new();
    for account in [
        USER.to_owned(),
        USER.to_uppercase(),
        OTHER.to_uppercase(),
        "emergency".to_owned(),
    ] {
        let before = bench.runs().await.len();
        bench.accept(json!({ "account": account })).await;
        bench.finish().await;
        let runs = bench.runs().await;
        // The latest come first.
        let new = runs.iter().take(runs.len() - before);
        let mut here: Vec<String> = new.map(|r| r.run.playbook.to_string()).collect();
        here.sort();
        started.push(here);
    }
    assert_eq!(
        started,
        [
            vec!["equal", "listed"],
            vec!["equal", "listed"],
            vec!["other"],
            vec!["other"]
        ],
    );
}
