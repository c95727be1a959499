//! Which signed deliveries were taken, so that none starts a second run while its signature is fresh.

use super::{Fault, Tx};
use rusqlite::{OptionalExtension, params};

/// How long a delivery is remembered, in milliseconds. A signature may be ahead of our clock by the window
/// when it arrives and is fresh for as long again; the rest is for clocks that are set back.
const KEEP_MS: i64 = 60 * 60 * 1_000;

impl Tx<'_> {
    /// The arrival that a webhook's delivery with this signature became.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn delivered(&self, hook: &str, signature: &str) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT event FROM deliveries WHERE hook = ?1 AND signature = ?2")?
            .query_row([hook, signature], |row| row.get(0))
            .optional()?)
    }

    /// Notes a delivery, and forgets those whose signatures are long no longer fresh.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_delivery(
        &self,
        hook: &str,
        signature: &str,
        event: i64,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM deliveries WHERE at_ms < ?1")?
            .execute([now_ms.saturating_sub(KEEP_MS)])?;
        self.conn
            .prepare_cached(
                "INSERT INTO deliveries (hook, signature, event, at_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![hook, signature, event, now_ms])?;
        Ok(())
    }
}
