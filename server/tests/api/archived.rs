//! What is left of archived runs is found: by id, in the list, on the dashboard.

use crate::support::{PRIYA, Service, VICTIMS, tenants};
use counterplay_server::identity::{Role, Scope};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_run_is_found_and_says_so() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (first, _) = operator.contained("contoso", PRIYA).await;
    let (last, _) = operator.contained("contoso", VICTIMS[1]).await;
    for run in [&first, &last] {
        let path = format!("/api/automation/runs/{run}");
        operator
            .post(&format!("{path}/cancel"), json!({}))
            .await
            .ok(202);
        operator.until(&path, |r| r["status"] == "ended").await;
    }
    let store = service.app.engine.store();
    let now = counterplay_runtime::clock::Clock::now_ms(&*service.app.clock);
    let done = store.archive(now + 60_000, "ana@msp.example", now).await;
    assert_eq!(done.expect("archived").runs, 1, "the latest run stays");

    let path = format!("/api/automation/runs/{first}");
    let left = operator.get(&path).await;
    let left = &left.ok(200).json;
    assert_eq!(left["id"], json!(first));
    assert_eq!(
        (&left["status"], &left["outcome"]),
        (&json!("ended"), &json!("cancelled"))
    );
    assert!(left["archived_at"].is_string(), "{left}");
    assert_eq!(
        (&left["timeline"], &left["version"]),
        (&json!([]), &Value::Null)
    );
    let kept = operator.get(&format!("/api/automation/runs/{last}")).await;
    assert_eq!(kept.ok(200).json["archived_at"], Value::Null);
    operator
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .problem(404, "not-found")
        .detail("was archived");
    let ids = |page: &Value| -> Vec<Value> {
        let runs = page["runs"].as_array().expect("a list");
        runs.iter().map(|run| run["id"].clone()).collect()
    };
    let listed = operator.get("/api/automation/runs?archived=true").await;
    assert_eq!(ids(&listed.ok(200).json), [json!(first)]);
    let fabrikam = service.token(Role::Operator, tenants(&["fabrikam"])).await;
    fabrikam
        .get(&path)
        .await
        .problem(404, "not-found")
        .detail("there is no run");
    let none = fabrikam.get("/api/automation/runs?archived=true").await;
    assert_eq!(none.ok(200).json["runs"], json!([]));

    service
        .account("ada@msp.example", &[Role::Administrator], Scope::All)
        .await;
    let ada = service.log_in("ada@msp.example").await;
    let page = ada.get(&format!("/runs/{first}")).await;
    for part in [
        "Archived",
        "its steps are not",
        &format!("/audit?run={first}"),
    ] {
        assert!(page.ok(200).text.contains(part), "{part}: {}", page.text);
    }
    let list = ada.get("/runs?status=archived").await;
    assert!(list.ok(200).text.contains(&first) && !list.text.contains(&last));
    let told = ada.get(&format!("/audit?run={first}")).await;
    assert!(told.ok(200).text.contains("run.cancelled"), "{}", told.text);
}
