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

/// For how long an event's fields are as good as an answer, in milliseconds.
const FRESH_MS: i64 = HOUR_MS;

pub fn check(playbook: &Playbook, facts: &Facts) -> Vec<Diagnostic> {
    let Some(event) = playbook.event_slot else {
        return Vec::new();
    };
    let soonest = soonest(playbook, facts);
    let mut found = Vec::new();
    for node in playbook.graph.node_indices() {
        let tested = match playbook.graph.node_weight(node).map(|n| &n.kind) {
            Some(NodeKind::Branch { condition }) => condition,
            Some(NodeKind::Match { subject, .. }) => subject,
            _ => continue,
        };
        let Some(field) = field_of(tested, event) else {
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
            .get(event.0 as usize)
            .map_or("the event", |slot| &slot.name);
        let diagnostic = Diagnostic::warning(
            codes::STALE,
            format!(
                "`{name}.{field}` is what the event said, at least {} ago",
                format_ms(at)
            ),
            place.clone(),
            format!("decides by it after {way}"),
        )
        .because("an event's fields are facts of the moment; much may have changed since, and the run would not notice")
        .help("ask what is so now, with a query, or decide before the wait and keep the answer with `let`");
        // Steps that are put in place of several calls are told of once.
        if !found.contains(&diagnostic) {
            found.push(diagnostic);
        }
    }
    found
}

/// The first field of the event that a condition tests. Whether a value is there at all does not change:
/// asking for it is how the author gets at what may be absent.
fn field_of(expr: &Expr, event: Slot) -> Option<String> {
    if let Expr::IsPresent(_) = expr {
        return None;
    }
    if let Some((slot, fields)) = expr.path() {
        if slot != event || fields.is_empty() {
            return None;
        }
        let fields: Vec<&str> = fields.iter().map(|f| &**f).collect();
        return Some(fields.join("."));
    }
    match expr {
        Expr::Not(a) | Expr::Negate(a) | Expr::Matches(a, _) => field_of(a, event),
        Expr::And(a, b)
        | Expr::Or(a, b)
        | Expr::Compare(_, a, b)
        | Expr::In(a, b)
        | Expr::Contains(a, b)
        | Expr::StartsWith(a, b)
        | Expr::EndsWith(a, b)
        | Expr::Coalesce(a, b) => field_of(a, event).or_else(|| field_of(b, event)),
        _ => None,
    }
}
