//! Plain data in, the small parts that all pages share out: pills, times, impacts.

use super::icons::icon;
use super::text::{self, Markup};
use askama::filters::Safe;
use counterplay_machine::declare::Impact;
use counterplay_machine::deployment::Mode;
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::timeline;
use std::borrow::Borrow;

/// The colour family of a pill. The word and the icon say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing to see.
    Quiet,
    /// Under way.
    Info,
    /// As it should be.
    Good,
    /// Somebody should look.
    Warn,
    /// Something is wrong.
    Bad,
    /// People decide.
    Gate,
}

impl Tone {
    /// The class of the style sheet.
    pub fn class(self) -> &'static str {
        match self {
            Tone::Quiet => "quiet",
            Tone::Info => "info",
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
            Tone::Gate => "gate",
        }
    }
}

/// An icon and a word.
pub fn pill(tone: Tone, icon_name: &str, word: &str) -> Markup {
    Safe(format!(
        "<span class=\"pill {}\">{}{}</span>",
        tone.class(),
        icon(icon_name).0,
        text::safe(word)
    ))
}

/// What a run is doing or how it ended, by the names of the store: `running`, `held`, `completed`.
pub fn status_pill(status: &str) -> Markup {
    let (tone, icon) = match status {
        "running" => (Tone::Info, "running"),
        "waiting" => (Tone::Info, "clock"),
        "awaiting approval" => (Tone::Gate, "gate"),
        "held" => (Tone::Warn, "held"),
        "completed" | "resolved" | "live" | "approved" | "answered" | "ok" => (Tone::Good, "check"),
        "completed with failures" => (Tone::Warn, "alert"),
        "stopped" | "cancelled" | "superseded" | "ended" => (Tone::Quiet, "stop"),
        "rejected" | "refused" => (Tone::Warn, "cross"),
        "unanswered" | "expired" => (Tone::Quiet, "clock"),
        "failed" | "failing" => (Tone::Bad, "cross"),
        _ => (Tone::Quiet, "dot"),
    };
    pill(tone, icon, status)
}

/// How much harm an action can do.
pub fn impact_pill(impact: Impact) -> Markup {
    let word = impact.to_string();
    Safe(format!(
        "<span class=\"pill impact-{word}\">{}{word}</span>",
        icon(&word).0
    ))
}

/// A playbook's mode.
pub fn mode_pill(mode: Mode) -> Markup {
    match mode {
        Mode::Active => pill(Tone::Good, "play", "active"),
        Mode::Simulate => pill(Tone::Info, "flask", "simulate"),
        Mode::Paused => pill(Tone::Quiet, "pause", "paused"),
    }
}

/// The name of a mode in forms.
pub fn mode_name(mode: impl Borrow<Mode>) -> &'static str {
    match mode.borrow() {
        Mode::Active => "active",
        Mode::Simulate => "simulate",
        Mode::Paused => "paused",
    }
}

/// A time as people say it, with the exact one beside it for machines and on hovering. The page's script keeps the
/// words true.
pub fn time(at_ms: i64, now_ms: i64) -> Markup {
    let iso = format_time_ms(at_ms);
    Safe(format!(
        "<time datetime=\"{iso}\" title=\"{}\" data-relative>{}</time>",
        utc(at_ms),
        relative(at_ms, now_ms)
    ))
}

/// A time with date, words beside it.
pub fn time_full(at_ms: i64, now_ms: i64) -> Markup {
    let iso = format_time_ms(at_ms);
    Safe(format!(
        "<time datetime=\"{iso}\">{}</time> <span class=\"muted\">(<time datetime=\"{iso}\" data-relative>{}</time>)</span>",
        utc(at_ms),
        relative(at_ms, now_ms)
    ))
}

/// `2026-11-25 15:06:28 UTC`.
pub fn utc(at_ms: i64) -> String {
    let iso = format_time_ms(at_ms);
    let plain = iso.trim_end_matches('Z');
    let plain = plain.split('.').next().unwrap_or(plain);
    format!("{} UTC", plain.replace('T', " "))
}

/// `2 min ago`, `in 3 h 12 min`, `just now`.
pub fn relative(at_ms: i64, now_ms: i64) -> String {
    let away = at_ms.saturating_sub(now_ms);
    // What is to come is rounded: a limit of four hours is not said to be of 3 h 59 min as soon as it is set.
    let rounded = match away {
        604_800_000.. => away.saturating_add(43_200_000),
        60_000.. => away.saturating_add(30_000),
        _ => away,
    };
    let words = span(rounded.saturating_abs());
    match (words.as_str(), away < 0) {
        ("", _) => "just now".to_owned(),
        (words, true) => format!("{words} ago"),
        (words, false) => format!("in {words}"),
    }
}

/// A length of time in at most two units; empty below ten seconds.
fn span(ms: i64) -> String {
    let seconds = ms / 1000;
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |big: i64, unit: &str, small: i64, below: &str| match small {
        0 => format!("{big} {unit}"),
        _ => format!("{big} {unit} {small} {below}"),
    };
    match seconds {
        0..10 => String::new(),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => two(hours, "h", minutes % 60, "min"),
        86_400..604_800 => two(
            days,
            if days == 1 { "day" } else { "days" },
            hours % 24,
            "h",
        ),
        _ => format!("{days} days"),
    }
}

/// A length of time: `4h`, `1m 30s`.
pub fn duration(ms: i64) -> String {
    timeline::relative(ms)
}

/// `1 run`, `3 runs`.
pub fn count(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_words() {
        const MIN: i64 = 60_000;
        for (away, said) in [
            (0, "just now"),
            (-2 * MIN, "2 min ago"),
            (-30_000, "30 s ago"),
            (192 * MIN, "in 3 h 12 min"),
            (-60 * MIN, "1 h ago"),
            (25 * 60 * MIN, "in 1 day 1 h"),
            (-90 * 24 * 60 * MIN, "90 days ago"),
        ] {
            assert_eq!(relative(1_000_000_000_000 + away, 1_000_000_000_000), said);
        }
        assert_eq!(utc(1_764_083_188_500), "2025-11-25 15:06:28 UTC");
    }

    #[test]
    fn pills_hold_a_word_and_no_markup_of_others() {
        let pill = status_pill("<b>").0;
        assert!(pill.contains("&lt;b&gt;") && !pill.contains("<b>"));
        assert!(
            impact_pill(Impact::Destructive)
                .0
                .contains("destructive</span>")
        );
    }
}
