//! Timers and open approvals of runs.

use super::{Fault, Tx};
use rusqlite::{Params, params};

impl Tx<'_> {
    /// Starts a timer, or moves it.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn start_timer(&self, run: i64, id: &str, at_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO timers (run, id, at_ms) VALUES (?1, ?2, ?3) \
                 ON CONFLICT DO UPDATE SET at_ms = excluded.at_ms",
            )?
            .execute(params![run, id, at_ms])?;
        Ok(())
    }

    /// Stops a timer; false where there is none.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn stop_timer(&self, run: i64, id: &str) -> Result<bool, Fault> {
        let gone = self
            .conn
            .prepare_cached("DELETE FROM timers WHERE run = ?1 AND id = ?2")?
            .execute(params![run, id])?;
        Ok(gone > 0)
    }

    /// The timers that are due and not late, the earliest first: the run's number and the timer's id.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn due_timers(
        &self,
        late_ms: i64,
        now_ms: i64,
        limit: usize,
    ) -> Result<Vec<(i64, String)>, Fault> {
        self.timers(
            "SELECT run, id FROM timers WHERE at_ms >= ?1 AND at_ms <= ?2 ORDER BY at_ms, run, id LIMIT ?3",
            params![late_ms, now_ms, limit as i64],
        )
    }

    /// The timers that were due before a time: those of approvals first, the earliest first.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn late_timers(&self, late_ms: i64, limit: usize) -> Result<Vec<(i64, String)>, Fault> {
        if self.next_timer_ms()?.is_none_or(|first| first >= late_ms) {
            return Ok(Vec::new());
        }
        let approvals = self.timers(
            "SELECT a.run, a.id FROM approvals a JOIN timers t ON t.run = a.run AND t.id = a.id \
             WHERE t.at_ms < ?1 ORDER BY t.at_ms, t.run, t.id LIMIT ?2",
            params![late_ms, limit as i64],
        )?;
        if !approvals.is_empty() {
            return Ok(approvals);
        }
        self.timers(
            "SELECT run, id FROM timers WHERE at_ms < ?1 ORDER BY at_ms, run, id LIMIT ?2",
            params![late_ms, limit as i64],
        )
    }

    fn timers(&self, sql: &str, values: impl Params) -> Result<Vec<(i64, String)>, Fault> {
        let mut ask = self.conn.prepare_cached(sql)?;
        let rows = ask.query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the earliest timer fires.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn next_timer_ms(&self) -> Result<Option<i64>, Fault> {
        self.next_timer_since(i64::MIN)
    }

    /// When the earliest timer fires that does so at a time or later.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn next_timer_since(&self, since_ms: i64) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT min(at_ms) FROM timers WHERE at_ms >= ?1")?
            .query_row([since_ms], |row| row.get(0))?)
    }

    /// Lists an approval among the open ones.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn open_approval(&self, run: i64, id: &str, now_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO approvals (run, id, asked_ms) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![run, id, now_ms])?;
        // The page of an approval that is over is found by its id.
        self.conn
            .prepare_cached("INSERT INTO asked (run, id) VALUES (?1, ?2)")?
            .execute(params![run, id])?;
        Ok(())
    }

    /// Takes an approval from the open ones.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn close_approval(&self, run: i64, id: &str) -> Result<(), Fault> {
        self.conn
            .prepare_cached("DELETE FROM approvals WHERE run = ?1 AND id = ?2")?
            .execute(params![run, id])?;
        self.drop_reminders(id)
    }

    fn approvals_of(&self, run: i64) -> Result<Vec<String>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT id FROM approvals WHERE run = ?1")?;
        let rows = ask.query_map([run], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The ids of the open approvals, the first asked first.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn open_approvals(&self) -> Result<Vec<String>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT id FROM approvals ORDER BY asked_ms, run, id")?;
        let rows = ask.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes a run's timers, approvals and unsent calls void: it has ended.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn void_run(&self, run: i64) -> Result<(), Fault> {
        for id in self.approvals_of(run)? {
            self.drop_reminders(&id)?;
        }
        for sql in [
            "DELETE FROM timers WHERE run = ?1",
            "DELETE FROM approvals WHERE run = ?1",
            "DELETE FROM awaits WHERE run = ?1",
            "DELETE FROM outbox WHERE run = ?1 AND sent <> 1",
            "DELETE FROM repeats WHERE run = ?1 AND until_ms IS NULL",
        ] {
            self.conn.prepare_cached(sql)?.execute([run])?;
        }
        Ok(())
    }
}
