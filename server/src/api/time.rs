//! Milliseconds in, RFC 3339 out.

use counterplay_machine::duration::format_time_ms;

/// A time as the API writes it.
pub fn rfc3339(ms: i64) -> String {
    format_time_ms(ms)
}

/// The same, where there is one.
pub fn maybe(ms: Option<i64>) -> Option<String> {
    ms.map(rfc3339)
}
