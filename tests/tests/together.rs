//! Runs that meet: events of our own, events that are waited for, questions to people, budgets that count
//! every run. With the real engine, its store and the sandbox.

use counterplay_machine::journal::What;
use counterplay_runtime::engine::Incoming;
use counterplay_runtime::store::RunDetail;
use counterplay_tests::{Bench, actions, project};
use serde_json::json;

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;
/// A person of the sandbox.
const USER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const OTHER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1001";

fn outcome(run: &RunDetail) -> String {
    run.run
        .outcome
        .as_ref()
        .map_or_else(|| run.run.status().name().to_owned(), ToString::to_string)
}

/// The titles of the tickets that a run has opened.
fn titles(run: &RunDetail) -> Vec<String> {
    let tickets = run.journal.iter().filter_map(|e| match &e.what {
        What::Intended { args, .. } => args.get("title").map(ToString::to_string),
        _ => None,
    });
    tickets.collect()
}

fn of<'r>(runs: &'r [RunDetail], playbook: &str) -> Vec<&'r RunDetail> {
    let mut found: Vec<&RunDetail> = runs
        .iter()
        .filter(|r| &*r.run.playbook == playbook)
        .collect();
    found.sort_by_key(|r| (r.run.started_ms, r.run.id.clone()));
    found
}

const CONTAIN: &str = r#"
use microsoft.entra
use ticket

event contained {
  source: emit
  field user: User = raw.user
  field after: Duration = raw.after
}

playbook contain "Contain" {
  when manual(user: User)
  then {
    entra.block_sign_in(user)
    emit contained(user: user, after: 90m)
  }
}

playbook tell "Tell the service desk" {
  when contained as c
  if c.user.kind == member and c.after > 1h
  then { ticket.create(title: "Contained: {c.user.name}", priority: medium) }
}
"#;

#[tokio::test]
async fn an_event_of_our_own_starts_another_playbook_once() {
    let bench = Bench::of(project(CONTAIN), START_MS).await;
    bench.start("contain", json!({ "user": USER })).await;
    bench.settle().await;
    bench.settle().await;
    let runs = bench.runs().await;
    assert_eq!(of(&runs, "contain").len(), 1);
    let told = of(&runs, "tell");
    assert_eq!(told.len(), 1, "one event, one run");
    assert_eq!(told[0].run.started_by, "case.contained");
    assert_eq!(outcome(told[0]), "completed");
    assert_eq!(actions(&told[0].journal).len(), 1);
}

#[tokio::test]
async fn nobody_outside_raises_an_event_of_our_own() {
    let bench = Bench::of(project(CONTAIN), START_MS).await;
    let refused = bench
        .engine
        .accept(Incoming {
            tenant: "contoso".into(),
            event: Some("case.contained".into()),
            payload: json!({ "user": { "id": "u", "name": "U", "kind": "member" }, "after": "2h" }),
            source: None,
        })
        .await;
    assert!(refused.is_err(), "{refused:?}");
    bench.settle().await;
    assert!(bench.runs().await.is_empty());
}

const SEEN: &str = r#"
use microsoft.entra
use ticket

event seen {
  source: push
  known_by: "seenUser"
  field user: Text = raw.seenUser
  field place: Text = raw.place
}

playbook watch "Watch" {
  when manual(user: User)
  then {
    wait for seen as later where later.user == user.id, at most 2h {
      came      { ticket.create(title: "seen in {later.place}", priority: low) }
      timed_out { ticket.create(title: "not seen", priority: low) }
    }
  }
}
"#;

#[tokio::test]
async fn an_event_reaches_the_run_that_it_belongs_to() {
    let bench = Bench::of(project(SEEN), START_MS).await;
    // What came before a run waits is none of its later events.
    bench
        .accept(json!({ "seenUser": USER, "place": "Bergen" }))
        .await;
    bench.settle().await;
    bench.start("watch", json!({ "user": USER })).await;
    bench.start("watch", json!({ "user": OTHER })).await;
    bench.settle().await;
    bench
        .accept(json!({ "seenUser": USER, "place": "Oslo" }))
        .await;
    bench.settle().await;
    let runs = bench.runs().await;
    let mine: Vec<String> = of(&runs, "watch")
        .into_iter()
        .map(|run| format!("{}: {:?}", outcome(run), titles(run)))
        .collect();
    let came = mine.iter().filter(|r| r.contains("seen in Oslo")).count();
    let waiting = mine.iter().filter(|r| r.starts_with("waiting")).count();
    assert_eq!((came, waiting), (1, 1), "{mine:?}");
    // The other one waits until its time is up.
    bench.finish().await;
    bench
        .engine
        .run(counterplay_runtime::engine::Until::AllEnded)
        .await
        .expect("it ends");
    let runs = bench.runs().await;
    let ends: Vec<String> = of(&runs, "watch").into_iter().flat_map(titles).collect();
    assert!(ends.iter().any(|a| a.contains("not seen")), "{ends:?}");
}

const ASK: &str = r#"
use microsoft.entra
use notify

playbook prompt "Prompt" {
  when manual(user: User)
  then {
    ask "Was this you?" to user, within 1h {
      "This was me" { end run "benign" }
      "Not me" { entra.block_sign_in(user) }
    }
  }
}
"#;

#[tokio::test]
async fn a_question_is_answered_by_the_person_who_is_asked() {
    let bench = Bench::of(project(ASK), START_MS).await;
    bench.start("prompt", json!({ "user": USER })).await;
    bench.settle().await;
    let asked = bench.engine.store().approvals().await.expect("questions");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].open.answers, ["This was me", "Not me"]);
    let id = asked[0].id.clone();
    let who = asked[0].open.eligible[0].clone();
    let answer = |by: &str, text: &str| {
        let (engine, id) = (bench.engine.clone(), id.clone());
        let (by, text) = (by.to_owned(), text.to_owned());
        async move { engine.answer(&id, &by, text, None).await }
    };
    assert!(answer("ana@example.org", "Not me").await.is_err());
    assert!(answer(&who, "Perhaps").await.is_err());
    let as_approval = bench.engine.vote(&id, &who, true, None).await;
    assert!(as_approval.is_err(), "a question is not approved");
    answer(&who, "Not me").await.expect("it counts");
    bench.settle().await;
    let runs = bench.runs().await;
    let run = of(&runs, "prompt")[0];
    assert_eq!(outcome(run), "completed");
    assert_eq!(actions(&run.journal).len(), 1);
    assert!(run.journal.iter().any(|e| matches!(
        &e.what,
        What::Voted { answer: Some(a), .. } if a == "Not me"
    )));
}

const BUDGET: &str = r#"
use microsoft.entra

guard "no mass lockout" {
  limit entra.block_sign_in to 1 per 1h per tenant, beyond that approve by team.soc within 30m
}

guard "the boss is left alone" {
  protect u: User where u.id == "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1001"
}

playbook block "Block" {
  when manual(user: User)
  then { entra.block_sign_in(user) }
}
"#;

#[tokio::test]
async fn a_budget_counts_every_run() {
    let bench = Bench::of(project(BUDGET), START_MS).await;
    bench.start("block", json!({ "user": USER })).await;
    bench.settle().await;
    bench.start("block", json!({ "user": USER })).await;
    bench.settle().await;
    let asked = bench.engine.store().approvals().await.expect("approvals");
    assert_eq!(asked.len(), 1, "the second one is asked for");
    assert!(asked[0].open.question.contains("no mass lockout"));
    bench
        .engine
        .vote(&asked[0].id, "ana@example.org", false, Some("no".into()))
        .await
        .expect("it counts");
    bench.settle().await;
    bench.start("block", json!({ "user": USER })).await;
    bench.settle().await;
    let asked = bench.engine.store().approvals().await.expect("approvals");
    bench
        .engine
        .vote(&asked[0].id, "bo@example.org", true, None)
        .await
        .expect("it counts");
    bench.settle().await;
    bench.start("block", json!({ "user": OTHER })).await;
    bench.settle().await;
    let runs = bench.runs().await;
    let mut ends: Vec<String> = of(&runs, "block").into_iter().map(outcome).collect();
    ends.sort();
    assert_eq!(ends.len(), 4, "{ends:?}");
    assert_eq!(ends[0], "completed");
    assert_eq!(ends[1], "completed");
    assert!(ends[2].contains("blocked_by_guard"), "{ends:?}");
    assert!(ends[3].contains("blocked_by_guard"), "{ends:?}");
    assert!(
        ends.iter().any(|e| e.contains("the boss is left alone")),
        "{ends:?}"
    );
}
