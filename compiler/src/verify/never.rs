//! A machine in, the steps that come only where something holds that never does out.

use super::known::holds;
use super::reach::reach;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use counterplay_machine::playbook::{Edge, EndKind, NodeKind, Playbook, StageKind};
use petgraph::graph::NodeIndex;
use std::collections::BTreeMap;

pub fn check(playbook: &Playbook, facts: &Facts) -> Vec<Diagnostic> {
    // Conditions that look at nothing: what the head has decided may well be asked again in `steps`.
    let certain: BTreeMap<NodeIndex, bool> = playbook
        .graph
        .node_indices()
        .filter_map(|node| match &playbook.graph.node_weight(node)?.kind {
            NodeKind::Branch { condition } => Some((node, holds(condition, &[])?)),
            _ => None,
        })
        .collect();
    if certain.is_empty() {
        return Vec::new();
    }
    let closed = |node: NodeIndex, edge: &Edge| match certain.get(&node) {
        Some(true) => *edge == Edge::False,
        Some(false) => *edge == Edge::True,
        None => false,
    };
    let mut starts = vec![playbook.start];
    starts.extend(playbook.on_failure);
    let reached = reach(&playbook.graph, facts, &starts, &|node, edge| {
        !closed(node, edge)
    });
    let mut found = Vec::new();
    for (node, always) in &certain {
        let way = if *always { Edge::False } else { Edge::True };
        let Some(target) = playbook.follow(*node, &way) else {
            continue;
        };
        if !reached.nodes.contains(node)
            || reached.nodes.contains(&target)
            || facts.inlined.contains(&target)
        {
            continue;
        }
        let what = match playbook.graph.node_weight(target).map(|n| &n.kind) {
            None
            | Some(
                NodeKind::JoinEnd
                // Levels have a finding of their own.
                | NodeKind::WaitSinceStart { .. }
                | NodeKind::Stage {
                    stage: StageKind::Escalate { .. } | StageKind::EscalateSkipped { .. },
                }
                | NodeKind::End {
                    outcome: EndKind::Completed | EndKind::Resolved | EndKind::Failed,
                    ..
                },
            ) => continue,
            Some(NodeKind::Stage { .. }) => "stage",
            Some(_) => "step",
        };
        let (Some(place), Some(decided)) = (facts.places.get(&target), facts.places.get(node))
        else {
            continue;
        };
        let label = playbook
            .graph
            .node_weight(*node)
            .map_or("it", |n| &*n.label);
        found.push(
            Diagnostic::warning(
                codes::UNREACHABLE,
                format!("this {what} is never reached"),
                place.clone(),
                if *always {
                    format!("comes only where `{label}` does not hold")
                } else {
                    format!("comes only where `{label}` holds")
                },
            )
            .also(
                decided.clone(),
                if *always {
                    "always holds"
                } else {
                    "never holds"
                },
            ),
        );
    }
    found
}
