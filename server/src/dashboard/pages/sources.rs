//! Where events come from and what calls go out through, each with its last state.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::pages::Choice;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/sources`.
#[derive(Clone, Debug, Template)]
#[template(path = "sources.html")]
pub struct SourcesPage {
    /// Around it.
    pub chrome: Chrome,
    /// The service itself: names and values such as `Running since`.
    pub service: Vec<(String, String)>,
    /// What is wrong with the service, where something is.
    pub problem: Option<String>,
    /// Lists that are read at an interval.
    pub polls: Vec<PollRow>,
    /// Systems that send events.
    pub webhooks: Vec<WebhookRow>,
    /// Services that calls go to.
    pub connections: Vec<ConnectionRow>,
    /// What is paused.
    pub pauses: Vec<PauseRow>,
    /// What the viewer may pause.
    pub pausable: Vec<Choice>,
    /// Whether the viewer may say that the clock is right.
    pub may_confirm: bool,
}

/// Something that is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseRow {
    /// What, in words.
    pub what: String,
    /// What the form that lets it go on says.
    pub value: String,
    /// Who said so.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// Why.
    pub why: Option<String>,
    /// How much that was sent before had no answer ten seconds later.
    pub under_way: u32,
    /// Whether the viewer may let it go on.
    pub may: bool,
}

/// A polled source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollRow {
    /// The event.
    pub event: String,
    /// The tenant.
    pub tenant: String,
    /// How often: `5m`.
    pub every: String,
    /// When it was last read.
    pub polled_ms: Option<i64>,
    /// When it is read next.
    pub next_ms: i64,
    /// Failures since the last success.
    pub failures: u64,
    /// The last failure.
    pub error: Option<String>,
    /// How the subscription to its changes stands, where it has one.
    pub subscription: Option<SubscriptionCell>,
}

/// How a subscription to a source's changes stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionCell {
    /// Until when the service tells us of changes.
    pub until_ms: Option<i64>,
    /// Why it could not be set up or renewed the last time.
    pub error: Option<String>,
}

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookRow {
    /// The name, as in `/hooks/NAME`.
    pub name: String,
    /// The playbooks that it starts.
    pub playbooks: Vec<String>,
    /// When the last delivery was taken.
    pub last_ms: Option<i64>,
    /// Deliveries that were refused lately, and why.
    pub refused: Option<String>,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionRow {
    /// The name.
    pub name: String,
    /// The address.
    pub base: String,
    /// How calls are authenticated, in words.
    pub auth: String,
    /// `ok`, `failing`, `not used yet`, `no playbook uses it`.
    pub state: String,
    /// When a call last succeeded.
    pub ok_ms: Option<i64>,
    /// The last failure.
    pub error: Option<String>,
    /// The tenants for which nothing is sent at present.
    pub stopped: Vec<StoppedRow>,
}

/// That nothing is sent to a connection for a tenant at present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedRow {
    /// The tenant.
    pub tenant: String,
    /// When an attempt is made.
    pub next_ms: i64,
    /// What the last attempt came to.
    pub reason: String,
}
