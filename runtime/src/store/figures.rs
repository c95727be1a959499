//! Tenants in; what a monitoring system wants to know of the store at one moment out.

use super::list::Conditions;
use super::{Store, StoreError, Tx};
use rusqlite::{Row, params_from_iter};
use std::time::Duration;

/// How often something happened since the store was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// The tenant's name.
    pub tenant: String,
    /// The playbook's id.
    pub playbook: String,
    /// Whether in runs whose actions are recorded and not performed.
    pub simulated: bool,
    /// What: `started`, or `ended`, `performed`, `failed`.
    pub what: String,
    /// The outcome of what ended, the impact of what was performed or failed; empty otherwise.
    pub how: String,
    /// How often.
    pub count: u64,
}

/// How much there is of something for a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The tenant's name.
    pub tenant: String,
    /// Of what kind, where there are several.
    pub kind: String,
    /// How many.
    pub count: i64,
}

/// What a monitoring system wants to know of some tenants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// What happened.
    pub happened: Vec<Happened>,
    /// Open runs, by status.
    pub runs: Vec<Waiting>,
    /// Events that wait to be matched.
    pub events: Vec<Waiting>,
    /// Calls that wait for room.
    pub calls: Vec<Waiting>,
    /// Dead letters that nobody has looked after.
    pub letters: Vec<Waiting>,
    /// When the event that waits longest was accepted, in milliseconds since the Unix epoch.
    pub oldest_event_ms: Option<i64>,
    /// When the earliest timer of any tenant is due, in milliseconds since the Unix epoch.
    pub next_timer_ms: Option<i64>,
}

/// What a handle on a store has done since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// How often it has committed.
    pub commits: u64,
    /// How many transactions these were.
    pub transactions: u64,
    /// How long the commits took in all, the disk included.
    pub spent: Duration,
}

impl Store {
    /// What a monitoring system wants to know of these tenants (of all where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn figures(&self, tenants: Option<Vec<String>>) -> Result<Figures, StoreError> {
        self.read(move |tx| {
            let tenants = tenants.as_deref();
            let waiting = |row: &Row<'_>| {
                Ok(Waiting {
                    tenant: row.get(0)?,
                    kind: row.get(1)?,
                    count: row.get(2)?,
                })
            };
            Ok(Figures {
                happened: grouped(
                    tx,
                    "SELECT tenant, playbook, simulated, what, sum(n) FROM counters",
                    None,
                    "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
                    tenants,
                    |row| {
                        let what: String = row.get(3)?;
                        let (what, how) = what.split_once('.').unwrap_or((&what, ""));
                        Ok(Happened {
                            tenant: row.get(0)?,
                            playbook: row.get(1)?,
                            simulated: row.get(2)?,
                            what: what.to_owned(),
                            how: how.to_owned(),
                            count: row.get::<_, i64>(4)?.unsigned_abs(),
                        })
                    },
                )?,
                runs: grouped(
                    tx,
                    "SELECT tenant, status, count(*) FROM runs",
                    Some("ended_ms IS NULL"),
                    "GROUP BY 1, 2 ORDER BY 1, 2",
                    tenants,
                    waiting,
                )?,
                events: grouped(
                    tx,
                    "SELECT tenant, '', count(*) FROM events",
                    Some("state = 0"),
                    "GROUP BY 1 ORDER BY 1",
                    tenants,
                    waiting,
                )?,
                calls: grouped(
                    tx,
                    "SELECT tenant, '', count(*) FROM outbox",
                    Some("sent = 0"),
                    "GROUP BY 1 ORDER BY 1",
                    tenants,
                    waiting,
                )?,
                letters: grouped(
                    tx,
                    "SELECT tenant, '', count(*) FROM dead_letters",
                    Some("replayed_ms IS NULL AND dismissed_ms IS NULL"),
                    "GROUP BY 1 ORDER BY 1",
                    tenants,
                    waiting,
                )?,
                oldest_event_ms: grouped(
                    tx,
                    "SELECT min(received_ms) FROM events",
                    Some("state = 0"),
                    "",
                    tenants,
                    |row| row.get::<_, Option<i64>>(0),
                )?
                .into_iter()
                .flatten()
                .next(),
                next_timer_ms: tx.next_timer_ms()?,
            })
        })
        .await
    }
}

/// The rows of a query over some tenants.
fn grouped<T>(
    tx: &Tx<'_>,
    select: &str,
    only: Option<&'static str>,
    group: &str,
    tenants: Option<&[String]>,
    read: impl Fn(&Row<'_>) -> Result<T, rusqlite::Error>,
) -> Result<Vec<T>, super::Fault> {
    let mut conditions = Conditions::default();
    if let Some(only) = only {
        conditions.plain(only, true);
    }
    conditions.tenants("tenant", tenants);
    let sql = format!("{select}{} {group}", conditions.clause());
    let mut ask = tx.conn.prepare_cached(&sql)?;
    let rows = ask.query_map(params_from_iter(conditions.values()), |row| read(row))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
