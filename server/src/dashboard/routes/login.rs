//! The login, the logout and the theme.

use super::page::{render, stranger, theme, theme_cookie};
use crate::api::session;
use crate::app::App;
use crate::dashboard::chrome::{Chrome, Theme};
use crate::dashboard::pages::LoginPage;
use crate::dashboard::pages::login::Hint;
use crate::http::{Query, add_cookie, read_form, whole};
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use serde::Deserialize;
use std::net::SocketAddr;

/// Where to go after the login.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Next {
    next: String,
}

/// The login form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct LoginForm {
    email: String,
    password: String,
    next: String,
}

/// The theme form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ThemeForm {
    theme: String,
    here: String,
    next: String,
}

/// A path of this service, the overview for anything else: a link must not lead away after the login.
pub fn inside(path: &str) -> &str {
    let plain = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.chars().any(char::is_control);
    if plain { path } else { "/" }
}

/// The login's page.
pub async fn show(State(app): State<App>, jar: CookieJar, Query(next): Query<Next>) -> Response {
    let chrome = stranger(&app, theme(&jar), "/login".into(), "Log in");
    render(
        StatusCode::OK,
        &page(&app, chrome, String::new(), inside(&next.next), None),
    )
}

fn page(app: &App, chrome: Chrome, email: String, next: &str, error: Option<String>) -> LoginPage {
    let hints = app.settings.sandbox.iter().flat_map(|s| &s.people);
    LoginPage {
        chrome,
        email,
        next: next.to_owned(),
        error,
        // The origin is checked instead: there is no session yet that could hold a word.
        csrf: String::new(),
        hints: hints
            .map(|(email, password, what)| Hint {
                email: email.clone(),
                password: password.clone(),
                what: what.clone(),
            })
            .collect(),
    }
}

/// Logs in.
pub async fn log_in(
    State(app): State<App>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    jar: CookieJar,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let bytes = whole(body).await?;
    let form: LoginForm = read_form(&bytes)?;
    let next = inside(&form.next);
    match session::begin(&app, &headers, client, &form.email, &form.password).await {
        Ok(logged_in) => {
            let mut response = Redirect::to(next).into_response();
            add_cookie(&mut response, &app.cookies().set(&logged_in.cookie));
            Ok(response)
        }
        Err(problem) => {
            let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::UNAUTHORIZED);
            let chrome = stranger(&app, theme(&jar), "/login".into(), "Log in");
            let page = page(&app, chrome, form.email.clone(), next, Some(problem.detail));
            let mut response = render(status, &page);
            if let Some(seconds) = problem.retry_after_s {
                response
                    .headers_mut()
                    .insert(axum::http::header::RETRY_AFTER, seconds.into());
            }
            Ok(response)
        }
    }
}

/// Logs out. The origin of the request was checked with its credential.
pub async fn log_out(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    session::end(&app, &headers).await?;
    let mut response = Redirect::to("/login").into_response();
    add_cookie(&mut response, &app.cookies().clear());
    Ok(response)
}

/// Light or dark.
pub async fn theme_form(app: &App, form: &ThemeForm) -> Response {
    let to = if form.here.is_empty() {
        &form.next
    } else {
        &form.here
    };
    let mut response = Redirect::to(inside(to)).into_response();
    let cookie = theme_cookie(Theme::named(&form.theme), app.cookies().is_secure());
    add_cookie(&mut response, &cookie);
    response
}

/// Takes the choice of a theme; it harms nobody, so anybody may choose.
pub async fn choose_theme(State(app): State<App>, body: Body) -> Result<Response, Problem> {
    let bytes = whole(body).await?;
    let form: ThemeForm = read_form(&bytes)?;
    Ok(theme_form(&app, &form).await)
}

#[cfg(test)]
mod tests {
    use super::inside;

    #[test]
    fn links_never_lead_away() {
        assert_eq!(inside("/runs?x=1"), "/runs?x=1");
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\nb",
        ] {
            assert_eq!(inside(bad), "/", "{bad}");
        }
    }
}
