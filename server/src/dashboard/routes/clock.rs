//! Somebody says that the clock is right, from the page of sources.

use super::{Form, Oops};
use crate::api::clock;
use axum::response::Response;
use serde::Deserialize;

/// Nothing but the form's token.
#[derive(Debug, Deserialize)]
pub struct Confirmed {}

/// `POST /clock/confirm`.
///
/// # Errors
/// The page of what went wrong.
pub async fn confirm(form: Form<Confirmed>) -> Result<Response, Oops> {
    let Form { page, fields: _ } = form;
    Ok(match clock::agree(&page.app, &page.auth).await {
        Ok(_) => page.back(
            "/sources",
            "The clock is right: timers and schedules go on.",
        ),
        Err(problem) => page.back_with_problem("/sources", &problem),
    })
}
