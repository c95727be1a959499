//! An asset's address in, the embedded file out.

use crate::dashboard::assets::{self, CACHE_CONTROL};
use crate::problem::Problem;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

/// An embedded file; its address changes with its content, so it may be kept for ever.
pub async fn asset(Path(file): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = assets::find(&file) else {
        return Problem::not_found("there is no such file").into_response();
    };
    let seen = headers.get(header::IF_NONE_MATCH);
    let kept = [
        (header::CACHE_CONTROL, CACHE_CONTROL.to_owned()),
        (header::ETAG, asset.etag.clone()),
    ];
    if seen.is_some_and(|v| v.as_bytes() == asset.etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, kept).into_response();
    }
    let kind = [(header::CONTENT_TYPE, asset.content_type)];
    (kept, kind, asset.bytes).into_response()
}

/// Browsers ask for it whatever the page says.
pub async fn favicon() -> Redirect {
    Redirect::permanent(&assets::address("favicon.svg"))
}
