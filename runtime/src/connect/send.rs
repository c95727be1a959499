//! One HTTP request in, one answer out. Nothing is repeated or followed here.

use super::Trouble;
use super::egress::{self, EgressError, Resolver};
use super::job::Job;
use super::target;
use super::tries::retry_after_ms;
use super::wire::WireError;
use counterplay_machine::duration;
use counterplay_machine::types::Type;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Method, Request, Response, Url};
use serde_json::Value as Json;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

/// The largest body that is read, in bytes.
pub(super) const BODY_MAX: usize = 8 * 1024 * 1024;
/// How long connecting may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a body that is not JSON is kept for a message, in characters.
const TEXT_MAX: usize = 400;
/// How much of it is quoted when JSON was wanted.
const QUOTE_MAX: usize = 80;

/// An HTTP request, ready to be sent.
#[derive(Clone)]
pub(super) struct Sending {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(String, String)>,
    /// JSON.
    pub body: Option<Arc<[u8]>>,
}

/// What a service answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    /// How long it asks to wait, in milliseconds.
    pub retry_after_ms: Option<i64>,
    /// The body: JSON, a text where it is none, null where it is empty.
    pub body: Json,
    /// Where the next page is, as the service wrote it.
    pub next_link: Option<String>,
}

/// A client that follows no redirect, uses no proxy, repeats nothing and connects only to checked addresses.
pub(super) fn client(allow_private: bool) -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!("Counterplay/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .dns_resolver(Resolver { allow_private })
        .build()
}

impl Job<'_> {
    /// Sends a request once, over the wire.
    pub async fn carry(&self, request: reqwest::Request) -> Result<Response, WireError> {
        self.hub.wire.carry(request, self.allows_private()).await
    }

    /// Sends a request once.
    pub async fn send(
        &self,
        sending: &Sending,
        authorization: HeaderMap,
    ) -> Result<Answer, Trouble> {
        self.check_address(&sending.url)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if sending.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        for (name, value) in &sending.headers {
            let unusable = || {
                Trouble::refused(format!(
                    "the header {name} cannot be sent: it holds a line break or sign that headers may not have"
                ))
            };
            let value = HeaderValue::from_str(value).map_err(|_| unusable())?;
            headers.insert(
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| unusable())?,
                value,
            );
        }
        if let Ok(id) = HeaderValue::from_str(&self.correlation()) {
            headers.insert("client-request-id", id);
        }
        headers.extend(authorization);
        let timeout_ms = self.connection.timeout_ms.max(1);
        let mut request = Request::new(sending.method.clone(), sending.url.clone());
        *request.headers_mut() = headers;
        *request.timeout_mut() = Some(Duration::from_millis(timeout_ms as u64));
        if let Some(body) = &sending.body {
            *request.body_mut() = Some(body.to_vec().into());
        }
        let lost = |error: &WireError| self.trouble(error, &sending.url);
        let response = self.carry(request).await.map_err(|e| lost(&e))?;
        let status = response.status().as_u16();
        let asked = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok());
        let retry_after_ms = asked.and_then(|value| retry_after_ms(value, self.hub.clock.now_ms()));
        let body = match read(response).await {
            Ok(body) => body,
            // Where the status alone decides, a body that was cut off changes nothing.
            Err(_) if !(self.wants_json() && self.is_success(status)) => Vec::new(),
            Err(Unread::Broken(error)) => return Err(lost(&error.into())),
            Err(Unread::TooLong) => {
                return Err(Trouble::refused(format!(
                    "the service answered {status} with more than {} MiB",
                    BODY_MAX / (1024 * 1024)
                )));
            }
        };
        let mut body = self.json(status, &body)?;
        let next_link = body
            .get("@odata.nextLink")
            .and_then(Json::as_str)
            .map(str::to_owned);
        self.redactor.json(&mut body);
        Ok(Answer {
            status,
            retry_after_ms,
            body,
            next_link,
        })
    }

    /// Hosts that are written as addresses do not go through the resolver; they are checked here.
    pub fn check_address(&self, url: &Url) -> Result<(), Trouble> {
        let allow_private = self.allows_private();
        target::check_scheme(url, allow_private).map_err(|reason| {
            Trouble::refused(format!(
                "the address of the connection `{}` {reason}",
                self.connection.name
            ))
        })?;
        let host = url.host_str().unwrap_or_default();
        let refused =
            egress::literal(host).and_then(|address| EgressError::of(host, address, allow_private));
        match refused {
            Some(error) => Err(Trouble::refused(error.to_string())),
            None => Ok(()),
        }
    }

    /// What an error of the HTTP client means for the call.
    pub fn trouble(&self, error: &WireError, url: &Url) -> Trouble {
        let host = url.host_str().unwrap_or("the service");
        let limit = || duration::format_ms(self.connection.timeout_ms);
        let error = match error {
            WireError::Http(error) => error,
            WireError::NotReached => {
                return Trouble::not_sent(format!("{host} could not be reached"));
            }
            WireError::Lost => {
                return Trouble::Lost(format!("{host} did not answer within {}", limit()));
            }
        };
        let mut root: &dyn Error = error;
        while let Some(source) = root.source() {
            if let Some(egress) = source.downcast_ref::<EgressError>() {
                return match egress {
                    EgressError::NotPublic { .. } | EgressError::OfTheCloud { .. } => {
                        Trouble::refused(egress.to_string())
                    }
                    EgressError::Unresolved { .. } => Trouble::not_sent(egress.to_string()),
                };
            }
            root = source;
        }
        if error.is_builder() {
            Trouble::refused("the request cannot be made")
        } else if error.is_connect() && error.is_timeout() {
            Trouble::not_sent(format!(
                "{host} could not be reached within {}s",
                CONNECT_TIMEOUT.as_secs()
            ))
        } else if error.is_connect() {
            Trouble::not_sent(format!("{host} could not be reached: {root}"))
        } else if error.is_timeout() {
            Trouble::Lost(format!("{host} did not answer within {}", limit()))
        } else {
            Trouble::Lost(format!(
                "the connection to {host} ended before an answer came"
            ))
        }
    }

    fn is_success(&self, status: u16) -> bool {
        match self.callable.expect.as_slice() {
            [] => (200..300).contains(&status),
            expected => expected.contains(&status),
        }
    }

    fn wants_json(&self) -> bool {
        self.callable.returns.is_some() || self.callable.returns_ty != Type::Nothing
    }

    /// A body as JSON. Where JSON is wanted nothing else will do; else a text may be a message.
    fn json(&self, status: u16, bytes: &[u8]) -> Result<Json, Trouble> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Json::Null);
        }
        if let Ok(json) = serde_json::from_slice(bytes) {
            return Ok(json);
        }
        // Secrets go first: a cut could leave half of one.
        let text = self.redactor.text(&String::from_utf8_lossy(bytes));
        let text = text.trim();
        if self.wants_json() && self.is_success(status) {
            let quote = cut(
                &text.split_whitespace().collect::<Vec<_>>().join(" "),
                QUOTE_MAX,
            );
            return Err(Trouble::refused(format!(
                "the service answered something that is not JSON: {quote}"
            )));
        }
        // Nobody reads a page of HTML in a message.
        Ok(if text.starts_with('<') {
            Json::Null
        } else {
            Json::from(cut(text, TEXT_MAX))
        })
    }
}

/// Why a body was not read.
pub(super) enum Unread {
    Broken(reqwest::Error),
    TooLong,
}

/// Reads a body up to [`BODY_MAX`].
pub(super) async fn read(mut response: Response) -> Result<Vec<u8>, Unread> {
    let mut bytes = Vec::new();
    if response
        .content_length()
        .is_some_and(|length| length > BODY_MAX as u64)
    {
        return Err(Unread::TooLong);
    }
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        if bytes.len() + chunk.len() > BODY_MAX {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// The beginning of a text, with a sign where it was cut.
pub(super) fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
