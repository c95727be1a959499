//! The audit trail as events of OCSF: what the library does has a tactic, and messages are no remediation.

use counterplay_machine::declare::Impact;
use counterplay_runtime::ocsf;
use counterplay_runtime::store::{AuditFilter, AuditRecord};
use counterplay_tests::{Bench, library, project};
use serde_json::{Value as Json, json};

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;
/// One of the sandbox.
const USER: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";

#[test]
fn each_action_of_the_library_above_notify_has_a_tactic() {
    let library = library();
    let mut seen = 0;
    for (name, callable) in &library.callables {
        if callable
            .impact
            .is_none_or(|impact| impact <= Impact::Notify)
        {
            continue;
        }
        seen += 1;
        let record = AuditRecord {
            num: 1,
            tenant: "contoso".into(),
            seq: 1,
            at_ms: START_MS,
            actor: "engine".into(),
            action: "action.performed".into(),
            run: Some("r-20260301-abc".into()),
            object: Some(name.to_string()),
            detail: json!({}),
            digest: String::new(),
            link: String::new(),
            text: Some("{}".into()),
            salt: None,
        };
        let event = ocsf::remediation(&record, "1").expect("an event");
        assert!(
            matches!(event["activity_id"].as_i64(), Some(1..=4)),
            "{name} is exported as {}",
            event["activity_name"]
        );
    }
    assert!(seen > 20, "only {seen} actions were looked at");
}

const SKIPS: &str = r#"
use microsoft.entra
use notify

playbook skips "Skips" {
  when manual(user: User)
  then {
    attempt each {
      let other = entra.user("nobody@example.org")
      notify.email(other, subject: "Hello", body: "Hello {other.name}")
      entra.revoke_sessions(other)
      entra.block_sign_in(user)
    }
  }
}
"#;

#[tokio::test]
async fn a_message_that_was_skipped_is_no_event_and_an_action_is() {
    let bench = Bench::of(project(SKIPS), START_MS).await;
    bench.start("skips", json!({ "user": USER })).await;
    bench.settle().await;
    let filter = AuditFilter {
        action: Some("action".into()),
        ..AuditFilter::default()
    };
    let records = bench.engine.store().audit(filter).await.expect("readable");
    let skipped: Vec<&AuditRecord> = records
        .items
        .iter()
        .filter(|r| r.action == "action.skipped")
        .collect();
    let of = |name: &str| {
        let found = skipped.iter().find(|r| r.object.as_deref() == Some(name));
        *found.unwrap_or_else(|| panic!("{name} was not skipped: {skipped:?}"))
    };
    let message = of("notify.email");
    assert_eq!(message.detail["impact"], "notify");
    assert_eq!(ocsf::remediation(message, "1"), None);
    let event = ocsf::remediation(of("entra.revoke_sessions"), "1").expect("an event");
    assert_eq!(
        [&event["status"], &event["unmapped"]["impact"]],
        [&Json::from("Skipped"), &Json::from("reversible")]
    );
}
