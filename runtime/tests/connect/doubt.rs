//! Lost answers of what must not be done twice: the service is asked, and only what it did not do is sent again.

use crate::server::{Reply, Server, empty, json};
use crate::support::*;
use counterplay_machine::Value;
use counterplay_machine::declare::{Auth, Callable, Check, Impact, OnStatus, OnStatusThen};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::types::Type;
use counterplay_runtime::brake::{Brake, Gate, Scope};
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector, Setbacks};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FOUND: Slot = Slot(20);
const MINUTE_MS: i64 = 60_000;

/// `open` gives a text, and `opened` tells which, or that there is none.
fn desk(server: &Server, impact: Impact) -> Bench {
    let id = || Expr::Convert(Box::new(Expr::Slot(BODY).field("id")), Type::Text);
    let open = Callable {
        returns: Some(id()),
        returns_ty: Type::Text,
        check: Some(Check {
            queries: vec![(FOUND, Arc::from("opened"), vec![Expr::Slot(ARG)])],
            found: Expr::Slot(FOUND),
        }),
        ..callable("open", Some(impact), "POST")
    };
    let opened = Callable {
        returns: Some(id()),
        returns_ty: Type::Optional(Box::new(Type::Text)),
        on_status: vec![OnStatus {
            status: 404,
            condition: None,
            then: OnStatusThen::Absent,
        }],
        ..query("opened")
    };
    Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![open, opened],
    )
}

fn opened() -> Reply {
    json(200, json!({ "id": "2001" }))
}

fn posts(server: &Server) -> usize {
    let received = server.received();
    received
        .iter()
        .filter(|r| r.line.starts_with("POST"))
        .count()
}

fn ticket() -> CallOutcome {
    CallOutcome::Done(Value::text("2001"))
}

#[tokio::test]
async fn what_the_service_says_it_did_is_done_and_not_sent_again() {
    for impact in [Impact::Notify, Impact::Destructive] {
        let server = Server::start(|_, r| match r.line.starts_with("POST") {
            true => Reply::Drop,
            false => opened(),
        })
        .await;
        let bench = desk(&server, impact);
        let told: Arc<Mutex<Vec<String>>> = Arc::default();
        let hears = told.clone();
        let request = CallRequest {
            setbacks: Setbacks::to(move |s| hears.lock().expect("no panic").push(s.reason)),
            ..bench.request("open", "x")
        };
        assert_eq!(bench.connectors.call(request).await, ticket());
        assert_eq!(posts(&server), 1);
        let told = told.lock().expect("no panic").clone();
        assert!(
            told[0].ends_with("the service is asked first whether it was carried out"),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn what_the_service_did_not_do_is_sent_again() {
    let server = Server::start(|before, r| match (r.line.starts_with("POST"), before) {
        (true, 0) => Reply::Drop,
        (true, _) => opened(),
        (false, _) => empty(404),
    })
    .await;
    let bench = desk(&server, Impact::Reversible);
    assert_eq!(bench.call("open").await, ticket());
    assert_eq!(posts(&server), 2);
}

#[tokio::test]
async fn it_is_sent_again_within_its_time_only_and_asked_about_ever_after() {
    let server = Server::start(|_, r| match r.line.starts_with("POST") {
        true => Reply::Drop,
        false => empty(404),
    })
    .await;
    let bench = desk(&server, Impact::Reversible);
    let reason = unknown(bench.call("open").await);
    assert!(
        reason.ends_with("the service says that it was not carried out, and it is not sent again by itself: the 1m for that are over"),
        "{reason}"
    );
    // Pauses double from one second on: seven fit into a minute.
    assert!((4..=14).contains(&posts(&server)), "{}", posts(&server));
    assert!(bench.passed_ms() <= 2 * MINUTE_MS, "{}", bench.passed_ms());
}

#[tokio::test]
async fn a_service_that_cannot_say_leaves_it_to_a_person() {
    let server = Server::start(|_, r| match r.line.starts_with("POST") {
        true => Reply::Drop,
        false => empty(403),
    })
    .await;
    let reason = unknown(desk(&server, Impact::Notify).call("open").await);
    assert!(
        reason.contains("whether it was carried out cannot be found out: `opened` failed"),
        "{reason}"
    );
    assert_eq!(posts(&server), 1);
}

#[tokio::test]
async fn after_a_restart_the_service_is_asked_before_anything_is_sent() {
    let repeated = |bench: &Bench, age_ms: i64| CallRequest {
        repeated: true,
        intended_ms: START_MS - age_ms,
        ..bench.request("open", "x")
    };
    let server = Server::start(|_, _| opened()).await;
    let bench = desk(&server, Impact::Destructive);
    // However long ago: what was done is done.
    let old = repeated(&bench, 9 * 24 * 60 * MINUTE_MS);
    assert_eq!(bench.connectors.call(old).await, ticket());
    assert_eq!(posts(&server), 0);

    let server = Server::start(|_, r| match r.line.starts_with("POST") {
        true => opened(),
        false => empty(404),
    })
    .await;
    let bench = desk(&server, Impact::Destructive);
    assert_eq!(
        bench.connectors.call(repeated(&bench, 10_000)).await,
        ticket()
    );
    assert_eq!(posts(&server), 1);
    let old = bench.connectors.call(repeated(&bench, 2 * MINUTE_MS)).await;
    assert!(unknown(old).contains("was not carried out"));
    assert_eq!(posts(&server), 1);
}

#[tokio::test]
async fn what_is_harmless_to_repeat_is_not_repeated_days_later_either() {
    let server = Server::start(|_, _| empty(204)).await;
    let again = Callable {
        idempotent: true,
        ..action("again")
    };
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![again],
    );
    let late = CallRequest {
        repeated: true,
        intended_ms: START_MS - MINUTE_MS - 1,
        ..bench.request("again", "x")
    };
    let reason = unknown(bench.connectors.call(late).await);
    assert!(
        reason.ends_with("it is not sent again by itself: the 1m for that are over"),
        "{reason}"
    );
    assert!(server.received().is_empty());

    // Nor where somebody paused everything in between and let it go on the next day.
    let brake = Arc::new(Brake::default());
    brake.set(vec![Scope::All]);
    let paused = CallRequest {
        repeated: true,
        gate: Gate::of(&brake, "contoso", Some("p")),
        ..bench.request("again", "x")
    };
    let (clock, free) = (bench.clock.clone(), brake.clone());
    let next_day = async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        clock.skip_to(START_MS + 24 * 60 * MINUTE_MS);
        free.set(Vec::new());
    };
    let (outcome, ()) = tokio::join!(bench.connectors.call(paused), next_day);
    assert!(unknown(outcome).contains("it is not sent again by itself"));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn what_was_repeated_for_its_whole_time_is_a_persons_to_settle() {
    let server = Server::start(|_, _| Reply::Drop).await;
    let again = Callable {
        idempotent: true,
        ..action("again")
    };
    let tell = Callable {
        idempotent: true,
        ..callable("tell", Some(Impact::Notify), "POST")
    };
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![again, tell],
    );
    let reason = unknown(bench.call("again").await);
    assert!(
        reason.ends_with("); it may have been carried out"),
        "{reason}"
    );
    assert!(bench.passed_ms() <= MINUTE_MS, "{}", bench.passed_ms());
    // Nobody has to wait for a person because of a message.
    let late = CallRequest {
        intended_ms: bench.clock.now_ms(),
        ..bench.request("tell", "x")
    };
    failure(bench.connectors.call(late).await);
}

#[tokio::test]
async fn a_message_is_sent_again_once_and_says_so() {
    let server = Server::start(|before, _| match before {
        0 => Reply::Drop,
        _ => empty(204),
    })
    .await;
    let marked = Callable {
        request: match action("tell").request {
            counterplay_machine::declare::Request::Http {
                connection,
                method,
                path,
                ..
            } => counterplay_machine::declare::Request::Http {
                connection,
                method,
                path,
                address: None,
                query: vec![],
                headers: vec![(
                    Arc::from("Idempotency-Key"),
                    Expr::Run(counterplay_machine::expr::RunFact::Call),
                )],
                json: Some(Expr::Object(vec![(
                    Arc::from("again"),
                    Expr::Run(counterplay_machine::expr::RunFact::SentAgain),
                )])),
                paged: false,
            },
            other => other,
        },
        ..callable("tell", Some(Impact::Notify), "POST")
    };
    let bench = Bench::new(
        connection(Auth::None),
        Some(settings(&server.base())),
        vec![marked],
    );
    assert_eq!(bench.call("tell").await, done());
    let received = server.received();
    let bodies: Vec<&str> = received.iter().map(|r| r.body.as_str()).collect();
    assert_eq!(bodies, [r#"{"again":false}"#, r#"{"again":true}"#]);
    for one in &received {
        assert_eq!(one.header("idempotency-key"), "run-1:tell");
    }
}
