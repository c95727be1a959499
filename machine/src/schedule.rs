//! A schedule and a time zone in, the next time out. Pure.

use crate::cron;
use crate::duration::format_ms;
use crate::playbook::TriggerKind;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan, civil};

/// The days of a week as they are written, monday first.
pub const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];

/// A trigger in words, as it is written: `when intune.noncompliant`, `every monday at 09:00`.
pub fn describe(kind: &TriggerKind) -> String {
    match kind {
        TriggerKind::Event(name) => format!("when {name}"),
        TriggerKind::Every(ms) => format!("every {}", format_ms(*ms)),
        TriggerKind::At { weekday, minutes } => {
            let day = weekday
                .and_then(|d| DAYS.get(usize::from(d)).copied())
                .unwrap_or("day");
            format!("every {day} at {:02}:{:02}", minutes / 60, minutes % 60)
        }
        TriggerKind::Cron { cron, zone: None } => format!("schedule \"{cron}\""),
        TriggerKind::Cron {
            cron,
            zone: Some(zone),
        } => format!("schedule \"{cron}\" in \"{zone}\""),
        TriggerKind::Manual(params) => {
            let params: Vec<String> = params
                .iter()
                .map(|p| format!("{}: {}", p.name, p.ty))
                .collect();
            format!("by hand ({})", params.join(", "))
        }
        TriggerKind::Webhook(webhook) => format!("when webhook \"{}\"", webhook.name),
    }
}

/// What the clock of a zone shows at a time, in minutes since midnight.
pub fn minutes_of_day(zone: &str, at_ms: i64) -> Option<u16> {
    let tz = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let time = tz
        .to_datetime(Timestamp::from_millisecond(at_ms).ok()?)
        .time();
    u16::try_from(i32::from(time.hour()) * 60 + i32::from(time.minute())).ok()
}

/// Whether a trigger is a schedule.
pub fn is_schedule(kind: &TriggerKind) -> bool {
    matches!(
        kind,
        TriggerKind::Every(_) | TriggerKind::At { .. } | TriggerKind::Cron { .. }
    )
}

/// The first time strictly after `after_ms` at which a schedule is due; `None` for other triggers.
///
/// Clock times are in the tenant's zone, or in the one that a cron expression names. A time that daylight
/// saving skips is due at the next valid minute; one that occurs twice is due once, the first time.
pub fn next_after(kind: &TriggerKind, zone: &str, after_ms: i64) -> Option<i64> {
    match kind {
        TriggerKind::Every(interval_ms) if *interval_ms > 0 => {
            Some((after_ms.div_euclid(*interval_ms) + 1).checked_mul(*interval_ms)?)
        }
        TriggerKind::At { weekday, minutes } => {
            let tz = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            let after = Timestamp::from_millisecond(after_ms).ok()?;
            let mut date = tz.to_datetime(after).date().yesterday().ok()?;
            // A week and a few days cover every weekday and both sides of the start.
            for _ in 0..10 {
                if weekday.is_none_or(|w| date.weekday().to_monday_zero_offset() == w as i8) {
                    let at = civil::time((*minutes / 60) as i8, (*minutes % 60) as i8, 0, 0).on(
                        date.year(),
                        date.month(),
                        date.day(),
                    );
                    let due = resolve(&tz, at)?;
                    if due > after {
                        return Some(due.as_millisecond());
                    }
                }
                date = date.checked_add(1.day()).ok()?;
            }
            None
        }
        TriggerKind::Cron { cron, zone: own } => {
            let zone = own.as_deref().unwrap_or(zone);
            let tz = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
            let after = Timestamp::from_millisecond(after_ms).ok()?;
            Some(cron::next(cron, &tz, after)?.as_millisecond())
        }
        _ => None,
    }
}

/// When a time of the clock is in a zone.
pub(crate) fn resolve(tz: &TimeZone, at: civil::DateTime) -> Option<Timestamp> {
    let ambiguous = tz.to_ambiguous_timestamp(at);
    match ambiguous.offset() {
        // Read with the offset before the gap, the time lies after the change; the change is the next valid minute.
        AmbiguousOffset::Gap { before, .. } => {
            let inside = before.to_timestamp(at).ok()?;
            tz.preceding(inside + 1.second())
                .next()
                .map(|t| t.timestamp())
        }
        _ => ambiguous.compatible().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::duration::{format_time_ms, parse_time_ms};

    fn next(kind: TriggerKind, zone: &str, after: &str) -> String {
        let after = parse_time_ms(after).expect("a time");
        next_after(&kind, zone, after).map_or_else(|| "never".into(), format_time_ms)
    }

    #[test]
    fn every_day_at_six_follows_the_tenants_zone() {
        let at = TriggerKind::At {
            weekday: None,
            minutes: 360,
        };
        assert_eq!(
            next(at.clone(), "Europe/London", "2026-07-01T00:00:00Z"),
            "2026-07-01T05:00:00Z"
        );
        assert_eq!(
            next(at.clone(), "Europe/London", "2026-07-01T05:00:00Z"),
            "2026-07-02T05:00:00Z"
        );
        assert_eq!(
            next(at, "UTC", "2026-12-31T06:00:00Z"),
            "2027-01-01T06:00:00Z"
        );
    }

    #[test]
    fn a_skipped_time_is_due_at_the_next_valid_minute() {
        // On 29 March 2026 London goes from 01:00 GMT to 02:00 BST.
        let at = TriggerKind::At {
            weekday: None,
            minutes: 90,
        };
        assert_eq!(
            next(at, "Europe/London", "2026-03-29T00:00:00Z"),
            "2026-03-29T01:00:00Z"
        );
    }

    #[test]
    fn gaps_at_midnight_and_of_half_an_hour_are_skipped_as_well() {
        let at = |minutes| TriggerKind::At {
            weekday: None,
            minutes,
        };
        // On 24 April 2026 Cairo goes from 00:00 to 01:00: the day begins an hour late.
        assert_eq!(
            next(at(0), "Africa/Cairo", "2026-04-23T12:00:00Z"),
            "2026-04-23T22:00:00Z"
        );
        assert_eq!(
            next(at(0), "Africa/Cairo", "2026-04-23T22:00:00Z"),
            "2026-04-24T21:00:00Z"
        );
        // On 4 October 2026 Lord Howe Island goes from 02:00 to 02:30.
        assert_eq!(
            next(at(135), "Australia/Lord_Howe", "2026-10-03T12:00:00Z"),
            "2026-10-03T15:30:00Z"
        );
        assert_eq!(
            next(at(135), "Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
            "2026-10-04T15:15:00Z"
        );
    }

    #[test]
    fn a_time_on_a_weekday_keeps_its_weekday_across_the_change() {
        // 29 March 2026 is the Sunday on which London skips 01:30.
        let sunday = TriggerKind::At {
            weekday: Some(6),
            minutes: 90,
        };
        assert_eq!(
            next(sunday.clone(), "Europe/London", "2026-03-23T00:00:00Z"),
            "2026-03-29T01:00:00Z"
        );
        assert_eq!(
            next(sunday, "Europe/London", "2026-03-29T01:00:00Z"),
            "2026-04-05T00:30:00Z"
        );
    }

    #[test]
    fn a_doubled_time_is_due_once() {
        // On 25 October 2026 London goes from 02:00 BST back to 01:00 GMT: 01:30 occurs twice.
        let at = TriggerKind::At {
            weekday: None,
            minutes: 90,
        };
        assert_eq!(
            next(at.clone(), "Europe/London", "2026-10-25T00:00:00Z"),
            "2026-10-25T00:30:00Z"
        );
        assert_eq!(
            next(at, "Europe/London", "2026-10-25T00:30:00Z"),
            "2026-10-26T01:30:00Z"
        );
    }

    #[test]
    fn weekdays_and_intervals() {
        let monday = TriggerKind::At {
            weekday: Some(0),
            minutes: 540,
        };
        assert_eq!(
            next(monday, "UTC", "2026-11-22T12:00:00Z"),
            "2026-11-23T09:00:00Z"
        );
        assert_eq!(
            next(TriggerKind::Every(900_000), "UTC", "2026-11-22T12:01:00Z"),
            "2026-11-22T12:15:00Z"
        );
    }

    #[test]
    fn schedules_are_described_as_they_are_written() {
        let at = |weekday| TriggerKind::At {
            weekday,
            minutes: 545,
        };
        assert_eq!(describe(&TriggerKind::Every(900_000)), "every 15m");
        assert_eq!(describe(&at(None)), "every day at 09:05");
        assert_eq!(describe(&at(Some(6))), "every sunday at 09:05");
    }
}
