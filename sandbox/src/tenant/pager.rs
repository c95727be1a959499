//! In: nothing. Out: what PagerDuty holds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A service in PagerDuty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pager {
    /// The key that events are sent with.
    pub routing_key: String,
    /// Its incidents, oldest first.
    pub incidents: Vec<PagerIncident>,
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PagerIncident {
    /// What its events have in common.
    pub dedup_key: String,
    /// How it stands.
    pub status: PagerStatus,
    /// What it is about.
    pub summary: String,
    /// Where.
    pub source: String,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// How many events triggered it.
    pub triggers: u32,
    /// Since when it is there.
    pub opened: Timestamp,
}

/// How an incident stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PagerStatus {
    /// Somebody is paged.
    Triggered,
    /// Somebody looks at it.
    Acknowledged,
    /// It is over.
    Resolved,
}
