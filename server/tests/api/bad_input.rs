//! Requests that make no sense: a clear answer to each, and the service goes on.

use crate::support::{PRIYA, Service};
use counterplay_server::identity::{Role, Scope};
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const RUN: &str = "/api/automation/playbooks/contain_account/run";

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read() {
    let service = Service::start().await;
    let operator = service.token(Role::Operator, Scope::All).await;
    let typed = operator.with("content-type", "application/json");
    for body in ["{", "", "nonsense", "{} {}", "\u{feff}{}"] {
        typed
            .raw(Method::POST, RUN, body.into())
            .await
            .problem(400, "bad-request");
    }
    typed
        .raw(Method::POST, RUN, b"{\"tenant\": \"\xff\xfe\"}".to_vec())
        .await
        .problem(400, "bad-request");
    typed
        .raw(
            Method::POST,
            RUN,
            format!("{{\"values\": {{\"a\": {}", "[".repeat(100_000)).into(),
        )
        .await
        .problem(400, "bad-request");
    typed
        .raw(Method::POST, RUN, vec![b' '; 7 * 1024 * 1024])
        .await
        .problem(413, "too-large");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        operator
            .with("content-type", kind)
            .raw(Method::POST, RUN, b"{}".to_vec())
            .await
            .problem(415, "media-type");
    }
    let mistyped = operator.post(RUN, json!({"tenant": 7})).await;
    mistyped.problem(422, "unprocessable");
    assert_eq!(mistyped.json["path"], "tenant", "{}", mistyped.text);
    for wrong in [
        json!([]),
        json!("x"),
        json!(null),
        json!({"values": []}),
        json!({"surprise": 1}),
    ] {
        operator
            .post(RUN, wrong)
            .await
            .problem(422, "unprocessable");
    }
    let values = json!({"tenant": "contoso", "values": {"user": {"id": 1}, "reason": "x"}});
    operator
        .post(RUN, values)
        .await
        .problem(422, "unprocessable");
    let good = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    operator.post(RUN, good).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_methods() {
    let service = Service::start().await;
    let viewer = service.token(Role::Viewer, Scope::All).await;
    for path in [
        "/api/automation/nothing",
        "/api/automation/runs/%00",
        "/api/automation/runs/%F0%9F%92%A9",
        "/api/automation/events/x",
        "/api/automation/events/99999999999999999999",
        "/api/automation/dead-letters/-1",
        "/api/automation/revisions/12345",
        "/api/automation/approvals/a%2Fb",
    ] {
        let answer = viewer.get(path).await;
        assert!(
            [404, 403].contains(&answer.status),
            "{path}: {}",
            answer.text
        );
        answer.problem(answer.status, "not-found");
    }
    let not_text = viewer.get("/api/automation/runs/%FF").await;
    assert!([400, 404].contains(&not_text.status), "{}", not_text.text);
    let wrong = viewer
        .send(Method::PATCH, "/api/automation/runs", None)
        .await;
    wrong.problem(405, "method");
    assert!(
        wrong.header("allow").contains("GET"),
        "{}",
        wrong.header("allow")
    );
    viewer.get(RUN).await.problem(405, "method");
}

/// Sends bytes as they are and reads what comes until the other end closes or nothing comes.
async fn bytes(service: &Service, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(service.address)
        .await
        .expect("connected");
    stream.write_all(request).await.expect("sent");
    stream.shutdown().await.expect("no more");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_clients_that_break_off() {
    let service = Service::start().await;
    let viewer = service.token(Role::Operator, Scope::All).await;
    for request in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"[..],
        b"GET /api/automation/runs HTTP/1.1\r\nHost: x\r\nBad Header: \x00\r\n\r\n",
        b"GET  HTTP/9\r\n\r\n",
    ] {
        let answer = bytes(&service, request).await;
        assert!(
            answer.starts_with("HTTP/1.1 400") || answer.is_empty(),
            "{answer}"
        );
    }
    let token = &viewer.headers[0].1;
    let broken_off = format!(
        "POST {RUN} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{{\"tenant\": "
    );
    let answer = bytes(&service, broken_off.as_bytes()).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
        "{answer}"
    );
    let keyed = broken_off.replace("Content-Type", "Idempotency-Key: k\r\nContent-Type");
    bytes(&service, keyed.as_bytes()).await;
    viewer
        .with("authorization", "Bearer \u{e9}\u{e9}")
        .get("/api/automation/runs")
        .await
        .problem(401, "unauthorized");
    // What broke off has started nothing and does not hold its key.
    assert_eq!(
        viewer.get("/api/automation/runs").await.json["runs"],
        json!([])
    );
    let good = json!({"tenant": "contoso", "values": {"user": PRIYA, "reason": "x"}});
    viewer
        .with("idempotency-key", "k")
        .post(RUN, good)
        .await
        .ok(202);
}
