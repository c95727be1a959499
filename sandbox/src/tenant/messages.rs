//! In: nothing. Out: chat messages and mails that arrived.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A message that arrived by webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChatMessage {
    /// By which way.
    pub service: ChatService,
    /// The team, channel or hook that it was for.
    pub target: String,
    /// Its text: of a card, the texts of its blocks, one per line.
    pub text: String,
    /// The whole body.
    pub body: Value,
    /// When it arrived.
    pub received: Timestamp,
}

/// By which way a message arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChatService {
    /// A Teams Workflows webhook.
    Teams,
    /// A Slack incoming webhook.
    Slack,
    /// The generic signed webhook.
    Webhook,
}

/// A mail that arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mail {
    /// By which way.
    pub via: Via,
    /// The sender's address: of SMTP, the envelope's.
    pub from: String,
    /// The recipients' addresses: of SMTP, the envelope's.
    pub to: Vec<String>,
    /// Subject.
    pub subject: String,
    /// Body as plain text.
    pub text: String,
    /// Body as HTML, if it had one.
    pub html: Option<String>,
    /// `Message-ID`, if it had one.
    pub message_id: Option<String>,
    /// When it arrived.
    pub received: Timestamp,
}

/// By which way a mail arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Via {
    /// The SMTP port.
    Smtp,
    /// Graph's `sendMail`.
    Graph,
}
