//! Two nodes in, the longest time that can lie between them out.

use crate::lower::Facts;
use counterplay_machine::Value;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{DfsPostOrder, EdgeRef};
use std::collections::BTreeMap;

/// Stands for a time that nothing limits.
pub const UNBOUNDED_MS: i64 = i64::MAX / 8;

/// The longest time from an approval to a step, in milliseconds; `None` where no way leads there.
pub fn longest(
    playbook: &Playbook,
    facts: &Facts,
    gate: NodeIndex,
    step: NodeIndex,
    call_ms: &dyn Fn(&str) -> i64,
) -> Option<i64> {
    let flow = flow(playbook, facts, call_ms);
    let first = playbook.follow(gate, &Edge::Approved)?;
    let mut order = Vec::new();
    let mut dfs = DfsPostOrder::new(&flow, first);
    while let Some(node) = dfs.next(&flow) {
        order.push(node);
    }
    order.reverse();
    let rank: BTreeMap<NodeIndex, usize> = order.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    let mut elapsed: BTreeMap<NodeIndex, i64> = BTreeMap::from([(first, 0)]);
    for node in &order {
        let Some(at) = elapsed.get(node).copied() else {
            continue;
        };
        if *node == step {
            return Some(at);
        }
        let after = spent(playbook, *node, at, call_ms);
        for edge in flow.edges_directed(*node, Direction::Outgoing) {
            // Edges that lead back belong to waits that look again; their time is counted with the wait.
            if rank.get(&edge.target()) > rank.get(node) {
                let value = after.saturating_add(*edge.weight()).min(UNBOUNDED_MS);
                let best = elapsed.entry(edge.target()).or_insert(value);
                *best = (*best).max(value);
            }
        }
    }
    elapsed.get(&step).copied()
}

/// The time since the approval when a node is left.
fn spent(playbook: &Playbook, node: NodeIndex, at: i64, call_ms: &dyn Fn(&str) -> i64) -> i64 {
    let Some(weight) = playbook.graph.node_weight(node) else {
        return at;
    };
    let takes = match &weight.kind {
        NodeKind::Wait {
            duration: Expr::Const(Value::Duration(ms)),
        } => *ms,
        NodeKind::Wait { .. } => UNBOUNDED_MS,
        // Counted from the start of the run, which was before the approval.
        NodeKind::WaitSinceStart { after_ms } => return at.max(*after_ms),
        NodeKind::WaitUntil { at_most_ms, .. } => *at_most_ms,
        NodeKind::Approve(approve) => approve.within_ms,
        NodeKind::Query { query, .. } => call_ms(query),
        NodeKind::Perform(perform) => call_ms(&perform.action),
        _ => 0,
    };
    at.saturating_add(takes).min(UNBOUNDED_MS)
}

/// The graph as time flows: what follows a fork or a loop follows the ends of its branches and bodies.
fn flow(playbook: &Playbook, facts: &Facts, call_ms: &dyn Fn(&str) -> i64) -> DiGraph<(), i64> {
    let graph = &playbook.graph;
    let mut flow: DiGraph<(), i64> = graph.map(|_, _| (), |_, _| 0);
    flow.clear_edges();
    for edge in graph.edge_references() {
        let fork = matches!(
            graph.node_weight(edge.source()).map(|n| &n.kind),
            Some(NodeKind::Fork)
        );
        if !(fork && *edge.weight() == Edge::Done) {
            flow.add_edge(edge.source(), edge.target(), 0);
        }
    }
    for (fork, joins) in &facts.joins {
        if let Some(next) = playbook.follow(*fork, &Edge::Done) {
            for join in joins.iter().flatten() {
                flow.add_edge(*join, next, 0);
            }
        }
    }
    // A loop takes as long as all of its elements one after the other.
    for node in graph.node_indices() {
        let Some(NodeKind::ForEach {
            limit, at_a_time, ..
        }) = graph.node_weight(node).map(|n| &n.kind)
        else {
            continue;
        };
        let (Some(body), Some(next)) = (
            playbook.follow(node, &Edge::Body),
            playbook.follow(node, &Edge::Done),
        ) else {
            continue;
        };
        let rounds = i64::from(limit.div_ceil((*at_a_time).max(1)));
        let mut inside = 0_i64;
        let mut dfs = DfsPostOrder::new(graph, body);
        while let Some(one) = dfs.next(graph) {
            inside = inside.saturating_add(spent(playbook, one, 0, call_ms));
        }
        flow.add_edge(node, next, inside.saturating_mul(rounds).min(UNBOUNDED_MS));
    }
    flow
}
