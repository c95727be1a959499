//! Requests of browsers in, pages and redirects out.
//!
//! A handler takes a [`Page`] (who looks, from where), asks the store or does what the form says, and answers with
//! a page of [`crate::dashboard::pages`]; what goes wrong becomes the page of an error. Forms come as
//! [`Form`], which has checked their `csrf`.

mod account;
mod answer;
mod approval;
mod approvals;
mod audit;
mod clock;
mod deploys;
mod files;
mod form;
mod letters;
mod live;
mod login;
mod overview;
mod page;
mod pauses;
mod people;
mod playbook;
mod playbooks;
mod rows;
mod run;
mod runs;
mod simulation;
mod sources;

pub use form::Form;
pub use page::{Oops, Page};

use crate::app::App;
use axum::Router;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

/// Every page.
pub fn router() -> Router<App> {
    Router::new()
        .route("/", get(overview::show))
        .route("/runs", get(runs::show))
        .route("/runs/{id}", get(run::show))
        .route("/runs/{id}/cancel", post(run::cancel))
        .route("/runs/{id}/resume", post(run::resume))
        .route("/runs/{id}/settle", post(run::settle))
        .route("/runs/{id}/undo", post(run::undo))
        .route("/approvals", get(approvals::show))
        .route(
            "/approvals/{id}",
            get(approval::show).post(approval::answer),
        )
        .route("/answer/{token}", get(answer::show).post(answer::answer))
        .route("/account", get(account::show))
        .route("/account/password", post(account::password))
        .route("/playbooks", get(playbooks::show))
        .route("/playbooks/{id}", get(playbook::show))
        .route("/playbooks/{id}/mode", post(playbooks::mode))
        .route("/playbooks/{id}/promote", post(playbooks::promote))
        .route("/playbooks/{id}/run", post(playbook::run))
        .route("/playbooks/{id}/simulate", post(playbook::simulate))
        .route("/deploys", get(deploys::list))
        .route(
            "/deploys/{revision}",
            get(deploys::show).post(deploys::decide),
        )
        .route("/audit", get(audit::show))
        .route("/audit/verify", post(audit::verify))
        .route("/dead-letters", get(letters::list))
        .route("/dead-letters/{num}", get(letters::show))
        .route("/dead-letters/{num}/retry", post(letters::retry))
        .route("/dead-letters/{num}/dismiss", post(letters::dismiss))
        .route("/people", get(people::show).post(people::add))
        .route("/people/{num}/disable", post(people::disable))
        .route("/people/{num}/enable", post(people::enable))
        .route("/people/{num}/password", post(people::password))
        .route("/tokens", post(people::add_token))
        .route("/tokens/{num}/revoke", post(people::revoke_token))
        .route("/sources", get(sources::show))
        .route("/clock/confirm", post(clock::confirm))
        .route("/pauses", post(pauses::pause))
        .route("/pauses/remove", post(pauses::unpause))
        .route("/try/{sample}", post(sources::deliver))
        .route("/login", get(login::show).post(login::log_in))
        .route("/logout", post(login::log_out))
        .route("/theme", post(login::choose_theme))
        .route("/live", get(live::live))
        .route("/assets/{file}", get(files::asset))
        .route("/favicon.ico", get(files::favicon))
        .method_not_allowed_fallback(another_method)
}

/// Where only forms lead: who comes back to such an address, or opens it, is led to the page that has the form.
async fn another_method(method: Method, uri: Uri) -> Response {
    match method {
        Method::GET | Method::HEAD => Redirect::to(home(uri.path())).into_response(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

/// The page that has the form which is sent to an address.
fn home(path: &str) -> &str {
    let first = path.split('/').nth(1).unwrap_or_default();
    match first {
        "people" | "tokens" => "/people",
        "runs" | "approvals" | "playbooks" | "account" | "deploys" | "audit" | "dead-letters" => {
            path.rsplit_once('/').map_or("/", |(page, _)| page)
        }
        _ => "/",
    }
}

/// The page for an address that has none.
pub fn nothing_here() -> Response {
    page::nothing_here()
}

#[cfg(test)]
mod tests {
    use super::home;

    #[test]
    fn forms_have_a_page() {
        for (form, page) in [
            ("/playbooks/lost_device/simulate", "/playbooks/lost_device"),
            ("/account/password", "/account"),
            ("/dead-letters/1/retry", "/dead-letters/1"),
            ("/people/3/disable", "/people"),
            ("/tokens", "/people"),
            ("/logout", "/"),
        ] {
            assert_eq!(home(form), page, "{form}");
        }
    }
}
