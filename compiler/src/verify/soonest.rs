//! A machine in, how soon after its start a run can come to each step, and on which way, out.

use crate::lower::Facts;
use counterplay_machine::Value;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// The earliest arrivals, in milliseconds after the start.
pub struct Soonest {
    arrivals: BTreeMap<NodeIndex, i64>,
    came_from: BTreeMap<NodeIndex, NodeIndex>,
}

impl Soonest {
    /// When a run can be at a node at the earliest; `None` where no way leads there.
    pub fn at(&self, node: NodeIndex) -> Option<i64> {
        self.arrivals.get(&node).copied()
    }

    /// The way on which it is there that early.
    pub fn way(&self, to: NodeIndex) -> Vec<NodeIndex> {
        super::reach::back(&self.came_from, to)
    }
}

/// Works out the earliest arrivals. Only waits take time: a call may be answered at once, a condition may hold at
/// once, and a list may be empty.
pub fn soonest(playbook: &Playbook, facts: &Facts) -> Soonest {
    let forks: BTreeMap<NodeIndex, NodeIndex> = facts
        .joins
        .iter()
        .flat_map(|(fork, joins)| joins.iter().flatten().map(move |join| (*join, *fork)))
        .collect();
    let mut found = Soonest {
        arrivals: BTreeMap::new(),
        came_from: BTreeMap::new(),
    };
    let mut queue = BinaryHeap::from([Reverse((0_i64, playbook.start, playbook.start))]);
    while let Some(Reverse((at, node, from))) = queue.pop() {
        if found.arrivals.contains_key(&node) {
            continue;
        }
        found.arrivals.insert(node, at);
        if from != node {
            found.came_from.insert(node, from);
        }
        let joins = facts.joins.get(&node).is_some_and(|j| !j.is_empty());
        for edge in playbook.graph.edges_directed(node, Direction::Outgoing) {
            if joins && *edge.weight() == Edge::Done {
                continue;
            }
            let at = leaves(playbook, node, edge.weight(), at);
            queue.push(Reverse((at, edge.target(), node)));
        }
        // Nodes come in the order of their times: whichever branch ends last opens what follows.
        if let Some(fork) = forks.get(&node)
            && let Some(joins) = facts.joins.get(fork)
            && joins
                .iter()
                .all(|j| j.is_some_and(|j| found.arrivals.contains_key(&j)))
            && let Some(next) = playbook.follow(*fork, &Edge::Done)
        {
            queue.push(Reverse((at, next, node)));
        }
    }
    found
}

/// When a node is left along an edge at the earliest.
fn leaves(playbook: &Playbook, node: NodeIndex, edge: &Edge, at: i64) -> i64 {
    let Some(weight) = playbook.graph.node_weight(node) else {
        return at;
    };
    match (&weight.kind, edge) {
        // A look in between comes before the wait's end.
        (_, Edge::Tick) => at,
        (
            NodeKind::Wait {
                duration: Expr::Const(Value::Duration(ms)),
            },
            _,
        ) => at.saturating_add((*ms).max(0)),
        // A parameter may say anything.
        (NodeKind::WaitSinceStart { after: Some(_), .. }, _) => at,
        (NodeKind::WaitSinceStart { after_ms, .. }, _) => at.max(*after_ms),
        (NodeKind::Ask(ask), Edge::Unanswered) => at.saturating_add(ask.within_ms),
        (NodeKind::WaitEvent(wait), Edge::Done) => at.saturating_add(wait.at_most_ms),
        (NodeKind::WaitUntil { at_most_ms, .. }, _) => at.saturating_add(*at_most_ms),
        (NodeKind::Approve(approve), Edge::Unanswered) => at.saturating_add(approve.within_ms),
        _ => at,
    }
}
