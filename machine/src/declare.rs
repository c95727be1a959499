//! Compiled declarations: connections, actions, queries and events, as data for hosts.

use crate::expr::{Expr, Slot};
use crate::types::Type;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// How much harm an action can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Impact {
    /// Mail, chat, tickets.
    Notify,
    /// Can be taken back.
    Reversible,
    /// Disturbs people's work and cannot simply be taken back.
    Disruptive,
    /// Destroys something.
    Destructive,
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Impact::Notify => "notify",
            Impact::Reversible => "reversible",
            Impact::Disruptive => "disruptive",
            Impact::Destructive => "destructive",
        })
    }
}

/// A way to reach a service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// The name.
    pub name: Arc<str>,
    /// The base address; absent when the deployment has to give it.
    pub base: Option<Base>,
    /// How calls are authenticated.
    pub auth: Auth,
    /// Budgets.
    pub rates: Vec<Rate>,
    /// Repetition of idempotent calls.
    pub retry: Retry,
    /// How long one call may take, in milliseconds.
    pub timeout_ms: i64,
    /// The path to which several reads are sent at once, where the service has such a thing.
    #[serde(default)]
    pub batch: Option<Arc<str>>,
    /// Impact floors, not used at run time but part of what a reviewer sees.
    pub floors: Vec<Floor>,
}

/// A base address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Base {
    /// `https://graph.microsoft.com/v1.0`.
    Address(Arc<str>),
    /// Each request's first argument is a secret that holds the whole address (chat webhooks).
    FromSecret,
    /// Mail over SMTP; the server comes from the deployment.
    Smtp,
}

/// How calls are authenticated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Auth {
    /// Not at all.
    None,
    /// OAuth2 client credentials; `{tenant.id}` and `{base}` in the token address are replaced.
    OAuth2 {
        /// The token address.
        token_url: Arc<str>,
        /// The scope.
        scope: Arc<str>,
    },
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: Basic`.
    Basic,
    /// A header that holds the secret.
    Header(Arc<str>),
    /// Time stamp and HMAC-SHA256 signature headers over the body.
    Signed,
}

/// A budget of calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// How many calls.
    pub count: u32,
    /// In how many milliseconds.
    pub per_ms: i64,
    /// Whether each tenant has its own.
    pub per_tenant: bool,
}

/// How idempotent calls are repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// For how long in all, in milliseconds; 0 is never.
    pub within_ms: i64,
    /// The first pause.
    pub from_ms: i64,
    /// The longest pause.
    pub up_to_ms: i64,
}

/// `destructive: POST "/path/*"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Floor {
    /// The least impact; `None` is `reads`: the path asks although its method is no GET.
    pub impact: Option<Impact>,
    /// `POST`.
    pub method: Arc<str>,
    /// Segments, `*` for any one.
    pub path: Arc<str>,
    /// The body's only fields, where narrowed.
    pub only: Vec<Arc<str>>,
}

/// A parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// The name.
    pub name: Arc<str>,
    /// The type.
    pub ty: Type,
    /// Where its value is bound.
    pub slot: Slot,
    /// Whether the action acts on it: an entity, or marked `on`.
    pub acted_on: bool,
}

/// An action or a query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Callable {
    /// `entra.block_sign_in`.
    pub name: Arc<str>,
    /// `Some` for an action.
    pub impact: Option<Impact>,
    /// Whether it may be repeated when its outcome is unknown.
    pub idempotent: bool,
    /// Parameters.
    pub params: Vec<Param>,
    /// The permissions that it needs at the service.
    pub permissions: Vec<Arc<str>>,
    /// What is sent.
    pub request: Request,
    /// Statuses that mean success; empty means any 2xx.
    pub expect: Vec<u16>,
    /// What particular statuses mean.
    pub on_status: Vec<OnStatus>,
    /// The variable that holds the answer's body in `returns` and `on … where`.
    pub body: Slot,
    /// The result, from `body` and the parameters.
    pub returns: Option<Expr>,
    /// The result's type.
    pub returns_ty: Type,
    /// Whether a value has really been reached.
    pub confirm: Option<Confirm>,
    /// How to find out whether a call was carried out whose answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
    /// The action that takes it back, with arguments over the parameters.
    pub undo: Option<(Arc<str>, Vec<Expr>)>,
    /// What is read before the action is sent, and again when it is done: `undo` may use the first, and compares the
    /// second with how things are by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Prior>,
    /// Why it cannot be taken back, where the declaration says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Arc<str>>,
    /// What is still to come when it is performed, where the service only accepts it: who carries it out, and when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Arc<str>>,
    /// What it does, for people.
    pub doc: Arc<str>,
}

/// The state that an action changes: a query over its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prior {
    /// The query.
    pub query: Arc<str>,
    /// Its arguments.
    pub args: Vec<Expr>,
    /// The variable of the answer in `undo`.
    pub slot: Slot,
}

/// Success is the state read back: a condition over queries, looked at until it holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Confirm {
    /// Queries to ask in order, each bound to a variable.
    pub queries: Vec<(Slot, Arc<str>, Vec<Expr>)>,
    /// What must hold.
    pub condition: Expr,
    /// For how long to look, in milliseconds.
    pub within_ms: i64,
}

/// Whether a call was carried out, found out afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Queries to ask in order, each bound to a variable.
    pub queries: Vec<(Slot, Arc<str>, Vec<Expr>)>,
    /// For an action without a result whether it was carried out; else its result, absent where it was not.
    pub found: Expr,
}

/// `on 404: absent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnStatus {
    /// The status.
    pub status: u16,
    /// A condition over `body`.
    pub condition: Option<Expr>,
    /// What it means.
    pub then: OnStatusThen,
}

/// What a status means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum OnStatusThen {
    /// The answer is absent.
    Absent,
    /// It counts as done.
    Done,
    /// A failure, with this message.
    Failure(Expr),
}

/// A request declaration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Over HTTP.
    Http {
        /// The connection.
        connection: Arc<str>,
        /// `GET`, `POST`, …
        method: Arc<str>,
        /// The path: literals and values, which are percent-encoded.
        path: Vec<PathPart>,
        /// The whole address, from a secret (connections whose base is `from_secret`).
        address: Option<Expr>,
        /// Query parameters.
        query: Vec<(Arc<str>, Expr)>,
        /// Headers.
        headers: Vec<(Arc<str>, Expr)>,
        /// The JSON body.
        json: Option<Expr>,
        /// Lists are read to the end through `@odata.nextLink`.
        paged: bool,
    },
    /// A mail over SMTP.
    Mail {
        /// The connection.
        connection: Arc<str>,
        /// The address or addresses.
        to: Expr,
        /// The subject.
        subject: Expr,
        /// The text.
        body: Expr,
    },
}

impl Request {
    /// The connection's name.
    pub fn connection(&self) -> &Arc<str> {
        match self {
            Request::Http { connection, .. } | Request::Mail { connection, .. } => connection,
        }
    }
}

/// A part of a path.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum PathPart {
    /// Sent as written.
    Literal(Arc<str>),
    /// A value: percent-encoded; empty, `.` and `..` are refused.
    Value(Expr),
}

/// An event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `intune.noncompliant`.
    pub name: Arc<str>,
    /// Where it comes from.
    pub source: Source,
    /// Paths that an object of this kind has (`riskEventType`, `properties.riskState`).
    pub known_by: Vec<Arc<str>>,
    /// When an observed object is an occurrence.
    pub fires: Fires,
    /// The variable that holds the raw object.
    pub raw: Slot,
    /// Stored fields, in order.
    pub fields: Vec<EventField>,
    /// Fetched fields, in order.
    pub fetched: Vec<FetchedField>,
    /// What it tells, for people.
    pub doc: Arc<str>,
    /// Permissions at the service that asking for it needs.
    #[serde(default)]
    pub permissions: Vec<Arc<str>>,
}

/// Where an event comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Source {
    /// Pushed to us.
    Push,
    /// Raised by playbooks.
    Emit,
    /// Read from a list at an interval.
    Poll {
        /// The connection.
        connection: Arc<str>,
        /// The path.
        path: Arc<str>,
        /// Query parameters.
        query: Vec<(Arc<str>, Expr)>,
        /// The interval in milliseconds.
        every_ms: i64,
        /// The property that holds when an object last changed, as the service's filters name it; the
        /// whole list is read where there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Arc<str>>,
        /// Of which changes the service is to tell us between two readings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subscription: Option<Subscription>,
    },
}

/// A wish to be told of changes to the objects of a list.
///
/// Source: Microsoft Graph, "subscription resource type".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The kinds of change: [`CHANGES`].
    pub changes: Vec<Arc<str>>,
}

/// The kinds of change that a subscription can be for. What is deleted cannot be read any more.
pub const CHANGES: [&str; 2] = ["created", "updated"];

/// When an observed object is an occurrence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fires {
    /// Each time.
    Always,
    /// When the condition holds.
    When(Expr),
    /// When the value changes to the target; the identity of the object is its `id`.
    ChangesTo {
        /// What is watched.
        subject: Expr,
        /// The value that fires.
        target: Expr,
    },
    /// Once for each combination of keys.
    OncePer(Vec<Expr>),
}

/// A stored field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventField {
    /// The name.
    pub name: Arc<str>,
    /// The type.
    pub ty: Type,
    /// Where it is bound for later fields.
    pub slot: Slot,
    /// Its value.
    pub value: Expr,
}

/// A field that is read once by a query and stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FetchedField {
    /// The name.
    pub name: Arc<str>,
    /// The type.
    pub ty: Type,
    /// Where it is bound.
    pub slot: Slot,
    /// The query.
    pub query: Arc<str>,
    /// Its arguments.
    pub args: Vec<Expr>,
}
