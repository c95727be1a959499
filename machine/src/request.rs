//! A declared request and its arguments in, a call to make out. Pure: nothing is sent here.

use crate::declare::{Callable, PathPart, Request};
use crate::eval::{Env, EvalError, eval};
use crate::value::{SecretSource, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;

/// What RFC 3986 calls unreserved stays; everything else in a value is encoded.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A call to make.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Over HTTP.
    Http(HttpCall),
    /// A mail.
    Mail(MailCall),
}

/// A call over HTTP.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpCall {
    /// The connection.
    pub connection: Arc<str>,
    /// `GET`, `POST`, …
    pub method: Arc<str>,
    /// The path under the connection's base address, encoded.
    pub path: String,
    /// The whole address, where a secret holds it.
    pub address: Option<SecretSource>,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// The JSON body; secrets are resolved at the call.
    pub json: Option<Value>,
    /// Lists are read to the end through `@odata.nextLink`.
    pub paged: bool,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailCall {
    /// The connection.
    pub connection: Arc<str>,
    /// Addresses.
    pub to: Vec<String>,
    /// The subject, on one line.
    pub subject: String,
    /// The text.
    pub body: String,
}

/// Builds the call of an action or query; `env` binds the parameters.
pub fn build(callable: &Callable, env: &Env<'_>) -> Result<Call, EvalError> {
    match &callable.request {
        Request::Http {
            connection,
            method,
            path,
            address,
            query,
            headers,
            json,
            paged,
        } => {
            let mut text = String::new();
            for part in path {
                match part {
                    PathPart::Literal(literal) => text.push_str(literal),
                    PathPart::Value(value) => text.push_str(&segment(&eval(value, env)?)?),
                }
            }
            let address = match address {
                None => None,
                Some(expr) => match eval(expr, env)? {
                    Value::Secret(source) => Some(source),
                    other => {
                        return Err(EvalError::Other(format!(
                            "expected a Secret address, found {}",
                            other.kind()
                        )));
                    }
                },
            };
            Ok(Call::Http(HttpCall {
                connection: connection.clone(),
                method: method.clone(),
                path: text,
                address,
                query: pairs(query, env)?,
                headers: pairs(headers, env)?,
                json: json.as_ref().map(|j| eval(j, env)).transpose()?,
                paged: *paged,
            }))
        }
        Request::Mail {
            connection,
            to,
            subject,
            body,
        } => {
            let to = match eval(to, env)? {
                Value::List(items) => items.iter().map(Value::plain).collect(),
                Value::Absent => Vec::new(),
                other => vec![other.plain()],
            };
            if to.is_empty() {
                return Err(EvalError::Other(
                    "there is no address to send the mail to".into(),
                ));
            }
            Ok(Call::Mail(MailCall {
                connection: connection.clone(),
                to,
                subject: eval(subject, env)?.plain().replace(['\r', '\n'], " "),
                body: eval(body, env)?.plain(),
            }))
        }
    }
}

/// A value as one path segment.
fn segment(value: &Value) -> Result<String, EvalError> {
    let text = match value {
        Value::Secret(_) => {
            return Err(EvalError::Other("a secret cannot be part of a path".into()));
        }
        other => other.plain(),
    };
    if text.is_empty() || text == "." || text == ".." {
        return Err(EvalError::Other(format!(
            "\"{text}\" cannot be part of a path: the call would reach another address"
        )));
    }
    Ok(utf8_percent_encode(&text, VALUE).to_string())
}

fn pairs(
    pairs: &[(Arc<str>, crate::expr::Expr)],
    env: &Env<'_>,
) -> Result<Vec<(String, String)>, EvalError> {
    let mut out = Vec::new();
    for (name, value) in pairs {
        match eval(value, env)? {
            Value::Absent => {}
            Value::List(items) => {
                out.push((
                    name.to_string(),
                    items.iter().map(Value::plain).collect::<Vec<_>>().join(","),
                ));
            }
            value => out.push((name.to_string(), value.plain())),
        }
    }
    Ok(out)
}
