//! One run: shown, ended, taken up again, its held calls settled.

use super::form::given;
use super::{Form, Oops, Page, rows};
use crate::api::runs::find;
use crate::dashboard::chrome::Area;
use crate::dashboard::drawing::{self, Drawing};
use crate::dashboard::pages::run::{HeldRow, RunApproval, RunEvent, UndoPart, UndoWish};
use crate::dashboard::pages::{ArchivedPage, RunPage};
use crate::dashboard::steps::{detail, steps};
use crate::dashboard::text;
use crate::http::Path;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::response::Response;
use counterplay_machine::state::{Run, Status, Waiting};
use counterplay_machine::step::{Settled, Settlement, check_settlement, held_calls};
use counterplay_runtime::store::{RunDetail, UndoRefused};
use counterplay_runtime::timeline::Reading;
use serde::Deserialize;

/// What a person found out about a held call.
#[derive(Debug, Deserialize)]
pub struct Found {
    step: String,
    outcome: Settled,
    /// JSON; empty where nothing is told.
    #[serde(default)]
    result: String,
    #[serde(default)]
    comment: String,
}

/// What is chosen when a run is to be undone.
#[derive(Debug, Default, Deserialize)]
pub struct UndoChoice {
    /// The team that is asked.
    #[serde(default)]
    pub team: String,
}

/// A form without fields of its own.
#[derive(Debug, Default, Deserialize)]
pub struct Nothing {}

/// `/runs/{id}`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Oops> {
    let left = archived(&page, &id).await;
    if let Some(left) = page.or_oops(left).await? {
        return Ok(page.show(&left));
    }
    let made = make(&page, &id).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

/// What is left of a run that is archived.
async fn archived(page: &Page, id: &str) -> Result<Option<ArchivedPage>, Problem> {
    page.auth.needs(Permission::View)?;
    let store = page.app.engine.store();
    let Some((info, archived_ms)) = store.archived_run(id, page.auth.tenants()).await? else {
        return Ok(None);
    };
    let row = rows::run(&page.app.engine.program(), &info);
    Ok(Some(ArchivedPage {
        chrome: page.chrome(Area::Runs, format!("{} {id}", row.title)).await,
        outcome: info.outcome.as_ref().map(|o| sentence(&o.to_string())),
        run: row,
        archived_ms,
        may_audit: page.who().may(Permission::Audit),
    }))
}

async fn make(page: &Page, id: &str) -> Result<RunPage, Problem> {
    page.auth.needs(Permission::View)?;
    let found = find(&page.app, &page.auth, id).await?;
    let store = page.app.engine.store();
    let tenants = page.auth.tenants();
    let live = page.app.engine.program();
    let (info, run) = (&found.info, &found.run);
    let playbook = found.program.playbooks.get(&run.playbook);
    let open = run.outcome.is_none();
    let mut approvals: Vec<RunApproval> = store
        .decided_approvals(id, tenants.clone())
        .await?
        .into_iter()
        .map(|over| RunApproval {
            state: over.state().to_owned(),
            id: over.id,
            question: over.question,
            until_ms: None,
            by: over.answers.into_iter().map(|a| a.by).collect(),
        })
        .collect();
    approvals.extend(run.approvals.iter().map(|(id, asked)| RunApproval {
        id: id.clone(),
        question: asked.question.clone(),
        state: "open".into(),
        until_ms: Some(asked.until_ms),
        by: asked.votes.iter().map(|(by, _)| by.clone()).collect(),
    }));
    let event = store
        .event_of_run(id, tenants)
        .await?
        .map(|event| RunEvent {
            num: event.num,
            name: event.name,
            received_ms: event.received_ms,
            payload: detail(&event.payload).unwrap_or_default(),
        });
    let mut row = rows::run(&found.program, info);
    if run.status() == Status::Held {
        row.why = run.held_because().map(str::to_owned);
    }
    let (waits_for, next_timer_ms) = waits(run);
    let reading = Reading {
        simulated: info.simulated,
        ..Reading::default()
    };
    let may_operate = page.who().may_in(Permission::Operate, &info.tenant);
    let undo = undo_part(page, &found, may_operate).await?;
    let version = run.hash.chars().take(12).collect();
    Ok(RunPage {
        chrome: page.chrome(Area::Runs, format!("{} {id}", row.title)).await,
        outcome: run.outcome.as_ref().map(|o| sentence(&o.to_string())),
        steps: steps(&found.journal, &reading, playbook),
        drawing: draw(&found, "run"),
        outdated: live
            .playbooks
            .get(&run.playbook)
            .is_some_and(|p| p.hash != run.hash),
        undo,
        may_operate,
        may_audit: page.who().may(Permission::Audit),
        run: row,
        open,
        held_calls: held(&found),
        waits_for,
        next_timer_ms,
        approvals,
        event,
        version,
    })
}

/// What can be taken back of a run, and what has been.
async fn undo_part(page: &Page, found: &RunDetail, may_operate: bool) -> Result<UndoPart, Problem> {
    let engine = &page.app.engine;
    let id = &found.info.id;
    let (wishes, of) = engine.store().undoings_of(id).await?;
    let open = wishes.last().is_some_and(|w| w.is_open());
    let mut part = UndoPart {
        of,
        ..UndoPart::default()
    };
    part.wishes = wishes
        .into_iter()
        .map(|wish| UndoWish {
            by: wish.by,
            run: wish.run,
            outcome: wish.outcome.map(|o| o.name().to_owned()),
            refused: wish.refused,
        })
        .collect();
    let plan = match engine.undo_plan(id).await {
        Ok(plan) => plan,
        Err(UndoRefused::Store(error)) => return Err(error.into()),
        // One that is open, simulated or undoes another run is not undone.
        Err(_) => return Ok(part),
    };
    part.cannot = plan.cannot.into_iter().map(|l| (l.call, l.why)).collect();
    part.offered = may_operate && !open && !plan.steps.is_empty();
    let steps = plan.steps.into_iter();
    part.steps = steps.map(|s| (s.call, s.undo_call, s.doubt)).collect();
    part.teams = engine.teams_for_undo();
    Ok(part)
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => format!(
            "{}{}.",
            first.to_uppercase(),
            chars.as_str().trim_end_matches('.')
        ),
        None => String::new(),
    }
}

/// The machine with how far the run has got.
fn draw(found: &RunDetail, id: &str) -> Option<String> {
    let playbook = found.program.playbooks.get(&found.run.playbook)?;
    let live = drawing::live(playbook, &found.journal, Some(&found.run));
    let file = &playbook.graph.node_weight(playbook.start)?.origin.file;
    let source_page = format!("/playbooks/{}", text::segment(&playbook.id));
    drawing::draw(
        playbook,
        &Drawing {
            id,
            source_page: &source_page,
            file,
            live: Some(&live),
        },
    )
}

/// What a run waits for, in words, and until when.
fn waits(run: &Run) -> (Option<String>, Option<i64>) {
    if run.outcome.is_some() {
        return (None, None);
    }
    let mut asked = None;
    let mut timer: Option<i64> = None;
    let mut calls = false;
    for thread in run.threads.values() {
        match &thread.waiting {
            Waiting::Approval { id } => asked = run.approvals.get(id).or(asked),
            Waiting::Timer { at_ms, .. }
            | Waiting::Event {
                until_ms: at_ms, ..
            } => timer = Some(timer.map_or(*at_ms, |t| t.min(*at_ms))),
            Waiting::Call { .. } | Waiting::Ready => calls = true,
            Waiting::Held { .. } | Waiting::Children { .. } => {}
        }
    }
    match (asked, timer, calls) {
        (Some(asked), ..) => (
            Some(format!(
                "It waits for approval: “{}”. The question ends",
                asked.question
            )),
            Some(asked.until_ms),
        ),
        (None, _, true) => (Some("A call is under way.".into()), None),
        (None, Some(at), _) => (Some("It waits. It goes on".into()), Some(at)),
        _ => (None, None),
    }
}

/// The calls that a person has to settle.
fn held(found: &RunDetail) -> Vec<HeldRow> {
    let Some(playbook) = found.program.playbooks.get(&found.run.playbook) else {
        return Vec::new();
    };
    let rows = held_calls(playbook, &found.run).into_iter().map(|call| {
        let done = Settlement {
            step: Some(call.place.clone()),
            by: String::new(),
            settled: Settled::Done,
            result: None,
            comment: None,
        };
        HeldRow {
            needs_result: check_settlement(&found.program, playbook, &found.run, &done).err(),
            place: call.place,
            action: call.action.to_string(),
            reason: call.reason,
        }
    });
    rows.collect()
}

/// `POST /runs/{id}/cancel`.
///
/// # Errors
/// The page of what went wrong.
pub async fn cancel(Path(id): Path<String>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    let done = async {
        let found = find(&page.app, &page.auth, &id).await?;
        page.auth
            .needs_in(Permission::Operate, &found.info.tenant)?;
        page.app.engine.cancel(&id, &page.who().id).await?;
        Ok::<_, Problem>(())
    };
    Ok(after(&page, &id, done.await, "The run is being cancelled."))
}

/// `POST /runs/{id}/resume`.
///
/// # Errors
/// The page of what went wrong.
pub async fn resume(Path(id): Path<String>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    let done = async {
        let found = find(&page.app, &page.auth, &id).await?;
        page.auth
            .needs_in(Permission::Operate, &found.info.tenant)?;
        page.app.engine.resume(&id, &page.who().id).await?;
        Ok::<_, Problem>(())
    };
    Ok(after(
        &page,
        &id,
        done.await,
        "The run tries its step again.",
    ))
}

/// `POST /runs/{id}/settle`.
///
/// # Errors
/// The page of what went wrong.
pub async fn settle(Path(id): Path<String>, form: Form<Found>) -> Result<Response, Oops> {
    let (page, found) = (form.page, form.fields);
    let done = async {
        let run = find(&page.app, &page.auth, &id).await?;
        page.auth.needs_in(Permission::Operate, &run.info.tenant)?;
        let told = given(&found.result).filter(|_| found.outcome == Settled::Done);
        let result = told.map(|told| serde_json::from_str(&told)).transpose();
        let result = result
            .map_err(|error| Problem::unprocessable(format!("the result is not JSON: {error}")))?;
        let settlement = Settlement {
            step: Some(found.step.clone()),
            by: page.who().id.clone(),
            settled: found.outcome,
            result,
            comment: given(&found.comment),
        };
        page.app.engine.settle(&id, settlement).await?;
        Ok::<_, Problem>(())
    };
    Ok(after(&page, &id, done.await, "The call is settled."))
}

/// `POST /runs/{id}/undo`.
///
/// # Errors
/// The page of what went wrong.
pub async fn undo(Path(id): Path<String>, form: Form<UndoChoice>) -> Result<Response, Oops> {
    let page = form.page;
    let team = form.fields.team.trim().to_owned();
    let done = async {
        let found = find(&page.app, &page.auth, &id).await?;
        page.auth
            .needs_in(Permission::Operate, &found.info.tenant)?;
        let team = Some(team).filter(|t| !t.is_empty());
        page.app.engine.undo(&id, &page.who().id, team).await?;
        Ok::<_, Problem>(())
    };
    let word = "A run of its own undoes it; people are asked for leave first.";
    Ok(after(&page, &id, done.await, word))
}

fn after(page: &Page, id: &str, done: Result<(), Problem>, word: &str) -> Response {
    let to = format!("/runs/{}", text::segment(id));
    match done {
        Ok(()) => page.back(&to, word),
        Err(problem) => page.back_with_problem(&to, &problem),
    }
}
