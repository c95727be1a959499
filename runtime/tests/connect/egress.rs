//! Where calls may go.

use crate::server::{Server, json};
use crate::support::*;
use counterplay_machine::declare::{Auth, Base, Connection, Retry};
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_runtime::call::Connector;
use serde_json::json;

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let server = Server::start(|_, _| json(200, json!({}))).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.1",
        "2130706433",
        "0x7f.1",
    ] {
        let guarded = ConnectionSettings {
            allow_private: false,
            ..settings(&format!("https://{host}:{port}"))
        };
        let bench = Bench::new(connection(Auth::Bearer), Some(guarded), vec![query("ask")]);
        let reason = failure(bench.call("ask").await);
        assert!(reason.contains("allow_private = true"), "{host}: {reason}");
        assert_eq!(bench.passed_ms(), 0, "{host}: nothing to try again");
    }
    let clear = ConnectionSettings {
        allow_private: false,
        ..settings("http://graph.example")
    };
    let bench = Bench::new(connection(Auth::Bearer), Some(clear), vec![query("ask")]);
    assert!(failure(bench.call("ask").await).contains("is not encrypted: use https"));
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn the_token_address_is_guarded_too() {
    let auth = Auth::OAuth2 {
        token_url: arc("https://127.0.0.1:1/{tenant.id}"),
        scope: arc("s"),
    };
    let guarded = ConnectionSettings {
        allow_private: false,
        ..settings("https://graph.example")
    };
    let bench = Bench::new(connection(auth), Some(guarded), vec![query("ask")]);
    assert!(
        failure(bench.call("ask").await)
            .starts_with("127.0.0.1 is 127.0.0.1, an address on this machine")
    );
}

#[tokio::test]
async fn a_service_without_tls_is_not_spoken_to_in_clear() {
    let server = Server::start(|_, _| json(200, json!({}))).await;
    let once = Connection {
        retry: Retry {
            within_ms: 0,
            from_ms: 1,
            up_to_ms: 1,
        },
        ..connection(Auth::Bearer)
    };
    let https = settings(&format!("https://localhost:{}", server.address.port()));
    let bench = Bench::new(once.clone(), Some(https), vec![query("ask")]);
    let reason = failure(bench.call("ask").await);
    assert!(
        reason.starts_with("localhost could not be reached:"),
        "{reason}"
    );
    assert!(server.received().iter().all(|r| r.headers.is_empty()));

    let smtps = ConnectionSettings {
        tls: Some("tls".into()),
        ..settings(&format!("smtp://localhost:{}", server.address.port()))
    };
    let mail_connection = Connection {
        base: Some(Base::Smtp),
        ..once
    };
    let bench = Bench::new(mail_connection, Some(smtps), vec![mail("mail")]);
    let call = bench.request("mail", "ana@contoso.example");
    let reason = failure(bench.connectors.call(call).await);
    assert!(
        reason.starts_with("localhost could not be reached:"),
        "{reason}"
    );
}
