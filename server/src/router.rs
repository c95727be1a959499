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
        .layer(TraceLayer::new_for_http())
        .with_state(app)
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
