//! Calls: queries and actions, the last check of the gate, and what becomes of answers.

use super::guard::Verdict;
use super::{Effect, Stepper};
use crate::declare::Impact;
use crate::expr::{Expr, Slot};
use crate::journal::What;
use crate::playbook::{Edge, NodeKind, Perform};
use crate::state::{DoneStep, Grant, KnownCall, StepOutcome, Waiting};
use crate::value::Value;
use serde_json::Value as Json;
use std::sync::Arc;

/// Why no approval lets a call be made.
enum Uncovered {
    /// One would, and is over.
    Expired(Grant),
    /// None does, for this reason.
    Refused(&'static str),
}

impl Stepper<'_, '_> {
    fn args(&self, thread: u32, args: &[Expr]) -> Result<Vec<Value>, String> {
        args.iter()
            .map(|a| self.eval(thread, a).map_err(|e| e.to_string()))
            .collect()
    }

    /// Arguments by parameter name, secrets replaced, for the journal.
    pub(super) fn args_json(&self, callable: &str, args: &[Value]) -> Json {
        let params = self
            .context
            .program
            .callables
            .get(callable)
            .map(|c| c.params.as_slice());
        Json::Object(
            args.iter()
                .enumerate()
                .map(|(i, value)| {
                    let name = params
                        .and_then(|p| p.get(i))
                        .map_or_else(|| i.to_string(), |p| p.name.to_string());
                    (name, value.redacted_json())
                })
                .collect(),
        )
    }

    fn call(&mut self, thread: u32) -> String {
        let id = self.effect_id(thread);
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Call { id: id.clone() };
        }
        id
    }

    pub(super) fn ask(&mut self, thread: u32, query: Arc<str>, args: &[Expr]) {
        match self.args(thread, args) {
            Err(reason) => match self.lacks(thread, args.iter()) {
                Some(lacking) if self.passes_over(thread) => self.skip(thread, query, lacking),
                _ => self.query_failed(thread, reason),
            },
            Ok(args) => {
                let shown = self.args_json(&query, &args);
                self.record(
                    Some(thread),
                    What::Asked {
                        query: query.clone(),
                        args: shown,
                    },
                );
                let id = self.call(thread);
                let node = self.run.threads.get(&thread).map_or(0, |t| t.node);
                self.out.effects.push(Effect::Query {
                    id,
                    node,
                    query,
                    args,
                });
            }
        }
    }

    pub(super) fn perform(&mut self, thread: u32, perform: &Perform) {
        let action = perform.action.clone();
        let path = self
            .run
            .threads
            .get(&thread)
            .map_or("", |t| t.path.as_str());
        if let Some((node, _)) = self
            .run
            .failed_steps
            .iter()
            .find(|(node, p)| perform.skip_if_failed.contains(node) && reaches(p, path))
        {
            let before = self
                .node(*node)
                .map_or_else(String::new, |n| n.label.to_string());
            let reason = format!("it only makes sense after `{before}`, which failed");
            return self.skip(thread, action, reason);
        }
        let done = match perform.undoes.is_empty() {
            true => Ok(true),
            false => self.was_done(thread, perform),
        };
        match done {
            Ok(true) => {}
            Ok(false) => {
                let reason = "there is nothing to undo: what it reverses was not done".to_owned();
                self.record(Some(thread), What::Skipped { action, reason });
                if !self.go(thread, &Edge::Done) {
                    self.end(thread, None);
                }
                return;
            }
            Err(reason) => return self.action_failed(thread, reason),
        }
        let args = match self.args(thread, &perform.args) {
            Ok(args) => args,
            Err(reason) => match self.lacks(thread, perform.args.iter()) {
                Some(lacking) if perform.attempt => return self.skip(thread, action, lacking),
                _ => return self.action_failed(thread, reason),
            },
        };
        if let Err(reason) = self.as_declared(perform, &args) {
            return self.action_failed(thread, reason);
        }
        let authority = match self.authority(thread, perform, &args) {
            Ok(authority) => authority,
            Err(Uncovered::Refused(reason)) => {
                return self.action_failed(thread, reason.to_owned());
            }
            Err(Uncovered::Expired(expired)) => {
                let entities = Self::entities(perform, &args);
                if let Err(reason) = self.ask_anew(thread, &entities, &expired) {
                    self.action_failed(thread, reason);
                }
                return;
            }
        };
        match self.guarded(thread, perform, &args) {
            Verdict::Free => {}
            Verdict::Blocked(reason) => return self.action_failed(thread, reason),
            Verdict::Asked => return,
        }
        let shown = self.args_json(&action, &args);
        self.record(
            Some(thread),
            What::Intended {
                action: action.clone(),
                args: shown,
                impact: perform.impact,
                authority,
            },
        );
        let id = self.call(thread);
        let node = self.run.threads.get(&thread).map_or(0, |t| t.node);
        self.out.effects.push(Effect::Perform {
            id,
            node,
            action,
            args,
        });
    }

    /// Leaves a step out. There is no result, so that the way on is that of a failure where there is one.
    pub(super) fn skip(&mut self, thread: u32, action: Arc<str>, reason: String) {
        self.record(
            Some(thread),
            What::Skipped {
                action,
                reason: reason.clone(),
            },
        );
        let (node, _) = self.place(thread);
        if let Some(NodeKind::Perform(perform)) = self.node(node).map(|n| &n.kind) {
            self.remember(thread, StepOutcome::Skipped, Some(reason.clone()));
            if let Some(slot) = perform.failure_slot {
                self.bind_failure(thread, slot, &reason);
            }
        }
        if !self.go(thread, &Edge::Failed) && !self.go(thread, &Edge::Done) {
            self.end(thread, None);
        }
    }

    /// Whether this run has done what an `undo` reverses, to the same entities, wherever that was.
    fn was_done(&self, thread: u32, perform: &Perform) -> Result<bool, String> {
        let to: Vec<String> = self
            .args(thread, &perform.undoes_to)?
            .iter()
            .map(Value::entity_key)
            .collect();
        Ok(self
            .run
            .done
            .iter()
            .any(|step| perform.undoes.contains(&step.node) && step.acted_on == to))
    }

    /// What a call acts on, by key.
    fn acted_on(&self, thread: u32, perform: &Perform) -> Vec<String> {
        let args = perform.acts_on.iter();
        args.filter_map(|i| perform.args.get(*i as usize))
            .filter_map(|arg| self.eval(thread, arg).ok())
            .map(|value| value.entity_key())
            .collect()
    }

    /// What the checker has proved of a call, looked at once more before it is made: the declaration is the
    /// one that was judged, and secrets go only where secrets are wanted.
    fn as_declared(&self, perform: &Perform, args: &[Value]) -> Result<(), String> {
        let Some(callable) = self.context.program.callables.get(&perform.action) else {
            return Err(format!("there is no action `{}`", perform.action));
        };
        if callable.impact != Some(perform.impact) {
            return Err(format!(
                "`{}` is not the action that the playbook was checked with",
                perform.action
            ));
        }
        for (param, value) in callable.params.iter().zip(args) {
            if value.exposes_secret() && !param.ty.is_secret() {
                return Err(format!("a secret cannot be given to `{}`", param.name));
            }
        }
        Ok(())
    }

    /// Under which authority an action is performed. The checker has proved that a destructive step
    /// cannot be reached without an approval; this refuses it once more if that were ever untrue. An approval that
    /// would cover it and has expired is told.
    fn authority(
        &self,
        thread: u32,
        perform: &Perform,
        args: &[Value],
    ) -> Result<Option<String>, Uncovered> {
        if let Some(reason) = &perform.accepted {
            return Ok(Some(format!("accepted without approval: {reason}")));
        }
        if perform.impact < Impact::Disruptive
            || (perform.gates.is_empty() && perform.impact < Impact::Destructive)
        {
            return Ok(None);
        }
        let path = self
            .run
            .threads
            .get(&thread)
            .map_or("", |t| t.path.as_str());
        let entities = Self::entities(perform, args);
        let (node, _) = self.place(thread);
        let mut expired = None;
        let mut changed = false;
        let mut by: Vec<&str> = Vec::new();
        // Each entity needs an approval that names it; one gate may have asked for each.
        let covered = entities.iter().all(|entity| {
            self.run.grants.iter().any(|grant| {
                if !perform.gates.contains(&grant.node)
                    || !reaches(&grant.path, path)
                    || !grant.about.contains(entity)
                {
                    return false;
                }
                if grant.until_ms < self.now_ms {
                    expired.get_or_insert_with(|| grant.clone());
                    return false;
                }
                if !as_approved(&grant.known, node, args) {
                    changed = true;
                    return false;
                }
                by.extend(grant.by.iter().map(String::as_str));
                true
            })
        });
        if covered && !entities.is_empty() {
            by.sort_unstable();
            by.dedup();
            return Ok(Some(format!("approved by {}", by.join(", "))));
        }
        Err(match expired {
            Some(grant) => Uncovered::Expired(grant),
            None if changed => {
                Uncovered::Refused("what was approved had other arguments; it was not performed")
            }
            None => Uncovered::Refused("no approval covers it; it was not performed"),
        })
    }

    pub(super) fn call_done(&mut self, id: &str, value: Value) {
        let Some(thread) = self.waiting_for(id) else {
            return;
        };
        let node = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node));
        match node.map(|n| &n.kind) {
            Some(NodeKind::Query { query, slot, .. }) => {
                self.record(
                    Some(thread),
                    What::Answered {
                        query: query.clone(),
                        value: value.redacted_json(),
                    },
                );
                self.run.bind(thread, *slot, value);
            }
            Some(NodeKind::Perform(perform)) => return self.performed(thread, perform, value),
            _ => return,
        }
        if !self.go(thread, &Edge::Done) {
            self.end(thread, None);
        }
    }

    /// An action was carried out: its result is bound and the run goes on.
    pub(super) fn performed(&mut self, thread: u32, perform: &Perform, value: Value) {
        let callable = self.context.program.callables.get(&perform.action);
        self.record(
            Some(thread),
            What::Performed {
                action: perform.action.clone(),
                value: value.redacted_json(),
                accepted: callable.and_then(|c| c.accepted.clone()),
            },
        );
        if let Some(slot) = perform.slot {
            self.run.bind(thread, slot, value);
        }
        self.remember(thread, StepOutcome::Done, None);
        if let Some(t) = self.run.threads.get(&thread)
            && self.context.playbook.undone.contains(&t.node)
        {
            let (node, acted_on) = (t.node, self.acted_on(thread, perform));
            self.run.done.push(DoneStep { node, acted_on });
        }
        if !self.go(thread, &Edge::Done) {
            self.end(thread, None);
        }
    }

    pub(super) fn call_failed(&mut self, id: &str, reason: String, may_be_done: bool) {
        let Some(thread) = self.waiting_for(id) else {
            return;
        };
        let node = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node));
        match node.map(|n| &n.kind) {
            Some(NodeKind::Query { .. }) => self.query_failed(thread, reason),
            Some(NodeKind::Perform(_)) => self.action_ended(thread, reason, may_be_done),
            _ => {}
        }
    }

    fn query_failed(&mut self, thread: u32, reason: String) {
        let node = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node));
        let Some(NodeKind::Query {
            query,
            hold_on_failure,
            failure_slot,
            ..
        }) = node.map(|n| &n.kind)
        else {
            return;
        };
        self.record(
            Some(thread),
            What::QueryFailed {
                query: query.clone(),
                reason: reason.clone(),
            },
        );
        if *hold_on_failure {
            // Failure is never a value: an unanswered question must not escalate the run.
            self.hold(thread, reason);
        } else {
            if let Some(slot) = failure_slot {
                self.bind_failure(thread, *slot, &reason);
            }
            self.fail_step(thread, reason);
        }
    }

    /// An action was certainly not carried out.
    pub(super) fn action_failed(&mut self, thread: u32, reason: String) {
        self.action_ended(thread, reason, false);
    }

    /// An action has failed; it may have been carried out all the same.
    fn action_ended(&mut self, thread: u32, reason: String, may_be_done: bool) {
        let node = self
            .run
            .threads
            .get(&thread)
            .and_then(|t| self.node(t.node));
        let Some(NodeKind::Perform(perform)) = node.map(|n| &n.kind) else {
            return;
        };
        let at = petgraph::graph::NodeIndex::new(
            self.run.threads.get(&thread).map_or(0, |t| t.node as usize),
        );
        let handled = self.context.playbook.follow(at, &Edge::Failed).is_some();
        self.record(
            Some(thread),
            What::ActionFailed {
                action: perform.action.clone(),
                reason: reason.clone(),
                handled,
                may_be_done,
            },
        );
        if perform.attempt {
            self.run.recorded_failures += 1;
        }
        self.remember(thread, StepOutcome::Failed, Some(reason.clone()));
        if let Some(slot) = perform.failure_slot {
            self.bind_failure(thread, slot, &reason);
        }
        self.fail_step(thread, reason);
    }

    /// Gives the arm `failed`, or `on failure`, its `failure`.
    pub(super) fn bind_failure(&mut self, thread: u32, slot: Slot, reason: &str) {
        let failure = Value::record("Failure", [("reason", Value::text(reason))]);
        self.run.bind(thread, slot, failure);
    }
}

/// Whether a call's arguments are those that people were shown, as far as they were known then.
fn as_approved(known: &[KnownCall], node: u32, args: &[Value]) -> bool {
    let Some(call) = known.iter().find(|call| call.node == node) else {
        // Approvals of earlier versions say nothing of arguments.
        return true;
    };
    let pairs = call.args.iter().zip(args);
    call.args.len() == args.len()
        && pairs
            .into_iter()
            .all(|(known, arg)| known.as_ref().is_none_or(|k| k.digest == arg.digest()))
}

/// Whether what happened at one place counts at another: it lies on the other's way. What happened in a
/// branch counts after the branches have been joined; what happened for an element of a loop counts for
/// that element only.
pub(super) fn reaches(happened: &str, at: &str) -> bool {
    let (happened, at) = (segments(happened), segments(at));
    let common = happened.iter().zip(&at).take_while(|(a, b)| a == b).count();
    happened[common..]
        .iter()
        .all(|segment| segment.starts_with('/'))
}

/// `/0[12]` as `/0`, `[12]`.
fn segments(path: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = path.match_indices(['/', '[']).map(|(i, _)| i).collect();
    starts.push(path.len());
    starts
        .windows(2)
        .map(|pair| &path[pair[0]..pair[1]])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::reaches;

    #[test]
    fn an_approval_counts_where_its_way_leads() {
        assert!(reaches("", "[3]"), "before the loop");
        assert!(reaches("[1]", "[1]/0"), "for this element");
        assert!(!reaches("[1]", "[10]"), "not for another one");
        assert!(!reaches("[1]", ""), "not after the loop");
        assert!(reaches("/0", ""), "after the branches are joined");
        assert!(reaches("/0", "[2]"), "in a loop after the join");
        assert!(reaches("/0", "/1"), "in a later fork");
        assert!(
            !reaches("/0[1]", "/0[2]"),
            "not for another element of a branch"
        );
    }
}
