//! The first page: what waits, what happens, how it went.

use super::approvals::ApprovalRow;
use super::runs::RunRow;
use crate::dashboard::charts::{self, Day};
use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/`.
#[derive(Clone, Debug, Template)]
#[template(path = "overview.html")]
pub struct OverviewPage {
    /// Around it.
    pub chrome: Chrome,
    /// Approvals that the person may answer, the most urgent first.
    pub waiting: Vec<ApprovalRow>,
    /// How many there are in all.
    pub waiting_count: u64,
    /// Open runs that are not held, the latest first.
    pub running: Vec<RunRow>,
    /// How many there are in all.
    pub running_count: u64,
    /// Runs that need a person.
    pub held: Vec<RunRow>,
    /// How many there are in all.
    pub held_count: u64,
    /// Runs that failed in the last 7 days, the latest first.
    pub failed: Vec<RunRow>,
    /// How many there are in all.
    pub failed_count: u64,
    /// The last days, the earliest first.
    pub days: Vec<Day>,
    /// What a newcomer may try, in the sandbox.
    pub tries: Vec<TryThis>,
    /// Events that a newcomer may let happen, in the sandbox: the name in the address and the words.
    pub samples: Vec<(String, String)>,
    /// Whether there is any playbook.
    pub has_playbooks: bool,
}

/// A step of the guide for newcomers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TryThis {
    /// What to do.
    pub title: String,
    /// Why, and what one sees.
    pub text: String,
    /// Where.
    pub href: String,
    /// What the link says.
    pub link: String,
    /// Whether it was done.
    pub done: bool,
}

impl OverviewPage {
    /// The first chart.
    pub fn success_chart(&self) -> Option<String> {
        charts::success(&self.days)
    }

    /// The second chart.
    pub fn actions_chart(&self) -> Option<String> {
        charts::actions(&self.days)
    }

    /// The share of good ends over all days, in percent.
    pub fn success_percent(&self) -> Option<u64> {
        let mut all = Day::default();
        for day in &self.days {
            all.succeeded += day.succeeded;
            all.failed += day.failed;
        }
        all.success_percent()
    }

    /// Actions over all days.
    pub fn actions_in_all(&self) -> u64 {
        self.days.iter().flat_map(|d| d.actions).sum()
    }
}
