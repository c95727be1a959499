//! Subscriptions to changes: set up, renewed, and set up anew where the service has dropped them.

use crate::server::{Received, Reply, Server, empty, json};
use crate::support::*;
use counterplay_machine::declare::Auth;
use counterplay_runtime::brake::Gate;
use counterplay_runtime::call::{Connector, ListRequest, SubscribeRequest, Subscribed};
use counterplay_runtime::room::Room;
use serde_json::{Value as Json, json};

const NOTIFY: &str = "https://cp.example/changes/contoso/entra%2Esign%5Fin%5Fblocked";
const UNTIL: &str = "2026-11-24T08:00:00Z";
const UNTIL_MS: i64 = 1_795_507_200_000;

fn list(bench: &Bench) -> ListRequest {
    ListRequest {
        id: "s-1".into(),
        connection: arc("service"),
        path: arc("/users"),
        query: vec![("$select".into(), "id,accountEnabled".into())],
        tenant: bench.tenant.clone(),
        program: bench.program.clone(),
        patience_ms: 60_000,
        gate: Gate::default(),
        room: Room::default(),
    }
}

fn request(bench: &Bench, known: Option<&str>) -> SubscribeRequest {
    SubscribeRequest {
        list: list(bench),
        changes: vec![arc("created"), arc("updated")],
        notify: NOTIFY.into(),
        known: known.map(str::to_owned),
        until_ms: UNTIL_MS,
    }
}

fn bench(server: &Server) -> Bench {
    Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![],
    )
}

fn lines(server: &Server) -> Vec<String> {
    let word = |r: Received| r.line.trim_end_matches(" HTTP/1.1").to_owned();
    server.received().into_iter().map(word).collect()
}

fn made(id: &str) -> Reply {
    json(
        201,
        json!({ "id": id, "expirationDateTime": UNTIL, "clientState": null }),
    )
}

#[tokio::test]
async fn a_subscription_is_made_after_strays_are_removed() {
    let server = Server::start(|_, request| match request.line.split(' ').next() {
        Some("GET") => json(
            200,
            json!({ "value": [
                { "id": "ours", "notificationUrl": NOTIFY },
                { "id": "another's", "notificationUrl": "https://cp.example/changes/contoso/other" },
            ] }),
        ),
        Some("DELETE") => empty(204),
        _ => made("sub-1"),
    })
    .await;
    let bench = bench(&server);
    let subscribed = bench.connectors.subscribe(request(&bench, None)).await;
    assert_eq!(
        subscribed,
        Ok(Subscribed {
            id: "sub-1".into(),
            until_ms: UNTIL_MS
        })
    );
    assert_eq!(
        lines(&server),
        [
            "GET /subscriptions",
            "DELETE /subscriptions/ours",
            "POST /subscriptions"
        ]
    );
    let sent: Json = serde_json::from_str(&server.received()[2].body).expect("JSON");
    let state = sent["clientState"].as_str().expect("a word").to_owned();
    assert!((32..=128).contains(&state.len()));
    assert_eq!(
        sent,
        json!({
            "changeType": "created,updated",
            "notificationUrl": NOTIFY,
            "lifecycleNotificationUrl": NOTIFY,
            "resource": "/users",
            "expirationDateTime": UNTIL,
            "clientState": state,
            "latestSupportedTlsVersion": "v1_2",
        })
    );
    assert!(bench.connectors.is_told_by_service(NOTIFY, &state));
    // It is good for this address alone.
    assert!(
        !bench
            .connectors
            .is_told_by_service("https://cp.example/changes/birch/x", &state)
    );
    assert!(!bench.connectors.is_told_by_service(NOTIFY, ""));
}

#[tokio::test]
async fn a_subscription_is_renewed_and_made_anew_where_it_is_gone() {
    let server = Server::start(
        |before, request| match (before, request.line.split(' ').next()) {
            (0, _) => json(200, json!({ "id": "sub-1", "expirationDateTime": UNTIL })),
            (_, Some("PATCH")) => json(404, json!({ "error": { "code": "ResourceNotFound" } })),
            (_, Some("GET")) => json(200, json!({ "value": [] })),
            _ => made("sub-2"),
        },
    )
    .await;
    let bench = bench(&server);
    for id in ["sub-1", "sub-2"] {
        let known = request(&bench, Some("sub-1"));
        let subscribed = bench.connectors.subscribe(known).await.expect("subscribed");
        assert_eq!(subscribed.id, id);
    }
    assert_eq!(
        lines(&server),
        [
            "PATCH /subscriptions/sub-1",
            "PATCH /subscriptions/sub-1",
            "GET /subscriptions",
            "POST /subscriptions"
        ]
    );
}

#[tokio::test]
async fn an_answer_that_is_lost_is_not_asked_for_twice() {
    let server = Server::start(|_, request| match request.line.split(' ').next() {
        Some("GET") => json(200, json!({ "value": [] })),
        _ => Reply::Drop,
    })
    .await;
    let bench = bench(&server);
    let failure = bench.connectors.subscribe(request(&bench, None)).await;
    let reason = failure.expect_err("lost").reason;
    assert!(reason.contains("may have been carried out"), "{reason}");
    assert_eq!(
        lines(&server),
        ["GET /subscriptions", "POST /subscriptions"]
    );
}

#[tokio::test]
async fn one_object_is_read_by_its_id() {
    let server = Server::start(|before, _| match before {
        0 => json(200, json!({ "id": "u/1", "accountEnabled": false })),
        _ => json(
            404,
            json!({ "error": { "code": "Request_ResourceNotFound" } }),
        ),
    })
    .await;
    let bench = bench(&server);
    let read = |id: &str| bench.connectors.read_object(list(&bench), id.to_owned());
    let first = read("u/1").await.expect("read");
    assert_eq!(first, Some(json!({ "id": "u/1", "accountEnabled": false })));
    assert_eq!(read("u-2").await, Ok(None));
    assert!(read("..").await.is_err(), "no other path");
    assert_eq!(
        lines(&server),
        [
            "GET /users/u%2F1?$select=id%2CaccountEnabled",
            "GET /users/u-2?$select=id%2CaccountEnabled"
        ]
    );
}
