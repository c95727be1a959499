//! Limits of services: turns that are kept, and what they say when they are not.

use crate::server::{Server, empty, json};
use crate::support::*;
use counterplay_machine::declare::{Auth, Callable, Connection, PathPart, Rate, Request, Retry};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_machine::eval::TenantFacts;
use counterplay_runtime::brake::{Brake, Gate, Scope};
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Connectors, Remembered};
use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use serde_json::json;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// As the library declares Identity Protection: one request per second and tenant.
fn identity_protection(base: &str) -> Connection {
    Connection {
        rates: vec![Rate {
            count: 1,
            per_ms: 1_000,
            per_tenant: true,
        }],
        retry: Retry {
            within_ms: 600_000,
            from_ms: 2_000,
            up_to_ms: 120_000,
        },
        ..connection(Auth::OAuth2 {
            token_url: arc(&format!("{base}/login/{{tenant.id}}/oauth2/v2.0/token")),
            scope: arc("https://graph.microsoft.com/.default"),
        })
    }
}

fn risky_users() -> Callable {
    let mut ask = query("ask");
    if let Request::Http { path, .. } = &mut ask.request {
        path[0] = PathPart::Literal(arc("/identityProtection/riskyUsers"));
    }
    ask
}

fn graph(base: &str) -> ConnectionSettings {
    ConnectionSettings {
        client_id: Some("counterplay-sandbox".into()),
        secret: Some("sandbox-app".into()),
        ..settings(&format!("{base}/graph/v1.0"))
    }
}

#[tokio::test]
async fn a_429_without_a_header_is_waited_out_with_growing_pauses() {
    let sandbox = Sandbox::start(Options::default()).await.expect("starts");
    let throttle = FaultKind::Throttle {
        retry_after_s: None,
    };
    sandbox.inject(Fault::new("/riskyUsers", throttle).times(3));
    let base = sandbox.base_url();
    let bench = Bench::new(
        identity_protection(&base),
        Some(graph(&base)),
        vec![risky_users()],
    );
    let outcome = bench.call("ask").await;
    assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    // 2, 4 and 8 seconds, each shortened by up to half.
    let waited = bench.passed_ms();
    assert!((7_000..=14_000).contains(&waited), "{waited}");
    let asked = sandbox.requests();
    let asked = asked.iter().filter(|r| r.service == Service::Graph).count();
    assert_eq!(asked, 4);
    assert!(
        bench.connectors.health()["service"].open.is_empty(),
        "no failure of the service"
    );
}

#[tokio::test]
async fn each_tenant_has_one_turn_a_second() {
    let clock = Arc::new(VirtualClock::at(START_MS));
    let at: Arc<Mutex<Vec<(i64, String)>>> = Arc::default();
    let (log, watch) = (at.clone(), clock.clone());
    let server = Server::start(move |_, request| {
        let tenant = request.header("client-request-id").to_owned();
        log.lock().expect("no panic").push((watch.now_ms(), tenant));
        json(200, json!({}))
    })
    .await;
    let limited = Connection {
        auth: Auth::None,
        ..identity_protection("")
    };
    let bench = Bench::with_clock(
        limited,
        Some(settings(&server.base())),
        vec![query("ask")],
        clock,
    );
    for tenant in ["contoso", "fabrikam"] {
        let began = bench.clock.now_ms();
        for index in 0..4 {
            let request = CallRequest {
                id: format!("{tenant}-{index}"),
                tenant: TenantFacts {
                    name: tenant.into(),
                    ..bench.tenant.clone()
                },
                ..bench.request("ask", "a value")
            };
            bench.connectors.call(request).await;
        }
        let took = bench.clock.now_ms() - began;
        assert_eq!(
            took, 3_000,
            "{tenant}: the first at once, each other a second later"
        );
    }
    let at = at.lock().expect("no panic").clone();
    let gaps: Vec<i64> = at.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert_eq!(gaps, [1_000, 1_000, 1_000, 0, 1_000, 1_000, 1_000]);
}

#[tokio::test]
async fn a_wait_that_is_asked_for_is_kept_as_seconds_and_as_a_date() {
    for (header, at_least) in [
        ("7", 7_000),
        // 2026-01-01T00:00:09Z: nine seconds after the clock's beginning.
        ("Thu, 01 Jan 2026 00:00:09 GMT", 9_000),
    ] {
        let server = Server::start(move |before, _| match before {
            0 => {
                let crate::server::Reply::Say(status, mut headers, body) = empty(429) else {
                    panic!("it says something");
                };
                headers.push(("retry-after", header.to_owned()));
                crate::server::Reply::Say(status, headers, body)
            }
            _ => json(200, json!({})),
        })
        .await;
        let bench = Bench::new(
            connection(Auth::None),
            Some(settings(&server.base())),
            vec![query("ask")],
        );
        assert!(matches!(bench.call("ask").await, CallOutcome::Done(_)));
        assert_eq!(bench.passed_ms(), at_least, "{header}");
    }
}

/// Five calls, all at once; that each was carried out.
async fn at_once(connectors: &Connectors, bench: &Bench) {
    let call = |n: usize| {
        connectors.call(CallRequest {
            id: format!("at-once-{n}"),
            ..bench.request("ask", "a value")
        })
    };
    let all = tokio::join!(call(0), call(1), call(2), call(3), call(4));
    for outcome in [all.0, all.1, all.2, all.3, all.4] {
        assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    }
}

#[tokio::test]
async fn within_any_time_of_that_length_no_more_are_sent_than_declared() {
    let server = Server::start(|_, _| json(200, json!({}))).await;
    let limited = Connection {
        rates: vec![
            Rate {
                count: 3,
                per_ms: 10_000,
                per_tenant: true,
            },
            Rate {
                count: 4,
                per_ms: 60_000,
                per_tenant: false,
            },
        ],
        ..connection(Auth::None)
    };
    let bench = Bench::new(limited, Some(settings(&server.base())), vec![query("ask")]);
    let wire = Noted::new(bench.clock.clone());
    let connectors = bench.over(wire.clone());
    at_once(&connectors, &bench).await;
    at_once(&connectors, &bench).await;
    let sent = wire.sent("/things");
    assert_eq!(sent.len(), 10);
    assert!(keeps_to(3, 10_000, &sent), "{sent:?}");
    assert!(keeps_to(4, 60_000, &sent), "{sent:?}");
}

/// One question over a connection with the limits of Identity Protection, without a login.
fn limited(server: &Server) -> Bench {
    let connection = Connection {
        auth: Auth::None,
        ..identity_protection("")
    };
    Bench::new(
        connection,
        Some(settings(&server.base())),
        vec![query("ask")],
    )
}

#[tokio::test]
async fn connectors_that_a_deploy_makes_keep_to_the_limits_of_those_before() {
    let server = Server::start(|_, _| json(200, json!({}))).await;
    let bench = limited(&server);
    let wire = Noted::new(bench.clock.clone());
    let remembered = Remembered::default();
    let made = || {
        let connectors = bench.over(wire.clone());
        connectors.with_remembered(remembered.clone(), &bench.program)
    };
    // Some calls still wait for their turn with the old ones when the new ones begin.
    let (old, new) = (made(), made());
    tokio::join!(at_once(&old, &bench), at_once(&new, &bench));
    let sent = wire.sent("/things");
    assert_eq!(sent.len(), 10);
    assert!(keeps_to(1, 1_000, &sent), "{sent:?}");
}

#[tokio::test]
async fn calls_that_waited_for_a_token_are_not_sent_all_at_once() {
    let clock = Arc::new(VirtualClock::at(START_MS));
    let slow = clock.clone();
    let server = Server::start(move |_, request| {
        if request.line.contains("/token") {
            // All of the turns are over by then.
            slow.skip_to(START_MS + 30_000);
            return json(
                200,
                json!({"access_token": "a-token-of-some-length", "expires_in": 3600}),
            );
        }
        json(200, json!({}))
    })
    .await;
    let limited = Connection {
        auth: Auth::OAuth2 {
            token_url: arc("{base}/token"),
            scope: arc("all"),
        },
        ..identity_protection("")
    };
    let settings = Some(settings(&server.base()));
    let bench = Bench::with_clock(limited, settings, vec![query("ask")], clock);
    let wire = Noted::new(bench.clock.clone());
    at_once(&bench.over(wire.clone()), &bench).await;
    let sent = wire.sent("/things");
    assert_eq!(sent.len(), 5);
    assert!(keeps_to(1, 1_000, &sent), "{sent:?}");
    assert_eq!(wire.sent("/token").len(), 1);
}

#[tokio::test]
async fn calls_that_a_pause_held_up_are_not_sent_all_at_once() {
    let server = Server::start(|_, _| json(200, json!({}))).await;
    let bench = limited(&server);
    let wire = Noted::new(bench.clock.clone());
    let connectors = bench.over(wire.clone());
    let brake = Arc::new(Brake::default());
    brake.set(vec![Scope::All]);
    let call = |n: usize| {
        connectors.call(CallRequest {
            id: format!("held-{n}"),
            gate: Gate::of(&brake, "contoso", None),
            ..bench.request("ask", "a value")
        })
    };
    let unpause = async {
        // Until all of the turns are over.
        while bench.passed_ms() < 3_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        brake.set(vec![]);
    };
    tokio::join!(call(0), call(1), call(2), call(3), unpause);
    let sent = wire.sent("/things");
    assert_eq!(sent.len(), 4);
    assert!(keeps_to(1, 1_000, &sent), "{sent:?}");
}

#[tokio::test]
async fn a_clock_that_is_set_holds_nobody_up_and_lets_nobody_through() {
    for by_ms in [-86_400_000, 86_400_000] {
        let server = Server::start(|_, _| json(200, json!({}))).await;
        let limited = Connection {
            auth: Auth::None,
            ..identity_protection("")
        };
        let clock = Arc::new(VirtualClock::at(START_MS));
        let settings = Some(settings(&server.base()));
        let bench = Bench::with_clock(limited, settings, vec![query("ask")], clock.clone());
        let wire = Noted::new(bench.clock.clone());
        let connectors = bench.over(wire.clone());
        let begun_ms = clock.passed_ms();
        for _ in 0..5 {
            connectors.call(bench.request("ask", "a value")).await;
            clock.jump(by_ms);
        }
        let sent: Vec<i64> = wire
            .sent("/things")
            .iter()
            .map(|at_ms| at_ms - begun_ms)
            .collect();
        assert_eq!(sent, [0, 1_000, 2_000, 3_000, 4_000], "{by_ms}");
    }
}
