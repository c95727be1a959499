//! Dead letters: what could not be used, tried again or put aside.

use crate::api::{start, time};
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Query, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use counterplay_runtime::store::{DeadLetter, LetterFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An object that could not be used.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LetterView {
    /// Its number.
    pub letter: i64,
    /// The tenant.
    pub tenant: String,
    /// The event or playbook, where it is known.
    pub name: Option<String>,
    /// Why it could not be used.
    pub reason: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// The object as it came.
    #[schema(value_type = Value)]
    pub payload: Value,
    /// `open`, `replayed`, `dismissed`.
    pub state: String,
    /// Who tried it again or put it aside.
    pub decided_by: Option<String>,
    /// The event that it became.
    pub event: Option<i64>,
}

/// A page of dead letters.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LetterPage {
    /// The latest first.
    pub letters: Vec<LetterView>,
    /// What `cursor` gets for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which dead letters.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct LetterQuery {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Also those that were tried again or put aside.
    pub all: Option<bool>,
    /// What the page before gave as `next`.
    pub cursor: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// Why a letter is put aside.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `why`")]
pub struct Dismissal {
    /// The reason, for the audit trail.
    pub why: String,
}

/// List dead letters
#[utoipa::path(get, path = "/dead-letters", tag = "records",
    operation_id = "listLetters", params(LetterQuery),
    responses((status = 200, description = "Dead letters, the latest first", body = LetterPage), Refused))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<LetterQuery>,
) -> Result<Json<LetterPage>, Problem> {
    auth.needs(Permission::View)?;
    let filter = LetterFilter {
        tenants: auth.tenants(),
        tenant: query.tenant,
        open: !query.all.unwrap_or(false),
        before: query.cursor,
        limit: start::limit(query.limit)?,
    };
    let page = app.engine.store().letter_page(filter).await?;
    Ok(Json(LetterPage {
        letters: page.items.into_iter().map(view).collect(),
        next: page.next.map(|n| n.to_string()),
    }))
}

/// One dead letter
#[utoipa::path(get, path = "/dead-letters/{letter}", tag = "records",
    operation_id = "readLetter",
    params(("letter" = i64, Path, description = "Its number")),
    responses((status = 200, description = "The letter, with what arrived", body = LetterView), Refused))]
pub async fn read(
    State(app): State<App>,
    auth: Auth,
    Path(letter): Path<i64>,
) -> Result<Json<LetterView>, Problem> {
    auth.needs(Permission::View)?;
    Ok(Json(view(find(&app, &auth, letter).await?)))
}

/// A dead letter of the caller's tenants.
///
/// # Errors
/// 404 where there is none.
pub async fn find(app: &App, auth: &Auth, letter: i64) -> Result<DeadLetter, Problem> {
    let found = app.engine.store().letter(letter, auth.tenants()).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no dead letter {letter}")))
}

/// Try a dead letter again
///
/// The same object is read again, for instance after the playbook or the event was mended. 422: it still does
/// not fit, and the letter stays.
#[utoipa::path(post, path = "/dead-letters/{letter}/replay", tag = "records",
    operation_id = "replayLetter",
    params(("letter" = i64, Path, description = "Its number"),
        IdempotencyKey),
    responses(
        (status = 202, description = "Taken again, as an arrival of its own", body = start::ArrivalView, headers(("Location" = String))),
        Refused))]
pub async fn replay(
    State(app): State<App>,
    auth: Auth,
    Path(letter): Path<i64>,
) -> Result<Response, Problem> {
    auth.needs(Permission::Operate)?;
    let found = find(&app, &auth, letter).await?;
    let receipt = app.engine.replay_letter(letter, &auth.0.id).await?;
    app.feed.changed("letters", &found.tenant);
    start::accepted(&app, receipt.event, &found.tenant).await
}

/// Put a dead letter aside
#[utoipa::path(post, path = "/dead-letters/{letter}/dismiss", tag = "records",
    operation_id = "dismissLetter", request_body = Dismissal,
    params(("letter" = i64, Path, description = "Its number"),
        IdempotencyKey),
    responses((status = 204, description = "It is off the list"), Refused))]
pub async fn dismiss(
    State(app): State<App>,
    auth: Auth,
    Path(letter): Path<i64>,
    Body(dismissal): Body<Dismissal>,
) -> Result<StatusCode, Problem> {
    auth.needs(Permission::Operate)?;
    let found = find(&app, &auth, letter).await?;
    let why = dismissal.why.trim();
    if why.is_empty() {
        return Err(Problem::unprocessable("say in `why` why it is put aside").with("path", "why"));
    }
    app.engine.dismiss_letter(letter, &auth.0.id, why).await?;
    app.feed.changed("letters", &found.tenant);
    Ok(StatusCode::NO_CONTENT)
}

fn view(letter: DeadLetter) -> LetterView {
    let (state, decided_by, event) = match (letter.replayed, letter.dismissed) {
        (Some((_, by, event)), _) => ("replayed", Some(by), Some(event)),
        (None, Some((_, by, _))) => ("dismissed", Some(by), letter.event),
        (None, None) => ("open", None, letter.event),
    };
    LetterView {
        letter: letter.num,
        tenant: letter.tenant,
        name: letter.name,
        reason: letter.reason,
        at: time::rfc3339(letter.at_ms),
        payload: letter.payload,
        state: state.into(),
        decided_by,
        event,
    }
}
