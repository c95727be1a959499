//! Requests of browsers in, pages and redirects out.
//!
//! A handler takes a [`Page`] (who looks, from where), asks the store or does what the form says, and answers with
//! a page of [`crate::dashboard::pages`]; what goes wrong becomes the page of an error. Forms come as
//! [`Form`], which has checked their `csrf`.

mod files;
mod form;
mod live;
mod login;
mod page;

pub use form::Form;
pub use page::{Oops, Page};

use crate::app::App;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

/// Every page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/theme", post(login::choose_theme))
        .route("/live", get(live::live))
        .route("/assets/{file}", get(files::asset))
        .route("/favicon.ico", get(files::favicon))
}

/// The page for an address that has none.
pub fn nothing_here() -> Response {
    page::nothing_here()
}
