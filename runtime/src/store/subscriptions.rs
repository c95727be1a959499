//! What services are asked to tell us of, and what they have told that was not read yet.

use super::pauses::tenant_goes;
use super::{Fault, PollSource, Tx};
use rusqlite::{OptionalExtension, params};

/// How a subscription stands. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Of which source.
    pub of: PollSource,
    /// What the service calls it; absent before it is set up.
    pub id: Option<String>,
    /// Until when the service tells us.
    pub until_ms: Option<i64>,
    /// When it is next renewed, or tried to be set up.
    pub next_ms: i64,
    /// How often that has failed since it last succeeded.
    pub failures: i64,
    /// Why it failed the last time.
    pub error: Option<String>,
}

/// An object that a service says has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRow {
    /// Its number; another one after a further change.
    pub num: i64,
    /// The tenant's name.
    pub tenant: String,
    /// The event that it may be.
    pub event: String,
    /// The object's id at the service.
    pub object: String,
    /// How often it could not be read.
    pub failures: i64,
}

impl Tx<'_> {
    /// Every subscription.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn subscriptions(&self) -> Result<Vec<SubscriptionRow>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT tenant, event, source, id, until_ms, next_ms, failures, error FROM subscriptions \
             ORDER BY tenant, event",
        )?;
        let rows = ask.query_map([], |row| {
            Ok(SubscriptionRow {
                of: PollSource::read(row)?,
                id: row.get(3)?,
                until_ms: row.get(4)?,
                next_ms: row.get(5)?,
                failures: row.get(6)?,
                error: row.get(7)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Begins to keep a subscription; whatever was known of it is forgotten.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn begin_subscription(&self, of: &PollSource, next_ms: i64) -> Result<(), Fault> {
        self.conn.execute(
            "INSERT OR REPLACE INTO subscriptions (tenant, event, source, next_ms) VALUES (?1, ?2, ?3, ?4)",
            params![of.tenant, of.event, of.source, next_ms],
        )?;
        Ok(())
    }

    /// Forgets a subscription, and what it told that was not read.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn end_subscription(&self, tenant: &str, event: &str) -> Result<(), Fault> {
        for table in ["subscriptions", "changes"] {
            self.conn.execute(
                &format!("DELETE FROM {table} WHERE tenant = ?1 AND event = ?2"),
                [tenant, event],
            )?;
        }
        Ok(())
    }

    /// What the service calls the subscription of a source, once it is set up; nothing where there is none.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn subscription_id(
        &self,
        tenant: &str,
        event: &str,
    ) -> Result<Option<Option<String>>, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT id FROM subscriptions WHERE tenant = ?1 AND event = ?2")?
            .query_row([tenant, event], |row| row.get(0))
            .optional()?)
    }

    /// Notes that a subscription was set up or renewed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn subscription_kept(
        &self,
        tenant: &str,
        event: &str,
        id: &str,
        until_ms: i64,
        next_ms: i64,
    ) -> Result<(), Fault> {
        self.conn.execute(
            "UPDATE subscriptions SET id = ?3, until_ms = ?4, next_ms = ?5, failures = 0, error = NULL \
             WHERE tenant = ?1 AND event = ?2",
            params![tenant, event, id, until_ms, next_ms],
        )?;
        Ok(())
    }

    /// Notes that a subscription could not be set up or renewed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn subscription_failed(
        &self,
        tenant: &str,
        event: &str,
        error: &str,
        next_ms: i64,
    ) -> Result<(), Fault> {
        self.conn.execute(
            "UPDATE subscriptions SET failures = failures + 1, error = ?3, next_ms = ?4 \
             WHERE tenant = ?1 AND event = ?2",
            params![tenant, event, error, next_ms],
        )?;
        Ok(())
    }

    /// Has a subscription looked after now; where the service has removed it, set up anew.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn subscription_due(
        &self,
        tenant: &str,
        event: &str,
        removed: bool,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn.execute(
            "UPDATE subscriptions SET next_ms = ?3, id = CASE WHEN ?4 THEN NULL ELSE id END \
             WHERE tenant = ?1 AND event = ?2",
            params![tenant, event, now_ms, removed],
        )?;
        Ok(())
    }

    /// Keeps an object that has changed, until it was read.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_change(
        &self,
        tenant: &str,
        event: &str,
        object: &str,
        now_ms: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO changes (tenant, event, object, next_ms) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute(params![tenant, event, object, now_ms])?;
        Ok(())
    }

    /// Objects that are due to be read, where the list that they are in was read before.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn due_changes(&self, now_ms: i64, limit: usize) -> Result<Vec<ChangeRow>, Fault> {
        let mut ask = self.conn.prepare_cached(&format!(
            "SELECT c.num, c.tenant, c.event, c.object, c.failures FROM changes c \
             JOIN polls l ON l.tenant = c.tenant AND l.event = c.event \
             WHERE c.next_ms <= ?1 AND l.polled_ms IS NOT NULL AND {} ORDER BY c.next_ms LIMIT ?2",
            tenant_goes("c.tenant")
        ))?;
        let rows = ask.query_map(params![now_ms, limit as i64], |row| {
            Ok(ChangeRow {
                num: row.get(0)?,
                tenant: row.get(1)?,
                event: row.get(2)?,
                object: row.get(3)?,
                failures: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the next object is due to be read.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn next_change_ms(&self) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached(&format!(
                "SELECT min(c.next_ms) FROM changes c JOIN polls l ON l.tenant = c.tenant AND l.event = c.event \
                 WHERE l.polled_ms IS NOT NULL AND {}",
                tenant_goes("c.tenant")
            ))?
            .query_row([], |row| row.get(0))?)
    }

    /// Forgets a change that was read; a further one of the same object stays.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn end_change(&self, num: i64) -> Result<(), Fault> {
        self.conn
            .execute("DELETE FROM changes WHERE num = ?1", [num])?;
        Ok(())
    }

    /// Has a change read again later.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn change_failed(&self, num: i64, next_ms: i64) -> Result<(), Fault> {
        self.conn.execute(
            "UPDATE changes SET failures = failures + 1, next_ms = ?2 WHERE num = ?1",
            params![num, next_ms],
        )?;
        Ok(())
    }
}
