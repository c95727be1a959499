//! Revisions of the project: who deployed what when, and the decisions on those that wait.

use crate::api::{start, time};
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Query, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use counterplay_runtime::store::RevisionInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A revision as lists show it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RevisionSummary {
    /// Its number.
    pub revision: i64,
    /// The revision that it changes.
    pub base: Option<i64>,
    /// When it was deployed, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// By whom.
    pub by: String,
    /// What changes, in the words of whoever deployed it.
    pub summary: String,
    /// What changes, as the two programs say it: a sentence each; of the first one, what is there.
    pub changes: Vec<String>,
    /// `live`, `superseded`, `waiting` for a second person, `refused`.
    pub state: String,
    /// Why it waits or waited.
    pub reasons: Vec<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub decided_at: Option<String>,
}

/// A revision with its files.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RevisionView {
    /// What lists show.
    #[serde(flatten)]
    pub summary: RevisionSummary,
    /// The texts by path.
    pub files: BTreeMap<String, String>,
    /// What changes against its base, as a unified diff.
    pub diff: String,
}

/// A page of revisions.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RevisionPage {
    /// The latest first.
    pub revisions: Vec<RevisionSummary>,
    /// What `cursor` gets for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which revisions.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RevisionQuery {
    /// What the page before gave as `next`.
    pub cursor: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// A decision on a revision that waits.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, expecting = "an object with `approve`")]
pub struct RevisionDecision {
    /// Whether it is to run.
    pub approve: bool,
}

/// List revisions
#[utoipa::path(get, path = "/revisions", tag = "playbooks",
    operation_id = "listRevisions", params(RevisionQuery),
    responses((status = 200, description = "Revisions, the latest first", body = RevisionPage), Refused))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<RevisionQuery>,
) -> Result<Json<RevisionPage>, Problem> {
    auth.needs_everywhere(Permission::View)?;
    let limit = start::limit(query.limit)?.unwrap_or(50);
    let mut found = app
        .engine
        .store()
        .revisions(query.cursor, limit.saturating_add(1))
        .await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    Ok(Json(RevisionPage {
        next: found.last().filter(|_| more).map(|r| r.num.to_string()),
        revisions: found.into_iter().map(summary).collect(),
    }))
}

/// One revision
///
/// With its files and what they change.
#[utoipa::path(get, path = "/revisions/{revision}", tag = "playbooks",
    operation_id = "readRevision",
    params(("revision" = i64, Path, description = "Its number")),
    responses((status = 200, description = "The revision, with what it changes", body = RevisionView), Refused))]
pub async fn read(
    State(app): State<App>,
    auth: Auth,
    Path(revision): Path<i64>,
) -> Result<Json<RevisionView>, Problem> {
    auth.needs_everywhere(Permission::View)?;
    Ok(Json(show(&app, revision).await?))
}

/// Decide on a revision that waits
///
/// By someone with the author's role who did not make it. Approved, it runs at once; 409 where another revision
/// was deployed meanwhile.
#[utoipa::path(post, path = "/revisions/{revision}", tag = "playbooks",
    operation_id = "decideRevision", request_body = RevisionDecision,
    params(("revision" = i64, Path, description = "Its number"),
        IdempotencyKey),
    responses(
        (status = 200, description = "The revision as it stands after the decision", body = RevisionView),
        Refused))]
pub async fn decide(
    State(app): State<App>,
    auth: Auth,
    Path(revision): Path<i64>,
    Body(decision): Body<RevisionDecision>,
) -> Result<Json<RevisionView>, Problem> {
    settle(&app, &auth, revision, decision.approve).await?;
    Ok(Json(show(&app, revision).await?))
}

/// Decides on a revision.
///
/// # Errors
/// When the caller may not, or it does not wait.
pub async fn settle(app: &App, auth: &Auth, revision: i64, approve: bool) -> Result<(), Problem> {
    auth.needs_everywhere(Permission::Deploy)?;
    if !auth.0.is_person() {
        return Err(Problem::forbidden(
            "a second person decides: log in with your own account, a token does not count",
        ));
    }
    let own = app.tokens_of(&auth.0.id).await?;
    app.projects
        .decide(revision, approve, &auth.0.id, &own)
        .await?;
    app.feed.changed("deploys", "");
    Ok(())
}

/// A revision with what it changes.
///
/// # Errors
/// 404 where there is none.
pub async fn show(app: &App, number: i64) -> Result<RevisionView, Problem> {
    let store = app.engine.store();
    let none = || Problem::not_found(format!("there is no revision {number}"));
    let revision = store.revision(number).await?.ok_or_else(none)?;
    let before = match revision.info.base {
        Some(base) => store.revision(base).await?.map(|r| r.files),
        None => None,
    };
    Ok(RevisionView {
        diff: crate::project::diff::unified(&before.unwrap_or_default(), &revision.files),
        files: revision.files.clone(),
        summary: summary(revision.info),
    })
}

fn summary(info: RevisionInfo) -> RevisionSummary {
    RevisionSummary {
        revision: info.num,
        base: info.base,
        at: time::rfc3339(info.at_ms),
        by: info.by,
        summary: info.summary,
        changes: info.changes,
        state: info.state.name().into(),
        reasons: info.reasons,
        decided_at: time::maybe(info.decided.as_ref().map(|(_, at_ms)| *at_ms)),
        decided_by: info.decided.map(|(by, _)| by),
    }
}
