//! The dead-letter list: what could not be read or matched, whole, with the reason.

use super::{Fault, Tx, codec};
use rusqlite::params;
use serde_json::Value as Json;

impl Tx<'_> {
    /// Keeps an object that could not be used; `event` is the arrival's number where it was accepted.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_letter(
        &self,
        tenant: &str,
        name: Option<&str>,
        event: Option<i64>,
        payload: &Json,
        reason: &str,
        now_ms: i64,
    ) -> Result<i64, Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO dead_letters (at_ms, tenant, name, event, payload, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                now_ms,
                tenant,
                name,
                event,
                codec::encode("a dead letter", payload)?,
                reason
            ])?;
        Ok(self.conn.last_insert_rowid())
    }
}
