//! Manual starts in, accepted arrivals and the runs that they started out.

use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Query, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::schedule::is_schedule;
use counterplay_runtime::store::{EventFilter, EventInfo};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::time::Duration;

/// How long an answer waits for the arrival to be matched, so that it can name the run.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(20);

/// A start by hand.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `values`")]
pub struct Start {
    /// The tenant; may be left out by who has just one.
    pub tenant: Option<String>,
    /// The values by name, as the playbook's trigger lists them. Left out to fire a schedule now.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub values: Option<Map<String, Value>>,
}

/// Something that was accepted and may start runs.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ArrivalView {
    /// Its number.
    pub event: i64,
    /// The tenant.
    pub tenant: String,
    /// `event`, `schedule`, `manual` or `webhook`.
    pub kind: String,
    /// The event, or the playbook that was started.
    pub name: String,
    /// When it was accepted, RFC 3339.
    #[schema(format = DateTime)]
    pub received_at: String,
    /// `accepted`, `matched`, `dead`.
    pub state: String,
    /// The runs that it started.
    pub runs: Vec<String>,
    /// The runs that it would have repeated.
    pub repeats: Vec<String>,
    /// Why playbooks did not start, one line each.
    pub notes: Option<String>,
}

/// A page of what was accepted.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ArrivalPage {
    /// The latest first.
    pub events: Vec<ArrivalView>,
    /// What `cursor` gets for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which arrivals.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ArrivalQuery {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this event or playbook.
    pub name: Option<String>,
    /// What the page before gave as `next`.
    pub cursor: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// The most rows of a page.
pub const LIMIT_MAX: u32 = 200;

/// The number of rows of a page.
///
/// # Errors
/// 400 where it is out of bounds.
pub fn limit(asked: Option<u32>) -> Result<Option<u32>, Problem> {
    match asked {
        Some(n) if n == 0 || n > LIMIT_MAX => Err(Problem::bad_request(format!(
            "`limit` is a number from 1 to {LIMIT_MAX}"
        ))),
        _ => Ok(Some(asked.unwrap_or(50))),
    }
}

/// The tenant that was named, or the only one that the caller may act for.
///
/// # Errors
/// 422 where none was named and there are several, 404 where it is not theirs.
pub fn tenant(
    app: &App,
    auth: &Auth,
    permission: Permission,
    named: Option<&str>,
) -> Result<String, Problem> {
    let deployment = app.engine.deployment();
    let mine: Vec<&String> = deployment
        .tenants
        .keys()
        .filter(|name| auth.0.scope.includes(name))
        .collect();
    match (named, mine.as_slice()) {
        (Some(name), _) => {
            auth.needs_in(permission, name)?;
            if !deployment.tenants.contains_key(name) {
                return Err(Problem::not_found(format!("there is no tenant `{name}`")));
            }
            Ok(name.to_owned())
        }
        (None, [one]) => {
            auth.needs_in(permission, one)?;
            Ok((*one).clone())
        }
        (None, []) => Err(Problem::not_found(
            "there is no tenant that you may act for",
        )),
        (None, several) => {
            let names: Vec<&str> = several.iter().map(|n| n.as_str()).collect();
            Err(Problem::unprocessable(format!(
                "say for which `tenant`: {}",
                names.join(", ")
            )))
        }
    }
}

/// Start a playbook
///
/// The start is committed before the answer; `runs` names the run where it has begun by then, and the address
/// in `Location` tells later.
#[utoipa::path(post, path = "/playbooks/{id}/run", tag = "playbooks",
    operation_id = "startPlaybook", request_body = Start,
    params(("id" = String, Path, description = "The playbook's id"),
        IdempotencyKey),
    responses(
        (status = 202, description = "Taken; `runs` names what has started", body = ArrivalView, headers(("Location" = String))),
        Refused))]
pub async fn run(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    Body(start): Body<Start>,
) -> Result<Response, Problem> {
    auth.needs(Permission::Operate)?;
    let tenant = tenant(&app, &auth, Permission::Operate, start.tenant.as_deref())?;
    let event = begin(&app, &auth, &id, &tenant, start.values).await?;
    accepted(&app, event, &tenant).await
}

/// Starts a playbook by hand, or fires its schedule where it has no form and no values were given.
///
/// # Errors
/// When it cannot be started like this.
pub async fn begin(
    app: &App,
    auth: &Auth,
    playbook: &str,
    tenant: &str,
    values: Option<Map<String, Value>>,
) -> Result<i64, Problem> {
    let program = app.engine.program();
    let scheduled = program.playbooks.get(playbook).is_some_and(|p| {
        let manual = p
            .triggers
            .iter()
            .any(|t| matches!(t.kind, TriggerKind::Manual(_)));
        let timed = p.triggers.iter().any(|t| is_schedule(&t.kind));
        timed && !manual
    });
    let by = Some(auth.0.id.clone());
    let receipt = match values {
        None if scheduled => app.engine.tick_now(playbook, tenant, by).await?,
        values => {
            let values = values.unwrap_or_default();
            app.engine
                .start_manual(playbook, tenant, values, by)
                .await?
        }
    };
    Ok(receipt.event)
}

/// The answer to something that was accepted, with its runs if they begin soon.
///
/// # Errors
/// When the store cannot be read.
pub async fn accepted(app: &App, event: i64, tenant: &str) -> Result<Response, Problem> {
    let info = matched(app, event, tenant, PATIENCE).await?;
    let mut headers = HeaderMap::new();
    if let Ok(place) = HeaderValue::from_str(&format!("/api/automation/events/{event}")) {
        headers.insert(header::LOCATION, place);
    }
    Ok((StatusCode::ACCEPTED, headers, Json(view(info))).into_response())
}

/// An arrival, once it is matched or patience ends.
///
/// # Errors
/// When the store cannot be read.
pub async fn matched(
    app: &App,
    event: i64,
    tenant: &str,
    patience: Duration,
) -> Result<EventInfo, Problem> {
    let until = tokio::time::Instant::now() + patience;
    let tenants = vec![tenant.to_owned()];
    loop {
        let info = app
            .engine
            .store()
            .event(event, Some(tenants.clone()))
            .await?;
        match info {
            None => return Err(Problem::internal()),
            Some(info) if info.state != "accepted" => return Ok(info),
            Some(info) if tokio::time::Instant::now() >= until => return Ok(info),
            Some(_) => tokio::time::sleep(LOOK).await,
        }
    }
}

fn view(info: EventInfo) -> ArrivalView {
    ArrivalView {
        event: info.num,
        tenant: info.tenant,
        kind: info.kind.name().into(),
        name: info.name,
        received_at: time::rfc3339(info.received_ms),
        state: info.state.into(),
        runs: info.started,
        repeats: info.repeated,
        notes: info.notes,
    }
}

/// List what was accepted
#[utoipa::path(get, path = "/events", tag = "runs",
    operation_id = "listArrivals", params(ArrivalQuery),
    responses((status = 200, description = "Arrivals, the latest first", body = ArrivalPage), Refused))]
pub async fn arrivals(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<ArrivalQuery>,
) -> Result<Json<ArrivalPage>, Problem> {
    auth.needs(Permission::View)?;
    let filter = EventFilter {
        tenants: auth.tenants(),
        tenant: query.tenant,
        name: query.name,
        before: query.cursor,
        limit: limit(query.limit)?,
        ..EventFilter::default()
    };
    let page = app.engine.store().event_page(filter).await?;
    Ok(Json(ArrivalPage {
        events: page.items.into_iter().map(view).collect(),
        next: page.next.map(|n| n.to_string()),
    }))
}

/// One accepted event
#[utoipa::path(get, path = "/events/{event}", tag = "runs",
    operation_id = "readArrival",
    params(("event" = i64, Path, description = "Its number")),
    responses(
        (status = 200, description = "The arrival, with the runs that it started", body = ArrivalView),
        Refused))]
pub async fn arrival(
    State(app): State<App>,
    auth: Auth,
    Path(event): Path<i64>,
) -> Result<Json<ArrivalView>, Problem> {
    auth.needs(Permission::View)?;
    let info = app.engine.store().event(event, auth.tenants()).await?;
    info.map(|i| Json(view(i)))
        .ok_or_else(|| Problem::not_found(format!("there is no event {event}")))
}
