//! Signing in, and secrets that stay secret.

use crate::server::{Reply, Server, empty, json};
use crate::support::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use counterplay_machine::Value;
use counterplay_machine::declare::{Auth, Callable, Request};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_machine::expr::Expr;
use counterplay_machine::types::Type;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_sandbox::Sandbox;
use serde_json::json;
use std::sync::Arc;

fn oauth() -> Auth {
    Auth::OAuth2 {
        token_url: arc("{base}/token/{tenant.id}"),
        scope: arc("the-scope"),
    }
}

/// Gives out `token-1`, `token-2` … and accepts what `accepts` says.
async fn guarded(accepts: impl Fn(&str) -> bool + Send + Sync + 'static) -> Server {
    let given = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_, request| {
        if request.line.contains("/token/") {
            let number = given.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1;
            return json(
                200,
                json!({"access_token": format!("token-{number}"), "expires_in": "3600"}),
            );
        }
        let token = request
            .header("authorization")
            .strip_prefix("Bearer ")
            .unwrap_or_default();
        if accepts(token) {
            json(200, json!({"ok": true}))
        } else {
            json(
                401,
                json!({"error": {"code": "InvalidAuthenticationToken"}}),
            )
        }
    })
    .await
}

fn token_requests(server: &Server) -> usize {
    server
        .received()
        .iter()
        .filter(|r| r.line.contains("/token/"))
        .count()
}

#[tokio::test]
async fn one_token_serves_many_calls_until_it_ends() {
    let server = guarded(|_| true).await;
    let bench = Bench::new(
        connection(oauth()),
        Some(settings(&server.base())),
        vec![query("ask")],
    );
    let calls = (0..10).map(|_| bench.call("ask"));
    for outcome in join_all(calls).await {
        assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    }
    assert_eq!(token_requests(&server), 1);
    let form = &server.received()[0];
    assert_eq!(
        form.line,
        format!("POST /token/{} HTTP/1.1", bench.tenant.id)
    );
    assert_eq!(
        form.body,
        "grant_type=client_credentials&client_id=the-client&client_secret=planted-Secret%2F4711%2Bx&scope=the-scope"
    );
    bench.clock.skip_to(START_MS + 3_290_000);
    bench.call("ask").await;
    assert_eq!(token_requests(&server), 1);
    bench.clock.skip_to(START_MS + 3_310_000);
    bench.call("ask").await;
    assert_eq!(token_requests(&server), 2);
}

/// Polls all at once, so that they really compete.
async fn join_all<F: Future<Output = CallOutcome>>(
    calls: impl Iterator<Item = F>,
) -> Vec<CallOutcome> {
    let mut calls: Vec<_> = calls.map(|call| (Box::pin(call), None)).collect();
    std::future::poll_fn(|context| {
        let mut open = false;
        for (call, outcome) in &mut calls {
            if outcome.is_none() {
                match call.as_mut().poll(context) {
                    std::task::Poll::Ready(done) => *outcome = Some(done),
                    std::task::Poll::Pending => open = true,
                }
            }
        }
        if open {
            std::task::Poll::Pending
        } else {
            std::task::Poll::Ready(())
        }
    })
    .await;
    calls
        .into_iter()
        .filter_map(|(_, outcome)| outcome)
        .collect()
}

#[tokio::test]
async fn a_refused_token_is_replaced_once() {
    let server = guarded(|token| token != "token-1").await;
    let bench = Bench::new(
        connection(oauth()),
        Some(settings(&server.base())),
        vec![action("act")],
    );
    assert_eq!(bench.call("act").await, done());
    assert_eq!(token_requests(&server), 2);

    let server = guarded(|_| false).await;
    let bench = Bench::new(
        connection(oauth()),
        Some(settings(&server.base())),
        vec![action("act")],
    );
    assert_eq!(
        failure(bench.call("act").await),
        "the service answered 401 InvalidAuthenticationToken"
    );
    assert_eq!(token_requests(&server), 2);
}

#[tokio::test]
async fn refusals_of_the_token_service_become_sentences() {
    for (number, sentence) in [
        (
            700_016,
            "the tenant `contoso` has not consented to the application the-client: its administrator has to open https://login.microsoftonline.com/3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8/adminconsent?client_id=the-client (AADSTS700016)",
        ),
        (
            65_001,
            "the tenant `contoso` has not consented to the application the-client",
        ),
        (
            7_000_215,
            "the client secret of the connection `service` is wrong",
        ),
        (
            7_000_222,
            "the client secret of the connection `service` has expired",
        ),
        (
            90_002,
            "there is no tenant 3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8; check the id under [tenants.contoso]",
        ),
        (
            50_000,
            "the connection `service` got no access token for `contoso`, the token service answered 400: AADSTS50000: some words.",
        ),
    ] {
        let server = Server::start(move |_, _| {
            let description =
                format!("AADSTS{number}: some words. Trace ID: 1 Correlation ID: 2 Timestamp: 3");
            json(
                400,
                json!({"error": "invalid_client", "error_description": description}),
            )
        })
        .await;
        let bench = Bench::new(
            connection(oauth()),
            Some(settings(&server.base())),
            vec![query("ask")],
        );
        let reason = failure(bench.call("ask").await);
        assert!(reason.starts_with(sentence), "{reason}");
        assert_eq!(server.received().len(), 1);
    }
}

#[tokio::test]
async fn the_sandbox_lets_us_in() {
    let sandbox = Sandbox::start(Default::default()).await.expect("a sandbox");
    let auth = Auth::OAuth2 {
        token_url: arc("https://login.microsoftonline.com/{tenant.id}/oauth2/v2.0/token"),
        scope: arc("https://graph.microsoft.com/.default"),
    };
    let settings = ConnectionSettings {
        client_id: Some("counterplay-sandbox".into()),
        secret: Some("sandbox-app".into()),
        token_url: Some(format!(
            "{}/login/{{tenant.id}}/oauth2/v2.0/token",
            sandbox.base_url()
        )),
        ..settings(&format!("{}/graph/v1.0", sandbox.base_url()))
    };
    let mut users = query("users");
    if let Request::Http {
        path, query, paged, ..
    } = &mut users.request
    {
        path[0] = counterplay_machine::declare::PathPart::Literal(arc("/users"));
        *query = vec![(arc("$select"), text("id,displayName"))];
        *paged = true;
    }
    let bench = Bench::new(connection(auth), Some(settings), vec![users]);
    let CallOutcome::Done(Value::Json(body)) = bench.call("users").await else {
        panic!("a body")
    };
    assert_eq!(
        body["value"].as_array().map(Vec::len),
        Some(sandbox.state().users.len())
    );
    let mut stranger = bench.request("users", "");
    stranger.tenant.name = "fabrikam".into();
    stranger.tenant.id = "fabrikam.example".into();
    let reason = failure(bench.connectors.call(stranger).await);
    assert!(
        reason.starts_with("there is no tenant fabrikam.example"),
        "{reason}"
    );
    sandbox.stop().await;
}

#[tokio::test]
async fn signatures_are_accepted_by_those_who_know_the_secret() {
    let sandbox = Sandbox::start(Default::default()).await.expect("a sandbox");
    for (secret, accepted) in [("sandbox-hook", true), ("service-secret", false)] {
        let settings = ConnectionSettings {
            secret: Some(secret.into()),
            ..settings(&format!("{}/hooks", sandbox.base_url()))
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let bench = Bench::with_clock(
            connection(Auth::Signed),
            Some(settings),
            vec![action("post")],
            clock,
        );
        let outcome = bench.call("post").await;
        assert_eq!(outcome == done(), accepted, "{outcome:?}");
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn headers_are_as_declared() {
    let basic = format!("Basic {}", STANDARD.encode(format!("the-client:{SECRET}")));
    let bearer = format!("Bearer {SECRET}");
    for (auth, name, value) in [
        (Auth::Basic, "authorization", basic.as_str()),
        (Auth::Bearer, "authorization", bearer.as_str()),
        (Auth::Header(arc("Api-Key")), "api-key", SECRET),
        (Auth::None, "authorization", ""),
    ] {
        let server = Server::start(|_, _| empty(204)).await;
        let bench = Bench::new(
            connection(auth),
            Some(settings(&server.base())),
            vec![action("act")],
        );
        assert_eq!(bench.call("act").await, done());
        assert_eq!(server.received()[0].header(name), value);
    }
}

#[tokio::test]
async fn what_is_not_set_up_is_said() {
    let none = Bench::new(connection(oauth()), None, vec![query("ask")]);
    assert_eq!(
        failure(none.call("ask").await),
        "the connection `service` is not set up: add [connections.service] with base, client_id and secret to counterplay.toml"
    );
    let unset = ConnectionSettings {
        secret: Some("nowhere".into()),
        ..settings("http://127.0.0.1:1")
    };
    let bench = Bench::new(connection(Auth::Bearer), Some(unset), vec![query("ask")]);
    assert!(failure(bench.call("ask").await).starts_with("the secret `nowhere` is not set"));
}

/// A service that repeats whatever it was sent, in every way that services do.
async fn echo(status: u16) -> Server {
    Server::start(move |_, request| {
        let sent = request.header("authorization").to_owned();
        let body = &request.body;
        if request.line.contains("/text") {
            return Reply::Say(status, vec![], format!("refused: {sent} {body}"));
        }
        json(status, json!({"error": {"code": "Refused", "message": format!("{sent} {}", request.body)}, "sent": sent, "body": body}))
    })
    .await
}

#[tokio::test]
async fn secrets_do_not_come_back_in_words_or_results() {
    let shown_of = |outcome: CallOutcome| format!("{outcome:?}");
    for auth in [Auth::Basic, Auth::Bearer] {
        for status in [400, 500, 200] {
            let server = echo(status).await;
            let mut as_text = query("text");
            if let Request::Http { path, .. } = &mut as_text.request {
                path[0] = counterplay_machine::declare::PathPart::Literal(arc("/text"));
            }
            let callables = vec![query("ask"), as_text];
            let bench = Bench::new(
                connection(auth.clone()),
                Some(settings(&server.base())),
                callables,
            );
            let text = shown_of(bench.call("text").await);
            assert!(
                !text.contains("planted") && !text.contains("4711") && text.contains("[secret]"),
                "{text}"
            );
            let shown = shown_of(bench.call("ask").await);
            assert!(
                !shown.contains("planted") && !shown.contains("4711"),
                "{shown}"
            );
            assert!(
                !shown.contains(&STANDARD.encode(format!("the-client:{SECRET}"))),
                "{shown}"
            );
            assert!(shown.contains("[secret]"), "{shown}");
            assert!(!format!("{:?}", bench.connectors).contains("planted"));
        }
    }
}

#[tokio::test]
async fn a_generated_password_is_sent_the_same_again_and_never_shown() {
    let server = echo(200).await;
    let mut reset = Callable {
        returns_ty: Type::Json,
        idempotent: true,
        ..action("reset")
    };
    if let Request::Http { json, .. } = &mut reset.request {
        *json = Some(Expr::Object(vec![(
            arc("password"),
            Expr::GeneratedPassword,
        )]));
    }
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![reset],
    );
    let first = bench.call("reset").await;
    let again = CallRequest {
        repeated: true,
        ..bench.request("reset", "a value")
    };
    bench.connectors.call(again).await;
    let other = CallRequest {
        id: "run-2:reset".into(),
        ..bench.request("reset", "a value")
    };
    bench.connectors.call(other).await;
    let sent: Vec<serde_json::Value> = server
        .received()
        .iter()
        .map(|r| serde_json::from_str(&r.body).expect("JSON"))
        .collect();
    assert_eq!(sent[0], sent[1]);
    assert_ne!(sent[0], sent[2]);
    let password = sent[0]["password"].as_str().expect("a text");
    assert_eq!(password.len(), 24);
    assert!(!format!("{first:?}").contains(password), "{first:?}");
}
