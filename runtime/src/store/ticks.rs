//! When each schedule was last due, so that a restart neither repeats nor loses one.

use super::{Fault, Tx};
use rusqlite::{OptionalExtension, params};

impl Tx<'_> {
    /// When a schedule was last due, in milliseconds since the Unix epoch.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn last_tick(
        &self,
        tenant: &str,
        playbook: &str,
        trigger: usize,
    ) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT last_ms FROM ticks WHERE tenant = ?1 AND playbook = ?2 AND trigger = ?3",
            )?
            .query_row(params![tenant, playbook, trigger as i64], |row| row.get(0))
            .optional()?)
    }

    /// Notes when a schedule was last due.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_tick(
        &self,
        tenant: &str,
        playbook: &str,
        trigger: usize,
        at_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO ticks (tenant, playbook, trigger, last_ms) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT DO UPDATE SET last_ms = excluded.last_ms",
            )?
            .execute(params![tenant, playbook, trigger as i64, at_ms])?;
        Ok(())
    }
}
