//! Another application for what does more harm: the everyday one need not have the permission.

use crate::server::{Server, json};
use crate::support::*;
use counterplay_machine::declare::{Auth, Callable, Impact};
use counterplay_machine::deployment::{ConnectionSettings, Credentials};
use counterplay_runtime::clock::VirtualClock;
use counterplay_runtime::connect::MemorySecrets;
use serde_json::json;
use std::sync::Arc;

#[tokio::test]
async fn destructive_actions_are_done_by_another_application() {
    // A token names the application that it was given to; only one of them may wipe.
    let server = Server::start(|_, request| {
        if request.line.contains("/token") {
            let form: Vec<&str> = request.body.split('&').collect();
            let id = form
                .iter()
                .find_map(|pair| pair.strip_prefix("client_id="))
                .unwrap_or_default();
            let secret = format!("client_secret={id}-secret");
            return match form.contains(&secret.as_str()) {
                true => json(
                    200,
                    json!({"access_token": format!("of-{id}"), "expires_in": 3600}),
                ),
                false => json(401, json!({"error": "invalid_client"})),
            };
        }
        let who = request.header("authorization");
        let wipes = request.line.starts_with("DELETE");
        match (wipes, who) {
            (true, "Bearer of-wiper") | (false, "Bearer of-everyday") => json(200, json!({})),
            _ => json(
                403,
                json!({"error": {"code": "Authorization_RequestDenied"}}),
            ),
        }
    })
    .await;
    let two = ConnectionSettings {
        client_id: Some("everyday".into()),
        secret: Some("everyday-app".into()),
        destructive: Some(Credentials {
            client_id: Some("wiper".into()),
            secret: Some("wiping-app".into()),
            certificate: None,
        }),
        ..settings(&server.base())
    };
    let one = ConnectionSettings {
        destructive: None,
        ..two.clone()
    };
    let wipe = callable("wipe", Some(Impact::Destructive), "DELETE");
    let block = Callable {
        idempotent: true,
        ..action("block")
    };
    let bench = |settings: ConnectionSettings| {
        let auth = Auth::OAuth2 {
            token_url: arc("{base}/token"),
            scope: arc("s"),
        };
        let secrets = MemorySecrets::new([
            ("everyday-app", "everyday-secret"),
            ("wiping-app", "wiper-secret"),
        ]);
        Bench::with_secrets(
            connection(auth),
            Some(settings),
            vec![wipe.clone(), block.clone(), query("ask")],
            Arc::new(VirtualClock::at(START_MS)),
            Arc::new(secrets),
        )
    };
    let both = bench(two);
    for _ in 0..2 {
        assert_eq!(both.call("wipe").await, done());
        assert_eq!(both.call("block").await, done());
        assert!(matches!(
            both.call("ask").await,
            counterplay_runtime::call::CallOutcome::Done(_)
        ));
    }
    let tokens = server.received();
    let tokens = tokens.iter().filter(|r| r.line.contains("/token")).count();
    assert_eq!(tokens, 2, "one token for each application");
    // Without it, the everyday application is refused: nothing falls back.
    let reason = failure(bench(one).call("wipe").await);
    assert!(reason.starts_with("the service answered 403"), "{reason}");
}
