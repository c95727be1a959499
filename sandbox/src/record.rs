//! In: a request. Out: what may be shown of it, with passwords and secrets blanked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::call::Call;
use crate::service::Service;

/// One HTTP call that arrived. Secrets in its body are blanked, and headers are not kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RecordedRequest {
    /// Counts from 1 in order of arrival.
    pub number: u64,
    /// When it arrived.
    pub time: Timestamp,
    /// The service that it was for.
    pub service: Service,
    /// The HTTP method.
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    /// The body: JSON as it is, a form as an object, anything else as text, none as null.
    pub body: Value,
    /// The status answered; none while it is being answered or if the connection was dropped.
    pub status: Option<u16>,
    /// Where it did not come by itself, which batch it came in: the same for all of one batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u64>,
}

/// What is written in place of a secret.
const REDACTED: &str = "(redacted)";

/// Members whose values are never shown, in lower case.
const SECRET: &[&str] = &[
    "password",
    "newpassword",
    "client_secret",
    "secret_id",
    "client_assertion",
    "authorization",
    "access_token",
    "refresh_token",
    "macosunlockcode",
    "routing_key",
];

/// The body of a call as it may be shown.
pub(crate) fn shown(call: &Call) -> Value {
    if call.body.is_empty() {
        return Value::Null;
    }
    let is_form = call
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    let body = if is_form {
        let form = call.form().into_iter();
        Value::Object(form.map(|(key, value)| (key, value.into())).collect())
    } else {
        serde_json::from_slice(&call.body)
            .unwrap_or_else(|_| String::from_utf8_lossy(&call.body).into())
    };
    redact(body)
}

fn redact(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .map(|(key, value)| {
                    let secret = SECRET.contains(&key.to_ascii_lowercase().as_str());
                    let value = if secret && !value.is_null() {
                        REDACTED.into()
                    } else {
                        redact(value)
                    };
                    (key, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(redact).collect()),
        other => other,
    }
}
