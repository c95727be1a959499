//! Filters and ids in; runs as people look at them, restricted to tenants, out.

use super::list::{Conditions, Page};
use super::{Fault, Store, StoreError, Tx, codec};
use counterplay_machine::Program;
use counterplay_machine::journal::Entry;
use counterplay_machine::state::{Outcome, Run, Status};
use rusqlite::Row;
use std::sync::Arc;

/// Which runs to list; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct RunFilter {
    /// Of these tenants: those that the caller may see. Of all when absent.
    pub tenants: Option<Vec<String>>,
    /// In this status.
    pub status: Option<Status>,
    /// Only those that have not ended.
    pub open: bool,
    /// Those that are archived, and no others.
    pub archived: bool,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this playbook.
    pub playbook: Option<String>,
    /// Ended like this: [`Outcome::name`].
    pub outcome: Option<String>,
    /// Only those whose actions are recorded and not performed, or only the others.
    pub simulated: Option<bool>,
    /// Started not before, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Started before, in milliseconds since the Unix epoch.
    pub to_ms: Option<i64>,
    /// Those before this number: [`Page::next`] of the page before.
    pub before: Option<i64>,
    /// At most so many, 100 when absent.
    pub limit: Option<u32>,
}

/// A line in a list of runs.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// Its number in the store: later runs have greater ones.
    pub num: i64,
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
    /// What started it, for people: an event's name, a schedule, a person.
    pub started_by: String,
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

const SELECT: &str = "SELECT r.num, r.id, r.tenant, r.playbook, r.simulated, r.status, r.started_ms, r.updated_ms, \
     r.ended_ms, r.outcome, (SELECT count(*) FROM event_runs e WHERE e.run = r.num AND e.started = 0), json_extract(r.state, '$.started_by') FROM runs r";

/// The same columns of runs that are archived.
const ARCHIVED: &str = "SELECT r.num, r.id, r.tenant, r.playbook, r.simulated, r.status, r.started_ms, r.updated_ms, \
     r.ended_ms, r.outcome, r.repeats, r.started_by FROM \
     (SELECT *, 'ended' AS status, ended_ms AS updated_ms FROM archived_runs) r";

impl Store {
    /// Runs, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn runs(&self, filter: RunFilter) -> Result<Vec<RunInfo>, StoreError> {
        Ok(self.run_page(filter).await?.items)
    }

    /// A page of runs, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run_page(&self, filter: RunFilter) -> Result<Page<RunInfo>, StoreError> {
        self.read(move |tx| tx.run_infos(filter)).await
    }

    /// A run's line in the list; `None` when there is none with this id in these tenants (in any
    /// where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run_info(
        &self,
        id: &str,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<RunInfo>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| tx.run_info(&id, tenants.as_deref()))
            .await
    }

    /// What is left of an archived run, and when it was archived; `None` when there is none with this id in these
    /// tenants (in any where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn archived_run(
        &self,
        id: &str,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<(RunInfo, i64)>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| tx.archived_run(&id, tenants.as_deref()))
            .await
    }

    /// A run with its journal; `None` when there is none with this id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run_detail(&self, id: &str) -> Result<Option<RunDetail>, StoreError> {
        self.run_detail_within(id, None).await
    }

    /// A run with its journal; `None` when there is none with this id in these tenants (in any where
    /// `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn run_detail_within(
        &self,
        id: &str,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<RunDetail>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| {
            let Some(info) = tx.run_info(&id, tenants.as_deref())? else {
                return Ok(None);
            };
            let stored = tx.run(info.num)?;
            Ok(Some(RunDetail {
                journal: tx.journal(info.num)?,
                program: tx.program(stored.program)?,
                run: stored.run,
                info,
            }))
        })
        .await
    }
}

impl Tx<'_> {
    fn run_infos(&self, filter: RunFilter) -> Result<Page<RunInfo>, Fault> {
        let select = if filter.archived { ARCHIVED } else { SELECT };
        let mut conditions = Conditions::default();
        conditions
            .tenants("r.tenant", filter.tenants.as_deref())
            .with("r.tenant = ?", filter.tenant)
            .with("r.playbook = ?", filter.playbook)
            .with("r.status = ?", filter.status.map(|s| s.name().to_owned()))
            .plain("r.ended_ms IS NULL", filter.open)
            .with(
                "replace(json_extract(r.outcome, '$.outcome'), '_', ' ') = ?",
                filter.outcome,
            )
            .with("r.simulated = ?", filter.simulated)
            .with("r.started_ms >= ?", filter.from_ms)
            .with("r.started_ms < ?", filter.to_ms);
        self.page(
            select,
            "r.num",
            conditions,
            (filter.before, filter.limit),
            info,
        )
    }

    /// A run's line in the list, by id and restricted to tenants.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn run_info(&self, id: &str, tenants: Option<&[String]>) -> Result<Option<RunInfo>, Fault> {
        let mut conditions = Conditions::default();
        conditions
            .with("r.id = ?", Some(id.to_owned()))
            .tenants("r.tenant", tenants);
        self.one(SELECT, &conditions, info)
    }

    /// What is left of an archived run, and when it was archived, by id and restricted to tenants.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn archived_run(
        &self,
        id: &str,
        tenants: Option<&[String]>,
    ) -> Result<Option<(RunInfo, i64)>, Fault> {
        let mut conditions = Conditions::default();
        conditions
            .with("r.id = ?", Some(id.to_owned()))
            .tenants("r.tenant", tenants);
        let Some(info) = self.one(ARCHIVED, &conditions, info)? else {
            return Ok(None);
        };
        let at_ms = self
            .conn
            .prepare_cached("SELECT archived_ms FROM archived_runs WHERE num = ?1")?
            .query_row([info.num], |row| row.get(0))?;
        Ok(Some((info, at_ms)))
    }

    /// The latest run of a playbook, restricted to tenants.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub(super) fn last_run(
        &self,
        playbook: &str,
        tenants: Option<&[String]>,
    ) -> Result<Option<RunInfo>, Fault> {
        let mut conditions = Conditions::default();
        conditions
            .with("r.playbook = ?", Some(playbook.to_owned()))
            .tenants("r.tenant", tenants);
        let page = self.page(SELECT, "r.num", conditions, (None, Some(1)), info)?;
        Ok(page.items.into_iter().next())
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
}

fn info(row: &Row<'_>) -> Result<RunInfo, Fault> {
    let outcome: Option<String> = row.get(9)?;
    Ok(RunInfo {
        num: row.get(0)?,
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
        started_by: row.get::<_, Option<String>>(11)?.unwrap_or_default(),
    })
}
