//! An approval: exactly what will be done to whom, why, on which evidence, and by whom it is decided.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics, ui};
use askama::Template;
use counterplay_machine::declare::Impact;
use counterplay_runtime::store::{Channel, Message, MessageState};

/// `/approvals/{id}`; posts `decision` (`approve`, `reject`) or `answer`, and `comment` to itself.
#[derive(Clone, Debug, Template)]
#[template(path = "approval.html")]
pub struct ApprovalPage {
    /// Around it.
    pub chrome: Chrome,
    /// The line in the inbox.
    pub row: super::approvals::ApprovalRow,
    /// The playbook's id.
    pub playbook: String,
    /// What the playbook is for.
    pub doc: String,
    /// What approving opens, in order.
    pub actions: Vec<GatedAction>,
    /// Whom it is about: their names and keys.
    pub subjects: Vec<Subject>,
    /// What started the run, and when.
    pub started_by: String,
    /// When the run started.
    pub started_ms: i64,
    /// Facts: fields of the event, then answers so far.
    pub evidence: Vec<EvidenceGroup>,
    /// Who has answered, in order.
    pub votes: Vec<Vote>,
    /// Who may answer and has not.
    pub eligible: Vec<String>,
    /// Who may not although they belong to the team, and why.
    pub excluded: Vec<(String, String)>,
    /// How it was asked: the messages with a link to this page.
    pub messages: Vec<Message>,
    /// What can be answered, where it is a question to a person and no approval.
    pub choices: Vec<String>,
    /// How long an approval holds once given: `24h`.
    pub valid_for: String,
    /// What happens when it is approved, rejected, and when nobody answers.
    pub consequences: Consequences,
    /// What the viewer can do.
    pub standing: Standing,
    /// What was typed, when the last answer did not count.
    pub comment: String,
    /// Why it did not count.
    pub error: Option<String>,
}

/// An action behind the gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatedAction {
    /// The action as written, with what is known of its arguments.
    pub call: String,
    /// What it does, from its declaration.
    pub doc: String,
    /// Its impact.
    pub impact: Impact,
    /// The action that takes it back, where there is one.
    pub undo: Option<String>,
    /// Arguments that are known, by name: others are not what is approved.
    pub known: Vec<(String, String)>,
    /// Arguments that are decided later, by name.
    pub later: Vec<String>,
}

/// Whom or what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The name.
    pub name: String,
    /// The type and id: `User 3f1c…`.
    pub key: String,
}

/// Facts that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceGroup {
    /// `The event identity.risk_detected`, `entra.authentication_methods answered`.
    pub title: String,
    /// When it was learned.
    pub at_ms: i64,
    /// Names and values.
    pub facts: Vec<(String, String)>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Who.
    pub by: String,
    /// Whether in favour.
    pub approve: bool,
    /// What they answered to a question.
    pub answer: Option<String>,
    /// What they said.
    pub comment: Option<String>,
    /// For whom they answered and how, where there is something to say of it.
    pub how: String,
    /// When.
    pub at_ms: i64,
    /// Why it does not count, where it does not.
    pub refused: Option<String>,
}

/// What follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequences {
    /// When it is approved.
    pub approved: String,
    /// When it is rejected.
    pub rejected: String,
    /// When nobody answers in time.
    pub unanswered: String,
}

/// What the viewer can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Answer.
    MayAnswer,
    /// They have approved; more people are needed.
    Answered,
    /// They may not, with the reason.
    MayNot(String),
    /// It is decided or expired: how, in a sentence.
    Over(String),
}

impl ApprovalPage {
    /// Whether the viewer can answer.
    pub fn may_answer(&self) -> bool {
        self.standing == Standing::MayAnswer
    }

    /// Whether it is still to be decided.
    pub fn open(&self) -> bool {
        !matches!(self.standing, Standing::Over(_))
    }

    /// How many more people are needed.
    pub fn missing(&self) -> u64 {
        self.row.needs.saturating_sub(self.row.votes)
    }

    /// How many messages lead here, and what became of them.
    fn sent(&self) -> String {
        let messages: Vec<&Message> = self.messages.iter().filter(|m| !m.is_to_come()).collect();
        let of = |state| messages.iter().filter(|m| m.state == state).count();
        let all = ui::count(messages.len() as u64, "message", "messages");
        let (sent, given_up) = (of(MessageState::Sent), of(MessageState::GivenUp));
        match (sent == messages.len(), given_up) {
            (true, _) => format!("{all} sent with a link to this page"),
            (false, 0) => format!("{sent} of {all} sent"),
            (false, lost) => format!("{sent} of {all} sent, {lost} could not be"),
        }
    }

    /// A message's way, before its recipient.
    fn way(channel: &Channel) -> &'static str {
        match channel {
            Channel::Mail => "mail to",
            Channel::Teams => "Teams channel of",
            Channel::Slack => "Slack channel of",
            Channel::Reminder => "reminder to",
        }
    }
}
