//! A cron expression and a time zone in, the next time out. Pure.
//!
//! Five fields as crontab(5) has them: minute, hour, day of the month, month, day of the week; lists, ranges, steps and
//! names of months and days.

use crate::schedule::resolve;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// How many times of the clock are looked at before one has to lie ahead: all minutes of a day and those of a gap.
const LOOK_MAX: usize = 3_000;

/// Why a cron expression is none, for people.
///
/// # Errors
/// What is wrong with it.
pub fn check(cron: &str) -> Result<(), String> {
    let fields = cron.split_whitespace().count();
    if fields != 5 {
        return Err(format!(
            "it has {fields} {}, and five are needed: minute, hour, day of the month, month, day of the week",
            if fields == 1 { "field" } else { "fields" }
        ));
    }
    let read = cronexpr::parse_crontab(&format!("{cron} UTC")).map_err(|error| {
        // The last line is the reason; the others draw where, which the caller does.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default();
        let reason = reason.trim_start_matches([' ', '^', '|']).trim();
        reason.replace("..=", " to ")
    })?;
    let begin = DateTime::constant(2024, 1, 1, 0, 0, 0, 0);
    let begin = TimeZone::UTC.to_timestamp(begin).unwrap_or_default();
    match read.find_next(cronexpr::MakeTimestamp(begin)) {
        Ok(_) => Ok(()),
        Err(_) => Err("no day is such a day".to_owned()),
    }
}

/// The first time strictly after another one; `None` where there is none within years, or it is no cron expression.
///
/// With `*` for the hour the hours that really pass count. Otherwise a time that daylight saving skips is due
/// at the next valid minute, and one that occurs twice is due once, the first time.
pub fn next(cron: &str, tz: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let hours = cron.split_whitespace().nth(1)?;
    if hours.starts_with('*') {
        let zone = tz.iana_name().unwrap_or("UTC");
        let read = cronexpr::parse_crontab(&format!("{cron} {zone}")).ok()?;
        let next = read.find_next(cronexpr::MakeTimestamp(after)).ok()?;
        return Some(next.timestamp());
    }
    // The clock on the wall, as if it never changed.
    let read = cronexpr::parse_crontab(&format!("{cron} UTC")).ok()?;
    let wall = tz.to_datetime(after).checked_sub(1.day()).ok()?;
    let mut at = TimeZone::UTC.to_timestamp(wall).ok()?;
    for _ in 0..LOOK_MAX {
        let next = read.find_next(cronexpr::MakeTimestamp(at)).ok()?;
        let due = resolve(tz, next.datetime())?;
        if due > after {
            return Some(due);
        }
        at = next.timestamp();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::{format_time_ms, parse_time_ms};

    fn times(cron: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
        let tz = TimeZone::get(zone).expect("a zone");
        let mut at =
            Timestamp::from_millisecond(parse_time_ms(after).expect("a time")).expect("in range");
        let mut out = Vec::new();
        for _ in 0..count {
            at = next(cron, &tz, at).expect("another one");
            out.push(format_time_ms(at.as_millisecond()));
        }
        out
    }

    #[test]
    fn fields_lists_steps_and_names() {
        assert_eq!(
            times("0 7 * * MON", "UTC", "2026-11-25T12:00:00Z", 2),
            ["2026-11-30T07:00:00Z", "2026-12-07T07:00:00Z"]
        );
        assert_eq!(
            times("*/20 9-10 1,15 * *", "UTC", "2026-11-25T12:00:00Z", 7),
            [
                "2026-12-01T09:00:00Z",
                "2026-12-01T09:20:00Z",
                "2026-12-01T09:40:00Z",
                "2026-12-01T10:00:00Z",
                "2026-12-01T10:20:00Z",
                "2026-12-01T10:40:00Z",
                "2026-12-15T09:00:00Z",
            ]
        );
        assert_eq!(
            times("0 0 29 FEB *", "UTC", "2026-11-25T12:00:00Z", 1),
            ["2028-02-29T00:00:00Z"]
        );
    }

    #[test]
    fn clock_times_follow_the_zone_through_its_changes() {
        // On 29 March 2026 London goes from 01:00 GMT to 02:00 BST, on 25 October back at 02:00 BST.
        assert_eq!(
            times("30 1 * * *", "Europe/London", "2026-03-28T02:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            times("15,30 1 * * *", "Europe/London", "2026-03-28T02:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"]
        );
        assert_eq!(
            times("30 1 * * *", "Europe/London", "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn every_hour_is_every_hour_that_passes() {
        assert_eq!(
            times("0 * * * *", "Europe/London", "2026-10-25T00:00:00Z", 3),
            [
                "2026-10-25T01:00:00Z",
                "2026-10-25T02:00:00Z",
                "2026-10-25T03:00:00Z"
            ]
        );
        assert_eq!(
            times("30 */2 * * *", "Europe/London", "2026-03-28T23:00:00Z", 3),
            [
                "2026-03-29T00:30:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-29T03:30:00Z"
            ]
        );
    }

    #[test]
    fn what_is_none_is_told() {
        assert_eq!(check("0 7 * * MON"), Ok(()));
        for (cron, why) in [
            ("0 7 * *", "it has 4 fields"),
            ("", "it has 0 fields"),
            ("60 7 * * *", "59"),
            ("0 7 * * XYZ", ""),
            ("0 0 31 2 *", "no day is such a day"),
            ("@daily", "it has 1 field,"),
        ] {
            let told = check(cron).expect_err(cron);
            assert!(told.contains(why) && !told.is_empty(), "{cron}: {told}");
        }
    }
}
