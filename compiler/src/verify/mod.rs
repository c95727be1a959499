//! A machine and what is known of its steps in, proofs and findings out: gates, times, orders, levels and loops.

pub mod acts;
mod gates;
pub mod known;
mod levels;
mod loops;
mod never;
mod order;
mod reach;
mod soonest;
mod stale;
pub mod takes;
mod time;

use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use counterplay_machine::Program;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, Graph, NodeKind, Playbook, StageKind};
use petgraph::graph::NodeIndex;
use std::collections::BTreeSet;
use std::sync::Arc;

pub use known::holds;
pub use reach::{Reached, reach};

/// Checks a machine, and writes into it which approvals open which steps.
///
/// `program` holds what the playbook calls and the guards of the project; `limited` are the actions of which a guard of
/// the project lets only so many through.
pub fn verify(
    playbook: &mut Playbook,
    facts: &Facts,
    program: &Program,
    limited: &BTreeSet<Arc<str>>,
) -> Vec<Diagnostic> {
    let mut diagnostics = gates::check(playbook, facts, program);
    diagnostics.extend(order::check(playbook, facts));
    diagnostics.extend(levels::check(playbook, facts));
    diagnostics.extend(loops::check(playbook, facts, limited));
    diagnostics.extend(stale::check(playbook, facts));
    diagnostics.extend(never::check(playbook, facts));
    diagnostics
}

/// The way to a node as a reader follows it: the decisions and waits, then the step.
pub fn told(graph: &Graph, way: &[NodeIndex]) -> String {
    told_with(graph, way, &[], None)
}

/// The same, with steps on the way that are `shown`, too, and how the last decision goes.
fn told_with(graph: &Graph, way: &[NodeIndex], shown: &[NodeIndex], last: Option<&Edge>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (i, node) in way.iter().enumerate() {
        let Some(weight) = graph.node_weight(*node) else {
            continue;
        };
        let next = way.get(i + 1);
        let edge = match next {
            Some(next) => graph
                .edges_connecting(*node, *next)
                .next()
                .map(|e| e.weight()),
            None => last,
        };
        let label = &weight.label;
        match &weight.kind {
            NodeKind::Start => parts.push("start".into()),
            NodeKind::Match { cases, .. } => {
                let case = match edge {
                    Some(Edge::Case(index)) => cases.get(*index as usize).map(|values| {
                        let shown = values.iter().map(|v| match v {
                            Expr::Const(value) => value.plain(),
                            _ => "…".into(),
                        });
                        shown.collect::<Vec<_>>().join(", ")
                    }),
                    _ => None,
                };
                parts.push(format!(
                    "{label}: {}",
                    case.unwrap_or_else(|| "any other case".into())
                ));
            }
            NodeKind::Ask(ask) => {
                let answer = match edge {
                    Some(Edge::Case(index)) => ask
                        .answers
                        .get(*index as usize)
                        .map(|all| format!("\"{}\"", all.join("\", \""))),
                    other => other.map(|e| edge_word(e).to_owned()),
                };
                parts.push(format!("{label}: {}", answer.unwrap_or_else(|| "…".into())));
            }
            NodeKind::Branch { .. } | NodeKind::Approve(_) => {
                parts.push(format!("{label}: {}", edge.map_or("…", edge_word)));
            }
            // Its time is said by the level's line, where the way goes on to it.
            NodeKind::WaitSinceStart { .. }
                if way
                    .get(i..)
                    .is_some_and(|rest| rest.iter().any(|n| is_level(graph, *n))) => {}
            NodeKind::Stage { .. }
            | NodeKind::Wait { .. }
            | NodeKind::WaitClock { .. }
            | NodeKind::WaitTime { .. }
            | NodeKind::WaitSinceStart { .. } => parts.push(label.to_string()),
            NodeKind::WaitUntil { .. } => match edge {
                Some(Edge::Done) => parts.push(format!("{label}: timed out")),
                _ => parts.push(label.to_string()),
            },
            NodeKind::Fork | NodeKind::ForEach { .. }
                if matches!(edge, Some(Edge::Branch(_) | Edge::Body)) =>
            {
                parts.push(label.to_string());
            }
            _ if edge == Some(&Edge::Failed) => {
                parts.push(format!("{label}: failed"));
            }
            _ if next.is_none() || shown.contains(node) => parts.push(label.to_string()),
            _ => {}
        }
    }
    parts.dedup();
    if parts.len() > 8 {
        let tail = parts.split_off(parts.len() - 6);
        parts.truncate(1);
        parts.push("…".into());
        parts.extend(tail);
    }
    parts.join(" → ")
}

fn is_level(graph: &Graph, node: NodeIndex) -> bool {
    matches!(
        graph.node_weight(node).map(|n| &n.kind),
        Some(NodeKind::Stage {
            stage: StageKind::Escalate { .. } | StageKind::EscalateSkipped { .. }
        })
    )
}

fn edge_word(edge: &Edge) -> &'static str {
    match edge {
        Edge::Done => "done",
        Edge::Failed => "failed",
        Edge::True => "yes",
        Edge::False => "no",
        Edge::Case(_) => "this case",
        Edge::Otherwise => "any other case",
        Edge::Branch(_) => "in parallel",
        Edge::Body => "each",
        Edge::Approved => "approved",
        Edge::Rejected => "rejected",
        Edge::Unanswered => "unanswered",
        Edge::Tick => "looking again",
        Edge::Came => "came",
    }
}

/// The nodes of a set in order.
type Nodes = BTreeSet<NodeIndex>;
