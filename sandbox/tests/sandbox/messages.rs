//! In: webhooks of Teams, Slack and our own. Out: messages kept, or the refusal of each service.

use counterplay_sandbox::ChatService;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};

use crate::client::{Caller, read};

async fn post(caller: &Caller, path: &str, body: Value) -> (u16, Value) {
    let response = caller.send("POST", path, "", Some(body)).await;
    read(response.expect("an answer")).await
}

#[tokio::test]
async fn teams_takes_cards() {
    let caller = Caller::new().await;
    let card = json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": null,
        "content": {"type": "AdaptiveCard", "version": "1.4", "body": [
            {"type": "TextBlock", "text": "Contained Priya Raman"},
            {"type": "FactSet", "facts": [{"title": "Ticket", "value": "2001"}]},
        ]},
    }]});
    let path = "/teams/soc/sandbox-teams-key";
    assert_eq!(post(&caller, path, card.clone()).await, (202, Value::Null));
    let (status, body) = post(&caller, path, json!({"text": "hello"})).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &"TriggerInputSchemaMismatch".into())
    );
    assert_eq!(post(&caller, "/teams/soc/wrong", card.clone()).await.0, 401);
    assert_eq!(
        post(&caller, "/teams/nobody/sandbox-teams-key", card)
            .await
            .0,
        404
    );
    let chat = caller.sandbox.state().chat;
    assert_eq!(chat.len(), 1);
    assert_eq!(
        (chat[0].service, chat[0].target.as_str()),
        (ChatService::Teams, "soc")
    );
    assert_eq!(chat[0].text, "Contained Priya Raman\nTicket 2001");
}

#[tokio::test]
async fn slack_answers_in_text() {
    let caller = Caller::new().await;
    let path = "/slack/services/T0CONTOSO/B0SOC/sandbox-slack-key";
    assert_eq!(
        post(&caller, path, json!({"text": "hi"})).await,
        (200, "ok".into())
    );
    assert_eq!(
        post(&caller, path, json!({"txt": "hi"})).await,
        (400, "invalid_payload".into())
    );
    let unknown = "/slack/services/T/B/C";
    assert_eq!(
        post(&caller, unknown, json!({"text": "hi"})).await,
        (404, "no_service".into())
    );
    assert_eq!(caller.sandbox.state().chat[0].target, "soc");
}

#[tokio::test]
async fn a_webhook_must_be_signed_now() {
    let caller = Caller::new().await;
    let send = async |secret: &str, age: i64| {
        let body = json!({"text": "run ended"}).to_string();
        let time = (jiff::Timestamp::now().as_second() - age).to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
        mac.update(format!("{time}.{body}").as_bytes());
        let digest = mac.finalize().into_bytes();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let request = caller
            .http
            .post(format!("{}/hooks/siem", caller.sandbox.base_url()));
        let request = request
            .header("X-Counterplay-Timestamp", time)
            .header("X-Counterplay-Signature", format!("sha256={hex}"))
            .body(body);
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(send("sandbox-webhook-secret", 0).await, 202);
    assert_eq!(send("another", 0).await, 401);
    assert_eq!(send("sandbox-webhook-secret", 3600).await, 401);
    assert_eq!(post(&caller, "/hooks/siem", json!({})).await.0, 401);
    assert_eq!(caller.sandbox.state().chat.len(), 1);
}
