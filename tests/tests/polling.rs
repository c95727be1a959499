//! Every source that the standard library declares, polled from a sandbox: a baseline first, then a run
//! for what changes.

use counterplay_machine::declare::Source;
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Connectors, MasterKey};
use counterplay_runtime::engine::{Engine, EngineOptions, Ids, Until};
use counterplay_runtime::store::{RunFilter, Store};
use counterplay_sandbox::{ComplianceState, Options, Sandbox, Tenant};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// 2026-11-22T08:00:00Z.
const START_MS: i64 = 1_795_334_400_000;
const MINUTE_MS: i64 = 60_000;

const SOURCE: &str = r#"
use microsoft.(defender, entra, identity, intune)
use notify

playbook on_alert "Alert" {
  mode: simulate
  when defender.alert as a
  then { notify.teams(team.soc, "alert {a.id}") }
}

playbook on_detection "Detection" {
  mode: simulate
  when identity.risk_detected as a
  then { notify.teams(team.soc, "detection {a.id}") }
}

playbook on_user "User" {
  mode: simulate
  when identity.user_at_risk as a
  then { notify.teams(team.soc, "user {a.id}") }
}

playbook on_sign_in "Sign-in" {
  mode: simulate
  when identity.risky_sign_in as a
  then { notify.teams(team.soc, "sign-in {a.id}") }
}

playbook on_registration "Registration" {
  mode: simulate
  when identity.mfa_not_registered as a
  then { notify.teams(team.soc, "registration {a.id}") }
}

playbook on_blocked "Blocked" {
  mode: simulate
  when entra.sign_in_blocked as a
  then { notify.teams(team.soc, "blocked {a.user.id}") }
}

playbook on_device "Device" {
  mode: simulate
  when intune.noncompliant as a
  then { notify.teams(team.soc, "device {a.device.id}") }
}
"#;

async fn started(engine: &Engine) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let runs = engine.store().runs(RunFilter::default()).await;
    for run in runs.expect("readable") {
        *counts.entry(run.playbook.to_string()).or_insert(0) += 1;
    }
    counts
}

/// One thing happens in each source.
fn change(tenant: &mut Tenant, now_ms: i64) {
    let now = jiff::Timestamp::from_millisecond(now_ms).expect("a time");
    let mut another = |list: fn(&mut Tenant) -> &mut BTreeMap<String, serde_json::Value>,
                       time: &str| {
        let list = list(tenant);
        let mut one = list.values().next().expect("a pattern").clone();
        one["id"] = json!("another");
        one[time] = json!(now.to_string());
        list.insert("another".into(), one);
    };
    another(|t| &mut t.alerts, "lastUpdateDateTime");
    another(|t| &mut t.risk_detections, "detectedDateTime");
    another(|t| &mut t.sign_ins, "createdDateTime");
    let user = tenant.risky_users.values_mut().next().expect("a user");
    user.risk_state = "remediated".into();
    user.risk_last_updated_date_time = now;
    let user = tenant.users.values_mut().find(|u| u.is_mfa_registered);
    user.expect("somebody who is registered").is_mfa_registered = false;
    let user = tenant.users.values_mut().find(|u| u.account_enabled);
    user.expect("somebody who may sign in").account_enabled = false;
    let device = tenant
        .devices
        .values_mut()
        .find(|d| d.compliance_state == ComplianceState::Compliant);
    device.expect("a device").compliance_state = ComplianceState::Noncompliant;
}

#[tokio::test]
async fn every_declared_source_can_be_polled() {
    let (program, deployment) = counterplay_tests::project(SOURCE);
    let polled = program
        .events
        .values()
        .filter(|e| matches!(e.source, Source::Poll { .. }))
        .count();
    let at = jiff::Timestamp::from_millisecond(START_MS).expect("a time");
    let sandbox = Sandbox::start(Options {
        tenant: counterplay_sandbox::demo_tenant_at(at),
        ..Options::default()
    })
    .await
    .expect("a sandbox");
    let (deployment, secrets) = counterplay_cli::sandboxed::deployment(deployment, &sandbox);
    let clock = Arc::new(VirtualClock::at(START_MS));
    let key = MasterKey::from_bytes([7; 32]);
    let connector = Connectors::new(deployment.clone(), Arc::new(secrets), key, clock.clone());
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = EngineOptions::new(
        program,
        deployment,
        Store::open(folder.path().join("store.db")).expect("a store"),
        Arc::new(connector.expect("connectors")),
        clock.clone(),
    );
    options.ids = Ids::seeded(1);
    options.polling = true;
    let engine = Engine::open(options).await.expect("an engine");

    clock.skip_to(START_MS + MINUTE_MS);
    for _ in 0..2 {
        engine.run(Until::Settled).await.expect("driven");
        clock.skip_to(clock.now_ms() + MINUTE_MS);
    }
    let sources = engine.sources().await.expect("readable");
    assert_eq!(sources.len(), polled);
    for source in &sources {
        assert!(source.polled_ms.is_some(), "{source:?}");
    }
    assert!(started(&engine).await.is_empty());

    sandbox.update(|tenant| change(tenant, clock.now_ms()));
    // Accounts are read twice a day, the report on registrations every six hours.
    clock.skip_to(clock.now_ms() + 12 * 60 * MINUTE_MS);
    engine.run(Until::AllEnded).await.expect("driven");
    for source in engine.sources().await.expect("readable") {
        assert_eq!((source.failures, &source.error), (0, &None), "{source:?}");
    }
    let expected = [
        "on_alert",
        "on_blocked",
        "on_detection",
        "on_device",
        "on_registration",
        "on_sign_in",
        "on_user",
    ]
    .map(|id| (id.to_owned(), 1));
    assert_eq!(started(&engine).await, BTreeMap::from(expected));
    let letters = engine.store().dead_letters(9).await.expect("readable");
    assert!(letters.is_empty(), "{letters:?}");
}
