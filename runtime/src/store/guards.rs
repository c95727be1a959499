//! What was seen before: observed values, keys that fire once, keys whose repeats are ignored.

use super::{Fault, Tx};
use rusqlite::{OptionalExtension, params};

impl Tx<'_> {
    /// Notes an object's value and returns the one before.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn observe(
        &self,
        tenant: &str,
        event: &str,
        object: &str,
        value: &str,
    ) -> Result<Option<String>, Fault> {
        let before: Option<String> = self
            .conn
            .prepare_cached(
                "SELECT value FROM observations WHERE tenant = ?1 AND event = ?2 AND object = ?3",
            )?
            .query_row([tenant, event, object], |row| row.get(0))
            .optional()?;
        if before.as_deref() != Some(value) {
            self.conn
                .prepare_cached(
                    "INSERT INTO observations (tenant, event, object, value) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT DO UPDATE SET value = excluded.value",
                )?
                .execute([tenant, event, object, value])?;
        }
        Ok(before)
    }

    /// The run, by number and id, that a start with this key would repeat. What is only simulated has done nothing:
    /// a real start does not repeat it.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn repeated_run(
        &self,
        tenant: &str,
        playbook: &str,
        key: &str,
        simulated: bool,
        now_ms: i64,
    ) -> Result<Option<(i64, String)>, Fault> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT r.num, r.id FROM repeats p JOIN runs r ON r.num = p.run \
                 WHERE p.tenant = ?1 AND p.playbook = ?2 AND p.key = ?3 AND (?5 OR NOT r.simulated) \
                 AND CASE WHEN p.until_ms IS NULL THEN r.ended_ms IS NULL ELSE p.until_ms > ?4 END",
            )?
            .query_row(params![tenant, playbook, key, now_ms, simulated], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?)
    }

    /// From now on a key's repeats are ignored, until a time or until the run has ended.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn ignore_repeats(
        &self,
        tenant: &str,
        playbook: &str,
        key: &str,
        run: i64,
        until_ms: Option<i64>,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO repeats (tenant, playbook, key, run, until_ms) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT DO UPDATE SET run = excluded.run, until_ms = excluded.until_ms",
            )?
            .execute(params![tenant, playbook, key, run, until_ms])?;
        Ok(())
    }
}
