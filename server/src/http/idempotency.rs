//! A POST with an `Idempotency-Key` in, the first answer to it out, however often it is sent.
//!
//! Source: draft-ietf-httpapi-idempotency-key-header-07. Keys belong to their caller and are kept for
//! a day; answers of 500 and above are not kept, so that the same key may try again.

use super::auth::Auth;
use super::body::whole;
use crate::app::App;
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use counterplay_runtime::store::{Answer, Begun, Ticket};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// The header.
const KEY: &str = "idempotency-key";
/// The longest key.
const KEY_LENGTH_MAX: usize = 255;
/// The headers of an answer that are kept.
const KEPT: [HeaderName; 4] = [
    header::CONTENT_TYPE,
    header::LOCATION,
    header::ETAG,
    header::RETRY_AFTER,
];
/// The header, as the API's description has it.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "a description: the header is read by `remember`")]
pub struct IdempotencyKey {
    /// What the caller calls this request, such as a UUID: sent again within a day, it is answered as the first
    /// time, and nothing is done twice.
    #[param(rename = "Idempotency-Key", pattern = "^[!#-~]([ -~]{0,253}[!#-~])?$")]
    key: Option<String>,
}

/// How often a second request looks whether the first one has been answered.
const LOOK: Duration = Duration::from_millis(100);
/// How often at most.
const LOOKS: u32 = 50;

/// Answers a repeated POST with what the first one was answered.
pub async fn remember(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST || !request.headers().contains_key(KEY) {
        return next.run(request).await;
    }
    match answer(&app, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(app: &App, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let key = key(parts.headers.get(KEY))?;
    let caller = Auth::from_request_parts(&mut parts, app).await?.0.id;
    let bytes = whole(body).await?;
    let mut hasher = Sha256::new();
    hasher.update(parts.uri.path().as_bytes());
    hasher.update([0]);
    hasher.update(&bytes);
    let digest: String = hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let store = app.engine.store();
    for _ in 0..LOOKS {
        let now = app.clock.now_ms();
        match store.begin_answer(&caller, &key, &digest, now).await? {
            Begun::New(ticket) => {
                let request = Request::from_parts(parts, Body::from(bytes));
                return keep(app, ticket, next.run(request).await).await;
            }
            Begun::Replay(kept) => return Ok(again(kept)),
            Begun::Mismatch => {
                return Err(Problem::unprocessable(
                    "this `Idempotency-Key` was used for another request; take a new key",
                ));
            }
            Begun::InProgress => tokio::time::sleep(LOOK).await,
        }
    }
    Err(Problem::conflict(
        "the first request with this `Idempotency-Key` is still worked on; send it again later",
    ))
}

fn key(value: Option<&HeaderValue>) -> Result<String, Problem> {
    let text = value
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default()
        .trim();
    let text = text.trim_matches('"');
    if text.is_empty() || text.len() > KEY_LENGTH_MAX {
        return Err(Problem::bad_request(format!(
            "an `Idempotency-Key` has 1 to {KEY_LENGTH_MAX} visible ASCII characters, such as a UUID"
        )));
    }
    Ok(text.to_owned())
}

async fn keep(app: &App, ticket: Ticket, response: Response) -> Result<Response, Problem> {
    let store = app.engine.store();
    let (parts, body) = response.into_parts();
    if parts.status.is_server_error() {
        store.forget_answer(ticket).await?;
        return Ok(Response::from_parts(parts, body));
    }
    let bytes = whole(body).await?;
    let headers = KEPT
        .iter()
        .filter_map(|name| {
            let value = parts.headers.get(name)?.to_str().ok()?;
            Some((name.to_string(), value.to_owned()))
        })
        .collect();
    let kept = Answer {
        status: parts.status.as_u16(),
        headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
    };
    store.finish_answer(ticket, kept).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn again(kept: Answer) -> Response {
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, kept.body).into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_str(&value),
        ) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    response
}
