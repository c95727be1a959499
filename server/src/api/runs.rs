//! Runs: listed, shown with their timeline, ended and taken up again.

use crate::api::{start, time};
use crate::app::App;
use crate::http::{Auth, IdempotencyKey, Path, Query, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use counterplay_machine::duration::parse_time_ms;
use counterplay_machine::state::{Status, Waiting};
use counterplay_machine::step::held_calls;
use counterplay_runtime::store::{RunDetail, RunFilter, RunInfo};
use counterplay_runtime::timeline::{self, Line, Reading};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A run as lists show it.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RunSummary {
    /// The id.
    pub id: String,
    /// The tenant.
    pub tenant: String,
    /// The playbook.
    pub playbook: String,
    /// `running`, `waiting`, `awaiting approval`, `held`, `ended`.
    pub status: String,
    /// How it ended: `completed`, `completed with failures`, `resolved`, `stopped`, `rejected`, `failed`, `cancelled`.
    pub outcome: Option<String>,
    /// The outcome with its reason.
    pub outcome_text: Option<String>,
    /// Whether its actions are recorded and not performed.
    pub simulated: bool,
    /// When it started, RFC 3339.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// When it last changed, RFC 3339.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it ended, RFC 3339.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// How many later starts were ignored as its repeats.
    pub repeats: i64,
}

/// A run with everything that it recorded.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RunView {
    /// What lists show.
    #[serde(flatten)]
    pub summary: RunSummary,
    /// What started it.
    pub started_by: String,
    /// The version of the playbook that it keeps; absent where it is archived.
    pub version: Option<String>,
    /// When it was archived, RFC 3339: `timeline` and `journal` are empty then. What it did is in the audit trail.
    #[schema(format = DateTime)]
    pub archived_at: Option<String>,
    /// What it waits for, one entry for each line of control.
    pub waits_for: Vec<WaitView>,
    /// The run that it undoes.
    pub undoes: Option<String>,
    /// The runs that have undone it or do, in order.
    pub undone_by: Vec<String>,
    /// The timeline, line by line.
    #[schema(value_type = Vec<Object>)]
    pub timeline: Vec<Line>,
    /// The journal that the timeline is read from, secrets replaced.
    #[schema(value_type = Vec<Object>)]
    pub journal: Vec<Value>,
}

/// What a run waits for.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct WaitView {
    /// `call`, `time`, `event`, `approval`, `person`.
    pub kind: String,
    /// Until when, RFC 3339, where it is known.
    #[schema(format = DateTime)]
    pub until: Option<String>,
    /// The approval's id.
    pub approval: Option<String>,
    /// Why a person is needed.
    pub reason: Option<String>,
    /// The step, where a person has to settle whether its call was carried out.
    pub step: Option<String>,
}

/// A page of runs.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RunPage {
    /// The latest first.
    pub runs: Vec<RunSummary>,
    /// What `cursor` gets for the next page; absent on the last one.
    pub next: Option<String>,
}

/// Which runs.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this playbook.
    pub playbook: Option<String>,
    /// `running`, `waiting`, `awaiting_approval`, `held` or `ended`.
    pub status: Option<StatusName>,
    /// Only those that have not ended.
    pub open: Option<bool>,
    /// Those that are archived, and no others.
    pub archived: Option<bool>,
    /// That ended so: `completed`, `completed with failures`, `resolved`, `stopped`, `rejected`, `failed`, `cancelled`.
    pub outcome: Option<String>,
    /// Only simulated ones, or only others.
    pub simulated: Option<bool>,
    /// Started at this time or later, RFC 3339.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Started before this time, RFC 3339.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// What the page before gave as `next`.
    pub cursor: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusName {
    /// A call is under way.
    Running,
    /// It waits for a time.
    Waiting,
    /// It waits for people's approval.
    #[serde(alias = "awaiting approval")]
    AwaitingApproval,
    /// It needs a person to settle something.
    Held,
    /// It has ended.
    Ended,
}

impl From<StatusName> for Status {
    fn from(name: StatusName) -> Status {
        match name {
            StatusName::Running => Status::Running,
            StatusName::Waiting => Status::Waiting,
            StatusName::AwaitingApproval => Status::AwaitingApproval,
            StatusName::Held => Status::Held,
            StatusName::Ended => Status::Ended,
        }
    }
}

/// A time in a query.
///
/// # Errors
/// 400 where it is none.
pub fn at(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    text.map(|text| {
        parse_time_ms(text).ok_or_else(|| {
            Problem::bad_request(format!("`{name}` is a time such as 2026-11-20T02:00:00Z"))
        })
    })
    .transpose()
}

/// A run as lists show it.
pub fn summary(info: &RunInfo) -> RunSummary {
    RunSummary {
        id: info.id.clone(),
        tenant: info.tenant.clone(),
        playbook: info.playbook.clone(),
        status: info.status.clone(),
        outcome: info.outcome.as_ref().map(|o| o.name().to_owned()),
        outcome_text: info.outcome.as_ref().map(ToString::to_string),
        simulated: info.simulated,
        started_at: time::rfc3339(info.started_ms),
        updated_at: time::rfc3339(info.updated_ms),
        ended_at: time::maybe(info.ended_ms),
        repeats: info.repeats,
    }
}

/// List runs
#[utoipa::path(get, path = "/runs", tag = "runs",
    operation_id = "listRuns", params(RunQuery),
    responses((status = 200, description = "Runs, the latest first", body = RunPage), Refused))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<RunQuery>,
) -> Result<Json<RunPage>, Problem> {
    auth.needs(Permission::View)?;
    let filter = RunFilter {
        archived: query.archived.unwrap_or(false),
        tenants: auth.tenants(),
        status: query.status.map(Status::from),
        open: query.open.unwrap_or(false),
        tenant: query.tenant,
        playbook: query.playbook,
        outcome: query.outcome,
        simulated: query.simulated,
        from_ms: at("from", query.from.as_deref())?,
        to_ms: at("to", query.to.as_deref())?,
        before: query.cursor,
        limit: start::limit(query.limit)?,
    };
    let page = app.engine.store().run_page(filter).await?;
    Ok(Json(RunPage {
        runs: page.items.iter().map(summary).collect(),
        next: page.next.map(|n| n.to_string()),
    }))
}

/// One run
///
/// With its timeline and its journal; of one that is archived, what is left of it.
#[utoipa::path(get, path = "/runs/{id}", tag = "runs",
    operation_id = "readRun",
    params(("id" = String, Path, description = "The run's id")),
    responses((status = 200, description = "The run, with its timeline and its journal", body = RunView), Refused))]
pub async fn read(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
) -> Result<Json<RunView>, Problem> {
    auth.needs(Permission::View)?;
    let archived = app.engine.store().archived_run(&id, auth.tenants()).await?;
    if let Some((info, at_ms)) = archived {
        return Ok(Json(RunView {
            summary: summary(&info),
            started_by: info.started_by,
            version: None,
            archived_at: Some(time::rfc3339(at_ms)),
            waits_for: Vec::new(),
            undoes: None,
            undone_by: Vec::new(),
            timeline: Vec::new(),
            journal: Vec::new(),
        }));
    }
    let found = find(&app, &auth, &id).await?;
    let (wishes, undoes) = app.engine.store().undoings_of(&found.info.id).await?;
    let undone_by = wishes.into_iter().filter_map(|w| w.run).collect();
    Ok(Json(RunView {
        undoes,
        undone_by,
        ..view(found)
    }))
}

/// A run of the caller's tenants.
///
/// # Errors
/// 404 where there is none, also where a line of it is all that is left.
pub async fn find(app: &App, auth: &Auth, id: &str) -> Result<RunDetail, Problem> {
    let store = app.engine.store();
    if let Some(found) = store.run_detail_within(id, auth.tenants()).await? {
        return Ok(found);
    }
    Err(Problem::not_found(
        match store.archived_run(id, auth.tenants()).await? {
            Some((_, at_ms)) => format!(
                "run {id} has ended and was archived at {}: a line of it is kept, and what it did is in the audit trail",
                time::rfc3339(at_ms)
            ),
            None => format!("there is no run {id}"),
        },
    ))
}

fn view(detail: RunDetail) -> RunView {
    let reading = Reading {
        simulated: detail.info.simulated,
        ..Reading::default()
    };
    RunView {
        summary: summary(&detail.info),
        started_by: detail.run.started_by.clone(),
        version: Some(detail.run.hash.clone()),
        archived_at: None,
        waits_for: waits(&detail),
        undoes: None,
        undone_by: Vec::new(),
        timeline: timeline::lines(&detail.journal, &reading),
        journal: detail.journal.iter().map(|e| json!(e)).collect(),
    }
}

fn waits(detail: &RunDetail) -> Vec<WaitView> {
    let run = &detail.run;
    let playbook = detail.program.playbooks.get(&run.playbook);
    let held = playbook.map_or_else(Vec::new, |playbook| held_calls(playbook, run));
    let wait = |kind: &str| WaitView {
        kind: kind.into(),
        until: None,
        approval: None,
        reason: None,
        step: None,
    };
    run.threads
        .iter()
        .filter_map(|(num, thread)| match &thread.waiting {
            Waiting::Call { .. } | Waiting::Ready => Some(wait("call")),
            Waiting::Timer { at_ms, .. } => Some(WaitView {
                until: Some(time::rfc3339(*at_ms)),
                ..wait("time")
            }),
            Waiting::Approval { id } => Some(WaitView {
                until: run.approvals.get(id).map(|a| time::rfc3339(a.until_ms)),
                approval: Some(id.clone()),
                ..wait("approval")
            }),
            Waiting::Held { reason, .. } => Some(WaitView {
                reason: Some(reason.clone()),
                step: held
                    .iter()
                    .find(|h| h.thread == *num)
                    .map(|h| h.place.clone()),
                ..wait("person")
            }),
            Waiting::Event { until_ms, .. } => Some(WaitView {
                until: Some(time::rfc3339(*until_ms)),
                ..wait("event")
            }),
            Waiting::Children { .. } => None,
        })
        .collect()
}

/// End a run
///
/// A call that is under way is not stopped by it.
#[utoipa::path(post, path = "/runs/{id}/cancel", tag = "runs",
    operation_id = "cancelRun",
    params(("id" = String, Path, description = "The run's id"),
        IdempotencyKey),
    responses((status = 202, description = "It ends as soon as the engine takes it up"), Refused))]
pub async fn cancel(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    auth.needs(Permission::Operate)?;
    let id = find(&app, &auth, &id).await?.info.id;
    app.engine.cancel(&id, &auth.0.id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Take up a held run
///
/// It tries the step again that it was held at.
#[utoipa::path(post, path = "/runs/{id}/resume", tag = "runs",
    operation_id = "resumeRun",
    params(("id" = String, Path, description = "The run's id"),
        IdempotencyKey),
    responses((status = 202, description = "It goes on as soon as the engine takes it up"), Refused))]
pub async fn resume(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    auth.needs(Permission::Operate)?;
    let id = find(&app, &auth, &id).await?.info.id;
    app.engine.resume(&id, &auth.0.id).await?;
    Ok(StatusCode::ACCEPTED)
}
