//! Order facts of the library: an action that only makes sense after another one on the same entity.

use super::Nodes;
use super::reach::reach;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::{Facts, Performed};
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::graph::NodeIndex;

pub fn check(playbook: &Playbook, facts: &Facts) -> Vec<Diagnostic> {
    let mut diagnostics = Vec::new();
    let action = |p: &Performed| match playbook.graph.node_weight(p.node).map(|n| &n.kind) {
        Some(NodeKind::Perform(perform)) => Some(perform.action.clone()),
        _ => None,
    };
    for later in &facts.performed {
        for earlier in &facts.performed {
            let Some(name) = action(earlier) else {
                continue;
            };
            if !later.after.contains(&name)
                || !later
                    .acts_on
                    .iter()
                    .any(|a| a.is_some() && earlier.acts_on.contains(a))
            {
                continue;
            }
            // Can the later one happen although the earlier one has not, and the earlier one still come?
            let without = reach(&playbook.graph, facts, &[playbook.start], &|node, _| {
                node != earlier.node
            });
            if !without.nodes.contains(&later.node) {
                continue;
            }
            let then = reach(&playbook.graph, facts, &[later.node], &|_, _| true);
            let parallel = in_parallel(playbook, facts, earlier.node, later.node);
            if !then.nodes.contains(&earlier.node) && !parallel {
                continue;
            }
            let mut way = without.way(later.node);
            if !parallel {
                way.extend(then.way(earlier.node).into_iter().skip(1));
            }
            let way = super::told_with(&playbook.graph, &way, &[later.node], None);
            let label = playbook
                .graph
                .node_weight(later.node)
                .map_or("this", |n| &n.label);
            let first = name.rsplit('.').next().unwrap_or(&name);
            diagnostics.push(
                Diagnostic::error(
                    codes::ORDER,
                    format!(
                        "`{}` has to come after `{first}`{}",
                        label.split_once('(').map_or(label, |(n, _)| n),
                        if parallel { ", not beside it" } else { "" }
                    ),
                    later.place.clone(),
                    format!("{}: {way}", if parallel { "may happen first" } else { "happens first" }),
                )
                .also(earlier.place.clone(), "this has to be done before")
                .also(later.declared.clone(), format!("declared with `after: {first}`"))
                .because("done first, its effect is undone at once: an account that is still open simply signs in again"),
            );
        }
    }
    diagnostics
}

fn in_parallel(playbook: &Playbook, facts: &Facts, a: NodeIndex, b: NodeIndex) -> bool {
    facts.joins.iter().any(|(fork, joins)| {
        let branches: Vec<Nodes> = (0..joins.len())
            .filter_map(|i| playbook.follow(*fork, &Edge::Branch(i as u32)))
            .map(|start| reach(&playbook.graph, facts, &[start], &|_, _| true).nodes)
            .collect();
        let of = |node: NodeIndex| branches.iter().position(|nodes| nodes.contains(&node));
        matches!((of(a), of(b)), (Some(x), Some(y)) if x != y)
    })
}
