//! Something that did not work, and the way out.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// The page of an error.
#[derive(Clone, Debug, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// Around it.
    pub chrome: Chrome,
    /// The HTTP status.
    pub status: u16,
    /// What happened, in a few words.
    pub title: String,
    /// The cause and what to do.
    pub detail: String,
    /// A way out: path and words.
    pub way_out: Option<(String, String)>,
}
