//! What people have paused: everything, a tenant or a playbook. No call is sent for it until they let it go on.

use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Query, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use counterplay_runtime::brake::Scope;
use counterplay_runtime::store::Pause;
use counterplay_runtime::undo::PLAYBOOK as UNDO;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// For how long the engine is waited for: it waits ten seconds for what is under way.
const PATIENCE: Duration = Duration::from_secs(12);
/// How often to look.
const LOOK: Duration = Duration::from_millis(25);

/// Something that is paused.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PauseView {
    /// The tenant, where one is paused.
    pub tenant: Option<String>,
    /// The playbook, where one is paused; with neither it is everything.
    pub playbook: Option<String>,
    /// Who said so.
    pub by: String,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// Why.
    pub because: Option<String>,
    /// Whether the engine has heard of it: nothing has been sent since.
    pub heard: bool,
    /// How many calls that were sent before had no answer ten seconds later.
    pub under_way: u32,
}

/// What is paused.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PauseList {
    /// Everything first, then playbooks and tenants by name.
    pub pauses: Vec<PauseView>,
}

/// What is to be paused: everything, unless one of these is given.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with `all`, `tenant` or `playbook`"
)]
pub struct NewPause {
    /// True for everything.
    pub all: bool,
    /// A tenant's name.
    pub tenant: Option<String>,
    /// A playbook's id.
    pub playbook: Option<String>,
    /// Why, for those who ask later.
    pub because: Option<String>,
}

/// What goes on again.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct PauseQuery {
    /// True for everything that was paused as that.
    pub all: bool,
    /// A tenant's name.
    pub tenant: Option<String>,
    /// A playbook's id.
    pub playbook: Option<String>,
}

/// List what is paused
#[utoipa::path(get, path = "/pauses", tag = "records",
    operation_id = "listPauses",
    responses((status = 200, description = "What is paused", body = PauseList), Refused))]
pub async fn list(State(app): State<App>, auth: Auth) -> Result<Json<PauseList>, Problem> {
    auth.needs(Permission::View)?;
    let pauses = seen(&app, &auth).await?.into_iter().map(view).collect();
    Ok(Json(PauseList { pauses }))
}

/// Pause
///
/// The answer comes when nothing of it is under way any more, or after ten seconds: after it no call, question or
/// message of what is paused is sent, and no list is read. Events are taken, timers and answers count, and runs stop at their next call.
#[utoipa::path(post, path = "/pauses", tag = "records",
    operation_id = "pause", request_body = NewPause, params(IdempotencyKey),
    responses((status = 200, description = "It is paused", body = PauseView), Refused))]
pub async fn pause(
    State(app): State<App>,
    auth: Auth,
    Body(new): Body<NewPause>,
) -> Result<Json<PauseView>, Problem> {
    auth.needs(Permission::Operate)?;
    let scope = scope(new.all, new.tenant, new.playbook)?;
    allowed(&app, &auth, &scope).await?;
    let because = new
        .because
        .as_deref()
        .map(str::trim)
        .filter(|b| !b.is_empty());
    Ok(Json(view(set(&app, &auth.0.id, scope, because).await?)))
}

/// Let go on
#[utoipa::path(delete, path = "/pauses", tag = "records",
    operation_id = "unpause", params(PauseQuery),
    responses((status = 200, description = "What is still paused", body = PauseList), Refused))]
pub async fn unpause(
    State(app): State<App>,
    auth: Auth,
    Query(which): Query<PauseQuery>,
) -> Result<Json<PauseList>, Problem> {
    auth.needs(Permission::Operate)?;
    let scope = scope(which.all, which.tenant, which.playbook)?;
    release(&app, &auth, scope).await?;
    list(State(app), auth).await
}

/// Pauses something, and waits for the engine.
///
/// # Errors
/// When the store fails, or the engine does not hear of it.
pub async fn set(
    app: &App,
    by: &str,
    scope: Scope,
    because: Option<&str>,
) -> Result<Pause, Problem> {
    let store = app.engine.store();
    store
        .pause(scope.clone(), by, because, app.clock.now_ms())
        .await?;
    app.feed.changed("pauses", "");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let pauses = store.pauses().await?;
        if let Some(pause) = pauses.into_iter().find(|p| p.scope == scope && p.heard) {
            return Ok(pause);
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(Problem::unavailable(
        "the engine has not heard of it within twelve seconds; it counts as soon as it does",
    ))
}

/// Lets something go on.
///
/// # Errors
/// Who may not; 404 where it is not paused.
pub async fn release(app: &App, auth: &Auth, scope: Scope) -> Result<(), Problem> {
    may(auth, &scope)?;
    let store = app.engine.store();
    let now = app.clock.now_ms();
    if !store.unpause(scope.clone(), &auth.0.id, now).await? {
        return Err(Problem::not_found(format!("{scope} is not paused")));
    }
    app.feed.changed("pauses", "");
    Ok(())
}

/// What is paused, as far as somebody may know.
///
/// # Errors
/// When the store cannot be read.
pub async fn seen(app: &App, auth: &Auth) -> Result<Vec<Pause>, Problem> {
    let mut pauses = app.engine.store().pauses().await?;
    pauses.retain(|p| match &p.scope {
        Scope::Tenant(name) => auth.0.scope.includes(name),
        Scope::All | Scope::Playbook(_) => true,
    });
    Ok(pauses)
}

/// Whether somebody may pause this, and it is there: a pause of nothing would let people believe that something
/// has stopped. What a deploy has removed is there as long as a run of it is open.
///
/// # Errors
/// 403 or 404.
pub async fn allowed(app: &App, auth: &Auth, scope: &Scope) -> Result<(), Problem> {
    may(auth, scope)?;
    let stoppable = stoppable(app).await?;
    let (what, name, there) = match scope {
        Scope::All => return Ok(()),
        Scope::Tenant(name) => ("tenant", name, stoppable.tenants.contains(name)),
        Scope::Playbook(id) => {
            let there = id == UNDO || stoppable.playbooks.contains(id);
            ("playbook", id, there)
        }
    };
    match there {
        true => Ok(()),
        false => Err(Problem::not_found(format!("there is no {what} `{name}`"))),
    }
}

/// What may act: what is deployed, and what has an open run.
pub struct Stoppable {
    /// The playbooks' ids.
    pub playbooks: BTreeSet<String>,
    /// The tenants' names.
    pub tenants: BTreeSet<String>,
}

/// What may act, and is there to be paused.
///
/// # Errors
/// When the store cannot be read.
pub async fn stoppable(app: &App) -> Result<Stoppable, Problem> {
    let (mut playbooks, mut tenants) = app.engine.store().that_run(true).await?;
    let (program, deployment) = (app.engine.program(), app.engine.deployment());
    playbooks.extend(program.playbooks.keys().map(ToString::to_string));
    tenants.extend(deployment.tenants.keys().cloned());
    Ok(Stoppable { playbooks, tenants })
}

/// Whether somebody may pause this and let it go on.
///
/// # Errors
/// 403 where they may not, 404 for another's tenant.
pub fn may(auth: &Auth, scope: &Scope) -> Result<(), Problem> {
    match scope {
        Scope::Tenant(name) => auth.needs_in(Permission::Operate, name),
        Scope::All | Scope::Playbook(_) => auth.needs_everywhere(Permission::Operate),
    }
}

/// The one thing that is named.
///
/// # Errors
/// 422 where it is none or several.
pub fn scope(
    all: bool,
    tenant: Option<String>,
    playbook: Option<String>,
) -> Result<Scope, Problem> {
    match (all, tenant, playbook) {
        (true, None, None) => Ok(Scope::All),
        (false, Some(name), None) => Ok(Scope::Tenant(name)),
        (false, None, Some(id)) => Ok(Scope::Playbook(id)),
        _ => Err(Problem::unprocessable(
            "name one thing: `all` as true, a `tenant` or a `playbook`",
        )),
    }
}

fn view(pause: Pause) -> PauseView {
    let (tenant, playbook) = match pause.scope {
        Scope::All => (None, None),
        Scope::Tenant(name) => (Some(name), None),
        Scope::Playbook(id) => (None, Some(id)),
    };
    PauseView {
        tenant,
        playbook,
        by: pause.by,
        at: super::time::maybe(Some(pause.at_ms)),
        because: pause.why,
        heard: pause.heard,
        under_way: pause.under_way,
    }
}
