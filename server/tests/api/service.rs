//! Starting where another listens, the API's description, and the page that problems lead to.

use crate::support::Service;
use counterplay_server::serve::{ServeError, bind};

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
async fn the_description_is_served() {
    let service = Service::start().await;
    let answer = service.stranger().get("/api/openapi.json").await;
    assert!(
        answer.ok(200).json["openapi"]
            .as_str()
            .is_some_and(|v| v.starts_with("3.1"))
    );
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
