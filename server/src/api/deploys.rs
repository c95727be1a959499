//! Deploys of several files at once: what is deployed now, and other texts for some of its files.

use crate::api::playbooks::{DeployView, answer, origin};
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, IfMatch, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use crate::project::{Deploying, Draft};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The project that runs.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DeployedView {
    /// The revision that runs; absent where the project is served from a folder.
    pub revision: Option<i64>,
    /// `folder`: changed there and read-only here; `store`: deployed through the API.
    pub origin: String,
    /// The texts of its `.play` files by their path.
    pub files: BTreeMap<String, String>,
}

/// Other texts for files of the project.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `files`")]
pub struct NewDeploy {
    /// Texts by path. A path that is not there yet is a new file; null removes one. Files that are not named stay.
    pub files: BTreeMap<String, Option<String>>,
    /// What changes, for the list of revisions.
    pub summary: Option<String>,
}

/// What is deployed
///
/// All files of the project that runs, and the `ETag` that a deploy of several files needs.
#[utoipa::path(get, path = "/deploys", tag = "playbooks",
    operation_id = "readDeployed",
    responses(
        (status = 200, description = "The project that runs", body = DeployedView, headers(("ETag" = String))),
        Refused))]
pub async fn read(State(app): State<App>, auth: Auth) -> Result<Response, Problem> {
    auth.needs_everywhere(Permission::View)?;
    let (live, tag) = app.projects.live_with_tag();
    let view = DeployedView {
        revision: live.revision,
        origin: origin(&app).into(),
        files: live.files.clone(),
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, tag.value());
    Ok((headers, Json(view)).into_response())
}

/// Deploy several files
///
/// Playbooks, guards, steps, queries: whatever the project's files hold, changed together in one revision. They are
/// checked with the whole project. `If-Match` carries the `ETag` of the last read of what is deployed. 201: it runs.
/// 202: it loosens something and waits for a second person. 422: it does not check; `diagnostics` has the findings.
#[utoipa::path(post, path = "/deploys", tag = "playbooks",
    operation_id = "deployFiles", request_body = NewDeploy,
    params(IdempotencyKey,
        ("If-Match" = String, Header, description = "The `ETag` of the last read")),
    responses(
        (status = 201, description = "It is live", body = DeployView, headers(("ETag" = String))),
        (status = 202, description = "It waits for a second person", body = DeployView), Refused))]
pub async fn deploy(
    State(app): State<App>,
    auth: Auth,
    seen: IfMatch,
    Body(new): Body<NewDeploy>,
) -> Result<Response, Problem> {
    auth.needs_everywhere(Permission::Deploy)?;
    let who = Deploying {
        by: auth.0.id.clone(),
        summary: new.summary,
    };
    let draft = Draft::Files(new.files);
    let deployed = app.projects.deploy(draft, Some(&seen), who).await?;
    let mut response = answer(&app, deployed, StatusCode::CREATED);
    let headers = response.headers_mut();
    // Of the whole project, and not of one of its playbooks.
    headers.remove(header::LOCATION);
    headers.insert(header::ETAG, app.projects.live_with_tag().1.value());
    Ok(response)
}
