//! Audit records out: searched, a page at a time, and as lines of JSON for another system.

use super::list::{Conditions, Page};
use super::{Fault, Store, StoreError, Tx, codec};
use rusqlite::{Row, params_from_iter};
use serde_json::Value as Json;

/// Which records to list; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of these tenants; `""` stands for what concerns the whole installation and has to be named
    /// like any other. Of all when absent.
    pub tenants: Option<Vec<String>>,
    /// By this actor.
    pub actor: Option<String>,
    /// Whose action is this one or begins with it and a dot.
    pub action: Option<String>,
    /// Of this run, by id.
    pub run: Option<String>,
    /// Not before, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Before, in milliseconds since the Unix epoch.
    pub to_ms: Option<i64>,
    /// Those before this number: [`Page::next`] of the page before.
    pub before: Option<i64>,
    /// At most so many, 100 when absent.
    pub limit: Option<u32>,
}

/// A record.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditRecord {
    /// Its number in the store.
    pub num: i64,
    /// The tenant; `""` for what concerns the whole installation.
    pub tenant: String,
    /// Its number in the tenant's chain, from 1.
    pub seq: i64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who.
    pub actor: String,
    /// What, as a dotted name.
    pub action: String,
    /// The run's id, where it belongs to one.
    pub run: Option<String>,
    /// What it was done to.
    pub object: Option<String>,
    /// The rest.
    pub detail: Json,
    /// Its digest, in hexadecimal.
    pub digest: String,
    /// Its link, in hexadecimal.
    pub link: String,
}

/// A part of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditExport {
    /// One JSON object each, in the order of the chains: tenant, seq, record, salt, digest, link.
    /// `record` stands there exactly as it was digested.
    pub lines: Vec<String>,
    /// The number to give as `after` for the next part; `None` at the end.
    pub next: Option<i64>,
}

const SELECT: &str =
    "SELECT num, tenant, seq, at_ms, actor, action, run, digest, link, record FROM audit";

impl Store {
    /// Records, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Page<AuditRecord>, StoreError> {
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            let beneath = filter.action.as_ref().map(|a| format!("{a}."));
            conditions
                .tenants("tenant", filter.tenants.as_deref())
                .with("actor = ? COLLATE NOCASE", filter.actor)
                .with("run = ?", filter.run)
                .with("at_ms >= ?", filter.from_ms)
                .with("at_ms < ?", filter.to_ms);
            if let (Some(action), Some(beneath)) = (filter.action, beneath) {
                conditions.either(
                    "(action = ? OR substr(action, 1, length(?)) = ?)",
                    [action, beneath.clone(), beneath],
                );
            }
            tx.page(
                SELECT,
                "num",
                conditions,
                (filter.before, filter.limit),
                read,
            )
        })
        .await
    }

    /// The records of some tenants (of all where `None`) as lines of JSON, the oldest first, those
    /// after this number (0 for the first part), at most `limit`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn export_audit(
        &self,
        tenants: Option<Vec<String>>,
        after: i64,
        limit: u32,
    ) -> Result<AuditExport, StoreError> {
        self.read(move |tx| tx.audit_lines(tenants.as_deref(), after, limit))
            .await
    }
}

impl Tx<'_> {
    fn audit_lines(
        &self,
        tenants: Option<&[String]>,
        after: i64,
        limit: u32,
    ) -> Result<AuditExport, Fault> {
        let mut conditions = Conditions::default();
        conditions
            .tenants("tenant", tenants)
            .with("num > ?", Some(after));
        let sql = format!(
            "SELECT num, tenant, seq, record, salt, digest, link FROM audit{} ORDER BY num LIMIT {limit}",
            conditions.clause()
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        let mut export = AuditExport {
            lines: Vec::new(),
            next: None,
        };
        let mut last = after;
        while let Some(row) = rows.next()? {
            last = row.get(0)?;
            let text =
                |i: usize| -> Result<String, Fault> { Ok(Json::String(row.get(i)?).to_string()) };
            // A record that is gone leaves its place empty.
            let record: Option<String> = row.get(3)?;
            export.lines.push(format!(
                "{{\"tenant\":{},\"seq\":{},\"record\":{},\"salt\":{},\"digest\":{},\"link\":{}}}",
                text(1)?,
                row.get::<_, i64>(2)?,
                record.as_deref().unwrap_or("null"),
                text(4)?,
                text(5)?,
                text(6)?
            ));
        }
        if limit > 0 && export.lines.len() == limit as usize {
            export.next = Some(last);
        }
        Ok(export)
    }
}

fn read(row: &Row<'_>) -> Result<AuditRecord, Fault> {
    let record: Option<String> = row.get(9)?;
    // The list shows what there is; whether it is what was written, the verification says.
    let mut record: Json = record
        .and_then(|r| codec::decode("an audit record", &r).ok())
        .unwrap_or(Json::Null);
    Ok(AuditRecord {
        num: row.get(0)?,
        tenant: row.get(1)?,
        seq: row.get(2)?,
        at_ms: row.get(3)?,
        actor: row.get(4)?,
        action: row.get(5)?,
        run: row.get(6)?,
        object: record["object"].as_str().map(str::to_owned),
        detail: record.get_mut("detail").map_or(Json::Null, Json::take),
        digest: row.get(7)?,
        link: row.get(8)?,
    })
}
