//! A machine and what is known of its steps in, proofs and findings out: gates, times and orders.

mod gates;
mod order;
mod reach;
mod time;

use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use counterplay_machine::expr::Expr;
use counterplay_machine::playbook::{Edge, Graph, NodeKind, Playbook};
use petgraph::graph::NodeIndex;
use std::collections::BTreeSet;

/// Checks a machine, and writes into it which approvals open which steps.
///
/// `call_ms` says how long a call of a name may take at most, repetitions and confirmation included.
pub fn verify(
    playbook: &mut Playbook,
    facts: &Facts,
    call_ms: &dyn Fn(&str) -> i64,
) -> Vec<Diagnostic> {
    let mut diagnostics = gates::check(playbook, facts, call_ms);
    diagnostics.extend(order::check(playbook, facts));
    diagnostics
}

/// The way to a node as a reader follows it: the decisions, then the step.
fn told(graph: &Graph, way: &[NodeIndex]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (i, node) in way.iter().enumerate() {
        let Some(weight) = graph.node_weight(*node) else {
            continue;
        };
        let next = way.get(i + 1);
        let edge = next
            .and_then(|n| graph.edges_connecting(*node, *n).next())
            .map(|e| e.weight());
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
            NodeKind::Perform(_) if next.is_none() => parts.push(label.to_string()),
            NodeKind::Stage { .. } => parts.push(label.to_string()),
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
