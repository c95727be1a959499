//! The audit trail: who did what, and whether the chain is whole.

use super::{Choice, Paging};
use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/audit?tenant=&actor=&action=&run=&from=&to=&after=`; `POST /audit/verify` answers with the same page.
#[derive(Clone, Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// Around it.
    pub chrome: Chrome,
    /// The records, the latest first.
    pub records: Vec<AuditRow>,
    /// The filter `tenant`.
    pub tenants: Vec<Choice>,
    /// The filter `actor`, as typed.
    pub actor: String,
    /// The filter `action`.
    pub actions: Vec<Choice>,
    /// The filter `run`, as typed.
    pub run: String,
    /// Whether any filter is set.
    pub filtered: bool,
    /// Where the list goes on.
    pub paging: Paging,
    /// What verifying found, by chain; empty before it was asked for.
    pub verified: Vec<ChainResult>,
    /// Where the records of this filter can be had as a file.
    pub export: String,
}

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain.
    pub seq: i64,
    /// The tenant, empty for what concerns all.
    pub tenant: String,
    /// When.
    pub at_ms: i64,
    /// Who: an e-mail address, `token:NAME`, `counterplay`.
    pub actor: String,
    /// What, by name: `run.cancel`.
    pub action: String,
    /// What, in a sentence.
    pub text: String,
    /// The run's id.
    pub run: Option<String>,
    /// The whole record as JSON.
    pub detail: Option<String>,
}

/// What verifying a chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainResult {
    /// The tenant, empty for what concerns all.
    pub tenant: String,
    /// How many records were read.
    pub records: u64,
    /// The first broken record and what is wrong with it.
    pub broken: Option<String>,
}
