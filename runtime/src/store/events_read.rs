//! Filters and numbers in; accepted arrivals as people look at them, restricted to tenants, out.

use super::list::{Conditions, Page};
use super::{ArrivalKind, Fault, Store, StoreError, Tx, codec};
use rusqlite::{Row, params};
use serde_json::Value as Json;

/// Which arrivals to list; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    /// Of these tenants: those that the caller may see. Of all when absent.
    pub tenants: Option<Vec<String>>,
    /// Of this tenant.
    pub tenant: Option<String>,
    /// Of this kind.
    pub kind: Option<ArrivalKind>,
    /// Of this event or playbook.
    pub name: Option<String>,
    /// Received not before, in milliseconds since the Unix epoch.
    pub from_ms: Option<i64>,
    /// Received before, in milliseconds since the Unix epoch.
    pub to_ms: Option<i64>,
    /// Those before this number: [`Page::next`] of the page before.
    pub before: Option<i64>,
    /// At most so many, 100 when absent.
    pub limit: Option<u32>,
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

const SELECT: &str =
    "SELECT num, tenant, kind, name, received_ms, state, notes, payload FROM events";

impl Store {
    /// Accepted arrivals, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn events(&self, limit: u32) -> Result<Vec<EventInfo>, StoreError> {
        let filter = EventFilter {
            limit: Some(limit),
            ..EventFilter::default()
        };
        Ok(self.event_page(filter).await?.items)
    }

    /// A page of accepted arrivals, the latest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn event_page(&self, filter: EventFilter) -> Result<Page<EventInfo>, StoreError> {
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            conditions
                .tenants("tenant", filter.tenants.as_deref())
                .with("tenant = ?", filter.tenant)
                .with("kind = ?", filter.kind.map(|k| k.name().to_owned()))
                .with("name = ?", filter.name)
                .with("received_ms >= ?", filter.from_ms)
                .with("received_ms < ?", filter.to_ms);
            tx.page(
                SELECT,
                "num",
                conditions,
                (filter.before, filter.limit),
                |row| tx.event_info(row),
            )
        })
        .await
    }

    /// The arrival that started a run; `None` when there is no such run in these tenants (in any where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn event_of_run(
        &self,
        run: &str,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<EventInfo>, StoreError> {
        let run = run.to_owned();
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            conditions
                .with(
                    "num = (SELECT e.event FROM event_runs e JOIN runs r ON r.num = e.run WHERE r.id = ? AND e.started = 1)",
                    Some(run),
                )
                .tenants("tenant", tenants.as_deref());
            tx.one(SELECT, &conditions, |row| tx.event_info(row))
        })
        .await
    }

    /// An arrival by number; `None` when there is none in these tenants (in any where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn event(
        &self,
        num: i64,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<EventInfo>, StoreError> {
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            conditions
                .with("num = ?", Some(num))
                .tenants("tenant", tenants.as_deref());
            tx.one(SELECT, &conditions, |row| tx.event_info(row))
        })
        .await
    }
}

impl Tx<'_> {
    fn event_info(&self, row: &Row<'_>) -> Result<EventInfo, Fault> {
        let num = row.get(0)?;
        Ok(EventInfo {
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
        })
    }

    fn runs_of(&self, event: i64, started: bool) -> Result<Vec<String>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT r.id FROM event_runs e JOIN runs r ON r.num = e.run WHERE e.event = ?1 AND e.started = ?2 ORDER BY r.num",
        )?;
        let rows = ask.query_map(params![event, started], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
