//! A person's names in; the rows and audit records that name them out. Nothing is changed.

use super::super::{Fault, Tx};
use super::clean::{self, Holds};
use super::names::Names;
use super::tables::{Fate, Table};
use super::{Found, Kept, taken};
use rusqlite::types::{Value, ValueRef};
use std::collections::{BTreeMap, BTreeSet};

/// How many other names are told.
const ALSO_MAX: usize = 20;

/// A row to be changed.
#[derive(Clone, Debug)]
pub(super) struct Hit {
    /// Its table, by place in [`Found::tables`].
    pub table: usize,
    /// What identifies it.
    pub key: Vec<Value>,
    /// The tenant, where it is known.
    pub tenant: String,
}

/// An audit record whose text goes.
#[derive(Clone, Debug)]
pub(super) struct Trace {
    /// Its number in the store.
    pub num: i64,
    /// Its number in the chain.
    pub seq: i64,
    /// Whether it has a text, readable or not.
    pub has_text: bool,
    /// What will be left of it; `None` where its text cannot be read.
    pub seal: Option<String>,
    /// Its text, where it records an erasure itself.
    pub erasure: Option<String>,
}

/// A run, as far as an erasure needs to know it.
struct Run {
    id: String,
    tenant: String,
    open: bool,
}

impl Tx<'_> {
    /// Looks for a person everywhere.
    pub(super) fn find(&self, names: Names, tenants: Option<&[String]>) -> Result<Found, Fault> {
        let runs = self.all_runs()?;
        let mut found = Found {
            tables: self.tables()?,
            ..Found::of(names)
        };
        let ours = |tenant: &str| tenants.is_none_or(|t| t.iter().any(|t| t == tenant));
        let tables = found.tables.clone();
        for (place, table) in tables.iter().enumerate() {
            self.find_in(&mut found, (place, table), &runs, &ours)?;
        }
        let open: BTreeSet<String> = found.open_runs.iter().cloned().collect();
        self.find_records(&mut found, &open, &ours)?;
        while found.also.len() > ALSO_MAX {
            found.also.pop_last();
        }
        Ok(found)
    }

    fn all_runs(&self) -> Result<BTreeMap<i64, Run>, Fault> {
        let mut ask = self
            .conn
            .prepare("SELECT num, id, tenant, ended_ms IS NULL FROM runs")?;
        let rows = ask.query_map([], |row| {
            Ok((
                row.get(0)?,
                Run {
                    id: row.get(1)?,
                    tenant: row.get(2)?,
                    open: row.get(3)?,
                },
            ))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn find_in(
        &self,
        found: &mut Found,
        (place, table): (usize, &Table),
        runs: &BTreeMap<i64, Run>,
        ours: &dyn Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        if table.texts.is_empty() {
            return Ok(());
        }
        let run = match (table.name.as_str(), table.of_runs) {
            ("runs", _) => "num",
            (_, true) => "run",
            _ => "NULL",
        };
        let tenant = if table.of_tenants { "tenant" } else { "NULL" };
        let waits = if table.name == "events" {
            "state = 0"
        } else {
            "0"
        };
        let sql = format!(
            "SELECT {run}, {tenant}, {waits}, {}, {} FROM \"{}\"",
            table.texts.join(", "),
            table.key.join(", "),
            table.name
        );
        let mut ask = self.conn.prepare(&sql)?;
        let mut rows = ask.query([])?;
        while let Some(row) = rows.next()? {
            let run = row.get::<_, Option<i64>>(0)?.and_then(|num| runs.get(&num));
            let tenant: Option<String> = row.get(1)?;
            let tenant = tenant.or(run.map(|r| r.tenant.clone()));
            // A row of no tenant may be about anybody's people.
            if tenant.as_deref().is_some_and(|t| !ours(t)) {
                continue;
            }
            let mut named = false;
            for (i, column) in table.texts.iter().enumerate() {
                if let ValueRef::Text(bytes) = row.get_ref(3 + i)? {
                    let text = String::from_utf8_lossy(bytes);
                    let holds = table.holds(column);
                    named |= clean::column(holds, &text, &found.names, &mut found.also)?.is_some();
                }
            }
            if !named {
                continue;
            }
            let first = 3 + table.texts.len();
            let key = (first..first + table.key.len()).map(|i| row.get(i));
            match (table.fate, run) {
                (Fate::Keep(what), _) => found.keep(what),
                (_, Some(run)) if run.open => {
                    found.open_runs.insert(run.id.clone());
                }
                _ if row.get(2)? => found.waiting += 1,
                _ => {
                    if let Some(run) = run {
                        found.runs.insert(run.id.clone());
                    }
                    *found.rows.entry(table.name.clone()).or_default() += 1;
                    found.hits.push(Hit {
                        table: place,
                        key: key.collect::<Result<_, _>>()?,
                        tenant: tenant.unwrap_or_default(),
                    });
                }
            }
        }
        Ok(())
    }

    fn find_records(
        &self,
        found: &mut Found,
        open: &BTreeSet<String>,
        ours: &dyn Fn(&str) -> bool,
    ) -> Result<(), Fault> {
        let mut ask = self.conn.prepare(
            "SELECT num, tenant, seq, actor, action, run, \
             (SELECT sealed FROM audit_payloads WHERE audit_payloads.num = audit.num) FROM audit ORDER BY num",
        )?;
        let mut rows = ask.query([])?;
        while let Some(row) = rows.next()? {
            let (tenant, seq): (String, i64) = (row.get(1)?, row.get(2)?);
            if !ours(&tenant) {
                continue;
            }
            let sealed: Option<Vec<u8>> = row.get(6)?;
            let opened = match &sealed {
                Some(sealed) => self.open_payload((&tenant, seq), sealed)?,
                None => None,
            };
            let text = opened.as_ref().map_or("", |o| o.text.as_str());
            let actor: String = row.get(3)?;
            let mut also = BTreeSet::new();
            let named = found.names.clean(&actor).is_some()
                || clean::column(Holds::Text, text, &found.names, &mut also)?.is_some();
            if !named {
                continue;
            }
            let run: Option<String> = row.get(5)?;
            if run.is_some_and(|run| open.contains(&run)) {
                found.records_of_open_runs += 1;
                continue;
            }
            let erasure = row.get::<_, String>(4)? == super::ACTION;
            let seal = opened
                .as_ref()
                .and_then(|o| taken::seal_of(&tenant, seq, &o.salt, &o.text));
            found.records.entry(tenant).or_default().push(Trace {
                num: row.get(0)?,
                seq,
                has_text: sealed.is_some(),
                seal,
                erasure: opened.filter(|_| erasure).map(|o| o.text),
            });
        }
        Ok(())
    }
}

impl Found {
    fn keep(&mut self, what: &'static str) {
        match self.kept.iter_mut().find(|k| k.what == what) {
            Some(kept) => kept.rows += 1,
            None => self.kept.push(Kept { what, rows: 1 }),
        }
    }
}
