//! The audit trail, dead letters, tenants and health over HTTP.

use crate::support::{PRIYA, RISK, Service, VICTIMS, tenants};
use counterplay_sandbox::{Fault, FaultKind};
use counterplay_server::identity::{Role, Scope};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_is_read_verified_and_exported() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, _) = operator.contained("contoso", PRIYA).await;
    let list = operator
        .get(&format!("/api/automation/audit?run={run}&limit=2"))
        .await;
    assert_eq!(
        list.ok(200).json["records"].as_array().map(Vec::len),
        Some(2)
    );
    assert!(list.json["next"].is_string());
    let cursor = list.json["next"].as_str().expect("more");
    let more = operator
        .get(&format!(
            "/api/automation/audit?run={run}&limit=2&cursor={cursor}"
        ))
        .await;
    assert_ne!(
        more.json["records"][0]["link"],
        list.json["records"][0]["link"]
    );
    let whole = operator.get("/api/automation/audit/verify").await;
    assert_eq!(whole.ok(200).json["whole"], true, "{}", whole.text);
    let export = operator.get("/api/automation/audit/export").await;
    assert_eq!(
        export.ok(200).header("content-type"),
        "application/x-ndjson"
    );
    let lines: Vec<Value> = export
        .text
        .lines()
        .map(|l| serde_json::from_str(l).expect("JSON on each line"))
        .collect();
    assert!(
        lines.iter().any(|l| l["record"]["run"] == run.as_str()),
        "{}",
        export.text
    );
    let fabrikam = service.token(Role::Operator, tenants(&["fabrikam"])).await;
    assert!(
        !fabrikam
            .get("/api/automation/audit/export")
            .await
            .text
            .contains(&run)
    );
    let own = fabrikam
        .get(&format!("/api/automation/audit?run={run}"))
        .await;
    assert_eq!(own.ok(200).json["records"], json!([]));
    fabrikam
        .get("/api/automation/audit?tenant=contoso")
        .await
        .problem(404, "not-found");
    service
        .token(Role::Viewer, Scope::All)
        .await
        .get("/api/automation/audit")
        .await
        .problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_put_aside_or_tried_again() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, tenants(&["contoso"])).await;
    let other = service.token(Role::Operator, tenants(&["fabrikam"])).await;
    let mut event: Value = serde_json::from_str(RISK).expect("JSON");
    event["riskLevel"] = json!({"value": "high"});
    let refused = operator.post("/events", event).await;
    refused.problem(422, "unprocessable");
    let letter = refused.json["dead_letter"].as_i64().expect("a letter");
    let path = format!("/api/automation/dead-letters/{letter}");
    assert_eq!(operator.get(&path).await.ok(200).json["state"], "open");
    other.get(&path).await.problem(404, "not-found");
    let dismiss = format!("{path}/dismiss");
    other
        .post(&dismiss, json!({"why": "x"}))
        .await
        .problem(404, "not-found");
    other
        .post(&format!("{path}/replay"), json!({}))
        .await
        .problem(404, "not-found");
    operator
        .post(&format!("{path}/replay"), json!({}))
        .await
        .problem(422, "unprocessable");
    operator
        .post(&dismiss, json!({"why": " "}))
        .await
        .problem(422, "unprocessable");
    operator
        .post(&dismiss, json!({"why": "a test"}))
        .await
        .ok(204);
    operator
        .post(&dismiss, json!({"why": "a test"}))
        .await
        .problem(409, "conflict");
    let open = operator.get("/api/automation/dead-letters").await;
    assert_eq!(open.ok(200).json["letters"], json!([]));
    let all = operator.get("/api/automation/dead-letters?all=true").await;
    assert_eq!(all.json["letters"][0]["state"], "dismissed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_is_accepted_once_the_project_knows_its_event() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, tenants(&["contoso"])).await;
    let refused = operator
        .post(
            "/events/door.opened",
            json!({"door": "north", "who": "nobody"}),
        )
        .await;
    refused.problem(404, "not-found");
    let letter = refused.json["dead_letter"].as_i64().expect("a letter");
    let path = format!("/api/automation/dead-letters/{letter}");
    operator
        .post(&format!("{path}/replay"), json!({}))
        .await
        .problem(404, "not-found");
    let source = "use ticket\n\nevent opened {\n  source: push\n  field door: Text = raw.door\n  field who: Text = raw.who\n}\n\nplaybook night_door \"A Door at Night\" {\n  when opened as opening\n\n  then {\n    let case = ticket.create(title: \"{opening.who} at {opening.door}\", priority: low)\n    ticket.note(case, \"Look there.\")\n  }\n}\n";
    let author = service.token(Role::Author, Scope::All).await;
    author
        .post(
            "/api/automation/playbooks",
            json!({"source": source, "path": "playbooks/door.play"}),
        )
        .await
        .ok(201);
    let again = operator.post(&format!("{path}/replay"), json!({})).await;
    let arrival = again.ok(202).header("location").to_owned();
    let matched = operator.until(&arrival, |a| a["runs"][0].is_string()).await;
    let run = matched["runs"][0].as_str().expect("a run");
    let run = format!("/api/automation/runs/{run}");
    let ended = operator.until(&run, |r| r["status"] == "ended").await;
    assert_eq!(ended["outcome"], "completed", "{ended}");
    let letter = operator.get(&path).await;
    assert_eq!(letter.ok(200).json["state"], "replayed");
    assert!(letter.json["event"].is_i64(), "{}", letter.text);
    operator
        .post(&format!("{path}/replay"), json!({}))
        .await
        .problem(409, "conflict");
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_and_health() {
    let service = Service::start().await;
    let viewer = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let list = viewer.get("/api/automation/tenants").await;
    let names: Vec<&str> = list.ok(200).json["tenants"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|t| t["name"].as_str())
        .collect();
    assert_eq!(names, ["fabrikam"], "{}", list.text);
    viewer.get("/api/automation/health").await.ok(200);
    let alive = service.stranger().get("/healthz").await;
    assert_eq!(alive.ok(200).json["status"], "ok");
    service
        .stranger()
        .get("/api/automation/health")
        .await
        .problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_fails_is_said_to() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let fabrikam = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let state = |health: &Value, name: &str| {
        let all = health["connections"].as_array().expect("connections");
        all.iter().find(|c| c["name"] == name).cloned()
    };
    let health = "/api/automation/health";
    let before = operator.get(health).await;
    assert_eq!(state(&before.ok(200).json, "halopsa"), None);
    let down = FaultKind::Status {
        status: 503,
        code: "down".into(),
        message: "for maintenance".into(),
    };
    service
        .sandbox
        .inject(Fault::new("/halo/api", down).times(2));
    let values = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    let path = "/api/automation/playbooks/contain_account/run";
    operator.post(path, values).await.ok(202);
    let failing = operator
        .until(health, |h| {
            state(h, "halopsa").is_some_and(|c| c["state"] == "failing")
        })
        .await;
    assert_eq!(failing["status"], "attention");
    let halo = state(&failing, "halopsa").expect("it is there");
    assert!(
        halo["error"].as_str().is_some_and(|e| e.contains("503")),
        "{halo}"
    );
    assert!(
        halo["failed_at"].is_string() && halo["worked_at"].is_null(),
        "{halo}"
    );
    // It is used for other tenants, too, so what was wrong may be about one of them.
    let told = fabrikam.get(health).await;
    let theirs = state(&told.ok(200).json, "halopsa").expect("it is there");
    assert_eq!(
        (&theirs["state"], &theirs["error"]),
        (&json!("failing"), &Value::Null)
    );
    let well = operator
        .until(health, |h| {
            state(h, "halopsa").is_some_and(|c| c["state"] == "ok")
        })
        .await;
    let halo = state(&well, "halopsa").expect("it is there");
    assert!(
        halo["worked_at"].is_string() && halo["error"].is_null(),
        "{halo}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_left_alone_for_a_tenant_is_said_to() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let fabrikam = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let down = FaultKind::Status {
        status: 503,
        code: "down".into(),
        message: "for maintenance".into(),
    };
    service
        .sandbox
        .inject(Fault::new("/halo/api", down).times(1_000));
    for user in VICTIMS {
        let values = json!({"tenant": "contoso", "values": {"user": user, "reason": "x"}});
        let path = "/api/automation/playbooks/contain_account/run";
        operator.post(path, values).await.ok(202);
    }
    let health = "/api/automation/health";
    let halo = |health: &Value| {
        let all = health["connections"].as_array().expect("connections");
        all.iter().find(|c| c["name"] == "halopsa").cloned()
    };
    let stopped = operator
        .until(health, |h| {
            halo(h).is_some_and(|c| c["stopped"][0]["tenant"] == "contoso")
        })
        .await;
    assert_eq!(stopped["status"], "attention");
    let told = halo(&stopped).expect("it is there");
    assert_eq!(told["state"], "failing");
    assert_eq!(told["stopped"][0]["error"], "it answered 503");
    assert!(told["stopped"][0]["next_at"].as_str() > told["stopped"][0]["since"].as_str());
    // Which tenants have trouble is nobody else's business.
    let theirs = fabrikam.get(health).await;
    let theirs = halo(&theirs.ok(200).json).expect("it is there");
    assert_eq!(theirs["stopped"], json!([]));
}
