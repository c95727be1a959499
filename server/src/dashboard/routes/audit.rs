//! The audit trail: searched and verified.

use super::form::given;
use super::run::Nothing;
use super::{Form, Oops, Page};
use crate::api::audit::chains;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::audit::{AuditRow, ChainResult};
use crate::dashboard::pages::{AuditPage, Choice, Paging};
use crate::dashboard::steps::detail;
use crate::http::Query;
use crate::identity::{Permission, Scope};
use crate::problem::Problem;
use axum::response::Response;
use counterplay_runtime::store::{AuditFilter, AuditRecord, ChainReport};
use counterplay_runtime::timeline;
use serde::Deserialize;

/// How many lines a page has.
const LINES: u32 = 50;
/// What can be asked for.
const ACTIONS: [&str; 12] = [
    "action",
    "approval",
    "letter",
    "login",
    "person",
    "playbook",
    "project",
    "run",
    "token",
    "action.performed",
    "action.failed",
    "approval.voted",
];

/// Which records.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Wanted {
    tenant: String,
    actor: String,
    action: String,
    run: String,
    after: Option<i64>,
}

/// `/audit`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page, Query(wanted): Query<Wanted>) -> Result<Response, Oops> {
    let made = make(&page, &wanted, Vec::new()).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

/// `POST /audit/verify`: computes every chain again.
///
/// # Errors
/// The page of what went wrong.
pub async fn verify(form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    let reports = async {
        page.auth.needs(Permission::Audit)?;
        Ok::<_, Problem>(
            page.app
                .engine
                .store()
                .verify_audit(page.auth.tenants())
                .await?,
        )
    };
    let reports = page.or_oops(reports.await).await?;
    let made = make(&page, &Wanted::default(), reports).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(
    page: &Page,
    wanted: &Wanted,
    reports: Vec<ChainReport>,
) -> Result<AuditPage, Problem> {
    page.auth.needs(Permission::Audit)?;
    let filter = AuditFilter {
        tenants: chains(&page.auth, given(&wanted.tenant).as_deref())?,
        actor: given(&wanted.actor),
        action: given(&wanted.action),
        run: given(&wanted.run),
        before: wanted.after,
        limit: Some(LINES),
        ..AuditFilter::default()
    };
    let found = page.app.engine.store().audit(filter).await?;
    let deployment = page.app.engine.deployment();
    let tenants: Vec<&String> = deployment
        .tenants
        .keys()
        .filter(|t| page.who().scope.includes(t))
        .collect();
    let filtered = [&wanted.tenant, &wanted.actor, &wanted.action, &wanted.run]
        .iter()
        .any(|t| !t.is_empty());
    let any = match page.who().scope {
        Scope::All => "Everything",
        Scope::Tenants(_) => "Every tenant of yours",
    };
    Ok(AuditPage {
        chrome: page.chrome(Area::Audit, "Audit").await,
        records: found.items.into_iter().map(row).collect(),
        tenants: Choice::list(any, &tenants, given(&wanted.tenant).as_deref()),
        actor: wanted.actor.clone(),
        actions: Choice::list("Anything", &ACTIONS, given(&wanted.action).as_deref()),
        run: wanted.run.clone(),
        filtered,
        paging: Paging::of(
            "/audit",
            &[
                ("tenant", &wanted.tenant),
                ("actor", &wanted.actor),
                ("action", &wanted.action),
                ("run", &wanted.run),
            ],
            wanted.after,
            found.next,
        ),
        verified: reports
            .into_iter()
            .map(|report| ChainResult {
                tenant: report.tenant,
                records: u64::try_from(report.records).unwrap_or(0),
                broken: report
                    .first_broken
                    .map(|b| format!("record {}: {}", b.seq, b.why)),
            })
            .collect(),
        export: "/api/automation/audit/export".into(),
    })
}

fn row(record: AuditRecord) -> AuditRow {
    AuditRow {
        seq: record.seq,
        tenant: record.tenant,
        at_ms: record.at_ms,
        text: match record.text {
            Some(_) => words(&record.action, record.object.as_deref(), &record.detail),
            None => format!("{} (erased)", record.action.replace(['.', '_'], " ")),
        },
        actor: record.actor,
        action: record.action,
        run: record.run,
        detail: detail(&record.detail),
    }
}

/// A record in words.
fn words(action: &str, object: Option<&str>, detail: &serde_json::Value) -> String {
    let object = object.unwrap_or_default();
    let args = detail.get("args").or_else(|| detail.get("arguments"));
    let call = match args {
        Some(args) => timeline::call(object, args),
        None => object.to_owned(),
    };
    let said = match action {
        "run.started" => format!("started {object}"),
        "run.ended" => format!(
            "{object} ended {}",
            detail
                .pointer("/outcome/outcome")
                .or_else(|| detail.get("outcome"))
                .and_then(|o| o.as_str())
                .unwrap_or_default()
                .replace('_', " ")
        ),
        "action.performed" => format!("performed {call}"),
        "action.intended" => format!("is about to perform {call}"),
        "action.failed" => format!("{call} failed"),
        "approval.asked" => format!("asked for approval: {object}"),
        "approval.voted" => match detail.get("approve").and_then(|a| a.as_bool()) {
            Some(true) => format!("approved {object}"),
            Some(false) => format!("rejected {object}"),
            None => format!("answered {object}"),
        },
        "login.succeeded" => "logged in".into(),
        "login.failed" => "failed to log in".into(),
        "playbook.mode_set" => format!(
            "set {object} to {}",
            detail["mode"].as_str().unwrap_or("what its source says")
        ),
        other => format!("{} {object}", other.replace(['.', '_'], " ")),
    };
    said.trim_end().to_owned()
}
