//! Undoing a run: what it would do, and the wish that it is done.

use crate::api::runs::find;
use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use counterplay_runtime::undo::{Lasting, Plan, Restore};
use serde::{Deserialize, Serialize};

/// What undoing a run would do, and what has become of earlier wishes.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct UndoPlan {
    /// What stays as it is although the run did it.
    pub cannot: Vec<LastingView>,
    /// What needs no undoing.
    pub nothing: Vec<LastingView>,
    /// What is taken back, in this order.
    pub steps: Vec<RestoreView>,
    /// The runs that have undone it or do, in order.
    pub undone_by: Vec<String>,
    /// Why the latest wish was refused, where it was.
    pub refused: Option<String>,
}

/// An action that is not taken back.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct LastingView {
    /// The action, with what it acted on.
    pub action: String,
    /// `notify`, `reversible`, `disruptive`, `destructive`.
    pub impact: Option<String>,
    /// When it was done, RFC 3339.
    #[schema(format = DateTime)]
    pub done_at: String,
    /// Why.
    pub why: String,
}

/// An action that is taken back.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RestoreView {
    /// The action, with what it acted on.
    pub action: String,
    /// When it was done, RFC 3339.
    #[schema(format = DateTime)]
    pub done_at: String,
    /// What was there before, where it is known.
    pub before: Option<String>,
    /// What the run left, where it is known.
    pub after: Option<String>,
    /// What takes it back.
    pub undo: String,
    /// Its impact.
    pub impact: String,
    /// Why people are asked again before it is done, as far as that is known already.
    pub asks_again: Option<String>,
}

/// Who is asked.
#[derive(Clone, Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct NewUndo {
    /// A team, where the project file names none; without one it is the team that approved in the run.
    pub team: Option<String>,
}

fn lasting(lasting: Lasting) -> LastingView {
    LastingView {
        action: lasting.call,
        impact: lasting.impact.map(|i| i.to_string()),
        done_at: time::rfc3339(lasting.at_ms),
        why: lasting.why,
    }
}

fn restore(step: Restore) -> RestoreView {
    RestoreView {
        action: step.call,
        done_at: time::rfc3339(step.at_ms),
        before: step.before,
        after: step.after,
        undo: step.undo_call,
        impact: step.impact.to_string(),
        asks_again: step.doubt,
    }
}

/// What undoing a run would do
///
/// What cannot be taken back comes first, with the reason. Nothing is asked of any service for it.
#[utoipa::path(get, path = "/runs/{id}/undo", tag = "runs",
    operation_id = "planUndo",
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "What would be done", body = UndoPlan), Refused))]
pub async fn plan(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
) -> Result<Json<UndoPlan>, Problem> {
    auth.needs(Permission::View)?;
    let id = find(&app, &auth, &id).await?.info.id;
    let Plan {
        cannot,
        nothing,
        steps,
    } = app.engine.undo_plan(&id).await?;
    let (wishes, _) = app.engine.store().undoings_of(&id).await?;
    Ok(Json(UndoPlan {
        cannot: cannot.into_iter().map(lasting).collect(),
        nothing: nothing.into_iter().map(lasting).collect(),
        steps: steps.into_iter().map(restore).collect(),
        refused: wishes.last().and_then(|w| w.refused.clone()),
        undone_by: wishes.into_iter().filter_map(|w| w.run).collect(),
    }))
}

/// Undo a run
///
/// By a run of its own, which asks for leave first. Its id stands under `undone_by` of the plan as soon as the engine has
/// taken the wish up.
#[utoipa::path(post, path = "/runs/{id}/undo", tag = "runs",
    operation_id = "undoRun", request_body = NewUndo,
    params(("id" = String, Path, description = "The run's id"),
        IdempotencyKey),
    responses((status = 202, description = "It is undone as soon as the engine takes it up and people agree"), Refused))]
pub async fn undo(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    Body(new): Body<NewUndo>,
) -> Result<StatusCode, Problem> {
    auth.needs(Permission::Operate)?;
    let id = find(&app, &auth, &id).await?.info.id;
    app.engine.undo(&id, &auth.0.id, new.team).await?;
    Ok(StatusCode::ACCEPTED)
}
