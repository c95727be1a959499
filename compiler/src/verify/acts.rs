//! A playbook's machine in, what it does to which entities out; all playbooks of a project in, those that undo what
//! another one does out.

use super::reach::reach;
use super::told;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower::{Facts, Performed};
use crate::span::Place;
use counterplay_machine::deployment::{Deployment, Mode};
use counterplay_machine::playbook::{NodeKind, Playbook, Tenants};
use counterplay_machine::types::Type;
use counterplay_machine::{Program, ingest};
use petgraph::graph::NodeIndex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An action that a run can take.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    /// The action.
    pub action: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// The way to it, as a reader follows it.
    pub way: String,
    /// The actions that every way to it has taken on the same entities before.
    pub after: BTreeSet<Arc<str>>,
}

/// What a playbook does: each action at the first place where it can be reached.
pub fn of(playbook: &Playbook, facts: &Facts) -> Vec<Act> {
    let mut starts = vec![playbook.start];
    starts.extend(playbook.on_failure);
    let all = reach(&playbook.graph, facts, &starts, &|_, _| true);
    let acts = facts
        .performed
        .iter()
        .filter(|performed| all.nodes.contains(&performed.node))
        .filter_map(|performed| {
            Some(Act {
                action: action(playbook, performed.node)?,
                place: performed.place.clone(),
                way: told(&playbook.graph, &all.way(performed.node)),
                after: before(playbook, facts, performed, &starts),
            })
        });
    acts.collect()
}

fn action(playbook: &Playbook, node: NodeIndex) -> Option<Arc<str>> {
    match playbook.graph.node_weight(node).map(|n| &n.kind) {
        // An `undo` takes back what its own run has done, and nothing where it has not.
        Some(NodeKind::Perform(perform)) if perform.undoes.is_empty() => {
            Some(perform.action.clone())
        }
        _ => None,
    }
}

/// The actions on the same entities without which a step is not reached.
fn before(
    playbook: &Playbook,
    facts: &Facts,
    performed: &Performed,
    starts: &[NodeIndex],
) -> BTreeSet<Arc<str>> {
    let mut same: BTreeMap<Arc<str>, Vec<NodeIndex>> = BTreeMap::new();
    for other in &facts.performed {
        let shares = other
            .acts_on
            .iter()
            .any(|a| a.is_some() && performed.acts_on.contains(a));
        if other.node != performed.node
            && shares
            && let Some(name) = action(playbook, other.node)
        {
            same.entry(name).or_default().push(other.node);
        }
    }
    same.into_iter()
        .filter(|(_, nodes)| {
            let around = reach(&playbook.graph, facts, starts, &|node, _| {
                !nodes.contains(&node)
            });
            !around.nodes.contains(&performed.node)
        })
        .map(|(name, _)| name)
        .collect()
}

/// Pairs of playbooks, given by their ids, of which one does what the other takes back. A playbook that takes back what it did itself
/// opposes nobody: the account that it blocked is its own to open.
pub fn opposed(
    program: &Program,
    deployment: Option<&Deployment>,
    each: &BTreeMap<&str, (&Playbook, &[Act])>,
) -> Vec<Diagnostic> {
    let active: Vec<(&Playbook, Vec<&Act>)> = each
        .values()
        .filter(|(playbook, _)| mode(playbook, deployment) == Mode::Active)
        .map(|(playbook, acts)| {
            let own = acts.iter().filter(|a| is_own(program, a));
            (*playbook, own.collect())
        })
        .collect();
    // Who does what: most playbooks of a large project have nothing to do with each other.
    let mut doers: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, (_, acts)) in active.iter().enumerate() {
        for act in acts {
            doers.entry(&act.action).or_default().push(index);
        }
    }
    let mut found = Vec::new();
    for (one, does) in &active {
        let undone = does.iter().filter_map(|act| undo_of(program, &act.action));
        let by = undone.filter_map(|undo| doers.get(&**undo)).flatten();
        let against: BTreeSet<usize> = by.copied().collect();
        for (other, undoes) in against.into_iter().filter_map(|index| active.get(index)) {
            if one.id == other.id || !meet(&one.tenants, &other.tenants, deployment) {
                continue;
            }
            let mut told: BTreeSet<(Arc<str>, Arc<str>)> = BTreeSet::new();
            for act in does {
                let Some(undo) = undo_of(program, &act.action) else {
                    continue;
                };
                let Some(back) = undoes.iter().find(|b| b.action == *undo) else {
                    continue;
                };
                // Two actions that take each other back are one pair.
                let mirrored =
                    undo_of(program, undo).is_some_and(|u| *u == act.action) && undo < &act.action;
                let Some(entity) = shared(program, &act.action, undo) else {
                    continue;
                };
                if mirrored || !told.insert((act.action.clone(), undo.clone())) {
                    continue;
                }
                found.push(opposition(one, act, other, back, &entity));
            }
        }
    }
    found
}

fn opposition(one: &Playbook, act: &Act, other: &Playbook, back: &Act, entity: &str) -> Diagnostic {
    Diagnostic::warning(
        codes::OPPOSED,
        format!(
            "`{}` does `{}` and `{}` takes it back with `{}`: both can be running for one {entity}",
            one.id, act.action, other.id, back.action
        ),
        act.place.clone(),
        format!("`{}`: {}", one.id, act.way),
    )
    .also(back.place.clone(), format!("`{}`: {}", other.id, back.way))
    .because("whichever comes last wins, and nobody has decided which that is")
    .help("let one playbook decide both, or give the two different tenants")
}

/// Whether a playbook does this of its own accord, and not to take back what it did before.
fn is_own(program: &Program, act: &Act) -> bool {
    !act.after
        .iter()
        .any(|before| undo_of(program, before).is_some_and(|undo| *undo == act.action))
}

fn undo_of<'p>(program: &'p Program, action: &str) -> Option<&'p Arc<str>> {
    let callable = program.callables.get(action)?;
    callable.undo.as_ref().map(|(name, _)| name)
}

/// The type of an entity that both actions act on.
fn shared(program: &Program, one: &str, other: &str) -> Option<String> {
    let types = |action: &str| -> Vec<Type> {
        program.callables.get(action).map_or(Vec::new(), |c| {
            let acted = c.params.iter().filter(|p| p.acted_on);
            acted.map(|p| p.ty.present().clone()).collect()
        })
    };
    let others = types(other);
    let ty = types(one).into_iter().find(|ty| others.contains(ty))?;
    Some(match ty {
        Type::Record(name) => name.rsplit('.').next().unwrap_or(&name).to_owned(),
        other => other.to_string(),
    })
}

/// The mode in which a playbook runs: the project file's, else its own.
fn mode(playbook: &Playbook, deployment: Option<&Deployment>) -> Mode {
    deployment.map_or(playbook.mode, |d| ingest::mode(d, playbook))
}

/// Whether two playbooks can run for one tenant.
fn meet(one: &Tenants, other: &Tenants, deployment: Option<&Deployment>) -> bool {
    if let Some(deployment) = deployment.filter(|d| !d.tenants.is_empty()) {
        return deployment.tenants.iter().any(|(name, tenant)| {
            one.includes(name, &tenant.groups) && other.includes(name, &tenant.groups)
        });
    }
    let apart = |one: &Tenants, other: &Tenants| match (one, other) {
        (Tenants::Listed(a), Tenants::Listed(b)) => a.iter().all(|name| !b.contains(name)),
        (Tenants::Listed(a), Tenants::Except(b)) => a.iter().all(|name| b.contains(name)),
        _ => false,
    };
    !apart(one, other) && !apart(other, one)
}
