//! A person's names in; what finished runs, events and the audit trail keep about them erased, and the erasure
//! recorded without naming them, out. The chains stay whole.

mod clean;
mod find;
mod names;
mod tables;
mod taken;
mod told;

use super::open::{busy, raw};
use super::{Fault, NewAudit, Store, StoreError, Tx};
use find::{Hit, Trace};
pub(super) use names::ERASED;
use names::Names;
use rusqlite::types::Value;
use rusqlite::{params, params_from_iter};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};
use tables::{Fate, Table};
pub(super) use taken::{Left, Mark, Taken};
pub use told::Recorded;

/// How an erasure is recorded.
const ACTION: &str = "audit.erased";
/// How long to wait until no other connection needs the store's former state.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rows that name the person and stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// What they are.
    pub what: &'static str,
    /// How many.
    pub rows: u64,
}

/// Whom to erase.
#[derive(Clone, Debug)]
pub struct Erasure {
    /// What the person is called: addresses, ids, names.
    pub names: Vec<String>,
    /// In these tenants; in all where absent.
    pub tenants: Option<Vec<String>>,
}

/// Where a person is named.
#[derive(Clone, Debug)]
pub struct Found {
    /// Runs that have not ended, by id: what belongs to them is not touched.
    pub open_runs: BTreeSet<String>,
    /// How many arrivals that are still to be judged: they are not touched.
    pub waiting: u64,
    /// Ended runs, by id.
    pub runs: BTreeSet<String>,
    /// How many rows of each table, runs' and others', will be cleaned or dropped.
    pub rows: BTreeMap<String, u64>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// What records about the person call them besides.
    pub also: BTreeSet<String>,
    /// How many audit records belong to open runs and stay.
    pub records_of_open_runs: u64,
    names: Names,
    tables: Vec<Table>,
    hits: Vec<Hit>,
    records: BTreeMap<String, Vec<Trace>>,
}

impl Found {
    fn of(names: Names) -> Found {
        Found {
            open_runs: BTreeSet::new(),
            waiting: 0,
            runs: BTreeSet::new(),
            rows: BTreeMap::new(),
            kept: Vec::new(),
            also: BTreeSet::new(),
            records_of_open_runs: 0,
            names,
            tables: Vec::new(),
            hits: Vec::new(),
            records: BTreeMap::new(),
        }
    }

    /// How many audit records will lose their text.
    pub fn records(&self) -> usize {
        self.records.values().map(Vec::len).sum()
    }

    /// Whether there is nothing to be erased.
    pub fn is_empty(&self) -> bool {
        self.hits.is_empty() && self.records.is_empty()
    }
}

/// What an erasure did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Erased {
    /// How many audit records lost their text.
    pub records: usize,
    /// How many other rows were cleaned or dropped.
    pub rows: usize,
    /// Whether the file was written anew, so that nothing of it is left in unused space.
    pub scrubbed: bool,
}

/// Numbers of records, as ranges with both ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Ranges(Vec<(i64, i64)>);

impl Ranges {
    /// Whether a record is among them.
    fn contain(&self, seq: i64) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&seq))
    }

    fn add(&mut self, more: &Ranges) {
        let mut all: Vec<(i64, i64)> = self.0.iter().chain(&more.0).copied().collect();
        all.sort_unstable();
        self.0.clear();
        for (from, to) in all {
            match self.0.last_mut() {
                Some((_, end)) if from <= end.saturating_add(1) => *end = (*end).max(to),
                _ => self.0.push((from, to)),
            }
        }
    }
}

impl Store {
    /// Where a person is named. Nothing is changed.
    ///
    /// # Errors
    /// When a name is too short to be looked for, or the store or its master key cannot be read.
    pub async fn find_person(&self, whom: Erasure) -> Result<Found, StoreError> {
        let names = Names::of(&whom)?;
        self.read(move |tx| tx.find(names, whom.tenants.as_deref()))
            .await
    }

    /// Erases what was found, and records that, without naming the person. The file is written anew after that.
    ///
    /// # Errors
    /// When the store cannot be written; nothing is erased then. Where only the writing anew fails, the answer says so.
    pub async fn erase(&self, found: Found, by: &str, now_ms: i64) -> Result<Erased, StoreError> {
        let by = by.to_owned();
        let (records, rows) = self.write(move |tx| tx.erase(&found, &by, now_ms)).await?;
        let path = self.path().to_owned();
        let scrubbed = tokio::task::spawn_blocking(move || scrub(&path))
            .await
            .map_err(|_| StoreError::Stopped)?;
        if let Err(error) = &scrubbed {
            tracing::warn!("{error}");
        }
        Ok(Erased {
            records,
            rows,
            scrubbed: scrubbed.unwrap_or(false),
        })
    }
}

/// Writes the file anew, so that unused space holds nothing any more; whether that reached the file itself.
fn scrub(path: &Path) -> Result<bool, StoreError> {
    let sql = |error: rusqlite::Error| StoreError::of_sqlite(path, &error);
    let conn = raw(path, busy(PATIENCE))?;
    let since = Instant::now();
    let again = || {
        std::thread::sleep(Duration::from_millis(50));
        since.elapsed() < PATIENCE
    };
    loop {
        match conn.execute_batch("VACUUM").map_err(sql) {
            Ok(()) => break,
            Err(StoreError::Locked(_)) if again() => {}
            Err(error) => return Err(error),
        }
    }
    loop {
        let busy: i64 = conn
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(sql)?;
        if busy == 0 {
            return Ok(true);
        }
        if !again() {
            return Ok(false);
        }
    }
}

impl Tx<'_> {
    fn erase(&self, found: &Found, by: &str, now_ms: i64) -> Result<(usize, usize), Fault> {
        let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
        for hit in &found.hits {
            let Some(table) = found.tables.get(hit.table) else {
                continue;
            };
            if self.erase_row(table, &hit.key, &found.names)? {
                *rows.entry(hit.tenant.as_str()).or_default() += 1;
            }
        }
        let tenants: BTreeSet<&str> = rows
            .keys()
            .copied()
            .chain(found.records.keys().map(String::as_str))
            .collect();
        let mut records = 0;
        for tenant in tenants {
            let traces = found.records.get(tenant).map_or(&[][..], Vec::as_slice);
            let before = self.erased_records(tenant)?;
            let (mut taken, mut earlier) = (Taken::default(), Vec::new());
            for trace in traces {
                // What an erasure took before has its seal.
                if trace.has_text || before.mark(trace.seq).is_none() {
                    taken.take(trace.seq, trace.seal.clone());
                }
                // A record of an earlier erasure that goes itself must not leave gaps that nothing accounts for.
                if let Some(text) = &trace.erasure {
                    taken.add(Taken::of_record(text));
                    earlier.extend(told::kept_of(text));
                }
                self.erase_record(trace.num)?;
            }
            let (records_taken, left) = taken.json();
            records += traces.len();
            let persons = found.names.given().iter();
            let persons = persons.map(|name| self.digest_of(tenant, name));
            let mut detail = json!({
                "person": persons.collect::<Result<Vec<_>, _>>()?,
                "records": records_taken,
                "left": left,
                "rows": rows.get(tenant).copied().unwrap_or(0),
            });
            if !earlier.is_empty() {
                detail["earlier"] = earlier.into();
            }
            self.add_audit(&NewAudit {
                at_ms: now_ms,
                tenant: tenant.to_owned(),
                actor: by.to_owned(),
                action: ACTION.into(),
                run: None,
                object: None,
                detail,
            })?;
        }
        Ok((records, rows.values().sum()))
    }

    fn erase_record(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM audit_payloads WHERE num = ?1")?
            .execute([num])?;
        // The actor of what has no text any more could not be verified anyway.
        self.conn
            .prepare_cached("UPDATE audit SET actor = ?2 WHERE num = ?1")?
            .execute(params![num, ERASED])?;
        Ok(())
    }

    /// Cleans or drops a row; whether it was still there and named the person.
    fn erase_row(&self, table: &Table, key: &[Value], names: &Names) -> Result<bool, Fault> {
        let key_columns = table.key.iter();
        let is_row = key_columns
            .enumerate()
            .map(|(i, column)| format!("{column} IS ?{}", i + 1))
            .collect::<Vec<_>>()
            .join(" AND ");
        if table.fate == Fate::Drop {
            let sql = format!("DELETE FROM \"{}\" WHERE {is_row}", table.name);
            return Ok(self.conn.execute(&sql, params_from_iter(key))? > 0);
        }
        let sql = format!(
            "SELECT {} FROM \"{}\" WHERE {is_row}",
            table.texts.join(", "),
            table.name
        );
        let mut changes: Vec<(&str, Value)> = Vec::new();
        {
            let mut ask = self.conn.prepare_cached(&sql)?;
            let mut rows = ask.query(params_from_iter(key))?;
            let Some(row) = rows.next()? else {
                return Ok(false);
            };
            for (i, column) in table.texts.iter().enumerate() {
                let Value::Text(text) = row.get(i)? else {
                    continue;
                };
                let also = &mut BTreeSet::new();
                if let Some(clean) = clean::column(table.holds(column), &text, names, also)? {
                    let value = match table.emptied(column) {
                        true => Value::Null,
                        false => Value::Text(clean),
                    };
                    changes.push((column, value));
                }
            }
        }
        if changes.is_empty() {
            return Ok(false);
        }
        let sets: Vec<String> = changes
            .iter()
            .enumerate()
            .map(|(i, (column, _))| format!("{column} = ?{}", key.len() + i + 1))
            .collect();
        let sql = format!(
            "UPDATE \"{}\" SET {} WHERE {is_row}",
            table.name,
            sets.join(", ")
        );
        let values = key.iter().chain(changes.iter().map(|(_, value)| value));
        match self.conn.execute(&sql, params_from_iter(values)) {
            Ok(n) => Ok(n > 0),
            // Two rows that only the person's name kept apart: one is enough.
            Err(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
            {
                let sql = format!("DELETE FROM \"{}\" WHERE {is_row}", table.name);
                Ok(self.conn.execute(&sql, params_from_iter(key))? > 0)
            }
            Err(error) => Err(error.into()),
        }
    }
}
