//! Lines of a timeline in, coloured text with aligned columns out.

use crate::out::{self, ASK, BAD, GOOD, HEAD, NAME, PLAIN, QUIET, WARN, paint};
use anstyle::Style;
use counterplay_machine::declare::Impact;
use counterplay_runtime::timeline::{Line, LineKind, Severity, relative};

/// Longer texts do not push the columns of all others to the right.
const TEXT_WIDTH_MAX: usize = 72;
/// The impact's column.
const IMPACT_WIDTH: usize = 12;
/// The time's column.
const TIME_WIDTH: usize = 8;

/// A whole timeline, one line each and each ended by a line break.
pub fn timeline(lines: &[Line]) -> String {
    let width = lines
        .iter()
        .filter(|line| line.impact.is_some() || line.result.is_some())
        .map(|line| text(line).chars().count())
        .filter(|width| *width <= TEXT_WIDTH_MAX)
        .max()
        .unwrap_or(0);
    lines
        .iter()
        .map(|one| format!("  {}\n", line(one, width)))
        .collect()
}

/// One line; texts shorter than `width` are filled up so that what follows is aligned.
pub fn line(line: &Line, width: usize) -> String {
    let time = format!("{:<TIME_WIDTH$}", format!("+{}", relative(line.at_ms)));
    let words = text(line);
    let mut out = format!("{}  {}", paint(QUIET, time), paint(style(line), &words));
    if line.impact.is_some() || line.result.is_some() {
        let fill = width.saturating_sub(words.chars().count());
        out.push_str(&" ".repeat(fill));
        let impact = line.impact.map_or_else(String::new, |i| i.to_string());
        let tint = line.impact.map_or(PLAIN, impact_style);
        out.push_str(&format!(
            "  {}",
            paint(tint, format!("{impact:<IMPACT_WIDTH$}"))
        ));
        if let Some(result) = &line.result {
            let tint = if is_handled(line) {
                WARN
            } else {
                result_style(line.severity)
            };
            out.push_str(&format!(" {}", paint(tint, result)));
        }
    }
    out.trim_end().to_owned()
}

fn text(line: &Line) -> String {
    let text = out::harmless(&line.text).replace('\n', " ");
    format!("{}{text}", "  ".repeat(line.depth as usize))
}

/// Whether the playbook has an answer to the failure.
fn is_handled(line: &Line) -> bool {
    let result = line.result.as_deref().unwrap_or_default();
    result.starts_with("failed, the run goes on")
}

fn style(line: &Line) -> Style {
    match (line.severity, line.kind) {
        (Severity::Problem, _) if is_handled(line) => PLAIN,
        (Severity::Problem, _) => BAD,
        (Severity::Notice, LineKind::Action | LineKind::Query) => PLAIN,
        (Severity::Notice, _) => WARN,
        (_, LineKind::Stage) => HEAD,
        (_, LineKind::End) => GOOD,
        (_, LineKind::Approval) => ASK,
        (_, LineKind::Query) => NAME,
        (Severity::Quiet, _) => QUIET,
        _ => PLAIN,
    }
}

fn result_style(severity: Severity) -> Style {
    match severity {
        Severity::Problem => BAD,
        Severity::Notice => WARN,
        Severity::Normal => GOOD,
        Severity::Quiet => QUIET,
    }
}

/// The colour of an impact.
pub fn impact_style(impact: Impact) -> Style {
    match impact {
        Impact::Notify => QUIET,
        Impact::Reversible => NAME,
        Impact::Disruptive => WARN,
        Impact::Destructive => BAD,
    }
}
