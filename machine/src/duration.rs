//! Durations and times as text: `90m` is `1h 30m`, a time is RFC 3339 in UTC.

use jiff::Timestamp;

/// Milliseconds in a second, a minute, an hour and a day (a day is always 24 h).
pub const SECOND_MS: i64 = 1_000;
/// A minute.
pub const MINUTE_MS: i64 = 60 * SECOND_MS;
/// An hour.
pub const HOUR_MS: i64 = 60 * MINUTE_MS;
/// A day of 24 hours.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// A duration as people write it: `4h`, `1d 30m`, `0s`.
pub fn format_ms(ms: i64) -> String {
    if ms < 0 {
        return format!("-{}", format_ms(ms.saturating_neg()));
    }
    let mut rest = ms;
    let mut parts = Vec::new();
    for (unit, size) in [
        ("d", DAY_MS),
        ("h", HOUR_MS),
        ("m", MINUTE_MS),
        ("s", SECOND_MS),
        ("ms", 1),
    ] {
        if rest >= size {
            parts.push(format!("{}{unit}", rest / size));
            rest %= size;
        }
    }
    if parts.is_empty() {
        "0s".into()
    } else {
        parts.join(" ")
    }
}

/// A time as RFC 3339 in UTC; whole seconds are shown without a fraction.
pub fn format_time_ms(ms: i64) -> String {
    Timestamp::from_millisecond(ms)
        .map_or_else(|_| format!("{ms} ms after 1970"), |t| t.to_string())
}

/// Reads an RFC 3339 time. Fractions beyond milliseconds are cut.
///
/// Services write "never" as the year 1 or as the last moment of the year 9999; the latter lies
/// beyond what the time library represents and is read as the latest time that it does.
pub fn parse_time_ms(text: &str) -> Option<i64> {
    match text.parse::<Timestamp>() {
        Ok(t) => Some(t.as_millisecond()),
        Err(_) if text.starts_with("9999-12-31T") => Some(Timestamp::MAX.as_millisecond()),
        Err(_) => None,
    }
}
