//! In: wishes to be told of changes. Out: a token first, notifications then, and the refusals of Graph.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::routing::post;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::{Caller, PRIYA};

/// What an address has heard.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<Value>>>);

impl Heard {
    /// An address that gives back tokens, or something else.
    async fn at(&self, answer: fn(String) -> String) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let take = move |State(heard): State<Heard>, RawQuery(query): RawQuery, body: Bytes| async move {
            let token = query
                .as_deref()
                .and_then(|q| q.strip_prefix("validationToken="));
            if let Some(token) = token {
                let token = token.replace('+', "%20");
                let token = percent_encoding::percent_decode_str(&token);
                return answer(token.decode_utf8_lossy().into_owned());
            }
            let told = serde_json::from_slice(&body).expect("JSON");
            heard.0.lock().expect("no panic").push(told);
            String::new()
        };
        let router = Router::new()
            .route("/changes", post(take))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        format!("http://{address}/changes")
    }

    async fn one(&self) -> Value {
        for _ in 0..100 {
            if let Some(told) = self.0.lock().expect("no panic").pop() {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nothing was told")
    }
}

fn wish(address: &str) -> Value {
    let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
    json!({
        "changeType": "updated",
        "notificationUrl": address,
        "resource": "/users",
        "expirationDateTime": until.to_string(),
        "clientState": "a secret",
    })
}

#[tokio::test]
async fn a_change_is_told_to_who_asked_for_it() {
    let caller = Caller::new().await;
    let heard = Heard::default();
    let address = heard.at(|token| token).await;
    let (status, made) = caller
        .graph("POST", "/subscriptions", Some(wish(&address)))
        .await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["clientState"], Value::Null, "it is never shown");
    let (_, all) = caller.get("/subscriptions").await;
    assert_eq!(all["value"][0]["notificationUrl"], address.as_str());
    let block = json!({ "accountEnabled": false });
    let path = format!("/users/{PRIYA}");
    assert_eq!(caller.graph("PATCH", &path, Some(block)).await.0, 204);
    let told = heard.one().await;
    let told = &told["value"][0];
    assert_eq!(told["resourceData"]["id"], PRIYA);
    assert_eq!(told["changeType"], "updated");
    assert_eq!(told["clientState"], "a secret");
    assert_eq!(told["subscriptionId"], made["id"]);
    assert_eq!(told["tenantId"], caller.sandbox.state().id.as_str());
    let one = format!("/subscriptions/{}", made["id"].as_str().expect("an id"));
    let longer = json!({ "expirationDateTime": wish("")["expirationDateTime"] });
    assert_eq!(caller.graph("PATCH", &one, Some(longer)).await.0, 200);
    assert_eq!(caller.graph("DELETE", &one, None).await.0, 204);
    assert_eq!(caller.get(&one).await.0, 404);
}

#[tokio::test]
async fn who_does_not_give_the_token_back_is_told_nothing() {
    let caller = Caller::new().await;
    let heard = Heard::default();
    let address = heard.at(|_| "something else".into()).await;
    for address in [address.as_str(), "http://127.0.0.1:9/changes", "no address"] {
        let (status, body) = caller
            .graph("POST", "/subscriptions", Some(wish(address)))
            .await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (400, &"ValidationError".into())
        );
    }
    let address = heard.at(|token| token).await;
    let with = |name: &str, value: Value| {
        let mut wish = wish(&address);
        wish[name] = value;
        wish
    };
    for wish in [
        with("resource", json!("/security/alerts_v2")),
        with("changeType", json!("renamed")),
        with("expirationDateTime", json!("2020-01-01T00:00:00Z")),
        with("clientState", json!("x".repeat(129))),
    ] {
        assert_eq!(
            caller.graph("POST", "/subscriptions", Some(wish)).await.0,
            400
        );
    }
    assert_eq!(caller.get("/subscriptions").await.1["value"], json!([]));
}
