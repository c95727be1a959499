//! In: reads and writes of inbox rules. Out: "messageRule"; hidden rules do not appear.
//!
//! Pages: "List rules", "Get rule", "Create rule", "Update rule", "Delete messageRule".

use axum::http::Method;
use serde_json::{Map, Value};

use super::{find, find_mut};
use crate::call::{Answer, Call, Problem, Reply};
use crate::odata::{self, Shape};
use crate::tenant::{Mailbox, MessageRule};
use crate::world::World;

const SHAPE: Shape = Shape {
    context: "users/mailFolders('inbox')/messageRules",
    kind: "microsoft.graph.messageRule",
    default: &[],
    also: &["exceptions"],
};

pub(super) fn answer(world: &mut World, call: &Call, user: &str, path: &[&str]) -> Answer {
    match (path, &call.method) {
        ([], &Method::GET) => {
            let rules = mailbox(world, user)?.message_rules.iter();
            odata::page(
                rules.filter(|rule| !rule.hidden).map(wire).collect(),
                call,
                &SHAPE,
            )
        }
        ([], &Method::POST) => create(world, call, user),
        ([id], &Method::GET) => {
            let rules = mailbox(world, user)?.message_rules.iter();
            let rule = rules
                .filter(|rule| !rule.hidden)
                .find(|rule| rule.id == *id);
            odata::entity(wire(rule.ok_or_else(gone)?), 200, call, &SHAPE)
        }
        ([id], &Method::PATCH) => update(world, call, user, id),
        ([id], &Method::DELETE) => {
            writable(world, user, id)?;
            let rules = &mut mailbox_mut(world, user)?.message_rules;
            rules.retain(|rule| rule.id != *id);
            Ok(Reply::empty(204))
        }
        ([] | [_], _) => Err(Problem::method_not_allowed()),
        _ => Err(Problem::no_such_path(call)),
    }
}

fn wire(rule: &MessageRule) -> Value {
    let mut value = serde_json::to_value(rule).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("hidden");
    }
    value
}

fn gone() -> Problem {
    let message = "The specified object was not found in the store.";
    Problem::new(404, "ErrorItemNotFound", message)
}

fn no_mailbox() -> Problem {
    Problem::new(
        404,
        "MailboxNotEnabledForRESTAPI",
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
    )
}

fn mailbox<'a>(world: &'a World, user: &str) -> Result<&'a Mailbox, Problem> {
    let mailbox = find(&world.tenant, user)?.mailbox.as_ref();
    mailbox.ok_or_else(no_mailbox)
}

fn mailbox_mut<'a>(world: &'a mut World, user: &str) -> Result<&'a mut Mailbox, Problem> {
    let mailbox = find_mut(&mut world.tenant, user)?.mailbox.as_mut();
    mailbox.ok_or_else(no_mailbox)
}

/// The rule, if it may be changed.
fn writable<'a>(
    world: &'a mut World,
    user: &str,
    id: &str,
) -> Result<&'a mut MessageRule, Problem> {
    let rules = mailbox_mut(world, user)?.message_rules.iter_mut();
    let rule = rules
        .filter(|rule| !rule.hidden)
        .find(|rule| rule.id == id)
        .ok_or_else(gone)?;
    if rule.is_read_only {
        return Err(Problem::new(
            403,
            "ErrorAccessDenied",
            "Access is denied. The rule is read-only and cannot be changed.",
        ));
    }
    Ok(rule)
}

fn create(world: &mut World, call: &Call, user: &str) -> Answer {
    let sent = call.object_or_empty()?;
    let id = world.guid("rule").replace('-', "");
    let mailbox = mailbox_mut(world, user)?;
    let last = mailbox.message_rules.iter().map(|rule| rule.sequence).max();
    let blank = MessageRule {
        id: format!("AQAA{}=", &id[..11]),
        display_name: String::new(),
        sequence: last.unwrap_or(0) + 1,
        is_enabled: true,
        has_error: false,
        is_read_only: false,
        conditions: Value::Object(Map::new()),
        exceptions: Value::Null,
        actions: Value::Object(Map::new()),
        hidden: false,
    };
    let rule = changed(&blank, sent)?;
    if rule.display_name.is_empty() {
        return Err(invalid("displayName"));
    }
    let shown = wire(&rule);
    mailbox.message_rules.push(rule);
    odata::entity(shown, 201, call, &SHAPE)
}

fn update(world: &mut World, call: &Call, user: &str, id: &str) -> Answer {
    let sent = call.object_or_empty()?;
    let rule = writable(world, user, id)?;
    *rule = changed(rule, sent)?;
    odata::entity(wire(rule), 200, call, &SHAPE)
}

fn invalid(name: &str) -> Problem {
    Problem::new(
        400,
        "ErrorInvalidRequest",
        format!("The property '{name}' is missing, unknown, or its value is not valid."),
    )
}

/// A rule with what was sent in place of its own; what cannot be written is refused or, where a saved
/// rule is sent back whole, left out.
fn changed(rule: &MessageRule, sent: Map<String, Value>) -> Result<MessageRule, Problem> {
    let mut whole = match serde_json::to_value(rule) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    };
    for (name, value) in sent {
        match name.as_str() {
            "displayName" | "sequence" | "isEnabled" | "conditions" | "actions" | "exceptions" => {
                whole.insert(name, value);
            }
            "id" | "hasError" | "isReadOnly" => {}
            other if other.starts_with("@odata.") => {}
            other => return Err(invalid(other)),
        }
    }
    serde_json::from_value(Value::Object(whole)).map_err(|_| invalid("messageRule"))
}
