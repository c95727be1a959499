//! In: events for PagerDuty. Out: incidents, and refusals in its words.

use counterplay_sandbox::{Fault, FaultKind, PagerStatus};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Caller, read};

async fn send(caller: &Caller, body: Value) -> (u16, Value) {
    let url = format!("{}/pagerduty/v2/enqueue", caller.sandbox.base_url());
    let sent = caller.http.request(Method::POST, url).json(&body).send();
    read(sent.await.expect("an answer")).await
}

fn event(action: &str, key: &str) -> Value {
    json!({"routing_key": "sandbox-pagerduty-routing-key-01", "event_action": action, "dedup_key": key,
        "payload": {"summary": "Disk full", "source": "contoso", "severity": "error"}})
}

#[tokio::test]
async fn events_of_one_key_are_one_incident_until_it_is_over() {
    let caller = Caller::new().await;
    let (status, body) = send(&caller, event("trigger", "k-1")).await;
    assert_eq!(status, 202);
    assert_eq!(
        body,
        json!({"status": "success", "message": "Event processed", "dedup_key": "k-1"})
    );
    send(&caller, event("trigger", "k-1")).await;
    send(&caller, event("acknowledge", "k-1")).await;
    let incidents = caller.sandbox.state().pager.incidents;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].triggers, 2);
    assert_eq!(incidents[0].status, PagerStatus::Acknowledged);
    send(&caller, event("resolve", "k-1")).await;
    let (status, _) = send(&caller, event("resolve", "k-1")).await;
    assert_eq!(status, 202, "there is nothing left to resolve");
    send(&caller, event("trigger", "k-1")).await;
    let incidents = caller.sandbox.state().pager.incidents;
    assert_eq!(incidents.len(), 2, "what comes after the end is new");
    // Without a key the service makes one.
    let mut body = event("trigger", "");
    body.as_object_mut().expect("an object").remove("dedup_key");
    let (_, made) = send(&caller, body).await;
    assert!(
        made["dedup_key"]
            .as_str()
            .is_some_and(|key| !key.is_empty())
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_event_is_said() {
    let caller = Caller::new().await;
    for (path, value, said) in [
        ("/routing_key", json!("short"), "should be 32 characters"),
        (
            "/routing_key",
            json!("another-pagerduty-routing-key-01"),
            "Invalid routing key",
        ),
        ("/event_action", json!("shout"), "'event_action' is invalid"),
        (
            "/payload/summary",
            json!(""),
            "'payload.summary' is missing",
        ),
        (
            "/payload/severity",
            json!("bad"),
            "'payload.severity' is invalid",
        ),
        (
            "/dedup_key",
            json!("k".repeat(256)),
            "'dedup_key' is too long",
        ),
    ] {
        let mut body = event("trigger", "k-1");
        *body.pointer_mut(path).expect("a member") = value;
        let (status, body) = send(&caller, body).await;
        assert_eq!(status, 400, "{path}");
        assert_eq!(body["status"], "invalid event");
        assert_eq!(body["message"], "Event object is invalid");
        let error = body["errors"][0].as_str().expect("a text");
        assert!(error.contains(said), "{path}: {error}");
    }
    let fault = FaultKind::Throttle {
        retry_after_s: None,
    };
    caller.sandbox.inject(Fault::new("/pagerduty", fault));
    let (status, body) = send(&caller, event("trigger", "k-1")).await;
    assert_eq!(
        (status, &body["status"]),
        (429, &json!("throttle exceeded"))
    );
    assert!(caller.sandbox.state().pager.incidents.is_empty());
    let shown = json!(caller.sandbox.requests()).to_string();
    assert!(!shown.contains("routing-key-01"), "{shown}");
}
