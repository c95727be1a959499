//! The viewer's own account, and another password for it.

use super::{Form, Oops, Page};
use crate::api::session::cookie;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::AccountPage;
use crate::identity::SHORTEST;
use crate::problem::Problem;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;
use std::net::SocketAddr;

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct NewPassword {
    current: String,
    new: String,
    again: String,
}

/// `/account`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(headers: HeaderMap, page: Page) -> Result<Response, Oops> {
    let made = make(&page, &headers, None).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(
    page: &Page,
    headers: &HeaderMap,
    error: Option<String>,
) -> Result<AccountPage, Problem> {
    let who = page.who();
    let deployment = page.app.engine.deployment();
    let teams = deployment
        .teams
        .iter()
        .filter(|(_, team)| team.members.iter().any(|m| m.eq_ignore_ascii_case(&who.id)))
        .map(|(name, _)| name.clone())
        .collect();
    let cookie = cookie(headers, page.app.cookies()).ok_or_else(ended)?;
    Ok(AccountPage {
        chrome: page.chrome(Area::Account, "Your account").await,
        tenants: match who.scope.names() {
            None => "every tenant".into(),
            Some(names) => names.join(", "),
        },
        teams,
        password_min: SHORTEST,
        error,
        sessions: page.app.identity.logins(&cookie).await?,
    })
}

fn ended() -> Problem {
    Problem::unauthorized("the session has ended; log in again")
}

/// `POST /account/password`.
///
/// # Errors
/// The page of what went wrong.
pub async fn password(
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    form: Form<NewPassword>,
) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let changed = async {
        if fields.new != fields.again {
            return Err(Problem::unprocessable(
                "the new password was not typed twice in the same way",
            ));
        }
        let cookie = cookie(&headers, page.app.cookies()).ok_or_else(ended)?;
        page.app
            .identity
            .change_password(&cookie, &fields.current, &fields.new, client.ip())
            .await?;
        Ok(())
    };
    match changed.await {
        Ok(()) => Ok(page.back(
            "/account",
            "Your password is another one now. Your other sessions have ended.",
        )),
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
            let made = make(&page, &headers, Some(problem.detail)).await;
            let made = page.or_oops(made).await?;
            Ok(super::page::render(status, &made))
        }
    }
}
