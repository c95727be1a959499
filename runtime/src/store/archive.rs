//! Runs that ended long ago in; a line of each kept, and what they did in detail dropped, out. The audit trail stays whole.
//!
//! The file does not shrink by that: its pages are used again.

use super::{Fault, NewAudit, Store, StoreError, Tx};
use counterplay_machine::duration::format_time_ms;
use rusqlite::params;
use serde_json::json;

/// How many runs one transaction archives: others wait for it.
const BATCH: i64 = 200;

/// What was archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// How many runs.
    pub runs: i64,
    /// How many events, deliveries and settled dead letters that nothing refers to any more were dropped.
    pub events: i64,
}

impl Store {
    /// Archives runs that ended before a time, and drops what arrived before it and is done with. Each batch is a
    /// transaction of its own, so that an engine goes on in between.
    ///
    /// # Errors
    /// When the clock cannot be trusted, or the store cannot be written; the batches before are archived.
    pub async fn archive(
        &self,
        before_ms: i64,
        by: &str,
        now_ms: i64,
    ) -> Result<Archived, StoreError> {
        let mut all = Archived::default();
        loop {
            let by = by.to_owned();
            let done = self
                .write(move |tx| tx.archive(before_ms, &by, now_ms))
                .await?;
            all.runs += done.runs;
            all.events += done.events;
            if done.runs < BATCH && done.events < BATCH {
                return Ok(all);
            }
        }
    }
}

impl Tx<'_> {
    /// Archives the first runs that ended before a time.
    ///
    /// # Errors
    /// When the clock cannot be trusted, or SQLite refuses.
    pub fn archive(&self, before_ms: i64, by: &str, now_ms: i64) -> Result<Archived, Fault> {
        if let Some(hold) = self.time_doubt(now_ms)? {
            let why = hold.to_string();
            return Err(Fault::Refused(Box::new(StoreError::ClockInDoubt(why))));
        }
        let runs = self.ended_before(before_ms, now_ms)?;
        for run in &runs {
            self.archive_run(*run, now_ms)?;
        }
        let events = self.drop_arrivals(before_ms)?;
        let done = Archived {
            runs: i64::try_from(runs.len()).unwrap_or(i64::MAX),
            events,
        };
        if done.runs > 0 {
            self.add_audit(&NewAudit {
                at_ms: now_ms,
                tenant: String::new(),
                actor: by.to_owned(),
                action: "runs.archived".into(),
                run: None,
                object: None,
                detail: json!({ "runs": done.runs, "ended_before": format_time_ms(before_ms) }),
            })?;
        }
        Ok(done)
    }

    /// Whether any run would be archived that ended before a time.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn any_to_archive(&self, before_ms: i64, now_ms: i64) -> Result<bool, Fault> {
        Ok(!self.ended_before(before_ms, now_ms)?.is_empty())
    }

    /// How many pages the file has, and how many of them are free.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn pages(&self) -> Result<(i64, i64), Fault> {
        let ask = |pragma: &str| self.conn.pragma_query_value(None, pragma, |row| row.get(0));
        Ok((ask("page_count")?, ask("freelist_count")?))
    }

    /// Runs that may go. What still counts stays: calls without an answer, repeats that are ignored, what
    /// is being undone; and the latest run
    /// and journal entry, after which those to come are numbered.
    fn ended_before(&self, before_ms: i64, now_ms: i64) -> Result<Vec<i64>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT num FROM runs r WHERE ended_ms < ?1 \
             AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.run = r.num) \
             AND NOT EXISTS (SELECT 1 FROM repeats p WHERE p.run = r.num AND p.until_ms > ?2) \
             AND NOT EXISTS (SELECT 1 FROM undos u LEFT JOIN runs o ON o.num = u.undo_run \
               WHERE u.run = r.num AND u.refused IS NULL AND o.ended_ms IS NULL) \
             AND num NOT IN (SELECT max(num) FROM runs) \
             AND num NOT IN (SELECT run FROM journal ORDER BY num DESC LIMIT 1) \
             ORDER BY ended_ms LIMIT ?3",
        )?;
        let rows = ask.query_map(params![before_ms, now_ms, BATCH], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn archive_run(&self, run: i64, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO archived_runs (num, id, tenant, playbook, simulated, started_ms, ended_ms, outcome, repeats, \
                 started_by, archived_ms) SELECT num, id, tenant, playbook, simulated, started_ms, ended_ms, outcome, \
                 (SELECT count(*) FROM event_runs e WHERE e.run = r.num AND e.started = 0), \
                 coalesce(json_extract(state, '$.started_by'), ''), ?2 FROM runs r WHERE num = ?1",
            )?
            .execute(params![run, now_ms])?;
        self.conn
            .prepare_cached(
                "DELETE FROM undo_steps WHERE deed IN (SELECT num FROM deeds WHERE run = ?1 OR undone_by = ?1)",
            )?
            .execute([run])?;
        for (table, column) in self.tables_of_runs()? {
            self.conn
                .prepare_cached(&format!("DELETE FROM \"{table}\" WHERE \"{column}\" = ?1"))?
                .execute([run])?;
        }
        for sql in [
            "DELETE FROM event_runs WHERE run = ?1",
            "DELETE FROM runs WHERE num = ?1",
        ] {
            self.conn.prepare_cached(sql)?.execute([run])?;
        }
        Ok(())
    }

    /// The tables whose rows belong to runs, and the column that says to which.
    fn tables_of_runs(&self) -> Result<Vec<(String, String)>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT m.name, f.\"from\" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f ON f.\"table\" = 'runs' \
             WHERE m.type = 'table' ORDER BY m.name",
        )?;
        let rows = ask.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Drops arrivals that were matched and started nothing that is kept, and dead letters that somebody settled.
    fn drop_arrivals(&self, before_ms: i64) -> Result<i64, Fault> {
        let mut dropped = 0;
        for sql in [
            "DELETE FROM dead_letters WHERE num IN (SELECT num FROM dead_letters WHERE at_ms < ?1 \
             AND (replayed_ms IS NOT NULL OR dismissed_ms IS NOT NULL) LIMIT ?2)",
            "DELETE FROM events WHERE num IN (SELECT num FROM events e WHERE received_ms < ?1 AND state = 1 \
             AND NOT EXISTS (SELECT 1 FROM event_runs r WHERE r.event = e.num) \
             AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.event = e.num OR d.replayed_event = e.num) \
             AND num NOT IN (SELECT max(num) FROM events) LIMIT ?2)",
        ] {
            dropped += self
                .conn
                .prepare_cached(sql)?
                .execute(params![before_ms, BATCH])?;
        }
        Ok(i64::try_from(dropped).unwrap_or(i64::MAX))
    }
}
