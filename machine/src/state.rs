//! The state of a run: everything that the stepper needs to go on, serialisable as it is.

use crate::eval::TenantFacts;
use crate::expr::Slot;
use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// A run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The run's id.
    pub id: String,
    /// The playbook's id.
    pub playbook: Arc<str>,
    /// The hash of the version that the run keeps.
    pub hash: String,
    /// The tenant, as it was at the start.
    pub tenant: TenantFacts,
    /// When it started, in milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// What started it, for people: an event's name, a schedule, a person.
    pub started_by: String,
    /// The e-mail address of the person who started it, who may not approve in it.
    pub starter: Option<String>,
    /// Who else stands behind the start and may not approve either: who made the token that started it, and who
    /// delivered the event or fired the schedule by hand. People and tokens, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<String>,
    /// Lines of control; the first is the main one.
    pub threads: BTreeMap<u32, Thread>,
    /// The next thread's number.
    pub next_thread: u32,
    /// Approvals that are waiting for answers, by effect id.
    pub approvals: BTreeMap<String, OpenApproval>,
    /// Approvals that people gave.
    pub grants: Vec<Grant>,
    /// Steps that failed, as node and path.
    pub failed_steps: Vec<(u32, String)>,
    /// Steps that were done and that an `undo` may reverse.
    #[serde(default)]
    pub done: Vec<DoneStep>,
    /// Calls that people let through beyond a budget of a guard.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub let_beyond: Vec<LetBeyond>,
    /// The actions so far, kept only where the playbook reads `run.steps`.
    #[serde(default)]
    pub steps: Vec<StepResult>,
    /// Failures that were recorded and passed over (`attempt`).
    pub recorded_failures: u32,
    /// The failure that `on failure` answers to.
    pub failing: Option<Failure>,
    /// How it ended.
    pub outcome: Option<Outcome>,
}

/// A call that people let through beyond a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetBeyond {
    /// The call, by effect id.
    pub call: String,
    /// The budget that they were asked about; absent where the question is older than that it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// A budget of a guard, told from every other one; the same one after a deploy that leaves it as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The guard's title.
    pub guard: Arc<str>,
    /// The action.
    pub action: Arc<str>,
    /// How often it may be performed.
    pub count: u32,
    /// In which time, in milliseconds.
    pub per_ms: i64,
    /// Whether each tenant has its own.
    pub per_tenant: bool,
}

/// A step that was done and that an `undo` may reverse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoneStep {
    /// Its node.
    pub node: u32,
    /// What it acted on, by key.
    pub acted_on: Vec<String>,
}

/// What became of an action, as `run.steps` tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepResult {
    /// The step as written.
    pub name: Arc<str>,
    /// `done`, `failed` or `skipped`.
    pub outcome: StepOutcome,
    /// Why, where it is not done.
    pub reason: Option<String>,
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepOutcome {
    /// Performed.
    Done,
    /// Failed.
    Failed,
    /// Not tried, because what it follows had failed.
    Skipped,
}

impl StepResult {
    /// As a record of the language, `StepResult`.
    pub fn value(&self) -> Value {
        let (name, rank) = match self.outcome {
            StepOutcome::Done => ("done", 0),
            StepOutcome::Failed => ("failed", 1),
            StepOutcome::Skipped => ("skipped", 2),
        };
        let outcome = Value::Member(Arc::new(crate::value::Member {
            ty: Arc::from("StepOutcome"),
            name: Arc::from(name),
            rank,
            wire: Arc::from(name),
        }));
        let reason = self.reason.as_ref().map_or(Value::Absent, Value::text);
        Value::record(
            "StepResult",
            [
                ("name", Value::text(&self.name)),
                ("outcome", outcome),
                ("reason", reason),
            ],
        )
    }
}

/// A line of control: the main one, a parallel branch or a loop's element.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thread {
    /// Whose child it is.
    pub parent: Option<u32>,
    /// Whether it is a branch, whose names belong to the parent.
    pub shares_names: bool,
    /// Where it stands: `""`, `[2]`, `/1`.
    pub path: String,
    /// The step.
    pub node: u32,
    /// What it waits for.
    pub waiting: Waiting,
    /// Its variables.
    pub slots: BTreeMap<Slot, Value>,
    /// How often the present step has been tried again after a hold.
    pub tries: u32,
    /// How often waits that look in between have looked: what is asked then is asked anew each time.
    pub laps: u32,
    /// When waits that are looked at in between end, by node.
    pub deadlines: BTreeMap<u32, i64>,
}

/// What a thread waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Waiting {
    /// Nothing: it can go on.
    Ready,
    /// The answer to a call.
    Call {
        /// The effect's id.
        id: String,
    },
    /// A timer.
    Timer {
        /// The effect's id.
        id: String,
        /// When it fires.
        at_ms: i64,
    },
    /// An approval.
    Approval {
        /// The effect's id.
        id: String,
    },
    /// An event.
    Event {
        /// The effect's id, and that of the timer that gives up.
        id: String,
        /// Until when.
        until_ms: i64,
    },
    /// Its branches or elements.
    Children {
        /// How many are open.
        open: u32,
        /// Elements that have not begun.
        pending: VecDeque<Value>,
        /// The next element's index.
        next: u32,
        /// The worst that ended so far.
        worst: Option<Ending>,
    },
    /// A person.
    Held {
        /// The timer that gives up.
        id: String,
        /// Why.
        reason: String,
    },
}

/// How a thread ended early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ending {
    /// A step failed.
    Failed(Failure),
    /// The run ends with this outcome.
    End(Outcome),
}

/// A failed step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// The step as written.
    pub step: String,
    /// Why.
    pub reason: String,
}

/// An approval that waits for answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpenApproval {
    /// The gate's node.
    pub node: u32,
    /// The thread's path.
    pub path: String,
    /// The question.
    pub question: String,
    /// The entities that it covers: key and name.
    pub about: Vec<(String, String)>,
    /// The actions that it opens, as written.
    pub actions: Vec<String>,
    /// The team that is asked, by name; absent where a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Who may answer, by e-mail address.
    pub eligible: Vec<String>,
    /// Who may not although they belong to `eligible`: the starter, who stands behind them, and the subjects.
    pub excluded: Vec<String>,
    /// How many distinct people.
    pub needs: u32,
    /// Those in favour so far: who and what they said.
    pub votes: Vec<(String, Option<String>)>,
    /// When it expires.
    pub until_ms: i64,
    /// How long the approval holds once given.
    pub valid_ms: i64,
    /// What may be answered, where it is a question and no approval.
    #[serde(default)]
    pub answers: Vec<String>,
    /// Who answers for somebody who is away: the one who is asked, and for whom.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stand_ins: Vec<(String, String)>,
    /// What was known of the actions that it opens when it was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownCall>,
    /// The budget beyond which a call may go, where a guard asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

impl OpenApproval {
    /// For whom somebody answers, where that is another person.
    pub fn instead_of(&self, who: &str) -> Option<&str> {
        let mut pairs = self.stand_ins.iter();
        let pair = pairs.find(|(stand_in, _)| stand_in.eq_ignore_ascii_case(who));
        pair.map(|(_, absent)| absent.as_str())
    }
}

/// What was known of an action when people were asked whether it may be performed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCall {
    /// Its node.
    pub node: u32,
    /// Its arguments, in the order of its parameters; absent where they are decided later.
    pub args: Vec<Option<KnownArg>>,
}

/// An argument that people were shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownArg {
    /// SHA-256 of the value, in hexadecimal: another value is not what was approved.
    pub digest: String,
    /// The value for people, secrets replaced.
    pub shown: serde_json::Value,
}

/// An approval that people gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// The gate's node.
    pub node: u32,
    /// The thread's path.
    pub path: String,
    /// The entities that it covers.
    pub about: Vec<String>,
    /// Who approved.
    pub by: Vec<String>,
    /// Until when it holds.
    pub until_ms: i64,
    /// What was known of the actions when it was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<KnownCall>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// Every stage is done.
    Completed,
    /// Every stage is done; some attempted steps failed.
    CompletedWithFailures,
    /// The goal was reached.
    Resolved,
    /// `end run`.
    Stopped {
        /// Why.
        why: Option<String>,
    },
    /// An approval was refused or not given in time.
    Rejected {
        /// What was asked.
        question: String,
    },
    /// A step failed.
    Failed(Failure),
    /// A person ended it.
    Cancelled {
        /// Who.
        by: String,
    },
}

impl Outcome {
    /// The outcome's name.
    pub fn name(&self) -> &'static str {
        match self {
            Outcome::Completed => "completed",
            Outcome::CompletedWithFailures => "completed with failures",
            Outcome::Resolved => "resolved",
            Outcome::Stopped { .. } => "stopped",
            Outcome::Rejected { .. } => "rejected",
            Outcome::Failed(_) => "failed",
            Outcome::Cancelled { .. } => "cancelled",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Outcome::Stopped { why: Some(why) } => write!(f, ": {why}"),
            Outcome::Rejected { question } => write!(f, ": \"{question}\" was not approved"),
            Outcome::Failed(failure) => write!(f, " at `{}`: {}", failure.step, failure.reason),
            Outcome::Cancelled { by } => write!(f, " by {by}"),
            _ => Ok(()),
        }
    }
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// A call is under way.
    Running,
    /// It waits for a time.
    Waiting,
    /// It waits for people.
    AwaitingApproval,
    /// It needs a person to settle something.
    Held,
    /// It has ended.
    Ended,
}

impl Status {
    /// The name for people.
    pub fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Waiting => "waiting",
            Status::AwaitingApproval => "awaiting approval",
            Status::Held => "held",
            Status::Ended => "ended",
        }
    }
}

impl Run {
    /// What the run is doing: what a person should know of first wins.
    pub fn status(&self) -> Status {
        if self.outcome.is_some() {
            return Status::Ended;
        }
        let any = |f: fn(&Waiting) -> bool| self.threads.values().any(|t| f(&t.waiting));
        if any(|w| matches!(w, Waiting::Held { .. })) {
            Status::Held
        } else if any(|w| matches!(w, Waiting::Approval { .. })) {
            Status::AwaitingApproval
        } else if any(|w| matches!(w, Waiting::Call { .. } | Waiting::Ready)) {
            Status::Running
        } else {
            Status::Waiting
        }
    }

    /// Why it is held, where it is.
    pub fn held_because(&self) -> Option<&str> {
        self.threads.values().find_map(|t| match &t.waiting {
            Waiting::Held { reason, .. } => Some(reason.as_str()),
            _ => None,
        })
    }

    /// A variable as a thread sees it: its own, else its ancestors'.
    pub fn lookup(&self, thread: u32, slot: Slot) -> Option<Value> {
        let mut at = Some(thread);
        while let Some(id) = at {
            let thread = self.threads.get(&id)?;
            if let Some(value) = thread.slots.get(&slot) {
                return Some(value.clone());
            }
            at = thread.parent;
        }
        None
    }

    /// Binds a variable where a thread's names belong.
    pub fn bind(&mut self, thread: u32, slot: Slot, value: Value) {
        let mut owner = thread;
        while let Some(t) = self.threads.get(&owner) {
            match t.parent {
                Some(parent) if t.shares_names => owner = parent,
                _ => break,
            }
        }
        if let Some(t) = self.threads.get_mut(&owner) {
            t.slots.insert(slot, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_run_of_before_budgets_were_told_apart_is_read() {
        let run = json!({
            "id": "r-1", "playbook": "p", "hash": "h", "started_ms": 0, "started_by": "a person",
            "tenant": { "name": "contoso", "id": "contoso", "domains": [], "break_glass": [], "groups": [],
                "parameters": {}, "zone": "UTC", "services": null },
            "starter": null, "threads": {}, "next_thread": 1, "grants": [], "failed_steps": [],
            "let_through": ["r-1:3"], "recorded_failures": 0, "failing": null, "outcome": null,
            "approvals": { "r-1:3!guard": { "node": 3, "path": "", "question": "?", "about": [], "actions": [],
                "eligible": ["ana@example.org"], "excluded": [], "needs": 1, "votes": [], "until_ms": 1,
                "valid_ms": 1 } },
        });
        let run: Run = serde_json::from_value(run).expect("it is read");
        assert!(run.let_beyond.is_empty());
        let open = run.approvals.values().next().expect("a question");
        assert_eq!(open.budget, None);
    }
}
