//! Lists over several pages.

use crate::server::{Reply, Server, json};
use crate::support::*;
use counterplay_machine::Value;
use counterplay_machine::declare::{Auth, Callable, Request};
use counterplay_runtime::call::CallOutcome;
use serde_json::json;

fn paged() -> Callable {
    let mut ask = query("ask");
    if let Request::Http { paged, .. } = &mut ask.request {
        *paged = true;
    }
    ask
}

#[tokio::test]
async fn pages_are_joined() {
    let server = Server::start(|before, request| {
        let host = request.header("host");
        match before {
            0 => json(200, json!({"value": [1, 2], "@odata.nextLink": format!("http://{host}/things?$skip=2")})),
            1 => json(503, json!({})),
            2 => json(200, json!({"value": [3], "@odata.nextLink": format!("http://{host}/things?$skip=3")})),
            _ => json(200, json!({"value": []})),
        }
    })
    .await;
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![paged()],
    );
    let CallOutcome::Done(Value::Json(body)) = bench.call("ask").await else {
        panic!("a body")
    };
    assert_eq!(body["value"], json!([1, 2, 3]));
    assert_eq!(server.received()[3].line, "GET /things?$skip=3 HTTP/1.1");
}

#[tokio::test]
async fn pages_share_the_time_for_which_a_list_is_tried() {
    // Each page is refused twice and asks for 20 seconds: together that is more than the minute of the connection.
    let server = Server::start(|before, request| {
        let host = request.header("host");
        match before % 3 {
            2 => json(200, json!({"value": [before], "@odata.nextLink": format!("http://{host}/things?$skip={before}")})),
            _ => Reply::Say(503, vec![("retry-after", "20".into())], String::new()),
        }
    })
    .await;
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![paged()],
    );
    assert_eq!(
        failure(bench.call("ask").await),
        "the service answered 503 (it asks to wait 20s, and 0s is left of the 1m for which this is tried)"
    );
    assert_eq!(server.received().len(), 5);
    assert!((60_000..61_000).contains(&bench.passed_ms()));
}

#[tokio::test]
async fn our_credentials_do_not_follow_a_page_to_another_place() {
    let other = Server::start(|_, _| json(200, json!({"value": []}))).await;
    let link = format!("{}/things?$skip=2", other.base());
    let server = Server::start(move |_, _| {
        json(200, json!({"value": [1], "@odata.nextLink": link.clone()}))
    })
    .await;
    let bench = Bench::new(
        connection(Auth::Bearer),
        Some(settings(&server.base())),
        vec![paged()],
    );
    let reason = failure(bench.call("ask").await);
    assert!(
        reason.starts_with("the next page lies at 127.0.0.1"),
        "{reason}"
    );
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn pages_end() {
    let circle = Server::start(|_, _| {
        json(
            200,
            json!({"value": [1], "@odata.nextLink": "/things?$skip=1"}),
        )
    })
    .await;
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&circle.base())),
        vec![paged()],
    );
    assert_eq!(
        failure(bench.call("ask").await),
        "the list's pages lead back to one that was read"
    );
    let endless = Server::start(|before, _| {
        json(
            200,
            json!({"value": [1], "@odata.nextLink": format!("/things?$skip={}", before + 1)}),
        )
    })
    .await;
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&endless.base())),
        vec![paged()],
    );
    assert_eq!(
        failure(bench.call("ask").await),
        "the list has more than 200 pages"
    );
    assert_eq!(endless.received().len(), 200);
}
