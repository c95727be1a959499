//! How far each polled source has been read, and how that went.

use super::{Fault, Tx};
use rusqlite::{Row, params};

/// A source that is polled for a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PollSource {
    /// The tenant's name.
    pub tenant: String,
    /// The event.
    pub event: String,
    /// The declaration, as text: where it changes, reading begins anew.
    pub source: String,
}

impl PollSource {
    /// The first three columns of a row.
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<PollSource> {
        Ok(PollSource {
            tenant: row.get(0)?,
            event: row.get(1)?,
            source: row.get(2)?,
        })
    }
}

/// How a polled source stands. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollRow {
    /// Which source.
    pub of: PollSource,
    /// How far it has been read, by its own clock; absent where it has no property to filter by.
    pub cursor_ms: Option<i64>,
    /// When it is next read.
    pub next_ms: i64,
    /// When it was last read with success; absent before the first time.
    pub polled_ms: Option<i64>,
    /// How often reading has failed since.
    pub failures: i64,
    /// Why it failed the last time.
    pub error: Option<String>,
}

impl Tx<'_> {
    /// Every polled source.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn polls(&self) -> Result<Vec<PollRow>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT tenant, event, source, cursor_ms, next_ms, polled_ms, failures, error FROM polls \
             ORDER BY tenant, event",
        )?;
        let rows = ask.query_map([], |row| {
            Ok(PollRow {
                of: PollSource::read(row)?,
                cursor_ms: row.get(3)?,
                next_ms: row.get(4)?,
                polled_ms: row.get(5)?,
                failures: row.get(6)?,
                error: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Begins to poll a source; whatever was known of it is forgotten.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn begin_poll(&self, of: &PollSource, next_ms: i64) -> Result<(), Fault> {
        self.conn.execute(
            "INSERT OR REPLACE INTO polls (tenant, event, source, next_ms) VALUES (?1, ?2, ?3, ?4)",
            params![of.tenant, of.event, of.source, next_ms],
        )?;
        Ok(())
    }

    /// Forgets a source that nobody waits for any more.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn end_poll(&self, tenant: &str, event: &str) -> Result<(), Fault> {
        self.conn.execute(
            "DELETE FROM polls WHERE tenant = ?1 AND event = ?2",
            [tenant, event],
        )?;
        Ok(())
    }

    /// Notes that a source was read. To be called in the transaction that stores what it gave.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn poll_succeeded(
        &self,
        tenant: &str,
        event: &str,
        cursor_ms: Option<i64>,
        polled_ms: i64,
        next_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE polls SET cursor_ms = ?3, polled_ms = ?4, next_ms = ?5, failures = 0, error = NULL \
                 WHERE tenant = ?1 AND event = ?2",
            )?
            .execute(params![tenant, event, cursor_ms, polled_ms, next_ms])?;
        Ok(())
    }

    /// Notes that a source could not be read; how far it has been read stays as it is.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn poll_failed(
        &self,
        tenant: &str,
        event: &str,
        error: &str,
        next_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE polls SET failures = failures + 1, error = ?3, next_ms = ?4 \
                 WHERE tenant = ?1 AND event = ?2",
            )?
            .execute(params![tenant, event, error, next_ms])?;
        Ok(())
    }

    /// Has a polled source read now.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn poll_due(&self, tenant: &str, event: &str, now_ms: i64) -> Result<(), Fault> {
        self.conn.execute(
            "UPDATE polls SET next_ms = min(next_ms, ?3) WHERE tenant = ?1 AND event = ?2",
            params![tenant, event, now_ms],
        )?;
        Ok(())
    }
}
