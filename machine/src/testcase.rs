//! A test of a playbook, as data: what is given and what is expected.

use crate::expr::Expr;
use crate::playbook::Origin;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// `test "title" of PLAYBOOK { … }`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestCase {
    /// What it shows.
    pub title: Arc<str>,
    /// Where it stands.
    pub origin: Origin,
    /// The playbook that is tested, by id.
    pub playbook: Arc<str>,
    /// The tenant; the project's first when absent.
    pub tenant: Option<Arc<str>>,
    /// What starts it.
    pub start: Option<Start>,
    /// What services answer.
    pub answers: Vec<Given>,
    /// What people say, in the order given.
    pub words: Vec<Word>,
    /// Later events.
    pub events: Vec<Later>,
    /// What is expected.
    pub expectations: Vec<Expectation>,
}

/// What starts the playbook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Start {
    /// An event, its payload in a file beside the test's.
    Event {
        /// The event.
        event: Arc<str>,
        /// The file.
        file: Arc<str>,
    },
    /// A delivery to a webhook, its body in a file.
    Webhook {
        /// The webhook.
        name: Arc<str>,
        /// The file.
        file: Arc<str>,
    },
    /// A person, with the form's values.
    Manual {
        /// By parameter.
        values: BTreeMap<String, Json>,
    },
    /// Its schedule.
    Schedule,
}

/// What a query or an action answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The query or action.
    pub call: Arc<str>,
    /// A value, or why it fails.
    pub answer: Result<Expr, Arc<str>>,
    /// From when on, in milliseconds from the start of the run.
    pub after_ms: i64,
}

/// What a person says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    /// Who, by e-mail address.
    pub by: Arc<str>,
    /// `None` approves or rejects, `Some` answers a question.
    pub answer: Option<Arc<str>>,
    /// Whether in favour, where it is no answer.
    pub approve: bool,
    /// When, in milliseconds from the start of the run.
    pub after_ms: i64,
}

/// An event that comes later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Later {
    /// The event.
    pub event: Arc<str>,
    /// The file with its payload.
    pub file: Arc<str>,
    /// When, in milliseconds from the start of the run.
    pub after_ms: i64,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expectation {
    /// Where it stands.
    pub origin: Origin,
    /// As written.
    pub text: Arc<str>,
    /// What it is.
    pub kind: Expected,
}

/// The kinds of expectations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expected {
    /// The action is performed, at a time in milliseconds from the start of the run where one is said.
    Performed(Arc<str>, Option<i64>),
    /// The action is never performed.
    Never(Arc<str>),
    /// The run ends so.
    Outcome(Arc<str>),
    /// No run starts.
    NotStarted,
}
