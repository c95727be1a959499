//! Runs and their journals.

use super::{Fault, Tx, codec};
use counterplay_machine::journal::Entry;
use counterplay_machine::state::{Run, Status};
use rusqlite::{OptionalExtension, params};

/// What a new run's row says besides its state.
#[derive(Clone, Copy, Debug)]
pub struct NewRunRow {
    /// The program, by number.
    pub program: i64,
    /// Whether its actions are recorded and not performed.
    pub simulated: bool,
}

/// A run as it is stored.
#[derive(Clone, Debug)]
pub struct StoredRun {
    /// Its number.
    pub num: i64,
    /// The program that it started with, by number.
    pub program: i64,
    /// Whether its actions are recorded and not performed.
    pub simulated: bool,
    /// How many journal entries it has.
    pub entries: i64,
    /// What its row says that it is doing.
    pub status: Status,
    /// Its state.
    pub run: Run,
}

impl Tx<'_> {
    /// A run's number, by id.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn run_num(&self, id: &str) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached("SELECT num FROM runs WHERE id = ?1")?
            .query_row([id], |row| row.get(0))
            .optional()?)
    }

    /// Stores a new run with its first journal entries and returns its number.
    ///
    /// # Errors
    /// When SQLite refuses, in particular when a run has this id.
    pub fn add_run(
        &self,
        row: NewRunRow,
        run: &Run,
        journal: &[Entry],
        now_ms: i64,
    ) -> Result<i64, Fault> {
        let state = codec::encode("a run", run)?;
        self.conn
            .prepare_cached(
                "INSERT INTO runs (id, tenant, playbook, program, simulated, status, started_ms, updated_ms, \
                 ended_ms, outcome, entries, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                run.id,
                run.tenant.name,
                &*run.playbook,
                row.program,
                row.simulated,
                run.status().name(),
                now_ms,
                run.outcome.as_ref().map(|_| now_ms),
                outcome(run)?,
                journal.len() as i64,
                state,
            ])?;
        let num = self.conn.last_insert_rowid();
        self.recent.put(num, state, run);
        self.append(num, 0, journal)?;
        Ok(num)
    }

    /// A run by number.
    ///
    /// # Errors
    /// When it is not there or cannot be read.
    pub fn run(&self, num: i64) -> Result<StoredRun, Fault> {
        let row: Option<(i64, bool, i64, String, String)> = self
            .conn
            .prepare_cached(
                "SELECT program, simulated, entries, state, id FROM runs WHERE num = ?1",
            )?
            .query_row([num], |r| {
                Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?))
            })
            .optional()?;
        let (program, simulated, entries, state, id) =
            row.ok_or_else(|| Fault::NotFound(format!("the store has no run number {num}")))?;
        let read = || codec::decode::<Run>(&format!("run {id}"), &state);
        let run = match self.recent.get(num, &state) {
            Some(run) => {
                debug_assert_eq!(read().ok().as_ref(), Some(&run));
                run
            }
            None => read()?,
        };
        Ok(StoredRun {
            num,
            program,
            simulated,
            entries,
            status: run.status(),
            run,
        })
    }

    /// Stores a run's state after a transition, with the journal entries that it gave.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn save_run(
        &self,
        stored: &StoredRun,
        journal: &[Entry],
        now_ms: i64,
    ) -> Result<(), Fault> {
        let (num, run, status) = (stored.num, &stored.run, stored.run.status());
        let entries = stored.entries + journal.len() as i64;
        let state = codec::encode("a run", run)?;
        // A column that is named costs every index over it, whether its value is another one or not.
        if status == Status::Ended {
            self.conn
                .prepare_cached(
                    "UPDATE runs SET entries = ?2, state = ?3, updated_ms = ?4, status = ?5, outcome = ?6, \
                     ended_ms = coalesce(ended_ms, ?4) WHERE num = ?1",
                )?
                .execute(params![num, entries, state, now_ms, status.name(), outcome(run)?])?;
        } else if status == stored.status {
            self.conn
                .prepare_cached(
                    "UPDATE runs SET entries = ?2, state = ?3, updated_ms = ?4 WHERE num = ?1",
                )?
                .execute(params![num, entries, state, now_ms])?;
        } else {
            self.conn
                .prepare_cached(
                    "UPDATE runs SET entries = ?2, state = ?3, updated_ms = ?4, status = ?5 WHERE num = ?1",
                )?
                .execute(params![num, entries, state, now_ms, status.name()])?;
        }
        self.recent.put(num, state, run);
        self.append(num, stored.entries, journal)
    }

    fn append(&self, num: i64, before: i64, journal: &[Entry]) -> Result<(), Fault> {
        let mut insert = self
            .conn
            .prepare_cached("INSERT INTO journal (run, seq, entry) VALUES (?1, ?2, ?3)")?;
        for (i, entry) in journal.iter().enumerate() {
            insert.execute(params![
                num,
                before + i as i64 + 1,
                codec::encode("a journal entry", entry)?
            ])?;
        }
        Ok(())
    }

    /// How many runs are open.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn open_runs(&self) -> Result<i64, Fault> {
        let sql = "SELECT count(*) FROM runs WHERE ended_ms IS NULL";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }

    /// How many open runs are held for a person.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn held_runs(&self) -> Result<i64, Fault> {
        let sql = "SELECT count(*) FROM runs WHERE ended_ms IS NULL AND status = 'held'";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }
}

fn outcome(run: &Run) -> Result<Option<String>, Fault> {
    run.outcome
        .as_ref()
        .map(|o| codec::encode("an outcome", o))
        .transpose()
}
