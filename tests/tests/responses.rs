//! The shipped responses and the lost-device example: their machines, what they would do, and what they do
//! to a sandbox. Simulation and the real thing perform the same actions in the same order.

use counterplay_machine::journal::What;
use counterplay_machine::playbook::Playbook;
use counterplay_runtime::simulate::{
    Answer, Answers, Cause, People, Scenario, Simulation, simulate,
};
use counterplay_sandbox::{MailboxType, MethodKind, Tenant};
use counterplay_tests::{Bench, actions, example, root};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// 20 November 2026, 08:00 UTC.
const NOW_MS: i64 = 1_795_161_600_000;
const PRIYA: &str = "priya.raman@contoso.example";
const JONAS: &str = "jonas.weber@contoso.example";
const HANNAH: &str = "hannah.cole@contoso.example";
const LUCAS: &str = "lucas.ferreira@contoso.example";

fn event(name: &str) -> Json {
    let path = root().join(format!("examples/shipped-responses/events/{name}.json"));
    serde_json::from_slice(&std::fs::read(&path).expect("an event")).expect("JSON")
}

fn cause(event_name: &str, json: Json) -> Cause {
    Cause::Raw {
        event: event_name.into(),
        json,
    }
}

/// Runs for real, then simulates with the answers that the real run was given, and compares.
async fn both(
    bench: &Bench,
    playbook: &str,
    cause: Cause,
    start: impl AsyncFnOnce(&Bench),
) -> (Simulation, Tenant) {
    start(bench).await;
    bench.finish().await;
    let after = bench.sandbox.state();
    let runs = bench.runs().await;
    let real: Vec<_> = runs
        .iter()
        .filter(|r| r.info.playbook == playbook)
        .collect();
    assert_eq!(
        real.len(),
        1,
        "one run: {:?}",
        bench.engine.store().events(10).await
    );
    let mut answers = Answers::new();
    for entry in &real[0].journal {
        match &entry.what {
            What::Answered { query, value } => answers.add(&**query, Answer::Json(value.clone())),
            What::Performed { action, value, .. } => {
                answers.add(&**action, Answer::Json(value.clone()))
            }
            What::ActionFailed { action, reason, .. } => {
                answers.add(&**action, Answer::Fails(reason.clone()))
            }
            _ => {}
        }
    }
    // What was asked before the run started is asked again, of a tenant that nobody has touched.
    let fresh = Bench::new("shipped-responses", NOW_MS).await;
    let untouched = fresh.sandbox.state();
    let simulation = simulate(&Scenario {
        program: bench.program.clone(),
        deployment: bench.deployment.clone(),
        tenant: bench.tenant(),
        playbook: playbook.into(),
        cause,
        at_ms: NOW_MS,
        answers,
        people: People::Approve { after_ms: 0 },
        later: Vec::new(),
        live: Some(fresh.connector.clone()),
    })
    .await
    .unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(simulation.runs.len(), 1, "{:?}", simulation.not_started);
    let simulated = &simulation.runs[0];
    assert_eq!(
        real[0].run.outcome.as_ref().map(ToString::to_string),
        simulated.run.outcome.as_ref().map(ToString::to_string),
        "{simulation}"
    );
    assert_eq!(
        actions(&real[0].journal),
        actions(&simulated.journal),
        "the same actions in the same order"
    );
    assert!(
        fresh
            .sandbox
            .requests()
            .iter()
            .all(|r| r.method == "GET" || r.path.contains("/token") || r.path.ends_with("/$batch")),
        "a simulation only asks"
    );
    assert!(
        untouched == fresh.sandbox.state(),
        "a simulation changes nothing"
    );
    (simulation, after)
}

fn snapshot(name: &str, simulation: &Simulation) {
    insta::assert_snapshot!(format!("{name}_simulated"), simulation.to_string());
}

#[test]
fn the_machines_are_as_drawn() {
    let (program, _) = example("shipped-responses");
    let (lost, _) = example("lost-device");
    let all: Vec<&Playbook> = program
        .playbooks
        .values()
        .chain(lost.playbooks.values())
        .collect();
    assert_eq!(all.len(), 6);
    for playbook in all {
        insta::assert_snapshot!(
            format!("{}_graph", playbook.id),
            counterplay_machine::draw::mermaid(playbook)
        );
    }
}

#[tokio::test]
async fn compromised_user() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let before = bench.sandbox.state();
    let json = event("risk-detection");
    let (simulation, after) = both(
        &bench,
        "compromised_user",
        cause("identity.risk_detected", json.clone()),
        async |b: &Bench| {
            b.accept(json).await;
        },
    )
    .await;
    snapshot("compromised_user", &simulation);
    let (was, is) = (
        before.user(PRIYA).expect("Priya"),
        after.user(PRIYA).expect("Priya"),
    );
    assert!(
        was.account_enabled && !is.account_enabled,
        "sign-in is blocked"
    );
    assert!(
        is.sign_in_sessions_valid_from_date_time > was.sign_in_sessions_valid_from_date_time,
        "sessions are revoked"
    );
    assert_eq!(
        is.password_changes,
        was.password_changes + 1,
        "one new password"
    );
    assert!(is.force_change_password_next_sign_in_with_mfa);
    assert!(
        is.authentication_methods
            .iter()
            .all(|m| m.kind == MethodKind::Password),
        "only the password is left: {:?}",
        is.authentication_methods
    );
    assert_eq!(after.tickets.len(), before.tickets.len() + 1);
    let ticket = after.tickets.values().last().expect("a ticket");
    assert_eq!(ticket.summary, "Compromised account: Priya Raman");
    assert_eq!(ticket.priority_id, Some(2));
    assert_eq!(ticket.team.as_deref(), Some("SOC"));
    assert_eq!(after.chat.len(), before.chat.len() + 1, "the SOC is told");
    let mails: Vec<_> = after.mails.iter().map(|m| m.subject.as_str()).collect();
    assert_eq!(
        mails,
        ["Unacknowledged compromise"],
        "the leads hear of it after four hours"
    );
    // Nobody else was touched.
    for (id, user) in &before.users {
        if user.user_principal_name != PRIYA {
            assert_eq!(after.users.get(id), Some(user));
        }
    }
}

#[tokio::test]
async fn the_same_account_again_within_the_hour_is_a_repeat() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    bench.accept(event("risk-detection")).await;
    let mut again = event("risk-detection");
    again["id"] = json!("another-detection");
    bench.accept(again).await;
    bench.finish().await;
    let runs = bench.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!(runs[0].info.repeats, 1);
    assert_eq!(
        bench
            .sandbox
            .state()
            .user(PRIYA)
            .expect("Priya")
            .password_changes,
        1
    );
}

#[tokio::test]
async fn device_noncompliance() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let json = event("noncompliant-device");
    let (simulation, after) = both(
        &bench,
        "device_noncompliance",
        cause("intune.noncompliant", json.clone()),
        async |b: &Bench| {
            b.accept(json).await;
        },
    )
    .await;
    snapshot("device_noncompliance", &simulation);
    assert!(
        !after.user(JONAS).expect("Jonas").account_enabled,
        "blocked after a day"
    );
    let mails: Vec<_> = after
        .mails
        .iter()
        .map(|m| (m.to.join(","), m.subject.clone()))
        .collect();
    assert_eq!(
        mails,
        [(JONAS.to_owned(), "Your device needs attention".to_owned())]
    );
    assert!(
        after
            .tickets
            .values()
            .any(|t| t.summary == "CONTOSO-LT-014 is still not compliant"
                && t.priority_id == Some(3))
    );
    let synced: Vec<_> = bench
        .sandbox
        .requests()
        .into_iter()
        .filter(|r| r.path.ends_with("/syncDevice"))
        .collect();
    assert_eq!(synced.len(), 1);
}

#[tokio::test]
async fn a_device_that_becomes_compliant_is_left_alone() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    bench.sandbox.update(|tenant| {
        for device in tenant.devices.values_mut() {
            device.compliant_after_sync = true;
        }
    });
    bench.accept(event("noncompliant-device")).await;
    bench.finish().await;
    let runs = bench.runs().await;
    assert_eq!(
        runs[0]
            .run
            .outcome
            .as_ref()
            .map(ToString::to_string)
            .as_deref(),
        Some("resolved")
    );
    assert!(
        bench
            .sandbox
            .state()
            .user(JONAS)
            .expect("Jonas")
            .account_enabled
    );
}

#[tokio::test]
async fn suspicious_mail_rule() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let json = event("forwarding-rule");
    let (simulation, after) = both(
        &bench,
        "suspicious_mail_rule",
        cause("exchange.rule_found", json.clone()),
        async |b: &Bench| {
            b.accept(json).await;
        },
    )
    .await;
    snapshot("suspicious_mail_rule", &simulation);
    let priya = after.user(PRIYA).expect("Priya");
    let rules: BTreeMap<&str, bool> = priya
        .mailbox
        .as_ref()
        .expect("a mailbox")
        .message_rules
        .iter()
        .map(|r| (r.display_name.as_str(), r.is_enabled))
        .collect();
    assert_eq!(
        rules,
        BTreeMap::from([("Newsletters", true), (".", false), ("..", false)])
    );
    let mut to: Vec<String> = after.mails.iter().flat_map(|m| m.to.clone()).collect();
    to.sort();
    assert_eq!(
        to,
        ["omar.haddad@contoso.example", PRIYA],
        "the user and the manager"
    );
    assert!(
        after
            .tickets
            .values()
            .any(|t| t.summary == "Suspicious mail rule: Priya Raman")
    );
    assert!(priya.account_enabled, "the account itself is left open");
}

#[tokio::test]
async fn mfa_not_registered() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let json = event("mfa-registration");
    let (simulation, after) = both(
        &bench,
        "mfa_not_registered",
        cause("identity.mfa_not_registered", json.clone()),
        async |b: &Bench| {
            b.accept(json).await;
        },
    )
    .await;
    snapshot("mfa_not_registered", &simulation);
    assert!(
        !after.user(LUCAS).expect("Lucas").account_enabled,
        "blocked after 14 days"
    );
    let subjects: Vec<_> = after.mails.iter().map(|m| m.subject.as_str()).collect();
    assert_eq!(
        subjects,
        [
            "Please register for multi-factor authentication",
            "Final warning: register for multi-factor authentication"
        ]
    );
}

#[tokio::test]
async fn stale_account() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    let (simulation, after) = both(
        &bench,
        "stale_account",
        Cause::Schedule,
        async |b: &Bench| {
            b.engine
                .tick_now("stale_account", "contoso", None)
                .await
                .unwrap_or_else(|e| panic!("{e}"));
        },
    )
    .await;
    snapshot("stale_account", &simulation);
    let hannah = after.user(HANNAH).expect("Hannah");
    assert!(!hannah.account_enabled);
    assert!(
        hannah.assigned_licenses.is_empty(),
        "{:?}",
        hannah.assigned_licenses
    );
    assert_eq!(
        hannah.mailbox.as_ref().map(|m| m.kind),
        Some(MailboxType::Shared)
    );
    // The mailbox was converted while it still had a licence.
    let requests = bench.sandbox.requests();
    let at = |what: &str| requests.iter().position(|r| r.path.contains(what));
    let last = |what: &str| requests.iter().rposition(|r| r.path.contains(what));
    assert!(
        at("assignLicense") < at("InvokeCommand") && at("InvokeCommand") < last("assignLicense")
    );
}

#[tokio::test]
async fn a_manager_who_says_no_keeps_the_account() {
    let bench = Bench::new("shipped-responses", NOW_MS).await;
    bench
        .engine
        .tick_now("stale_account", "contoso", None)
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    bench
        .engine
        .run(counterplay_runtime::engine::Until::Asked)
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    let approvals = bench.engine.store().approvals().await.expect("approvals");
    assert_eq!(approvals.len(), 1);
    assert_eq!(approvals[0].open.eligible, [JONAS]);
    let refused = bench
        .engine
        .vote(&approvals[0].id, HANNAH, true, None)
        .await;
    assert!(refused.is_err(), "the account's own owner decides nothing");
    bench
        .engine
        .vote(&approvals[0].id, JONAS, false, Some("on leave".into()))
        .await
        .unwrap_or_else(|e| panic!("{e}"));
    bench.finish().await;
    let runs = bench.runs().await;
    assert!(
        runs[0]
            .run
            .outcome
            .as_ref()
            .is_some_and(|o| o.name() == "rejected")
    );
    assert!(
        bench
            .sandbox
            .state()
            .user(HANNAH)
            .expect("Hannah")
            .account_enabled
    );
}

#[tokio::test]
async fn lost_device() {
    let bench = Bench::new("lost-device", NOW_MS).await;
    let phone = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004";
    let values = BTreeMap::from([
        ("device".to_owned(), json!(phone)),
        ("reason".to_owned(), json!("left on a train")),
    ]);
    let starter = "finn.murphy@msp.example";
    let form: serde_json::Map<String, Json> = values.clone().into_iter().collect();
    let cause = Cause::Manual {
        values,
        by: Some(starter.into()),
    };
    let (simulation, after) = both(&bench, "lost_device", cause, async |b: &Bench| {
        b.engine
            .start_manual("lost_device", "contoso", form, Some(starter.into()))
            .await
            .unwrap_or_else(|e| panic!("{e}"));
    })
    .await;
    snapshot("lost_device", &simulation);
    let runs = bench.runs().await;
    let grants = &runs[0].run.grants;
    assert_eq!(
        grants[0].by,
        ["dana.kim@msp.example", "eli.novak@msp.example"],
        "two people, not the starter"
    );
    let device = &after.devices[phone];
    let done: Vec<&str> = device
        .device_action_results
        .iter()
        .map(|r| r.action_name.as_str())
        .collect();
    assert_eq!(done, ["remoteLock", "wipe"]);
}
