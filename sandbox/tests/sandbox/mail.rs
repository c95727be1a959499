//! In: mails, by SMTP and by Graph. Out: what arrived.

use counterplay_sandbox::Via;
use lettre::message::MultiPart;
use lettre::transport::smtp::authentication::Credentials;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::client::Caller;

fn message(subject: &str) -> Message {
    let parts = MultiPart::alternative_plain_html(
        "Your device needs attention.\n.dot\nGrüße".to_owned(),
        "<p>Your device needs <b>attention</b>.</p>".to_owned(),
    );
    Message::builder()
        .from(
            "Counterplay <counterplay@contoso.example>"
                .parse()
                .expect("an address"),
        )
        .to("jonas.weber@contoso.example".parse().expect("an address"))
        .bcc("soc@contoso.example".parse().expect("an address"))
        .subject(subject)
        .multipart(parts)
        .expect("a message")
}

#[tokio::test]
async fn mail_arrives_with_and_without_signing_in() {
    let caller = Caller::new().await;
    let address = caller.sandbox.smtp_addr();
    let to = || {
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(address.ip().to_string())
            .port(address.port())
    };
    let open = to().build();
    open.send(message("Grüße – plain")).await.expect("is taken");
    let known = Credentials::new("counterplay-sandbox".into(), "sandbox-secret".into());
    let signed_in = to().credentials(known).build();
    signed_in
        .send(message("signed in"))
        .await
        .expect("is taken");
    signed_in.send(message("again")).await.expect("is taken");
    let wrong = Credentials::new("counterplay-sandbox".into(), "wrong".into());
    let refused = to()
        .credentials(wrong)
        .build()
        .send(message("refused"))
        .await;
    assert!(refused.is_err());

    let mails = caller.sandbox.state().mails;
    let subjects: Vec<&str> = mails.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects, ["Grüße – plain", "signed in", "again"]);
    let mail = &mails[0];
    assert_eq!(
        (mail.via, mail.from.as_str()),
        (Via::Smtp, "counterplay@contoso.example")
    );
    assert_eq!(
        mail.to,
        ["jonas.weber@contoso.example", "soc@contoso.example"]
    );
    let text = mail.text.replace("\r\n", "\n");
    assert_eq!(text.trim_end(), "Your device needs attention.\n.dot\nGrüße");
    assert!(
        mail.html
            .as_ref()
            .is_some_and(|html| html.contains("<b>attention</b>"))
    );
}

#[tokio::test]
async fn the_protocol_is_spoken_by_hand() {
    let caller = Caller::new().await;
    let stream = tokio::net::TcpStream::connect(caller.sandbox.smtp_addr()).await;
    let (read, mut write) = stream.expect("connects").into_split();
    let mut lines = BufReader::new(read).lines();
    for (say, code) in [
        ("", "220"),
        ("HELO me", "250"),
        ("NOOP", "250"),
        ("DATA", "503"),
        ("MAIL FROM:<a@contoso.example>", "250"),
        ("RSET", "250"),
        ("MAIL FROM:<a@contoso.example>", "250"),
        ("RCPT TO:<b@contoso.example>", "250"),
        ("DATA", "354"),
        ("Subject: by hand\r\n\r\nhello\r\n.", "250"),
        ("BOGUS", "500"),
        ("QUIT", "221"),
    ] {
        if !say.is_empty() {
            let said = write.write_all(format!("{say}\r\n").as_bytes()).await;
            said.expect("is heard");
        }
        let answer = lines.next_line().await.expect("reads").unwrap_or_default();
        assert!(answer.starts_with(code), "{say}: {answer}");
    }
    assert_eq!(lines.next_line().await.ok().flatten(), None);
    let mails = caller.sandbox.state().mails;
    assert_eq!((mails.len(), mails[0].text.trim_end()), (1, "hello"));
    assert_eq!(mails[0].html, None);
}

#[tokio::test]
async fn graph_sends_mail() {
    let caller = Caller::new().await;
    let mail = json!({"message": {
        "subject": "Rule disabled",
        "body": {"contentType": "HTML", "content": "<p>hi</p>"},
        "toRecipients": [{"emailAddress": {"address": "omar.haddad@contoso.example"}}],
    }, "saveToSentItems": false});
    let path = "/users/victor.okafor@contoso.example/sendMail";
    assert_eq!(caller.graph("POST", path, Some(mail)).await.0, 202);
    let nobody = json!({"message": {"subject": "x"}});
    assert_eq!(caller.graph("POST", path, Some(nobody)).await.0, 400);
    let mails = caller.sandbox.state().mails;
    assert_eq!((mails.len(), mails[0].via), (1, Via::Graph));
    assert_eq!(mails[0].from, "victor.okafor@contoso.example");
}
