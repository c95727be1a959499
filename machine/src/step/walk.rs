//! Takes every thread that can go on to where it waits next.

use super::{Effect, Stepper};
use crate::duration::format_time_ms;
use crate::eval::equal;
use crate::journal::What;
use crate::playbook::{Edge, EndKind, NodeKind, StageKind, TriggerKind};
use crate::schedule;
use crate::state::{Ending, Outcome, Waiting};
use crate::value::Value;
use std::collections::VecDeque;

impl Stepper<'_, '_> {
    /// Runs ready threads until none is left. Ends because the graph's only cycles pass through timers.
    pub(super) fn advance(&mut self) {
        while self.run.outcome.is_none() {
            let Some(thread) = self
                .run
                .threads
                .iter()
                .find(|(_, t)| t.waiting == Waiting::Ready)
                .map(|(id, _)| *id)
            else {
                return;
            };
            self.execute(thread);
        }
    }

    /// Goes on along an edge; a missing edge ends the thread as its step's meaning says.
    pub(super) fn go(&mut self, thread: u32, edge: &Edge) -> bool {
        let Some(t) = self.run.threads.get_mut(&thread) else {
            return false;
        };
        let at = petgraph::graph::NodeIndex::new(t.node as usize);
        match self.context.playbook.follow(at, edge) {
            Some(next) => {
                t.node = next.index() as u32;
                t.waiting = Waiting::Ready;
                t.tries = 0;
                if *edge == Edge::Tick {
                    t.laps += 1;
                }
                true
            }
            None => false,
        }
    }

    fn go_or_fail(&mut self, thread: u32, edge: &Edge) {
        if !self.go(thread, edge) {
            let failure = self.failure(
                thread,
                "the machine has no way on from here; this is a fault of Counterplay",
            );
            self.end(thread, Some(Ending::Failed(failure)));
        }
    }

    fn execute(&mut self, thread: u32) {
        let Some(node) = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node))
        else {
            let failure = self.failure(
                thread,
                "the machine has no such step; this is a fault of Counterplay",
            );
            return self.end(thread, Some(Ending::Failed(failure)));
        };
        match &node.kind {
            NodeKind::Start => self.go_or_fail(thread, &Edge::Done),
            NodeKind::Stage { stage } => {
                let (mut stage, label) = (stage.clone(), node.label.clone());
                // The journal tells what counts for this tenant.
                if let StageKind::Escalate {
                    after_ms,
                    param: Some(name),
                    ..
                } = &mut stage
                    && let Some(Value::Duration(ms)) = self.run.tenant.parameters.get(&**name)
                {
                    *after_ms = *ms;
                }
                self.record(Some(thread), What::Stage { stage, label });
                self.go_or_fail(thread, &Edge::Done);
            }
            NodeKind::Bind { slot, value } => match self.eval(thread, value) {
                Ok(value) => {
                    self.run.bind(thread, *slot, value);
                    self.go_or_fail(thread, &Edge::Done);
                }
                Err(error) => self.fail_step(thread, error.to_string()),
            },
            NodeKind::Branch { condition } => match self.eval(thread, condition) {
                Ok(Value::Bool(yes)) => {
                    // The answer to a question was recorded just before.
                    if !matches!(condition, crate::expr::Expr::Slot(_)) {
                        let label = node.label.clone();
                        let way = if yes { "yes" } else { "no" }.to_owned();
                        self.record(Some(thread), What::Chose { label, way });
                    }
                    self.go_or_fail(thread, if yes { &Edge::True } else { &Edge::False });
                }
                Ok(other) => self.fail_step(thread, format!("the condition gave {}", other.kind())),
                Err(error) => self.fail_step(thread, error.to_string()),
            },
            NodeKind::Match { subject, cases } => {
                let chosen = self.eval(thread, subject).and_then(|value| {
                    for (index, case) in cases.iter().enumerate() {
                        for pattern in case {
                            if equal(&self.eval(thread, pattern)?, &value) {
                                return Ok((Edge::Case(index as u32), value));
                            }
                        }
                    }
                    Ok((Edge::Otherwise, value))
                });
                match chosen {
                    Ok((edge, value)) => {
                        let label = node.label.clone();
                        self.record(
                            Some(thread),
                            What::Chose {
                                label,
                                way: value.plain(),
                            },
                        );
                        self.go_or_fail(thread, &edge);
                    }
                    Err(error) => self.fail_step(thread, error.to_string()),
                }
            }
            NodeKind::Query { query, args, .. } => self.ask(thread, query.clone(), args),
            NodeKind::Perform(perform) => self.perform(thread, perform),
            NodeKind::Fork => self.fork(thread),
            NodeKind::ForEach {
                list,
                limit,
                at_a_time,
                ..
            } => {
                let list = self.eval(thread, list);
                self.for_each(thread, list, *limit, *at_a_time);
            }
            NodeKind::JoinEnd => self.end(thread, None),
            NodeKind::Wait { duration } => match self.eval(thread, duration) {
                Ok(Value::Duration(ms)) => {
                    self.wait_until(thread, self.now_ms.saturating_add(ms.max(0)))
                }
                Ok(other) => self.fail_step(
                    thread,
                    format!("a wait needs a Duration, not {}", other.kind()),
                ),
                Err(error) => self.fail_step(thread, error.to_string()),
            },
            NodeKind::WaitClock { minutes } => {
                let zone = &self.run.tenant.zone;
                let at = TriggerKind::At {
                    weekday: None,
                    minutes: *minutes,
                };
                match schedule::next_after(&at, zone, self.now_ms) {
                    Some(until_ms) => self.wait_until(thread, until_ms),
                    None => self.fail_step(thread, "the clock never shows this time".into()),
                }
            }
            NodeKind::WaitTime { until } => match self.eval(thread, until) {
                Ok(Value::Time(ms)) if ms.saturating_sub(self.now_ms) <= super::WAIT_MAX_MS => {
                    self.wait_until(thread, ms);
                }
                Ok(Value::Time(ms)) => self.fail_step(
                    thread,
                    format!(
                        "it would wait until {}, and a wait lasts 400 days at most",
                        format_time_ms(ms)
                    ),
                ),
                Ok(other) => self.fail_step(
                    thread,
                    format!("a wait until a time needs a Time, not {}", other.kind()),
                ),
                Err(error) => self.fail_step(thread, error.to_string()),
            },
            NodeKind::WaitSinceStart { after_ms, after } => {
                let after = after.as_ref().map(|after| self.eval(thread, after));
                match after.unwrap_or(Ok(Value::Duration(*after_ms))) {
                    Ok(Value::Duration(ms)) => {
                        self.wait_until(thread, self.run.started_ms.saturating_add(ms));
                    }
                    Ok(other) => self.fail_step(
                        thread,
                        format!("`escalate after` needs a Duration, not {}", other.kind()),
                    ),
                    Err(error) => self.fail_step(thread, error.to_string()),
                }
            }
            NodeKind::WaitUntil {
                at_most_ms,
                every_ms,
            } => self.look_again(thread, *at_most_ms, *every_ms),
            NodeKind::Approve(approve) => self.ask_approval(thread, approve),
            NodeKind::Ask(ask) => self.ask_person(thread, ask),
            NodeKind::WaitEvent(wait) => self.await_event(thread, wait),
            NodeKind::Emit { event, fields } => self.emit(thread, event, fields),
            NodeKind::End { outcome, why } => {
                let why = why
                    .as_ref()
                    .and_then(|w| self.eval(thread, w).ok())
                    .map(|v| v.plain());
                let ending = match outcome {
                    EndKind::Completed | EndKind::Failed => None,
                    EndKind::Resolved => Some(Ending::End(Outcome::Resolved)),
                    EndKind::Stopped => Some(Ending::End(Outcome::Stopped { why })),
                };
                self.end(thread, ending);
            }
        }
    }

    /// Waits until a time, waking in between when the playbook looks at its goal periodically.
    fn wait_until(&mut self, thread: u32, deadline_ms: i64) {
        let id = self.effect_id(thread);
        let every = self.context.playbook.checking_every_ms;
        let now = self.now_ms;
        let Some(t) = self.run.threads.get_mut(&thread) else {
            return;
        };
        let first = !t.deadlines.contains_key(&t.node);
        let deadline = *t.deadlines.entry(t.node).or_insert(deadline_ms);
        if deadline <= now {
            t.deadlines.remove(&t.node);
            return self.go_or_fail(thread, &Edge::Done);
        }
        let at_ms = match every {
            Some(every) => deadline.min(now.saturating_add(every.max(1))),
            None => deadline,
        };
        t.waiting = Waiting::Timer {
            id: id.clone(),
            at_ms,
        };
        self.out.effects.push(Effect::StartTimer { id, at_ms });
        if first {
            self.record(Some(thread), What::Waiting { until_ms: deadline });
        }
    }

    /// `wait until`: looks at once, then every so often, and a last time when the time is up.
    fn look_again(&mut self, thread: u32, at_most_ms: i64, every_ms: i64) {
        let id = self.effect_id(thread);
        let now = self.now_ms;
        let Some(t) = self.run.threads.get_mut(&thread) else {
            return;
        };
        let Some(deadline) = t.deadlines.get(&t.node).copied() else {
            let until_ms = now.saturating_add(at_most_ms);
            t.deadlines.insert(t.node, until_ms);
            self.record(Some(thread), What::Waiting { until_ms });
            return self.go_or_fail(thread, &Edge::Tick);
        };
        if deadline <= now {
            t.deadlines.remove(&t.node);
            return self.go_or_fail(thread, &Edge::Done);
        }
        let at_ms = deadline.min(now.saturating_add(every_ms.max(1)));
        t.waiting = Waiting::Timer {
            id: id.clone(),
            at_ms,
        };
        self.out.effects.push(Effect::StartTimer { id, at_ms });
    }

    pub(super) fn timer(&mut self, id: &str) {
        if self.run.approvals.contains_key(id) {
            return self.approval_expired(id);
        }
        let event = self.run.threads.iter().find_map(|(n, t)| match &t.waiting {
            Waiting::Event { id: i, .. } if i == id => Some(*n),
            _ => None,
        });
        if let Some(thread) = event {
            return self.event_missed(thread, id);
        }
        let found = self.run.threads.iter().find_map(|(n, t)| match &t.waiting {
            Waiting::Timer { id: i, .. } if i == id => Some((*n, None)),
            Waiting::Held { id: i, reason } if i == id => Some((*n, Some(reason.clone()))),
            _ => None,
        });
        match found {
            Some((thread, None)) => {
                let tick = self.run.threads.get(&thread).is_some_and(|t| {
                    let looks = matches!(
                        self.node(t.node).map(|n| &n.kind),
                        Some(NodeKind::WaitUntil { .. })
                    );
                    looks
                        || t.deadlines
                            .get(&t.node)
                            .is_some_and(|deadline| *deadline > self.now_ms)
                });
                if tick {
                    if !self.go(thread, &Edge::Tick)
                        && let Some(t) = self.run.threads.get_mut(&thread)
                    {
                        t.waiting = Waiting::Ready;
                    }
                } else {
                    if let Some(t) = self.run.threads.get_mut(&thread) {
                        t.deadlines.remove(&t.node);
                    }
                    self.record(Some(thread), What::Woke);
                    self.go_or_fail(thread, &Edge::Done);
                }
            }
            Some((thread, Some(reason))) => {
                let days = crate::duration::format_ms(super::HELD_MS_MAX);
                let reason = format!("held for {days} and nobody settled it: {reason}");
                self.held_too_long(thread, reason);
            }
            None => {}
        }
    }

    pub(super) fn hold(&mut self, thread: u32, reason: String) {
        let id = format!("{}!held", self.effect_id(thread));
        self.record(
            Some(thread),
            What::Held {
                reason: reason.clone(),
            },
        );
        self.out.effects.push(Effect::StartTimer {
            id: id.clone(),
            at_ms: self.now_ms.saturating_add(super::HELD_MS_MAX),
        });
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Held { id, reason };
        }
    }

    pub(super) fn resume(&mut self, _by: &str) {
        let held: Vec<(u32, String)> = self
            .run
            .threads
            .iter()
            .filter_map(|(n, t)| match &t.waiting {
                Waiting::Held { id, .. } => Some((*n, id.clone())),
                _ => None,
            })
            .collect();
        for (thread, timer) in held {
            self.record(Some(thread), What::Resumed);
            self.out.effects.push(Effect::CancelTimer { id: timer });
            if let Some(t) = self.run.threads.get_mut(&thread) {
                t.tries += 1;
                t.waiting = Waiting::Ready;
            }
        }
    }

    fn fork(&mut self, thread: u32) {
        let Some(t) = self.run.threads.get(&thread) else {
            return;
        };
        let at = petgraph::graph::NodeIndex::new(t.node as usize);
        let mut starts = Vec::new();
        while let Some(next) = self
            .context
            .playbook
            .follow(at, &Edge::Branch(starts.len() as u32))
        {
            starts.push(next.index() as u32);
        }
        let count = starts.len() as u32;
        if count == 0 {
            return self.go_or_fail(thread, &Edge::Done);
        }
        self.record(
            Some(thread),
            What::Forked {
                count,
                elements: false,
            },
        );
        for (index, node) in starts.into_iter().enumerate() {
            self.spawn(thread, node, true, format!("/{index}"), None);
        }
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Children {
                open: count,
                pending: VecDeque::new(),
                next: count,
                worst: None,
            };
        }
    }

    pub(super) fn finish(&mut self, outcome: Outcome) {
        self.record(
            None,
            What::Ended {
                outcome: outcome.clone(),
            },
        );
        self.run.approvals.clear();
        self.run.outcome = Some(outcome.clone());
        self.out.effects.push(Effect::Finish { outcome });
    }

    pub(super) fn enter_on_failure(
        &mut self,
        thread: u32,
        failure: &crate::state::Failure,
    ) -> bool {
        let Some(start) = self.context.playbook.on_failure else {
            return false;
        };
        if self.run.failing.is_some() {
            return false;
        }
        self.record(
            Some(thread),
            What::Failing {
                reason: failure.reason.clone(),
            },
        );
        self.run.failing = Some(failure.clone());
        if let Some(slot) = self.context.playbook.failure_slot {
            self.bind_failure(thread, slot, &failure.reason);
        }
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.node = start.index() as u32;
            t.waiting = Waiting::Ready;
            t.tries = 0;
        }
        true
    }
}
