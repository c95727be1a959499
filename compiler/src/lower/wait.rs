//! Waits in, nodes of the graph out: for a while, for a time, for a condition.

use super::{End, Lower};
use crate::check::Queries;
use crate::check::convert::{Checked, article};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::syntax::ast::{Arm, Expr as Ast, ExprKind};
use crate::syntax::codes::{MISPLACED, UNEXPECTED};
use counterplay_machine::Value;
use counterplay_machine::duration::MINUTE_MS;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, NodeKind};
use counterplay_machine::types::Type;

impl Lower<'_, '_> {
    pub(super) fn wait(&mut self, duration: &Ast, span: Span) {
        let compiled = self.c.expect(duration, &Type::Duration, None);
        let label = self.c.source(span);
        let node = self.emit(NodeKind::Wait { duration: compiled }, label, span);
        self.after_wait(node);
    }

    /// A wait for a time of the clock, or for a time that is a value. What has no limit and is no time is told of.
    pub(super) fn wait_till(&mut self, time: &Ast, span: Span, stage: bool) {
        let kind = match time.kind {
            ExprKind::ClockTime(minutes) => NodeKind::WaitClock { minutes },
            _ => {
                let checked = self
                    .c
                    .with_queries(Queries::Allowed, |c| c.expr(time, Some(&Type::Time)));
                if let Some(diagnostic) = self.no_time(time, &checked, stage) {
                    self.c.asked.clear();
                    self.c.report(diagnostic);
                    return;
                }
                self.emit_asked(false);
                NodeKind::WaitTime {
                    until: self.c.coerce(checked, time.span, &Type::Time, None),
                }
            }
        };
        let label = self.c.source(span);
        let node = self.emit(kind, label, span);
        self.after_wait(node);
    }

    /// What is said of a wait for what is plainly meant otherwise: a condition, a length of time, a clock time in quotes.
    fn no_time(&self, time: &Ast, checked: &Checked, stage: bool) -> Option<Diagnostic> {
        let place = self.c.at(time.span);
        let clock = match &checked.expr {
            Expr::Const(Value::Text(text)) => clock_time(text.as_ref()),
            _ => None,
        };
        if let Some(clock) = clock {
            return Some(
                Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    "a time of the clock is written without quotes",
                    place.clone(),
                    "this is Text",
                )
                .fix(format!("write `{clock}`"), true, place, clock),
            );
        }
        if checked.ty == Type::Duration {
            return Some(
                Diagnostic::error(
                    codes::TYPE_MISMATCH,
                    "`wait until` names a time, and this is how long",
                    place,
                    format!("this is {}", article(&checked.ty)),
                )
                .help(format!(
                    "write `wait {0}`, or `wait until {0} from now`",
                    self.c.source(time.span)
                )),
            );
        }
        if checked.ty != Type::Bool {
            return None;
        }
        if stage {
            return Some(
                Diagnostic::error(
                    MISPLACED,
                    "a wait for a condition is a step, not a stage",
                    place,
                    "it has outcomes of its own",
                )
                .help("put it into a stage: `then { wait until …, at most 24h }`"),
            );
        }
        let end = self.c.at(Span {
            start: time.span.end,
            end: time.span.end,
        });
        Some(
            Diagnostic::error(
                UNEXPECTED,
                "this wait has no limit",
                place,
                "what if it never comes true?",
            )
            .fix("add `, at most 24h`", false, end, ", at most 24h")
            .help("a time alone needs none: `wait until 09:00`, `wait until request.last_day`"),
        )
    }

    /// What a wait's end leads to: the goal's check, also in between where the playbook wants that.
    pub(super) fn after_wait(&mut self, node: petgraph::graph::NodeIndex) {
        if self.goal.is_some() && self.checking_every_ms.is_some() {
            self.current = vec![(node, Edge::Tick)];
            self.goal_is_fresh = false;
            self.check_goal();
            self.connect(node);
            self.current = vec![(node, Edge::Done)];
            self.goal_is_fresh = false;
        }
        self.check_goal();
    }

    pub(super) fn wait_until(
        &mut self,
        condition: &Ast,
        at_most: &Ast,
        every: Option<&Ast>,
        arms: &[Arm],
        span: Span,
    ) {
        if matches!(
            condition.kind,
            ExprKind::ClockTime(_) | ExprKind::FromNow(_)
        ) {
            let place = self.c.at(at_most.span);
            let written = self.c.source(condition.span);
            let diagnostic = Diagnostic::error(
                codes::TYPE_MISMATCH,
                "a wait for a time needs no limit",
                place,
                format!("{written} comes in any case"),
            )
            .help(format!("write `wait until {written}`"));
            self.c.report(diagnostic);
            return;
        }
        let at_most_ms = self.duration(Some(at_most), MINUTE_MS, "at most");
        let every_ms = self.duration(every, 15 * MINUTE_MS, "checking every");
        let label = self.c.source(span);
        let node = self.emit(
            NodeKind::WaitUntil {
                at_most_ms,
                every_ms,
            },
            label,
            span,
        );
        self.current = vec![(node, Edge::Tick)];
        let (met, not_yet) = self.condition(condition, true);
        self.current = not_yet;
        self.connect(node);
        self.known_arms(arms, &["met", "timed_out"], "`wait until`");
        let mut ends: Vec<End> = Vec::new();
        for (name, open, what) in [
            ("met", met, "the arm `met`"),
            ("timed_out", vec![(node, Edge::Done)], "the arm `timed_out`"),
        ] {
            self.current = open;
            self.goal_is_fresh = false;
            if let Some(arm) = arms.iter().find(|a| a.name.text == name) {
                // An arm acts: whether there is still need to is looked at first.
                self.check_goal();
                self.arm(&arm.body, what, |_| {});
            }
            ends.extend(std::mem::take(&mut self.current));
        }
        self.current = ends;
        self.goal_is_fresh = false;
        self.check_goal();
    }
}

/// `9:00` as `09:00`, where a text is a time of the clock.
fn clock_time(text: &str) -> Option<String> {
    let (hours, minutes) = text.trim().split_once(':')?;
    let digits = |part: &str| part.len() <= 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !digits(hours) || !digits(minutes) {
        return None;
    }
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then(|| format!("{hours:02}:{minutes:02}"))
}
