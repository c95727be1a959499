//! In: what is posted to a Teams Workflows webhook or a Slack incoming webhook. Out: what they answer.
//!
//! Sources: "Create incoming webhooks with Workflows for Microsoft Teams"; Slack "Sending messages using
//! incoming webhooks".

use axum::http::Method;
use serde_json::Value;

use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::tenant::{ChatMessage, ChatService};
use crate::world::World;

/// The only kind of attachment that such a flow posts.
const CARD: &str = "application/vnd.microsoft.card.adaptive";

/// `POST /teams/{team}/{key}`
pub(crate) fn teams(world: &mut World, call: &Call) -> Answer {
    let [team, key] = call.path()[..] else {
        return Err(Problem::no_such_path(call));
    };
    if call.method != Method::POST {
        return Err(Problem::method_not_allowed());
    }
    match world.tenant.teams_webhooks.get(team) {
        None => {
            return Err(Problem::new(
                404,
                "WorkflowNotFound",
                format!("The workflow '{team}' could not be found."),
            ));
        }
        Some(known) if known != key => {
            return Err(Problem::new(
                401,
                "DirectApiAuthorizationRequired",
                "The request must be authenticated only by Shared Access scheme.",
            ));
        }
        Some(_) => {}
    }
    let body = call.json()?;
    let attachments = body.get("attachments").and_then(Value::as_array);
    let is_message = body.get("type").and_then(Value::as_str) == Some("message");
    let cards =
        attachments.filter(|list| is_message && !list.is_empty() && list.iter().all(is_card));
    let Some(cards) = cards else {
        return Err(Problem::new(
            400,
            "TriggerInputSchemaMismatch",
            "The input body for trigger 'manual' of type 'Request' did not match its schema definition.",
        ));
    };
    let mut lines = Vec::new();
    for card in cards {
        texts(card.get("content").unwrap_or(&Value::Null), &mut lines);
    }
    let message = ChatMessage {
        service: ChatService::Teams,
        target: team.to_owned(),
        text: lines.join("\n"),
        body: body.clone(),
        received: ids::now(),
    };
    world.tenant.chat.push(message);
    Ok(Reply::empty(202))
}

fn is_card(attachment: &Value) -> bool {
    let kind = attachment.get("contentType").and_then(Value::as_str);
    let content = attachment.get("content");
    kind == Some(CARD)
        && content.and_then(|content| content.get("type")?.as_str()) == Some("AdaptiveCard")
        && content.is_some_and(|content| content.get("body").is_some_and(Value::is_array))
}

/// Every `text` of a card, and a fact set's lines, in order.
fn texts(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| texts(item, lines)),
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get("text") {
                lines.push(text.clone());
            }
            if let (Some(Value::String(title)), Some(Value::String(value))) =
                (map.get("title"), map.get("value"))
            {
                lines.push(format!("{title} {value}"));
            }
            for name in ["body", "items", "columns", "facts", "inlines"] {
                texts(map.get(name).unwrap_or(&Value::Null), lines);
            }
        }
        _ => {}
    }
}

/// `POST /slack/services/{a}/{b}/{c}`
pub(crate) fn slack(world: &mut World, call: &Call) -> Answer {
    let no_service = Problem::new(404, "no_service", "");
    let ["services", a, b, c] = call.path()[..] else {
        return Err(no_service);
    };
    let Some(channel) = world.tenant.slack_webhooks.get(&format!("{a}/{b}/{c}")) else {
        return Err(no_service);
    };
    if call.method != Method::POST {
        return Err(Problem::new(405, "method_not_allowed", ""));
    }
    let invalid = || Problem::new(400, "invalid_payload", "");
    let body = call.json().map_err(|_| invalid())?;
    let text = body.get("text").and_then(Value::as_str);
    let blocks = body.get("blocks").filter(|blocks| blocks.is_array());
    if text.is_none_or(str::is_empty) && blocks.is_none() {
        return Err(invalid());
    }
    let message = ChatMessage {
        service: ChatService::Slack,
        target: channel.clone(),
        text: text.unwrap_or_default().to_owned(),
        received: ids::now(),
        body,
    };
    world.tenant.chat.push(message);
    Ok(Reply::text(200, "ok"))
}
