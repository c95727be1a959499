//! Branches and elements: how threads begin, end and are joined.

use super::Stepper;
use crate::eval::EvalError;
use crate::journal::What;
use crate::playbook::{Edge, NodeKind};
use crate::state::{Ending, Outcome, Thread, Waiting};
use crate::value::Value;
use std::collections::{BTreeMap, VecDeque};

impl Stepper<'_, '_> {
    pub(super) fn spawn(
        &mut self,
        parent: u32,
        node: u32,
        shares_names: bool,
        suffix: String,
        binding: Option<(crate::expr::Slot, Value)>,
    ) {
        let path = self
            .run
            .threads
            .get(&parent)
            .map_or(String::new(), |p| p.path.clone())
            + &suffix;
        let id = self.run.next_thread;
        self.run.next_thread += 1;
        self.run.threads.insert(
            id,
            Thread {
                parent: Some(parent),
                shares_names,
                path,
                node,
                waiting: Waiting::Ready,
                slots: binding.into_iter().collect::<BTreeMap<_, _>>(),
                tries: 0,
                laps: 0,
                deadlines: BTreeMap::new(),
            },
        );
    }

    pub(super) fn for_each(
        &mut self,
        thread: u32,
        list: Result<Value, EvalError>,
        limit: u32,
        at_a_time: u32,
    ) {
        let items: VecDeque<Value> = match list {
            Ok(Value::List(items)) => items.into(),
            Ok(Value::Absent) => VecDeque::new(),
            Ok(other) => {
                return self.fail_step(
                    thread,
                    format!("`for each` needs a list, not {}", other.kind()),
                );
            }
            Err(error) => return self.fail_step(thread, error.to_string()),
        };
        if items.len() > limit as usize {
            return self.fail_step(
                thread,
                format!("the list has {} elements and this loop refuses more than {limit}; none was touched", items.len()),
            );
        }
        self.record(
            Some(thread),
            What::Forked {
                count: items.len() as u32,
                elements: true,
            },
        );
        if items.is_empty() {
            if !self.go(thread, &Edge::Done) {
                self.end(thread, None);
            }
            return;
        }
        if let Some(t) = self.run.threads.get_mut(&thread) {
            t.waiting = Waiting::Children {
                open: 0,
                pending: items,
                next: 0,
                worst: None,
            };
        }
        for _ in 0..at_a_time.max(1) {
            self.next_element(thread);
        }
    }

    fn next_element(&mut self, thread: u32) {
        let Some(t) = self.run.threads.get_mut(&thread) else {
            return;
        };
        let node = t.node;
        let Waiting::Children {
            open,
            pending,
            next,
            ..
        } = &mut t.waiting
        else {
            return;
        };
        let Some(element) = pending.pop_front() else {
            return;
        };
        let index = *next;
        *open += 1;
        *next += 1;
        let Some(NodeKind::ForEach { slot, .. }) = self.node(node).map(|n| &n.kind) else {
            return;
        };
        let at = petgraph::graph::NodeIndex::new(node as usize);
        let Some(body) = self.context.playbook.follow(at, &Edge::Body) else {
            return;
        };
        self.spawn(
            thread,
            body.index() as u32,
            false,
            format!("[{index}]"),
            Some((*slot, element)),
        );
    }

    /// Ends a thread; the main one ends the run, others are joined by their parent.
    pub(super) fn end(&mut self, thread: u32, ending: Option<Ending>) {
        let Some(t) = self.run.threads.get(&thread) else {
            return;
        };
        let Some(parent) = t.parent else {
            return self.end_run(thread, ending);
        };
        self.run.threads.remove(&thread);
        let Some(p) = self.run.threads.get_mut(&parent) else {
            return;
        };
        let Waiting::Children {
            open,
            pending,
            worst,
            ..
        } = &mut p.waiting
        else {
            return;
        };
        *open = open.saturating_sub(1);
        *worst = worse(worst.take(), ending);
        if !pending.is_empty() {
            return self.next_element(parent);
        }
        if *open > 0 {
            return;
        }
        match worst.take() {
            None => {
                if !self.go(parent, &Edge::Done) {
                    self.end(parent, None);
                }
            }
            Some(ending) => self.end(parent, Some(ending)),
        }
    }

    fn end_run(&mut self, thread: u32, ending: Option<Ending>) {
        let outcome = match ending {
            Some(Ending::Failed(failure)) => {
                if self.enter_on_failure(thread, &failure) {
                    return;
                }
                Outcome::Failed(failure)
            }
            Some(Ending::End(outcome)) => outcome,
            None if self.run.recorded_failures > 0 => Outcome::CompletedWithFailures,
            None => Outcome::Completed,
        };
        // A run that failed stays failed whatever `on failure` did.
        let outcome = match self.run.failing.clone() {
            Some(failure) => Outcome::Failed(failure),
            None => outcome,
        };
        self.finish(outcome);
    }
}

/// A failure outweighs an early end, which outweighs nothing; the first of its kind stays.
fn worse(a: Option<Ending>, b: Option<Ending>) -> Option<Ending> {
    match (&a, &b) {
        (Some(Ending::Failed(_)), _) | (Some(_), None) => a,
        (Some(Ending::End(_)), Some(Ending::End(_))) => a,
        _ => b,
    }
}
