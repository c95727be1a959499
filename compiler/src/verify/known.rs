//! A machine in, the decisions of which it is certain how they go out.
//!
//! A condition is certain when it holds no question at all (`true`), or when every way to it has already decided it:
//! by the head's `if`, or by a branch before it. What may change between two looks (`now`) is never certain.

use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::{self, Env, TenantFacts};
use counterplay_machine::expr::{Expr, Slot};
use counterplay_machine::playbook::{Edge, NodeKind, Playbook};
use counterplay_machine::types::Types;
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, VecDeque};

/// How often a node is looked at again before nothing more is claimed of it.
const ROUNDS_MAX: usize = 64;

/// What has been decided before a node.
type Decided = Vec<(Expr, bool)>;

/// Decisions that always go one way.
#[derive(Debug, Default)]
pub struct Known {
    /// The branch, and how it goes.
    pub certain: BTreeMap<NodeIndex, bool>,
}

impl Known {
    /// Whether an edge is never taken.
    pub fn closed(&self, node: NodeIndex, edge: &Edge) -> bool {
        match self.certain.get(&node) {
            Some(true) => *edge == Edge::False,
            Some(false) => *edge == Edge::True,
            None => false,
        }
    }
}

/// Works out which decisions are certain.
pub fn known(playbook: &Playbook) -> Known {
    let mut head = Decided::new();
    for condition in &playbook.conditions {
        learn(&condition.expr, true, &mut head);
    }
    let mut before: BTreeMap<NodeIndex, Decided> = BTreeMap::from([(playbook.start, head)]);
    // What a run knows that failed is what its head knew.
    if let Some(failure) = playbook.on_failure {
        let head = before.get(&playbook.start).cloned().unwrap_or_default();
        before.insert(failure, head);
    }
    let mut rounds: BTreeMap<NodeIndex, usize> = BTreeMap::new();
    let mut todo: VecDeque<NodeIndex> = before.keys().copied().collect();
    while let Some(node) = todo.pop_front() {
        let Some(kind) = playbook.graph.node_weight(node).map(|n| &n.kind) else {
            continue;
        };
        let mut after = before.get(&node).cloned().unwrap_or_default();
        if let Some(slot) = bound(kind) {
            after.retain(|(expr, _)| !mentions(expr, slot));
        }
        for edge in playbook.graph.edges_directed(node, Direction::Outgoing) {
            let mut along = after.clone();
            if let (NodeKind::Branch { condition }, Edge::True | Edge::False) =
                (kind, edge.weight())
            {
                learn(condition, *edge.weight() == Edge::True, &mut along);
            }
            let target = edge.target();
            let changed = match before.get_mut(&target) {
                None => {
                    before.insert(target, along);
                    true
                }
                Some(there) => {
                    let was = there.len();
                    there.retain(|fact| along.contains(fact));
                    there.len() != was
                }
            };
            let round = rounds.entry(target).or_default();
            if changed && *round < ROUNDS_MAX {
                *round += 1;
                todo.push_back(target);
            } else if changed && let Some(there) = before.get_mut(&target) {
                there.clear();
            }
        }
    }
    let certain = before.iter().filter_map(|(node, decided)| {
        let NodeKind::Branch { condition } = &playbook.graph.node_weight(*node)?.kind else {
            return None;
        };
        Some((*node, holds(condition, decided)?))
    });
    Known {
        certain: certain.collect(),
    }
}

/// The variable that a step gives a value.
fn bound(kind: &NodeKind) -> Option<Slot> {
    match kind {
        NodeKind::Bind { slot, .. }
        | NodeKind::Query { slot, .. }
        | NodeKind::ForEach { slot, .. } => Some(*slot),
        NodeKind::Perform(perform) => perform.slot,
        NodeKind::Approve(approve) => Some(approve.slot),
        _ => None,
    }
}

/// Whether an expression looks at a variable.
pub fn mentions(expr: &Expr, slot: Slot) -> bool {
    let mut found = false;
    expr.walk(&mut |e| found |= *e == Expr::Slot(slot));
    found
}

/// Adds what a condition says when it went one way.
fn learn(condition: &Expr, way: bool, decided: &mut Decided) {
    match (condition, way) {
        (Expr::And(a, b), true) | (Expr::Or(a, b), false) => {
            learn(a, way, decided);
            learn(b, way, decided);
        }
        (Expr::Not(inner), _) => learn(inner, !way, decided),
        (Expr::Const(_), _) => {}
        _ if stays(condition) => {
            let fact = (condition.clone(), way);
            if !decided.contains(&fact) {
                decided.push(fact);
            }
        }
        _ => {}
    }
}

/// Whether an expression gives the same each time while its variables stay the same.
fn stays(expr: &Expr) -> bool {
    let mut stays = true;
    expr.walk(&mut |e| stays &= !matches!(e, Expr::Now | Expr::GeneratedPassword));
    stays
}

/// How a condition goes, where that is certain.
pub fn holds(condition: &Expr, decided: &[(Expr, bool)]) -> Option<bool> {
    if let Some((_, way)) = decided.iter().find(|(expr, _)| expr == condition) {
        return Some(*way);
    }
    match condition {
        Expr::Not(inner) => holds(inner, decided).map(|way| !way),
        Expr::And(a, b) => match (holds(a, decided), holds(b, decided)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        Expr::Or(a, b) => match (holds(a, decided), holds(b, decided)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        _ => constant(condition),
    }
}

/// The value of a condition that looks at nothing.
fn constant(condition: &Expr) -> Option<bool> {
    let mut looks = false;
    condition.walk(&mut |e| looks |= e.is_known_late());
    if looks {
        return None;
    }
    let (types, deployment, tenant) = (
        Types::default(),
        Deployment::default(),
        TenantFacts::default(),
    );
    let env = Env {
        types: &types,
        deployment: &deployment,
        tenant: &tenant,
        now_ms: 0,
        run: None,
        call: None,
        slots: &|_| None,
        names: &|_| None,
    };
    eval::eval_bool(condition, &env).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use counterplay_machine::Value;

    fn truth(b: bool) -> Box<Expr> {
        Box::new(Expr::Const(Value::Bool(b)))
    }

    #[test]
    fn what_looks_at_nothing_is_certain() {
        assert_eq!(holds(&truth(true), &[]), Some(true));
        assert_eq!(holds(&Expr::Not(truth(true)), &[]), Some(false));
        let asked = Box::new(Expr::Slot(Slot(0)));
        assert_eq!(holds(&asked, &[]), None);
        assert_eq!(
            holds(&Expr::Or(asked.clone(), truth(true)), &[]),
            Some(true)
        );
        assert_eq!(
            holds(&Expr::And(asked.clone(), truth(false)), &[]),
            Some(false)
        );
        assert_eq!(holds(&Expr::And(asked, truth(true)), &[]), None);
    }

    #[test]
    fn what_tenants_set_differently_is_never_certain() {
        let strict = Expr::Param("strict".into(), Value::Bool(false));
        assert_eq!(holds(&strict, &[]), None);
        assert_eq!(holds(&Expr::Not(Box::new(strict)), &[]), None);
        assert_eq!(holds(&Expr::TenantHas("intune".into()), &[]), None);
    }

    #[test]
    fn what_was_decided_stays_decided_and_the_clock_does_not() {
        let mut decided = Decided::new();
        let condition = Expr::And(
            Box::new(Expr::Slot(Slot(0))),
            Box::new(Expr::Not(Box::new(Expr::Slot(Slot(1))))),
        );
        learn(&condition, true, &mut decided);
        assert_eq!(holds(&Expr::Slot(Slot(0)), &decided), Some(true));
        assert_eq!(holds(&Expr::Slot(Slot(1)), &decided), Some(false));
        assert_eq!(holds(&Expr::Slot(Slot(2)), &decided), None);
        let clock = Expr::IsPresent(Box::new(Expr::Now));
        learn(&clock, true, &mut decided);
        assert_eq!(holds(&clock, &decided), None);
    }
}
