//! A machine in, decisions about what an event said long ago out.
//!
//! The fields of an event are facts of the moment at which it happened; what is so now is asked.

use super::soonest::soonest;
use super::told;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::Facts;
use counterplay_machine::duration::{HOUR_MS, format_ms};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{NodeKind, Playbook};
use std::collections::BTreeMap;

/// For how long an event's fields are as good as an answer, in milliseconds.
const FRESH_MS: i64 = HOUR_MS;

/// What a run was started with: the variable, and whether it is the event itself or an element of a trigger's list.
fn started_with(playbook: &Playbook) -> BTreeMap<Slot, bool> {
    let elements = playbook.triggers.iter().flat_map(|t| &t.for_each);
    let elements = elements.map(|each| (each.slot, false));
    elements
        .chain(playbook.event_slot.map(|event| (event, true)))
        .collect()
}

pub fn check(playbook: &Playbook, facts: &Facts) -> Vec<Diagnostic> {
    let old = started_with(playbook);
    if old.is_empty() {
        return Vec::new();
    }
    let soonest = soonest(playbook, facts);
    let mut found = Vec::new();
    for node in playbook.graph.node_indices() {
        let tested = match playbook.graph.node_weight(node).map(|n| &n.kind) {
            Some(NodeKind::Branch { condition }) => condition,
            Some(NodeKind::Match { subject, .. }) => subject,
            _ => continue,
        };
        let Some((slot, field)) = field_of(tested, &old) else {
            continue;
        };
        let Some(at) = soonest.at(node).filter(|at| *at > FRESH_MS) else {
            continue;
        };
        let Some(place) = facts.places.get(&node) else {
            continue;
        };
        let mut way = soonest.way(node);
        way.pop();
        let way = told(&playbook.graph, &way);
        let name = playbook
            .slots
            .get(slot.0 as usize)
            .map_or("the event", |slot| &slot.name);
        let (said, because) = match old.get(&slot) {
            Some(true) => (
                "the event said",
                "an event's fields are facts of the moment; much may have changed since, and the run would not notice",
            ),
            _ => (
                "was known when the run started",
                "what a run was started with are facts of that moment; much may have changed since, and the run would not notice",
            ),
        };
        let diagnostic = Diagnostic::warning(
            codes::STALE,
            format!("`{name}.{field}` is what {said}, at least {} ago", format_ms(at)),
            place.clone(),
            format!("decides by it after {way}"),
        )
        .because(because)
        .help("ask what is so now, with a query, or decide before the wait and keep the answer with `let`");
        // Steps that are put in place of several calls are told of once.
        if !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    found
}

/// The first field of what the run was started with that a condition looks at. Whether a value is there at all does not
/// change: asking for it is how the author gets at what may be absent. Nor does an id.
fn field_of(expr: &Expr, old: &BTreeMap<Slot, bool>) -> Option<(Slot, String)> {
    if let Expr::IsPresent(_) = expr {
        return None;
    }
    if let Some((slot, fields)) = expr.path() {
        let last = fields.last()?;
        if !old.contains_key(&slot) || **last == *"id" {
            return None;
        }
        let fields: Vec<&str> = fields.iter().map(|f| &**f).collect();
        return Some((slot, fields.join(".")));
    }
    expr.parts()
        .into_iter()
        .find_map(|part| field_of(part, old))
}
