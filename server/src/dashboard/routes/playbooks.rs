//! The list of playbooks, the switch of their modes, and promotions of their versions.

use super::{Form, Oops, Page};
use crate::api::playbooks::tenants_of;
use crate::api::promotion::acts_elsewhere;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::PlaybooksPage;
use crate::dashboard::pages::playbooks::{CanaryRow, PlaybookRow};
use crate::http::Path;
use crate::identity::{Permission, Scope};
use crate::problem::Problem;
use axum::response::Response;
use counterplay_machine::deployment::Mode;
use counterplay_machine::duration::DAY_MS;
use counterplay_machine::playbook::{NodeKind, Playbook, TriggerKind};
use counterplay_machine::schedule;
use counterplay_runtime::store::{PlaybookStats, RunFilter, StatsFilter, short_version};
use serde::Deserialize;
use std::collections::BTreeMap;

/// How far statistics go back.
const SPAN_MS: i64 = 30 * DAY_MS;
/// The most open runs that are counted.
const OPEN_MAX: u32 = 1_000;

/// What is known of how playbooks do.
pub struct Doing {
    stats: BTreeMap<String, PlaybookStats>,
    open: BTreeMap<String, u64>,
}

/// The form of a mode's switch.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewMode {
    mode: String,
    next: String,
}

/// `/playbooks`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page) -> Result<Response, Oops> {
    let made = make(&page).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page) -> Result<PlaybooksPage, Problem> {
    page.auth.needs(Permission::View)?;
    let doing = doing(page, None).await?;
    let program = page.app.engine.program();
    Ok(PlaybooksPage {
        chrome: page.chrome(Area::Playbooks, "Playbooks").await,
        playbooks: program
            .playbooks
            .values()
            .filter_map(|p| row(page, p, &doing))
            .collect(),
        may_operate: may_switch(page),
        may_promote: may_promote(page),
        folder: page.app.settings.folder.clone(),
    })
}

/// Whether the viewer may switch modes, which concern every tenant.
pub fn may_switch(page: &Page) -> bool {
    page.auth.needs_everywhere(Permission::Operate).is_ok()
}

/// Whether the viewer may promote versions: whoever deploys them.
pub fn may_promote(page: &Page) -> bool {
    page.auth.needs_everywhere(Permission::Deploy).is_ok()
}

fn canary(page: &Page, playbook: &Playbook) -> Option<CanaryRow> {
    let version = page.app.engine.version(&playbook.id)?;
    let elsewhere = acts_elsewhere(&page.app, &version);
    version.promoted.is_none().then(|| CanaryRow {
        group: version.group,
        elsewhere: elsewhere.map(|v| short_version(&v).to_owned()),
        version: version.version,
    })
}

/// How playbooks do, or one of them.
///
/// # Errors
/// When the store cannot be read.
pub async fn doing(page: &Page, playbook: Option<&str>) -> Result<Doing, Problem> {
    let store = page.app.engine.store();
    let now = page.app.clock.now_ms();
    let span = StatsFilter {
        tenants: page.auth.tenants(),
        playbook: playbook.map(str::to_owned),
        from_ms: now - SPAN_MS,
        to_ms: now + DAY_MS,
        ..StatsFilter::default()
    };
    let stats = store.playbook_stats(span).await?;
    let filter = RunFilter {
        tenants: page.auth.tenants(),
        playbook: playbook.map(str::to_owned),
        open: true,
        limit: Some(OPEN_MAX),
        ..RunFilter::default()
    };
    let mut open: BTreeMap<String, u64> = BTreeMap::new();
    for run in store.run_page(filter).await?.items {
        *open.entry(run.playbook).or_default() += 1;
    }
    Ok(Doing {
        stats: stats.into_iter().map(|s| (s.playbook.clone(), s)).collect(),
        open,
    })
}

/// A playbook as lists show it; nothing where it is for none of the viewer's tenants.
pub fn row(page: &Page, playbook: &Playbook, doing: &Doing) -> Option<PlaybookRow> {
    let scope = &page.who().scope;
    let deployment = page.app.engine.deployment();
    if tenants_of(&playbook.tenants, &deployment, scope).is_empty() && *scope != Scope::All {
        return None;
    }
    let mode = page.app.projects.mode(&playbook.id)?;
    let stats = doing.stats.get(&*playbook.id);
    Some(PlaybookRow {
        id: playbook.id.to_string(),
        title: playbook.title.to_string(),
        summary: first_sentence(&playbook.doc),
        triggers: playbook
            .triggers
            .iter()
            .map(|t| schedule::describe(&t.kind))
            .collect(),
        mode: mode.mode,
        source_mode: (mode.mode != mode.otherwise).then_some(mode.otherwise),
        canary: canary(page, playbook),
        open_runs: doing.open.get(&*playbook.id).copied().unwrap_or(0),
        last_run_ms: stats.and_then(|s| s.last.as_ref()).map(|r| r.started_ms),
        manual: playbook
            .triggers
            .iter()
            .any(|t| matches!(t.kind, TriggerKind::Manual(_))),
        impact: playbook
            .graph
            .node_weights()
            .filter_map(|n| match &n.kind {
                NodeKind::Perform(perform) => Some(perform.impact),
                _ => None,
            })
            .max(),
    })
}

fn first_sentence(doc: &str) -> String {
    let text = doc.replace('\n', " ");
    match text.find(". ") {
        Some(end) => text[..=end].to_owned(),
        None => text,
    }
}

/// `POST /playbooks/{id}/mode`.
///
/// # Errors
/// The page of what went wrong.
pub async fn mode(Path(id): Path<String>, form: Form<NewMode>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let mode = match fields.mode.as_str() {
        "active" => Mode::Active,
        "simulate" => Mode::Simulate,
        "paused" => Mode::Paused,
        _ => {
            let problem = Problem::bad_request("the form names no mode");
            return Err(page.oops(problem).await);
        }
    };
    let set = async {
        page.auth.needs_everywhere(Permission::Operate)?;
        page.app
            .engine
            .set_mode(&id, Some(mode), &page.who().id)
            .await?;
        page.app.feed.changed("playbooks", "");
        Ok::<_, Problem>(())
    };
    let to = super::login::inside(&fields.next);
    let to = if to == "/" { "/playbooks" } else { to };
    Ok(match set.await {
        Ok(()) => {
            let what = match mode {
                Mode::Active => "acts from its next run on",
                Mode::Simulate => "records what it would do from its next run on",
                Mode::Paused => "starts no run any more",
            };
            page.back(to, &format!("{id} {what}."))
        }
        Err(problem) => page.back_with_problem(to, &problem),
    })
}

/// The form of a promotion.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct NewPromotion {
    version: String,
    next: String,
}

/// `POST /playbooks/{id}/promote`.
///
/// # Errors
/// The page of what went wrong.
pub async fn promote(Path(id): Path<String>, form: Form<NewPromotion>) -> Result<Response, Oops> {
    let Form { page, fields } = form;
    let promoted = async {
        page.auth.needs_everywhere(Permission::Deploy)?;
        let by = &page.who().id;
        page.app.engine.promote(&id, &fields.version, by).await?;
        page.app.feed.changed("playbooks", "");
        Ok::<_, Problem>(())
    };
    let to = super::login::inside(&fields.next);
    let to = if to == "/" { "/playbooks" } else { to };
    Ok(match promoted.await {
        Ok(()) => {
            let version = short_version(&fields.version);
            let said = format!("Version {version} of {id} acts everywhere from its next run on.");
            page.back(to, &said)
        }
        Err(problem) => page.back_with_problem(to, &problem),
    })
}
