//! A playbook and the version that somebody has looked at; that version acting everywhere.

use crate::api::playbooks::{PlaybookDetail, detail};
use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use counterplay_runtime::store::Version;
use serde::{Deserialize, Serialize};

/// Whether the deployed version acts everywhere.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct CanaryView {
    /// The tenant group that the version acts for until somebody promotes it.
    pub group: String,
    /// Whether it acts for every tenant.
    pub promoted: bool,
    /// Who promoted it; absent where it acted before the playbook had a canary.
    pub promoted_by: Option<String>,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub promoted_at: Option<String>,
    /// The version that acts for everybody else meanwhile; absent where it is promoted, or where for them
    /// everything is only simulated.
    pub elsewhere: Option<String>,
}

/// What is promoted.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `version`")]
pub struct NewPromotion {
    /// The version that was looked at, as the playbook's `version` says it. Where another one is deployed by now,
    /// nothing is promoted.
    pub version: String,
}

/// Promote a playbook's version
///
/// From its next start on the deployed version acts for every tenant, and not only for those of its canary. By
/// someone who is logged in: a token does not count.
#[utoipa::path(post, path = "/playbooks/{id}/promotion", tag = "playbooks",
    operation_id = "promote", request_body = NewPromotion,
    params(("id" = String, Path, description = "The playbook's id"), IdempotencyKey),
    responses(
        (status = 200, description = "The playbook, whose version acts everywhere", body = PlaybookDetail, headers(("ETag" = String))),
        Refused))]
pub async fn promote(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    Body(new): Body<NewPromotion>,
) -> Result<Response, Problem> {
    auth.needs_everywhere(Permission::Deploy)?;
    if !auth.0.is_person() {
        return Err(Problem::forbidden(
            "a person promotes a version: log in with your own account, a token does not count",
        ));
    }
    app.engine.promote(&id, &new.version, &auth.0.id).await?;
    app.feed.changed("playbooks", "");
    detail(&app, &auth.0, &id)
}

/// What is said of a playbook's version; nothing where it has no canary.
pub fn view(app: &App, playbook: &str) -> Option<CanaryView> {
    let version = app.engine.version(playbook)?;
    let elsewhere = acts_elsewhere(app, &version);
    let promoted = version.promoted.as_ref();
    Some(CanaryView {
        promoted: promoted.is_some(),
        promoted_by: promoted.and_then(|p| p.by.clone()),
        promoted_at: time::maybe(promoted.map(|p| p.at_ms)),
        elsewhere,
        group: version.group,
    })
}

/// The version that acts where this one does not.
pub fn acts_elsewhere(app: &App, version: &Version) -> Option<String> {
    let waits = version.promoted.is_none() && app.engine.former_acts(&version.playbook);
    let before = version.before.as_ref().filter(|_| waits);
    before.map(|before| before.version.clone())
}
