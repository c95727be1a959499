//! Overdue timers and schedules in; which of them fire now out, no faster than the world can take.
//!
//! What is due in time fires at once. What is more than fifteen minutes late, because the engine was down or timers
//! waited for a person, fires at a limited rate: expired approvals first, so that nothing acts on an approval that is
//! over; then the rest, the longest overdue first. Each of them looks at the playbook's goal before it acts: that is
//! part of the compiled playbook.

use super::drive::Driver;
use crate::store::{Fault, Tx};
use counterplay_machine::duration::{MINUTE_MS, SECOND_MS};

/// What is overdue by more than this is late.
pub(super) const LATE_MS: i64 = 15 * MINUTE_MS;
/// How many late timers and schedules fire in a second.
const PER_SECOND: usize = 10;

/// How much late work was done in the present second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Drain {
    since_ms: i64,
    used: usize,
}

impl Drain {
    /// How much may be done now.
    pub(super) fn room(&mut self, now_ms: i64) -> usize {
        if !(self.since_ms..self.since_ms.saturating_add(SECOND_MS)).contains(&now_ms) {
            *self = Drain {
                since_ms: now_ms,
                used: 0,
            };
        }
        PER_SECOND.saturating_sub(self.used)
    }

    /// So much is done.
    pub(super) fn take(&mut self, count: usize) {
        self.used += count;
    }

    /// When there is room again.
    fn next_ms(&self) -> i64 {
        if self.used < PER_SECOND {
            self.since_ms
        } else {
            self.since_ms.saturating_add(SECOND_MS)
        }
    }
}

/// When timers and schedules fire next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Next {
    held: bool,
    late_ms: i64,
    drain_ms: i64,
}

impl Next {
    pub(super) fn of(driver: &Driver) -> Next {
        let time = &driver.time;
        Next {
            held: time.hold.is_some(),
            late_ms: time.now_ms.saturating_sub(LATE_MS),
            drain_ms: time.drain.next_ms(),
        }
    }

    /// When something that is due at a time fires; never while timers wait.
    pub(super) fn of_due(self, due_ms: i64) -> Option<i64> {
        match (self.held, due_ms < self.late_ms) {
            (true, _) => None,
            (false, true) => Some(self.drain_ms),
            (false, false) => Some(due_ms),
        }
    }

    /// When the next timer fires.
    pub(super) fn timer(self, tx: &Tx<'_>) -> Result<Option<i64>, Fault> {
        let Some(first) = tx.next_timer_ms()? else {
            return Ok(None);
        };
        let first = self.of_due(first);
        if first != Some(self.drain_ms) {
            return Ok(first);
        }
        // Late ones wait for their turn; one that is in time does not wait with them.
        let in_time = tx.next_timer_since(self.late_ms)?;
        Ok(first.into_iter().chain(in_time).min())
    }
}

/// The timers that fire in a round.
#[derive(Debug, Default)]
pub(super) struct DueTimers {
    /// The run's number and the timer's id.
    pub(super) due: Vec<(i64, String)>,
    /// How many of them are late.
    pub(super) late: usize,
}

/// Which timers may fire in a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    held: bool,
    now_ms: i64,
    room: usize,
}

impl Round {
    pub(super) fn of(driver: &mut Driver) -> Round {
        let time = &mut driver.time;
        Round {
            held: time.hold.is_some(),
            now_ms: time.now_ms,
            room: time.drain.room(time.now_ms),
        }
    }

    /// The timers that fire now: as many late ones as there is room for, then those in time.
    pub(super) fn timers(self, tx: &Tx<'_>, limit: usize) -> Result<DueTimers, Fault> {
        if self.held {
            return Ok(DueTimers::default());
        }
        let late_ms = self.now_ms.saturating_sub(LATE_MS);
        // An approval that is over comes before what has just become due.
        let mut due = match self.room {
            0 => Vec::new(),
            room => tx.late_timers(late_ms, room)?,
        };
        let late = due.len();
        due.extend(tx.due_timers(late_ms, self.now_ms, limit)?);
        Ok(DueTimers { due, late })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_work_has_room_for_ten_in_a_second() {
        let mut drain = Drain::default();
        assert_eq!(drain.room(5_000), PER_SECOND);
        drain.take(7);
        assert_eq!(drain.room(5_999), 3);
        assert_eq!(drain.next_ms(), 5_000);
        drain.take(3);
        assert_eq!(drain.room(5_999), 0);
        assert_eq!(drain.next_ms(), 6_000);
        assert_eq!(drain.room(6_000), PER_SECOND);
        drain.take(PER_SECOND);
        assert_eq!(drain.room(1_000), PER_SECOND, "a clock that was set back");
    }
}
