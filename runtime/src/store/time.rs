//! Whether timers wait for a person, because the clock cannot be trusted, and when something was last committed.

use super::time_right::Righted;
use super::{Fault, NewAudit, Store, StoreError, Tx, codec};
use counterplay_machine::duration::{DAY_MS, MINUTE_MS, format_ms, format_time_ms};
use rusqlite::params;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt;

const HELD: &str = "time.held";
const SEEN: &str = "time.seen";
const SHOWN: &str = "time.shown";

/// A difference between the clock and the time that has passed that is no jump yet.
pub(crate) const JUMP_MS: i64 = 10 * MINUTE_MS;
/// After so long without a commit a person confirms that the clock is right.
const SILENCE_MS: i64 = DAY_MS;

/// Timers and schedules wait until a person says that the clock is right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeHold {
    /// Since when, as the clock showed then, in milliseconds since the Unix epoch.
    pub since_ms: i64,
    /// Why.
    pub cause: TimeCause,
    /// When the clock was set, the beginning of the hold first: what was noted in between is moved when a person has said
    /// which time is right.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jumps: Vec<Jump>,
}

/// The clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jump {
    /// The number of the last journal entry that was written before that.
    pub entry: i64,
    /// By how many milliseconds, as far as that is known: forward, or back where this is negative.
    pub by_ms: i64,
}

impl TimeHold {
    /// Whether the clock may have been ahead before it was held, or while it was.
    pub(super) fn went_back(&self) -> bool {
        let back = matches!(self.cause, TimeCause::Back { .. });
        back || self.jumps.iter().any(|jump| jump.by_ms < 0)
    }
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

/// A person's word that the clock is right, as it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Why it was not trusted.
    pub hold: TimeHold,
    /// Whether timers waited for that word.
    pub waited: bool,
    /// The runs whose times were noted by a wrong clock and have been moved, by id.
    pub moved: Vec<String>,
    /// The runs whose times may be wrong and could not be moved, since they cannot be read, by id.
    pub left: Vec<String>,
}

/// Why a clock cannot be trusted that nobody has watched since the last commit.
pub(crate) fn unwatched(now_ms: i64, last_ms: Option<i64>) -> Option<TimeCause> {
    let last_ms = last_ms?;
    let silent_ms = now_ms.saturating_sub(last_ms);
    if silent_ms > SILENCE_MS {
        Some(TimeCause::Silent { last_ms })
    } else if silent_ms < -JUMP_MS {
        Some(TimeCause::Back { last_ms })
    } else {
        None
    }
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
    format_ms((ms + MINUTE_MS / 2) / MINUTE_MS * MINUTE_MS)
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

    /// Makes timers wait, or notes a further reason, and that the clock was set by so much after everything that is in
    /// the journals.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn note_jump(
        &self,
        mut hold: TimeHold,
        by_ms: i64,
        now_ms: i64,
    ) -> Result<TimeHold, Fault> {
        let entry = self.last_entry()?;
        hold.jumps.push(Jump { entry, by_ms });
        self.hold_time(&hold)?;
        self.show_time(now_ms)?;
        Ok(hold)
    }

    /// What the clock showed when it was last looked at while timers waited: to the minute.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn time_shown(&self) -> Result<Option<i64>, Fault> {
        Ok(self.meta(SHOWN)?.and_then(|text| text.parse().ok()))
    }

    /// Notes what the clock shows while timers wait.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn show_time(&self, now_ms: i64) -> Result<(), Fault> {
        self.set_meta(SHOWN, &now_ms.to_string())
    }

    /// When something was last committed, as far as that was noted: to the minute.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn time_seen(&self) -> Result<Option<i64>, Fault> {
        Ok(self.meta(SEEN)?.and_then(|text| text.parse().ok()))
    }

    /// Why nothing may be dropped by what a clock shows now: timers wait for a person, or an engine's start would make
    /// them wait.
    ///
    /// # Errors
    /// When SQLite refuses or the row cannot be read.
    pub fn time_doubt(&self, now_ms: i64) -> Result<Option<TimeHold>, Fault> {
        if let Some(hold) = self.time_hold()? {
            return Ok(Some(hold));
        }
        let cause = unwatched(now_ms, self.time_seen()?);
        Ok(cause.map(|cause| TimeHold {
            since_ms: now_ms,
            cause,
            jumps: Vec::new(),
        }))
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
    /// a time that is wrong, no repeat is ignored longer than it should be, and no use counts longer.
    fn forget_wrong_times(&self, now_ms: i64) -> Result<(), Fault> {
        for sql in [
            "UPDATE events SET next_ms = ?1 WHERE state = 0 AND next_ms > ?1",
            "UPDATE messages SET next_ms = ?1 WHERE state = 0 AND next_ms > ?1",
            "UPDATE polls SET next_ms = ?1 WHERE next_ms > ?1",
            "UPDATE subscriptions SET next_ms = ?1 WHERE next_ms > ?1",
            "UPDATE changes SET next_ms = ?1 WHERE next_ms > ?1",
            "UPDATE ticks SET last_ms = ?1 WHERE last_ms > ?1",
            "UPDATE uses SET at_ms = ?1 WHERE at_ms > ?1",
            "UPDATE repeats SET until_ms = until_ms - (SELECT started_ms FROM runs WHERE num = run) + ?1 \
             WHERE until_ms > ?1 AND (SELECT started_ms FROM runs WHERE num = run) > ?1",
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

    /// Why nothing may be dropped by what a clock shows now, see [`Tx::time_doubt`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn time_doubt(&self, now_ms: i64) -> Result<Option<TimeHold>, StoreError> {
        self.read(move |tx| tx.time_doubt(now_ms)).await
    }

    /// What is overdue at a time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn overdue(&self, now_ms: i64) -> Result<Overdue, StoreError> {
        self.read(move |tx| tx.overdue(now_ms)).await
    }

    /// Somebody says that the clock is right: timers and schedules go on. Nothing is returned where nobody had to.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn confirm_time(
        &self,
        by: &str,
        now_ms: i64,
    ) -> Result<Option<Confirmed>, StoreError> {
        let by = by.to_owned();
        self.write(move |tx| {
            let waited = tx.time_hold()?.is_some();
            let Some(mut hold) = tx.time_doubt(now_ms)? else {
                return Ok(None);
            };
            // It may have been set since an engine has looked at it.
            if !hold.jumps.is_empty()
                && let Some(last_ms) = tx.time_shown()?
                && unwatched(now_ms, Some(last_ms)).is_some()
            {
                let (entry, by_ms) = (tx.last_entry()?, now_ms.saturating_sub(last_ms));
                hold.jumps.push(Jump { entry, by_ms });
            }
            tx.conn.execute("DELETE FROM meta WHERE key = ?1", [HELD])?;
            tx.see_time(now_ms)?;
            tx.forget_wrong_times(now_ms)?;
            let Righted { moved, left } = tx.right_times(&hold, &by, now_ms)?;
            let mut record = audit("clock.confirmed", &by, &hold, now_ms);
            if !moved.is_empty() {
                record.detail["moved_runs"] = json!(moved.len());
            }
            if !left.is_empty() {
                record.detail["runs_not_moved"] = json!(left);
            }
            tx.add_audit(&record)?;
            Ok(Some(Confirmed {
                hold,
                waited,
                moved,
                left,
            }))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_after_a_day_of_silence_or_before_the_last_commit_is_asked_about() {
        let last_ms = 50 * DAY_MS;
        let silent = Some(TimeCause::Silent { last_ms });
        let back = Some(TimeCause::Back { last_ms });
        for (now, cause) in [
            (last_ms, None),
            (last_ms + DAY_MS, None),
            (last_ms + DAY_MS + 1, silent),
            (last_ms - JUMP_MS, None),
            (last_ms - JUMP_MS - 1, back),
        ] {
            assert_eq!(unwatched(now, Some(last_ms)), cause);
        }
        assert_eq!(unwatched(last_ms, None), None, "a fresh store");
    }
}
