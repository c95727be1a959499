//! A machine in, its shape out: which branches belong to which fork, which edges lead back to a timer, whether every
//! way ends.

use super::{Ends, Step};
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::BTreeMap;

/// A part of a machine that is run as one: what it passes, from its first node to its ends, in an order in which
/// every node comes after those that lead to it. Branches and bodies inside are parts of their own.
pub struct Part {
    /// The nodes.
    pub order: Vec<NodeIndex>,
    /// Where the part leads on from a node.
    pub next: BTreeMap<NodeIndex, Vec<(Edge, NodeIndex)>>,
}

/// The part that begins at a node.
pub fn part(playbook: &Playbook, start: NodeIndex) -> Part {
    let mut next: BTreeMap<NodeIndex, Vec<(Edge, NodeIndex)>> = BTreeMap::new();
    let mut order = Vec::new();
    // Depth-first without recursion: a node is done when everything behind it is.
    let mut stack = vec![(start, false)];
    while let Some((node, done)) = stack.pop() {
        if done {
            order.push(node);
            continue;
        }
        if next.contains_key(&node) {
            continue;
        }
        stack.push((node, true));
        let edges: Vec<(Edge, NodeIndex)> = playbook
            .graph
            .edges_directed(node, Direction::Outgoing)
            .filter(|e| !matches!(e.weight(), Edge::Branch(_) | Edge::Body))
            .map(|e| (e.weight().clone(), e.target()))
            .collect();
        for (_, target) in &edges {
            if !next.contains_key(target) {
                stack.push((*target, false));
            }
        }
        next.insert(node, edges);
    }
    order.reverse();
    // A look that finds nothing leads back to its timer, which is above.
    let rank: BTreeMap<NodeIndex, usize> = order.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    for (node, edges) in &mut next {
        edges.retain(|(_, target)| rank.get(target) > rank.get(node));
    }
    Part { order, next }
}

/// Where each branch of a fork begins, in order.
pub fn branches(playbook: &Playbook, fork: NodeIndex) -> Vec<NodeIndex> {
    (0..)
        .map_while(|i| playbook.follow(fork, &Edge::Branch(i)))
        .collect()
}

/// The end of each branch of each fork; `None` where a branch never joins.
pub fn joins(playbook: &Playbook) -> BTreeMap<NodeIndex, Vec<Option<NodeIndex>>> {
    let is_join = |node: &NodeIndex| {
        let kind = playbook.graph.node_weight(*node).map(|n| &n.kind);
        matches!(kind, Some(NodeKind::JoinEnd))
    };
    let of = |node: NodeIndex| {
        let kind = playbook.graph.node_weight(node).map(|n| &n.kind);
        matches!(kind, Some(NodeKind::Fork)).then(|| {
            let ends = branches(playbook, node)
                .into_iter()
                .map(|start| part(playbook, start).order.into_iter().find(is_join));
            (node, ends.collect())
        })
    };
    playbook.graph.node_indices().filter_map(of).collect()
}

/// The nodes that a timer comes back through, itself included; a timer without looks in between is alone.
pub fn cycles(playbook: &Playbook) -> BTreeMap<NodeIndex, Vec<NodeIndex>> {
    tarjan_scc(&playbook.graph)
        .into_iter()
        .filter(|nodes| nodes.len() > 1)
        .flat_map(|nodes| nodes.clone().into_iter().map(move |n| (n, nodes.clone())))
        .collect()
}

/// Every way ends when no cycle is left without the edges on which a timer lets a run look again: each timer has a
/// limit, and everything else is passed once.
pub fn ends(playbook: &Playbook) -> Ends {
    let mut without: DiGraph<(), ()> = playbook.graph.map(|_, _| (), |_, _| ());
    without.clear_edges();
    for edge in playbook.graph.edge_references() {
        if !(*edge.weight() == Edge::Tick && has_limit(playbook, edge.source())) {
            without.add_edge(edge.source(), edge.target(), ());
        }
    }
    let mut cycle: Vec<NodeIndex> = tarjan_scc(&without)
        .into_iter()
        .find(|nodes| nodes.len() > 1 || nodes.iter().any(|n| without.find_edge(*n, *n).is_some()))
        .unwrap_or_default();
    cycle.sort();
    Ends {
        proved: cycle.is_empty(),
        cycle: cycle
            .iter()
            .filter_map(|node| Step::at(playbook, *node))
            .collect(),
    }
}

fn has_limit(playbook: &Playbook, node: NodeIndex) -> bool {
    matches!(
        playbook.graph.node_weight(node).map(|n| &n.kind),
        Some(
            NodeKind::Wait { .. }
                | NodeKind::WaitClock { .. }
                | NodeKind::WaitTime { .. }
                | NodeKind::WaitSinceStart { .. }
                | NodeKind::WaitUntil { .. }
                | NodeKind::WaitEvent(_)
        )
    )
}
