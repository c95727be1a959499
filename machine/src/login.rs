//! A playbook and an open approval in, whether a person has to log in to answer it out.

use crate::declare::Impact;
use crate::playbook::{Edge, NodeKind, Playbook};
use crate::state::OpenApproval;
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::collections::BTreeSet;

/// Whether who answers has to log in: a yes would lead to a disruptive or destructive action before anybody is
/// asked again. A question decides nothing by itself and never needs it.
pub fn needs_login(playbook: &Playbook, open: &OpenApproval) -> bool {
    if !open.answers.is_empty() {
        return false;
    }
    let graph = &playbook.graph;
    let start = NodeIndex::new(open.node as usize);
    let mut todo = match graph.node_weight(start).map(|n| &n.kind) {
        Some(NodeKind::Approve(approve)) => {
            let covered = approve.covers.iter();
            let mut todo: Vec<NodeIndex> = covered.map(|n| NodeIndex::new(*n as usize)).collect();
            todo.extend(playbook.follow(start, &Edge::Approved));
            todo
        }
        // A guard asks before an action.
        Some(NodeKind::Perform(perform)) => return perform.impact >= Impact::Disruptive,
        _ => return true,
    };
    let mut seen = BTreeSet::new();
    while let Some(at) = todo.pop() {
        if !seen.insert(at) {
            continue;
        }
        let kind = graph.node_weight(at).map(|n| &n.kind);
        if matches!(kind, Some(NodeKind::Perform(p)) if p.impact >= Impact::Disruptive) {
            return true;
        }
        // What lies behind another approval's yes is another person's word.
        let asks = matches!(kind, Some(NodeKind::Approve(a)) if !a.default_approve);
        let ways = graph.edges_directed(at, Direction::Outgoing);
        let open = ways.filter(|way| !(asks && *way.weight() == Edge::Approved));
        todo.extend(open.map(|way| way.target()));
    }
    false
}
