//! Where calls may go.

use crate::server::{Reply, Server, json};
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
        "0177.0.0.1",
        "127.1",
        "0",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "[::ffff:7f00:1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[::127.0.0.1]",
        "[fe80::1]",
        "[fd00::1]",
        "100.64.0.1",
        "198.18.0.1",
    ] {
        let guarded = ConnectionSettings {
            allow_private: false,
            ..settings(&format!("https://{host}:{port}"))
        };
        let bench = Bench::new(connection(Auth::Bearer), Some(guarded), vec![query("ask")]);
        let reason = failure(bench.call("ask").await);
        let metadata = host.contains("169.254.169.254") || host.contains("a9fe:a9fe");
        let said = match metadata {
            true => "no connection may lead there",
            false => "allow_private = true",
        };
        assert!(reason.contains(said), "{host}: {reason}");
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
async fn a_private_network_does_not_include_what_a_cloud_tells_its_machines() {
    for host in [
        "169.254.169.254",
        "[fd00:ec2::254]",
        "168.63.129.16",
        "2852039166",
    ] {
        let bench = Bench::new(
            connection(Auth::Bearer),
            Some(settings(&format!("http://{host}/latest"))),
            vec![query("ask")],
        );
        let reason = failure(bench.call("ask").await);
        assert!(
            reason.contains("no connection may lead there"),
            "{host}: {reason}"
        );
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    let elsewhere = Server::start(|_, _| json(200, json!({}))).await;
    for status in [301, 302, 303, 307, 308] {
        let place = format!("{}/things", elsewhere.base());
        let server = Server::start(move |_, _| {
            Reply::Say(status, vec![("location", place.clone())], String::new())
        })
        .await;
        let bench = Bench::new(
            connection(Auth::Bearer),
            Some(settings(&server.base())),
            vec![query("ask")],
        );
        let reason = failure(bench.call("ask").await);
        assert!(reason.contains("redirects are not followed"), "{reason}");
    }
    assert!(elsewhere.received().is_empty());
}

/// Also run by the test after it, in a process that is told of a proxy.
#[tokio::test]
async fn a_call_goes_straight_to_its_service() {
    let server = Server::start(|_, _| json(200, json!({}))).await;
    let bench = Bench::new(
        connection(Auth::Bearer),
        Some(settings(&server.base())),
        vec![query("ask")],
    );
    bench.call("ask").await;
    // A proxy would be asked for the whole address.
    assert_eq!(server.received()[0].line, "GET /things HTTP/1.1");
}

#[tokio::test]
async fn a_proxy_of_the_environment_is_not_used() {
    let proxy = Server::start(|_, _| json(200, json!({}))).await;
    let mut child = tokio::process::Command::new(std::env::current_exe().expect("a name"));
    child.args(["--exact", "egress::a_call_goes_straight_to_its_service"]);
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        child.env(name, proxy.base());
    }
    child.env_remove("no_proxy").env_remove("NO_PROXY");
    let output = child.output().await.expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert!(proxy.received().is_empty());
}

#[tokio::test]
async fn an_answer_that_never_ends_ends_with_the_connections_time() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n";
                let mut asked = [0_u8; 1024];
                let _ = stream.read(&mut asked).await;
                let _ = stream.write_all(head.as_bytes()).await;
                // A byte now and then would keep a limit on silence away.
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
            });
        }
    });
    let short = Connection {
        timeout_ms: 300,
        retry: Retry {
            within_ms: 0,
            from_ms: 1,
            up_to_ms: 1,
        },
        ..connection(Auth::None)
    };
    let bench = Bench::new(
        short,
        Some(settings(&format!("http://{address}"))),
        vec![query("ask")],
    );
    let began = std::time::Instant::now();
    let reason = failure(bench.call("ask").await);
    assert!(
        reason.starts_with("127.0.0.1 did not answer within 300ms"),
        "{reason}"
    );
    assert!(began.elapsed() < std::time::Duration::from_secs(5));
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
