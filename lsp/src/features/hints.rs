//! A range in, what the text there leaves unsaid out: when each stage comes, and types that were inferred.

use crate::snapshot::{Snapshot, range_of};
use counterplay_compiler::check::mention::Meaning;
use counterplay_compiler::db::SourceFile;
use counterplay_compiler::syntax::ast::{
    Block, Expr, ExprKind, Item, Playbook, PlaybookLineKind, Step, StepKind,
};
use counterplay_machine::duration;
use counterplay_machine::types::Type;
use std::ops::Range;

/// Something that is shown in the text without being part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Before which byte.
    pub at: usize,
    /// What is shown.
    pub label: String,
    /// What it means, for those who ask.
    pub tooltip: &'static str,
    /// Whether it is a type.
    pub is_type: bool,
}

/// The hints of a range.
pub fn hints(snapshot: &Snapshot, file: SourceFile, range: &Range<usize>) -> Vec<Hint> {
    let text = snapshot.text(file);
    let mut out = Vec::new();
    for item in snapshot.items(file) {
        let own = item.parsed.offset as usize..(item.parsed.offset + item.parsed.len) as usize;
        if own.end < range.start || range.end < own.start {
            continue;
        }
        if let Item::Playbook(playbook) = &*item.parsed.item {
            for (span, label) in times(playbook) {
                out.push(Hint {
                    at: range_of(item.parsed, span).end,
                    label,
                    tooltip: "Counted from the start of the run. Answers of people and services take as long as they take; shown is what waiting allows.",
                    is_type: false,
                });
            }
        }
        for mention in &item.compiled.mentions {
            let (Meaning::Local(_), true, Some(ty)) =
                (&mention.meaning, mention.defines, &mention.ty)
            else {
                continue;
            };
            if matches!(ty, Type::Unknown | Type::Nothing | Type::Event(_)) {
                continue;
            }
            let at = item.range(mention.span).end;
            // Parameters and fields say it themselves.
            if text
                .get(at..)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
            {
                continue;
            }
            out.push(Hint {
                at,
                label: format!(": {ty}"),
                tooltip: "The type that follows from its value.",
                is_type: true,
            });
        }
    }
    out.retain(|hint| range.start <= hint.at && hint.at <= range.end);
    out.sort_by_key(|hint| hint.at);
    out.dedup();
    out
}

/// When something comes, in milliseconds from the start of the run: at the earliest and, where waiting has a
/// known end, at the latest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    earliest_ms: i64,
    latest_ms: Option<i64>,
}

impl Window {
    const START: Window = Window {
        earliest_ms: 0,
        latest_ms: Some(0),
    };

    fn then(self, next: Window) -> Window {
        Window {
            earliest_ms: self.earliest_ms.saturating_add(next.earliest_ms),
            latest_ms: self
                .latest_ms
                .zip(next.latest_ms)
                .map(|(a, b)| a.saturating_add(b)),
        }
    }

    /// One of two ways.
    fn or(self, other: Window) -> Window {
        Window {
            earliest_ms: self.earliest_ms.min(other.earliest_ms),
            latest_ms: self.latest_ms.zip(other.latest_ms).map(|(a, b)| a.max(b)),
        }
    }

    /// Not before a time.
    fn not_before(self, ms: i64) -> Window {
        Window {
            earliest_ms: self.earliest_ms.max(ms),
            latest_ms: self.latest_ms.map(|latest| latest.max(ms)),
        }
    }

    fn up_to(ms: i64) -> Window {
        Window {
            earliest_ms: 0,
            latest_ms: Some(ms),
        }
    }

    /// Up to a time that is written; where a parameter says it, nobody knows how long.
    fn within(expr: &Expr) -> Window {
        Window {
            earliest_ms: 0,
            latest_ms: constant(expr),
        }
    }

    /// The time for people to answer: 4h when none is written.
    fn answered(within: Option<&Expr>) -> Window {
        within.map_or(Window::up_to(4 * duration::HOUR_MS), Window::within)
    }

    fn shown(self) -> String {
        let (from, to) = (self.earliest_ms, self.latest_ms);
        match to {
            Some(0) => "at the start".into(),
            Some(to) if to == from => format!("{} after the start", duration::format_ms(from)),
            Some(to) if from == 0 => format!("within {} of the start", duration::format_ms(to)),
            Some(to) => format!(
                "{} to {} after the start",
                duration::format_ms(from),
                duration::format_ms(to)
            ),
            None if from == 0 => "some time after the start".into(),
            None => format!("{} or more after the start", duration::format_ms(from)),
        }
    }
}

/// When each stage of a playbook comes: the stage's head, and what to show behind it.
fn times(playbook: &Playbook) -> Vec<(counterplay_compiler::span::Span, String)> {
    let mut now = Window::START;
    let mut level = 0;
    let mut out = Vec::new();
    for line in &playbook.lines {
        match &line.kind {
            PlaybookLineKind::Then(body) => {
                out.push((line.span, now.shown()));
                now = now.then(block(body));
            }
            PlaybookLineKind::Wait(duration) => {
                now = now.then(exactly(duration));
                out.push((line.span, format!("ends {}", now.shown())));
            }
            PlaybookLineKind::WaitTill(time) => {
                now = now.then(till(time));
                out.push((line.span, format!("ends {}", now.shown())));
            }
            PlaybookLineKind::Escalate { after, body, .. } => {
                level += 1;
                if let Some(ms) = constant(after) {
                    now = now.not_before(ms);
                } else {
                    // A parameter: each tenant may have a time of its own.
                    now.latest_ms = None;
                }
                out.push((line.span, format!("level {level}, {}", now.shown())));
                // The level may be skipped.
                now = now.or(now.then(block(body)));
            }
            _ => {}
        }
    }
    out
}

fn constant(expr: &Expr) -> Option<i64> {
    match expr.kind {
        ExprKind::Duration(ms) => Some(ms),
        _ => None,
    }
}

fn exactly(expr: &Expr) -> Window {
    Window {
        earliest_ms: constant(expr).unwrap_or(0),
        latest_ms: constant(expr),
    }
}

/// A wait for a time: of the clock, within a day and the hour of daylight saving; any other, nobody knows when.
fn till(time: &Expr) -> Window {
    match time.kind {
        ExprKind::ClockTime(_) => Window::up_to(duration::DAY_MS + duration::HOUR_MS),
        _ => Window {
            earliest_ms: 0,
            latest_ms: None,
        },
    }
}

fn block(block: &Block) -> Window {
    block
        .steps
        .iter()
        .map(step)
        .fold(Window::START, Window::then)
}

fn step(step: &Step) -> Window {
    let arms = step
        .arms
        .iter()
        .map(|arm| block(&arm.body))
        .fold(Window::START, Window::or);
    let own = match &step.kind {
        StepKind::Wait(duration) => exactly(duration),
        StepKind::WaitTill(time) => till(time),
        StepKind::WaitUntil { at_most, .. } | StepKind::WaitFor { at_most, .. } => {
            Window::within(at_most)
        }
        StepKind::Approve(approve) => Window::answered(approve.within.as_ref()),
        StepKind::Ask(ask) => {
            let ways = ask.answers.iter().map(|answer| &answer.body);
            Window::answered(ask.within.as_ref()).then(
                ways.chain(&ask.unanswered)
                    .map(block)
                    .reduce(Window::or)
                    .unwrap_or(Window::START),
            )
        }
        StepKind::If {
            branches,
            otherwise,
        } => {
            let otherwise = otherwise.as_ref().map_or(Window::START, block);
            branches
                .iter()
                .map(|(_, body)| block(body))
                .fold(otherwise, Window::or)
        }
        StepKind::Match { cases, .. } => cases
            .iter()
            .map(|case| block(&case.body))
            .reduce(Window::or)
            .unwrap_or(Window::START),
        StepKind::ForEach { body, .. } => {
            let once = block(body);
            if once == Window::START {
                once
            } else {
                // As often as the list has elements.
                Window {
                    earliest_ms: 0,
                    latest_ms: None,
                }
            }
        }
        StepKind::InParallel(body) => body
            .steps
            .iter()
            .map(self::step)
            .reduce(|a, b| Window {
                earliest_ms: a.earliest_ms.max(b.earliest_ms),
                latest_ms: a.latest_ms.zip(b.latest_ms).map(|(a, b)| a.max(b)),
            })
            .unwrap_or(Window::START),
        StepKind::AttemptEach(body)
        | StepKind::Group(body)
        | StepKind::WithoutApproval { body, .. }
        | StepKind::Broken(Some(body)) => block(body),
        _ => Window::START,
    };
    own.then(arms)
}
