//! What a personal link opens: a question with its buttons, for somebody who has not logged in.

use crate::dashboard::chrome::Chrome;
use crate::dashboard::{filters, topics};
use askama::Template;

/// `/answer/{token}`; posts `decision` (`approve`, `reject`) or `answer`, and `comment` to itself.
#[derive(Clone, Debug, Template)]
#[template(path = "answer.html")]
pub struct AnswerPage {
    /// Around it.
    pub chrome: Chrome,
    /// The approval's id.
    pub id: String,
    /// Whose link it is.
    pub person: String,
    /// What is asked.
    pub question: String,
    /// The playbook's title.
    pub title: String,
    /// The tenant.
    pub tenant: String,
    /// What approving opens, as written.
    pub actions: Vec<String>,
    /// Whom or what it is about.
    pub about: Vec<String>,
    /// What can be answered, where it is a question and no approval.
    pub choices: Vec<String>,
    /// Until when it can be answered.
    pub until_ms: i64,
    /// Where it cannot be answered any more: how it stands, in a sentence.
    pub over: Option<String>,
    /// What was typed, when the last answer did not count.
    pub comment: String,
    /// Why it did not count.
    pub error: Option<String>,
}
