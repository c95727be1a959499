//! A machine in, the longest that a run of it can take out.
//!
//! Counted are waits, gates and questions with their limits, and calls with their repetitions and confirmations. The
//! time for which a run is held, or waits for another run that acts on the same, is not.

use super::Step;
use super::shape::{branches, cycles, part};
use crate::verify::takes::{call_ms, held_ms, last_look_ms, rounds};
use counterplay_machine::duration::{DAY_MS, HOUR_MS};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use counterplay_machine::{Program, Value};
use petgraph::graph::NodeIndex;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// How long a run can take.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Longest {
    /// In milliseconds, without the waits in `open`.
    pub ms: i64,
    /// Waits whose length is a value that is known only when the run comes to them; they end all the same.
    pub open: Vec<Step>,
    /// Parameters that each tenant may set; their defaults are counted.
    pub parameters: BTreeSet<String>,
}

impl Longest {
    /// Whether it is more than can be counted, so that it is no bound.
    pub fn is_beyond_counting(&self) -> bool {
        self.ms == i64::MAX
    }
}

/// Works out the longest that a run can take, `on failure` included.
pub fn longest(program: &Program, playbook: &Playbook) -> Longest {
    let mut clock = Clock {
        program,
        playbook,
        cycles: cycles(playbook),
        open: BTreeSet::new(),
        parameters: BTreeSet::new(),
    };
    let mut ms = clock.span(playbook.start, 0);
    if let Some(failure) = playbook.on_failure {
        ms = clock.span(failure, ms);
    }
    let (open, parameters) = (clock.open, clock.parameters);
    Longest {
        ms,
        open: open
            .into_iter()
            .filter_map(|node| Step::at(playbook, node))
            .collect(),
        parameters,
    }
}

struct Clock<'p> {
    program: &'p Program,
    playbook: &'p Playbook,
    cycles: BTreeMap<NodeIndex, Vec<NodeIndex>>,
    open: BTreeSet<NodeIndex>,
    parameters: BTreeSet<String>,
}

impl Clock<'_> {
    /// The latest time at which a part that begins at a time is over.
    fn span(&mut self, start: NodeIndex, at: i64) -> i64 {
        let part = part(self.playbook, start);
        let mut arrivals: BTreeMap<NodeIndex, i64> = BTreeMap::from([(start, at)]);
        let mut latest = at;
        for node in &part.order {
            let Some(at) = arrivals.get(node).copied() else {
                continue;
            };
            let looks_until = self.leaves(*node, at);
            let look = last_look_ms(self.playbook, &self.cycles, *node, self.program);
            let left = looks_until.saturating_add(look);
            latest = latest.max(left);
            for (edge, target) in part.next.get(node).into_iter().flatten() {
                let left = if *edge == Edge::Tick {
                    looks_until
                } else {
                    left
                };
                let arrival = arrivals.entry(*target).or_insert(left);
                *arrival = (*arrival).max(left);
            }
        }
        latest
    }

    /// The latest time at which a node is left that is reached at a time.
    fn leaves(&mut self, node: NodeIndex, at: i64) -> i64 {
        let playbook = self.playbook;
        let Some(weight) = playbook.graph.node_weight(node) else {
            return at;
        };
        match &weight.kind {
            NodeKind::Wait { duration } => {
                let takes = self.value(node, duration);
                at.saturating_add(takes)
            }
            // A day, and the hour by which daylight saving makes one longer.
            NodeKind::WaitClock { .. } => at.saturating_add(DAY_MS + HOUR_MS),
            NodeKind::WaitTime { .. } => at.saturating_add(counterplay_machine::step::WAIT_MAX_MS),
            NodeKind::WaitSinceStart { after_ms, after } => {
                if let Some(after) = after {
                    self.value(node, after);
                }
                at.max(*after_ms)
            }
            NodeKind::WaitUntil { at_most_ms, .. } => at.saturating_add(*at_most_ms),
            NodeKind::WaitEvent(wait) => at.saturating_add(wait.at_most_ms),
            NodeKind::Approve(approve) => at.saturating_add(approve.within_ms),
            NodeKind::Ask(ask) => at.saturating_add(ask.within_ms),
            NodeKind::Query { query, .. } => at.saturating_add(call_ms(self.program, query)),
            NodeKind::Perform(perform) => at
                .saturating_add(call_ms(self.program, &perform.action))
                .saturating_add(held_ms(self.program, &perform.action, perform.impact)),
            NodeKind::Fork => branches(playbook, node)
                .into_iter()
                .map(|branch| self.span(branch, at))
                .max()
                .unwrap_or(at),
            NodeKind::ForEach {
                list,
                limit,
                at_a_time,
                ..
            } => match playbook.follow(node, &Edge::Body) {
                Some(body) => {
                    let rounds = rounds(list, *limit, *at_a_time);
                    let once = self.span(body, 0);
                    at.saturating_add(once.saturating_mul(rounds))
                }
                None => at,
            },
            _ => at,
        }
    }

    /// The length of a wait: a constant, a parameter's default, or nothing that is known.
    fn value(&mut self, node: NodeIndex, duration: &Expr) -> i64 {
        match duration {
            Expr::Const(Value::Duration(ms)) => (*ms).max(0),
            Expr::Param(name, Value::Duration(ms)) => {
                self.parameters.insert(name.to_string());
                (*ms).max(0)
            }
            _ => {
                self.open.insert(node);
                0
            }
        }
    }
}
