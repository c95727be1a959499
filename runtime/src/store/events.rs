//! What may start runs: events that were accepted, schedules that came due, manual starts.

use super::pauses::tenant_goes;
use super::{Fault, Tx, codec, fair};
use crate::payload::Payload;
use rusqlite::{OptionalExtension, params};

/// The kinds of arrivals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArrivalKind {
    /// An event; its name is the event's.
    Event,
    /// A schedule came due; its name is the playbook's id.
    Tick,
    /// A person starts a playbook; its name is the playbook's id.
    Manual,
    /// A signed delivery; its name is the webhook's.
    Hook,
}

impl ArrivalKind {
    /// The name in the store and for people.
    pub fn name(self) -> &'static str {
        match self {
            ArrivalKind::Event => "event",
            ArrivalKind::Tick => "schedule",
            ArrivalKind::Manual => "manual",
            ArrivalKind::Hook => "webhook",
        }
    }

    pub(super) fn read(text: &str) -> Result<ArrivalKind, Fault> {
        match text {
            "event" => Ok(ArrivalKind::Event),
            "schedule" => Ok(ArrivalKind::Tick),
            "manual" => Ok(ArrivalKind::Manual),
            "webhook" => Ok(ArrivalKind::Hook),
            other => Err(Fault::Unreadable {
                what: "an event".into(),
                detail: format!("its kind is {other:?}"),
            }),
        }
    }
}

/// An arrival to be stored.
#[derive(Clone, Debug)]
pub struct NewArrival {
    /// The tenant.
    pub tenant: String,
    /// The kind.
    pub kind: ArrivalKind,
    /// The event or the playbook.
    pub name: String,
    /// The raw object.
    pub payload: Payload,
    /// What its sender calls it; the same one is stored once.
    pub source: Option<String>,
    /// When it was received, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Who stands behind it, as [`Tx::behind`] tells: they may not approve in the runs that it starts.
    pub behind: Vec<String>,
}

/// An arrival that waits to be matched.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Its number.
    pub num: i64,
    /// What it is.
    pub what: NewArrival,
    /// How often matching was tried in vain.
    pub attempts: i64,
    /// The playbooks that are still to be judged; all when absent.
    pub remaining: Option<Vec<String>>,
}

impl Arrival {
    /// Whether a playbook is still to be judged.
    pub fn concerns(&self, playbook: &str) -> bool {
        match &self.remaining {
            Some(remaining) => remaining.iter().any(|id| id == playbook),
            None => true,
        }
    }
}

impl Tx<'_> {
    /// The arrival that a sender already gave under this name.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn seen(&self, tenant: &str, name: &str, source: &str) -> Result<Option<i64>, Fault> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT num FROM events WHERE tenant = ?1 AND name = ?2 AND source = ?3",
            )?
            .query_row([tenant, name, source], |row| row.get(0))
            .optional()?)
    }

    /// Stores an arrival; `quiet` says why it is no occurrence and needs no matching.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_arrival(&self, new: &NewArrival, quiet: Option<&str>) -> Result<i64, Fault> {
        self.conn
            .prepare_cached(
                "INSERT INTO events (tenant, kind, name, payload, source, received_ms, state, next_ms, notes, behind) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6, ?8, ?9)",
            )?
            .execute(params![
                new.tenant,
                new.kind.name(),
                new.name,
                new.payload.text(),
                new.source,
                new.at_ms,
                i64::from(quiet.is_some()),
                quiet,
                codec::people(&new.behind)?,
            ])?;
        Ok(self.conn.last_insert_rowid())
    }

    /// Stores an arrival once more, for one playbook where that is given, and returns its number;
    /// `None` when it is not there.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_again(
        &self,
        event: i64,
        playbook: Option<&str>,
        now_ms: i64,
    ) -> Result<Option<i64>, Fault> {
        let only = playbook
            .map(|p| codec::encode("an event", &[p]))
            .transpose()?;
        let added = self
            .conn
            .prepare_cached(
                "INSERT INTO events (tenant, kind, name, payload, received_ms, state, next_ms, remaining, behind) \
                 SELECT tenant, kind, name, payload, ?2, 0, ?2, ?3, behind FROM events WHERE num = ?1",
            )?
            .execute(params![event, now_ms, only])?;
        Ok((added > 0).then(|| self.conn.last_insert_rowid()))
    }

    /// The arrivals that are due for matching, and whether runs wait for such an event. Tenants take turns, the one
    /// behind `last` first; each one's arrivals come in order.
    ///
    /// # Errors
    /// When SQLite refuses or a row cannot be read.
    pub fn due_arrivals(
        &self,
        now_ms: i64,
        limit: usize,
        last: &str,
    ) -> Result<Vec<(Arrival, bool)>, Fault> {
        let tenants = fair::turns(fair::waiting(self.conn, "events", "state = 0")?, last);
        if tenants.is_empty() {
            return Ok(Vec::new());
        }
        let mut ask = self.conn.prepare_cached(&format!(
            "SELECT num, tenant, kind, name, payload, source, received_ms, attempts, remaining, \
             EXISTS (SELECT 1 FROM awaits WHERE awaits.tenant = events.tenant AND awaits.event = events.name), behind \
             FROM events WHERE state = 0 AND tenant = ?3 AND next_ms <= ?1 AND {} ORDER BY num LIMIT ?2",
            tenant_goes("events.tenant")
        ))?;
        let share = fair::share(limit, tenants.len());
        let mut out = Vec::new();
        for tenant in tenants {
            let room = share.min(limit - out.len());
            if room == 0 {
                break;
            }
            let mut rows = ask.query(params![now_ms, room as i64, tenant])?;
            while let Some(row) = rows.next()? {
                let remaining: Option<String> = row.get(8)?;
                let arrival = Arrival {
                    num: row.get(0)?,
                    what: NewArrival {
                        tenant: row.get(1)?,
                        kind: ArrivalKind::read(&row.get::<_, String>(2)?)?,
                        name: row.get(3)?,
                        payload: Payload::stored(row.get(4)?),
                        source: row.get(5)?,
                        at_ms: row.get(6)?,
                        behind: codec::read_people(row.get(10)?)?,
                    },
                    attempts: row.get(7)?,
                    remaining: remaining
                        .map(|r| codec::decode("an event", &r))
                        .transpose()?,
                };
                out.push((arrival, row.get(9)?));
            }
        }
        Ok(out)
    }

    /// How many arrivals of each tenant wait to be matched.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn backlog(&self) -> Result<Vec<(String, usize)>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT tenant, count(*) FROM events WHERE state = 0 GROUP BY tenant",
        )?;
        let rows = ask.query_map([], |row| Ok((row.get(0)?, row.get::<_, u32>(1)? as usize)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many arrivals wait to be matched.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn open_arrivals(&self) -> Result<i64, Fault> {
        let sql = "SELECT count(*) FROM events WHERE state = 0";
        Ok(self
            .conn
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }

    /// When the next held arrival is tried again.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn next_arrival_ms(&self) -> Result<Option<i64>, Fault> {
        let goes = tenant_goes("events.tenant");
        let sql = format!("SELECT min(next_ms) FROM events WHERE state = 0 AND {goes}");
        Ok(self
            .conn
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))?)
    }

    /// Ends the matching of an arrival. `notes` say what became of it, `dead` whether in vain.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn settle_arrival(&self, num: i64, notes: &str, dead: bool) -> Result<(), Fault> {
        let state = if dead { 2 } else { 1 };
        self.conn
            .prepare_cached(
                "UPDATE events SET state = ?2, remaining = NULL, \
                 notes = nullif(ltrim(coalesce(notes, '') || char(10) || ?3, char(10)), '') WHERE num = ?1",
            )?
            .execute(params![num, state, notes])?;
        Ok(())
    }

    /// Puts an arrival off: these playbooks are judged again at that time.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn hold_arrival(
        &self,
        num: i64,
        next_ms: i64,
        remaining: &[String],
        notes: &str,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE events SET attempts = attempts + 1, next_ms = ?2, remaining = ?3, \
                 notes = nullif(ltrim(coalesce(notes, '') || char(10) || ?4, char(10)), '') WHERE num = ?1",
            )?
            .execute(params![num, next_ms, codec::encode("an event", &remaining)?, notes])?;
        Ok(())
    }

    /// Notes that an arrival started a run, or would have repeated it.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn link(&self, event: i64, run: i64, started: bool, at_ms: i64) -> Result<(), Fault> {
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO event_runs (run, event, started, at_ms) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![run, event, started, at_ms])?;
        Ok(())
    }
}
