//! A held call and what a person found out about it in; the run going on as if the service had said so, out.

use super::{Effect, Stepper};
use crate::expr::{Expr, Slot};
use crate::journal::What;
use crate::json;
use crate::playbook::{NodeKind, Perform, Playbook};
use crate::program::Program;
use crate::state::{Ending, Run, StepOutcome, Waiting};
use crate::types::Type;
use crate::value::Value;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Bfs, Walker};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::sync::Arc;

/// What a person says became of a held call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The step: its place as [`HeldCall::place`] gives it, or the action's name; absent where only one call is held.
    pub step: Option<String>,
    /// Who, by e-mail address.
    pub by: String,
    /// What became of it.
    pub settled: Settled,
    /// What the call gave, as JSON, where it was carried out and gives something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Json>,
    /// What they say about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// What became of a held call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// It was carried out: the run goes on behind it.
    Done,
    /// It was not carried out: it is sent again, as a call of its own.
    NotDone,
    /// It was not carried out and is not to be sent again: the step fails.
    GivenUp,
}

/// A call of which nobody knows whether it was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldCall {
    /// The thread that waits.
    pub thread: u32,
    /// The step within the run: its node and the way into branches and elements, `7` or `7[2]`.
    pub place: String,
    /// The action.
    pub action: Arc<str>,
    /// Why it is held.
    pub reason: String,
}

/// The calls that a person can settle. What is held for another reason, such as a question that cannot be asked, is
/// tried again and has no outcome to tell.
pub fn held_calls(playbook: &Playbook, run: &Run) -> Vec<HeldCall> {
    let held = run
        .threads
        .iter()
        .filter_map(|(thread, t)| match &t.waiting {
            Waiting::Held { reason, .. } => {
                let action = perform_at(playbook, t.node)?.action.clone();
                Some(HeldCall {
                    thread: *thread,
                    place: format!("{}{}", t.node, t.path),
                    action,
                    reason: reason.clone(),
                })
            }
            _ => None,
        });
    held.collect()
}

/// The held call that a settlement is for, and its result where that is told; or why it does not count.
///
/// # Errors
/// When nothing is held, more than one call is meant, or the call's result is needed and not told.
pub fn check_settlement(
    program: &Program,
    playbook: &Playbook,
    run: &Run,
    settlement: &Settlement,
) -> Result<(HeldCall, Value), String> {
    let held = meant(held_calls(playbook, run), settlement.step.as_deref())?;
    let Some(thread) = run.threads.get(&held.thread) else {
        return Err("the step is no longer held".into());
    };
    if settlement.settled != Settled::Done {
        return match settlement.result {
            Some(_) => Err("a result goes with a call that was carried out".into()),
            None => Ok((held, Value::Absent)),
        };
    }
    let callable = program.callables.get(&held.action);
    let ty = callable.map_or(&Type::Nothing, |c| &c.returns_ty);
    if let Some(result) = &settlement.result {
        if *ty == Type::Nothing {
            return Err(format!("`{}` gives no result", held.action));
        }
        return json::convert(&program.types, result, ty, "result")
            .map(|value| (held, value))
            .map_err(|mismatch| mismatch.to_string());
    }
    let slot = perform_at(playbook, thread.node).and_then(|p| p.slot);
    let read = slot.filter(|_| *ty != Type::Nothing);
    if read.is_some_and(|slot| is_read_after(playbook, thread.node, slot)) {
        return Err(format!(
            "later steps need the result of `{}`: say what it gave ({}), or that it was not carried out",
            held.action,
            wanted(program, ty)
        ));
    }
    Ok((held, Value::Absent))
}

/// What a result has to be, for people.
fn wanted(program: &Program, ty: &Type) -> String {
    let record = match ty {
        Type::Record(name) => program.types.records.get(name).map(|r| (name, r)),
        _ => None,
    };
    match record {
        Some((name, record)) => {
            let fields: Vec<&str> = record.fields.iter().map(|(field, _)| &**field).collect();
            format!("JSON, a {name} with {}", fields.join(", "))
        }
        None => format!("JSON, {}", json::noun(&program.types, ty)),
    }
}

/// The one that is named, or the only one.
fn meant(mut held: Vec<HeldCall>, step: Option<&str>) -> Result<HeldCall, String> {
    if held.is_empty() {
        return Err("no call of this run waits to be settled".into());
    }
    let all = list(&held);
    if let Some(step) = step {
        let named = |call: &HeldCall| {
            call.place == step
                || *call.action == *step
                || call.action.ends_with(&format!(".{step}"))
        };
        held.retain(named);
    }
    match (held.len(), step) {
        (1, _) => Ok(held.remove(0)),
        (0, Some(step)) => Err(format!("the step {step} is not held; held are {all}")),
        _ => Err(format!(
            "several calls are held, name one of {}",
            list(&held)
        )),
    }
}

fn list(held: &[HeldCall]) -> String {
    let each = held.iter().map(|h| format!("{} ({})", h.place, h.action));
    each.collect::<Vec<_>>().join(", ")
}

fn perform_at(playbook: &Playbook, node: u32) -> Option<&Perform> {
    match &playbook
        .graph
        .node_weight(NodeIndex::new(node as usize))?
        .kind
    {
        NodeKind::Perform(perform) => Some(perform),
        _ => None,
    }
}

/// Whether a step that may follow reads a variable. Another name for it reads it where that is read.
fn is_read_after(playbook: &Playbook, node: u32, slot: Slot) -> bool {
    let at = NodeIndex::new(node as usize);
    let after: Vec<&NodeKind> = Bfs::new(&playbook.graph, at)
        .iter(&playbook.graph)
        .filter(|next| *next != at)
        .filter_map(|next| Some(&playbook.graph.node_weight(next)?.kind))
        .collect();
    let mut names = vec![slot];
    let mut looked = 0;
    while let Some(slot) = names.get(looked).copied() {
        looked += 1;
        for kind in &after {
            match kind {
                NodeKind::Bind { slot: other, value } if *value == Expr::Slot(slot) => {
                    names.extend((!names.contains(other)).then_some(*other));
                }
                kind if reads(kind, slot) => return true,
                _ => {}
            }
        }
    }
    false
}

fn reads(kind: &NodeKind, slot: Slot) -> bool {
    let mut found = false;
    for expr in read(kind) {
        expr.walk(&mut |e| found |= *e == Expr::Slot(slot));
    }
    found
}

/// Every expression that a step works out.
fn read(kind: &NodeKind) -> Vec<&Expr> {
    match kind {
        NodeKind::Start
        | NodeKind::Stage { .. }
        | NodeKind::Fork
        | NodeKind::JoinEnd
        | NodeKind::WaitClock { .. }
        | NodeKind::WaitUntil { .. } => Vec::new(),
        NodeKind::Bind { value, .. } => vec![value],
        NodeKind::Branch { condition } => vec![condition],
        NodeKind::Match { subject, cases } => {
            let patterns = cases.iter().flatten();
            std::iter::once(subject).chain(patterns).collect()
        }
        NodeKind::Query { args, .. } => args.iter().collect(),
        NodeKind::Perform(perform) => perform.args.iter().chain(&perform.undoes_to).collect(),
        NodeKind::ForEach { list, .. } => vec![list],
        NodeKind::Wait { duration } => vec![duration],
        NodeKind::WaitTime { until } => vec![until],
        NodeKind::WaitSinceStart { after, .. } => after.iter().collect(),
        NodeKind::Approve(approve) => {
            let own = [&approve.question, &approve.by];
            own.into_iter().chain(&approve.about).collect()
        }
        NodeKind::Ask(ask) => vec![&ask.question, &ask.to],
        NodeKind::WaitEvent(wait) => wait.condition.iter().collect(),
        NodeKind::Emit { fields, .. } => fields.iter().map(|(_, value)| value).collect(),
        NodeKind::End { why, .. } => why.iter().collect(),
    }
}

impl Stepper<'_, '_> {
    /// Nobody settled what holds a thread: it fails. What became of the step is still not known, so that nothing that
    /// handles its failure may go on as if it had failed.
    pub(super) fn held_too_long(&mut self, thread: u32, reason: String) {
        let (node, path) = self.place(thread);
        if let Some(perform) = perform_at(self.context.playbook, node) {
            self.record(
                Some(thread),
                What::ActionFailed {
                    action: perform.action.clone(),
                    reason: reason.clone(),
                    handled: false,
                    may_be_done: true,
                },
            );
            self.remember(thread, StepOutcome::Failed, Some(reason.clone()));
        }
        self.run.failed_steps.push((node, path));
        let failure = self.failure(thread, reason);
        self.end(thread, Some(Ending::Failed(failure)));
    }

    pub(super) fn settle(&mut self, settlement: Settlement) {
        let context = self.context;
        let checked = check_settlement(context.program, context.playbook, self.run, &settlement);
        let Settlement {
            by,
            settled,
            comment,
            ..
        } = settlement;
        let (held, value) = match checked {
            Ok(checked) => checked,
            Err(reason) => return self.record(None, What::SettleRefused { by, reason }),
        };
        let thread = held.thread;
        self.record(
            Some(thread),
            What::Settled {
                by: by.clone(),
                action: held.action,
                settled,
                comment,
            },
        );
        let node = self.run.threads.get(&thread).map_or(0, |t| t.node);
        if let Some(t) = self.run.threads.get_mut(&thread) {
            if let Waiting::Held { id, .. } = &t.waiting {
                self.out
                    .effects
                    .push(Effect::CancelTimer { id: id.clone() });
            }
            if settled == Settled::NotDone {
                t.tries += 1;
                t.waiting = Waiting::Ready;
            }
        }
        match settled {
            Settled::NotDone => {}
            Settled::GivenUp => {
                self.action_failed(thread, format!("{by} says that it was not carried out"));
            }
            Settled::Done => {
                if let Some(perform) = perform_at(context.playbook, node) {
                    self.performed(thread, perform, value);
                }
            }
        }
    }
}
