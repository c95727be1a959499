//! Requests of browsers in, pages and redirects out.
//!
//! A handler takes a [`Page`] (who looks, from where), asks the store or does what the form says, and answers with
//! a page of [`crate::dashboard::pages`]; what goes wrong becomes the page of an error. Forms come as
//! [`Form`], which has checked their `csrf`.

mod account;
mod approval;
mod approvals;
mod files;
mod form;
mod live;
mod login;
mod overview;
mod page;
mod rows;
mod run;
mod runs;

pub use form::Form;
pub use page::{Oops, Page};

use crate::app::App;
use axum::Router;
use axum::response::Response;
use axum::routing::{get, post};

/// Every page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(overview::show))
        .route("/runs", get(runs::show))
        .route("/runs/{id}", get(run::show))
        .route("/runs/{id}/cancel", post(run::cancel))
        .route("/runs/{id}/resume", post(run::resume))
        .route("/approvals", get(approvals::show))
        .route(
            "/approvals/{id}",
            get(approval::show).post(approval::answer),
        )
        .route("/account", get(account::show))
        .route("/account/password", post(account::password))
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
