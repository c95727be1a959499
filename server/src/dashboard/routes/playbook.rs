//! One playbook: its source, its machine, its runs and revisions; starts and simulations of it.

use super::{Form, Oops, Page, deploys, playbooks, rows, simulation};
use crate::api::{playbooks::tenants_of, simulate, start};
use crate::dashboard::chrome::Area;
use crate::dashboard::drawing::{self, Drawing};
use crate::dashboard::forms;
use crate::dashboard::highlight::highlight;
use crate::dashboard::pages::PlaybookPage;
use crate::dashboard::pages::playbook::StartForm;
use crate::dashboard::text;
use crate::http::Path;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use counterplay_machine::playbook::{Playbook, Tenants, TriggerKind};
use counterplay_machine::schedule::is_schedule;
use counterplay_machine::types::Type;
use counterplay_runtime::store::RunFilter;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How many runs are shown.
const RUNS: u32 = 8;
/// How long a start is waited for, so that the run's page can follow at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// Which form was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sent {
    Run,
    Simulate,
}

/// A form that did not fit, to be shown again.
struct Again {
    sent: Sent,
    form: StartForm,
}

/// `/playbooks/{id}`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Path(id): Path<String>) -> Result<Response, Oops> {
    let made = make(&page, &id, None).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

fn find(page: &Page, id: &str) -> Result<Arc<counterplay_machine::Program>, Problem> {
    page.auth.needs(Permission::View)?;
    let program = page.app.engine.program();
    match program.playbooks.contains_key(id) {
        true => Ok(program),
        false => Err(Problem::not_found(format!("there is no playbook `{id}`"))),
    }
}

async fn make(page: &Page, id: &str, again: Option<Again>) -> Result<PlaybookPage, Problem> {
    let none = || Problem::not_found(format!("there is no playbook `{id}`"));
    let program = find(page, id)?;
    let playbook = program.playbooks.get(id).ok_or_else(none)?;
    let doing = playbooks::doing(page, Some(id)).await?;
    let row = playbooks::row(page, playbook, &doing).ok_or_else(none)?;
    let live = page.app.projects.live();
    let stand = live.compiled.stands.get(id).ok_or_else(none)?;
    let filter = RunFilter {
        tenants: page.auth.tenants(),
        playbook: Some(id.to_owned()),
        limit: Some(RUNS),
        ..RunFilter::default()
    };
    let runs = page.app.engine.store().run_page(filter).await?.items;
    let (waiting, history) = deploys::of_file(page, &stand.path).await?;
    let file = &playbook
        .graph
        .node_weight(playbook.start)
        .ok_or_else(none)?
        .origin
        .file;
    let may_operate = page.who().may(Permission::Operate);
    let mut run_form = match row.manual || is_scheduled(playbook) {
        true if may_operate => Some(form(page, playbook, Sent::Run)),
        _ => None,
    };
    let mut simulate_form = Some(form(page, playbook, Sent::Simulate));
    match again {
        Some(again) if again.sent == Sent::Run => run_form = Some(again.form),
        Some(again) => simulate_form = Some(again.form),
        None => {}
    }
    Ok(PlaybookPage {
        chrome: page.chrome(Area::Playbooks, row.title.clone()).await,
        doc: playbook.doc.to_string(),
        tags: playbook.tags.iter().map(|t| t.to_string()).collect(),
        tenants: tenants_text(&playbook.tenants),
        file: stand.path.clone(),
        source: highlight(&stand.path, &stand.text, Some(&program)),
        drawing: drawing::draw(
            playbook,
            &Drawing {
                id: "machine",
                source_page: "",
                file,
                live: None,
            },
        ),
        steps: playbook.graph.node_count(),
        runs: runs.iter().map(|i| rows::run(&program, i)).collect(),
        waiting,
        history,
        may_operate: playbooks::may_switch(page),
        may_promote: playbooks::may_promote(page),
        folder: page.app.settings.folder.clone(),
        version: playbook.hash.chars().take(12).collect(),
        row,
        run_form,
        simulate_form,
    })
}

fn tenants_text(tenants: &Tenants) -> String {
    let list = |names: &[Arc<str>]| {
        let names: Vec<&str> = names.iter().map(|n| &**n).collect();
        names.join(", ")
    };
    match tenants {
        Tenants::All => "every tenant".into(),
        Tenants::Except(names) if names.is_empty() => "every tenant".into(),
        Tenants::Except(names) => format!("every tenant but {}", list(names)),
        Tenants::Group(group) => format!("the tenants of the group {group}"),
        Tenants::Listed(names) => list(names),
    }
}

fn is_scheduled(playbook: &Playbook) -> bool {
    playbook.triggers.iter().any(|t| is_schedule(&t.kind))
}

/// An empty form of a playbook, in a made-up system with something to try.
fn form(page: &Page, playbook: &Playbook, sent: Sent) -> StartForm {
    let (program, deployment) = (page.app.engine.program(), page.app.engine.deployment());
    let tenants = tenants_of(&playbook.tenants, &deployment, &page.who().scope);
    let manual = playbook.triggers.iter().find_map(|t| match &t.kind {
        TriggerKind::Manual(params) => Some(params),
        _ => None,
    });
    let mut fields = manual
        .map(|params| forms::fields(params, &program.types))
        .unwrap_or_default();
    if let (Some(sandbox), Some(params)) = (&page.app.settings.sandbox, manual) {
        for (field, param) in fields.iter_mut().zip(params) {
            let Type::Record(ty) = param.ty.present() else {
                continue;
            };
            let short = ty.rsplit('.').next().unwrap_or(ty);
            if let Some((id, who)) = sandbox.entities.get(short) {
                field.value = id.clone();
                field.hint = format!("{} In this sandbox: {who}.", field.hint);
            }
        }
    }
    let events: Vec<String> = match sent {
        Sent::Run => Vec::new(),
        Sent::Simulate => playbook
            .triggers
            .iter()
            .filter_map(|t| match &t.kind {
                TriggerKind::Event(name) => Some(name.to_string()),
                TriggerKind::Webhook(hook) => Some(format!("webhook {}", hook.name)),
                _ => None,
            })
            .collect(),
    };
    let sample = page.app.settings.sandbox.iter().flat_map(|s| &s.samples);
    let payload = sample
        .filter(|s| events.contains(&s.event))
        .find_map(|s| serde_json::to_string_pretty(&s.payload).ok())
        .unwrap_or_default();
    StartForm {
        tenant: tenants.first().cloned().unwrap_or_default(),
        tenants,
        fields,
        events,
        payload,
        payload_error: None,
        people: match sent {
            Sent::Run => Vec::new(),
            Sent::Simulate => vec![
                ("approve".into(), "They approve".into()),
                ("reject".into(), "The first one rejects".into()),
                ("unanswered".into(), "Nobody answers".into()),
            ],
        },
        error: None,
    }
}

/// `POST /playbooks/{id}/run`: leads to the run, or back with the reason.
///
/// # Errors
/// The page of what went wrong.
pub async fn run(
    Path(id): Path<String>,
    sent: Form<BTreeMap<String, String>>,
) -> Result<Response, Oops> {
    let Form { page, fields } = sent;
    page.or_oops(page.auth.needs(Permission::Operate)).await?;
    let program = page.or_oops(find(&page, &id)).await?;
    let Some(playbook) = program.playbooks.get(id.as_str()) else {
        return Ok(Redirect::to("/playbooks").into_response());
    };
    let mut form = form(&page, playbook, Sent::Run);
    form.tenant = fields.get("tenant").cloned().unwrap_or_default();
    let values = match forms::read(form.fields.clone(), &fields) {
        Ok(values) => values.into_iter().collect::<Map<String, Value>>(),
        Err(fields) => {
            form.fields = fields;
            return shown_again(&page, &id, Sent::Run, form).await;
        }
    };
    filled(&mut form, &fields);
    let begun = async {
        let tenant = start::tenant(
            &page.app,
            &page.auth,
            Permission::Operate,
            Some(&form.tenant),
        )?;
        let values = (!form.fields.is_empty()).then_some(values);
        let event = start::begin(&page.app, &page.auth, &id, &tenant, values).await?;
        start::matched(&page.app, event, &tenant, PATIENCE).await
    };
    match begun.await {
        Ok(info) => match info.started.first().or(info.repeated.first()) {
            Some(run) => {
                let word = match info.started.is_empty() {
                    false => "The run has started.",
                    true => "No second run was started: it would repeat this one.",
                };
                Ok(page.back(&format!("/runs/{}", text::segment(run)), word))
            }
            None => {
                let why = info.notes.unwrap_or_else(|| {
                    "it is accepted and waits to be matched; the list of runs will show it".into()
                });
                form.error = Some(format!("No run has started: {why}"));
                shown_again(&page, &id, Sent::Run, form).await
            }
        },
        Err(problem) if matches!(problem.status, 409 | 422) => {
            form.error = Some(problem.detail);
            shown_again(&page, &id, Sent::Run, form).await
        }
        Err(problem) => Err(page.oops(problem).await),
    }
}

/// Keeps what was typed.
fn filled(form: &mut StartForm, sent: &BTreeMap<String, String>) {
    for field in &mut form.fields {
        if let Some(value) = sent.get(&format!("{}{}", forms::PREFIX, field.name)) {
            field.value.clone_from(value);
        }
    }
}

/// `POST /playbooks/{id}/simulate`.
///
/// # Errors
/// The page of what went wrong.
pub async fn simulate(
    Path(id): Path<String>,
    sent: Form<BTreeMap<String, String>>,
) -> Result<Response, Oops> {
    let Form { page, fields } = sent;
    let program = page.or_oops(find(&page, &id)).await?;
    let Some(playbook) = program.playbooks.get(id.as_str()) else {
        return Ok(Redirect::to("/playbooks").into_response());
    };
    let mut form = form(&page, playbook, Sent::Simulate);
    form.tenant = fields.get("tenant").cloned().unwrap_or_default();
    let payload = fields.get("payload").map(|p| p.trim()).unwrap_or_default();
    payload.clone_into(&mut form.payload);
    let mut request = simulate::SimulationRequest {
        tenant: Some(form.tenant.clone()),
        people: match fields.get("people").map(String::as_str) {
            Some("reject") => simulate::PeopleDo::Reject,
            Some("unanswered") => simulate::PeopleDo::Unanswered,
            _ => simulate::PeopleDo::Approve,
        },
        // What is made up may be asked; a live tenant is asked by who says so, through the API.
        live: page.app.settings.sandbox.is_some() && page.who().may(Permission::Operate),
        ..simulate::SimulationRequest::default()
    };
    if !form.fields.is_empty() {
        match forms::read(form.fields.clone(), &fields) {
            Ok(values) => request.values = Some(values.into_iter().collect()),
            Err(fields) => {
                form.fields = fields;
                return shown_again(&page, &id, Sent::Simulate, form).await;
            }
        }
        filled(&mut form, &fields);
    } else if !form.events.is_empty() {
        match serde_json::from_str(payload) {
            Ok(json) => request.event = Some(json),
            Err(error) => {
                form.payload_error = Some(format!("this is no JSON: {error}"));
                return shown_again(&page, &id, Sent::Simulate, form).await;
            }
        }
        request.event_name = fields
            .get("event")
            .filter(|e| !e.starts_with("webhook "))
            .cloned();
    }
    let tenant = form.tenant.clone();
    let simulated = async {
        page.auth.needs_in(Permission::Simulate, &tenant)?;
        simulate::simulation(&page.app, &page.auth, &id, &tenant, request).await
    };
    match simulated.await {
        Ok(done) => Ok(page.show(&simulation::page(&page, playbook, &tenant, &done).await)),
        Err(problem) if problem.status == 422 => {
            form.error = Some(problem.detail);
            shown_again(&page, &id, Sent::Simulate, form).await
        }
        Err(problem) => Err(page.oops(problem).await),
    }
}

async fn shown_again(page: &Page, id: &str, sent: Sent, form: StartForm) -> Result<Response, Oops> {
    let made = make(page, id, Some(Again { sent, form })).await;
    let made = page.or_oops(made).await?;
    Ok(super::page::render(StatusCode::UNPROCESSABLE_ENTITY, &made))
}
