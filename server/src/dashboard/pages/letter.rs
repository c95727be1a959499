//! One dead letter with what came, why it could not be used, and what can be done.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/dead-letters/{num}`; posts to `…/retry` (with the `payload`, which may be mended) and `…/dismiss`.
#[derive(Clone, Debug, Template)]
#[template(path = "letter.html")]
pub struct LetterPage {
    /// Around it.
    pub chrome: Chrome,
    /// The letter.
    pub row: super::letters::LetterRow,
    /// The object as it came, as JSON.
    pub payload: String,
    /// Whether the viewer may try again and dismiss.
    pub may_operate: bool,
    /// Why the last try failed.
    pub error: Option<String>,
}
