//! The list of runs, with filters and pages.

use super::form::given;
use super::{Oops, Page, rows};
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::{Choice, Paging, RunsPage};
use crate::http::Query;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::response::Response;
use counterplay_machine::state::Status;
use counterplay_runtime::store::RunFilter;
use serde::Deserialize;

/// How many lines a page has.
const LINES: u32 = 30;
/// What can be asked for: what runs do, and how they ended.
const STATUSES: [&str; 14] = [
    "open",
    "running",
    "waiting",
    "awaiting approval",
    "held",
    "completed",
    "completed with failures",
    "resolved",
    "stopped",
    "rejected",
    "failed",
    "cancelled",
    "ended",
    "archived",
];

/// Which runs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    status: String,
    tenant: String,
    playbook: String,
    simulated: String,
    after: Option<i64>,
}

/// `/runs`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Query(wanted): Query<Wanted>) -> Result<Response, Oops> {
    let made = make(&page, &wanted).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page, wanted: &Wanted) -> Result<RunsPage, Problem> {
    page.auth.needs(Permission::View)?;
    let (store, program) = (page.app.engine.store(), page.app.engine.program());
    let status = match wanted.status.as_str() {
        "running" => Some(Status::Running),
        "waiting" => Some(Status::Waiting),
        "awaiting approval" => Some(Status::AwaitingApproval),
        "held" => Some(Status::Held),
        "ended" => Some(Status::Ended),
        _ => None,
    };
    let is_word = ["open", "archived"].contains(&wanted.status.as_str());
    let outcome = (status.is_none() && !is_word).then(|| given(&wanted.status));
    let filter = RunFilter {
        tenants: page.auth.tenants(),
        status,
        open: wanted.status == "open",
        archived: wanted.status == "archived",
        tenant: given(&wanted.tenant),
        playbook: given(&wanted.playbook),
        outcome: outcome.flatten(),
        simulated: match wanted.simulated.as_str() {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        },
        before: wanted.after,
        limit: Some(LINES),
        ..RunFilter::default()
    };
    let found = store.run_page(filter).await?;
    let deployment = page.app.engine.deployment();
    let tenants: Vec<&String> = deployment
        .tenants
        .keys()
        .filter(|t| page.who().scope.includes(t))
        .collect();
    let playbooks: Vec<&str> = program.playbooks.keys().map(|k| &**k).collect();
    let filtered = [
        &wanted.status,
        &wanted.tenant,
        &wanted.playbook,
        &wanted.simulated,
    ]
    .iter()
    .any(|t| !t.is_empty());
    let chosen = |text: &str| given(text);
    Ok(RunsPage {
        chrome: page.chrome(Area::Runs, "Runs").await,
        runs: found.items.iter().map(|i| rows::run(&program, i)).collect(),
        statuses: Choice::list("Any", &STATUSES, chosen(&wanted.status).as_deref()),
        tenants: Choice::list("Every tenant", &tenants, chosen(&wanted.tenant).as_deref()),
        playbooks: Choice::list(
            "Every playbook",
            &playbooks,
            chosen(&wanted.playbook).as_deref(),
        ),
        filtered,
        paging: Paging::of(
            "/runs",
            &[
                ("status", &wanted.status),
                ("tenant", &wanted.tenant),
                ("playbook", &wanted.playbook),
                ("simulated", &wanted.simulated),
            ],
            wanted.after,
            found.next,
        ),
    })
}
