//! Dead letters: what came and could not be used.

use super::Paging;
use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/dead-letters`.
#[derive(Clone, Debug, Template)]
#[template(path = "letters.html")]
pub struct LettersPage {
    /// Around it.
    pub chrome: Chrome,
    /// The letters, the latest first.
    pub letters: Vec<LetterRow>,
    /// Whether settled ones are shown too.
    pub all: bool,
    /// Where the list goes on.
    pub paging: Paging,
}

/// A dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterRow {
    /// Its number.
    pub num: i64,
    /// When it came.
    pub at_ms: i64,
    /// The tenant.
    pub tenant: String,
    /// The event or playbook, where it is known.
    pub name: Option<String>,
    /// Why it could not be used.
    pub reason: String,
    /// What became of it: tried again or dismissed, by whom.
    pub settled: Option<String>,
}
