//! The store's tables in; which of their columns hold texts, and what an erasure does to their rows, out. A
//! table that is not named here is cleaned like all others: what is added later is not forgotten.

use super::super::{Fault, Tx};
use super::clean::Holds;
use rusqlite::params;

/// The audit trail has a way of its own; counters and marks name nobody.
const NOT_LOOKED_AT: [&str; 7] = [
    "audit",
    "audit_heads",
    "audit_payloads",
    "audit_keys",
    "audit_checkpoints",
    "counters",
    "meta",
];

/// Accounts, configuration and what is under way: told, not erased.
const KEPT: [(&str, &str); 14] = [
    ("programs", "deployed programs"),
    ("revisions", "deployed revisions of the project"),
    ("people", "accounts of this service"),
    ("sessions", "sessions"),
    ("tokens", "tokens"),
    ("modes", "modes that people set"),
    ("promotions", "promotions of versions"),
    ("pauses", "pauses"),
    ("subscriptions", "subscriptions"),
    ("polls", "polled sources"),
    ("changes", "changed objects that are about to be read"),
    ("ticks", "schedules"),
    ("awaits", "events that runs wait for"),
    ("deliveries", "signatures of deliveries"),
];

/// Rows that only speed something up or keep it from being done twice: they go as a whole.
const DROPPED: [&str; 3] = ["answers", "observations", "repeats"];

/// What becomes of a table's rows that name the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Their texts are cleaned.
    Clean,
    /// They go.
    Drop,
    /// They stay; this is what they are called.
    Keep(&'static str),
}

/// A table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// Its name.
    pub name: String,
    /// What identifies a row.
    pub key: Vec<String>,
    /// Its columns of text.
    pub texts: Vec<String>,
    /// Whether its rows belong to runs, by number.
    pub of_runs: bool,
    /// Whether its rows belong to tenants, by name.
    pub of_tenants: bool,
    /// What is done.
    pub fate: Fate,
}

impl Table {
    /// What a column holds.
    pub fn holds(&self, column: &str) -> Holds {
        match (self.name.as_str(), column) {
            ("runs", "state") => Holds::State,
            ("journal", "entry") => Holds::Entry,
            ("events" | "dead_letters", "payload") => Holds::Payload,
            _ => Holds::Text,
        }
    }

    /// Whether a column may be emptied instead of cleaned: what identifies a row to others must not become equal.
    pub fn emptied(&self, column: &str) -> bool {
        (self.name.as_str(), column) == ("events", "source")
    }
}

impl Tx<'_> {
    /// All tables that an erasure looks at.
    pub(super) fn tables(&self) -> Result<Vec<Table>, Fault> {
        let mut ask = self.conn.prepare(
            "SELECT name, sql LIKE '%WITHOUT ROWID%' FROM sqlite_master \
             WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
        )?;
        let found = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let found: Vec<(String, bool)> = found.collect::<Result<_, _>>()?;
        let mut out = Vec::new();
        for (name, without_rowid) in found {
            if !NOT_LOOKED_AT.contains(&name.as_str()) {
                out.push(self.table(name, without_rowid)?);
            }
        }
        Ok(out)
    }

    fn table(&self, name: String, without_rowid: bool) -> Result<Table, Fault> {
        let mut ask = self
            .conn
            .prepare("SELECT name, type, pk > 0 FROM pragma_table_info(?1)")?;
        let columns = ask.query_map(params![name], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let columns: Vec<(String, String, bool)> = columns.collect::<Result<_, _>>()?;
        let has = |wanted: &str, ty: &str| columns.iter().any(|(n, t, _)| n == wanted && t == ty);
        let keys = columns.iter().filter(|(.., key)| *key);
        let texts = columns
            .iter()
            .filter(|(n, t, _)| matches!(t.as_str(), "TEXT" | "BLOB" | "ANY") && n != "tenant");
        let kept = KEPT.iter().find(|(kept, _)| *kept == name);
        Ok(Table {
            fate: match kept {
                Some((_, called)) => Fate::Keep(called),
                None if DROPPED.contains(&name.as_str()) => Fate::Drop,
                None => Fate::Clean,
            },
            key: match without_rowid {
                true => keys.map(|(n, ..)| n.clone()).collect(),
                false => vec!["rowid".into()],
            },
            texts: texts.map(|(n, ..)| n.clone()).collect(),
            of_runs: name != "runs" && has("run", "INTEGER"),
            of_tenants: has("tenant", "TEXT"),
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_all_that_stays() {
        let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/audit.md");
        let page = std::fs::read_to_string(page).expect("readable");
        let told = page
            .split_once("**Not erased**")
            .and_then(|(_, rest)| rest.split_once("**Not reached**"))
            .map(|(told, _)| told.split_whitespace().collect::<Vec<_>>().join(" "))
            .expect("the paragraph");
        for (table, called) in KEPT {
            let word = |c: char| c.is_alphanumeric();
            let found = told.match_indices(called).any(|(at, _)| {
                !told[..at].ends_with(word) && !told[at + called.len()..].starts_with(word)
            });
            assert!(found, "{table}, {called:?}, is not in: {told}");
        }
    }
}
