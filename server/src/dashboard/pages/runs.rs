//! The list of runs, with filters.

use super::{Choice, Paging};
use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/runs?status=&tenant=&playbook=&simulated=&after=`.
#[derive(Clone, Debug, Template)]
#[template(path = "runs.html")]
pub struct RunsPage {
    /// Around it.
    pub chrome: Chrome,
    /// The runs, the latest first.
    pub runs: Vec<RunRow>,
    /// The filter `status`.
    pub statuses: Vec<Choice>,
    /// The filter `tenant`.
    pub tenants: Vec<Choice>,
    /// The filter `playbook`.
    pub playbooks: Vec<Choice>,
    /// Whether any filter is set.
    pub filtered: bool,
    /// Where the list goes on.
    pub paging: Paging,
}

/// A line in a list of runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The id.
    pub id: String,
    /// The playbook's id.
    pub playbook: String,
    /// Its title.
    pub title: String,
    /// The tenant's name.
    pub tenant: String,
    /// What started it, for people.
    pub started_by: String,
    /// Whom it is about, where that is known.
    pub subject: Option<String>,
    /// What it is doing, or the outcome's name once it ended.
    pub status: String,
    /// More about that: why it is held, what failed.
    pub why: Option<String>,
    /// Whether its actions are recorded and not performed.
    pub simulated: bool,
    /// When it started.
    pub started_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// How many later starts were ignored as its repeats.
    pub repeats: u64,
}

impl RunRow {
    /// How long it took, once it ended.
    pub fn took(&self) -> Option<String> {
        let ended = self.ended_ms?;
        Some(crate::dashboard::ui::duration(
            ended.saturating_sub(self.started_ms),
        ))
    }
}
