//! Mail is taken back: an evicted message, a converted mailbox and a hidden rule are as before, what was so already is left
//! alone, and people are asked about what somebody has changed since.

use counterplay_machine::state::Outcome;
use counterplay_runtime::engine::Until;
use counterplay_runtime::store::{RunDetail, UndoRefused};
use counterplay_runtime::undo::PLAYBOOK;
use counterplay_sandbox::{MailboxType, Tenant, User};
use counterplay_tests::{Bench, project_with};
use serde_json::json;

/// 20 November 2026, 08:00 UTC.
const NOW_MS: i64 = 1_795_161_600_000;
const PRIYA: &str = "priya.raman@contoso.example";
const PRIYA_ID: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
const EVICTED: &str = "recoverableitemsdeletions";

const CLEAN: &str = r#"use microsoft.exchange

playbook clean "Clean" {
  when manual(user: User)

  then {
    exchange.convert_to_shared(user)
    for each rule in exchange.inbox_rules(user), refuse more than 20 {
      exchange.disable_inbox_rule(user, rule)
    }
    for each copy in exchange.messages(user, internet_id: "<4471.invoice@fastmail-drop.example>"), refuse more than 20 {
      exchange.evict_message(user, copy)
    }
  }
}
"#;

fn priya(tenant: &Tenant) -> User {
    tenant.user(PRIYA).expect("Priya").clone()
}

fn kind(user: &User) -> MailboxType {
    user.mailbox.as_ref().expect("a mailbox").kind
}

fn folder(user: &User) -> String {
    let messages = &user.mailbox.as_ref().expect("a mailbox").messages;
    messages[0].parent_folder_id.clone()
}

async fn bench() -> Bench {
    let more = "[connections.exchange_reader]\n";
    Bench::of(project_with(CLEAN, more), NOW_MS).await
}

async fn run_of(bench: &Bench, playbook: &str) -> RunDetail {
    let runs = bench.runs().await;
    let found = runs.into_iter().find(|r| r.info.playbook == playbook);
    found.unwrap_or_else(|| panic!("there is no run of {playbook}"))
}

/// Cleans Priya's mailbox; the run's id.
async fn act(bench: &Bench) -> String {
    bench.start("clean", json!({ "user": PRIYA_ID })).await;
    bench.finish().await;
    let run = run_of(bench, "clean").await;
    assert_eq!(
        run.run.outcome,
        Some(Outcome::Completed),
        "{:?}",
        run.journal
    );
    run.info.id
}

async fn undo(bench: &Bench, run: &str) -> RunDetail {
    let asked = bench
        .engine
        .undo(run, "gil@example.org", Some("leads".into()));
    asked.await.unwrap_or_else(|e| panic!("{e}"));
    bench.finish().await;
    run_of(bench, PLAYBOOK).await
}

#[tokio::test]
async fn what_was_done_to_a_mailbox_is_as_before() {
    let bench = bench().await;
    let before = priya(&bench.sandbox.state());
    let run = act(&bench).await;
    let between = priya(&bench.sandbox.state());
    assert_eq!(
        (kind(&between), folder(&between).as_str()),
        (MailboxType::Shared, EVICTED)
    );
    let on = |user: &User| {
        let rules = user.mailbox.iter().flat_map(|m| &m.message_rules);
        rules.filter(|r| r.is_enabled).count()
    };
    assert!(on(&between) == 0 && on(&before) > 0);

    let undone = undo(&bench, &run).await;
    assert_eq!(
        undone.run.outcome,
        Some(Outcome::Completed),
        "{:?}",
        undone.journal
    );
    assert_eq!(priya(&bench.sandbox.state()), before);
}

#[tokio::test]
async fn what_was_so_already_is_left_alone() {
    let bench = bench().await;
    bench.sandbox.update(|tenant| {
        let user = tenant.user_mut(PRIYA).expect("Priya");
        let mailbox = user.mailbox.as_mut().expect("a mailbox");
        mailbox.kind = MailboxType::Shared;
        EVICTED.clone_into(&mut mailbox.messages[0].parent_folder_id);
        for rule in &mut mailbox.message_rules {
            rule.is_enabled = false;
        }
    });
    let run = act(&bench).await;
    let undone = bench
        .engine
        .undo(&run, "gil@example.org", Some("leads".into()))
        .await;
    assert_eq!(undone, Err(UndoRefused::Nothing { run, by: None }));
}

#[tokio::test]
async fn what_somebody_has_changed_since_is_asked_about() {
    let bench = bench().await;
    let run = act(&bench).await;
    // Somebody has put the message where they want it.
    bench.sandbox.update(|tenant| {
        let user = tenant.user_mut(PRIYA).expect("Priya");
        let mailbox = user.mailbox.as_mut().expect("a mailbox");
        "junkemail".clone_into(&mut mailbox.messages[0].parent_folder_id);
    });
    let asked = bench
        .engine
        .undo(&run, "gil@example.org", Some("leads".into()));
    asked.await.unwrap_or_else(|e| panic!("{e}"));
    let ask = async || {
        let rest = bench.engine.run(Until::Asked).await;
        rest.unwrap_or_else(|e| panic!("{e}"));
        let open = bench.engine.store().approvals().await.expect("approvals");
        let open = open.into_iter().next().expect("a question");
        (open.id, open.open.question)
    };
    let (leave, _) = ask().await;
    let vote = async |id: &str, yes: bool| {
        let vote = bench.engine.vote(id, "dana@example.org", yes, None).await;
        vote.unwrap_or_else(|e| panic!("{e}"));
    };
    vote(&leave, true).await;
    let (doubt, question) = ask().await;
    assert!(
        question.contains("restore_message") || question.contains("evict_message"),
        "{question}"
    );
    vote(&doubt, false).await;
    bench.finish().await;
    let after = priya(&bench.sandbox.state());
    assert_eq!(folder(&after), "junkemail", "it stays where it was put");
    assert_eq!(kind(&after), MailboxType::Regular, "the rest is taken back");
}
