//! The inbox: approvals that wait.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;
use counterplay_machine::declare::Impact;

/// `/approvals`.
#[derive(Clone, Debug, Template)]
#[template(path = "approvals.html")]
pub struct ApprovalsPage {
    /// Around it.
    pub chrome: Chrome,
    /// Those that the viewer may answer, the first to expire first.
    pub mine: Vec<ApprovalRow>,
    /// Those that others have to answer.
    pub others: Vec<ApprovalRow>,
    /// Those that were decided lately, the latest first.
    pub decided: Vec<ApprovalRow>,
}

/// A line in the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApprovalRow {
    /// The id.
    pub id: String,
    /// The question.
    pub question: String,
    /// Whom and what it is about, as people call them.
    pub about: Vec<String>,
    /// The playbook's title.
    pub title: String,
    /// The tenant.
    pub tenant: String,
    /// The run's id.
    pub run: String,
    /// The most harm that it opens.
    pub impact: Option<Impact>,
    /// How many have approved.
    pub votes: u64,
    /// How many are needed.
    pub needs: u64,
    /// When it was asked.
    pub asked_ms: i64,
    /// When it expires.
    pub until_ms: i64,
    /// `open`, `approved`, `rejected`, `unanswered`.
    pub state: String,
    /// Whether the viewer has approved already.
    pub voted: bool,
    /// Whether it asks a person and approves nothing.
    pub question_only: bool,
    /// Whether nothing would be performed anyway.
    pub simulated: bool,
}
