//! A playbook in, what people ask of its graph out: what is in it how often, and what two of them have not in common.

use crate::playbook::{NodeKind, Playbook};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What one has and the other has not, each as often as that is so.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) gone: Vec<String>,
    pub(super) added: Vec<String>,
}

/// Compares two lists whose order does not matter. What is left is in the order of the lists.
pub(super) fn difference(
    before: impl Iterator<Item = String>,
    after: impl Iterator<Item = String>,
) -> Difference {
    let before: Vec<String> = before.collect();
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    for text in &before {
        *left.entry(text.clone()).or_default() += 1;
    }
    let mut added = Vec::new();
    for text in after {
        match left.get_mut(&text) {
            Some(count) if *count > 0 => *count -= 1,
            _ => added.push(text),
        }
    }
    // The last ones of their kind are those that the other has not.
    let mut gone: Vec<String> = before
        .into_iter()
        .rev()
        .filter(|text| match left.get_mut(text) {
            Some(count) if *count > 0 => {
                *count -= 1;
                true
            }
            _ => false,
        })
        .collect();
    gone.reverse();
    Difference { gone, added }
}

/// The steps that act without approval, by action and reason.
pub fn accepted_steps(playbook: &Playbook) -> BTreeMap<(Arc<str>, Arc<str>), usize> {
    let mut out = BTreeMap::new();
    for node in playbook.graph.node_weights() {
        if let NodeKind::Perform(perform) = &node.kind
            && let Some(why) = &perform.accepted
        {
            *out.entry((perform.action.clone(), why.clone()))
                .or_default() += 1;
        }
    }
    out
}

/// The lines of the source that steps of a kind stand in, in the order of the graph.
pub(super) fn lines(playbook: &Playbook, of: impl Fn(&NodeKind) -> bool) -> Vec<String> {
    let nodes = playbook.graph.node_weights();
    let found = nodes.filter(|node| of(&node.kind));
    found
        .map(|node| {
            let line = node.label.trim_end().trim_end_matches('{');
            line.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn what_is_there_twice_counts_twice() {
        let texts = |all: &[&str]| all.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let found = difference(
            texts(&["a", "b", "a", "c"]).into_iter(),
            texts(&["c", "a", "d"]).into_iter(),
        );
        assert_eq!(found.gone, ["b", "a"]);
        assert_eq!(found.added, ["d"]);
    }
}
