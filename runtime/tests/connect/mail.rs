//! Mail, to the sandbox and to a server that follows a script.

use crate::support::*;
use counterplay_machine::Value;
use counterplay_machine::declare::Connection;
use counterplay_machine::deployment::ConnectionSettings;
use counterplay_runtime::call::{CallRequest, Connector};
use counterplay_sandbox::Sandbox;
use std::net::SocketAddr;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

fn server(address: SocketAddr) -> ConnectionSettings {
    ConnectionSettings {
        tls: Some("none".into()),
        client_id: None,
        secret: None,
        ..settings(&format!("smtp://{address}"))
    }
}

#[tokio::test]
async fn mail_arrives_and_a_repeated_one_is_marked_with_the_same_id() {
    let sandbox = Sandbox::start(Default::default()).await.expect("a sandbox");
    let bench = Bench::new(
        smtp(),
        Some(server(sandbox.smtp_addr())),
        vec![mail("mail")],
    );
    let to = |repeated: bool| CallRequest {
        repeated,
        args: vec![Value::List(vec![
            Value::text("ana@contoso.example"),
            Value::text("bo@contoso.example"),
        ])],
        ..bench.request("mail", "")
    };
    assert_eq!(bench.connectors.call(to(false)).await, done());
    assert_eq!(bench.connectors.call(to(true)).await, done());
    let mails = sandbox.state().mails;
    assert_eq!(mails[0].from, "counterplay@contoso.example");
    assert_eq!(mails[0].to, ["ana@contoso.example", "bo@contoso.example"]);
    assert_eq!(mails[0].subject, "Subject ü");
    assert_eq!(
        mails[0].text.trim().replace("\r\n", "\n"),
        "Hello,\nthis is the text."
    );
    assert_eq!(mails[1].subject, "[sent again] Subject ü");
    assert!(mails[0].message_id.is_some());
    assert_eq!(mails[0].message_id, mails[1].message_id);
    sandbox.stop().await;
}

#[tokio::test]
async fn credentials_are_used_and_not_shown() {
    let sandbox = Sandbox::start(Default::default()).await.expect("a sandbox");
    for (secret, accepted) in [("sandbox-app", true), ("service-secret", false)] {
        let settings = ConnectionSettings {
            client_id: Some("counterplay-sandbox".into()),
            secret: Some(secret.into()),
            ..server(sandbox.smtp_addr())
        };
        let bench = Bench::new(smtp(), Some(settings), vec![mail("mail")]);
        let outcome = bench
            .connectors
            .call(bench.request("mail", "ana@contoso.example"))
            .await;
        assert_eq!(outcome == done(), accepted, "{outcome:?}");
        if !accepted {
            let reason = failure(outcome);
            assert!(
                reason.starts_with("127.0.0.1 refused the mail: 535"),
                "{reason}"
            );
            assert!(!reason.contains("planted"), "{reason}");
        }
    }
    sandbox.stop().await;
}

#[tokio::test]
async fn what_cannot_be_sent_is_said() {
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    let bench = |settings| Bench::new(smtp(), Some(settings), vec![mail("mail")]);
    let call = async |bench: Bench, to: &str| {
        failure(bench.connectors.call(bench.request("mail", to)).await)
    };
    assert_eq!(
        call(bench(server(nowhere)), "not an address").await,
        "\"not an address\" is not an e-mail address"
    );
    let injected = "a@b.example>\r\nRCPT TO:<c@d.example";
    assert!(
        call(bench(server(nowhere)), injected)
            .await
            .ends_with("is not an e-mail address")
    );
    let reason = call(bench(server(nowhere)), "ana@contoso.example").await;
    assert!(
        reason.starts_with("127.0.0.1 could not be reached: Connection refused"),
        "{reason}"
    );
    let guarded = ConnectionSettings {
        allow_private: false,
        tls: None,
        ..server(nowhere)
    };
    assert!(
        call(bench(guarded), "ana@contoso.example")
            .await
            .contains("allow_private")
    );
    let clear = ConnectionSettings {
        allow_private: false,
        ..server(nowhere)
    };
    assert!(
        call(bench(clear), "ana@contoso.example")
            .await
            .contains("is not encrypted")
    );
    let senderless = ConnectionSettings {
        from: None,
        ..server(nowhere)
    };
    assert_eq!(
        call(bench(senderless), "ana@contoso.example").await,
        "the connection `service` is not set up: add [connections.service] with base = \"smtp://HOST:PORT\" and from to counterplay.toml"
    );
}

/// Answers the n-th connection's commands by their first word; `None` closes the connection.
async fn scripted(
    answer: impl Fn(usize, &str) -> Option<&'static str> + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut connection = 0;
        while let Ok((stream, _)) = listener.accept().await {
            let (read, mut write) = stream.into_split();
            let mut lines = BufReader::new(read).lines();
            let _ = write.write_all(b"220 ready\r\n").await;
            let mut in_text = false;
            while let Ok(Some(line)) = lines.next_line().await {
                if in_text && line != "." {
                    continue;
                }
                let word = if in_text {
                    "."
                } else {
                    line.split([' ', ':']).next().unwrap_or_default()
                };
                in_text = word == "DATA";
                let word = if word == "RCPT" { line.as_str() } else { word };
                let Some(said) = answer(connection, word) else {
                    break;
                };
                if write
                    .write_all(format!("{said}\r\n").as_bytes())
                    .await
                    .is_err()
                {
                    break;
                }
                if said.starts_with('4') || said.starts_with('5') {
                    in_text = false;
                }
            }
            connection += 1;
        }
    });
    address
}

fn polite(word: &str) -> &'static str {
    match word {
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        _ => "250 fine",
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    let address = scripted(|connection, word| match (connection, word) {
        (0, "MAIL") => Some("451 4.3.2 try later"),
        (1, ".") => Some("452 4.3.1 no space now"),
        _ => Some(polite(word)),
    })
    .await;
    let bench = Bench::new(smtp(), Some(server(address)), vec![mail("mail")]);
    assert_eq!(
        bench
            .connectors
            .call(bench.request("mail", "ana@contoso.example"))
            .await,
        done()
    );
    assert!(bench.passed_ms() >= 1_000, "{}", bench.passed_ms());
}

#[tokio::test]
async fn a_refusal_is_passed_on_in_the_servers_words() {
    let address = scripted(|_, word| match word {
        "DATA" => Some("554 5.7.1 policy forbids it"),
        _ => Some(polite(word)),
    })
    .await;
    let bench = Bench::new(smtp(), Some(server(address)), vec![mail("mail")]);
    let reason = failure(
        bench
            .connectors
            .call(bench.request("mail", "ana@contoso.example"))
            .await,
    );
    assert_eq!(
        reason,
        "127.0.0.1 refused the mail: 554 5.7.1 policy forbids it"
    );
    assert_eq!(bench.passed_ms(), 0);
}

#[tokio::test]
async fn one_dead_mailbox_does_not_keep_the_mail_from_the_others() {
    let address = scripted(|_, word| match word {
        word if word.contains("gone@") => Some("550 5.1.1 no such user"),
        _ => Some(polite(word)),
    })
    .await;
    let bench = Bench::new(smtp(), Some(server(address)), vec![mail("mail")]);
    let to = |list: &[&str]| CallRequest {
        args: vec![Value::List(list.iter().map(Value::text).collect())],
        ..bench.request("mail", "")
    };
    assert_eq!(
        bench
            .connectors
            .call(to(&["gone@contoso.example", "ana@contoso.example"]))
            .await,
        done()
    );
    assert_eq!(
        failure(bench.connectors.call(to(&["gone@contoso.example"])).await),
        "127.0.0.1 takes no mail for gone@contoso.example (550 5.1.1 no such user)"
    );
}

#[tokio::test]
async fn a_mail_whose_answer_was_lost_is_sent_again_once() {
    let address = scripted(|_, word| match word {
        "." => None,
        _ => Some(polite(word)),
    })
    .await;
    let quick = Connection {
        timeout_ms: 2_000,
        ..smtp()
    };
    let bench = Bench::new(quick, Some(server(address)), vec![mail("mail")]);
    let reason = failure(
        bench
            .connectors
            .call(bench.request("mail", "ana@contoso.example"))
            .await,
    );
    // A message is sent again, once and marked; two that nobody hears of are no reason to go on.
    assert_eq!(
        reason,
        "the connection to 127.0.0.1 ended after the mail was handed over; it may have been carried out (sent again once)"
    );
}
