//! What is to be said in, a message with an Adaptive Card for a Teams Workflows webhook out.
//!
//! Facts: adaptivecards.io, schema 1.4. A `TextBlock` reads Markdown; a `TextRun` in a `RichTextBlock`
//! does not. `<at>` mentions nobody without an entity that names whom. Text features replace
//! `{{DATE(…)}}` and `{{TIME(…)}}` in either.

use super::{DECIDES_NOTHING, Notice, OPEN};
use serde_json::{Value as Json, json};

/// The message.
pub(super) fn message(notice: &Notice) -> Json {
    let mut body = vec![
        text(json!([run(
            "Approval needed",
            json!({ "weight": "Bolder", "color": "Accent" })
        )])),
        text(json!([run(
            &notice.question,
            json!({ "weight": "Bolder", "size": "Large" })
        )])),
    ];
    for fact in &notice.facts {
        body.push(text(json!([
            run(&format!("{}: ", fact.label), json!({ "weight": "Bolder" })),
            run(&fact.joined(), json!({})),
        ])));
    }
    body.push(text(json!([run(
        DECIDES_NOTHING,
        json!({ "isSubtle": true })
    )])));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": body,
                "actions": [{ "type": "Action.OpenUrl", "title": OPEN, "url": notice.url }],
            },
        }],
    })
}

fn text(inlines: Json) -> Json {
    json!({ "type": "RichTextBlock", "inlines": inlines })
}

fn run(text: &str, mut style: Json) -> Json {
    style["type"] = "TextRun".into();
    style["text"] = text.replace("{{", "{ {").into();
    style
}
