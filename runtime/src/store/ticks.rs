//! When each schedule was last due, so that a restart neither repeats nor loses one.

use super::{Fault, Tx};
use rusqlite::{OptionalExtension, params};

impl Tx<'_> {
    /// When a schedule was last due, in milliseconds since the Unix epoch. `written` is what the
    /// source says; one that was written differently then is another schedule.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn last_tick(
        &self,
        tenant: &str,
        playbook: &str,
        trigger: usize,
        written: &str,
    ) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT last_ms FROM ticks WHERE tenant = ?1 AND playbook = ?2 AND trigger = ?3 \
                 AND (written IS NULL OR written = ?4)",
            )?
            .query_row(params![tenant, playbook, trigger as i64, written], |row| {
                row.get(0)
            })
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
        written: &str,
        at_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO ticks (tenant, playbook, trigger, written, last_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT DO UPDATE SET written = excluded.written, last_ms = excluded.last_ms",
            )?
            .execute(params![tenant, playbook, trigger as i64, written, at_ms])?;
        Ok(())
    }

    /// Takes a time at which a schedule is due, so that nobody else does: false where it, or a later one, was taken
    /// already, by whoever works on this store.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn claim_tick(
        &self,
        (tenant, playbook, trigger): (&str, &str, usize),
        written: &str,
        due_ms: i64,
        now_ms: i64,
    ) -> Result<bool, Fault> {
        let taken = self
            .conn
            .prepare_cached(
                "UPDATE ticks SET written = ?4, last_ms = ?6 WHERE tenant = ?1 AND playbook = ?2 AND trigger = ?3 \
                 AND (written IS NULL OR written = ?4) AND last_ms < ?5",
            )?
            .execute(params![
                tenant,
                playbook,
                trigger as i64,
                written,
                due_ms,
                now_ms
            ])?;
        Ok(taken > 0)
    }

    /// Whether anything is known of a playbook's schedules.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn has_ticks(&self, playbook: &str) -> Result<bool, Fault> {
        let sql = "SELECT EXISTS (SELECT 1 FROM ticks WHERE playbook = ?1)";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([playbook], |row| row.get(0))?)
    }

    /// Those of versions that were not the deployed ones, as their ticks are kept: `ID@VERSION`.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn ticks_of_versions(&self) -> Result<Vec<String>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT DISTINCT playbook FROM ticks WHERE instr(playbook, '@') > 0")?;
        let keys = ask.query_map([], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// Forgets when a playbook's schedules were last due: they count from when they are next read.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn forget_ticks(&self, playbook: &str) -> Result<(), Fault> {
        self.conn
            .execute("DELETE FROM ticks WHERE playbook = ?1", [playbook])?;
        Ok(())
    }
}
