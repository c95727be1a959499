//! An answer and a cookie in, the answer that sets it out.

use axum::http::{HeaderValue, header};
use axum::response::Response;

/// Adds a cookie to an answer.
pub fn add_cookie(response: &mut Response, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
