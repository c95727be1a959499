//! A playbook's stages in, the graph from start to end out.

use super::Lower;
use crate::check::declare::duration_ms;
use crate::check::{Local, Queries};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::syntax::ast::{Playbook as Written, PlaybookLineKind};
use counterplay_machine::Value;
use counterplay_machine::duration;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{Edge, EndKind, NodeKind, StageKind};
use counterplay_machine::types::Type;
use petgraph::graph::NodeIndex;
use std::sync::Arc;

impl Lower<'_, '_> {
    /// Adds all stages; where `on failure` begins comes out.
    pub(super) fn stages(&mut self, written: &Written) -> Option<(NodeIndex, Slot)> {
        let broken = written
            .lines
            .iter()
            .any(|l| l.kind == PlaybookLineKind::Broken);
        for line in &written.lines {
            if let PlaybookLineKind::ResolvedWhen {
                condition,
                checking_every,
            } = &line.kind
            {
                // Checked once where it stands; the copies in the graph are silent.
                self.c
                    .with_queries(Queries::Allowed, |c| c.expect(condition, &Type::Bool, None));
                self.c.asked.clear();
                self.goal = Some(condition.clone());
                self.checking_every_ms = checking_every
                    .as_ref()
                    .map(|e| self.duration(Some(e), 900_000, "checking every"));
            }
        }
        // What a run that may have failed anywhere still has: the trigger's names.
        let certain = self.c.frames.clone();
        let mut thens = 0;
        let mut level = 0;
        let mut last_level: Option<(i64, Span)> = None;
        let mut any = false;
        for line in &written.lines {
            let stage = matches!(
                line.kind,
                PlaybookLineKind::Then(_)
                    | PlaybookLineKind::Wait(_)
                    | PlaybookLineKind::WaitTill(_)
                    | PlaybookLineKind::Escalate { .. }
            );
            any |= stage;
            if stage && self.current.is_empty() && !self.told_unreachable {
                self.told_unreachable = true;
                self.unreachable("stage", line.span);
            }
            match &line.kind {
                PlaybookLineKind::Then(block) => {
                    thens += 1;
                    self.check_goal();
                    let fresh = self.goal_is_fresh;
                    let label = self.c.source(line.span);
                    self.emit(
                        NodeKind::Stage {
                            stage: StageKind::Then(thens),
                        },
                        label,
                        line.span,
                    );
                    self.goal_is_fresh = fresh;
                    self.block(block);
                }
                PlaybookLineKind::Wait(time) | PlaybookLineKind::WaitTill(time) => {
                    let label = self.c.source(line.span);
                    self.emit(
                        NodeKind::Stage {
                            stage: StageKind::Wait,
                        },
                        label,
                        line.span,
                    );
                    match &line.kind {
                        PlaybookLineKind::Wait(_) => self.wait(time, line.span),
                        _ => self.wait_till(time, line.span, true),
                    }
                }
                PlaybookLineKind::Escalate {
                    after,
                    unless,
                    body,
                } => {
                    level += 1;
                    let param = self.duration_parameter(after);
                    let after_ms = match &param {
                        Some(Expr::Param(_, Value::Duration(ms))) => *ms,
                        _ => self.duration(Some(after), duration::HOUR_MS, "escalate after"),
                    };
                    if duration_ms(after).is_some() || param.is_some() {
                        self.increasing(after_ms, after.span, last_level);
                        last_level = Some((after_ms, after.span));
                    }
                    let label = self.c.source(line.span);
                    let said = match &param {
                        Some(Expr::Param(name, _)) => Some(name.clone()),
                        _ => None,
                    };
                    let timer = self.emit(
                        NodeKind::WaitSinceStart {
                            after_ms,
                            after: param,
                        },
                        format!("{} since start", duration::format_ms(after_ms)),
                        line.span,
                    );
                    self.after_wait(timer);
                    let mut skipped = Vec::new();
                    if let Some(unless) = unless {
                        let (yes, no) = self.condition(unless, true);
                        self.current = yes;
                        self.emit(
                            NodeKind::Stage {
                                stage: StageKind::EscalateSkipped { level },
                            },
                            label.clone(),
                            line.span,
                        );
                        skipped = std::mem::take(&mut self.current);
                        self.current = no;
                    }
                    self.emit(
                        NodeKind::Stage {
                            stage: StageKind::Escalate {
                                level,
                                after_ms,
                                param: said,
                            },
                        },
                        label,
                        line.span,
                    );
                    self.scoped("an escalation level", |l| l.block(body));
                    self.current.extend(skipped);
                    self.goal_is_fresh = false;
                }
                _ => {}
            }
        }
        if !any && !broken {
            let place = self.c.at(written.id.span);
            let diagnostic = Diagnostic::error(
                codes::TRIGGER,
                format!("the playbook `{}` does nothing", written.id.text),
                place,
                "it has no stage",
            )
            .help("add a stage: `then { … }`");
            self.c.report(diagnostic);
        }
        if !self.current.is_empty() {
            self.emit(
                NodeKind::End {
                    outcome: EndKind::Completed,
                    why: None,
                },
                "completed",
                written.head,
            );
        }
        self.on_failure(written, certain)
    }

    /// A parameter that says when a level is due.
    fn duration_parameter(&mut self, after: &crate::syntax::ast::Expr) -> Option<Expr> {
        use crate::syntax::ast::ExprKind;
        if !matches!(after.kind, ExprKind::Name(_) | ExprKind::Field { .. }) {
            return None;
        }
        let found = self.c.quietly(|c| c.expr(after, None));
        let Expr::Param(_, Value::Duration(_)) = &found.expr else {
            return None;
        };
        // Once more aloud: what the name stands for is remembered.
        Some(self.c.expr(after, None).expr)
    }

    fn increasing(&mut self, after_ms: i64, span: Span, before: Option<(i64, Span)>) {
        let Some((earlier, earlier_span)) = before.filter(|(ms, _)| *ms >= after_ms) else {
            return;
        };
        let (place, before) = (self.c.at(span), self.c.at(earlier_span));
        let diagnostic = Diagnostic::error(
            codes::LEVELS,
            format!(
                "this level is due at {} after the start of the run, which is no later than the level before",
                duration::format_ms(after_ms)
            ),
            place,
            "counted from the start of the run",
        )
        .also(before, format!("the level before is due at {}", duration::format_ms(earlier)))
        .because("`escalate after` counts from the start of the run, as people say it: first after 4 hours, then after 24")
        .help("for a delay after the level before, use `wait`");
        self.c.report(diagnostic);
    }

    fn on_failure(
        &mut self,
        written: &Written,
        certain: Vec<crate::check::Frame>,
    ) -> Option<(NodeIndex, Slot)> {
        let (block, span) = written.lines.iter().find_map(|l| match &l.kind {
            PlaybookLineKind::OnFailure(block) => Some((block, l.span)),
            _ => None,
        })?;
        let goal = self.goal.take();
        for frame in std::mem::replace(&mut self.c.frames, certain) {
            for (name, local) in frame.names {
                if self.c.local(&name).is_none() {
                    self.c
                        .gone
                        .insert(name, (local.place, "a stage that may have failed before"));
                }
            }
        }
        self.current.clear();
        let start = self.add(
            NodeKind::Stage {
                stage: StageKind::OnFailure,
            },
            "on failure",
            span,
        );
        self.current = vec![(start, Edge::Done)];
        let ty = Type::Record(Arc::from("Failure"));
        let slot = self.c.slot("failure", &ty);
        let place = self.c.at(span);
        self.scoped("`on failure`", |l| {
            if let Some(frame) = l.c.frames.last_mut() {
                let failure = Local { slot, ty, place };
                frame.names.insert("failure".into(), failure);
            }
            l.block(block);
        });
        if !self.current.is_empty() {
            self.emit(
                NodeKind::End {
                    outcome: EndKind::Failed,
                    why: None,
                },
                "failed",
                span,
            );
        }
        self.goal = goal;
        Some((start, slot))
    }
}
