//! In: faults. Out: trouble, as often as asked and no more.

use std::time::{Duration, Instant};

use counterplay_sandbox::{Fault, FaultKind};
use serde_json::json;

use crate::client::{Caller, OMAR, read};

const RISKY: &str = "/graph/v1.0/identityProtection/riskyUsers";

#[tokio::test]
async fn throttling_with_and_without_retry_after() {
    let caller = Caller::new().await;
    for retry_after_s in [Some(3), None] {
        let kind = FaultKind::Throttle { retry_after_s };
        caller
            .sandbox
            .inject(Fault::new("/riskyUsers", kind).on("get").times(2));
        for _ in 0..2 {
            let response = caller.send("GET", RISKY, &caller.token, None).await;
            let response = response.expect("an answer");
            let header = response.headers().get("retry-after").cloned();
            assert_eq!(header.is_some(), retry_after_s.is_some());
            let (status, body) = read(response).await;
            assert_eq!(
                (status, &body["error"]["code"]),
                (429, &"TooManyRequests".into())
            );
        }
        assert_eq!(caller.get("/identityProtection/riskyUsers").await.0, 200);
    }
}

#[tokio::test]
async fn a_connection_drops_before_or_after() {
    let caller = Caller::new().await;
    let path = format!("/graph/v1.0/users/{OMAR}");
    let enabled = || caller.sandbox.state().users[OMAR].account_enabled;
    let off = Some(json!({"accountEnabled": false}));
    caller
        .sandbox
        .inject(Fault::new(OMAR, FaultKind::DropConnection));
    assert!(
        caller
            .send("PATCH", &path, &caller.token, off.clone())
            .await
            .is_err()
    );
    assert!(enabled(), "nothing was done");
    caller
        .sandbox
        .inject(Fault::new(OMAR, FaultKind::DropAfter));
    assert!(
        caller
            .send("PATCH", &path, &caller.token, off.clone())
            .await
            .is_err()
    );
    assert!(!enabled(), "it was done");
    let requests = caller.sandbox.requests();
    let statuses: Vec<_> = requests
        .iter()
        .skip(1)
        .map(|request| request.status)
        .collect();
    assert_eq!(
        statuses,
        [None, None],
        "each was sent once and answered never"
    );
    let answer = caller.send("PATCH", &path, &caller.token, off).await;
    assert_eq!(answer.expect("an answer").status().as_u16(), 204);
}

#[tokio::test]
async fn statuses_garbage_and_slowness() {
    let caller = Caller::new().await;
    let kind = FaultKind::Status {
        status: 503,
        code: "serviceNotAvailable".into(),
        message: "Try later.".into(),
    };
    caller.sandbox.inject(Fault::new("/domains", kind));
    caller
        .sandbox
        .inject(Fault::new("/domains", FaultKind::Garbage));
    caller
        .sandbox
        .inject(Fault::new("/domains", FaultKind::Slow { ms: 80 }));
    let (status, body) = caller.get("/domains").await;
    assert_eq!(
        (status, &body["error"]["message"]),
        (503, &"Try later.".into())
    );
    let (status, body) = caller.get("/domains").await;
    assert!(status == 200 && body.is_string(), "{body}");
    let start = Instant::now();
    assert_eq!(caller.get("/domains").await.0, 200);
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn each_service_throttles_in_its_own_shape() {
    let caller = Caller::new().await;
    let fault = Fault::new(
        "",
        FaultKind::Throttle {
            retry_after_s: None,
        },
    )
    .times(3);
    caller.sandbox.inject(fault);
    let (status, body) = caller.ask_token(&[]).await;
    assert!(
        status == 429 && body["error_description"].is_string(),
        "{body}"
    );
    let slack = caller.send("POST", "/slack/services/a/b/c", "", None).await;
    assert_eq!(
        read(slack.expect("an answer")).await,
        (429, "TooManyRequests".into())
    );
    let halo = caller.send("GET", "/halo/api/tickets", "", None).await;
    let (status, body) = read(halo.expect("an answer")).await;
    assert!(status == 429 && body["Message"].is_string(), "{body}");
}
