//! A request to a service that keeps secrets in, its status and JSON out. Its address is the operator's, so that it
//! may lie on a private network; no redirect is followed and no proxy used.

use super::super::send::{self, Unread};
use reqwest::{Client, RequestBuilder};
use serde_json::Value as Json;
use std::error::Error;
use std::time::Duration;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How much is quoted of what a service says, in characters.
const SAID_MAX: usize = 300;

/// Why there is no value.
#[derive(Debug)]
pub(super) enum Failure {
    /// The service says so, and it will say so again.
    Refused(String),
    /// No answer, or one that says that it has no time.
    Away(String),
}

/// An answer.
pub(super) struct Answer {
    pub status: u16,
    pub body: Json,
}

/// A client for one of these services.
pub(super) fn client() -> Result<Client, String> {
    send::client(true).map_err(|error| format!("the HTTP client cannot be set up: {error}"))
}

/// Sends a request. Answers by which a service says that it has no time, or does not work, are failures.
pub(super) async fn ask(request: RequestBuilder) -> Result<Answer, Failure> {
    let response = match request.timeout(TIMEOUT).send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => {
            return Err(Failure::Refused("the request cannot be made".into()));
        }
        Err(error) => return Err(Failure::Away(trouble(error))),
    };
    let status = response.status().as_u16();
    let body = match send::read(response).await {
        Ok(body) => serde_json::from_slice(&body).unwrap_or(Json::Null),
        Err(Unread::Broken(error)) => return Err(Failure::Away(trouble(error))),
        Err(Unread::TooLong) => return Err(Failure::Refused("it answered too much".into())),
    };
    if status == 429 || status >= 500 {
        let said = said(&body);
        let said = if said.is_empty() {
            said
        } else {
            format!(": {said}")
        };
        return Err(Failure::Away(format!("it answered {status}{said}")));
    }
    Ok(Answer { status, body })
}

/// What a service says in one of the shapes of errors that we know; bodies of successes are never read here.
pub(super) fn said(body: &Json) -> String {
    let texts = [
        &body["errors"][0],
        &body["error"]["message"],
        &body["error_description"],
        &body["error"],
    ];
    let text = texts.iter().find_map(|text| text.as_str()).unwrap_or("");
    let text = text.split(" Trace ID:").next().unwrap_or_default();
    let words: Vec<&str> = text.split_whitespace().collect();
    send::cut(&words.join(" "), SAID_MAX)
}

fn trouble(error: reqwest::Error) -> String {
    // Addresses hold the names of secrets' places; they are named by whoever asked.
    let error = error.without_url();
    let mut root: &dyn Error = &error;
    while let Some(source) = root.source() {
        root = source;
    }
    if error.is_timeout() {
        format!("no answer within {}s", TIMEOUT.as_secs())
    } else if error.is_connect() {
        format!("it could not be reached: {root}")
    } else {
        format!("the connection ended before an answer came: {root}")
    }
}
