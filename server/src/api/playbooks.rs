//! Playbooks: what may run, with its source; deploys of new and changed ones.

use crate::api::promotion::{self, CanaryView};
use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, IfMatch, Path, Refused};
use crate::identity::{Permission, Principal, Scope};
use crate::problem::Problem;
use crate::project::review::Reason;
use crate::project::{Deployed, Deploying, Draft, Live};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use counterplay_machine::deployment::{Deployment, Mode};
use counterplay_machine::playbook::{NodeKind, Playbook, Tenants, TriggerKind};
use counterplay_machine::schedule;
use counterplay_runtime::engine::ModeOrigin;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json_;

/// A playbook as lists show it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PlaybookSummary {
    /// The stable id, as in the source.
    pub id: String,
    /// The title for people.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// The mode that it runs in: `active`, `simulate` or `paused`.
    pub mode: String,
    /// Where the mode comes from: `source`, `project` (counterplay.toml) or `set` (at run time).
    pub mode_from: String,
    /// Who set the mode at run time.
    pub mode_set_by: Option<String>,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub mode_set_at: Option<String>,
    /// Tags such as `attack.T1078`.
    pub tags: Vec<String>,
    /// The tenants that it is for, of those that the caller may see.
    pub tenants: Vec<String>,
    /// What starts it.
    pub triggers: Vec<TriggerView>,
    /// The worst that it can do: `notify`, `reversible`, `disruptive`, `destructive`; absent where it only looks.
    pub impact: Option<String>,
    /// The hash of what decides its behaviour; runs keep the version that they start with.
    pub version: String,
    /// Whether that version acts everywhere; absent where the playbook has no canary.
    pub canary: Option<CanaryView>,
    /// Whether it ships with Counterplay: it can be switched but not edited.
    pub shipped: bool,
    /// The file that it stands in.
    pub path: String,
}

/// What starts a playbook.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct TriggerView {
    /// `event`, `schedule`, `manual` or `webhook`.
    pub kind: String,
    /// In words, as in the source.
    pub text: String,
    /// The event's or webhook's name.
    pub name: Option<String>,
    /// The values of a manual start.
    pub values: Vec<ValueView>,
}

/// A value of a manual start.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ValueView {
    /// The name.
    pub name: String,
    /// The type, as in the source.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it may not be left out.
    pub required: bool,
    /// Whether it is given as an id that a query looks up.
    pub id: bool,
}

/// A playbook with its source.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PlaybookDetail {
    /// What lists show.
    #[serde(flatten)]
    pub summary: PlaybookSummary,
    /// The text of the file that it stands in; other playbooks may stand there, too.
    pub source: String,
    /// The revision that it comes from; absent where the project is served from a folder.
    pub revision: Option<i64>,
    /// Whether it can be changed through the API.
    pub editable: bool,
}

/// The playbooks.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct PlaybookList {
    /// In the order of their ids.
    pub playbooks: Vec<PlaybookSummary>,
    /// The revision that runs; absent where the project is served from a folder.
    pub revision: Option<i64>,
    /// `folder`: changed there and read-only here; `store`: deployed through the API.
    pub origin: String,
}

/// A new playbook.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `source`")]
pub struct NewPlaybook {
    /// The text of the new file.
    pub source: String,
    /// The file, within the project's source folders; named after the playbook when left out.
    pub path: Option<String>,
    /// What changes, for the list of revisions.
    pub summary: Option<String>,
}

/// Another source for a playbook.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `source`")]
pub struct ChangedPlaybook {
    /// The whole text of its file.
    pub source: String,
    /// What changes, for the list of revisions.
    pub summary: Option<String>,
}

/// What became of a deploy.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct DeployView {
    /// The playbooks of the files that change.
    pub playbooks: Vec<String>,
    /// The revision.
    pub revision: i64,
    /// `live`: it runs; `waiting`: a second person has to decide.
    pub state: String,
    /// What changes against what runs, as the two programs say it: a sentence each.
    pub changes: Vec<String>,
    /// Why it waits.
    pub reasons: Vec<Reason>,
    /// Warnings, in the form of `counterplay check --format json`.
    #[schema(value_type = Vec<Object>)]
    pub diagnostics: Vec<Json_>,
}

/// List playbooks
///
/// Those that are for at least one tenant of the caller.
#[utoipa::path(get, path = "/playbooks", tag = "playbooks",
    operation_id = "listPlaybooks",
    responses((status = 200, description = "The playbooks that are live", body = PlaybookList), Refused))]
pub async fn list(State(app): State<App>, auth: Auth) -> Result<Json<PlaybookList>, Problem> {
    auth.needs(Permission::View)?;
    let live = app.projects.live();
    let playbooks = live
        .compiled
        .program
        .playbooks
        .values()
        .filter_map(|p| summary(&app, &live, p, &auth.0))
        .collect();
    Ok(Json(PlaybookList {
        playbooks,
        revision: live.revision,
        origin: origin(&app).into(),
    }))
}

/// One playbook
///
/// With the text of its file, and the `ETag` that changes need.
#[utoipa::path(get, path = "/playbooks/{id}", tag = "playbooks",
    operation_id = "readPlaybook",
    params(("id" = String, Path, description = "The playbook's id")),
    responses(
        (status = 200, description = "The playbook, with its source", body = PlaybookDetail, headers(("ETag" = String))),
        Refused))]
pub async fn read(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    auth.needs(Permission::View)?;
    detail(&app, &auth.0, &id)
}

/// Deploy a new playbook
///
/// The source is checked with the whole project. 201: it runs. 202: it loosens something and waits for a
/// second person. 422: it does not check; `diagnostics` has the findings.
#[utoipa::path(post, path = "/playbooks", tag = "playbooks",
    operation_id = "createPlaybook", request_body = NewPlaybook,
    params(IdempotencyKey),
    responses(
        (status = 201, description = "It is live", body = DeployView, headers(("Location" = String), ("ETag" = String))),
        (status = 202, description = "It waits for a second person", body = DeployView), Refused))]
pub async fn create(
    State(app): State<App>,
    auth: Auth,
    Body(new): Body<NewPlaybook>,
) -> Result<Response, Problem> {
    auth.needs_everywhere(Permission::Deploy)?;
    let draft = Draft::New {
        path: new.path,
        source: new.source,
    };
    let who = Deploying {
        by: auth.0.id.clone(),
        summary: new.summary,
    };
    let deployed = app.projects.deploy(draft, None, who).await?;
    Ok(answer(&app, deployed, StatusCode::CREATED))
}

/// Change a playbook
///
/// Replaces the text of the file that it stands in. `If-Match` carries the `ETag` of the last read, so that
/// nobody's change is overwritten unseen.
#[utoipa::path(put, path = "/playbooks/{id}", tag = "playbooks",
    operation_id = "replacePlaybook", request_body = ChangedPlaybook,
    params(("id" = String, Path, description = "The playbook's id"),
        ("If-Match" = String, Header, description = "The `ETag` of the last read")),
    responses(
        (status = 200, description = "It runs", body = DeployView, headers(("ETag" = String))),
        (status = 202, description = "It waits for a second person", body = DeployView), Refused))]
pub async fn replace(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    seen: IfMatch,
    Body(changed): Body<ChangedPlaybook>,
) -> Result<Response, Problem> {
    auth.needs_everywhere(Permission::Deploy)?;
    let draft = Draft::Change {
        id,
        source: changed.source,
    };
    let who = Deploying {
        by: auth.0.id.clone(),
        summary: changed.summary,
    };
    let deployed = app.projects.deploy(draft, Some(&seen), who).await?;
    Ok(answer(&app, deployed, StatusCode::OK))
}

/// What is answered to a deploy.
pub fn answer(app: &App, deployed: Deployed, done: StatusCode) -> Response {
    app.feed.changed("deploys", "");
    let waits = !deployed.waits.is_empty();
    let mut headers = HeaderMap::new();
    if let Some(id) = deployed.playbooks.first().filter(|_| !waits) {
        if let Some(etag) = app.projects.etag(id) {
            headers.insert(header::ETAG, etag.value());
        }
        if done == StatusCode::CREATED
            && let Ok(place) = HeaderValue::from_str(&format!("/api/automation/playbooks/{id}"))
        {
            headers.insert(header::LOCATION, place);
        }
    }
    let status = if waits { StatusCode::ACCEPTED } else { done };
    let view = DeployView {
        playbooks: deployed.playbooks,
        revision: deployed.revision,
        state: if waits { "waiting" } else { "live" }.into(),
        changes: deployed.changes,
        reasons: deployed.waits,
        diagnostics: deployed.findings,
    };
    (status, headers, Json(view)).into_response()
}

/// A playbook with its tag, as several routes answer it.
///
/// # Errors
/// 404 where there is none that the caller may see.
pub fn detail(app: &App, who: &Principal, id: &str) -> Result<Response, Problem> {
    let live = app.projects.live();
    let none = || Problem::not_found(format!("there is no playbook `{id}`"));
    let playbook = live.compiled.program.playbooks.get(id).ok_or_else(none)?;
    let summary = summary(app, &live, playbook, who).ok_or_else(none)?;
    let etag = app.projects.etag(id).ok_or_else(none)?;
    let stand = live.compiled.stands.get(id).ok_or_else(none)?;
    let view = PlaybookDetail {
        source: stand.text.to_string(),
        revision: live.revision,
        editable: !stand.shipped && app.projects.origin() == crate::project::Origin::Store,
        summary,
    };
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, etag.value());
    Ok((headers, Json(view)).into_response())
}

/// `folder` or `store`.
pub fn origin(app: &App) -> &'static str {
    match app.projects.origin() {
        crate::project::Origin::Folder => "folder",
        crate::project::Origin::Store => "store",
    }
}

/// The tenants of a scope that a playbook is for.
pub fn tenants_of(tenants: &Tenants, deployment: &Deployment, scope: &Scope) -> Vec<String> {
    deployment
        .tenants
        .iter()
        .filter(|(name, tenant)| scope.includes(name) && tenants.includes(name, &tenant.groups))
        .map(|(name, _)| name.clone())
        .collect()
}

/// The name of a mode.
pub fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Active => "active",
        Mode::Simulate => "simulate",
        Mode::Paused => "paused",
    }
}

/// A playbook as lists show it; nothing where it is for none of the caller's tenants.
pub fn summary(
    app: &App,
    live: &Live,
    playbook: &Playbook,
    who: &Principal,
) -> Option<PlaybookSummary> {
    let tenants = tenants_of(&playbook.tenants, &live.compiled.deployment, &who.scope);
    if tenants.is_empty() && who.scope != Scope::All {
        return None;
    }
    let stand = live.compiled.stands.get(&*playbook.id)?;
    let mode = app.projects.mode(&playbook.id)?;
    let (from, by, at) = match &mode.origin {
        ModeOrigin::Source => ("source", None, None),
        ModeOrigin::Project => ("project", None, None),
        ModeOrigin::Set { by, at_ms } => ("set", Some(by.clone()), Some(*at_ms)),
    };
    let impact = playbook
        .graph
        .node_weights()
        .filter_map(|n| match &n.kind {
            NodeKind::Perform(perform) => Some(perform.impact),
            _ => None,
        })
        .max();
    Some(PlaybookSummary {
        id: playbook.id.to_string(),
        title: playbook.title.to_string(),
        description: playbook.doc.to_string(),
        mode: mode_name(mode.mode).into(),
        mode_from: from.into(),
        mode_set_by: by,
        mode_set_at: time::maybe(at),
        tags: playbook.tags.iter().map(|t| t.to_string()).collect(),
        tenants,
        triggers: playbook.triggers.iter().map(|t| trigger(&t.kind)).collect(),
        impact: impact.map(|i| i.to_string()),
        version: playbook.hash.clone(),
        canary: promotion::view(app, &playbook.id),
        shipped: stand.shipped,
        path: stand.path.clone(),
    })
}

fn trigger(kind: &TriggerKind) -> TriggerView {
    let (word, name, values) = match kind {
        TriggerKind::Event(name) => ("event", Some(name.to_string()), Vec::new()),
        TriggerKind::Every(_) | TriggerKind::At { .. } | TriggerKind::Cron { .. } => {
            ("schedule", None, Vec::new())
        }
        TriggerKind::Webhook(hook) => ("webhook", Some(hook.name.to_string()), Vec::new()),
        TriggerKind::Manual(params) => {
            let values = params
                .iter()
                .map(|p| ValueView {
                    name: p.name.to_string(),
                    kind: p.ty.to_string(),
                    required: !p.ty.is_optional(),
                    id: p.lookup.is_some(),
                })
                .collect();
            ("manual", None, values)
        }
    };
    TriggerView {
        kind: word.into(),
        text: schedule::describe(kind),
        name,
        values,
    }
}
