//! What watchers are told, after the commit that it is part of.

use crate::store::{ApprovalInfo, Message};
use counterplay_machine::journal::Entry;
use std::sync::Arc;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A run recorded something.
    Entry {
        /// The run's id.
        run: Arc<str>,
        /// The playbook's id.
        playbook: Arc<str>,
        /// The tenant's name.
        tenant: Arc<str>,
        /// Whether its actions are recorded and not performed.
        simulated: bool,
        /// What.
        entry: Entry,
    },
    /// An approval waits for answers.
    Asked(Box<ApprovalInfo>),
    /// A message that an approval waits was sent, or could not be.
    Told(Box<Message>),
    /// A start was ignored because it repeats a run.
    Repeated {
        /// The run that it would have repeated.
        run: String,
        /// The playbook's id.
        playbook: Arc<str>,
        /// The tenant's name.
        tenant: String,
        /// The arrival.
        event: i64,
    },
    /// An arrival was matched, with or without runs.
    Matched {
        /// The arrival.
        event: i64,
        /// The tenant's name.
        tenant: String,
        /// The event or playbook.
        name: String,
        /// The runs that it started.
        started: Vec<String>,
        /// Why others did not start, one line each.
        notes: Vec<String>,
    },
    /// Matching cannot be finished now and is tried again.
    Postponed {
        /// The arrival.
        event: i64,
        /// When, in milliseconds since the Unix epoch.
        until_ms: i64,
        /// Why.
        reason: String,
    },
    /// Something could not be used and is on the dead-letter list.
    DeadLetter {
        /// Its number.
        letter: i64,
        /// The tenant's name.
        tenant: String,
        /// The event or playbook, where it is known.
        name: Option<String>,
        /// Why.
        reason: String,
    },
}
