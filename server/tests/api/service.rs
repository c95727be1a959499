//! Starting where another listens, the API's description, and the page that problems lead to.

use crate::support::{Given, Service};
use counterplay_server::serve::{ServeError, bind};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let service = Service::start().await;
    let refused = bind(service.address).await.expect_err("it is taken");
    assert!(matches!(refused, ServeError::Taken(at) if at == service.address));
    let text = refused.to_string();
    assert!(
        text.contains("already in use") && text.contains("--listen"),
        "{text}"
    );
    service.stranger().get("/healthz").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_never_finishes_a_request_is_cut_off() {
    let service = Service::with(Given {
        headers_within: Duration::from_secs(1),
        ..Given::default()
    })
    .await;
    let within = Duration::from_secs(20);
    for begun in [
        "",
        "GET /healthz HTTP/1.1\r\n",
        "GET /healthz HTTP/1.1\r\nhost: here\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(service.address).await.expect("taken");
        stream.write_all(begun.as_bytes()).await.expect("sent");
        // What was asked is answered; then the other side has to close, or this waits until the test fails.
        let mut answer = String::new();
        let read = timeout(within, stream.read_to_string(&mut answer)).await;
        read.expect("cut off").expect("closed");
        assert_eq!(
            answer.contains("200 OK"),
            begun.ends_with("\r\n\r\n"),
            "{answer}"
        );
    }
    service.stranger().get("/healthz").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_served() {
    let service = Service::start().await;
    let answer = service.stranger().get("/api/openapi.json").await;
    let description = &answer.ok(200).json;
    assert!(
        description["openapi"]
            .as_str()
            .is_some_and(|v| v.starts_with("3.1"))
    );
    let mut names = Vec::new();
    references(description, &mut names);
    assert!(names.len() > 20, "{names:?}");
    for name in names {
        let pointer = name.strip_prefix('#').expect("within the description");
        assert!(description.pointer(pointer).is_some(), "{name} is nowhere");
    }
}

/// Every `$ref` of a description.
fn references(value: &serde_json::Value, names: &mut Vec<String>) {
    if let Some(name) = value.get("$ref").and_then(serde_json::Value::as_str) {
        names.push(name.to_owned());
    }
    match value {
        serde_json::Value::Array(items) => items.iter().for_each(|v| references(v, names)),
        serde_json::Value::Object(fields) => fields.values().for_each(|v| references(v, names)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_problem_has_its_place() {
    let service = Service::start().await;
    let page = service.stranger().get("/docs/problems").await;
    assert!(page.ok(200).header("content-type").starts_with("text/html"));
    let manual = include_str!("../../../docs/api.md");
    for kind in counterplay_server::problem::KINDS {
        assert!(
            page.text.contains(&format!("id=\"{}\"", kind.name)),
            "{}",
            kind.name
        );
        assert!(
            manual.contains(&format!("\n### {}\n", kind.name)),
            "{}",
            kind.name
        );
    }
}
