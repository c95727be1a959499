//! An action with its arguments and result in, what was done and why it matters out, for the demo's reader.

use counterplay_runtime::timeline;
use serde_json::Value as Json;

/// What was done, and one line about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// What.
    pub what: String,
    /// Why it matters.
    pub why: String,
}

fn told(what: impl Into<String>, why: impl Into<String>) -> Told {
    Told {
        what: what.into(),
        why: why.into(),
    }
}

/// An action that was performed.
pub fn performed(action: &str, args: &Json, result: &Json) -> Told {
    let text = |key: &str| name(&args[key]);
    match action {
        "entra.block_sign_in" => told(
            "sign-in blocked",
            "a stolen password gets nobody in any more",
        ),
        "entra.revoke_sessions" => told(
            "open sessions revoked",
            "whoever is in has to sign in again, and cannot",
        ),
        "entra.reset_password" => told(
            "password replaced",
            "by one that nobody knows; MFA is asked at the next sign-in",
        ),
        "entra.delete_authentication_method" => told(
            format!("MFA method removed: {}", method(&args["method"])),
            "it may be the attacker's; it has to be registered anew",
        ),
        "entra.disable" => told("account disabled", "it can still be enabled again"),
        "entra.unassign_licenses" => {
            let number = args["licenses"].as_array().map_or(0, Vec::len);
            let what = crate::out::count(number, "licence");
            told(
                format!("{what} taken back"),
                "they can be given to somebody else",
            )
        }
        "exchange.convert_to_shared" => told(
            "mailbox made a shared one",
            "its mail stays, and it needs no licence",
        ),
        "exchange.disable_rule" => told(
            format!("mail rule \"{}\" switched off", text("rule")),
            forwards(&args["rule"]),
        ),
        "ticket.create" => told(
            format!("ticket {} opened", name(&result["number"])),
            text("title"),
        ),
        "ticket.note" => told("note on the ticket", text("text")),
        "notify.teams" => told(format!("Teams message to {}", text("team")), text("text")),
        "notify.slack" => told(format!("Slack message to {}", text("team")), text("text")),
        "notify.email" => told(format!("mail to {}", text("to")), text("subject")),
        other => told(timeline::call(other, args), ""),
    }
}

/// An action that failed.
pub fn failed(action: &str, args: &Json, reason: &str) -> Told {
    let what = match action {
        "entra.delete_authentication_method" => {
            format!("MFA method stays: {}", method(&args["method"]))
        }
        other => other.to_owned(),
    };
    let default = reason.contains("default authentication method");
    let why = if default {
        "Entra lets the default one go last; the playbook comes back to it"
    } else {
        reason
    };
    told(what, why)
}

fn forwards(rule: &Json) -> String {
    let targets: Vec<&str> = rule["targets"]
        .as_array()
        .map(|list| list.iter().filter_map(Json::as_str).collect())
        .unwrap_or_default();
    match targets.as_slice() {
        [] => "it hid messages from the mailbox's owner".into(),
        several => format!("it sent mail to {}", several.join(", ")),
    }
}

/// What people call a thing.
fn name(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Object(fields) => ["name", "title", "number", "email", "id"]
            .iter()
            .find_map(|key| fields.get(*key).and_then(Json::as_str))
            .unwrap_or("it")
            .to_owned(),
        other => timeline::value_text(other),
    }
}

/// `phoneMethods` as people say it.
fn method(value: &Json) -> String {
    let collection = value["collection"].as_str().unwrap_or("method");
    match collection {
        "phoneMethods" => "phone",
        "microsoftAuthenticatorMethods" => "authenticator app",
        "fido2Methods" => "security key",
        "softwareOathMethods" => "code generator",
        "emailMethods" => "e-mail",
        other => other,
    }
    .to_owned()
}

/// A question that a live system answered, where the reader should know of it.
pub fn answered(query: &str, args: &Json, value: &Json) -> Option<Told> {
    match (query, value) {
        ("ticket.is_acknowledged", Json::Bool(false)) => Some(told(
            format!("ticket {} has not been taken", name(&args["case"])),
            "so the next level is told",
        )),
        ("entra.manager", Json::Object(_)) => Some(told(
            format!("manager: {}", name(value)),
            "found in the directory",
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn actions_are_told_in_words() {
        let args = json!({"user": {"name": "Ana"}, "method": {"collection": "phoneMethods"}});
        let told = performed("entra.delete_authentication_method", &args, &Json::Null);
        assert_eq!(told.what, "MFA method removed: phone");
        assert_eq!(
            performed("x.y", &json!({"a": 1}), &Json::Null).what,
            "x.y(a: 1)"
        );
        assert_eq!(
            performed(
                "ticket.create",
                &json!({"title": "T"}),
                &json!({"number": "7"})
            ),
            Told {
                what: "ticket 7 opened".into(),
                why: "T".into()
            }
        );
    }
}
