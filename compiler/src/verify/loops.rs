//! A machine in, harm that a long list would do to everything in it out.
//!
//! An approval names what it opens, so that a person has seen how many there are. What is accepted without one is
//! done to a list of any length, up to the loop's own limit, unless the author has said where to stop.

use super::reach::reach;
use super::told;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use counterplay_machine::Value;
use counterplay_machine::declare::Impact;
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{Edge, NodeKind, Perform, Playbook};
use petgraph::graph::NodeIndex;
use std::collections::BTreeSet;
use std::sync::Arc;

pub fn check(playbook: &Playbook, facts: &Facts, limited: &BTreeSet<Arc<str>>) -> Vec<Diagnostic> {
    let mut starts = vec![playbook.start];
    starts.extend(playbook.on_failure);
    let all = reach(&playbook.graph, facts, &starts, &|_, _| true);
    let loops = unlimited(playbook, facts);
    let runs = facts
        .runs_for_each
        .iter()
        .find(|(_, list)| !is_short(playbook, list));
    let mut found = Vec::new();
    for performed in &facts.performed {
        let node = performed.node;
        let Some(NodeKind::Perform(perform)) = playbook.graph.node_weight(node).map(|n| &n.kind)
        else {
            continue;
        };
        if !harms_many(limited, perform) || !all.nodes.contains(&node) {
            continue;
        }
        let inside = loops.iter().find(|(_, body)| body.contains(&node));
        let (from, label, help) = match (inside, runs) {
            (Some((each, _)), _) => (
                facts.places.get(each).cloned(),
                "goes through a list, up to 100 when nothing else is said",
                "say how many are too many: `, refuse more than 20`; a longer list then fails the step before the first element is touched",
            ),
            (None, Some((place, _))) => (
                Some(place.clone()),
                "starts a run for each element, however many there are",
                "let somebody approve each: `approve \"…?\" about …, by team.…`; they see how many they are asked for",
            ),
            (None, None) => continue,
        };
        let label_of = playbook
            .graph
            .node_weight(node)
            .map_or("this step", |n| &n.label);
        let name = label_of.split_once('(').map_or(label_of, |(n, _)| n);
        let mut diagnostic = Diagnostic::warning(
            codes::HARM_TO_MANY,
            format!(
                "`{name}` is {} and is done to each element of a list, and nothing says how many are too many",
                perform.impact
            ),
            performed.place.clone(),
            format!("done to each: {}", told(&playbook.graph, &all.way(node))),
        );
        if let Some(place) = from {
            diagnostic = diagnostic.also(place, label);
        }
        if let Some(inside) = &performed.inside {
            diagnostic = diagnostic.also(inside.clone(), "inside of the steps that are called");
        }
        found.push(
            diagnostic
                .because("one wrong list, a filter that suddenly matches everybody, and the whole tenant is hit before anybody looks")
                .help(help),
        );
    }
    found
}

/// Whether a step does harm that neither an approval nor a guard holds back.
fn harms_many(limited: &BTreeSet<Arc<str>>, perform: &Perform) -> bool {
    perform.impact >= Impact::Disruptive
        && perform.accepted.is_some()
        && perform.gates.is_empty()
        && !limited.contains(&perform.action)
}

/// Loops that do not say where they stop, with everything inside of them.
fn unlimited(playbook: &Playbook, facts: &Facts) -> Vec<(NodeIndex, super::Nodes)> {
    let each = playbook.graph.node_indices().filter_map(|node| {
        let Some(NodeKind::ForEach { list, .. }) =
            playbook.graph.node_weight(node).map(|n| &n.kind)
        else {
            return None;
        };
        if facts.limited.contains(&node) || is_short(playbook, list) {
            return None;
        }
        let body = playbook.follow(node, &Edge::Body)?;
        let inside = reach(&playbook.graph, facts, &[body], &|_, _| true).nodes;
        Some((node, inside))
    });
    each.collect()
}

/// Whether a list is as long as it was written.
fn is_short(playbook: &Playbook, list: &Expr) -> bool {
    match list {
        Expr::List(_) | Expr::Const(Value::List(_)) => true,
        Expr::Comprehension { source, .. } => is_short(playbook, source),
        Expr::Slot(slot) => {
            let mut values = bound_to(playbook, *slot).peekable();
            values.peek().is_some() && values.all(|value| is_short(playbook, value))
        }
        _ => false,
    }
}

/// What `let` and `return` gave a variable.
fn bound_to(playbook: &Playbook, slot: Slot) -> impl Iterator<Item = &Expr> {
    playbook
        .graph
        .node_weights()
        .filter_map(move |n| match &n.kind {
            NodeKind::Bind { slot: s, value } if *s == slot && *value != Expr::Slot(slot) => {
                Some(value)
            }
            _ => None,
        })
}
