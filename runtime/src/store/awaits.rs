//! Events that runs wait for, and how often guarded actions were performed.

use super::{Fault, Tx};
use counterplay_machine::duration::DAY_MS;
use rusqlite::params;

/// The longest time that a guard counts over, in milliseconds; what is older is forgotten.
const COUNTED_MS: i64 = 31 * DAY_MS;

impl Tx<'_> {
    /// Notes that a run waits for an event of its tenant.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn await_event(&self, run: i64, id: &str, tenant: &str, event: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO awaits (run, id, tenant, event) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![run, id, tenant, event])?;
        Ok(())
    }

    /// Notes that it waits no longer.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn stop_awaiting(&self, run: i64, id: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM awaits WHERE run = ?1 AND id = ?2")?
            .execute(params![run, id])?;
        Ok(())
    }

    /// The runs of a tenant that wait for an event, by number.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn awaiting(&self, tenant: &str, event: &str) -> Result<Vec<i64>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT DISTINCT run FROM awaits WHERE tenant = ?1 AND event = ?2 ORDER BY run",
        )?;
        let rows = ask.query_map(params![tenant, event], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Counts a guarded action.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn count_use(&self, action: &str, tenant: &str, at_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM uses WHERE action = ?1 AND at_ms < ?2")?
            .execute(params![action, at_ms.saturating_sub(COUNTED_MS)])?;
        self.conn
            .prepare_cached("INSERT INTO uses (action, tenant, at_ms) VALUES (?1, ?2, ?3)")?
            .execute(params![action, tenant, at_ms])?;
        Ok(())
    }

    /// How often a guarded action was performed after a time, in a tenant or in all. Where that cannot be
    /// read it counts as too often: a guard that cannot be evaluated blocks.
    pub fn uses(&self, action: &str, tenant: Option<&str>, since_ms: i64) -> u64 {
        let counted = self
            .conn
            .prepare_cached(
                "SELECT count(*) FROM uses WHERE action = ?1 AND at_ms > ?2 AND (?3 IS NULL OR tenant = ?3)",
            )
            .and_then(|mut ask| {
                ask.query_row(params![action, since_ms, tenant], |row| row.get::<_, i64>(0))
            });
        match counted {
            Ok(n) => n.unsigned_abs(),
            Err(error) => {
                tracing::error!("the uses of {action} cannot be counted: {error}");
                u64::MAX
            }
        }
    }
}
