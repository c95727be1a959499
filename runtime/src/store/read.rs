//! What people look at: runs, journals, open approvals, events and dead letters.

use super::{ArrivalKind, Fault, Store, StoreError, StoredRun, Tx, codec};
use counterplay_machine::Program;
use counterplay_machine::journal::Entry;
use counterplay_machine::state::{OpenApproval, Outcome, Run, Status};
use rusqlite::params;
use serde_json::Value as Json;
use std::sync::Arc;

/// Which runs to list; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// In this status.
    pub status: Option<Status>,
    /// Only those that have not ended.
    pub open: bool,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this playbook.
    pub playbook: Option<String>,
    /// At most so many, 100 when absent.
    pub limit: Option<u32>,
}

/// A line in a list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// The id.
    pub id: String,
    /// The tenant's name.
    pub tenant: String,
    /// The playbook's id.
    pub playbook: String,
    /// Whether its actions are recorded and not performed.
    pub simulated: bool,
    /// What it is doing, for people: [`Status::name`].
    pub status: String,
    /// When it started, in milliseconds since the Unix epoch.
    pub started_ms: i64,
    /// When it last changed.
    pub updated_ms: i64,
    /// When it ended.
    pub ended_ms: Option<i64>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// How many later starts were ignored as its repeats.
    pub repeats: i64,
}

/// A run with everything that it recorded.
#[derive(Clone, Debug)]
pub struct RunDetail {
    /// The line in the list.
    pub info: RunInfo,
    /// Its state.
    pub run: Run,
    /// Its journal, in order.
    pub journal: Vec<Entry>,
    /// The program that it started with.
    pub program: Arc<Program>,
}

/// An approval that waits for answers.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalInfo {
    /// The approval's id.
    pub id: String,
    /// The run's id.
    pub run: String,
    /// The tenant's name.
    pub tenant: String,
    /// The playbook's id.
    pub playbook: String,
    /// Whether nothing would be performed anyway.
    pub simulated: bool,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub asked_ms: i64,
    /// The question, whom it is about, what it opens, who may answer and until when.
    pub open: OpenApproval,
}

/// An object that could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetter {
    /// Its number.
    pub num: i64,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// The tenant's name.
    pub tenant: String,
    /// The event or playbook, where it is known.
    pub name: Option<String>,
    /// The arrival, where it was accepted before.
    pub event: Option<i64>,
    /// The object as it came.
    pub payload: Json,
    /// Why.
    pub reason: String,
}

/// An accepted arrival.
#[derive(Clone, Debug, PartialEq)]
pub struct EventInfo {
    /// Its number.
    pub num: i64,
    /// The tenant's name.
    pub tenant: String,
    /// The kind.
    pub kind: ArrivalKind,
    /// The event or playbook.
    pub name: String,
    /// When it was received, in milliseconds since the Unix epoch.
    pub received_ms: i64,
    /// `accepted`, `matched`, `dead`.
    pub state: &'static str,
    /// What became of it, one line per playbook.
    pub notes: Option<String>,
    /// The runs that it started, by id.
    pub started: Vec<String>,
    /// The runs that it would have repeated, by id.
    pub repeated: Vec<String>,
    /// The object as it came.
    pub payload: Json,
}

const RUN_COLUMNS: &str = "r.num, r.id, r.tenant, r.playbook, r.simulated, r.status, r.started_ms, r.updated_ms, \
     r.ended_ms, r.outcome, (SELECT count(*) FROM event_runs e WHERE e.run = r.num AND e.started = 0)";

impl Store {
    /// Runs, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunInfo>, StoreError> {
        self.read(move |tx| tx.run_infos(&filter)).await
    }

    /// A run with its journal; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run_detail(&self, id: &str) -> Result<Option<RunDetail>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| {
            let Some(num) = tx.run_num(&id)? else {
                return Ok(None);
            };
            let stored = tx.run(num)?;
            Ok(Some(RunDetail {
                info: tx.run_info(num)?,
                journal: tx.journal(num)?,
                program: tx.program(stored.program)?,
                run: stored.run,
            }))
        })
        .await
    }

    /// The approvals that wait for answers, the first asked first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn approvals(&self) -> Result<Vec<ApprovalInfo>, StoreError> {
        self.read(|tx| tx.approval_infos(None)).await
    }

    /// Dead letters, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn dead_letters(&self, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        self.read(move |tx| tx.letters(limit)).await
    }

    /// Accepted arrivals, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn events(&self, limit: u32) -> Result<Vec<EventInfo>, StoreError> {
        self.read(move |tx| tx.event_infos(limit)).await
    }
}

impl Tx<'_> {
    fn run_infos(&self, filter: &RunFilter) -> Result<Vec<RunInfo>, Fault> {
        let sql = format!(
            "SELECT {RUN_COLUMNS} FROM runs r WHERE (?1 IS NULL OR r.status = ?1) AND (?2 IS NULL OR r.tenant = ?2) \
             AND (?3 IS NULL OR r.playbook = ?3) AND (NOT ?4 OR r.ended_ms IS NULL) ORDER BY r.num DESC LIMIT ?5"
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params![
            filter.status.map(Status::name),
            filter.tenant,
            filter.playbook,
            filter.open,
            filter.limit.unwrap_or(100),
        ])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(info(row)?);
        }
        Ok(out)
    }

    fn run_info(&self, num: i64) -> Result<RunInfo, Fault> {
        let sql = format!("SELECT {RUN_COLUMNS} FROM runs r WHERE r.num = ?1");
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query([num])?;
        match rows.next()? {
            Some(row) => info(row),
            None => Err(Fault::NotFound(format!(
                "the store has no run number {num}"
            ))),
        }
    }

    /// A run's journal, in order.
    ///
    /// # Errors
    /// When SQLite refuses or an entry cannot be read.
    pub fn journal(&self, run: i64) -> Result<Vec<Entry>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT entry FROM journal WHERE run = ?1 ORDER BY seq")?;
        let mut rows = ask.query([run])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(codec::decode("a journal entry", &row.get::<_, String>(0)?)?);
        }
        Ok(out)
    }

    /// Open approvals, of one run or of all.
    ///
    /// # Errors
    /// When SQLite refuses or a run cannot be read.
    pub fn approval_infos(&self, run: Option<i64>) -> Result<Vec<ApprovalInfo>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT run, id, asked_ms FROM approvals WHERE ?1 IS NULL OR run = ?1 ORDER BY asked_ms, run, id",
        )?;
        let rows = ask.query_map([run], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut out = Vec::new();
        for row in rows {
            let (num, id, asked_ms): (i64, String, i64) = row?;
            out.extend(approval_info(&self.run(num)?, &id, asked_ms));
        }
        Ok(out)
    }

    fn letters(&self, limit: u32) -> Result<Vec<DeadLetter>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT num, at_ms, tenant, name, event, payload, reason FROM dead_letters ORDER BY num DESC LIMIT ?1",
        )?;
        let mut rows = ask.query([limit])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            out.push(DeadLetter {
                num: row.get(0)?,
                at_ms: row.get(1)?,
                tenant: row.get(2)?,
                name: row.get(3)?,
                event: row.get(4)?,
                payload: codec::decode("a dead letter", &row.get::<_, String>(5)?)?,
                reason: row.get(6)?,
            });
        }
        Ok(out)
    }

    fn event_infos(&self, limit: u32) -> Result<Vec<EventInfo>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT num, tenant, kind, name, received_ms, state, notes, payload FROM events ORDER BY num DESC LIMIT ?1",
        )?;
        let mut rows = ask.query([limit])?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let num = row.get(0)?;
            out.push(EventInfo {
                num,
                tenant: row.get(1)?,
                kind: ArrivalKind::read(&row.get::<_, String>(2)?)?,
                name: row.get(3)?,
                received_ms: row.get(4)?,
                state: match row.get::<_, i64>(5)? {
                    0 => "accepted",
                    1 => "matched",
                    _ => "dead",
                },
                notes: row.get(6)?,
                payload: codec::decode("an event", &row.get::<_, String>(7)?)?,
                started: self.runs_of(num, true)?,
                repeated: self.runs_of(num, false)?,
            });
        }
        Ok(out)
    }

    fn runs_of(&self, event: i64, started: bool) -> Result<Vec<String>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT r.id FROM event_runs e JOIN runs r ON r.num = e.run WHERE e.event = ?1 AND e.started = ?2 ORDER BY r.num",
        )?;
        let rows = ask.query_map(params![event, started], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// An approval of a run as people see it.
pub(crate) fn approval_info(stored: &StoredRun, id: &str, asked_ms: i64) -> Option<ApprovalInfo> {
    Some(ApprovalInfo {
        open: stored.run.approvals.get(id)?.clone(),
        id: id.to_owned(),
        run: stored.run.id.clone(),
        tenant: stored.run.tenant.name.clone(),
        playbook: stored.run.playbook.to_string(),
        simulated: stored.simulated,
        asked_ms,
    })
}

fn info(row: &rusqlite::Row<'_>) -> Result<RunInfo, Fault> {
    let outcome: Option<String> = row.get(9)?;
    Ok(RunInfo {
        id: row.get(1)?,
        tenant: row.get(2)?,
        playbook: row.get(3)?,
        simulated: row.get(4)?,
        status: row.get(5)?,
        started_ms: row.get(6)?,
        updated_ms: row.get(7)?,
        ended_ms: row.get(8)?,
        outcome: outcome
            .map(|o| codec::decode("an outcome", &o))
            .transpose()?,
        repeats: row.get(10)?,
    })
}
