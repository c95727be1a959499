//! The page on which a person logs in: posts `email`, `password` and `next` to `/login`.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/login`.
#[derive(Clone, Debug, Template)]
#[template(path = "login.html")]
pub struct LoginPage {
    /// Around it.
    pub chrome: Chrome,
    /// The address that was entered.
    pub email: String,
    /// Where to go afterwards: a path of this service.
    pub next: String,
    /// Why the last try failed.
    pub error: Option<String>,
    /// What forms before the login must carry.
    pub csrf: String,
    /// In a sandbox: who may log in and with what, for newcomers.
    pub hints: Vec<Hint>,
}

/// A made-up person of the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// What they may do.
    pub what: String,
}
