//! A form that a page of ours sent in, its fields out, once its `csrf` is that of the session.

use super::page::{Oops, Page};
use crate::app::App;
use crate::http::{read_form, whole};
use crate::identity::csrf;
use crate::problem::Problem;
use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;

/// The fields of a form, and who sent it.
pub struct Form<T> {
    /// Who, from where.
    pub page: Page,
    /// The fields.
    pub fields: T,
}

impl<T: DeserializeOwned + Send> FromRequest<App> for Form<T> {
    type Rejection = Oops;

    async fn from_request(request: Request, app: &App) -> Result<Form<T>, Oops> {
        let (mut parts, body) = request.into_parts();
        let page = Page::from_request_parts(&mut parts, app).await?;
        let bytes = match whole(body).await {
            Ok(bytes) => bytes,
            Err(problem) => return Err(page.oops(problem).await),
        };
        // Fields may come more than once: as pairs, then.
        let given: Vec<(String, String)> = read_form(&bytes).unwrap_or_default();
        let word = given
            .iter()
            .find(|(name, _)| name == csrf::FIELD)
            .map_or("", |(_, value)| value.as_str());
        if !csrf::matches(page.csrf(), word) {
            let problem = Problem::forbidden(
                "the form was not made for this session, perhaps because you logged in again meanwhile; go back, load the page anew and send it once more",
            );
            return Err(page.oops(problem).await);
        }
        match read_form(&bytes) {
            Ok(fields) => Ok(Form { page, fields }),
            Err(problem) => Err(page.oops(problem).await),
        }
    }
}

/// What a field says, where it says something.
pub fn given(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
