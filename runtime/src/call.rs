//! The one door to the outside: a declared action or query with its arguments in, an outcome out.

use crate::brake::Gate;
use crate::room::Room;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

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
    /// When it was intended, in milliseconds since the Unix epoch; `i64::MAX` where whoever asks looks after its time.
    pub intended_ms: i64,
    /// Whether the same call may have been sent before (a crash lies in between).
    pub repeated: bool,
    /// Who wants to hear of attempts that gave no answer.
    pub setbacks: Setbacks,
    /// Where each attempt asks whether it may be made now.
    pub gate: Gate,
    /// Where it steps aside while it waits.
    pub room: Room,
}

/// An attempt that gave no answer worth having; another one follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setback {
    /// What was wrong with it, for people; secrets are replaced.
    pub reason: String,
    /// When the next attempt is made, in milliseconds since the Unix epoch.
    pub next_ms: i64,
}

/// How a connection does since the process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConnectionHealth {
    /// When it last worked, in milliseconds since the Unix epoch.
    pub worked_ms: Option<i64>,
    /// What has been wrong since then, and when: no answer, or one that says that the service or its
    /// credentials do not work.
    pub trouble: Option<(i64, String)>,
    /// The tenants for which nothing is sent at present, because attempts in a row failed.
    pub open: BTreeMap<String, OpenCircuit>,
}

/// That nothing is sent to a connection for a tenant: several attempts in a row had no answer, or one that says that
/// the service does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenCircuit {
    /// Since when, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// When an attempt is made.
    pub next_ms: i64,
    /// What the last attempt came to, for people.
    pub reason: String,
}

/// Whom setbacks are told; nobody by default.
#[derive(Clone, Default)]
pub struct Setbacks {
    hears: Option<Arc<dyn Fn(Setback) + Send + Sync>>,
    confirming_ms: Option<Arc<AtomicI64>>,
}

impl Setbacks {
    /// They are told to this.
    pub fn to(hears: impl Fn(Setback) + Send + Sync + 'static) -> Setbacks {
        Setbacks {
            hears: Some(Arc::new(hears)),
            confirming_ms: None,
        }
    }

    /// The same; when the call begins to confirm what it did, the time is noted here.
    pub fn noting(self, confirming_ms: Arc<AtomicI64>) -> Setbacks {
        Setbacks {
            confirming_ms: Some(confirming_ms),
            ..self
        }
    }

    /// Notes that from now on the call only looks whether it was done.
    pub fn confirms(&self, now_ms: i64) {
        if let Some(since) = &self.confirming_ms {
            since.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Tells one.
    pub fn tell(&self, setback: Setback) {
        if let Some(hears) = &self.hears {
            hears(setback);
        }
    }
}

impl fmt::Debug for Setbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.hears.is_some() {
            "heard"
        } else {
            "unheard"
        })
    }
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
    /// The service accepted it, and nothing shows that it was carried out; nothing more is tried. The step fails, and it may
    /// have been done all the same.
    Unconfirmed {
        /// What is known, for people.
        reason: String,
    },
    /// It was sent and no answer tells whether it was carried out.
    Unknown {
        /// What is known, for people.
        reason: String,
    },
}

impl CallOutcome {
    /// The result, or why there is none.
    ///
    /// # Errors
    /// The reason, whatever it is that is not known or did not work.
    pub fn result(self) -> Result<Value, String> {
        match self {
            CallOutcome::Done(value) => Ok(value),
            CallOutcome::Failed { reason }
            | CallOutcome::Unconfirmed { reason }
            | CallOutcome::Unknown { reason } => Err(reason),
        }
    }
}

/// A list to read to its end, outside any run.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// What the service's records know the reading by.
    pub id: String,
    /// The connection.
    pub connection: Arc<str>,
    /// The path under the connection's base address, as declared.
    pub path: Arc<str>,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// The tenant whose credentials are used.
    pub tenant: TenantFacts,
    /// The program whose declarations apply.
    pub program: Arc<Program>,
    /// For how long trouble is waited out, in milliseconds; the connection may allow less.
    pub patience_ms: i64,
    /// Where each attempt asks whether it may be made now.
    pub gate: Gate,
    /// Where it steps aside while it waits.
    pub room: Room,
}

/// Why a list could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListFailure {
    /// Why, for people.
    pub reason: String,
    /// How long the service asks to wait, in milliseconds.
    pub retry_after_ms: Option<i64>,
}

impl ListFailure {
    /// A failure after which nobody asks to wait.
    pub fn new(reason: impl Into<String>) -> ListFailure {
        ListFailure {
            reason: reason.into(),
            retry_after_ms: None,
        }
    }
}

/// What reading a list gives.
pub type Listing<'a> = Pin<Box<dyn Future<Output = Result<Vec<Json>, ListFailure>> + Send + 'a>>;

/// What reading one object gives: nothing where there is no such object.
pub type Look<'a> = Pin<Box<dyn Future<Output = Result<Option<Json>, ListFailure>> + Send + 'a>>;

/// A wish to be told of changes to the objects of a list.
#[derive(Clone, Debug)]
pub struct SubscribeRequest {
    /// The list.
    pub list: ListRequest,
    /// The kinds of change.
    pub changes: Vec<Arc<str>>,
    /// The address that the service tells us at.
    pub notify: String,
    /// The subscription that is to be renewed.
    pub known: Option<String>,
    /// Until when, in milliseconds since the Unix epoch.
    pub until_ms: i64,
}

/// A subscription at a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// What the service calls it.
    pub id: String,
    /// Until when it tells us, in milliseconds since the Unix epoch.
    pub until_ms: i64,
}

/// What asking for a subscription gives.
pub type Subscribing<'a> =
    Pin<Box<dyn Future<Output = Result<Subscribed, ListFailure>> + Send + 'a>>;

/// Performs calls. Holds no logic about playbooks.
pub trait Connector: Send + Sync + 'static {
    /// Makes the call, with retries, rate limits and confirmation as declared.
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>>;

    /// Reads a list, every page of it, with retries and rate limits as the connection declares. All of
    /// it, or a failure. One that cannot do this says so by the failure.
    fn read_list(&self, request: ListRequest) -> Listing<'_> {
        let reason = format!("`{}` cannot be polled here", request.connection);
        Box::pin(async move { Err(ListFailure::new(reason)) })
    }

    /// Reads one object of a list by its id, with the list's query parameters.
    fn read_object(&self, request: ListRequest, _id: String) -> Look<'_> {
        let reason = format!("objects of `{}` cannot be read here", request.connection);
        Box::pin(async move { Err(ListFailure::new(reason)) })
    }

    /// Asks to be told of changes, or to be told of them for longer. One that cannot do this says so by the
    /// failure.
    fn subscribe(&self, request: SubscribeRequest) -> Subscribing<'_> {
        let connection = &request.list.connection;
        let reason = format!("`{connection}` cannot be subscribed to here");
        Box::pin(async move { Err(ListFailure::new(reason)) })
    }

    /// Whether a notification that came in at this address carries what only the subscribed service knows.
    fn is_told_by_service(&self, _notify: &str, _client_state: &str) -> bool {
        false
    }

    /// A key that is derived from the deployment's master key for one purpose; nothing where there is no such key.
    fn derived_key(&self, _purpose: &str) -> Option<[u8; 32]> {
        None
    }

    /// How the connections do, by name; those that were not used are not in it.
    fn health(&self) -> BTreeMap<String, ConnectionHealth> {
        BTreeMap::new()
    }
}
