//! Deploys: those that wait for a second person, and all before.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/deploys`.
#[derive(Clone, Debug, Template)]
#[template(path = "deploys.html")]
pub struct DeploysPage {
    /// Around it.
    pub chrome: Chrome,
    /// Those that wait, the first first.
    pub waiting: Vec<DeployRow>,
    /// All others, the latest first.
    pub history: Vec<DeployRow>,
    /// Where the project is served from a folder: its path.
    pub folder: Option<String>,
}

/// A line in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployRow {
    /// The revision's number.
    pub num: i64,
    /// What changes, in the words of whoever deployed it.
    pub summary: String,
    /// What changes, as the two programs say it.
    pub changes: Vec<String>,
    /// Who.
    pub by: String,
    /// When.
    pub at_ms: i64,
    /// `waiting`, `live`, `superseded`, `refused`.
    pub state: String,
    /// How many files it changes.
    pub files: u64,
    /// Who decided.
    pub decided_by: Option<String>,
}
