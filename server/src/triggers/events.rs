//! Events that other systems push in, committed arrivals out. The tenant is the credential's.

use super::cloud_events::{self, Delivery};
use crate::app::App;
use crate::http::{Auth, IdempotencyKey, Path, Refused, whole};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use counterplay_runtime::engine::{Incoming, Receipt};
use serde::Serialize;

/// What was accepted. It is committed: it is matched whatever becomes of this process.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Accepted {
    /// The number of what was accepted: `GET /api/automation/events/{event}` tells what became of it.
    pub event: i64,
    /// Which event it is.
    pub name: String,
    /// Whether it was accepted before under the same source and id; nothing new happens then.
    pub duplicate: bool,
    /// Why nothing will happen, where it is no occurrence (an unchanged value, a key that was seen).
    pub quiet: Option<String>,
    /// Paths of values that no enum member stands for; they were read as `unknown`.
    pub unlisted: Vec<String>,
}

impl From<Receipt> for Accepted {
    fn from(receipt: Receipt) -> Accepted {
        Accepted {
            event: receipt.event,
            name: receipt.name.to_string(),
            duplicate: receipt.duplicate,
            quiet: receipt.quiet,
            unlisted: receipt.unlisted,
        }
    }
}

/// Deliver an event
///
/// Plain JSON, or a CloudEvent 1.0, structured or binary. The tenant is the one that the credential is for. What
/// cannot be read is kept as a dead letter, whose number the problem names.
#[utoipa::path(post, path = "/events/{event}", tag = "triggers",
    operation_id = "deliverEvent",
    params(("event" = String, Path, description = "The event's name, such as `defender.alert`"),
        IdempotencyKey),
    request_body(content(
        (serde_json::Value = "application/json"),
        (serde_json::Value = "application/cloudevents+json"))),
    responses((status = 202, description = "Kept; runs start from it", body = Accepted), Refused))]
pub async fn named(
    State(app): State<App>,
    auth: Auth,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    take(&app, &auth, Some(event), &headers, body).await
}

/// Deliver an event that is recognised by its fields
///
/// As above; a CloudEvent's `type` names the event where it is one that is declared.
#[utoipa::path(post, path = "/events", tag = "triggers",
    operation_id = "deliverRecognisedEvent",
    params(IdempotencyKey),
    request_body(content(
        (serde_json::Value = "application/json"),
        (serde_json::Value = "application/cloudevents+json"))),
    responses((status = 202, description = "Kept; runs start from it", body = Accepted), Refused))]
pub async fn recognised(
    State(app): State<App>,
    auth: Auth,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    take(&app, &auth, None, &headers, body).await
}

async fn take(
    app: &App,
    auth: &Auth,
    event: Option<String>,
    headers: &HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    auth.needs(Permission::Deliver)?;
    let tenant = tenant(app, auth)?;
    let bytes = whole(body).await?;
    let Delivery {
        payload,
        kind,
        source,
    } = cloud_events::read(headers, &bytes)?;
    let program = app.engine.program();
    let declared = kind.filter(|k| program.events.contains_key(k.as_str()));
    let key = headers
        .get("idempotency-key")
        .and_then(|v| v.to_str().ok())
        .map(|key| format!("{} {key}", auth.0.id));
    let incoming = Incoming {
        tenant,
        event: event.or(declared),
        payload,
        source: source.or(key),
    };
    // What another system says is nobody's start; what a person says, or a token that does more than deliver, is theirs.
    let system = !auth.0.is_person() && !auth.0.may(Permission::View);
    let receipt = match system {
        true => app.engine.accept(incoming).await?,
        false => app.engine.accept_by(incoming, &auth.0.id).await?,
    };
    Ok((StatusCode::ACCEPTED, Json(receipt.into())))
}

/// The tenant that a credential stands for.
///
/// # Errors
/// 403 where it stands for several.
pub fn tenant(app: &App, auth: &Auth) -> Result<String, Problem> {
    let deployment = app.engine.deployment();
    let mut mine = deployment
        .tenants
        .keys()
        .filter(|name| auth.0.scope.includes(name));
    match (mine.next(), mine.next()) {
        (Some(one), None) => Ok(one.clone()),
        (None, _) => Err(Problem::forbidden(
            "this credential is for no tenant of the project",
        )),
        (Some(_), Some(_)) => Err(Problem::forbidden(
            "an event's tenant is the one that its credential is for, and this one is for several; create a token for each tenant",
        )),
    }
}
