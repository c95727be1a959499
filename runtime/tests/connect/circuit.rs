//! A service that does not work is left alone for a while; calls wait within their time and are told why.

use crate::server::{Reply, Server, empty, json};
use crate::support::*;
use counterplay_machine::declare::{Auth, Connection, Retry};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_machine::eval::TenantFacts;
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector, Setback, Setbacks};
use counterplay_runtime::connect::Remembered;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A service with a switch: the status that it answers; 0 ends the connection.
async fn switched() -> (Server, Arc<AtomicU16>) {
    let status = Arc::new(AtomicU16::new(200));
    let switch = status.clone();
    let server = Server::start(move |_, _| match switch.load(Ordering::SeqCst) {
        0 => Reply::Drop,
        200 => json(200, json!({})),
        other => empty(other),
    })
    .await;
    (server, status)
}

/// Nothing is tried again: each call is one attempt.
fn once() -> Connection {
    Connection {
        retry: Retry {
            within_ms: 0,
            from_ms: 1,
            up_to_ms: 1,
        },
        ..connection(Auth::None)
    }
}

fn bench(server: &Server, connection: Connection) -> Bench {
    Bench::new(
        connection,
        Some(settings(&server.base())),
        vec![query("ask")],
    )
}

#[tokio::test]
async fn after_five_failures_nothing_is_sent_until_one_attempt_is_answered() {
    for broken in [0, 500, 503] {
        let (server, status) = switched().await;
        let bench = bench(&server, once());
        status.store(broken, Ordering::SeqCst);
        for _ in 0..5 {
            failure(bench.call("ask").await);
        }
        assert_eq!(server.received().len(), 5);
        let reason = failure(bench.call("ask").await);
        assert!(
            reason.starts_with("the call was not sent: nothing is sent to `service` for `contoso` for a while, since 5 attempts or more in a row failed; the last: "),
            "{reason}"
        );
        assert_eq!(server.received().len(), 5, "{broken}: it was not asked");
        let open = bench.connectors.health()["service"].open.clone();
        assert_eq!(open["contoso"].since_ms, START_MS);
        assert_eq!(open["contoso"].next_ms, START_MS + 15_000);

        // Its time has come: one attempt. It fails, and the pause is twice as long.
        bench.clock.skip_to(START_MS + 15_000);
        failure(bench.call("ask").await);
        assert_eq!(server.received().len(), 6);
        bench.clock.skip_to(START_MS + 44_000);
        failure(bench.call("ask").await);
        assert_eq!(server.received().len(), 6);

        status.store(200, Ordering::SeqCst);
        bench.clock.skip_to(START_MS + 45_000);
        for _ in 0..3 {
            assert!(matches!(bench.call("ask").await, CallOutcome::Done(_)));
        }
        assert!(bench.connectors.health()["service"].open.is_empty());
    }
}

#[tokio::test]
async fn refusals_and_limits_do_not_count() {
    for status in [400, 401, 403, 404, 409, 429] {
        let (server, switch) = switched().await;
        let bench = bench(&server, once());
        switch.store(status, Ordering::SeqCst);
        for _ in 0..8 {
            failure(bench.call("ask").await);
        }
        assert_eq!(server.received().len(), 8, "{status}");
        // They even show that it works.
        for _ in 0..4 {
            switch.store(500, Ordering::SeqCst);
            failure(bench.call("ask").await);
        }
        switch.store(status, Ordering::SeqCst);
        failure(bench.call("ask").await);
        switch.store(500, Ordering::SeqCst);
        failure(bench.call("ask").await);
        assert!(bench.connectors.health()["service"].open.is_empty());
    }
}

/// A service whose token service has a switch: the status, and what it says of when to come back.
async fn with_tokens(
    retry_after: Option<&'static str>,
) -> (Server, Arc<AtomicU16>, Arc<AtomicU16>) {
    let (token, own) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicU16::new(200)));
    let switches = (token.clone(), own.clone());
    let server = Server::start(move |_, request| {
        if !request.line.contains("/token") {
            return match switches.1.load(Ordering::SeqCst) {
                200 => json(200, json!({})),
                other => empty(other),
            };
        }
        match switches.0.load(Ordering::SeqCst) {
            // It is used for no second call.
            200 => json(
                200,
                json!({"access_token": "a-token-of-some-length", "expires_in": 0}),
            ),
            other => {
                let headers = retry_after.map(|value| ("retry-after", value.to_owned()));
                Reply::Say(other, headers.into_iter().collect(), String::new())
            }
        }
    })
    .await;
    (server, token, own)
}

fn oauth() -> Connection {
    Connection {
        auth: Auth::OAuth2 {
            token_url: arc("{base}/token"),
            scope: arc("all"),
        },
        ..once()
    }
}

#[tokio::test]
async fn a_token_service_that_has_no_time_is_no_failure_and_ends_the_row() {
    for retry_after in [None, Some("1")] {
        let (server, token, own) = with_tokens(retry_after).await;
        let bench = bench(&server, oauth());
        token.store(429, Ordering::SeqCst);
        for _ in 0..8 {
            let reason = failure(bench.call("ask").await);
            assert!(
                reason.contains("the token service answered 429"),
                "{reason}"
            );
        }
        let health = bench.connectors.health();
        let health = health.get("service").cloned().unwrap_or_default();
        assert!(health.open.is_empty(), "{health:?}");
        assert_eq!(health.trouble, None, "it is there");
        // Four failures of the service, the answer, and four again.
        for _ in 0..2 {
            token.store(200, Ordering::SeqCst);
            own.store(500, Ordering::SeqCst);
            for _ in 0..4 {
                failure(bench.call("ask").await);
            }
            token.store(429, Ordering::SeqCst);
            failure(bench.call("ask").await);
        }
        assert!(bench.connectors.health()["service"].open.is_empty());
    }
}

#[tokio::test]
async fn a_token_service_that_does_not_work_counts_whether_it_asks_to_wait_or_not() {
    for retry_after in [None, Some("1")] {
        for status in [500, 503] {
            let (server, token, own) = with_tokens(retry_after).await;
            let bench = bench(&server, oauth());
            own.store(500, Ordering::SeqCst);
            for _ in 0..3 {
                failure(bench.call("ask").await);
            }
            token.store(status, Ordering::SeqCst);
            for _ in 0..2 {
                failure(bench.call("ask").await);
            }
            let asked = server.received().len();
            let reason = failure(bench.call("ask").await);
            assert!(
                reason.starts_with("the call was not sent: nothing is sent to `service`"),
                "{status}, {retry_after:?}: {reason}"
            );
            assert_eq!(server.received().len(), asked, "nobody was asked");
        }
    }
}

#[tokio::test]
async fn what_is_known_of_a_service_outlives_a_deploy_but_not_its_address() {
    let (server, status) = switched().await;
    let first = bench(&server, once());
    let remembered = Remembered::default();
    let after_deploy = |bench: &Bench| {
        let connectors = bench.over(Noted::new(bench.clock.clone()));
        connectors.with_remembered(remembered.clone(), &bench.program)
    };
    let old = after_deploy(&first);
    status.store(500, Ordering::SeqCst);
    for _ in 0..5 {
        failure(old.call(first.request("ask", "a value")).await);
    }
    first.clock.skip_to(START_MS + 1_000);
    let new = after_deploy(&first);
    let reason = failure(new.call(first.request("ask", "a value")).await);
    assert!(reason.starts_with("the call was not sent"), "{reason}");
    assert_eq!(server.received().len(), 5, "it was not asked");
    let told = new.health()["service"].clone();
    assert_eq!(told.open["contoso"].since_ms, START_MS);
    assert_eq!(told.trouble, Some((START_MS, "it answered 500".into())));

    // The deploy after that leads elsewhere: nothing is known of that yet.
    let (elsewhere, _) = switched().await;
    let moved = bench(&elsewhere, once());
    moved.clock.skip_to(START_MS + 2_000);
    let newest = after_deploy(&moved);
    assert_eq!(newest.health(), BTreeMap::new());
    let outcome = newest.call(moved.request("ask", "a value")).await;
    assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    assert_eq!(newest.health()["service"].worked_ms, Some(START_MS + 2_000));
    assert!(newest.health()["service"].open.is_empty());
}

#[tokio::test]
async fn tokens_outlive_a_deploy_as_long_as_they_would_be_asked_for_alike() {
    let server = Server::start(|_, request| match request.line.contains("/token") {
        true => json(
            200,
            json!({"access_token": "a-token-of-some-length", "expires_in": 3600}),
        ),
        false => json(200, json!({})),
    })
    .await;
    let remembered = Remembered::default();
    let tokens = || {
        let received = server.received();
        received
            .iter()
            .filter(|r| r.line.contains("/token"))
            .count()
    };
    let scoped = |scope: &str| Connection {
        auth: Auth::OAuth2 {
            token_url: arc("{base}/token"),
            scope: arc(scope),
        },
        ..once()
    };
    let as_another = ConnectionSettings {
        client_id: Some("another-client".into()),
        ..settings(&server.base())
    };
    let another_secret = ConnectionSettings {
        secret: Some("sandbox-app".into()),
        ..settings(&server.base())
    };
    for (scope, settings, fetched) in [
        ("all", settings(&server.base()), 1),
        ("all", settings(&server.base()), 1),
        ("some", settings(&server.base()), 2),
        ("all", as_another, 3),
        ("all", another_secret, 4),
        ("all", settings(&server.base()), 4),
    ] {
        let bench = Bench::new(scoped(scope), Some(settings), vec![query("ask")]);
        let connectors = bench.over(Noted::new(bench.clock.clone()));
        let connectors = connectors.with_remembered(remembered.clone(), &bench.program);
        let outcome = connectors.call(bench.request("ask", "a value")).await;
        assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
        assert_eq!(tokens(), fetched, "{scope}");
    }
}

#[tokio::test]
async fn one_tenants_trouble_is_not_anothers() {
    let (server, status) = switched().await;
    let bench = bench(&server, once());
    status.store(500, Ordering::SeqCst);
    for _ in 0..6 {
        failure(bench.call("ask").await);
    }
    status.store(200, Ordering::SeqCst);
    let other = CallRequest {
        tenant: TenantFacts {
            name: "fabrikam".into(),
            ..bench.tenant.clone()
        },
        ..bench.request("ask", "a value")
    };
    assert!(matches!(
        bench.connectors.call(other).await,
        CallOutcome::Done(_)
    ));
    let reason = failure(bench.call("ask").await);
    assert!(
        reason.starts_with("the call was not sent: nothing is sent"),
        "{reason}"
    );
}

#[tokio::test]
async fn a_call_waits_within_its_time_and_its_run_is_told() {
    let (server, status) = switched().await;
    status.store(503, Ordering::SeqCst);
    let patient = Connection {
        retry: Retry {
            within_ms: 600_000,
            from_ms: 1_000,
            up_to_ms: 2_000,
        },
        ..connection(Auth::None)
    };
    let bench = Arc::new(bench(&server, patient));
    let told: Arc<Mutex<Vec<Setback>>> = Arc::default();
    let hears = told.clone();
    let heal = status.clone();
    let opened = Arc::new(AtomicUsize::new(0));
    let count = opened.clone();
    let request = CallRequest {
        setbacks: Setbacks::to(move |setback| {
            if setback.reason.starts_with("nothing is sent") {
                // The service works again while nothing is sent.
                count.fetch_add(1, Ordering::SeqCst);
                heal.store(200, Ordering::SeqCst);
            }
            hears.lock().expect("no panic").push(setback);
        }),
        ..bench.request("ask", "a value")
    };
    let outcome = bench.connectors.call(request).await;
    assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    assert_eq!(server.received().len(), 6, "five failed, one was answered");
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    let last = told
        .lock()
        .expect("no panic")
        .last()
        .cloned()
        .expect("told");
    assert_eq!(
        last.reason,
        "nothing is sent to `service` for `contoso` for a while, since 5 attempts or more in a row failed; the last: it answered 503"
    );
    assert!(last.next_ms > START_MS, "it is told when");

    // For longer than the call is tried, it fails, and says that it was not sent.
    let (server, status) = switched().await;
    status.store(503, Ordering::SeqCst);
    let hasty = Connection {
        retry: Retry {
            within_ms: 10_000,
            from_ms: 1_000,
            up_to_ms: 1_000,
        },
        ..connection(Auth::None)
    };
    let bench = self::bench(&server, hasty);
    let reason = failure(bench.call("ask").await);
    assert_eq!(
        reason,
        "the service answered 503 (tried 5 times; then nothing was sent to `service` for `contoso` for a while, and the time for which this is tried is over)"
    );
    assert_eq!(server.received().len(), 5);
}

#[tokio::test]
async fn while_one_attempt_is_made_the_others_wait() {
    let (server, status) = switched().await;
    status.store(500, Ordering::SeqCst);
    let patient = Connection {
        retry: Retry {
            // Each wait of each call moves the one clock.
            within_ms: 100_000_000,
            from_ms: 1_000,
            up_to_ms: 2_000,
        },
        ..connection(Auth::None)
    };
    let bench = Arc::new(bench(&server, patient));
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { bench.call("ask").await })
        })
        .collect();
    // All of them have failed once; from then on one at a time is sent until the service works.
    while bench
        .connectors
        .health()
        .get("service")
        .is_none_or(|h| h.open.is_empty())
    {
        tokio::task::yield_now().await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    status.store(200, Ordering::SeqCst);
    for call in calls {
        let outcome = call.await.expect("no panic");
        assert!(matches!(outcome, CallOutcome::Done(_)), "{outcome:?}");
    }
    let failed = server.received().len() - 20;
    assert!(failed < 60, "{failed} attempts failed");
}

#[tokio::test]
async fn a_store_of_secrets_that_is_away_is_not_the_services_fault() {
    use counterplay_machine::deployment::SecretsSettings;
    use counterplay_machine::secret_store::{HeldAt, VaultSettings, VaultSignIn};
    use counterplay_runtime::clock::VirtualClock;
    let (server, _) = switched().await;
    // Nobody listens there.
    let vault = SecretsSettings::Vault(VaultSettings {
        address: "http://127.0.0.1:1".into(),
        namespace: None,
        mount: "secret".into(),
        path: "counterplay".into(),
        field: "value".into(),
        sign_in: VaultSignIn::AppRole {
            mount: "approle".into(),
            role_id: "r".into(),
            secret_id: HeldAt::Variable("PATH".into()),
        },
        refresh_ms: 60_000,
    });
    let clock = Arc::new(VirtualClock::at(START_MS));
    let secrets =
        counterplay_runtime::connect::open(&vault, std::path::Path::new(""), clock.clone())
            .expect("opens");
    let bearer = Connection {
        auth: Auth::Bearer,
        ..once()
    };
    let bench = Bench::with_secrets(
        bearer,
        Some(settings(&server.base())),
        vec![query("ask")],
        clock,
        secrets,
    );
    for _ in 0..8 {
        let reason = failure(bench.call("ask").await);
        assert!(
            reason.contains("cannot be had from Vault at present: it could not be reached"),
            "{reason}"
        );
    }
    assert!(bench.connectors.health().is_empty());
}
