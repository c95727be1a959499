//! In: nothing. Out: inbox rules, harmless ones and those of somebody who reads along, and the mail that let them in.

use serde_json::{Value, json};

use crate::tenant::{Message, MessageRule};

/// Forwards invoices outside, hides the answers, and has a harmless rule before them.
pub(super) fn suspicious() -> Vec<MessageRule> {
    let mut rules = harmless();
    rules.push(rule(
        "AQAAAJ5dZr0=",
        2,
        ".",
        json!({"subjectContains": ["invoice", "payment", "bank details"]}),
        json!({
            "forwardTo": [{"emailAddress": {"name": "A. Miller", "address": "a.miller@fastmail-drop.example"}}],
            "stopProcessingRules": true,
        }),
    ));
    rules.push(rule(
        "AQAAAJ5dZr4=",
        3,
        "..",
        json!({"senderContains": ["contoso.example"], "bodyContains": ["phishing", "hacked", "fraud"]}),
        json!({"moveToFolder": "AQMkAGRlbGV0ZWRpdGVtcwAuAAAD", "markAsRead": true, "stopProcessingRules": true}),
    ));
    rules
}

/// Sorts a newsletter.
pub(super) fn harmless() -> Vec<MessageRule> {
    vec![rule(
        "AQAAAJ5dZrw=",
        1,
        "Newsletters",
        json!({"fromAddresses": [{"emailAddress": {"name": "Fabrikam News", "address": "news@fabrikam.example"}}]}),
        json!({"moveToFolder": "AQMkAG5ld3NsZXR0ZXJzAC4AAAM"}),
    )]
}

/// The mail with which it began.
pub(super) fn phishing_mail() -> Message {
    Message {
        id: "AAkALgAAAAAAHYQDEapmEc2byACqAC-EWg0A1".to_owned(),
        internet_message_id: "<4471.invoice@fastmail-drop.example>".to_owned(),
        subject: "Your invoice".to_owned(),
        parent_folder_id: "inbox".to_owned(),
    }
}

fn rule(id: &str, sequence: u32, name: &str, conditions: Value, actions: Value) -> MessageRule {
    MessageRule {
        id: id.to_owned(),
        display_name: name.to_owned(),
        sequence,
        is_enabled: true,
        has_error: false,
        is_read_only: false,
        conditions,
        exceptions: Value::Null,
        actions,
        hidden: false,
    }
}
