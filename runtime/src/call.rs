//! The one door to the outside: a declared action or query with its arguments in, an outcome out.

use counterplay_machine::eval::TenantFacts;
use counterplay_machine::{Program, Value};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// A call to make.
#[derive(Clone, Debug)]
pub struct CallRequest {
    /// The effect's id, the same for every repetition: idempotency keys and generated passwords are derived from it.
    pub id: String,
    /// The action or query, by qualified name.
    pub callable: Arc<str>,
    /// Its arguments, in the order of its parameters.
    pub args: Vec<Value>,
    /// The tenant whose credentials are used.
    pub tenant: TenantFacts,
    /// The run's id and start in milliseconds, where a run calls.
    pub run: Option<(String, i64)>,
    /// The program whose declarations apply.
    pub program: Arc<Program>,
    /// Whether the same call may have been sent before (a crash lies in between).
    pub repeated: bool,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// It succeeded, with the declared result.
    Done(Value),
    /// It failed for good; nothing more is tried.
    Failed {
        /// Why, for people.
        reason: String,
    },
    /// It was sent and no answer tells whether it was carried out.
    Unknown {
        /// What is known, for people.
        reason: String,
    },
}

/// Performs calls. Holds no logic about playbooks.
pub trait Connector: Send + Sync + 'static {
    /// Makes the call, with retries, rate limits and confirmation as declared.
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>>;
}
