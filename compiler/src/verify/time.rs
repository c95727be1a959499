//! Two nodes in, the longest time that can lie between them out.

use super::reach::back;
use super::takes::{self, call_ms, held_ms, last_look_ms};
use crate::lower::Facts;
use crate::prove::shape::cycles;
use counterplay_machine::duration::{DAY_MS, HOUR_MS};
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use counterplay_machine::{Program, Value};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, DfsPostOrder, EdgeRef};
use std::collections::{BTreeMap, BTreeSet};

/// Stands for a time that nothing limits.
pub const UNBOUNDED_MS: i64 = i64::MAX / 8;

/// The longest time from an approval to a step, in milliseconds, and the way that takes it; `None` where no way leads
/// there. `closed` are other approvals of the same entity: behind them it is theirs that counts.
pub fn longest(
    playbook: &Playbook,
    facts: &Facts,
    gate: NodeIndex,
    step: NodeIndex,
    closed: &[NodeIndex],
    program: &Program,
) -> Option<(i64, Vec<NodeIndex>)> {
    let flow = flow(playbook, facts, closed, program);
    let first = playbook.follow(gate, &Edge::Approved)?;
    let mut order = Vec::new();
    let mut dfs = DfsPostOrder::new(&flow, first);
    while let Some(node) = dfs.next(&flow) {
        order.push(node);
    }
    order.reverse();
    let rank: BTreeMap<NodeIndex, usize> = order.iter().enumerate().map(|(i, n)| (*n, i)).collect();
    // A branch waits for the others: what follows the fork comes after the longest of them.
    let mut together: BTreeMap<NodeIndex, (i64, NodeIndex)> = BTreeMap::new();
    for (fork, joins) in &facts.joins {
        let longest = (0..joins.len())
            .filter_map(|i| playbook.follow(*fork, &Edge::Branch(i as u32)))
            .map(|start| (inside(playbook, start, program), start))
            .max();
        if let Some((longest, start)) = longest {
            let slowest = slowest(playbook, start, program);
            together.extend(
                joins
                    .iter()
                    .flatten()
                    .map(|join| (*join, (longest, slowest))),
            );
        }
    }
    let mut elapsed: BTreeMap<NodeIndex, i64> = BTreeMap::from([(first, 0)]);
    let mut came_from: BTreeMap<NodeIndex, NodeIndex> = BTreeMap::from([(first, gate)]);
    for node in &order {
        let Some(at) = elapsed.get(node).copied() else {
            continue;
        };
        if *node == step {
            // What opens a step is looked at once more when people have let it pass a guard.
            let at = at.saturating_add(own_guard_ms(playbook, step, program));
            return Some((at.min(UNBOUNDED_MS), back(&came_from, step)));
        }
        let own = spent(playbook, *node, at, program);
        let beside = together.get(node).filter(|(longest, _)| *longest > own);
        let after = beside.map_or(own, |(longest, _)| *longest);
        // What is waited for beside it belongs to the way.
        let mut before = *node;
        if let Some((_, slowest)) = beside
            && !came_from.contains_key(slowest)
            && *slowest != gate
        {
            came_from.insert(*slowest, *node);
            before = *slowest;
        }
        for edge in flow.edges_directed(*node, Direction::Outgoing) {
            // Edges that lead back belong to waits that look again; their time is counted with the wait.
            if rank.get(&edge.target()) > rank.get(node) {
                let value = after.saturating_add(*edge.weight()).min(UNBOUNDED_MS);
                let best = elapsed.entry(edge.target()).or_insert(-1);
                if value > *best {
                    *best = value;
                    came_from.insert(edge.target(), before);
                }
            }
        }
    }
    None
}

/// For how long a guard may hold a step up.
fn own_guard_ms(playbook: &Playbook, step: NodeIndex, program: &Program) -> i64 {
    match playbook.graph.node_weight(step).map(|n| &n.kind) {
        Some(NodeKind::Perform(perform)) => held_ms(program, &perform.action, perform.impact),
        _ => 0,
    }
}

/// The time since the approval when a node is left.
fn spent(playbook: &Playbook, node: NodeIndex, at: i64, program: &Program) -> i64 {
    let Some(weight) = playbook.graph.node_weight(node) else {
        return at;
    };
    let takes =
        match &weight.kind {
            NodeKind::Wait {
                duration: Expr::Const(Value::Duration(ms)),
            } => *ms,
            NodeKind::Wait { .. } | NodeKind::WaitTime { .. } => UNBOUNDED_MS,
            // A day, and the hour by which daylight saving makes one longer.
            NodeKind::WaitClock { .. } => DAY_MS + HOUR_MS,
            // Counted from the start of the run, which was before the approval.
            NodeKind::WaitSinceStart {
                after_ms,
                after: None,
            } => return at.max(*after_ms),
            // A parameter that each tenant may set.
            NodeKind::WaitSinceStart { .. } => UNBOUNDED_MS,
            NodeKind::WaitUntil { at_most_ms, .. } => *at_most_ms,
            NodeKind::Approve(approve) => approve.within_ms,
            NodeKind::Ask(ask) => ask.within_ms,
            NodeKind::WaitEvent(wait) => wait.at_most_ms,
            NodeKind::Query { query, .. } => call_ms(program, query),
            NodeKind::Perform(perform) => call_ms(program, &perform.action)
                .saturating_add(held_ms(program, &perform.action, perform.impact)),
            _ => 0,
        };
    at.saturating_add(takes).min(UNBOUNDED_MS)
}

/// The longest that a branch or a loop's body can take: all of its steps, inner loops as often as they may run.
fn inside(playbook: &Playbook, start: NodeIndex, program: &Program) -> i64 {
    let mut seen = BTreeSet::from([start]);
    let mut todo = vec![start];
    let mut total = 0_i64;
    while let Some(node) = todo.pop() {
        total = total.saturating_add(spent(playbook, node, 0, program));
        if let Some((rounds, body)) = rounds(playbook, node) {
            let all = inside(playbook, body, program).saturating_mul(rounds);
            total = total.saturating_add(all);
        }
        for edge in playbook.graph.edges_directed(node, Direction::Outgoing) {
            if *edge.weight() != Edge::Body && seen.insert(edge.target()) {
                todo.push(edge.target());
            }
        }
    }
    total.min(UNBOUNDED_MS)
}

/// The step of a branch that takes the longest.
fn slowest(playbook: &Playbook, start: NodeIndex, program: &Program) -> NodeIndex {
    let mut dfs = Dfs::new(&playbook.graph, start);
    let mut best = (0, start);
    while let Some(node) = dfs.next(&playbook.graph) {
        let takes = spent(playbook, node, 0, program);
        if takes > best.0 {
            best = (takes, node);
        }
    }
    best.1
}

/// How often a loop's body may run one after the other, and where the body begins.
fn rounds(playbook: &Playbook, node: NodeIndex) -> Option<(i64, NodeIndex)> {
    match playbook.graph.node_weight(node).map(|n| &n.kind) {
        Some(NodeKind::ForEach {
            list,
            limit,
            at_a_time,
            ..
        }) => {
            let body = playbook.follow(node, &Edge::Body)?;
            Some((takes::rounds(list, *limit, *at_a_time), body))
        }
        _ => None,
    }
}

/// The graph as time flows: what follows a fork or a loop follows the ends of its branches and bodies.
fn flow(
    playbook: &Playbook,
    facts: &Facts,
    closed: &[NodeIndex],
    program: &Program,
) -> DiGraph<(), i64> {
    let graph = &playbook.graph;
    let mut flow: DiGraph<(), i64> = graph.map(|_, _| (), |_, _| 0);
    flow.clear_edges();
    let cycles = cycles(playbook);
    for edge in graph.edge_references() {
        let joined = facts
            .joins
            .get(&edge.source())
            .is_some_and(|j| !j.is_empty());
        let shut = *edge.weight() == Edge::Approved && closed.contains(&edge.source());
        if shut || (joined && *edge.weight() == Edge::Done) {
            continue;
        }
        // The last element comes after all the others; what follows the loop, after all of them.
        let weight = match (edge.weight(), rounds(playbook, edge.source())) {
            (Edge::Body, Some((rounds, body))) => {
                inside(playbook, body, program).saturating_mul((rounds - 1).max(0))
            }
            (Edge::Done, Some((rounds, body))) => {
                inside(playbook, body, program).saturating_mul(rounds)
            }
            (Edge::Tick, _) => 0,
            // A look that begins just before a wait's end is still seen through.
            _ => last_look_ms(playbook, &cycles, edge.source(), program),
        };
        flow.add_edge(edge.source(), edge.target(), weight.min(UNBOUNDED_MS));
    }
    for (fork, joins) in &facts.joins {
        if let Some(next) = playbook.follow(*fork, &Edge::Done) {
            for join in joins.iter().flatten() {
                flow.add_edge(*join, next, 0);
            }
        }
    }
    flow
}
