//! In: sandboxes started, steered and stopped. Out: what people and tests rely on.

use counterplay_sandbox::{Options, Sandbox, StartError, Tenant, demo_tenant_at};
use serde_json::{Value, json};

use crate::client::{Caller, OMAR, read};

#[tokio::test]
async fn a_taken_port_is_named() {
    let caller = Caller::new().await;
    for (service, options) in [
        (
            "HTTP",
            Options {
                http: caller.sandbox.http_addr(),
                ..Options::default()
            },
        ),
        (
            "SMTP",
            Options {
                smtp: caller.sandbox.smtp_addr(),
                ..Options::default()
            },
        ),
    ] {
        let address = if service == "HTTP" {
            options.http
        } else {
            options.smtp
        };
        let Err(error) = Sandbox::start(options).await else {
            panic!("two sandboxes on one port");
        };
        assert!(matches!(error, StartError::PortTaken { .. }));
        let text = error.to_string();
        assert!(
            text.contains(service) && text.contains(&address.to_string()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn stopping_frees_both_ports() {
    let caller = Caller::new().await;
    let options = Options {
        http: caller.sandbox.http_addr(),
        smtp: caller.sandbox.smtp_addr(),
        ..Options::default()
    };
    let idle_client = caller.http.clone();
    let start = std::time::Instant::now();
    caller.sandbox.stop().await;
    assert!(
        start.elapsed().as_secs() < 1,
        "idle connections do not hold it"
    );
    let again = Sandbox::start(options).await.expect("both ports are free");
    drop(idle_client);
    drop(again);
}

#[tokio::test]
async fn people_read_and_steer_it() {
    let caller = Caller::new().await;
    let call = async |method: &str, path: &str, body: Option<Value>| {
        read(
            caller
                .send(method, path, "", body)
                .await
                .expect("an answer"),
        )
        .await
    };
    let (_, index) = call("GET", "/", None).await;
    assert!(
        index
            .as_str()
            .is_some_and(|text| text.contains("/graph/v1.0"))
    );
    let patch = json!({"users": {OMAR: {"accountEnabled": false}}});
    assert_eq!(call("PATCH", "/sandbox/state", Some(patch)).await.0, 200);
    let (_, state) = call("GET", "/sandbox/state", None).await;
    let state: Tenant = serde_json::from_value(state).expect("a tenant");
    assert_eq!(state, caller.sandbox.state());
    assert!(!state.users[OMAR].account_enabled);
    let fault = json!({"path_contains": "/domains", "kind": "status", "status": 500, "code": "x", "message": "y"});
    assert_eq!(call("POST", "/sandbox/faults", Some(fault)).await.0, 201);
    assert_eq!(caller.get("/domains").await.0, 500);
    assert_eq!(caller.get("/domains").await.0, 200);
    assert_eq!(
        call("POST", "/sandbox/faults", Some(json!({"kind": "rain"})))
            .await
            .0,
        400
    );
    let (_, requests) = call("GET", "/sandbox/requests", None).await;
    let last = &requests
        .as_array()
        .and_then(|list| list.last().cloned())
        .unwrap_or_default();
    assert_eq!(
        (&last["path"], &last["status"]),
        (&"/graph/v1.0/domains".into(), &200.into())
    );
    assert_eq!(call("POST", "/sandbox/reset", None).await.0, 204);
    assert!(caller.sandbox.state().users[OMAR].account_enabled);
    assert!(caller.sandbox.requests().is_empty());
    assert_eq!(
        caller.get("/domains").await.0,
        200,
        "tokens outlive a reset"
    );
    assert_eq!(call("GET", "/sandbox/nothing", None).await.0, 404);
    assert_eq!(call("DELETE", "/sandbox/state", None).await.0, 405);
    assert_eq!(call("GET", "/elsewhere", None).await.0, 404);
}

#[test]
fn the_demo_is_the_same_every_time() {
    let now = "2026-11-22T12:00:00Z".parse().expect("a time");
    let tenant = demo_tenant_at(now);
    assert_eq!(tenant, demo_tenant_at(now));
    assert_eq!((tenant.users.len(), tenant.devices.len()), (10, 5));
    let text = serde_json::to_string(&tenant).expect("JSON");
    let back: Tenant = serde_json::from_str(&text).expect("a tenant");
    assert_eq!(back, tenant);
}
