//! What a connection says of retries in, the next pause or the end of trying out. Pure.

use super::chance::Chance;
use counterplay_machine::declare::Retry;
use counterplay_machine::duration;
use jiff::Timestamp;

/// The tries of one call.
#[derive(Debug)]
pub(super) struct Tries {
    retry: Retry,
    started_ms: i64,
    pause_ms: i64,
    count: u32,
}

impl Tries {
    /// The first try begins now.
    pub fn new(retry: &Retry, now_ms: i64) -> Tries {
        Tries {
            retry: retry.clone(),
            started_ms: now_ms,
            pause_ms: retry.from_ms.max(1),
            count: 1,
        }
    }

    /// How long to wait before the next try, in milliseconds, or in words why there is none.
    ///
    /// Pauses double up to the declared longest; each is shortened by up to half, so that many calls do
    /// not come back at the same moment. A longer wait that the service asks for is kept to the full.
    pub fn next(
        &mut self,
        now_ms: i64,
        asked_ms: Option<i64>,
        chance: &Chance,
    ) -> Result<i64, String> {
        if self.retry.within_ms <= 0 {
            return Err(String::new());
        }
        let longest = self.retry.up_to_ms.max(1);
        let own = self.pause_ms.min(longest);
        let jittered = own - (own as f64 * 0.5 * chance.fraction()) as i64;
        let pause = jittered.max(1).max(asked_ms.unwrap_or(0));
        let left = self
            .started_ms
            .saturating_add(self.retry.within_ms)
            .saturating_sub(now_ms);
        let within = duration::format_ms(self.retry.within_ms);
        if asked_ms.is_some_and(|asked| asked > left) {
            let asked = duration::format_ms(pause);
            return Err(format!(
                " (it asks to wait {asked}, longer than the {within} for which this is tried)"
            ));
        }
        if pause > left {
            return Err(format!(" (tried {} times within {within})", self.count));
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
        let mut tries = Tries::new(&retry(), 0);
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
        let mut tries = Tries::new(&retry(), 0);
        assert_eq!(tries.next(0, Some(30_000), &chance), Ok(30_000));
        let end = tries.next(30_000, Some(31_000), &chance);
        assert_eq!(
            end,
            Err(" (it asks to wait 31s, longer than the 1m for which this is tried)".to_owned())
        );
    }

    #[test]
    fn no_window_means_no_second_try() {
        let none = Retry {
            within_ms: 0,
            from_ms: 1_000,
            up_to_ms: 8_000,
        };
        assert!(
            Tries::new(&none, 0)
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
