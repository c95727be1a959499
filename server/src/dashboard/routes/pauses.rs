//! What is to stop or to go on, from the page of sources.

use super::{Form, Oops, Page};
use crate::api::pauses;
use crate::dashboard::pages::Choice;
use crate::dashboard::pages::sources::PauseRow;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::response::Response;
use counterplay_runtime::brake::Scope;
use serde::Deserialize;

/// What is paused.
#[derive(Debug, Deserialize)]
pub struct NewPause {
    what: String,
    #[serde(default)]
    because: String,
}

/// What goes on.
#[derive(Debug, Deserialize)]
pub struct OldPause {
    what: String,
}

/// `POST /pauses`.
///
/// # Errors
/// The page of what went wrong.
pub async fn pause(form: Form<NewPause>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let done = async {
        page.auth.needs(Permission::Operate)?;
        let scope = read(&fields.what)?;
        pauses::allowed(&page.app, &page.auth, &scope).await?;
        let because = Some(fields.because.trim()).filter(|b| !b.is_empty());
        pauses::set(&page.app, &page.who().id, scope, because).await
    };
    Ok(match done.await {
        Ok(pause) if pause.under_way == 0 => page.back(
            "/sources",
            &format!("Paused: {}. Nothing is sent until it goes on.", pause.scope),
        ),
        Ok(pause) => page.back(
            "/sources",
            &format!(
                "Paused: {}. {} sent before had no answer after ten seconds.",
                pause.scope, pause.under_way
            ),
        ),
        Err(problem) => page.back_with_problem("/sources", &problem),
    })
}

/// `POST /pauses/remove`.
///
/// # Errors
/// The page of what went wrong.
pub async fn unpause(form: Form<OldPause>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let done = async {
        page.auth.needs(Permission::Operate)?;
        let scope = read(&fields.what)?;
        pauses::release(&page.app, &page.auth, scope.clone()).await?;
        Ok::<_, Problem>(scope)
    };
    Ok(match done.await {
        Ok(scope) => page.back("/sources", &format!("It goes on: {scope}.")),
        Err(problem) => page.back_with_problem("/sources", &problem),
    })
}

/// What is paused, as rows.
///
/// # Errors
/// When the store cannot be read.
pub async fn rows(page: &Page) -> Result<Vec<PauseRow>, Problem> {
    let pauses = pauses::seen(&page.app, &page.auth).await?;
    let rows = pauses.into_iter().map(|p| PauseRow {
        may: pauses::may(&page.auth, &p.scope).is_ok(),
        what: p.scope.to_string(),
        value: write(&p.scope),
        by: p.by,
        at_ms: p.at_ms,
        why: p.why,
        under_way: p.under_way,
    });
    Ok(rows.collect())
}

/// What the viewer may pause.
///
/// # Errors
/// When the store cannot be read.
pub async fn choices(page: &Page) -> Result<Vec<Choice>, Problem> {
    let there = pauses::stoppable(&page.app).await?;
    let tenants = there.tenants.into_iter().map(Scope::Tenant);
    let playbooks = there.playbooks.into_iter().map(Scope::Playbook);
    let choices = std::iter::once(Scope::All)
        .chain(tenants)
        .chain(playbooks)
        .filter(|scope| pauses::may(&page.auth, scope).is_ok())
        .map(|scope| Choice {
            value: write(&scope),
            label: scope.to_string(),
            chosen: false,
        });
    Ok(choices.collect())
}

fn write(scope: &Scope) -> String {
    match scope {
        Scope::All => "all".into(),
        Scope::Tenant(name) => format!("tenant {name}"),
        Scope::Playbook(id) => format!("playbook {id}"),
    }
}

fn read(what: &str) -> Result<Scope, Problem> {
    match what.split_once(' ') {
        None if what == "all" => Ok(Scope::All),
        Some(("tenant", name)) => Ok(Scope::Tenant(name.to_owned())),
        Some(("playbook", id)) => Ok(Scope::Playbook(id.to_owned())),
        _ => Err(Problem::bad_request("the form names nothing to pause")),
    }
}
