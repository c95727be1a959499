//! Plain data in, pages out. Nothing here reads the store: handlers fill the pages of [`pages`].
//!
//! - Every page is a struct with a template of the same name; [`chrome::Chrome`] is what stands around all of them.
//! - Forms are real forms: `POST`, then a redirect; the field `csrf` must hold the session's word.
//! - A part of a page with an `id` and `data-live="TOPIC"` is fetched anew when the event stream `/live` says that
//!   something about its topic has changed, see [`topics`].

pub mod assets;
pub mod charts;
pub mod chrome;
pub mod drawing;
mod filters;
pub mod forms;
pub mod highlight;
pub mod icons;
pub mod pages;
pub mod steps;
pub mod text;
pub mod topics;
pub mod ui;

use crate::app::App;
use axum::Router;
use axum::response::{IntoResponse, Response};

/// Every page.
pub fn router() -> Router<App> {
    Router::new()
}

/// The page for an address that has none.
pub fn nothing_here() -> Response {
    axum::http::StatusCode::NOT_FOUND.into_response()
}
