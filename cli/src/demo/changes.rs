//! A tenant before and after in, what changed out, in words.

use counterplay_sandbox::{ChatService, MailboxType, MethodKind, Tenant, User};

/// What changed about someone or something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whom or what it is about.
    pub about: String,
    /// What changed.
    pub what: String,
}

/// Every change, people first.
pub fn between(before: &Tenant, after: &Tenant) -> Vec<Change> {
    let mut out = Vec::new();
    for (id, user) in &after.users {
        let Some(was) = before.users.get(id) else {
            continue;
        };
        let what = person(was, user);
        if !what.is_empty() {
            out.push(change(&user.display_name, what.join(", ")));
        }
    }
    for (id, device) in &after.devices {
        if before
            .devices
            .get(id)
            .is_some_and(|was| was.lifecycle != device.lifecycle)
        {
            let what = format!("{:?}", device.lifecycle).to_lowercase();
            out.push(change(&device.device_name, what));
        }
    }
    for (number, ticket) in &after.tickets {
        if !before.tickets.contains_key(number) {
            let state = if ticket.agent_id == 1 {
                "not yet taken"
            } else {
                "taken"
            };
            let what = format!("\"{}\", {state}", ticket.summary);
            out.push(change(&format!("Ticket {number}"), what));
        }
    }
    for message in after.chat.iter().skip(before.chat.len()) {
        let service = match message.service {
            ChatService::Teams => "Teams",
            ChatService::Slack => "Slack",
            ChatService::Webhook => "Webhook",
        };
        out.push(change(
            &format!("{service}, {}", message.target),
            format!("\"{}\"", message.text),
        ));
    }
    for mail in after.mails.iter().skip(before.mails.len()) {
        out.push(change(
            "Mail",
            format!("\"{}\" to {}", mail.subject, mail.to.join(", ")),
        ));
    }
    out
}

fn change(about: &str, what: String) -> Change {
    Change {
        about: about.to_owned(),
        what,
    }
}

fn person(was: &User, is: &User) -> Vec<String> {
    let mut out = Vec::new();
    match (was.account_enabled, is.account_enabled) {
        (true, false) => out.push("sign-in blocked".to_owned()),
        (false, true) => out.push("sign-in allowed".to_owned()),
        _ => {}
    }
    if was.sign_in_sessions_valid_from_date_time != is.sign_in_sessions_valid_from_date_time {
        out.push("sessions revoked".to_owned());
    }
    if was.password_changes < is.password_changes {
        out.push("password changed".to_owned());
    }
    let removed = factors(was).saturating_sub(factors(is));
    if removed > 0 {
        out.push(format!(
            "{} removed",
            crate::out::count(removed, "MFA method")
        ));
    }
    let switched_off = rules_on(was).saturating_sub(rules_on(is));
    if switched_off > 0 {
        out.push(format!(
            "{} switched off",
            crate::out::count(switched_off, "mail rule")
        ));
    }
    let licences = was
        .assigned_licenses
        .len()
        .saturating_sub(is.assigned_licenses.len());
    if licences > 0 {
        out.push(format!(
            "{} taken back",
            crate::out::count(licences, "licence")
        ));
    }
    let shared = |user: &User| {
        user.mailbox
            .as_ref()
            .is_some_and(|m| m.kind == MailboxType::Shared)
    };
    if shared(is) && !shared(was) {
        out.push("mailbox shared".to_owned());
    }
    out
}

/// How many methods someone has besides the password.
pub fn factors(user: &User) -> usize {
    user.authentication_methods
        .iter()
        .filter(|m| m.kind != MethodKind::Password)
        .count()
}

fn rules_on(user: &User) -> usize {
    user.mailbox.as_ref().map_or(0, |m| {
        m.message_rules.iter().filter(|r| r.is_enabled).count()
    })
}
