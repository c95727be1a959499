//! Whether timers wait for a person, because the clock cannot be trusted, and when something was last committed.

use super::{Fault, NewAudit, Store, StoreError, Tx, codec};
use counterplay_machine::duration::{format_ms, format_time_ms};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

const HELD: &str = "time.held";
const SEEN: &str = "time.seen";

/// Timers and schedules wait until a person says that the clock is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeHold {
    /// Since when, as the clock showed then, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Why.
    pub cause: TimeCause,
}

/// Why the clock is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeCause {
    /// It was set while the engine worked: forward, or back where this is negative.
    Jumped {
        /// By how many milliseconds, all jumps together.
        by_ms: i64,
    },
    /// Nothing was committed for more than a day, and something waits for a time.
    Silent {
        /// When something was last committed, in milliseconds since the Unix epoch.
        last_ms: i64,
    },
    /// It shows a time before the last commit.
    Back {
        /// When something was last committed, in milliseconds since the Unix epoch.
        last_ms: i64,
    },
}

impl fmt::Display for TimeHold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since_ms;
        match self.cause {
            TimeCause::Jumped { by_ms: 0 } => f.write_str("the clock was set, and set back again"),
            TimeCause::Jumped { by_ms } => {
                let way = if by_ms < 0 { "back" } else { "forward" };
                let by = whole(by_ms.saturating_abs());
                write!(f, "the clock went {way} by {by} at once")
            }
            TimeCause::Silent { last_ms } => {
                let for_ms = whole(since.saturating_sub(last_ms));
                let last = format_time_ms(last_ms);
                write!(f, "nothing was done for {for_ms}, since {last}")
            }
            TimeCause::Back { last_ms } => {
                let (shown, last) = (format_time_ms(since), format_time_ms(last_ms));
                write!(
                    f,
                    "the clock shows {shown}, and something was done at {last}"
                )
            }
        }
    }
}

/// A span that people read: in whole minutes.
fn whole(ms: i64) -> String {
    let minute = counterplay_machine::duration::MINUTE_MS;
    format_ms((ms + minute / 2) / minute * minute)
}

/// What is overdue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Timers of runs, approvals left out.
    pub timers: i64,
    /// Approvals and questions whose time is over.
    pub approvals: i64,
}

impl Tx<'_> {
    /// The hold, where timers wait.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn time_hold(&self) -> Result<Option<TimeHold>, Fault> {
        let text = self.meta(HELD)?;
        text.map(|text| codec::decode("the hold of timers", &text))
            .transpose()
    }

    /// Makes timers wait, or notes a further reason.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn hold_time(&self, hold: &TimeHold) -> Result<(), Fault> {
        let first = self.meta(HELD)?.is_none();
        self.set_meta(HELD, &codec::encode("the hold of timers", hold)?)?;
        if first {
            self.add_audit(&audit("clock.held", "engine", hold, hold.since_ms))?;
        }
        Ok(())
    }

    /// When something was last committed, as far as that was noted: to the minute.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn time_seen(&self) -> Result<Option<i64>, Fault> {
        Ok(self.meta(SEEN)?.and_then(|text| text.parse().ok()))
    }

    /// Notes that time went on as it should.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn see_time(&self, now_ms: i64) -> Result<(), Fault> {
        self.set_meta(SEEN, &now_ms.to_string())
    }

    /// What is overdue.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn overdue(&self, now_ms: i64) -> Result<Overdue, Fault> {
        let (all, approvals): (i64, i64) = self
            .conn
            .prepare_cached(
                "SELECT count(*), count(a.id) FROM timers t LEFT JOIN approvals a ON a.run = t.run AND a.id = t.id \
                 WHERE t.at_ms <= ?1",
            )?
            .query_row([now_ms], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Overdue {
            timers: all - approvals,
            approvals,
        })
    }

    /// Brings what was noted as due by a clock that was ahead back to now: no reading, message or attempt waits for
    /// a time that is wrong.
    fn forget_wrong_times(&self, now_ms: i64) -> Result<(), Fault> {
        for sql in [
            "UPDATE events SET next_ms = ?1 WHERE state = 0 AND next_ms > ?1",
            "UPDATE messages SET next_ms = ?1 WHERE state = 0 AND next_ms > ?1",
            "UPDATE polls SET next_ms = ?1 WHERE next_ms > ?1",
            "UPDATE subscriptions SET next_ms = ?1 WHERE next_ms > ?1",
            "UPDATE changes SET next_ms = ?1 WHERE next_ms > ?1",
            "UPDATE ticks SET last_ms = ?1 WHERE last_ms > ?1",
        ] {
            self.conn.execute(sql, params![now_ms])?;
        }
        Ok(())
    }
}

impl Store {
    /// The hold, where timers wait for a person.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn time_hold(&self) -> Result<Option<TimeHold>, StoreError> {
        self.read(|tx| tx.time_hold()).await
    }

    /// What is overdue at a time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn overdue(&self, now_ms: i64) -> Result<Overdue, StoreError> {
        self.read(move |tx| tx.overdue(now_ms)).await
    }

    /// Somebody says that the clock is right: timers and schedules go on. What was held is returned; nothing where
    /// nothing was.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn confirm_time(
        &self,
        by: &str,
        now_ms: i64,
    ) -> Result<Option<TimeHold>, StoreError> {
        let by = by.to_owned();
        self.write(move |tx| {
            let Some(hold) = tx.time_hold()? else {
                return Ok(None);
            };
            tx.conn.execute("DELETE FROM meta WHERE key = ?1", [HELD])?;
            tx.see_time(now_ms)?;
            tx.forget_wrong_times(now_ms)?;
            tx.add_audit(&audit("clock.confirmed", &by, &hold, now_ms))?;
            Ok(Some(hold))
        })
        .await
    }
}

fn audit(action: &str, by: &str, hold: &TimeHold, now_ms: i64) -> NewAudit {
    NewAudit {
        at_ms: now_ms,
        tenant: String::new(),
        actor: by.to_owned(),
        action: action.to_owned(),
        run: None,
        object: None,
        detail: json!({ "because": hold.to_string(), "since_ms": hold.since_ms }),
    }
}
