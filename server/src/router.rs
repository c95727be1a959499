//! An app in, every route with what they share out.

use crate::app::App;
use crate::http::{authenticate, finish, security_headers, whole_problems};
use crate::problem::Problem;
use crate::{api, dashboard};
use axum::Router;
use axum::http::{StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::any::Any;
use std::time::Duration;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;

/// How long a request may take until its answer begins.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every route.
pub fn router(app: App) -> Router {
    let (api, description) = api::router(&app).split_for_parts();
    let description = description.to_pretty_json().unwrap_or_default();
    Router::new()
        .merge(api)
        .route(
            "/api/openapi.json",
            get(move || async move { ([(header::CONTENT_TYPE, "application/json")], description) }),
        )
        .route("/docs/problems", get(api::problems::kinds))
        .merge(dashboard::router())
        .fallback(nothing_here)
        .layer(from_fn(whole_problems))
        .layer(from_fn_with_state(app.clone(), authenticate))
        .layer(from_fn(finish))
        .layer(CatchPanicLayer::custom(broken))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            PATIENCE,
        ))
        .layer(from_fn(security_headers))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .with_state(app)
}

/// What a request's lines in the log are told under.
fn span(request: &axum::extract::Request) -> tracing::Span {
    tracing::debug_span!(
        target: "tower_http",
        "request",
        method = %request.method(),
        uri = shown(&request.uri().to_string()),
        version = ?request.version(),
    )
}

/// An address as it may be read by others: whoever has a personal link can answer by it.
fn shown(uri: &str) -> String {
    let small = uri.to_ascii_lowercase();
    let links = ["answer/", "answer%2f"];
    let ends = links.iter().filter_map(|l| Some(small.find(l)? + l.len()));
    match ends.min() {
        Some(end) => format!("{}[link]", &uri[..end]),
        None => uri.to_owned(),
    }
}

async fn nothing_here(request: axum::extract::Request) -> Response {
    let path = request.uri().path();
    let api = ["/api/", "/events", "/hooks", "/changes"]
        .iter()
        .any(|p| path.starts_with(p));
    if api {
        return Problem::not_found(
            "there is nothing at this address; /api/openapi.json lists what there is",
        )
        .into_response();
    }
    dashboard::nothing_here()
}

/// A fault of ours is answered like any other, and the service goes on.
fn broken(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("unknown");
    tracing::error!(text, "a request ended in a fault of Counterplay");
    Problem::internal().into_response()
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn no_link_is_told() {
        for (uri, told) in [
            ("/answer/MTc5.c2ln", "/answer/[link]"),
            ("/answer/MTc5.c2ln?theme=dark", "/answer/[link]"),
            (
                "https://play.example//Answer/MTc5.c2ln",
                "https://play.example//Answer/[link]",
            ),
            (
                "/login?next=%2Fanswer%2FMTc5.c2ln",
                "/login?next=%2Fanswer%2F[link]",
            ),
            ("/approvals/r-1%3A8?page=2", "/approvals/r-1%3A8?page=2"),
        ] {
            assert_eq!(shown(uri), told);
        }
    }
}
