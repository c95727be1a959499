//! A step that failed in, the way on out: what handles the failure, what passes it over, or the thread's end.

use super::Stepper;
use crate::expr::{Expr, Slot};
use crate::journal::What;
use crate::playbook::{Edge, NodeKind};
use crate::state::Ending;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Stepper<'_, '_> {
    /// Takes the failure edge, or ends the thread.
    pub(super) fn fail_step(&mut self, thread: u32, reason: String) {
        let (node, path) = self.place(thread);
        self.run.failed_steps.push((node, path));
        if self.passes_over(thread) {
            let label = self.label(thread);
            match self.node(node).map(|n| &n.kind) {
                // The failed call is in the journal already.
                Some(NodeKind::Query { .. }) => {}
                Some(kind) => {
                    if let Some(lacking) = self.lacks(thread, looked_at(kind).into_iter()) {
                        return self.skip(thread, label, lacking);
                    }
                    self.record(
                        Some(thread),
                        What::StepFailed {
                            label,
                            reason: reason.clone(),
                        },
                    );
                }
                None => {}
            }
            self.run.recorded_failures += 1;
        }
        let failure = self.failure(thread, reason);
        if !self.go(thread, &Edge::Failed) {
            self.end(thread, Some(Ending::Failed(failure)));
        }
    }

    /// Whether a thread's step, one that is no action, is one of an `attempt each`, which goes on after a failure. An
    /// action says so itself, and a question with an arm `failed` is handled and not passed over.
    pub(super) fn passes_over(&self, thread: u32) -> bool {
        let (node, _) = self.place(thread);
        let at = petgraph::graph::NodeIndex::new(node as usize);
        match self.node(node).map(|n| &n.kind) {
            None
            | Some(
                NodeKind::Perform(_)
                | NodeKind::Query {
                    failure_slot: Some(_),
                    ..
                },
            ) => false,
            Some(_) => self.context.playbook.follow(at, &Edge::Failed).is_some(),
        }
    }

    /// Why expressions have no value, where a name in them has none because the step failed that would have given it.
    pub(super) fn lacks<'e>(
        &self,
        thread: u32,
        exprs: impl Iterator<Item = &'e Expr>,
    ) -> Option<String> {
        let (mut own, mut read) = (BTreeSet::new(), Vec::new());
        for expr in exprs {
            expr.walk(&mut |e| match e {
                Expr::Slot(slot) => read.push(*slot),
                Expr::Let(slot, ..) | Expr::Comprehension { slot, .. } => {
                    own.insert(*slot);
                }
                _ => {}
            });
        }
        let lacking =
            |slot: &&Slot| !own.contains(*slot) && self.run.lookup(thread, **slot).is_none();
        let slot = read.iter().find(lacking)?;
        let name: Arc<str> = self
            .context
            .playbook
            .slots
            .get(slot.0 as usize)
            .map(|info| info.name.clone())?;
        Some(format!(
            "it needs `{name}`, and the step that gives it failed"
        ))
    }
}

/// What a step that is no call works out.
fn looked_at(kind: &NodeKind) -> Vec<&Expr> {
    match kind {
        NodeKind::Bind { value, .. } => vec![value],
        NodeKind::Branch { condition } => vec![condition],
        NodeKind::Match { subject, .. } => vec![subject],
        NodeKind::ForEach { list, .. } => vec![list],
        NodeKind::Wait { duration } => vec![duration],
        NodeKind::WaitTime { until } => vec![until],
        NodeKind::Ask(ask) => vec![&ask.question, &ask.to],
        NodeKind::Emit { fields, .. } => fields.iter().map(|(_, value)| value).collect(),
        _ => Vec::new(),
    }
}
