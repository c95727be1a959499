//! The viewer's own account.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/account`; posts `current`, `new` and `again` to `/account/password`.
#[derive(Clone, Debug, Template)]
#[template(path = "account.html")]
pub struct AccountPage {
    /// Around it.
    pub chrome: Chrome,
    /// The tenants in words.
    pub tenants: String,
    /// The teams that the viewer belongs to.
    pub teams: Vec<String>,
    /// How many characters a password needs.
    pub password_min: usize,
    /// Whether the password must be changed before anything else.
    pub must_change: bool,
    /// Why the password was not changed.
    pub error: Option<String>,
    /// Open logins: since when, last seen, whether it is this one.
    pub sessions: Vec<SessionRow>,
}

/// A login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Since when.
    pub created_ms: i64,
    /// When it was last used.
    pub seen_ms: i64,
    /// Whether it is this one.
    pub this: bool,
}
