//! A graph and the edges that are closed in, what can be reached and how out.

use super::Nodes;
use crate::lower::Facts;
use counterplay_machine::playbook::{Edge, Graph, NodeKind};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, VecDeque};

/// What can be reached from a start, and from where each node was reached first.
pub struct Reached {
    /// The nodes.
    pub nodes: Nodes,
    came_from: BTreeMap<NodeIndex, NodeIndex>,
}

impl Reached {
    /// The way to a node, from the start.
    pub fn way(&self, to: NodeIndex) -> Vec<NodeIndex> {
        back(&self.came_from, to)
    }
}

/// Goes back from a node to where the way to it began.
pub fn back(came_from: &BTreeMap<NodeIndex, NodeIndex>, to: NodeIndex) -> Vec<NodeIndex> {
    let mut way = vec![to];
    let mut at = to;
    while let Some(before) = came_from.get(&at) {
        way.push(*before);
        at = *before;
        if way.len() > 100_000 {
            break;
        }
    }
    way.reverse();
    way
}

/// Reaches breadth-first, so that ways are short. What follows a fork is reached when every branch can end.
pub fn reach(
    graph: &Graph,
    facts: &Facts,
    starts: &[NodeIndex],
    open: &dyn Fn(NodeIndex, &Edge) -> bool,
) -> Reached {
    let mut nodes = Nodes::new();
    let mut came_from = BTreeMap::new();
    let mut queue: VecDeque<NodeIndex> = starts.iter().copied().collect();
    nodes.extend(starts.iter().copied());
    let forks: BTreeMap<NodeIndex, NodeIndex> = facts
        .joins
        .iter()
        .flat_map(|(fork, joins)| joins.iter().flatten().map(move |join| (*join, *fork)))
        .collect();
    while let Some(node) = queue.pop_front() {
        let mut next: Vec<NodeIndex> = Vec::new();
        let is_fork = matches!(
            graph.node_weight(node).map(|n| &n.kind),
            Some(NodeKind::Fork)
        );
        let joins = facts.joins.get(&node).is_some_and(|j| !j.is_empty());
        for edge in graph.edges_directed(node, Direction::Outgoing) {
            if is_fork && joins && *edge.weight() == Edge::Done {
                continue;
            }
            if open(node, edge.weight()) {
                next.push(edge.target());
            }
        }
        // The last branch that ends opens what follows the fork.
        if let Some(fork) = forks.get(&node)
            && let Some(joins) = facts.joins.get(fork)
            && joins.iter().all(|j| j.is_some_and(|j| nodes.contains(&j)))
        {
            next.extend(
                graph
                    .edges_directed(*fork, Direction::Outgoing)
                    .filter(|e| *e.weight() == Edge::Done)
                    .map(|e| e.target()),
            );
        }
        for target in next {
            if nodes.insert(target) {
                came_from.insert(target, node);
                queue.push_back(target);
            }
        }
    }
    Reached { nodes, came_from }
}
