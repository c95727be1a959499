//! Runs over HTTP: started once, simulated, listed, ended, taken up again.

use crate::support::{PRIYA, Service, VICTIMS, tenants};
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use counterplay_sandbox::{Fault, FaultKind};
use counterplay_server::http::{authenticate, remember};
use counterplay_server::identity::{Role, Scope};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

const RUN: &str = "/api/automation/playbooks/contain_account/run";
const SIMULATE: &str = "/api/automation/playbooks/contain_account/simulate";

#[tokio::test(flavor = "multi_thread")]
async fn starts_answer_with_the_run() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let good = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    let started = operator.post(RUN, good.clone()).await;
    assert_eq!(
        started.ok(202).json["runs"].as_array().map(Vec::len),
        Some(1)
    );
    let event = operator.get(started.header("location")).await;
    assert_eq!(event.ok(200).json["runs"], started.json["runs"]);
    let again = operator.post(RUN, good).await;
    assert_eq!(again.ok(202).json["runs"], json!([]), "{}", again.text);
    assert_eq!(again.json["repeats"], started.json["runs"]);
    let other = |tenant: &str, values| json!({"tenant": tenant, "values": values});
    operator
        .post(RUN, other("nowhere", json!({"user": PRIYA, "reason": "x"})))
        .await
        .problem(404, "not-found");
    operator
        .post(RUN, other("contoso", json!({"user": PRIYA, "reason": 7})))
        .await
        .problem(422, "unprocessable");
    operator
        .post(RUN, other("contoso", json!({"user": PRIYA})))
        .await
        .problem(422, "unprocessable");
    operator
        .post(RUN, json!({"values": {"user": PRIYA, "reason": "x"}}))
        .await
        .problem(422, "unprocessable")
        .detail("contoso, fabrikam");
    operator
        .post(
            "/api/automation/playbooks/nothing/run",
            other("contoso", json!({})),
        )
        .await
        .problem(404, "not-found");
    let fabrikam = service.token(Role::Operator, tenants(&["fabrikam"])).await;
    fabrikam
        .post(RUN, other("contoso", json!({"user": PRIYA, "reason": "x"})))
        .await
        .problem(404, "not-found");
    let run = started.json["runs"][0].as_str().expect("a run");
    for path in ["", "/cancel", "/resume"] {
        let path = format!("/api/automation/runs/{run}{path}");
        let answer = match path.ends_with(run) {
            true => fabrikam.get(&path).await,
            false => fabrikam.post(&path, json!({})).await,
        };
        answer.problem(404, "not-found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn simulations_do_nothing() {
    let service = Service::start().await;
    let viewer = service.token(Role::Viewer, tenants(&["contoso"])).await;
    let body = json!({"values": {"user": PRIYA, "reason": "x"}});
    let simulated = viewer.post(SIMULATE, body).await;
    let run = &simulated.ok(200).json["runs"][0];
    assert_eq!(run["outcome"], "completed", "{}", simulated.text);
    assert!(
        run["actions"].as_array().is_some_and(|a| a.len() > 3),
        "{run}"
    );
    let runs = viewer.get("/api/automation/runs").await;
    assert_eq!(runs.json["runs"], json!([]));
    viewer
        .post(
            SIMULATE,
            json!({"values": {"user": PRIYA, "reason": "x"}, "live": true}),
        )
        .await
        .problem(403, "forbidden");
    viewer
        .post(SIMULATE, json!({"tenant": "fabrikam", "values": {}}))
        .await
        .problem(404, "not-found");
    viewer
        .post(SIMULATE, json!({"values": {}, "at": "yesterday"}))
        .await
        .problem(422, "unprocessable");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_filtered_and_paged() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let mut runs = Vec::new();
    for (index, victim) in VICTIMS.into_iter().enumerate() {
        let tenant = ["contoso", "fabrikam"][index % 2];
        runs.push(operator.contained(tenant, victim).await.0);
    }
    runs.reverse();
    let mut found = Vec::new();
    let mut next = String::from("/api/automation/runs?limit=3");
    loop {
        let page = operator.get(&next).await;
        let list = page.ok(200).json["runs"]
            .as_array()
            .expect("a list")
            .clone();
        found.extend(
            list.iter()
                .filter_map(|r| r["id"].as_str().map(str::to_owned)),
        );
        match page.json["next"].as_str() {
            Some(cursor) => next = format!("/api/automation/runs?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(found, runs);
    let count = async |query: &str| {
        let answer = operator.get(&format!("/api/automation/runs?{query}")).await;
        answer.ok(200).json["runs"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(count("tenant=contoso").await, 2);
    assert_eq!(
        count("playbook=contain_account&status=awaiting_approval").await,
        4
    );
    assert_eq!(count("playbook=lost_device").await, 0);
    assert_eq!(count("status=ended").await, 0);
    assert_eq!(count("open=true&simulated=false").await, 4);
    assert_eq!(
        count("from=2000-01-01T00:00:00Z&to=2000-01-02T00:00:00Z").await,
        0
    );
    let fabrikam = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let own = fabrikam.get("/api/automation/runs").await;
    assert_eq!(own.json["runs"].as_array().map(Vec::len), Some(2));
    let other = fabrikam.get("/api/automation/runs?tenant=contoso").await;
    assert_eq!(other.json["runs"], json!([]));
    for bad in [
        "limit=0",
        "limit=201",
        "limit=x",
        "status=asleep",
        "colour=red",
        "from=now",
    ] {
        operator
            .get(&format!("/api/automation/runs?{bad}"))
            .await
            .problem(400, "bad-request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_ended_by_people() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let (run, _) = operator.contained("contoso", PRIYA).await;
    let path = format!("/api/automation/runs/{run}");
    operator
        .post(&format!("{path}/resume"), json!({}))
        .await
        .problem(409, "conflict");
    operator
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .ok(202);
    let ended = operator.until(&path, |r| r["status"] == "ended").await;
    assert_eq!(ended["outcome"], "cancelled");
    operator
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .problem(409, "conflict");
    operator
        .get("/api/automation/runs/nothing")
        .await
        .problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_step_has_an_unknown_outcome_is_held_and_taken_up_again() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    // The service desk does what it is asked, and nobody hears of it.
    service
        .sandbox
        .inject(Fault::new("/tickets", FaultKind::DropAfter).on("POST"));
    // Nor does it say what it has done.
    let refused = FaultKind::Status {
        status: 403,
        code: "Forbidden".into(),
        message: "Not now.".into(),
    };
    service
        .sandbox
        .inject(Fault::new("/tickets", refused).on("GET").times(1_000));
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    let started = operator.post(RUN, body).await;
    let run = started.ok(202).json["runs"][0].as_str().expect("a run");
    let path = format!("/api/automation/runs/{run}");
    let held = operator.until(&path, |r| r["status"] == "held").await;
    assert_eq!(held["waits_for"][0]["kind"], "person");
    let reason = held["waits_for"][0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("may have been carried out"), "{reason}");
    service
        .token(Role::Viewer, Scope::All)
        .await
        .post(&format!("{path}/resume"), json!({}))
        .await
        .problem(403, "forbidden");
    operator
        .post(&format!("{path}/resume"), json!({}))
        .await
        .ok(202);
    operator
        .until(&path, |r| r["status"] == "awaiting approval")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attempts_that_gave_no_answer_are_in_the_timeline() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let busy = FaultKind::Throttle {
        retry_after_s: Some(1),
    };
    service
        .sandbox
        .inject(Fault::new("/tickets", busy).on("POST").times(2));
    let (run, _) = operator.contained("contoso", PRIYA).await;
    let seen = operator.get(&format!("/api/automation/runs/{run}")).await;
    let timeline = seen.json["timeline"].as_array().expect("lines");
    let at = |kind: &str, text: &str| {
        let fits = |l: &Value| {
            l["kind"] == kind && l["text"].as_str().is_some_and(|t| t.starts_with(text))
        };
        timeline
            .iter()
            .position(fits)
            .unwrap_or_else(|| panic!("{kind} {text}: {timeline:#?}"))
    };
    let action = at("action", "ticket.create");
    let retry = at("retry", "ticket.create is tried again");
    let next = at("action", "entra.block_sign_in");
    assert_eq!((retry, next), (action + 1, action + 3), "{timeline:#?}");
    let why = timeline[retry]["result"].as_str().expect("a reason");
    assert!(why.starts_with("in 1s: ") && why.contains("429"), "{why}");
    assert!(
        timeline[action]["result"]
            .as_str()
            .is_some_and(|r| r.starts_with("done"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_only_simulated_is_not_repeated_by_what_is_real() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let mode = "/api/automation/playbooks/contain_account/mode";
    let any = operator.with("if-match", "*");
    any.put(mode, json!({"mode": "simulate"})).await.ok(200);
    let (simulated, _) = operator.contained("contoso", PRIYA).await;
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    let again = operator.post(RUN, body.clone()).await;
    assert_eq!(again.ok(202).json["repeats"], json!([simulated]));
    any.put(mode, json!({"mode": "active"})).await.ok(200);
    let real = operator.post(RUN, body.clone()).await;
    let run = real.ok(202).json["runs"][0].as_str().expect("a real run");
    let run = operator.get(&format!("/api/automation/runs/{run}")).await;
    assert_eq!(run.ok(200).json["simulated"], false);
    // And the real one is repeated by neither.
    assert_eq!(
        operator.post(RUN, body.clone()).await.json["runs"],
        json!([])
    );
    any.put(mode, json!({"mode": "simulate"})).await.ok(200);
    assert_eq!(operator.post(RUN, body).await.json["runs"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_starts_one_run() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let keyed = operator.with("idempotency-key", "6e1f");
    let body = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    let (a, b) = tokio::join!(keyed.post(RUN, body.clone()), keyed.post(RUN, body.clone()));
    assert_eq!(a.ok(202).text, b.ok(202).text);
    let c = keyed.post(RUN, body.clone()).await;
    assert_eq!(c.ok(202).text, a.text);
    for name in ["content-type", "location"] {
        assert_eq!(a.header(name), c.header(name));
        assert!(!a.header(name).is_empty());
    }
    assert_eq!(c.header("idempotency-replayed"), "true");
    let runs = operator.get("/api/automation/runs").await;
    assert_eq!(runs.json["runs"].as_array().map(Vec::len), Some(1));
    let other = json!({"tenant": "contoso", "values": {"user": VICTIMS[1], "reason": "x"}});
    keyed
        .post(RUN, other.clone())
        .await
        .problem(422, "unprocessable");
    let somebody = service.token(Role::Operator, Scope::All).await;
    somebody
        .with("idempotency-key", "6e1f")
        .post(RUN, other)
        .await
        .ok(202);
    operator
        .with("idempotency-key", &"x".repeat(300))
        .post(RUN, body)
        .await
        .problem(400, "bad-request");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_of_the_service_is_not_kept_under_the_key() {
    let service = Service::start().await;
    let asked = Arc::new(AtomicU32::new(0));
    let seen = asked.clone();
    let answer = move || async move {
        match seen.fetch_add(1, Ordering::SeqCst) {
            0 => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::ACCEPTED,
        }
    };
    let app = service.app.clone();
    let router = axum::Router::new()
        .route("/job", axum::routing::post(answer))
        .route_layer(from_fn_with_state(app.clone(), remember))
        .layer(from_fn_with_state(app, authenticate));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let mut operator = service.token(Role::Operator, Scope::All).await;
    operator.base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let keyed = operator.with("idempotency-key", "again");
    for (status, times) in [(503, 1), (202, 2), (202, 2)] {
        keyed.post("/job", json!({})).await.ok(status);
        assert_eq!(asked.load(Ordering::SeqCst), times);
    }
}
