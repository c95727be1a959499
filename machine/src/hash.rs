//! A playbook and the declarations that it uses in, the hash of what decides its behaviour out.
//!
//! Places, labels, documentation, connections and the people in teams are left out: changing those
//! changes no decision, so a run may keep its version across them.

use crate::declare::Callable;
use crate::playbook::{NodeKind, Origin, Playbook};
use crate::program::{FORMAT, Program};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The content hash, in hexadecimal.
pub fn of(program: &Program, playbook: &Playbook) -> String {
    let bare = bare(playbook);
    let callables: Vec<Callable> = used(program, playbook)
        .iter()
        .filter_map(|name| program.callables.get(name))
        .map(|c| Callable {
            doc: Arc::from(""),
            ..c.clone()
        })
        .collect();
    let mut hasher = Sha256::new();
    hasher.update(FORMAT.to_le_bytes());
    // Serialising plain data to memory cannot fail; an empty part would only change the hash.
    hasher.update(serde_json::to_vec(&bare).unwrap_or_default());
    hasher.update(serde_json::to_vec(&callables).unwrap_or_default());
    hasher
        .finalize()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

/// A playbook without what decides nothing: places, labels, words for people.
pub fn bare(playbook: &Playbook) -> Playbook {
    let mut bare = playbook.clone();
    bare.hash = String::new();
    bare.doc = Arc::from("");
    bare.title = Arc::from("");
    for node in bare.graph.node_weights_mut() {
        node.origin = Origin::default();
        node.label = Arc::from("");
    }
    bare
}

/// The actions and queries that a playbook can call: those of `before`, `confirm`, `check` and `undo`, and what is asked
/// about the events that start it or that it waits for, included.
pub fn used(program: &Program, playbook: &Playbook) -> BTreeSet<Arc<str>> {
    let mut todo: Vec<Arc<str>> = Vec::new();
    for node in playbook.graph.node_weights() {
        match &node.kind {
            NodeKind::Query { query, .. } => todo.push(query.clone()),
            NodeKind::Perform(perform) => todo.push(perform.action.clone()),
            // An awaited event has fetched fields as one that starts a run has.
            NodeKind::WaitEvent(wait) => {
                let event = program.events.get(&wait.event);
                let fetched = event.iter().flat_map(|e| &e.fetched);
                todo.extend(fetched.map(|f| f.query.clone()));
            }
            _ => {}
        }
    }
    for trigger in &playbook.triggers {
        if let Some(each) = &trigger.for_each
            && let crate::playbook::ListSource::Query(query, _) = &each.list
        {
            todo.push(query.clone());
        }
        if let crate::playbook::TriggerKind::Manual(params) = &trigger.kind {
            todo.extend(params.iter().filter_map(|p| p.lookup.clone()));
        }
        if let crate::playbook::TriggerKind::Webhook(webhook) = &trigger.kind {
            todo.extend(webhook.lookups.values().cloned());
        }
        if let crate::playbook::TriggerKind::Event(event) = &trigger.kind
            && let Some(event) = program.events.get(event)
        {
            todo.extend(event.fetched.iter().map(|f| f.query.clone()));
        }
    }
    let mut seen = BTreeSet::new();
    while let Some(name) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        if let Some(callable) = program.callables.get(&name) {
            if let Some(confirm) = &callable.confirm {
                todo.extend(confirm.queries.iter().map(|(_, q, _)| q.clone()));
            }
            if let Some(check) = &callable.check {
                todo.extend(check.queries.iter().map(|(_, q, _)| q.clone()));
            }
            if let Some(before) = &callable.before {
                todo.push(before.query.clone());
            }
            if let Some((undo, _)) = &callable.undo {
                todo.push(undo.clone());
            }
        }
    }
    seen
}
