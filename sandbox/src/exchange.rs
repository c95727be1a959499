//! In: an Exchange cmdlet, as the Exchange Online module posts it. Out: its result.
//!
//! Cmdlets: Get-Mailbox, Set-Mailbox, Get-InboxRule, Disable-InboxRule, Enable-InboxRule (pages of the
//! same names in the Exchange PowerShell reference). The endpoint is the module's own, not a documented
//! REST API.

use axum::http::Method;
use serde_json::{Map, Value, json};

use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::login;
use crate::tenant::{MailboxType, MessageRule, User};
use crate::world::World;

pub(crate) fn answer(world: &mut World, call: &Call) -> Answer {
    match call.path()[..] {
        ["adminapi", "beta", tenant, "InvokeCommand"] => match call.method {
            Method::POST => invoke(world, call, tenant),
            _ => Err(Problem::method_not_allowed()),
        },
        _ => Err(Problem::no_such_path(call)),
    }
}

fn invoke(world: &mut World, call: &Call, tenant: &str) -> Answer {
    if world.check_token(call, login::EXCHANGE).is_err() || !world.tenant.is_named(tenant) {
        return Err(Problem::new(
            401,
            "Unauthorized",
            "The access token is missing, expired, or not for this resource.",
        ));
    }
    if call.header("x-anchormailbox").is_none_or(str::is_empty) {
        return Err(Problem::bad_request(
            "The request needs the header X-AnchorMailbox.",
        ));
    }
    let body = call.json()?;
    let input = body.get("CmdletInput").and_then(Value::as_object);
    let name = input.and_then(|input| input.get("CmdletName")?.as_str());
    let (Some(input), Some(name)) = (input, name) else {
        return Err(Problem::bad_request(
            "The body needs CmdletInput with CmdletName and Parameters.",
        ));
    };
    let empty = Map::new();
    let parameters = input.get("Parameters").and_then(Value::as_object);
    let parameters = parameters.unwrap_or(&empty);
    let value = match name.to_ascii_lowercase().as_str() {
        "get-mailbox" => get_mailbox(world, parameters)?,
        "set-mailbox" => set_mailbox(world, parameters)?,
        "get-inboxrule" => get_inbox_rule(world, parameters)?,
        "disable-inboxrule" => switch_rule(world, parameters, false)?,
        "enable-inboxrule" => switch_rule(world, parameters, true)?,
        _ => {
            return Err(Problem::bad_request(format!(
                "The term '{name}' is not recognized as the name of a cmdlet that the sandbox knows."
            )));
        }
    };
    Ok(Reply::json(
        200,
        json!({
            "@odata.context": format!("{}/exchange/adminapi/beta/{tenant}/$metadata#Collection(Exchange.GenericHashTable)", call.origin),
            "adminapi.warnings@odata.type": "#Collection(String)",
            "@adminapi.warnings": [],
            "value": value,
        }),
    ))
}

fn text<'a>(parameters: &'a Map<String, Value>, name: &str) -> Result<&'a str, Problem> {
    parameters.get(name).and_then(Value::as_str).ok_or_else(|| {
        Problem::bad_request(format!(
            "Cannot process command because of one or more missing mandatory parameters: {name}."
        ))
    })
}

fn no_mailbox(identity: &str) -> Problem {
    Problem::new(
        404,
        "NotFound",
        format!(
            "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed because object '{identity}' couldn't be found."
        ),
    )
}

fn owner<'a>(world: &'a mut World, identity: &str) -> Result<&'a mut User, Problem> {
    world
        .tenant
        .user_mut(identity)
        .filter(|user| user.mailbox.is_some())
        .ok_or_else(|| no_mailbox(identity))
}

fn get_mailbox(world: &mut World, parameters: &Map<String, Value>) -> Result<Value, Problem> {
    match parameters.get("Identity").and_then(Value::as_str) {
        Some(identity) => Ok(json!([mailbox(owner(world, identity)?)])),
        None => Ok(world
            .tenant
            .users
            .values()
            .filter(|user| user.mailbox.is_some())
            .map(mailbox)
            .collect()),
    }
}

fn mailbox(user: &User) -> Value {
    let mailbox = user.mailbox.as_ref();
    let shared = mailbox.is_some_and(|mailbox| mailbox.kind == MailboxType::Shared);
    json!({
        "Identity": user.id,
        "ExternalDirectoryObjectId": user.id,
        "ExchangeGuid": ids::guid(&format!("mailbox {}", user.id)),
        "DisplayName": user.display_name,
        "UserPrincipalName": user.user_principal_name,
        "PrimarySmtpAddress": user.mail,
        "RecipientType": "UserMailbox",
        "RecipientTypeDetails": if shared { "SharedMailbox" } else { "UserMailbox" },
        "IsShared": shared,
        "ForwardingSmtpAddress": mailbox.and_then(|mailbox| mailbox.forwarding_smtp_address.clone()),
        "ForwardingAddress": mailbox.and_then(|mailbox| mailbox.forwarding_address.clone()),
        "DeliverToMailboxAndForward": mailbox.is_some_and(|mailbox| mailbox.deliver_to_mailbox_and_forward),
    })
}

fn set_mailbox(world: &mut World, parameters: &Map<String, Value>) -> Result<Value, Problem> {
    let user = owner(world, text(parameters, "Identity")?)?;
    let mut changed = user.mailbox.clone();
    let Some(mailbox) = changed.as_mut() else {
        return Ok(json!([]));
    };
    for (name, value) in parameters {
        match (name.as_str(), value) {
            ("Identity" | "Confirm" | "Force", _) => {}
            ("Type", Value::String(kind)) => {
                mailbox.kind = match kind.to_ascii_lowercase().as_str() {
                    "shared" => MailboxType::Shared,
                    "regular" => MailboxType::Regular,
                    _ => {
                        return Err(Problem::bad_request(format!(
                            "Cannot bind parameter 'Type': '{kind}' is not one of Regular, Shared."
                        )));
                    }
                };
            }
            ("ForwardingSmtpAddress", Value::Null) => mailbox.forwarding_smtp_address = None,
            ("ForwardingSmtpAddress", Value::String(address)) => {
                mailbox.forwarding_smtp_address = Some(address.clone());
            }
            ("ForwardingAddress", Value::Null) => mailbox.forwarding_address = None,
            ("ForwardingAddress", Value::String(address)) => {
                mailbox.forwarding_address = Some(address.clone());
            }
            ("DeliverToMailboxAndForward", Value::Bool(keep)) => {
                mailbox.deliver_to_mailbox_and_forward = *keep;
            }
            _ => {
                return Err(Problem::bad_request(format!(
                    "A parameter cannot be found that matches parameter name '{name}', or its value does not fit."
                )));
            }
        }
    }
    user.mailbox = changed;
    Ok(json!([]))
}

fn get_inbox_rule(world: &mut World, parameters: &Map<String, Value>) -> Result<Value, Problem> {
    let identity = text(parameters, "Mailbox")?;
    let hidden = parameters.get("IncludeHidden") == Some(&Value::Bool(true));
    let user = owner(world, identity)?;
    let rules = user
        .mailbox
        .iter()
        .flat_map(|mailbox| &mailbox.message_rules);
    Ok(rules
        .filter(|rule| hidden || !rule.hidden)
        .map(|rule| inbox_rule(user, rule))
        .collect())
}

fn inbox_rule(user: &User, rule: &MessageRule) -> Value {
    let addresses = |name: &str| -> Value {
        let list = rule.actions.get(name).and_then(Value::as_array);
        let list = list.into_iter().flatten();
        let address = |entry: &Value| entry.pointer("/emailAddress/address").cloned();
        let list: Vec<Value> = list.filter_map(address).collect();
        if list.is_empty() {
            Value::Null
        } else {
            list.into()
        }
    };
    let flag = |name: &str| rule.actions.get(name) == Some(&Value::Bool(true));
    json!({
        "Identity": format!("{}\\{}", user.id, rule.id),
        "RuleIdentity": rule.id,
        "MailboxOwnerId": user.id,
        "Name": rule.display_name,
        "Priority": rule.sequence,
        "Enabled": rule.is_enabled,
        "InError": rule.has_error,
        "ForwardTo": addresses("forwardTo"),
        "RedirectTo": addresses("redirectTo"),
        "ForwardAsAttachmentTo": addresses("forwardAsAttachmentTo"),
        "DeleteMessage": flag("delete") || flag("permanentDelete"),
        "MarkAsRead": flag("markAsRead"),
        "MoveToFolder": rule.actions.get("moveToFolder"),
        "StopProcessingRules": flag("stopProcessingRules"),
    })
}

fn switch_rule(
    world: &mut World,
    parameters: &Map<String, Value>,
    enabled: bool,
) -> Result<Value, Problem> {
    let identity = text(parameters, "Identity")?;
    let (mailbox, rule) = match identity.split_once('\\') {
        Some((mailbox, rule)) => (mailbox, rule),
        None => (text(parameters, "Mailbox")?, identity),
    };
    let user = owner(world, mailbox)?;
    let rules = user.mailbox.iter_mut();
    let mut rules = rules.flat_map(|mailbox| &mut mailbox.message_rules);
    let found = rules.find(|found| found.id == rule || found.display_name == rule);
    let found = found.ok_or_else(|| {
        Problem::new(
            404,
            "NotFound",
            format!("The Inbox rule '{rule}' couldn't be found."),
        )
    })?;
    found.is_enabled = enabled;
    Ok(json!([]))
}
