//! What a connection says of retries in, the next pause or the end of trying out. Pure.

use super::chance::Chance;
use counterplay_machine::declare::Retry;
use counterplay_machine::duration;
use jiff::Timestamp;

/// The tries of one call. A list is one call, however many pages it has: they share the time for which it is tried.
#[derive(Debug)]
pub(super) struct Tries {
    retry: Retry,
    /// Trying ends here although the connection would allow more.
    deadline_ms: Option<i64>,
    /// How long earlier pages were in trouble.
    spent_ms: i64,
    /// Since when there is trouble.
    since_ms: Option<i64>,
    pause_ms: i64,
    count: u32,
}

impl Tries {
    /// The first try begins.
    pub fn new(retry: &Retry, deadline_ms: Option<i64>) -> Tries {
        Tries {
            retry: retry.clone(),
            deadline_ms,
            spent_ms: 0,
            since_ms: None,
            pause_ms: retry.from_ms.max(1),
            count: 1,
        }
    }

    /// There was an answer; what comes next begins anew, with the time that is left.
    pub fn answered(&mut self, now_ms: i64) {
        if let Some(since_ms) = self.since_ms.take() {
            let took_ms = now_ms.saturating_sub(since_ms).max(0);
            self.spent_ms = self.spent_ms.saturating_add(took_ms);
        }
        self.pause_ms = self.retry.from_ms.max(1);
        self.count = 1;
    }

    /// How many attempts there were, the one that is wanted now left out.
    pub fn count(&self) -> u32 {
        self.count.saturating_sub(1).max(1)
    }

    /// Whether a wait during which nothing is tried is still within the time, or in words why not.
    pub fn wait(&mut self, now_ms: i64, wait_ms: i64) -> Result<(), String> {
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        let mut within_ms = self.retry.within_ms.saturating_sub(self.spent_ms);
        if let Some(deadline_ms) = self.deadline_ms {
            within_ms = within_ms.min(deadline_ms.saturating_sub(since_ms));
        }
        if self.retry.within_ms <= 0 || within_ms <= 0 {
            return Err(String::new());
        }
        let left = since_ms.saturating_add(within_ms).saturating_sub(now_ms);
        if wait_ms <= left {
            return Ok(());
        }
        let format = duration::format_ms;
        Err(format!(
            " ({} is left of the {} for which this is tried)",
            format(left.max(0)),
            format(within_ms)
        ))
    }

    /// How long to wait before the next try, in milliseconds, or in words why there is none.
    ///
    /// The time begins with the first trouble: waiting for a turn does not use it up. Pauses double up to the declared
    /// longest; each is shortened by up to half, so that many calls do not come back at the same moment. A longer wait
    /// that the service asks for is kept to the full.
    pub fn next(
        &mut self,
        now_ms: i64,
        asked_ms: Option<i64>,
        chance: &Chance,
    ) -> Result<i64, String> {
        let since_ms = *self.since_ms.get_or_insert(now_ms);
        let mut within_ms = self.retry.within_ms.saturating_sub(self.spent_ms);
        if let Some(deadline_ms) = self.deadline_ms {
            within_ms = within_ms.min(deadline_ms.saturating_sub(since_ms));
        }
        if self.retry.within_ms <= 0 || (within_ms <= 0 && self.spent_ms == 0) {
            return Err(String::new());
        }
        let longest = self.retry.up_to_ms.max(1);
        let own = self.pause_ms.min(longest);
        let jittered = own - (own as f64 * 0.5 * chance.fraction()) as i64;
        let pause = jittered.max(1).max(asked_ms.unwrap_or(0));
        let left = since_ms.saturating_add(within_ms).saturating_sub(now_ms);
        let format = duration::format_ms;
        if asked_ms.is_some_and(|asked| asked > left) {
            let asked = format(pause);
            let total = format(within_ms.saturating_add(self.spent_ms));
            return Err(if left == within_ms && self.spent_ms == 0 {
                format!(
                    " (it asks to wait {asked}, longer than the {total} for which this is tried)"
                )
            } else {
                let left = format(left.max(0));
                format!(
                    " (it asks to wait {asked}, and {left} is left of the {total} for which this is tried)"
                )
            });
        }
        if pause > left {
            return Err(match self.spent_ms {
                0 => format!(" (tried {} times within {})", self.count, format(within_ms)),
                spent_ms => format!(
                    " (its pages were tried again for {} in all)",
                    format(spent_ms.saturating_add(now_ms.saturating_sub(since_ms)))
                ),
            });
        }
        self.count += 1;
        self.pause_ms = own.saturating_mul(2).min(longest);
        Ok(pause)
    }
}

/// Reads `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3). In milliseconds from now.
pub(super) fn retry_after_ms(value: &str, now_ms: i64) -> Option<i64> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u32>() {
        return Some(i64::from(seconds) * duration::SECOND_MS);
    }
    let at: Timestamp = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_timestamp(value)
        .ok()?;
    Some(at.as_millisecond().saturating_sub(now_ms).max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn retry() -> Retry {
        Retry {
            within_ms: 60_000,
            from_ms: 1_000,
            up_to_ms: 8_000,
        }
    }

    #[test]
    fn pauses_double_up_to_the_cap_and_end_with_the_window() {
        let chance = Chance::seeded(1);
        let mut tries = Tries::new(&retry(), None);
        let mut now = 0;
        let mut pauses = Vec::new();
        let end = loop {
            match tries.next(now, None, &chance) {
                Ok(pause) => {
                    now += pause;
                    pauses.push(pause);
                }
                Err(why) => break why,
            }
        };
        assert!((500..=1_000).contains(&pauses[0]), "{pauses:?}");
        assert!((1_000..=2_000).contains(&pauses[1]), "{pauses:?}");
        assert!(pauses.iter().all(|p| *p <= 8_000), "{pauses:?}");
        assert!(now <= 60_000);
        assert_eq!(
            end,
            format!(" (tried {} times within 1m)", pauses.len() + 1)
        );
    }

    #[test]
    fn a_longer_wait_that_the_service_asks_for_is_kept() {
        let chance = Chance::seeded(1);
        let mut tries = Tries::new(&retry(), None);
        assert_eq!(tries.next(0, Some(30_000), &chance), Ok(30_000));
        let end = tries.next(30_000, Some(31_000), &chance);
        assert_eq!(
            end,
            Err(
                " (it asks to wait 31s, and 30s is left of the 1m for which this is tried)"
                    .to_owned()
            )
        );
    }

    #[test]
    fn pages_share_the_time_for_which_a_list_is_tried() {
        let chance = Chance::seeded(1);
        let mut tries = Tries::new(&retry(), None);
        assert_eq!(tries.next(0, Some(40_000), &chance), Ok(40_000));
        tries.answered(41_000);
        // An hour without trouble uses nothing up.
        let now = 3_641_000;
        assert!(
            tries
                .next(now, None, &chance)
                .is_ok_and(|pause| pause <= 1_000)
        );
        assert_eq!(
            tries.next(now + 1_000, Some(19_000), &chance),
            Err(
                " (it asks to wait 19s, and 18s is left of the 1m for which this is tried)"
                    .to_owned()
            )
        );
    }

    #[test]
    fn a_deadline_ends_the_time() {
        let chance = Chance::seeded(1);
        let mut tries = Tries::new(&retry(), Some(10_000));
        assert!(tries.next(5_000, None, &chance).is_ok());
        tries.answered(6_000);
        // What is left of the minute does not go beyond it.
        assert_eq!(
            tries.next(9_999, None, &chance),
            Err(" (its pages were tried again for 1s in all)".to_owned())
        );
        let mut late = Tries::new(&retry(), Some(10_000));
        assert_eq!(late.next(10_000, None, &chance), Err(String::new()));
    }

    #[test]
    fn no_window_means_no_second_try() {
        let none = Retry {
            within_ms: 0,
            from_ms: 1_000,
            up_to_ms: 8_000,
        };
        assert!(
            Tries::new(&none, None)
                .next(0, None, &Chance::seeded(1))
                .is_err()
        );
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(retry_after_ms("120", 0), Some(120_000));
        // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110.
        assert_eq!(
            retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_770_000),
            Some(7_000)
        );
        assert_eq!(
            retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_780_000),
            Some(0)
        );
        assert_eq!(retry_after_ms("soon", 0), None);
    }
}
