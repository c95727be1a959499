//! Answers in, the same answers with what browsers are told about them out; and problems for what no route answers.

use crate::dashboard::assets::CONTENT_SECURITY_POLICY;
use crate::problem::Problem;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Adds the headers that keep a browser from being used against its user.
/// Source: OWASP Secure Headers Project.
pub async fn security_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=()",
        ),
    ] {
        // A page may be stricter about where its address goes.
        let own = name == header::REFERRER_POLICY && headers.contains_key(&name);
        if !own {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    // What a session shows must not be shown to the next one.
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Turns the bare answers of the framework into problem documents.
pub async fn whole_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let bare = response.headers().get(header::CONTENT_TYPE).is_none();
    match response.status() {
        StatusCode::METHOD_NOT_ALLOWED if bare => {
            let allow = response.headers().get(header::ALLOW).cloned();
            let detail = match allow.as_ref().and_then(|a| a.to_str().ok()) {
                Some(allow) => format!("this address takes {allow}"),
                None => "this address does not take this method".into(),
            };
            let mut response = Problem::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "method",
                "Not a method of this address",
                detail,
            )
            .into_response();
            if let Some(allow) = allow {
                response.headers_mut().insert(header::ALLOW, allow);
            }
            response
        }
        StatusCode::REQUEST_TIMEOUT if bare => Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "Took too long",
            "the request was not finished in time; nothing of it may have happened, or all: look before you send it again",
        )
        .into_response(),
        _ => response,
    }
}
