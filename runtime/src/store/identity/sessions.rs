//! Logins of people: the digest of what a browser holds in, whose session it is out.

use super::PersonRow;
use crate::store::{Fault, Tx};
use rusqlite::{OptionalExtension, params};

/// A session that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSession {
    /// The digest of the browser's secret.
    pub digest: String,
    /// The person's number.
    pub person: i64,
    /// When it ends at the latest, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRow {
    /// Whose it is.
    pub person: PersonRow,
    /// When it began, in milliseconds since the Unix epoch.
    pub created_ms: i64,
    /// When it was last noted as used, in milliseconds since the Unix epoch.
    pub seen_ms: i64,
    /// When it ends at the latest, in milliseconds since the Unix epoch.
    pub expires_ms: i64,
}

impl Tx<'_> {
    /// Begins a session.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_session(&self, session: &NewSession, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO sessions (digest, person, created_ms, seen_ms, expires_ms) \
                 VALUES (?1, ?2, ?3, ?3, ?4)",
            )?
            .execute(params![
                session.digest,
                session.person,
                now_ms,
                session.expires_ms
            ])?;
        Ok(())
    }

    /// The session with a digest, whether it is still good or not.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn session(&self, digest: &str) -> Result<Option<SessionRow>, Fault> {
        let found: Option<(i64, i64, i64, i64)> = self
            .conn
            .prepare_cached(
                "SELECT person, created_ms, seen_ms, expires_ms FROM sessions WHERE digest = ?1",
            )?
            .query_row([digest], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
            })
            .optional()?;
        let Some((person, created_ms, seen_ms, expires_ms)) = found else {
            return Ok(None);
        };
        Ok(self.person(person)?.map(|person| SessionRow {
            person,
            created_ms,
            seen_ms,
            expires_ms,
        }))
    }

    /// The sessions of a person that have not ended, the latest first: digest, beginning, last use. `idle_ms` is the
    /// last use at which a session has ended.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn sessions_of(
        &self,
        person: i64,
        now_ms: i64,
        idle_ms: i64,
    ) -> Result<Vec<(String, i64, i64)>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT digest, created_ms, seen_ms FROM sessions WHERE person = ?1 AND expires_ms > ?2 AND seen_ms > ?3 \
             ORDER BY created_ms DESC, digest",
        )?;
        let rows = ask.query_map([person, now_ms, idle_ms], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Notes that a session is in use.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_session(&self, digest: &str, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("UPDATE sessions SET seen_ms = max(seen_ms, ?2) WHERE digest = ?1")?
            .execute(params![digest, now_ms])?;
        Ok(())
    }

    /// Ends one session.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn end_session(&self, digest: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM sessions WHERE digest = ?1")?
            .execute([digest])?;
        Ok(())
    }

    /// Ends the sessions of a person, but for the one with the digest `keep`.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn end_sessions(&self, person: i64, keep: Option<&str>) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM sessions WHERE person = ?1 AND digest IS NOT ?2")?
            .execute(params![person, keep])?;
        Ok(())
    }

    /// Removes the sessions that are over at `now_ms`, or were last seen before `idle_since_ms`, and
    /// returns how many.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn sweep_sessions(&self, now_ms: i64, idle_since_ms: i64) -> Result<usize, Fault> {
        Ok(self
            .conn
            .prepare_cached("DELETE FROM sessions WHERE expires_ms <= ?1 OR seen_ms <= ?2")?
            .execute(params![now_ms, idle_since_ms])?)
    }
}
