//! Dead letters: listed, shown, tried again, put aside.

use super::run::Nothing;
use super::{Form, Oops, Page};
use crate::api::letters::find;
use crate::api::start::matched;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::letters::LetterRow;
use crate::dashboard::pages::{LetterPage, LettersPage, Paging};
use crate::dashboard::text;
use crate::http::{Path, Query};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::http::StatusCode;
use axum::response::Response;
use counterplay_runtime::store::{DeadLetter, LetterFilter};
use serde::Deserialize;
use std::time::Duration;

/// How many lines a page has.
const LINES: u32 = 30;
/// How long a match is waited for, so that the run's page can follow at once.
const PATIENCE: Duration = Duration::from_secs(3);

/// Which letters.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    all: String,
    after: Option<i64>,
}

fn row(letter: &DeadLetter) -> LetterRow {
    let settled = match (&letter.replayed, &letter.dismissed) {
        (Some((_, by, event)), _) => Some(format!("accepted again by {by} as event {event}")),
        (None, Some((_, by, why))) => Some(format!("put aside by {by}: {why}")),
        (None, None) => None,
    };
    LetterRow {
        num: letter.num,
        at_ms: letter.at_ms,
        tenant: letter.tenant.clone(),
        name: letter.name.clone(),
        reason: letter.reason.clone(),
        settled,
    }
}

/// `/dead-letters`.
///
/// # Errors
/// The page of what went wrong.
pub async fn list(page: Page, Query(wanted): Query<Wanted>) -> Result<Response, Oops> {
    let made = make_list(&page, &wanted).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make_list(page: &Page, wanted: &Wanted) -> Result<LettersPage, Problem> {
    page.auth.needs(Permission::View)?;
    let all = wanted.all == "1";
    let filter = LetterFilter {
        tenants: page.auth.tenants(),
        open: !all,
        before: wanted.after,
        limit: Some(LINES),
        ..LetterFilter::default()
    };
    let found = page.app.engine.store().letter_page(filter).await?;
    Ok(LettersPage {
        chrome: page.chrome(Area::Letters, "Dead letters").await,
        letters: found.items.iter().map(row).collect(),
        all,
        paging: Paging::of(
            "/dead-letters",
            &[("all", if all { "1" } else { "" })],
            wanted.after,
            found.next,
        ),
    })
}

/// `/dead-letters/{num}`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Path(num): Path<i64>) -> Result<Response, Oops> {
    let made = make(&page, num, None).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page, num: i64, error: Option<String>) -> Result<LetterPage, Problem> {
    page.auth.needs(Permission::View)?;
    let letter = find(&page.app, &page.auth, num).await?;
    Ok(LetterPage {
        chrome: page
            .chrome(Area::Letters, format!("Dead letter {num}"))
            .await,
        row: row(&letter),
        payload: serde_json::to_string_pretty(&letter.payload).unwrap_or_default(),
        may_operate: page.who().may_in(Permission::Operate, &letter.tenant),
        error,
    })
}

/// `POST /dead-letters/{num}/retry`.
///
/// # Errors
/// The page of what went wrong.
pub async fn retry(Path(num): Path<i64>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    let done = async {
        let letter = find(&page.app, &page.auth, num).await?;
        page.auth.needs_in(Permission::Operate, &letter.tenant)?;
        let receipt = page.app.engine.replay_letter(num, &page.who().id).await?;
        page.app.feed.changed("letters", &letter.tenant);
        matched(&page.app, receipt.event, &letter.tenant, PATIENCE).await
    };
    match done.await {
        Ok(info) => Ok(match info.started.first() {
            Some(run) => page.back(
                &format!("/runs/{}", text::segment(run)),
                "The letter was accepted, and this run has started.",
            ),
            None => page.back(
                "/dead-letters?all=1",
                &format!(
                    "The letter was accepted. {}",
                    info.notes.unwrap_or_default()
                ),
            ),
        }),
        Err(problem) if matches!(problem.status, 404 | 409 | 422) => {
            let made = make(&page, num, Some(problem.detail)).await;
            let made = page.or_oops(made).await?;
            Ok(super::page::render(StatusCode::UNPROCESSABLE_ENTITY, &made))
        }
        Err(problem) => Err(page.oops(problem).await),
    }
}

/// `POST /dead-letters/{num}/dismiss`.
///
/// # Errors
/// The page of what went wrong.
pub async fn dismiss(Path(num): Path<i64>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    let done = async {
        let letter = find(&page.app, &page.auth, num).await?;
        page.auth.needs_in(Permission::Operate, &letter.tenant)?;
        page.app
            .engine
            .dismiss_letter(num, &page.who().id, "put aside on the dashboard")
            .await?;
        page.app.feed.changed("letters", &letter.tenant);
        Ok::<_, Problem>(())
    };
    Ok(match done.await {
        Ok(()) => page.back("/dead-letters", "The letter is off the list."),
        Err(problem) => page.back_with_problem(&format!("/dead-letters/{num}"), &problem),
    })
}
