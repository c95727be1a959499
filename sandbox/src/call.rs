//! In: one HTTP request, read. Out: the plain values that services work with, and what they answer.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// One request, as a service sees it.
pub(crate) struct Call {
    pub method: Method,
    /// `http://host`, under which the caller reached us: the start of every link in an answer.
    pub origin: String,
    /// Path and query as they came.
    pub target: String,
    /// The path's segments below the service's prefix, decoded.
    pub segments: Vec<String>,
    pub query: BTreeMap<String, String>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    /// Reads a target such as `/users/x?$top=5`; `prefix` segments are dropped from the path.
    pub fn new(
        method: Method,
        origin: String,
        target: String,
        prefix: usize,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Call {
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let segments = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .skip(prefix)
            .map(|segment| decode(segment, false))
            .collect();
        let query = form(query);
        Call {
            method,
            origin,
            segments,
            query,
            headers,
            body,
            target,
        }
    }

    /// The segments as a slice of text, for matching.
    pub fn path(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// A header's text, if there is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The token of an `Authorization: Bearer` header.
    pub fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| token.trim())
            .filter(|token| !token.is_empty())
    }

    /// The body as JSON, or the answer to a body that is none.
    pub fn json(&self) -> Result<Value, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Problem::bad_request(format!("Unable to read JSON request payload: {error}."))
        })
    }

    /// The body as a JSON object; an empty body counts as an empty object.
    pub fn object_or_empty(&self) -> Result<serde_json::Map<String, Value>, Problem> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            return Ok(serde_json::Map::new());
        }
        match self.json()? {
            Value::Object(map) => Ok(map),
            _ => Err(Problem::bad_request("The request body is not an object.")),
        }
    }

    /// The body as an `application/x-www-form-urlencoded` form.
    pub fn form(&self) -> BTreeMap<String, String> {
        form(&String::from_utf8_lossy(&self.body))
    }
}

fn decode(text: &str, plus_is_space: bool) -> String {
    let text = if plus_is_space {
        text.replace('+', " ")
    } else {
        text.to_owned()
    };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

fn form(text: &str) -> BTreeMap<String, String> {
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key, true), decode(value, true))
        })
        .collect()
}

/// What a service answers when it did what was asked.
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Body,
}

/// The body of an answer.
pub(crate) enum Body {
    Empty,
    Json(Value),
    Text(String),
}

impl Reply {
    /// An answer without a body.
    pub fn empty(status: u16) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }

    /// A JSON answer.
    pub fn json(status: u16, body: Value) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    /// A plain-text answer.
    pub fn text(status: u16, body: impl Into<String>) -> Reply {
        Reply {
            status,
            headers: Vec::new(),
            body: Body::Text(body.into()),
        }
    }

    /// The same answer with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Reply {
        self.headers.push((name, value.into()));
        self
    }
}

/// A refusal, before it is written in the error shape of the service that refuses.
#[derive(Debug)]
pub(crate) struct Problem {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl Problem {
    /// A refusal with the service's code and words.
    pub fn new(status: u16, code: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem {
            status,
            code: code.into(),
            message: message.into(),
        }
    }

    /// 400 `BadRequest`.
    pub fn bad_request(message: impl Into<String>) -> Problem {
        Problem::new(400, "BadRequest", message)
    }

    /// 405: the path exists, the method does not.
    pub fn method_not_allowed() -> Problem {
        Problem::new(
            405,
            "Request_BadRequest",
            "Specified HTTP method is not allowed for the request target.",
        )
    }

    /// 404: no such path.
    pub fn no_such_path(call: &Call) -> Problem {
        let segment = call.segments.last().map_or("", String::as_str);
        Problem::new(
            404,
            "ResourceNotFound",
            format!("Resource not found for the segment '{segment}'."),
        )
    }
}

/// The answer of a service.
pub(crate) type Answer = Result<Reply, Problem>;
