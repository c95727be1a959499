//! In: nothing. Out: a HaloPSA ticket.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A ticket, with the members that HaloPSA uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// Its number.
    pub id: u64,
    /// Its title.
    pub summary: String,
    /// Its text.
    #[serde(default)]
    pub details: String,
    /// The customer.
    #[serde(default)]
    pub client_id: Option<u64>,
    /// The kind of ticket.
    #[serde(default)]
    pub tickettype_id: Option<u64>,
    /// 1 critical, 2 high, 3 medium, 4 low.
    #[serde(default)]
    pub priority_id: Option<u64>,
    /// The team that it waits for.
    #[serde(default)]
    pub team: Option<String>,
    /// 1 new, 2 in progress, 9 closed.
    pub status_id: u64,
    /// Who works on it; 1 is "Unassigned".
    pub agent_id: u64,
    /// When it was made.
    pub dateoccurred: Timestamp,
    /// When something last happened to it.
    pub lastactiondate: Timestamp,
    /// Notes ("actions"), oldest first.
    #[serde(default)]
    pub actions: Vec<TicketNote>,
    /// Other members that were sent.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A note on a ticket ("action" in HaloPSA).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketNote {
    /// Its number among the ticket's notes.
    pub id: u64,
    /// Its text.
    pub note: String,
    /// What was done, such as `Private Note`.
    pub outcome: String,
    /// When it was made.
    pub datetime: Timestamp,
}
