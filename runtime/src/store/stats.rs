//! Tenants and a span of time in; counts for people who want to see how things go out.

use super::list::Conditions;
use super::{Fault, RunInfo, Store, StoreError, Tx};
use counterplay_machine::duration::HOUR_MS;
use rusqlite::params_from_iter;
use std::collections::BTreeMap;

/// What to count; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct StatsFilter {
    /// Of these tenants: those that the caller may see. Of all when absent.
    pub tenants: Option<Vec<String>>,
    /// Of this playbook.
    pub playbook: Option<String>,
    /// Runs whose actions are recorded and not performed, or the others.
    pub simulated: Option<bool>,
    /// From the hour (UTC) on that this time lies in, in milliseconds since the Unix epoch.
    pub from_ms: i64,
    /// Up to and without the first hour that begins then or later.
    pub to_ms: i64,
}

/// How many runs are open, by what they are doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenCounts {
    /// A call is under way.
    pub running: i64,
    /// Waiting for a time.
    pub waiting: i64,
    /// Waiting for people's answers.
    pub awaiting_approval: i64,
    /// Held for a person.
    pub held: i64,
}

/// What happened in some span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Runs that started.
    pub started: i64,
    /// Runs that ended, by outcome: `completed`, `completed with failures`, `failed` …
    pub ended: BTreeMap<String, i64>,
    /// Actions that were performed, by impact: `notify`, `reversible`, `disruptive`, `destructive`.
    pub performed: BTreeMap<String, i64>,
    /// Actions that failed, by impact.
    pub failed: BTreeMap<String, i64>,
}

/// What happened in an hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hour {
    /// When the hour (UTC) begins, in milliseconds since the Unix epoch.
    pub hour_ms: i64,
    /// What happened.
    pub tally: Tally,
}

/// How a playbook does.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaybookStats {
    /// The playbook's id.
    pub playbook: String,
    /// What happened in the span.
    pub tally: Tally,
    /// Its latest run, whenever that was.
    pub last: Option<RunInfo>,
}

impl Tally {
    /// Which part of the runs that ended by themselves did well, from 0 to 1: completed, resolved and
    /// stopped against those and (partly) failed. People's decisions (rejected, cancelled) count
    /// neither way. `None` when there are none.
    pub fn success_rate(&self) -> Option<f64> {
        let (good, all) = (self.went_well(), self.went_well() + self.went_badly());
        (all > 0).then(|| good as f64 / all as f64)
    }

    /// How many runs ended by themselves and did well.
    pub fn went_well(&self) -> i64 {
        self.ended_as(&["completed", "resolved", "stopped"])
    }

    /// How many runs ended with something that failed.
    pub fn went_badly(&self) -> i64 {
        self.ended_as(&["completed with failures", "failed"])
    }

    fn ended_as(&self, names: &[&str]) -> i64 {
        names.iter().filter_map(|n| self.ended.get(*n)).sum()
    }

    /// Adds what happened in another span.
    pub fn add(&mut self, other: &Tally) {
        self.started += other.started;
        for (to, from) in [
            (&mut self.ended, &other.ended),
            (&mut self.performed, &other.performed),
            (&mut self.failed, &other.failed),
        ] {
            for (name, n) in from {
                *to.entry(name.clone()).or_default() += n;
            }
        }
    }

    fn note(&mut self, what: &str, n: i64) {
        let (into, name) = match what.split_once('.') {
            Some(("ended", outcome)) => (&mut self.ended, outcome.replace('_', " ")),
            Some(("performed", impact)) => (&mut self.performed, impact.to_owned()),
            Some(("failed", impact)) => (&mut self.failed, impact.to_owned()),
            _ => {
                self.started += n;
                return;
            }
        };
        *into.entry(name).or_default() += n;
    }
}

impl Store {
    /// How many runs of these tenants (of all where `None`) are open now.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn open_counts(
        &self,
        tenants: Option<Vec<String>>,
    ) -> Result<OpenCounts, StoreError> {
        self.read(move |tx| tx.open_counts(tenants.as_deref()))
            .await
    }

    /// What happened by the hour, the first first; hours in which nothing did are left out.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn hours(&self, filter: StatsFilter) -> Result<Vec<Hour>, StoreError> {
        self.read(move |tx| {
            let mut hours: Vec<Hour> = Vec::new();
            tx.counted("hour_ms", &filter, |key: i64, what, n| {
                if hours.last().is_none_or(|h| h.hour_ms != key) {
                    hours.push(Hour {
                        hour_ms: key,
                        tally: Tally::default(),
                    });
                }
                if let Some(hour) = hours.last_mut() {
                    hour.tally.note(what, n);
                }
            })?;
            Ok(hours)
        })
        .await
    }

    /// What happened in a span, all in all.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tally(&self, filter: StatsFilter) -> Result<Tally, StoreError> {
        self.read(move |tx| {
            let mut tally = Tally::default();
            tx.counted("0", &filter, |_: i64, what, n| tally.note(what, n))?;
            Ok(tally)
        })
        .await
    }

    /// How the playbooks do that ever ran in these tenants, in the order of their ids: what happened
    /// in the span, and the latest run.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn playbook_stats(
        &self,
        filter: StatsFilter,
    ) -> Result<Vec<PlaybookStats>, StoreError> {
        self.read(move |tx| {
            let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
            tx.counted("playbook", &filter, |key: String, what, n| {
                tallies.entry(key).or_default().note(what, n);
            })?;
            let mut out = Vec::new();
            for playbook in tx.playbooks_that_ran(filter.playbook.as_deref())? {
                let last = tx.last_run(&playbook, filter.tenants.as_deref())?;
                let tally = tallies.remove(&playbook);
                if last.is_some() || tally.is_some() {
                    out.push(PlaybookStats {
                        playbook,
                        tally: tally.unwrap_or_default(),
                        last,
                    });
                }
            }
            Ok(out)
        })
        .await
    }
}

impl Tx<'_> {
    fn open_counts(&self, tenants: Option<&[String]>) -> Result<OpenCounts, Fault> {
        let mut conditions = Conditions::default();
        conditions
            .plain("ended_ms IS NULL", true)
            .tenants("tenant", tenants);
        let sql = format!(
            "SELECT status, count(*) FROM runs{} GROUP BY status",
            conditions.clause()
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        let mut counts = OpenCounts::default();
        while let Some(row) = rows.next()? {
            let n: i64 = row.get(1)?;
            match row.get::<_, String>(0)?.as_str() {
                "running" => counts.running += n,
                "waiting" => counts.waiting += n,
                "awaiting approval" => counts.awaiting_approval += n,
                _ => counts.held += n,
            }
        }
        Ok(counts)
    }

    /// Hands over the sums of counters by `key`, in its order, and by what was counted.
    fn counted<K: rusqlite::types::FromSql>(
        &self,
        key: &str,
        filter: &StatsFilter,
        mut take: impl FnMut(K, &str, i64),
    ) -> Result<(), Fault> {
        let mut conditions = Conditions::default();
        conditions
            .with(
                "hour_ms >= ?",
                Some(filter.from_ms - filter.from_ms.rem_euclid(HOUR_MS)),
            )
            .with("hour_ms < ?", Some(filter.to_ms))
            .tenants("tenant", filter.tenants.as_deref())
            .with("playbook = ?", filter.playbook.clone())
            .with("simulated = ?", filter.simulated);
        let sql = format!(
            "SELECT {key}, what, sum(n) FROM counters{} GROUP BY 1, 2 ORDER BY 1, 2",
            conditions.clause()
        );
        let mut ask = self.conn.prepare_cached(&sql)?;
        let mut rows = ask.query(params_from_iter(conditions.values()))?;
        while let Some(row) = rows.next()? {
            take(row.get(0)?, &row.get::<_, String>(1)?, row.get(2)?);
        }
        Ok(())
    }

    /// The ids of the playbooks that ever ran, each found by one step in the index.
    fn playbooks_that_ran(&self, only: Option<&str>) -> Result<Vec<String>, Fault> {
        if let Some(only) = only {
            return Ok(vec![only.to_owned()]);
        }
        let mut ask = self.conn.prepare_cached(
            "WITH RECURSIVE seen (id) AS (SELECT min(playbook) FROM runs UNION ALL \
             SELECT (SELECT min(r.playbook) FROM runs r WHERE r.playbook > seen.id) FROM seen WHERE seen.id IS NOT NULL) \
             SELECT id FROM seen WHERE id IS NOT NULL",
        )?;
        let rows = ask.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
