//! In: batches. Out: one status for each request.

use counterplay_sandbox::{Fault, FaultKind};
use serde_json::{Value, json};

use crate::client::{Caller, NORA, OMAR};

#[tokio::test]
async fn each_request_has_its_own_status() {
    let caller = Caller::new().await;
    let throttle = FaultKind::Throttle {
        retry_after_s: Some(7),
    };
    caller.sandbox.inject(Fault::new("/domains", throttle));
    let batch = json!({"requests": [
        {"id": "after", "method": "GET", "url": "/users/x/manager", "dependsOn": ["lost"]},
        {"id": "off", "method": "PATCH", "url": format!("/users/{OMAR}"),
         "headers": {"Content-Type": "application/json"}, "body": {"accountEnabled": false}},
        {"id": "lost", "method": "GET", "url": format!("users/{NORA}/manager")},
        {"id": "slow", "method": "GET", "url": "/domains"},
        {"id": "read", "method": "GET", "url": format!("/users/{OMAR}?$select=accountEnabled"), "dependsOn": ["off"]},
    ]});
    let (status, body) = caller.graph("POST", "/$batch", Some(batch)).await;
    assert_eq!(status, 200);
    let find = |id: &str| -> Value {
        let all = body["responses"].as_array().into_iter().flatten();
        { all }
            .find(|response| response["id"] == id)
            .cloned()
            .unwrap_or_default()
    };
    assert_eq!(find("off")["status"], 204);
    assert_eq!(find("lost")["status"], 404);
    assert_eq!(
        find("lost")["body"]["error"]["code"],
        "Request_ResourceNotFound"
    );
    assert_eq!(find("after")["status"], 424);
    assert_eq!(find("slow")["status"], 429);
    assert_eq!(find("slow")["headers"]["Retry-After"], "7");
    assert_eq!(find("read")["body"]["accountEnabled"], false);
}

#[tokio::test]
async fn a_malformed_batch_fails_whole() {
    let caller = Caller::new().await;
    let one = |id: &str| json!({"id": id, "method": "GET", "url": "/domains"});
    let many: Vec<Value> = (0..21).map(|id| one(&id.to_string())).collect();
    for requests in [
        json!(many),
        json!([one("a"), one("a")]),
        json!([{"id": "a", "url": "/domains"}]),
        json!([{"id": "a", "method": "GET", "url": "/domains", "dependsOn": ["b"]}]),
        json!([{"id": "a", "method": "GET", "url": "/domains", "dependsOn": ["a"]}]),
        json!([]),
    ] {
        let (status, _) = caller
            .graph("POST", "/$batch", Some(json!({"requests": requests})))
            .await;
        assert_eq!(status, 400);
    }
}
