//! Questions to people, events that are waited for, and events of our own.

use super::{Effect, Stepper};
use crate::expr::{Expr, Slot};
use crate::journal::What;
use crate::playbook::{Ask, Edge, NodeKind, WaitEvent};
use crate::state::{OpenApproval, Waiting};
use crate::value::Value;
use serde_json::Value as Json;
use std::sync::Arc;

impl Stepper<'_, '_> {
    /// Asks a person; the answer chooses an arm and opens no gate.
    pub(super) fn ask_person(&mut self, thread: u32, ask: &Ask) {
        let question = match self.eval(thread, &ask.question) {
            Ok(question) => question.plain(),
            Err(error) => return self.fail_step(thread, error.to_string()),
        };
        let person = match self.eval(thread, &ask.to) {
            Ok(person) => person,
            Err(error) => return self.fail_step(thread, error.to_string()),
        };
        let super::approve::Electorate { team, eligible, .. } = self.electorate(&person, None);
        if eligible.is_empty() {
            let who = person.label();
            return self.fail_step(
                thread,
                format!("{who} has no address that a question could be sent to"),
            );
        }
        let answers = ask.answers.iter().flatten().map(ToString::to_string);
        let (node, path) = self.place(thread);
        let open = OpenApproval {
            node,
            path,
            question,
            about: Vec::new(),
            actions: Vec::new(),
            team,
            eligible,
            excluded: Vec::new(),
            needs: 1,
            votes: Vec::new(),
            until_ms: self.now_ms.saturating_add(ask.within_ms),
            valid_ms: 0,
            answers: answers.collect(),
            stand_ins: Vec::new(),
            known: Vec::new(),
            budget: None,
        };
        let id = self.effect_id(thread);
        self.open_approval(thread, id, open);
    }

    /// The arm that an answer chooses.
    pub(super) fn arm_of(&self, node: u32, answer: &str) -> Option<Edge> {
        let Some(NodeKind::Ask(ask)) = self.node(node).map(|n| &n.kind) else {
            return None;
        };
        let mut arms = ask.answers.iter();
        let index = arms.position(|arm| arm.iter().any(|a| **a == *answer))?;
        Some(Edge::Case(index as u32))
    }

    /// Waits for a later event that belongs to this run.
    pub(super) fn await_event(&mut self, thread: u32, wait: &WaitEvent) {
        let id = self.effect_id(thread);
        let until_ms = self.now_ms.saturating_add(wait.at_most_ms);
        self.record(Some(thread), What::Waiting { until_ms });
        self.out.effects.push(Effect::StartTimer {
            id: id.clone(),
            at_ms: until_ms,
        });
        self.out.effects.push(Effect::AwaitEvent {
            id: id.clone(),
            event: wait.event.clone(),
        });
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Event { id, until_ms };
        }
    }

    /// An event came: every thread that waits for it looks whether it is the one.
    pub(super) fn event(&mut self, event: &str, record: &Value) {
        let waiting: Vec<(u32, String)> = self
            .run
            .threads
            .iter()
            .filter_map(
                |(n, t)| match (&t.waiting, self.node(t.node).map(|n| &n.kind)) {
                    (Waiting::Event { id, .. }, Some(NodeKind::WaitEvent(wait)))
                        if *wait.event == *event =>
                    {
                        Some((*n, id.clone()))
                    }
                    _ => None,
                },
            )
            .collect();
        for (thread, id) in waiting {
            let Some(NodeKind::WaitEvent(wait)) = self
                .run
                .threads
                .get(&thread)
                .and_then(|t| self.node(t.node))
                .map(|n| &n.kind)
            else {
                continue;
            };
            let event = wait.event.clone();
            match self.is_meant(thread, wait.slot, wait.condition.as_ref(), record) {
                Ok(false) => {}
                Ok(true) => {
                    self.run.bind(thread, wait.slot, record.clone());
                    self.record(Some(thread), What::Came { event });
                    self.stop_awaiting(&id);
                    if !self.go(thread, &Edge::Came) {
                        self.end(thread, None);
                    }
                }
                Err(reason) => self.record(Some(thread), What::NotJudged { event, reason }),
            }
        }
    }

    fn is_meant(
        &self,
        thread: u32,
        slot: Slot,
        condition: Option<&Expr>,
        record: &Value,
    ) -> Result<bool, String> {
        let Some(condition) = condition else {
            return Ok(true);
        };
        match self.eval_with(thread, condition, Some((slot, record))) {
            Ok(Value::Bool(yes)) => Ok(yes),
            Ok(other) => Err(format!("the condition gave {}", other.kind())),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Nothing came in time.
    pub(super) fn event_missed(&mut self, thread: u32, id: &str) {
        self.record(Some(thread), What::Woke);
        self.stop_awaiting(id);
        if !self.go(thread, &Edge::Done) {
            self.end(thread, None);
        }
    }

    fn stop_awaiting(&mut self, id: &str) {
        let id = id.to_owned();
        self.out
            .effects
            .push(Effect::CancelTimer { id: id.clone() });
        self.out.effects.push(Effect::StopAwaiting { id });
    }

    /// Raises an event for other playbooks.
    pub(super) fn emit(&mut self, thread: u32, event: &Arc<str>, fields: &[(Arc<str>, Expr)]) {
        let mut payload = serde_json::Map::new();
        for (name, expr) in fields {
            match self.eval(thread, expr) {
                Ok(value) => {
                    // What is secret never leaves a run in an event.
                    payload.insert(name.to_string(), value.redacted_json());
                }
                Err(error) => return self.fail_step(thread, error.to_string()),
            }
        }
        let id = self.effect_id(thread);
        let payload = Json::Object(payload);
        self.record(
            Some(thread),
            What::Emitted {
                event: event.clone(),
                fields: payload.clone(),
            },
        );
        self.out.effects.push(Effect::Emit {
            id,
            event: event.clone(),
            payload,
        });
        if !self.go(thread, &Edge::Done) {
            self.end(thread, None);
        }
    }
}
