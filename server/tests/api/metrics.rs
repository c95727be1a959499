//! What a monitoring system reads: figures of the caller's tenants, and of the whole to who may act everywhere.

use crate::support::{PRIYA, Service, tenants};
use counterplay_server::identity::{Role, Scope};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_and_what_waits_is_counted_by_tenant() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let start = json!({ "tenant": "contoso", "values": { "user": PRIYA, "reason": "x" } });
    let begin = "/api/automation/playbooks/contain_account/run";
    operator.post(begin, start).await.ok(202);
    let everywhere = service.token(Role::Viewer, Scope::All).await;
    let started = "counterplay_runs_started_total{tenant=\"contoso\",playbook=\"contain_account\",simulated=\"false\"} 1";
    let mut text = String::new();
    for _ in 0..100 {
        let answer = everywhere.get("/metrics").await;
        let kind = answer.header("content-type").to_owned();
        assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
        text = answer.ok(200).text.clone();
        if text.contains(started) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for expected in [
        started,
        "# TYPE counterplay_runs_started counter",
        "counterplay_runs_open{tenant=\"contoso\",status=",
        "# TYPE counterplay_oldest_event_age_seconds gauge",
        "# TYPE counterplay_calls_under_way gauge",
        "counterplay_build_info{version=\"",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    let number = |name: &str| -> f64 {
        let line = text
            .lines()
            .find(|l| l.starts_with(name))
            .unwrap_or_default();
        let value = line.rsplit(' ').next().unwrap_or_default();
        value.parse().unwrap_or_else(|_| panic!("{name}: {text}"))
    };
    let commits = number("counterplay_store_commits_total ");
    assert!(commits > 0.0);
    assert!(number("counterplay_store_transactions_total ") >= commits);
    assert!(number("counterplay_store_commit_time_seconds_total ") > 0.0);

    let elsewhere = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let text = elsewhere.get("/metrics").await.ok(200).text.clone();
    assert!(!text.contains("contoso"), "another tenant's: {text}");
    assert!(!text.contains("store_commits"), "not theirs: {text}");
}
