//! What a run records: one entry per thing that happened, in order.

use crate::declare::Impact;
use crate::playbook::StageKind;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::sync::Arc;

/// An entry of a run's journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The step's index in the graph, where it belongs to one.
    pub node: Option<u32>,
    /// The element path of a loop or branch, `""` outside.
    pub path: String,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    /// The run started.
    Started {
        /// By which event, schedule or person.
        by: String,
    },
    /// A stage began.
    Stage {
        /// Which.
        stage: StageKind,
        /// As written.
        label: Arc<str>,
    },
    /// A condition chose a way.
    Chose {
        /// The condition as written.
        label: Arc<str>,
        /// `yes`, `no`, a case.
        way: String,
    },
    /// A query was sent.
    Asked {
        /// The query.
        query: Arc<str>,
        /// Its arguments.
        args: Json,
    },
    /// A query was answered.
    Answered {
        /// The query.
        query: Arc<str>,
        /// The answer.
        value: Json,
    },
    /// A query failed.
    QueryFailed {
        /// The query.
        query: Arc<str>,
        /// Why.
        reason: String,
    },
    /// An action is about to be performed: the intent, committed before the call.
    Intended {
        /// The action.
        action: Arc<str>,
        /// Its arguments, secrets replaced.
        args: Json,
        /// Its impact.
        impact: Impact,
        /// Under which authority: an approval's step, an accepted reason, or none needed.
        authority: Option<String>,
    },
    /// The action was performed.
    Performed {
        /// The action.
        action: Arc<str>,
        /// Its result.
        value: Json,
        /// What is still to come, where the service has only accepted it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        accepted: Option<Arc<str>>,
    },
    /// The action failed.
    ActionFailed {
        /// The action.
        action: Arc<str>,
        /// Why.
        reason: String,
        /// Whether the run goes on (`attempt`, a `failed` arm).
        handled: bool,
        /// Whether it may have been carried out all the same: it was accepted and not confirmed, or nobody knows.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        may_be_done: bool,
    },
    /// A step that is no call failed, and the run goes on (`attempt each`).
    StepFailed {
        /// The step as written.
        label: Arc<str>,
        /// Why.
        reason: String,
    },
    /// An attempt at a call gave no answer worth having, and another one follows.
    TryingAgain {
        /// The action or query.
        call: Arc<str>,
        /// What was wrong with the attempt.
        reason: String,
        /// When the next one is made.
        next_ms: i64,
    },
    /// The step was skipped.
    Skipped {
        /// The action or query, or the step as written.
        action: Arc<str>,
        /// Why.
        reason: String,
    },
    /// The run waits.
    Waiting {
        /// Until when.
        until_ms: i64,
    },
    /// The clock by which something waits was wrong when that began, and has been set right: it waits until another time.
    TimeMoved {
        /// Until when.
        until_ms: i64,
        /// By how much that is moved.
        by_ms: i64,
    },
    /// A wait ended.
    Woke,
    /// An approval was asked for.
    ApprovalAsked {
        /// The question.
        question: String,
        /// The entities that it covers, as people call them.
        about: Vec<String>,
        /// Who may answer.
        eligible: Vec<String>,
        /// How many distinct people.
        needs: u32,
        /// Until when.
        until_ms: i64,
        /// What may be answered, where it is a question and no approval.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        answers: Vec<String>,
    },
    /// Someone answered.
    Voted {
        /// Who.
        by: String,
        /// Whether in favour.
        approve: bool,
        /// What they said.
        comment: Option<String>,
        /// What they answered to a question.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
        /// For whom, where that is another person who is away.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        instead_of: Option<String>,
        /// Whether they answered by the link in a mail of theirs and did not log in.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_link: bool,
    },
    /// An answer did not count.
    VoteRefused {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// The approval is decided.
    ApprovalDecided {
        /// `approved`, `rejected`, `unanswered`.
        decision: String,
    },
    /// An event came that was waited for.
    Came {
        /// Which.
        event: Arc<str>,
    },
    /// An event came, and whether it is the one that is waited for could not be judged.
    NotJudged {
        /// Which.
        event: Arc<str>,
        /// Why.
        reason: String,
    },
    /// An event was raised for other playbooks.
    Emitted {
        /// Which.
        event: Arc<str>,
        /// Its fields, secrets replaced.
        fields: Json,
    },
    /// The run is held for a person.
    Held {
        /// Why.
        reason: String,
    },
    /// A person told a held run to try again.
    Resumed,
    /// A person said what became of a held call.
    Settled {
        /// Who.
        by: String,
        /// The action.
        action: Arc<str>,
        /// What became of it.
        settled: crate::step::Settled,
        /// What they said about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// What a person said of a held call did not count.
    SettleRefused {
        /// Who.
        by: String,
        /// Why.
        reason: String,
    },
    /// A loop or a fork began.
    Forked {
        /// How many branches or elements.
        count: u32,
        /// Whether they are the elements of a loop.
        elements: bool,
    },
    /// The run failed at a step and `on failure` follows, or it ends.
    Failing {
        /// Why.
        reason: String,
    },
    /// The run ended.
    Ended {
        /// The outcome.
        outcome: crate::state::Outcome,
    },
}
