//! Retries, lost answers, confirmation, budgets and odd bodies over HTTP.

use crate::server::{Reply, Server, empty, json};
use crate::support::*;
use counterplay_machine::Value;
use counterplay_machine::declare::{
    Auth, Base, Callable, Confirm, Connection, Impact, OnStatus, OnStatusThen, Rate, Request,
};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::types::Type;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use serde_json::json;
use std::net::TcpListener;
use std::sync::Arc;

fn bench(server: &Server, callables: Vec<Callable>) -> Bench {
    Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        callables,
    )
}

fn idempotent(name: &str) -> Callable {
    Callable {
        idempotent: true,
        ..action(name)
    }
}

#[tokio::test]
async fn a_throttled_call_waits_as_asked_even_when_it_may_not_be_repeated() {
    let server = Server::start(|before, _| match before {
        0 => Reply::Say(429, vec![("retry-after", "30".into())], String::new()),
        _ => empty(204),
    })
    .await;
    let bench = bench(&server, vec![action("act")]);
    assert_eq!(bench.call("act").await, done());
    assert_eq!(server.received().len(), 2);
    assert!(
        (30_000..31_000).contains(&bench.passed_ms()),
        "{}",
        bench.passed_ms()
    );
    let ids: Vec<String> = server
        .received()
        .iter()
        .map(|r| r.header("client-request-id").to_owned())
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(
        ids[0].split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12],
        "{}",
        ids[0]
    );
}

#[tokio::test]
async fn a_wait_beyond_the_window_ends_the_trying() {
    let server =
        Server::start(|_, _| Reply::Say(429, vec![("retry-after", "3600".into())], String::new()))
            .await;
    let bench = bench(&server, vec![idempotent("act")]);
    assert_eq!(
        failure(bench.call("act").await),
        "the service answered 429 (it asks to wait 1h, longer than the 1m for which this is tried)"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_lost_answer_is_repeated_only_where_that_is_harmless() {
    let server =
        Server::start(|before, _| if before == 0 { Reply::Drop } else { empty(204) }).await;
    let harmless = bench(&server, vec![idempotent("act")]);
    assert_eq!(harmless.call("act").await, done());
    assert_eq!(server.received().len(), 2);

    let server = Server::start(|_, _| Reply::Drop).await;
    let harmful = bench(&server, vec![action("act")]);
    let reason = unknown(harmful.call("act").await);
    assert_eq!(
        reason,
        "the connection to 127.0.0.1 ended before an answer came; it may have been carried out, and doing it twice may do harm"
    );
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn no_answer_in_time_is_a_lost_answer() {
    let server = Server::start(|_, _| Reply::Hang).await;
    let slow = Connection {
        timeout_ms: 200,
        ..connection(Auth::None)
    };
    let bench = Bench::new(slow, Some(settings(&server.base())), vec![action("act")]);
    assert!(unknown(bench.call("act").await).starts_with("127.0.0.1 did not answer within 200ms"));
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn a_call_that_cannot_have_been_sent_is_tried_again() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a port");
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&format!("http://{closed}"))),
        vec![action("act")],
    );
    let reason = failure(bench.call("act").await);
    assert!(
        reason.starts_with("127.0.0.1 could not be reached: Connection refused"),
        "{reason}"
    );
    assert!(
        reason.contains(" (tried ")
            && reason.ends_with("the time for which this is tried is over)"),
        "{reason}"
    );
    assert!(
        (30_000..=60_000).contains(&bench.passed_ms()),
        "{}",
        bench.passed_ms()
    );
}

#[tokio::test]
async fn statuses_say_whether_it_may_have_been_done() {
    for (status, tries, is_unknown) in [
        (500, 1, false),
        (502, 1, true),
        (503, 2, false),
        (400, 1, false),
    ] {
        let server = Server::start(move |before, _| {
            if before == 0 {
                empty(status)
            } else {
                empty(204)
            }
        })
        .await;
        let bench = bench(&server, vec![action("act")]);
        let outcome = bench.call("act").await;
        assert_eq!(server.received().len(), tries, "{status}");
        assert_eq!(
            matches!(outcome, CallOutcome::Unknown { .. }),
            is_unknown,
            "{status}: {outcome:?}"
        );
        assert_eq!(outcome == done(), tries == 2, "{status}: {outcome:?}");
    }
}

#[tokio::test]
async fn declared_meanings_of_statuses_win() {
    let server = Server::start(|_, _| json(503, json!({"error": {"code": "gone"}}))).await;
    let on = OnStatus {
        status: 503,
        condition: None,
        then: OnStatusThen::Failure(text("it is closed")),
    };
    let bench = bench(
        &server,
        vec![Callable {
            on_status: vec![on],
            ..idempotent("act")
        }],
    );
    assert_eq!(failure(bench.call("act").await), "it is closed");
    assert_eq!(server.received().len(), 1);
}

#[tokio::test]
async fn what_is_not_json_is_said_so() {
    let page = format!(
        "<html>\n  <title>Sign in to the proxy</title>{}",
        "x".repeat(500)
    );
    let server = Server::start(move |_, _| Reply::Say(200, vec![], page.clone())).await;
    let bench = bench(&server, vec![query("ask"), action("act")]);
    let reason = failure(bench.call("ask").await);
    assert!(
        reason.starts_with("the service answered something that is not JSON: <html> <title>Sign in to the proxy</title>xxx"),
        "{reason}"
    );
    assert!(reason.chars().count() < 135, "{reason}");
    // Where no result is declared, a text such as Slack's `ok` is fine.
    assert_eq!(bench.call("act").await, done());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Server::start(|_, _| json(200, json!({}))).await;
    let to = other.base();
    let server =
        Server::start(move |_, _| Reply::Say(302, vec![("location", to.clone())], String::new()))
            .await;
    let bench = bench(&server, vec![query("ask")]);
    let reason = failure(bench.call("ask").await);
    assert_eq!(
        reason,
        "the service answered 302 (it points elsewhere, and redirects are not followed)"
    );
    assert!(other.received().is_empty());
}

#[tokio::test]
async fn bodies_are_read_up_to_a_limit() {
    let large = format!("\"{}\"", "x".repeat(9 * 1024 * 1024));
    let server = Server::start(move |_, _| Reply::Say(200, vec![], large.clone())).await;
    let bench = bench(&server, vec![query("ask")]);
    assert_eq!(
        failure(bench.call("ask").await),
        "the service answered 200 with more than 8 MiB"
    );
}

#[tokio::test]
async fn budgets_make_calls_wait() {
    let server = Server::start(|_, _| empty(204)).await;
    let rated = Connection {
        rates: vec![Rate {
            count: 2,
            per_ms: 10_000,
            per_tenant: true,
        }],
        ..connection(Auth::None)
    };
    let bench = Bench::new(rated, Some(settings(&server.base())), vec![action("act")]);
    for _ in 0..4 {
        assert_eq!(bench.call("act").await, done());
    }
    assert!(
        (9_900..=10_100).contains(&bench.passed_ms()),
        "{}",
        bench.passed_ms()
    );
}

#[tokio::test]
async fn an_action_is_done_when_the_state_is_read_back() {
    let confirm = || Confirm {
        queries: vec![(Slot(7), arc("is_enabled"), vec![Expr::Slot(ARG)])],
        condition: Expr::Not(Box::new(Expr::Slot(Slot(7)))),
        within_ms: 120_000,
    };
    let asked = || Callable {
        returns_ty: Type::Bool,
        ..query("is_enabled")
    };
    let server = Server::start(|before, request| match request.line.starts_with("POST") {
        true => empty(204),
        false => json(200, json!(before < 4)),
    })
    .await;
    let confirmed = bench(
        &server,
        vec![
            Callable {
                confirm: Some(confirm()),
                ..action("act")
            },
            asked(),
        ],
    );
    assert_eq!(confirmed.call("act").await, done());
    assert_eq!(server.received().len(), 5);
    assert_eq!(confirmed.passed_ms(), 1_000 + 2_000 + 4_000);

    let server = Server::start(|_, request| match request.line.starts_with("POST") {
        true => empty(204),
        false => json(200, json!(true)),
    })
    .await;
    let never = bench(
        &server,
        vec![
            Callable {
                confirm: Some(confirm()),
                ..action("act")
            },
            asked(),
        ],
    );
    // It may have been carried out all the same: that is no refusal.
    let reason = "accepted, but not confirmed within 2m: `is_enabled` answers true".to_owned();
    assert_eq!(never.call("act").await, CallOutcome::Unconfirmed { reason });
    assert_eq!(never.passed_ms(), 120_000);
}

#[tokio::test]
async fn after_a_restart_only_what_is_harmless_is_sent_again() {
    let server = Server::start(|_, _| empty(204)).await;
    let notify = Callable {
        impact: Some(Impact::Notify),
        ..action("notify")
    };
    let bench = bench(&server, vec![action("act"), idempotent("again"), notify]);
    let repeated = |name: &str| CallRequest {
        repeated: true,
        ..bench.request(name, "a value")
    };
    let reason = unknown(bench.connectors.call(repeated("act")).await);
    assert!(
        reason.contains("may have been sent before a restart"),
        "{reason}"
    );
    assert!(server.received().is_empty());
    assert_eq!(bench.connectors.call(repeated("again")).await, done());
    assert_eq!(bench.connectors.call(repeated("notify")).await, done());
}

#[tokio::test]
async fn a_secret_can_be_the_whole_address() {
    let sandbox = counterplay_sandbox::Sandbox::start(Default::default())
        .await
        .expect("a sandbox");
    let address = format!("{}/teams/soc/sandbox-teams-key", sandbox.base_url());
    let server_bench = |address: &str| {
        let webhook = Connection {
            base: Some(Base::FromSecret),
            ..connection(Auth::None)
        };
        let mut post = action("post");
        if let Request::Http {
            address,
            path,
            json,
            ..
        } = &mut post.request
        {
            *address = Some(Expr::NamedSecret(arc("hook")));
            path.clear();
            let card = json!({"type": "message", "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {"type": "AdaptiveCard", "body": [{"type": "TextBlock", "text": "contained"}]},
            }]});
            *json = Some(Expr::Const(Value::Json(Arc::new(card))));
        }
        let settings = counterplay_machine::deployment::ConnectionSettings {
            allow_private: true,
            ..Default::default()
        };
        let mut bench = Bench::new(webhook, Some(settings.clone()), vec![post]);
        let deployment = counterplay_machine::deployment::Deployment {
            connections: [("service".to_owned(), settings)].into(),
            ..Default::default()
        };
        let secrets = counterplay_runtime::connect::MemorySecrets::new([("hook", address)]);
        bench.connectors = counterplay_runtime::connect::Connectors::new(
            deployment,
            Arc::new(secrets),
            counterplay_runtime::connect::MasterKey::from_bytes([9; 32]),
            bench.clock.clone(),
        )
        .expect("an HTTP client");
        bench
    };
    assert_eq!(server_bench(&address).call("post").await, done());
    assert_eq!(sandbox.state().chat[0].text, "contained");
    let wrong = failure(
        server_bench(&address.replace("teams-key", "other-key"))
            .call("post")
            .await,
    );
    assert!(wrong.starts_with("the service answered 401"), "{wrong}");
    assert!(!wrong.contains("other-key"), "{wrong}");
    let nonsense = failure(server_bench("not an address but secret").call("post").await);
    assert_eq!(
        nonsense,
        "the secret that holds the address of the connection `service` is not a web address"
    );
    sandbox.stop().await;
}
