//! Events and signed deliveries over HTTP.

use crate::sandboxed::WEBHOOK_SECRET;
use crate::support::{Given, LEAVER, RISK, Service, tenants};
use counterplay_server::identity::{Role, Scope};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};

const NAMED: &str = "/events/identity.risk_detected";
const HOOK: &str = "/hooks/offboarding";

fn risk(id: &str) -> Value {
    let mut event: Value = serde_json::from_str(RISK).expect("JSON");
    event["id"] = json!(id);
    event
}

fn signature(at_s: i64, body: &str, secret: &str) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    mac.update(format!("{at_s}.{body}").as_bytes());
    let hex: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    format!("sha256={hex}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tenant_is_the_credentials() {
    let service = Service::start().await;
    let source = service.token(Role::Source, tenants(&["fabrikam"])).await;
    let viewer = service.token(Role::Viewer, Scope::All).await;
    let mut event = risk("a");
    event["tenantId"] = json!("3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8");
    event["tenant"] = json!("contoso");
    let taken = source.post(NAMED, event).await;
    assert_eq!(taken.ok(202).json["name"], "identity.risk_detected");
    let number = taken.json["event"].as_i64().expect("a number");
    let arrival = viewer
        .get(&format!("/api/automation/events/{number}"))
        .await;
    assert_eq!(arrival.ok(200).json["tenant"], "fabrikam");
    let contoso = service.token(Role::Viewer, tenants(&["contoso"])).await;
    contoso
        .get(&format!("/api/automation/events/{number}"))
        .await
        .problem(404, "not-found");
    let list = contoso.get("/api/automation/events").await;
    assert_eq!(list.ok(200).json["events"], json!([]));
    service
        .token(Role::Operator, Scope::All)
        .await
        .post(NAMED, risk("b"))
        .await
        .problem(403, "forbidden")
        .detail("a token for each tenant");
    viewer
        .post(NAMED, risk("b"))
        .await
        .problem(403, "forbidden");
    service
        .stranger()
        .post(NAMED, risk("b"))
        .await
        .problem(401, "unauthorized");
    source
        .post("/events/no.such.event", risk("b"))
        .await
        .problem(404, "not-found");
    source
        .get("/api/automation/runs")
        .await
        .problem(403, "forbidden");
}

#[tokio::test(flavor = "multi_thread")]
async fn cloud_events_are_taken_once() {
    let service = Service::start().await;
    let source = service.token(Role::Source, tenants(&["contoso"])).await;
    let envelope = json!({
        "specversion": "1.0", "id": "1", "source": "/siem", "subject": "fabrikam",
        "type": "identity.risk_detected", "datacontenttype": "application/json",
        "data": risk("c"),
    });
    let structured = source.with("content-type", "application/cloudevents+json");
    let first = structured.post("/events", envelope.clone()).await;
    assert_eq!(first.ok(202).json["duplicate"], false);
    assert_eq!(first.json["name"], "identity.risk_detected");
    let again = structured.post("/events", envelope).await;
    assert_eq!(again.ok(202).json["duplicate"], true);
    assert_eq!(again.json["event"], first.json["event"]);
    let binary = source
        .with("ce-specversion", "1.0")
        .with("ce-source", "/siem")
        .with("ce-type", "identity.risk_detected");
    let same = binary.with("ce-id", "1").post("/events", risk("c")).await;
    assert_eq!(same.ok(202).json["duplicate"], true, "{}", same.text);
    let new = binary.with("ce-id", "2").post("/events", risk("d")).await;
    assert_eq!(new.ok(202).json["duplicate"], false);
    binary
        .with("ce-id", "3")
        .with("ce-specversion", "7")
        .post("/events", risk("e"))
        .await
        .problem(400, "bad-request");
    structured
        .post("/events", json!({"specversion": "1.0", "id": "4"}))
        .await
        .problem(400, "bad-request");
    source
        .with("content-type", "application/cloudevents-batch+json")
        .post("/events", json!([]))
        .await
        .problem(415, "media-type");
    let keyed = source.with("idempotency-key", "k1");
    let one = keyed.post(NAMED, risk("f")).await;
    let two = keyed.post(NAMED, risk("f")).await;
    assert_eq!(one.ok(202).json["event"], two.ok(202).json["event"]);
    assert_eq!(two.json["duplicate"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_read_is_kept() {
    let service = Service::start().await;
    let source = service.token(Role::Source, tenants(&["contoso"])).await;
    let mut event = risk("a");
    event["riskLevel"] = json!(7);
    let refused = source.post(NAMED, event.clone()).await;
    refused.problem(422, "unprocessable");
    assert_eq!(refused.json["path"], "riskLevel", "{}", refused.text);
    let letter = refused.json["dead_letter"].as_i64().expect("kept");
    let viewer = service.token(Role::Viewer, tenants(&["contoso"])).await;
    let kept = viewer
        .get(&format!("/api/automation/dead-letters/{letter}"))
        .await;
    assert_eq!(kept.ok(200).json["payload"], event);
    source.post("/events", json!([1])).await.ok(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_signed_and_taken_once() {
    let service = Service::start().await;
    let now = counterplay_runtime::clock::Clock::now_ms(&*service.clock) / 1000;
    let deliver = async |path: &str, at: i64, body: &str, signature: &str| {
        service
            .stranger()
            .with("content-type", "application/json")
            .with("x-counterplay-timestamp", &at.to_string())
            .with("x-counterplay-signature", signature)
            .raw(Method::POST, path, body.as_bytes().to_vec())
            .await
    };
    let good = signature(now, LEAVER, WEBHOOK_SECRET);
    let forged = signature(now, LEAVER, "another secret");
    deliver(HOOK, now, LEAVER, &forged)
        .await
        .problem(401, "unauthorized");
    deliver(HOOK, now, LEAVER, "sha256=zz")
        .await
        .problem(401, "unauthorized");
    let changed = LEAVER.replace("hannah.cole", "priya.raman");
    deliver(HOOK, now, &changed, &good)
        .await
        .problem(401, "unauthorized");
    for at in [now - 301, now + 310] {
        let late = signature(at, LEAVER, WEBHOOK_SECRET);
        deliver(HOOK, at, LEAVER, &late)
            .await
            .problem(401, "unauthorized");
    }
    let broken = "{\"user\": ";
    deliver(HOOK, now, broken, &signature(now, broken, WEBHOOK_SECRET))
        .await
        .problem(400, "bad-request");
    deliver("/hooks/nothing", now, LEAVER, &good)
        .await
        .problem(404, "not-found");
    service
        .stranger()
        .raw(Method::POST, HOOK, LEAVER.into())
        .await
        .problem(401, "unauthorized");
    let taken = deliver(HOOK, now, LEAVER, &good).await;
    assert_eq!(taken.ok(202).json["duplicate"], false);
    let again = deliver(HOOK, now, LEAVER, &good).await;
    assert_eq!(again.ok(202).json["duplicate"], true);
    assert_eq!(again.json["event"], taken.json["event"]);
    let unfit = "{\"user\": 5}";
    deliver(HOOK, now, unfit, &signature(now, unfit, WEBHOOK_SECRET))
        .await
        .problem(422, "unprocessable");
    let viewer = service.token(Role::Viewer, tenants(&["contoso"])).await;
    let event = taken.json["event"].as_i64().expect("a number");
    let path = format!("/api/automation/events/{event}");
    let seen = viewer.until(&path, |e| e["state"] == "matched").await;
    assert_eq!(seen["runs"].as_array().map(Vec::len), Some(1), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_of_which_too_many_wait_is_told_when_to_try_again() {
    let service = Service::with(Given {
        backlog_max: 1,
        ..Given::default()
    })
    .await;
    let loud = service.token(Role::Source, tenants(&["fabrikam"])).await;
    let quiet = service.token(Role::Source, tenants(&["contoso"])).await;
    let (mut taken, mut refused) = (0_i64, None);
    for burst in 0..50 {
        let sent = (0..20).map(|i| {
            let loud = loud.clone();
            tokio::spawn(async move { loud.post(NAMED, risk(&format!("{burst}-{i}"))).await })
        });
        for answer in sent.collect::<Vec<_>>() {
            let answer = answer.await.expect("an answer");
            match answer.status {
                202 => taken += 1,
                _ => refused = Some(answer),
            }
        }
        if refused.is_some() {
            break;
        }
    }
    let refused = refused.expect("a thousand at twenty a time and never more than one waited");
    refused.problem(429, "too-many").detail("fabrikam");
    let seconds: u32 = refused.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    // It is nobody else's matter, and soon not even its own.
    quiet.post(NAMED, risk("other")).await.ok(202);
    tokio::time::sleep(std::time::Duration::from_secs(seconds.into())).await;
    loud.post(NAMED, risk("again")).await.ok(202);
    // Nothing was taken of what was refused.
    let viewer = service.token(Role::Viewer, tenants(&["fabrikam"])).await;
    let path = "/api/automation/events?limit=200";
    let (mut path, mut listed) = (path.to_owned(), 0);
    loop {
        let list = viewer.get(&path).await;
        list.ok(200);
        listed += list.json["events"].as_array().map_or(0, Vec::len) as i64;
        match list.json["next"].as_str() {
            Some(next) => path = format!("/api/automation/events?limit=200&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(listed, taken + 1);
}
