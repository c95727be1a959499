//! Deploys: those that wait for a second person, and those that were.

use super::{Form, Oops, Page};
use crate::api::revisions::settle;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::deploy::difference;
use crate::dashboard::pages::deploys::DeployRow;
use crate::dashboard::pages::{DeployPage, DeploysPage};
use crate::http::Path;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::response::Response;
use counterplay_runtime::store::{RevisionInfo, RevisionState};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// How many revisions are shown.
const REVISIONS: u32 = 40;

/// The decision's form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Decision {
    decision: String,
}

fn row(info: &RevisionInfo) -> DeployRow {
    DeployRow {
        num: info.num,
        summary: info.summary.clone(),
        changes: info.changes.clone(),
        by: info.by.clone(),
        at_ms: info.at_ms,
        state: info.state.name().into(),
        files: 0,
        decided_by: info.decided.as_ref().map(|(by, _)| by.clone()),
    }
}

/// The revisions that wait, and the others, the latest first; none for who sees some tenants only.
///
/// # Errors
/// When the store cannot be read.
pub async fn rows(page: &Page) -> Result<(Vec<DeployRow>, Vec<DeployRow>), Problem> {
    if page.auth.needs_everywhere(Permission::View).is_err() {
        return Ok((Vec::new(), Vec::new()));
    }
    let all = page.app.engine.store().revisions(None, REVISIONS).await?;
    let (waiting, others): (Vec<_>, Vec<_>) =
        all.iter().partition(|r| r.state == RevisionState::Waiting);
    Ok((
        waiting.into_iter().map(row).collect(),
        others.into_iter().map(row).collect(),
    ))
}

/// The deploys that changed a file, those that wait and the others.
///
/// # Errors
/// When the store cannot be read.
pub async fn of_file(page: &Page, path: &str) -> Result<(Vec<DeployRow>, Vec<DeployRow>), Problem> {
    let (waiting, others) = rows(page).await?;
    let store = page.app.engine.store();
    // What each was made from, and what the file says there; the base of one is another one as a rule.
    let mut texts: BTreeMap<i64, (Option<i64>, Option<String>)> = BTreeMap::new();
    let listed: Vec<i64> = waiting.iter().chain(&others).map(|row| row.num).collect();
    let mut todo = listed.clone();
    while let Some(num) = todo.pop() {
        if texts.contains_key(&num) {
            continue;
        }
        if let Some(mut revision) = store.revision(num).await? {
            let base = revision.info.base;
            todo.extend(base.filter(|_| listed.contains(&num)));
            texts.insert(num, (base, revision.files.remove(path)));
        }
    }
    let text = |num: i64| texts.get(&num).and_then(|(_, text)| text.as_ref());
    let changed = |num: i64| {
        let base = texts.get(&num).and_then(|(base, _)| *base);
        text(num) != base.and_then(text)
    };
    let of_it = |rows: Vec<DeployRow>| rows.into_iter().filter(|r| changed(r.num)).collect();
    Ok((of_it(waiting), of_it(others)))
}

/// `/deploys`.
///
/// # Errors
/// The page of what went wrong.
pub async fn list(page: Page) -> Result<Response, Oops> {
    let allowed = page.auth.needs_everywhere(Permission::View);
    page.or_oops(allowed).await?;
    let found = rows(&page).await;
    let (waiting, history) = page.or_oops(found).await?;
    let made = DeploysPage {
        chrome: page.chrome(Area::Deploys, "Deploys").await,
        waiting,
        history,
        folder: page.app.settings.folder.clone(),
    };
    Ok(page.show(&made))
}

/// `/deploys/{revision}`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Path(revision): Path<i64>) -> Result<Response, Oops> {
    let made = make(&page, revision).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page, number: i64) -> Result<DeployPage, Problem> {
    page.auth.needs_everywhere(Permission::View)?;
    let store = page.app.engine.store();
    let none = || Problem::not_found(format!("there is no revision {number}"));
    let revision = store.revision(number).await?.ok_or_else(none)?;
    let before = match revision.info.base {
        Some(base) => store
            .revision(base)
            .await?
            .map(|r| r.files)
            .unwrap_or_default(),
        None => Default::default(),
    };
    let paths: BTreeSet<&String> = before.keys().chain(revision.files.keys()).collect();
    let files: Vec<_> = paths
        .into_iter()
        .filter_map(|path| {
            difference(
                path,
                before.get(path).map(String::as_str),
                revision.files.get(path).map(String::as_str),
            )
        })
        .collect();
    let who = page.who();
    let own = page.app.tokens_of(&who.id).await?;
    let authors = page.auth.needs_everywhere(Permission::Deploy).is_ok();
    let is_own = revision.info.by.eq_ignore_ascii_case(&who.id) || own.contains(&revision.info.by);
    let why_not = match (authors, is_own) {
        (false, _) => Some("Deciding needs the role author, for every tenant.".to_owned()),
        (true, true) => Some(
            "This deploy is your own. Another person has to approve it; you can refuse it.".into(),
        ),
        (true, false) => None,
    };
    let mut row = row(&revision.info);
    row.files = files.len() as u64;
    let waits = revision.info.state == RevisionState::Waiting;
    Ok(DeployPage {
        chrome: page
            .chrome(Area::Deploys, format!("Revision {number}"))
            .await,
        row,
        reasons: revision.info.reasons.clone(),
        files,
        may_decide: waits && why_not.is_none(),
        may_refuse: waits && authors,
        why_not: why_not.filter(|_| waits),
        decided_ms: revision.info.decided.as_ref().map(|(_, at_ms)| *at_ms),
    })
}

/// `POST /deploys/{revision}`.
///
/// # Errors
/// The page of what went wrong.
pub async fn decide(Path(revision): Path<i64>, form: Form<Decision>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let approve = match fields.decision.as_str() {
        "approve" => true,
        "refuse" => false,
        _ => {
            let problem = Problem::bad_request("the form says neither yes nor no");
            return Err(page.oops(problem).await);
        }
    };
    let to = format!("/deploys/{revision}");
    Ok(
        match settle(&page.app, &page.auth, revision, approve).await {
            Ok(()) if approve => page.back(&to, "It runs now."),
            Ok(()) => page.back(&to, "It is refused, and what ran before goes on."),
            Err(problem) => page.back_with_problem(&to, &problem),
        },
    )
}
