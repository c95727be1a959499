//! Limits of services: turns that are kept, and what they say when they are not.

use crate::server::{Server, empty, json};
use crate::support::*;
use counterplay_machine::declare::{Auth, Callable, Connection, PathPart, Rate, Request, Retry};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_machine::eval::TenantFacts;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox, Service};
use serde_json::json;
use std::sync::{Arc, Mutex};

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
