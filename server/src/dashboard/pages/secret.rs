//! A secret that is shown once: a first password or a token.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// The answer to a post that made a secret; it is sent with `Cache-Control: no-store`.
#[derive(Clone, Debug, Template)]
#[template(path = "secret.html")]
pub struct SecretPage {
    /// Around it.
    pub chrome: Chrome,
    /// What it is: `The password of Ana Lopez`.
    pub what: String,
    /// The secret.
    pub secret: String,
    /// How it is used.
    pub usage: String,
    /// Where to go on.
    pub back: String,
}
