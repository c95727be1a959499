//! In: nothing. Out: a mailbox and its rules.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A mailbox, as the Exchange cmdlets and `mailFolders` see it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mailbox {
    /// Regular or shared.
    #[serde(rename = "type")]
    pub kind: MailboxType,
    /// Forwarding to an outside address (`ForwardingSmtpAddress`).
    pub forwarding_smtp_address: Option<String>,
    /// Forwarding to a recipient of the organisation (`ForwardingAddress`).
    pub forwarding_address: Option<String>,
    /// Keep a copy when forwarding.
    pub deliver_to_mailbox_and_forward: bool,
    /// Inbox rules in order.
    pub message_rules: Vec<MessageRule>,
    /// Messages, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
}

/// A message in a mailbox ("message resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its immutable id.
    pub id: String,
    /// Its `Message-ID`, the same in every mailbox.
    pub internet_message_id: String,
    /// Its subject.
    pub subject: String,
    /// The folder, by its well-known name.
    pub parent_folder_id: String,
}

/// Whether one person or several use a mailbox (`Set-Mailbox -Type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailboxType {
    /// One person's.
    Regular,
    /// Several people's; needs no licence.
    Shared,
}

/// An inbox rule ("messageRule resource type").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageRule {
    /// Its id.
    pub id: String,
    /// Its name.
    pub display_name: String,
    /// When it runs among the rules.
    pub sequence: u32,
    /// Whether it runs.
    pub is_enabled: bool,
    /// Whether it is broken.
    pub has_error: bool,
    /// Whether it cannot be changed through Graph.
    pub is_read_only: bool,
    /// `messageRulePredicates`.
    pub conditions: Value,
    /// `messageRulePredicates` that except from the rule.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub exceptions: Value,
    /// `messageRuleActions`.
    pub actions: Value,
    /// Hidden from Graph; `Get-InboxRule -IncludeHidden` shows it.
    #[serde(default)]
    pub hidden: bool,
}

impl Mailbox {
    /// A regular mailbox with these rules and no forwarding.
    pub fn regular(message_rules: Vec<MessageRule>) -> Mailbox {
        Mailbox {
            kind: MailboxType::Regular,
            forwarding_smtp_address: None,
            forwarding_address: None,
            deliver_to_mailbox_and_forward: false,
            message_rules,
            messages: Vec::new(),
        }
    }
}
