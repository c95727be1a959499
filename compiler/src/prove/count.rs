//! A machine in, the most actions that one run can take out.
//!
//! Of two ways the one with more counts, of branches all, of a loop's body as many as the loop takes elements. Each
//! impact is counted on the way that has most of it. A call that is repeated is one action.

use super::Actions;
use super::shape::{branches, cycles, part};
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use petgraph::graph::NodeIndex;
use std::collections::{BTreeMap, BTreeSet};

/// The most actions of a run, those of `on failure` included: the last step of any way may be the one that fails.
pub fn most(playbook: &Playbook) -> Actions {
    let again: BTreeSet<NodeIndex> = cycles(playbook).into_keys().collect();
    let stages = from(playbook, playbook.start, &again);
    match playbook.on_failure {
        Some(failure) => stages + from(playbook, failure, &again),
        None => stages,
    }
}

fn from(playbook: &Playbook, start: NodeIndex, again: &BTreeSet<NodeIndex>) -> Actions {
    let part = part(playbook, start);
    let mut most: BTreeMap<NodeIndex, Actions> = BTreeMap::new();
    for node in part.order.iter().rev() {
        let behind = part
            .next
            .get(node)
            .into_iter()
            .flatten()
            .filter_map(|(_, target)| most.get(target).copied())
            .fold(Actions::default(), Actions::max);
        let own = match playbook.graph.node_weight(*node).map(|n| &n.kind) {
            // Looking again asks and does nothing. Should it ever do something, nothing is promised.
            Some(NodeKind::Perform(perform)) if again.contains(node) => {
                Actions::one(perform.impact) * u64::MAX
            }
            Some(NodeKind::Perform(perform)) => Actions::one(perform.impact),
            Some(NodeKind::Fork) => branches(playbook, *node)
                .into_iter()
                .map(|branch| from(playbook, branch, again))
                .fold(Actions::default(), |all, one| all + one),
            Some(NodeKind::ForEach { limit, .. }) => playbook
                .follow(*node, &Edge::Body)
                .map_or(Actions::default(), |body| {
                    from(playbook, body, again) * u64::from(*limit)
                }),
            _ => Actions::default(),
        };
        most.insert(*node, own + behind);
    }
    most.get(&start).copied().unwrap_or_default()
}
