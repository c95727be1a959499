//! What is left of a run that ended long ago: a line, and where to look for more.

use super::runs::RunRow;
use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/runs/{id}` of a run that is archived.
#[derive(Clone, Debug, Template)]
#[template(path = "archived.html")]
pub struct ArchivedPage {
    /// Around it.
    pub chrome: Chrome,
    /// Its line.
    pub run: RunRow,
    /// How it ended, as a sentence.
    pub outcome: Option<String>,
    /// When it was archived.
    pub archived_ms: i64,
    /// Whether the viewer may read the audit trail.
    pub may_audit: bool,
}
