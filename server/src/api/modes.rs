//! A playbook's mode, set while the service runs: it overrides source and project file and survives deploys.

use crate::api::playbooks::{PlaybookDetail, detail};
use crate::app::App;
use crate::http::{Auth, Body, IfMatch, Path, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use counterplay_machine::deployment::Mode;
use serde::Deserialize;

/// A mode.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `mode`")]
pub struct NewMode {
    /// `active`: runs act. `simulate`: runs record what they would do. `paused`: no run starts.
    pub mode: ModeName,
}

/// The modes.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ModeName {
    /// Runs act.
    Active,
    /// Runs record what they would do.
    Simulate,
    /// No run starts.
    Paused,
}

/// Set a playbook's mode
///
/// It applies to the next start. `If-Match` carries the `ETag` of the last read.
#[utoipa::path(put, path = "/playbooks/{id}/mode", tag = "playbooks",
    operation_id = "setMode", request_body = NewMode,
    params(("id" = String, Path, description = "The playbook's id"),
        ("If-Match" = String, Header, description = "The `ETag` of the last read")),
    responses(
        (status = 200, description = "The playbook with its mode", body = PlaybookDetail, headers(("ETag" = String))),
        Refused))]
pub async fn set(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    seen: IfMatch,
    Body(new): Body<NewMode>,
) -> Result<Response, Problem> {
    let mode = match new.mode {
        ModeName::Active => Mode::Active,
        ModeName::Simulate => Mode::Simulate,
        ModeName::Paused => Mode::Paused,
    };
    change(&app, &auth, &id, &seen, Some(mode)).await
}

/// Take a mode back
///
/// What the project file or the source says holds again.
#[utoipa::path(delete, path = "/playbooks/{id}/mode", tag = "playbooks",
    operation_id = "clearMode",
    params(("id" = String, Path, description = "The playbook's id"),
        ("If-Match" = String, Header, description = "The `ETag` of the last read")),
    responses(
        (status = 200, description = "The playbook with the mode of its source", body = PlaybookDetail, headers(("ETag" = String))),
        Refused))]
pub async fn clear(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    seen: IfMatch,
) -> Result<Response, Problem> {
    change(&app, &auth, &id, &seen, None).await
}

async fn change(
    app: &App,
    auth: &Auth,
    id: &str,
    seen: &IfMatch,
    mode: Option<Mode>,
) -> Result<Response, Problem> {
    auth.needs_everywhere(Permission::Operate)?;
    let none = || Problem::not_found(format!("there is no playbook `{id}`"));
    seen.check(&app.projects.etag(id).ok_or_else(none)?)?;
    app.engine.set_mode(id, mode, &auth.0.id).await?;
    app.feed.changed("playbooks", "");
    detail(app, &auth.0, id)
}
