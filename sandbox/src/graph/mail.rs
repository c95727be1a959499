//! In: a mail to send. Out: 202, and the mail in the tenant ("user: sendMail").

use axum::http::Method;
use serde_json::{Value, json};

use super::{find, only};
use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::odata::{self, Shape};
use crate::tenant::{Mail, MailboxType, Via};
use crate::world::World;

const SETTINGS: Shape = Shape {
    context: "users/mailboxSettings",
    kind: "microsoft.graph.mailboxSettings",
    default: &[],
    also: &["userPurpose"],
};

/// `POST /users/{id}/sendMail`
pub(super) fn send(world: &mut World, call: &Call, sender: &str) -> Answer {
    only(call, &Method::POST)?;
    let user = find(&world.tenant, sender)?;
    let from = user.mail.clone().filter(|_| user.mailbox.is_some());
    let from = from.ok_or_else(no_mailbox)?;
    let body = call.json()?;
    let message = body.get("message").filter(|message| message.is_object());
    let message = message.ok_or_else(|| {
        Problem::new(
            400,
            "ErrorInvalidParameter",
            "The 'message' parameter is missing.",
        )
    })?;
    let mut to = Vec::new();
    for list in ["toRecipients", "ccRecipients", "bccRecipients"] {
        let list = message.get(list).and_then(Value::as_array);
        for recipient in list.into_iter().flatten() {
            let address = recipient.pointer("/emailAddress/address");
            match address.and_then(Value::as_str) {
                Some(address) if address.contains('@') => to.push(address.to_owned()),
                _ => return Err(invalid_recipients()),
            }
        }
    }
    if to.is_empty() {
        return Err(invalid_recipients());
    }
    let text = |path: &str| message.pointer(path).and_then(Value::as_str).unwrap_or("");
    let content = text("/body/content").to_owned();
    let is_html = text("/body/contentType").eq_ignore_ascii_case("html");
    let mail = Mail {
        via: Via::Graph,
        from,
        to,
        subject: text("/subject").to_owned(),
        text: content.clone(),
        html: is_html.then_some(content),
        message_id: None,
        received: ids::now(),
    };
    world.tenant.mails.push(mail);
    Ok(Reply::empty(202))
}

/// `GET /users/{id}/mailboxSettings` ("mailboxSettings resource type"); of what they are, the mailbox's purpose.
pub(super) fn settings(world: &mut World, call: &Call, owner: &str) -> Answer {
    only(call, &Method::GET)?;
    let mailbox = find(&world.tenant, owner)?.mailbox.as_ref();
    let purpose = match mailbox.ok_or_else(no_mailbox)?.kind {
        MailboxType::Shared => "shared",
        MailboxType::Regular => "user",
    };
    odata::entity(json!({ "userPurpose": purpose }), 200, call, &SETTINGS)
}

fn no_mailbox() -> Problem {
    Problem::new(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )
}

fn invalid_recipients() -> Problem {
    Problem::new(
        400,
        "ErrorInvalidRecipients",
        "At least one recipient is not valid.",
    )
}
