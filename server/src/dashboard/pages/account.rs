//! The viewer's own account.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use crate::identity::Login;
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
    /// Why the password was not changed.
    pub error: Option<String>,
    /// Open logins, the latest first.
    pub sessions: Vec<Login>,
}
