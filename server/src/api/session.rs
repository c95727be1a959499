//! Logins of people through the API: a cookie for the session, and the value that proves that a request is theirs.

use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, Refused, add_cookie};
use crate::identity::{Caller, Cookies, LoggedIn, Principal, csrf};
use crate::problem::Problem;
use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use counterplay_runtime::store::NewAudit;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::net::SocketAddr;

/// A login.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `email` and `password`"
)]
pub struct Login {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Who is logged in.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct SessionView {
    /// The e-mail address, or `token:NAME`.
    pub id: String,
    /// The name for people.
    pub name: String,
    /// What they are trusted with.
    pub roles: Vec<String>,
    /// Their tenants; absent for every tenant.
    pub tenants: Option<Vec<String>>,
    /// What requests that change something carry in `X-CSRF-Token`; absent for tokens.
    pub csrf: Option<String>,
    /// When the session ends at the latest, RFC 3339; only in the answer to a login.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}

fn view(who: &Principal, expires_ms: Option<i64>) -> SessionView {
    SessionView {
        id: who.id.clone(),
        name: who.name.clone(),
        roles: who.roles.iter().map(|r| r.name().to_owned()).collect(),
        tenants: who.scope.names(),
        csrf: match &who.caller {
            Caller::Person { csrf, .. } => Some(csrf.clone()),
            _ => None,
        },
        expires_at: time::maybe(expires_ms),
    }
}

/// Who am I
#[utoipa::path(get, path = "/session", tag = "access",
    operation_id = "readSession",
    responses((status = 200, description = "Who asks, and what they may do", body = SessionView), Refused))]
pub async fn read(auth: Auth) -> Json<SessionView> {
    Json(view(&auth.0, None))
}

/// Log in
///
/// Sets the session's cookie; `csrf` is what later requests carry in `X-CSRF-Token`.
#[utoipa::path(post, path = "/session", tag = "access",
    operation_id = "logIn", request_body = Login, security(()),
    responses(
        (status = 201, description = "A session, with the value that requests of it carry", body = SessionView, headers(("Set-Cookie" = String))),
        Refused))]
pub async fn login(
    State(app): State<App>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, Problem> {
    let session = begin(&app, &headers, client, &login.email, &login.password).await?;
    let view = view(&session.principal, Some(session.expires_ms));
    let mut response = (StatusCode::CREATED, Json(view)).into_response();
    add_cookie(&mut response, &app.cookies().set(&session.cookie));
    Ok(response)
}

/// Begins a session and records how it went.
///
/// # Errors
/// When it is not right, or tried too often.
pub async fn begin(
    app: &App,
    headers: &HeaderMap,
    client: SocketAddr,
    email: &str,
    password: &str,
) -> Result<LoggedIn, Problem> {
    // Otherwise another site could log its visitors in as somebody else.
    if !csrf::says_nothing(headers) {
        csrf::same_origin(headers, &app.settings.public_url).map_err(Problem::forbidden)?;
    }
    let logged_in = app.identity.log_in(email, password, client.ip()).await;
    let (actor, action) = match &logged_in {
        Ok(session) => (session.principal.id.clone(), "login.succeeded"),
        Err(_) => (email.trim().to_lowercase(), "login.failed"),
    };
    let audit = NewAudit {
        at_ms: app.clock.now_ms(),
        tenant: String::new(),
        actor,
        action: action.into(),
        run: None,
        object: None,
        detail: json!({"client": client.ip().to_string()}),
    };
    app.record(audit).await?;
    Ok(logged_in?)
}

/// Log out
#[utoipa::path(delete, path = "/session", tag = "access",
    operation_id = "logOut",
    responses((status = 204, description = "The session has ended", headers(("Set-Cookie" = String))), Refused))]
pub async fn logout(
    State(app): State<App>,
    auth: Auth,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if !auth.0.is_person() {
        return Err(Problem::forbidden(
            "a token has no session; an administrator revokes tokens",
        ));
    }
    end(&app, &headers).await?;
    let mut response = StatusCode::NO_CONTENT.into_response();
    add_cookie(&mut response, &app.cookies().clear());
    Ok(response)
}

/// Ends the session of a request.
///
/// # Errors
/// When the store cannot be written.
pub async fn end(app: &App, headers: &HeaderMap) -> Result<(), Problem> {
    if let Some(cookie) = cookie(headers, app.cookies()) {
        app.identity.log_out(&cookie).await?;
    }
    Ok(())
}

/// The session's cookie of a request.
pub fn cookie(headers: &HeaderMap, cookies: Cookies) -> Option<String> {
    match crate::identity::credential(headers, cookies) {
        crate::identity::Credential::Cookie(value) => Some(value),
        _ => None,
    }
}
