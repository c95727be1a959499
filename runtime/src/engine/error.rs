//! Why an engine does not start or go on, and why something is not accepted, as sentences.

use super::backlog::RETRY_AFTER_S;
use crate::store::{LetterRefused, OpenProgram, StoreError};
use counterplay_machine::json::Mismatch;
use counterplay_machine::program::FORMAT;
use std::sync::Arc;

/// Why the engine does not start or has to stop.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An open run was started with a program that this engine cannot read.
    #[error(
        "run {run}{others} started by another Counterplay and cannot be carried on by this one: {reason}; \
         start the one that it was started with and let it end there; or see `counterplay runs --unreadable`, and end it with \
         `counterplay cancel` or begin it anew with `counterplay move`"
    )]
    UnreadableRun {
        /// The first such run.
        run: String,
        /// ` and 3 others were`, or ` was`.
        others: String,
        /// Why.
        reason: String,
    },
}

impl EngineError {
    pub(super) fn cannot_carry_on(open: &OpenProgram, reason: String) -> EngineError {
        let others = match open.runs {
            ..=1 => " was".into(),
            2 => " and 1 other were".into(),
            n => format!(" and {} others were", n - 1),
        };
        let reason = if open.format == i64::from(FORMAT) {
            reason
        } else {
            format!(
                "its program has format {} and this one reads format {FORMAT}",
                open.format
            )
        };
        EngineError::UnreadableRun {
            run: open.first.clone(),
            others,
            reason,
        }
    }
}

/// Why an event or a start was not accepted. Nothing came of it, except for a dead letter where one
/// is named.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The tenant is not in the project file.
    #[error("there is no tenant `{tenant}`; counterplay.toml has {}", list(known))]
    UnknownTenant {
        /// As given.
        tenant: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No event has this name.
    #[error("there is no event `{event}`; the events are {}", list(known))]
    UnknownEvent {
        /// As given.
        event: String,
        /// Those that there are.
        known: Vec<String>,
        /// The dead letter that keeps the object.
        letter: i64,
    },
    /// No event fits the object.
    #[error(
        "the object is none of the events {}; name the event, or look at its fields",
        list(known)
    )]
    Unrecognised {
        /// Those that there are.
        known: Vec<String>,
        /// The dead letter that keeps the object.
        letter: i64,
    },
    /// Several events fit.
    #[error("the object may be any of {}; name the event", list(events))]
    Ambiguous {
        /// Which.
        events: Vec<String>,
        /// The dead letter that keeps the object.
        letter: i64,
    },
    /// The object does not fit the event's declaration.
    #[error("not a valid {event}: {mismatch}")]
    Mismatch {
        /// The event.
        event: Arc<str>,
        /// Path, expected, found.
        mismatch: Mismatch,
        /// The dead letter that keeps the object.
        letter: i64,
    },
    /// The object fits and still cannot be read.
    #[error("not a valid {event}: {reason}")]
    Unreadable {
        /// The event.
        event: Arc<str>,
        /// Why.
        reason: String,
        /// The dead letter that keeps the object.
        letter: i64,
    },
    /// The project file has no such webhook.
    #[error("there is no webhook `{hook}`; counterplay.toml has {}", list(known))]
    UnknownHook {
        /// As given.
        hook: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A webhook's body does not fit a playbook that listens.
    #[error(
        "the body does not fit `{playbook}`, which listens to the webhook `{hook}`: {mismatch}"
    )]
    UnfitBody {
        /// The webhook.
        hook: String,
        /// The playbook.
        playbook: Arc<str>,
        /// Path, expected, found.
        mismatch: Mismatch,
        /// The dead letter that keeps the body.
        letter: i64,
    },
    /// No playbook has this id.
    #[error("there is no playbook `{playbook}`; the playbooks are {}", list(known))]
    UnknownPlaybook {
        /// As given.
        playbook: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The playbook cannot be started like this.
    #[error("{0}")]
    CannotStart(String),
    /// A value for a manual start is missing, not known or of the wrong type.
    #[error("cannot start `{playbook}`: {reason}")]
    BadValue {
        /// The playbook.
        playbook: String,
        /// What is wrong.
        reason: String,
    },
    /// The dead letter cannot be tried again.
    #[error(transparent)]
    Letter(#[from] LetterRefused),
    /// Too much of this tenant's waits already.
    #[error(
        "too much of the tenant `{tenant}` waits to be looked at; nothing was taken, send it again in {RETRY_AFTER_S} seconds"
    )]
    Busy {
        /// The tenant.
        tenant: String,
    },
    /// The engine is stopping.
    #[error("the engine is stopping; send it again when it runs")]
    Stopping,
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refusal {
    /// The dead letter that keeps the object, where there is one.
    pub fn letter(&self) -> Option<i64> {
        match self {
            Refusal::UnknownEvent { letter, .. }
            | Refusal::Unrecognised { letter, .. }
            | Refusal::Ambiguous { letter, .. }
            | Refusal::Mismatch { letter, .. }
            | Refusal::Unreadable { letter, .. }
            | Refusal::UnfitBody { letter, .. } => Some(*letter),
            _ => None,
        }
    }

    /// Whether sending the same again later may help.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Refusal::Busy { .. } | Refusal::Stopping | Refusal::Store(_)
        )
    }
}

fn list(names: &[String]) -> String {
    if names.is_empty() {
        return "none".into();
    }
    let mut names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
    match names.pop() {
        Some(last) if !names.is_empty() => format!("{} and {last}", names.join(", ")),
        Some(last) => last,
        None => String::new(),
    }
}
