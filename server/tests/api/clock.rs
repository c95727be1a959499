//! The clock is set while the service works: timers wait until somebody confirms it, who may.

use crate::support::{PRIYA, Service, tenants};
use counterplay_server::identity::{Role, Scope};
use serde_json::json;
use std::time::Duration;

const CLOCK: &str = "/api/automation/clock";
const CONFIRM: &str = "/api/automation/clock/confirm";

#[tokio::test(flavor = "multi_thread")]
async fn timers_wait_until_somebody_confirms_the_clock() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let clock = operator.get(CLOCK).await.ok(200).json.clone();
    assert_eq!(clock["held"], json!(null));
    operator
        .post(CONFIRM, json!({}))
        .await
        .problem(409, "conflict");
    let start = json!({ "tenant": "contoso", "values": { "user": PRIYA, "reason": "x" } });
    let begin = "/api/automation/playbooks/contain_account/run";
    operator.post(begin, start).await.ok(202);
    let store = service.app.engine.store();
    let mut approvals = Vec::new();
    for _ in 0..200 {
        approvals = store.approvals_within(None).await.expect("readable");
        if !approvals.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(approvals.len(), 1, "it asks");
    service.clock.set_by_days(60);
    // Tokens end as well by what the clock shows.
    let operator = service.token(Role::Operator, Scope::All).await;
    let mut clock = json!(null);
    for _ in 0..200 {
        clock = operator.get(CLOCK).await.ok(200).json.clone();
        if clock["held"] != json!(null) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        clock["held"]["because"],
        "the clock went forward by 60d at once"
    );
    assert_eq!(clock["overdue"]["approvals"], 1, "{clock}");
    let health = operator
        .get("/api/automation/health")
        .await
        .ok(200)
        .json
        .clone();
    assert_eq!(health["status"], "attention");
    assert_eq!(health["clock"], clock["held"]["because"]);
    let open = store.approvals_within(None).await.expect("readable");
    assert_eq!(open.len(), 1, "it does not end by a wrong time");
    // Whom it concerns is everybody.
    let one = service.token(Role::Operator, tenants(&["contoso"])).await;
    one.post(CONFIRM, json!({})).await.problem(403, "forbidden");
    let seen = one.get(CLOCK).await.ok(200).json.clone();
    assert_eq!(seen["overdue"], json!(null), "counts are of every tenant");
    let viewer = service.token(Role::Viewer, Scope::All).await;
    viewer
        .post(CONFIRM, json!({}))
        .await
        .problem(403, "forbidden");
    let done = operator.post(CONFIRM, json!({})).await.ok(200).json.clone();
    assert_eq!(done["held"], json!(null));
    for _ in 0..200 {
        if store
            .approvals_within(None)
            .await
            .expect("readable")
            .is_empty()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the approval does not end");
}
