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
    /// Its text as it was digested; `None` where it was erased.
    pub text: Option<String>,
    /// The salt of the digest, in hexadecimal.
    pub salt: Option<String>,
}

impl AuditRecord {
    /// The record as a line of JSON: tenant, seq, record, salt, digest, link. `record` stands there exactly as it was
    /// digested; it and the salt are `null` where they were erased.
    pub fn line(&self) -> String {
        let quoted = |text: &str| Json::from(text).to_string();
        format!(
            "{{\"tenant\":{},\"seq\":{},\"record\":{},\"salt\":{},\"digest\":{},\"link\":{}}}",
            quoted(&self.tenant),
            self.seq,
            self.text.as_deref().unwrap_or("null"),
            self.salt.as_deref().map_or("null".into(), quoted),
            quoted(&self.digest),
            quoted(&self.link)
        )
    }
}

/// Records in the order in which they were written.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditPart {
    /// The records, the oldest first.
    pub records: Vec<AuditRecord>,
    /// The number to give as `after` for the next part; `None` at the end.
    pub next: Option<i64>,
}

/// A part of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditExport {
    /// One JSON object each, in the order of the chains: [`AuditRecord::line`].
    pub lines: Vec<String>,
    /// The number to give as `after` for the next part; `None` at the end.
    pub next: Option<i64>,
}

const SELECT: &str = "SELECT num, tenant, seq, at_ms, actor, action, run, digest, link, \
     (SELECT sealed FROM audit_payloads WHERE audit_payloads.num = audit.num) FROM audit";

impl Store {
    /// Records, the latest first.
    ///
    /// # Errors
    /// When the store or its master key cannot be read.
    pub async fn audit(&self, filter: AuditFilter) -> Result<Page<AuditRecord>, StoreError> {
        self.read(move |tx| {
            let page = (filter.before, filter.limit);
            let conditions = conditions(filter);
            tx.page(SELECT, "num", conditions, page, |row| tx.audit_record(row))
        })
        .await
    }

    /// Records, the oldest first, those after this number (0 for the first part), at most `limit`. The filter's `before`
    /// and `limit` do not matter.
    ///
    /// # Errors
    /// When the store or its master key cannot be read.
    pub async fn audit_part(
        &self,
        filter: AuditFilter,
        after: i64,
        limit: u32,
    ) -> Result<AuditPart, StoreError> {
        self.read(move |tx| tx.audit_part(filter, after, limit))
            .await
    }

    /// [`Store::audit_part`] as lines of JSON.
    ///
    /// # Errors
    /// As [`Store::audit_part`].
    pub async fn export_audit(
        &self,
        filter: AuditFilter,
        after: i64,
        limit: u32,
    ) -> Result<AuditExport, StoreError> {
        let part = self.audit_part(filter, after, limit).await?;
        Ok(AuditExport {
            lines: part.records.iter().map(AuditRecord::line).collect(),
            next: part.next,
        })
    }
}

fn conditions(filter: AuditFilter) -> Conditions {
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
    conditions
}

impl Tx<'_> {
    pub(super) fn audit_part(
        &self,
        filter: AuditFilter,
        after: i64,
        limit: u32,
    ) -> Result<AuditPart, Fault> {
        let mut conditions = conditions(filter);
        conditions.with("num > ?", Some(after));
        let sql = format!("{SELECT}{} ORDER BY num LIMIT {limit}", conditions.clause());
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(self.audit_record(row)?);
        }
        let full = limit > 0 && records.len() == limit as usize;
        Ok(AuditPart {
            next: records.last().filter(|_| full).map(|r| r.num),
            records,
        })
    }

    fn audit_record(&self, row: &Row<'_>) -> Result<AuditRecord, Fault> {
        let (tenant, seq): (String, i64) = (row.get(1)?, row.get(2)?);
        let sealed: Option<Vec<u8>> = row.get(9)?;
        let opened = match sealed {
            Some(sealed) => self.open_payload((&tenant, seq), &sealed)?,
            None => None,
        };
        // The list shows what there is; whether it is what was written, the verification says.
        let mut record: Json = opened
            .as_ref()
            .and_then(|o| codec::decode("an audit record", &o.text).ok())
            .unwrap_or(Json::Null);
        let (salt, text) = opened.map(|o| (codec::hex(&o.salt), o.text)).unzip();
        Ok(AuditRecord {
            num: row.get(0)?,
            tenant,
            seq,
            at_ms: row.get(3)?,
            actor: row.get(4)?,
            action: row.get(5)?,
            run: row.get(6)?,
            object: record["object"].as_str().map(str::to_owned),
            detail: record.get_mut("detail").map_or(Json::Null, Json::take),
            digest: row.get(7)?,
            link: row.get(8)?,
            text,
            salt,
        })
    }
}
