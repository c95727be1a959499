//! Whether the clock is trusted: where it was set, or nothing was done for a day, timers wait until a person confirms it.

use crate::app::App;
use crate::http::{Auth, IdempotencyKey, Refused};
use crate::identity::{Permission, Scope};
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use counterplay_runtime::store::TimeHold;
use serde::Serialize;

/// The clock.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ClockView {
    /// What it shows, RFC 3339.
    #[schema(format = DateTime)]
    pub now: Option<String>,
    /// Why timers and schedules wait, where they do.
    pub held: Option<ClockHold>,
    /// What is overdue; told to who may act for every tenant.
    pub overdue: Option<OverdueView>,
}

/// Timers and schedules wait until somebody says that the clock is right.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ClockHold {
    /// Since when, as the clock showed then, RFC 3339.
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// Why.
    pub because: String,
}

/// What is overdue by what the clock shows.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct OverdueView {
    /// Waits of runs.
    pub timers: i64,
    /// Approvals and questions whose time is over.
    pub approvals: i64,
}

/// Read the clock
#[utoipa::path(get, path = "/clock", tag = "records",
    operation_id = "readClock",
    responses((status = 200, description = "What it shows, and whether timers wait", body = ClockView), Refused))]
pub async fn read(State(app): State<App>, auth: Auth) -> Result<Json<ClockView>, Problem> {
    auth.needs(Permission::View)?;
    let store = app.engine.store();
    let now = app.clock.now_ms();
    let overdue = match auth.0.scope {
        Scope::All => Some(store.overdue(now).await?),
        Scope::Tenants(_) => None,
    };
    Ok(Json(ClockView {
        now: super::time::maybe(Some(now)),
        held: store.time_hold().await?.map(|hold| ClockHold {
            since: super::time::maybe(Some(hold.since_ms)),
            because: hold.to_string(),
        }),
        overdue: overdue.map(|o| OverdueView {
            timers: o.timers,
            approvals: o.approvals,
        }),
    }))
}

/// Confirm the clock
///
/// Somebody says that the clock is right: timers and schedules go on, and what is overdue is done, ten in a second. 409 where
/// nothing waits.
#[utoipa::path(post, path = "/clock/confirm", tag = "records",
    operation_id = "confirmClock", params(IdempotencyKey),
    responses((status = 200, description = "Timers go on", body = ClockView), Refused))]
pub async fn confirm(State(app): State<App>, auth: Auth) -> Result<Json<ClockView>, Problem> {
    agree(&app, &auth).await?;
    read(State(app), auth).await
}

/// Lets timers go on.
///
/// # Errors
/// Who may not; 409 where nothing waits.
pub async fn agree(app: &App, auth: &Auth) -> Result<TimeHold, Problem> {
    auth.needs_everywhere(Permission::Operate)?;
    let store = app.engine.store();
    let confirmed = store.confirm_time(&auth.0.id, app.clock.now_ms()).await?;
    app.feed.changed("pauses", "");
    confirmed.map(|c| c.hold).ok_or_else(|| {
        Problem::conflict("timers do not wait: nobody has to say that the clock is right")
    })
}
