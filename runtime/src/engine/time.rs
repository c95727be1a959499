//! What the clock shows and how much time has passed in; whether timers go on or wait for a person out.
//!
//! A clock that was set, or a process that comes back after days, must not fire what a wrong time makes due: an
//! account would be blocked because its deadline seems to be over. So timers and schedules wait then until a person
//! confirms that the clock is right. Everything else goes on.

use super::drive::Driver;
use super::late::Drain;
use super::{Engine, EngineError};
use crate::store::{JUMP_MS, TimeCause, TimeHold, Tx, unwatched};
use counterplay_machine::duration::{HOUR_MS, MINUTE_MS};

/// How often an engine that does nothing else notes that time goes on.
const BEAT_MS: i64 = MINUTE_MS;
/// How often small differences are forgotten: clocks drift and are corrected.
const FORGET_MS: i64 = HOUR_MS;

/// What is known of the time.
#[derive(Debug, Default)]
pub(super) struct Time {
    watch: Option<Watch>,
    /// Whether timers wait.
    pub(super) hold: Option<TimeHold>,
    /// What the clock showed when it was last looked at: what is due is due by this.
    pub(super) now_ms: i64,
    /// How much overdue work may still be done.
    pub(super) drain: Drain,
}

/// A clock that has been looked at before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Watch {
    /// By how much it is ahead of the time that has passed.
    ahead_ms: i64,
    /// When that was noted, by the time that has passed.
    noted_ms: i64,
    /// When it was last written down that time goes on.
    beat_ms: i64,
}

/// What a look at the clock shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing.
    Same,
    /// Time goes on, which is to be written down.
    Beat,
    /// It was set by so much.
    Jumped(i64),
}

impl Watch {
    fn begin(now_ms: i64, passed_ms: i64) -> Watch {
        Watch {
            ahead_ms: now_ms.saturating_sub(passed_ms),
            noted_ms: passed_ms,
            beat_ms: passed_ms,
        }
    }

    fn look(&mut self, now_ms: i64, passed_ms: i64) -> Look {
        let ahead_ms = now_ms.saturating_sub(passed_ms);
        let by_ms = ahead_ms.saturating_sub(self.ahead_ms);
        if by_ms.saturating_abs() > JUMP_MS {
            *self = Watch::begin(now_ms, passed_ms);
            return Look::Jumped(by_ms);
        }
        if passed_ms.saturating_sub(self.noted_ms) >= FORGET_MS {
            (self.ahead_ms, self.noted_ms) = (ahead_ms, passed_ms);
        }
        if passed_ms.saturating_sub(self.beat_ms) >= BEAT_MS {
            self.beat_ms = passed_ms;
            return Look::Beat;
        }
        Look::Same
    }
}

/// What a further jump makes of a hold.
fn jumped(hold: Option<&TimeHold>, by_ms: i64, now_ms: i64) -> TimeHold {
    match hold {
        Some(TimeHold {
            since_ms,
            cause: TimeCause::Jumped { by_ms: before },
            jumps,
        }) => TimeHold {
            since_ms: *since_ms,
            jumps: jumps.clone(),
            cause: TimeCause::Jumped {
                // What is left of a clock that was set back again is the seconds that it was corrected by.
                by_ms: Some(before.saturating_add(by_ms))
                    .filter(|all| all.saturating_abs() >= MINUTE_MS)
                    .unwrap_or_default(),
            },
        },
        Some(other) => other.clone(),
        None => TimeHold {
            since_ms: now_ms,
            cause: TimeCause::Jumped { by_ms },
            jumps: Vec::new(),
        },
    }
}

impl Engine {
    /// Looks at the clock before anything is driven: why timers will wait, where they will.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn check_clock(&self) -> Result<Option<TimeHold>, EngineError> {
        let mut driver = self.inner.driver.lock().await;
        self.load(&mut driver).await?;
        self.watch_time(&mut driver).await?;
        Ok(driver.time.hold.clone())
    }

    /// Looks at the clock. What is due in this round is due by what it shows now.
    pub(super) async fn watch_time(&self, driver: &mut Driver) -> Result<(), EngineError> {
        let clock = &self.inner.clock;
        let (now, passed) = (clock.now_ms(), clock.passed_ms());
        driver.time.now_ms = now;
        let look = match &mut driver.time.watch {
            None => {
                driver.time.watch = Some(Watch::begin(now, passed));
                return self.first_look(driver, now).await;
            }
            Some(watch) => watch.look(now, passed),
        };
        match look {
            Look::Jumped(by_ms) => {
                // A schedule may have become due by the jump, or be due in a time that never comes.
                let schedules = !driver.schedules.is_empty();
                let hold = jumped(driver.time.hold.as_ref(), by_ms, now);
                self.hold_time(driver, hold, by_ms, schedules).await?;
            }
            Look::Beat if driver.time.hold.is_some() => {
                self.inner.store.write(move |tx| tx.show_time(now)).await?;
            }
            // Time that is skipped is no time of silence.
            Look::Beat if !clock.is_virtual() => {
                self.inner.store.write(move |tx| tx.see_time(now)).await?;
            }
            Look::Beat | Look::Same => {}
        }
        if driver.time.hold.is_some() && self.inner.store.time_hold().await?.is_none() {
            tracing::info!("the clock was confirmed; timers and schedules go on");
            driver.time.hold = None;
            driver.loaded = None;
            self.load(driver).await?;
        }
        Ok(())
    }

    async fn first_look(&self, driver: &mut Driver, now: i64) -> Result<(), EngineError> {
        let look = |tx: &Tx<'_>| Ok((tx.time_hold()?, tx.time_seen()?, tx.time_shown()?));
        let (hold, last, shown) = self.inner.store.read(look).await?;
        if let Some(hold) = hold {
            tracing::warn!("timers and schedules wait: {hold}; see `counterplay clock`");
            let shown = shown.filter(|_| !self.inner.clock.is_virtual());
            // It may have been set while no process looked at it.
            let by_ms = now.saturating_sub(shown.unwrap_or(now));
            let hold = match unwatched(now, shown) {
                None => {
                    driver.time.hold = Some(hold);
                    return Ok(());
                }
                // Time may have passed as well.
                Some(TimeCause::Silent { .. }) => hold,
                Some(_) => jumped(Some(&hold), by_ms, now),
            };
            return self.hold_time(driver, hold, by_ms, true).await;
        }
        if self.inner.clock.is_virtual() {
            return Ok(());
        }
        if let Some(cause) = unwatched(now, last) {
            let schedules = match cause {
                TimeCause::Silent { .. } => {
                    driver.schedules.first().is_some_and(|d| d.at_ms <= now)
                }
                _ => !driver.schedules.is_empty(),
            };
            let hold = TimeHold {
                since_ms: now,
                cause,
                jumps: Vec::new(),
            };
            self.hold_time(driver, hold, 0, schedules).await?;
        }
        if driver.time.hold.is_none() {
            self.inner.store.write(move |tx| tx.see_time(now)).await?;
        }
        Ok(())
    }

    /// Makes timers wait, unless nothing waits for a time.
    async fn hold_time(
        &self,
        driver: &mut Driver,
        hold: TimeHold,
        by_ms: i64,
        schedules: bool,
    ) -> Result<(), EngineError> {
        let kept = hold.clone();
        let (keep_ms, now_ms) = (self.inner.keep_ended_ms, driver.time.now_ms);
        let held = self
            .inner
            .store
            .write(move |tx| {
                let waits = schedules
                    || tx.next_timer_ms()?.is_some()
                    || tx.time_hold()?.is_some()
                    || match keep_ms {
                        Some(keep_ms) => {
                            tx.any_to_archive(now_ms.saturating_sub(keep_ms), now_ms)?
                        }
                        None => false,
                    };
                match waits {
                    true => tx.note_jump(kept, by_ms, now_ms).map(Some),
                    false => Ok(None),
                }
            })
            .await?;
        if let Some(hold) = held {
            tracing::warn!(
                "timers and schedules wait until a person says that the clock is right: {hold}; see `counterplay clock`"
            );
            driver.time.hold = Some(hold);
        } else {
            tracing::warn!("{hold}; nothing waits for a time, so that everything goes on");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::duration::DAY_MS;

    #[test]
    fn only_a_difference_of_more_than_ten_minutes_is_a_jump() {
        let mut watch = Watch::begin(1_000, 0);
        assert_eq!(watch.look(1_000 + 5, 5), Look::Same);
        assert_eq!(watch.look(1_000 + JUMP_MS, 0), Look::Same);
        assert_eq!(watch.look(1_000 - JUMP_MS, 0), Look::Same);
        assert_eq!(
            watch.look(1_001 + JUMP_MS, 0),
            Look::Jumped(JUMP_MS + 1),
            "one millisecond more"
        );
        assert_eq!(watch.look(1_001 + JUMP_MS, 0), Look::Same, "told once");
        assert_eq!(watch.look(1_000, 0), Look::Jumped(-JUMP_MS - 1));
    }

    #[test]
    fn a_drift_is_forgotten_and_a_clock_that_is_set_in_small_pieces_is_not() {
        let mut watch = Watch::begin(0, 0);
        // A minute ahead after each hour, for a day.
        for hour in 1..=24 {
            let passed = hour * HOUR_MS;
            assert_eq!(watch.look(passed + hour * MINUTE_MS, passed), Look::Beat);
        }
        let mut watch = Watch::begin(0, 0);
        assert_eq!(watch.look(9 * MINUTE_MS, 0), Look::Same);
        assert_eq!(watch.look(18 * MINUTE_MS, 0), Look::Jumped(18 * MINUTE_MS));
    }

    #[test]
    fn a_clock_that_is_set_back_again_says_so() {
        let first = jumped(None, 60 * DAY_MS, 5);
        assert_eq!(first.to_string(), "the clock went forward by 60d at once");
        let further = jumped(Some(&first), -61 * DAY_MS, 6);
        assert_eq!(further.to_string(), "the clock went back by 1d at once");
        let again = jumped(Some(&first), -60 * DAY_MS + 2, 7);
        assert_eq!(again.to_string(), "the clock was set, and set back again");
        assert_eq!(again.since_ms, 5);
    }
}
