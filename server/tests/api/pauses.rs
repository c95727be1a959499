//! Everything, a tenant or a playbook is paused and let go on, by those who may.

use crate::support::{PRIYA, Service, tenants};
use counterplay_server::identity::{Role, Scope};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

const PAUSES: &str = "/api/automation/pauses";

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_waits_until_it_is_let_go_on() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let wish = json!({ "tenant": "contoso", "because": " the directory answers nonsense " });
    let paused = operator.post(PAUSES, wish).await.ok(200).json.clone();
    assert_eq!(paused["heard"], true);
    assert_eq!(paused["under_way"], 0);
    assert_eq!(paused["because"], "the directory answers nonsense");
    let start = json!({ "tenant": "contoso", "values": { "user": PRIYA, "reason": "x" } });
    let begin = "/api/automation/playbooks/contain_account/run";
    operator.post(begin, start).await.ok(202);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let runs = operator
        .get("/api/automation/runs")
        .await
        .ok(200)
        .json
        .clone();
    let done = |runs: &serde_json::Value| runs["runs"].as_array().expect("a list").len();
    assert_eq!(done(&runs), 0, "who it is about cannot be asked: {runs:#}");
    let left = operator
        .send(Method::DELETE, &format!("{PAUSES}?tenant=contoso"), None)
        .await;
    assert_eq!(left.ok(200).json, json!({ "pauses": [] }));
    for _ in 0..100 {
        let runs = operator
            .get("/api/automation/runs")
            .await
            .ok(200)
            .json
            .clone();
        if done(&runs) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_is_one_thing_that_is_there() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    for wish in [json!({}), json!({ "all": true, "tenant": "contoso" })] {
        operator
            .post(PAUSES, wish)
            .await
            .problem(422, "unprocessable");
    }
    for wish in [
        json!({ "tenant": "contso" }),
        json!({ "playbook": "contain" }),
    ] {
        operator.post(PAUSES, wish).await.problem(404, "not-found");
    }
    operator
        .send(Method::DELETE, &format!("{PAUSES}?all=true"), None)
        .await
        .problem(404, "not-found");
    // Who acts for one tenant stops that one only.
    let one = service.token(Role::Operator, tenants(&["contoso"])).await;
    one.post(PAUSES, json!({ "all": true }))
        .await
        .problem(403, "forbidden");
    one.post(PAUSES, json!({ "tenant": "contoso" }))
        .await
        .ok(200);
    let other = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let seen = other.get(PAUSES).await.ok(200).json.clone();
    assert_eq!(seen, json!({ "pauses": [] }));
}
