//! The audit trail: searched, verified, exported.

use crate::api::{runs, start, time};
use crate::app::App;
use crate::http::{Auth, Query, Refused};
use crate::identity::{Permission, Scope};
use crate::problem::Problem;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use counterplay_runtime::ocsf;
use counterplay_runtime::store::{AuditFilter, AuditRecord, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How many lines of an export are read at once.
const LINES: u32 = 500;

/// A record.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AuditView {
    /// The tenant; empty for what concerns the whole installation.
    pub tenant: String,
    /// Its number in the tenant's chain.
    pub seq: i64,
    /// When, RFC 3339.
    #[schema(format = DateTime)]
    pub at: String,
    /// Who.
    pub actor: String,
    /// What, such as `approval.voted`.
    pub action: String,
    /// The run.
    pub run: Option<String>,
    /// What it was done to.
    pub object: Option<String>,
    /// The rest, secrets replaced.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// Whether the text of the record was erased; the chain has it still.
    pub erased: bool,
    /// The record's link in the chain.
    pub link: String,
}

/// A page of records.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AuditPage {
    /// The latest first.
    pub records: Vec<AuditView>,
    /// What `cursor` gets for the next page; absent on the last one.
    pub next: Option<String>,
}

/// What the verification found.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AuditVerification {
    /// Whether every chain is whole.
    pub whole: bool,
    /// One for each tenant.
    pub chains: Vec<ChainView>,
}

/// A tenant's chain.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ChainView {
    /// The tenant; empty for what concerns the whole installation.
    pub tenant: String,
    /// How many records were found to be whole.
    pub records: i64,
    /// How many of them have no text any more, because an erasure that the chain records took it.
    pub erased: i64,
    /// How many of those were erased by a version that kept no digest of what is left of them: their time, action and run
    /// cannot be verified.
    pub erased_unsealed: i64,
    /// The last link.
    pub head: String,
    /// The number of the first record that is not whole.
    pub broken_at: Option<i64>,
    /// What is wrong with it.
    pub why: Option<String>,
}

/// Which records.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Of this tenant.
    pub tenant: Option<String>,
    /// By this actor.
    pub actor: Option<String>,
    /// This action, or those that begin with it: `approval` finds `approval.voted`.
    pub action: Option<String>,
    /// Of this run.
    pub run: Option<String>,
    /// At this time or later, RFC 3339.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// What the page before gave as `next`.
    pub cursor: Option<i64>,
    /// At most so many, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
}

/// How records are exported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// Every record, with what is needed to verify it elsewhere.
    #[default]
    Jsonl,
    /// Actions that changed something, as OCSF Remediation Activity.
    Ocsf,
}

/// Which records are exported.
#[derive(Clone, Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// How: `jsonl` or `ocsf`.
    #[param(inline)]
    pub format: ExportFormat,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// This action, or those that begin with it: `approval` finds `approval.voted`.
    pub action: Option<String>,
    /// At this time or later, RFC 3339.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339.
    #[param(format = DateTime)]
    pub to: Option<String>,
}

/// The chains that someone may read: of their tenants; of the whole installation where they may act everywhere.
///
/// # Errors
/// 404 where a tenant is named that is not theirs.
pub fn chains(auth: &Auth, named: Option<&str>) -> Result<Option<Vec<String>>, Problem> {
    match (named, &auth.0.scope) {
        (Some(name), scope) if name.is_empty() && *scope == Scope::All => {
            Ok(Some(vec![String::new()]))
        }
        (Some(name), _) => {
            auth.needs_in(Permission::Audit, name)?;
            Ok(Some(vec![name.to_owned()]))
        }
        (None, scope) => Ok(scope.names()),
    }
}

/// The filter of a query.
///
/// # Errors
/// When a part of it cannot be read or is not the caller's.
pub fn filter(auth: &Auth, query: AuditQuery) -> Result<AuditFilter, Problem> {
    Ok(AuditFilter {
        tenants: chains(auth, query.tenant.as_deref())?,
        actor: query.actor,
        action: query.action,
        run: query.run,
        from_ms: runs::at("from", query.from.as_deref())?,
        to_ms: runs::at("to", query.to.as_deref())?,
        before: query.cursor,
        limit: start::limit(query.limit)?,
    })
}

/// List audit records
#[utoipa::path(get, path = "/audit", tag = "records",
    operation_id = "listAudit", params(AuditQuery),
    responses((status = 200, description = "Records, the latest first", body = AuditPage), Refused))]
pub async fn list(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditPage>, Problem> {
    auth.needs(Permission::Audit)?;
    let page = app.engine.store().audit(filter(&auth, query)?).await?;
    Ok(Json(AuditPage {
        records: page.items.into_iter().map(view).collect(),
        next: page.next.map(|n| n.to_string()),
    }))
}

fn view(record: AuditRecord) -> AuditView {
    AuditView {
        tenant: record.tenant,
        seq: record.seq,
        at: time::rfc3339(record.at_ms),
        actor: record.actor,
        action: record.action,
        run: record.run,
        object: record.object,
        detail: record.detail,
        erased: record.text.is_none(),
        link: record.link,
    }
}

/// Verify the audit trail
///
/// Computes every chain again; names the first record of each that is not whole.
#[utoipa::path(get, path = "/audit/verify", tag = "records",
    operation_id = "verifyAudit",
    responses(
        (status = 200, description = "What was found in each tenant's chain", body = AuditVerification),
        Refused))]
pub async fn verify(
    State(app): State<App>,
    auth: Auth,
) -> Result<Json<AuditVerification>, Problem> {
    auth.needs(Permission::Audit)?;
    let reports = app.engine.store().verify_audit(auth.tenants()).await?;
    let chains: Vec<ChainView> = reports
        .into_iter()
        .map(|report| ChainView {
            tenant: report.tenant,
            records: report.records,
            erased: report.erased,
            erased_unsealed: report.erased_unsealed,
            head: report.head,
            broken_at: report.first_broken.as_ref().map(|b| b.seq),
            why: report.first_broken.map(|b| b.why),
        })
        .collect();
    Ok(Json(AuditVerification {
        whole: chains.iter().all(|c| c.broken_at.is_none()),
        chains,
    }))
}

/// Export the audit trail
///
/// One JSON object a line, the oldest first: every record with what is needed to verify it elsewhere, or the actions that
/// changed something as events of the Open Cybersecurity Schema Framework.
#[utoipa::path(get, path = "/audit/export", tag = "records",
    operation_id = "exportAudit", params(ExportQuery),
    responses((status = 200, description = "JSON Lines", body = String, content_type = "application/x-ndjson"), Refused))]
pub async fn export(
    State(app): State<App>,
    auth: Auth,
    Query(query): Query<ExportQuery>,
) -> Result<Response, Problem> {
    auth.needs(Permission::Audit)?;
    let store = app.engine.store().clone();
    let format = query.format;
    let filter = AuditFilter {
        tenants: chains(&auth, query.tenant.as_deref())?,
        action: query.action,
        from_ms: runs::at("from", query.from.as_deref())?,
        to_ms: runs::at("to", query.to.as_deref())?,
        ..AuditFilter::default()
    };
    let (send, receive) = tokio::sync::mpsc::channel::<Result<Bytes, StoreError>>(4);
    tokio::spawn(async move {
        let mut after = 0;
        loop {
            let part = match store.audit_part(filter.clone(), after, LINES).await {
                Ok(part) => part,
                Err(error) => {
                    // The transfer breaks off: a trail that ends early must not look whole.
                    let _ = send.send(Err(error)).await;
                    return;
                }
            };
            let lines = part.records.iter().filter_map(|r| line(format, r));
            let text: String = lines.map(|line| line + "\n").collect();
            if send.send(Ok(Bytes::from(text))).await.is_err() {
                return;
            }
            match part.next {
                Some(next) => after = next,
                None => return,
            }
        }
    });
    let body = Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(receive));
    let headers = [
        (header::CONTENT_TYPE, "application/x-ndjson"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"counterplay-audit.jsonl\"",
        ),
    ];
    Ok((headers, body).into_response())
}

fn line(format: ExportFormat, record: &AuditRecord) -> Option<String> {
    match format {
        ExportFormat::Jsonl => Some(record.line()),
        ExportFormat::Ocsf => {
            ocsf::remediation(record, env!("CARGO_PKG_VERSION")).map(|event| event.to_string())
        }
    }
}
