//! Everything, a tenant or a playbook is paused and let go on, by those who may.

use crate::support::{CONFIG, CONTAIN, Given, PRIYA, Service, tenants};
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

#[tokio::test(flavor = "multi_thread")]
async fn what_a_deploy_has_removed_is_stopped_as_long_as_it_acts() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let author = service.token(Role::Author, Scope::All).await;
    let place = "/api/automation/playbooks/contain_account";
    let (run, _) = operator.contained("fabrikam", PRIYA).await;
    let etag = author.get(place).await.header("etag").to_owned();
    // Two in one file, and then one of them.
    let other = CONTAIN.replace("contain_account", "contain_other");
    let without_uses = other.split("\n\n").skip(1).collect::<Vec<_>>().join("\n\n");
    let both = json!({ "source": format!("{CONTAIN}\n{without_uses}") });
    author
        .with("if-match", &etag)
        .put(place, both)
        .await
        .ok(200);
    let other_place = "/api/automation/playbooks/contain_other";
    let etag = author.get(other_place).await.header("etag").to_owned();
    let one = json!({ "source": other });
    author
        .with("if-match", &etag)
        .put(other_place, one)
        .await
        .ok(200);
    operator.get(place).await.problem(404, "not-found");
    let wish = json!({ "playbook": "contain_account" });
    let paused = operator.post(PAUSES, wish).await.ok(200).json.clone();
    assert_eq!(paused["heard"], true);
    operator
        .send(
            Method::DELETE,
            &format!("{PAUSES}?playbook=contain_account"),
            None,
        )
        .await
        .ok(200);
    // What undoes runs is no playbook of the project, and acts.
    let wish = json!({ "playbook": "undo" });
    operator.post(PAUSES, wish).await.ok(200);
    operator
        .post(PAUSES, json!({ "playbook": "contain" }))
        .await
        .problem(404, "not-found");

    // The tenant leaves the project; its run goes on.
    let (_, folder) = service.stop().await;
    let (kept, left) = CONFIG.split_once("[tenants.fabrikam]").expect("there");
    let (_, after) = left.split_once("\n\n").expect("more");
    let service = Service::with(Given {
        folder,
        config: format!("{kept}{after}"),
        ..Given::default()
    })
    .await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let open = operator.get(&format!("/api/automation/runs/{run}")).await;
    assert_eq!(open.ok(200).json["status"], "awaiting approval");
    let wish = json!({ "tenant": "fabrikam" });
    let paused = operator.post(PAUSES, wish).await.ok(200).json.clone();
    assert_eq!(paused["heard"], true);
    operator
        .post(PAUSES, json!({ "tenant": "nowhere" }))
        .await
        .problem(404, "not-found");
    let cancel = format!("/api/automation/runs/{run}/cancel");
    operator.post(&cancel, json!({})).await;
    operator
        .until(&format!("/api/automation/runs/{run}"), |r| {
            r["ended_at"].is_string()
        })
        .await;
    operator
        .post(PAUSES, json!({ "playbook": "contain_account" }))
        .await
        .problem(404, "not-found");
}
