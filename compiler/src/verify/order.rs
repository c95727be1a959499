//! Order facts of the library: an action that only makes sense after another one on the same entity.

use super::Nodes;
use super::reach::reach;
use crate::check::Path;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::{Facts, Performed};
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::{Dfs, EdgeRef};
use std::sync::Arc;

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
                || !later.acts_on.iter().flatten().any(|a| {
                    let others = earlier.acts_on.iter().flatten();
                    let a = through_lists(facts, a);
                    others.into_iter().any(|b| through_lists(facts, b) == a)
                })
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
            let mut starts = vec![later.node];
            starts.extend(after_what_holds(playbook, later.node));
            let then = reach(&playbook.graph, facts, &starts, &|_, _| true);
            let parallel = in_parallel(playbook, facts, earlier.node, later.node);
            if !then.nodes.contains(&earlier.node) && !parallel {
                continue;
            }
            let mut way = without.way(later.node);
            if !parallel {
                let rest = then.way(earlier.node).into_iter();
                way.extend(rest.filter(|node| *node != later.node));
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

/// What comes after the loops and forks that hold a node: their bodies end in themselves.
fn after_what_holds(playbook: &Playbook, node: NodeIndex) -> Vec<NodeIndex> {
    let graph = &playbook.graph;
    let holds = |outer: NodeIndex| {
        graph
            .edges_directed(outer, Direction::Outgoing)
            .any(|edge| {
                matches!(edge.weight(), Edge::Body | Edge::Branch(_)) && {
                    let mut inside = Dfs::new(graph, edge.target());
                    std::iter::from_fn(|| inside.next(graph)).any(|n| n == node)
                }
            })
    };
    graph
        .node_indices()
        .filter(|n| {
            let kind = graph.node_weight(*n).map(|n| &n.kind);
            matches!(kind, Some(NodeKind::ForEach { .. } | NodeKind::Fork)) && holds(*n)
        })
        .filter_map(|outer| playbook.follow(outer, &Edge::Done))
        .collect()
}

/// An entity as a path from what is no element of a loop: two loops over one list meet the same elements.
fn through_lists(facts: &Facts, path: &Path) -> Path {
    let (mut slot, mut fields) = path.clone();
    // Each list is known before the loop over it, so that this ends; the limit says so, too.
    for _ in 0..facts.element_of.len() {
        let Some((list, of)) = facts.element_of.get(&slot) else {
            break;
        };
        let of = of.iter().cloned().chain([Arc::from("[]")]).chain(fields);
        (slot, fields) = (*list, of.collect());
    }
    (slot, fields)
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
