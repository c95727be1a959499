//! What people have paused: nothing is sent for it until they let it go on.

use super::{Fault, NewAudit, Store, StoreError, Tx};
use crate::brake::Scope;
use rusqlite::params;
use serde_json::json;
use std::collections::BTreeSet;

/// Something that is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// What.
    pub scope: Scope,
    /// Who said so.
    pub by: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Why, where they said it.
    pub why: Option<String>,
    /// Whether the engine has heard of it: nothing has been sent since.
    pub heard: bool,
    /// How much was still under way when the engine heard of it and had waited.
    pub under_way: u32,
}

/// A condition of SQL: nobody has paused what is sent for a tenant. `tenant` is the column of its name.
pub(super) fn tenant_goes(tenant: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pauses p WHERE p.kind = 'all' OR p.kind = 'tenant' AND p.name = {tenant})"
    )
}

/// A condition of SQL: nobody has paused a run, given by the column that holds its number.
pub(super) fn run_goes(run: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pauses p JOIN runs w ON w.num = {run} WHERE p.kind = 'all' \
         OR p.kind = 'tenant' AND p.name = w.tenant OR p.kind = 'playbook' AND p.name = w.playbook)"
    )
}

fn words(scope: &Scope) -> (&'static str, &str) {
    match scope {
        Scope::All => ("all", ""),
        Scope::Tenant(name) => ("tenant", name),
        Scope::Playbook(id) => ("playbook", id),
    }
}

fn scope(kind: &str, name: String) -> Result<Scope, Fault> {
    match kind {
        "all" => Ok(Scope::All),
        "tenant" => Ok(Scope::Tenant(name)),
        "playbook" => Ok(Scope::Playbook(name)),
        other => Err(Fault::Unreadable {
            what: "a pause".into(),
            detail: format!("it is of {other:?}"),
        }),
    }
}

impl Tx<'_> {
    /// Everything that is paused.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn pauses(&self) -> Result<Vec<Pause>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT kind, name, by, at_ms, why, heard, under_way FROM pauses ORDER BY kind, name",
        )?;
        let mut rows = ask.query([])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(Pause {
                scope: scope(&row.get::<_, String>(0)?, row.get(1)?)?,
                by: row.get(2)?,
                at_ms: row.get(3)?,
                why: row.get(4)?,
                heard: row.get(5)?,
                under_way: row.get(6)?,
            });
        }
        Ok(out)
    }

    /// Notes that the engine has heard of a pause, and how much was still under way.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn pause_heard(&self, of: &Scope, under_way: u32) -> Result<(), Fault> {
        let (kind, name) = words(of);
        self.conn.execute(
            "UPDATE pauses SET heard = 1, under_way = ?3 WHERE kind = ?1 AND name = ?2",
            params![kind, name, under_way],
        )?;
        Ok(())
    }
}

impl Store {
    /// Pauses something; the engine that works on this store hears of it at once. Pausing it again
    /// changes nothing but who said so and why.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn pause(
        &self,
        of: Scope,
        by: &str,
        why: Option<&str>,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let (by, why) = (by.to_owned(), why.map(str::to_owned));
        self.write(move |tx| {
            let (kind, name) = words(&of);
            tx.conn.execute(
                "INSERT INTO pauses (kind, name, by, at_ms, why) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT DO UPDATE SET by = excluded.by, at_ms = excluded.at_ms, why = excluded.why, heard = 0",
                params![kind, name, by, now_ms, why],
            )?;
            tx.add_audit(&audit(&of, "paused", by, json!({ "why": why }), now_ms))?;
            Ok(())
        })
        .await
    }

    /// Lets something go on; false where it was not paused.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn unpause(&self, of: Scope, by: &str, now_ms: i64) -> Result<bool, StoreError> {
        let by = by.to_owned();
        self.write(move |tx| {
            let (kind, name) = words(&of);
            let gone = tx.conn.execute(
                "DELETE FROM pauses WHERE kind = ?1 AND name = ?2",
                params![kind, name],
            )?;
            if gone > 0 {
                tx.add_audit(&audit(&of, "unpaused", by, json!({}), now_ms))?;
            }
            Ok(gone > 0)
        })
        .await
    }

    /// The playbooks that are deployed, as the engine that works on this store has noted it.
    ///
    /// # Errors
    /// When the store or what is deployed cannot be read.
    pub async fn deployed_playbooks(&self) -> Result<BTreeSet<String>, StoreError> {
        self.read(|tx| {
            let deployed = tx.deployed_program()?;
            let ids = deployed.iter().flat_map(|(_, p)| p.playbooks.keys());
            Ok(ids.map(ToString::to_string).collect())
        })
        .await
    }

    /// The playbooks and the tenants of runs: of all, or of those that are open. A deploy may have removed such a
    /// playbook, and such a tenant may have left the project: their runs go on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn that_run(
        &self,
        open: bool,
    ) -> Result<(BTreeSet<String>, BTreeSet<String>), StoreError> {
        self.read(move |tx| {
            let which = match open {
                true => "INDEXED BY runs_open WHERE ended_ms IS NULL",
                false => "",
            };
            let names = |column: &str| {
                let sql = format!("SELECT DISTINCT {column} FROM runs {which}");
                let mut ask = tx.conn.prepare(&sql)?;
                let all = ask.query_map([], |row| row.get(0))?;
                all.collect::<Result<BTreeSet<String>, _>>()
            };
            Ok((names("playbook")?, names("tenant")?))
        })
        .await
    }

    /// Everything that is paused.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn pauses(&self) -> Result<Vec<Pause>, StoreError> {
        self.read(|tx| tx.pauses()).await
    }
}

fn audit(of: &Scope, what: &str, by: String, detail: serde_json::Value, now_ms: i64) -> NewAudit {
    let (kind, name) = words(of);
    NewAudit {
        at_ms: now_ms,
        tenant: match of {
            Scope::Tenant(name) => name.clone(),
            _ => String::new(),
        },
        actor: by,
        action: format!("{kind}.{what}"),
        run: None,
        object: (!name.is_empty()).then(|| name.to_owned()),
        detail,
    }
}
