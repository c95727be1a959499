//! A program and a playbook in, the permissions that the playbook needs at each service, and what needs them, out.

use crate::declare::Source;
use crate::deployment::Deployment;
use crate::hash;
use crate::playbook::{NodeKind, Playbook, Trigger, TriggerKind};
use crate::program::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Permissions by connection; each with the actions, queries and events that need it.
pub type Permissions = BTreeMap<Arc<str>, BTreeMap<Arc<str>, BTreeSet<Arc<str>>>>;

/// What a playbook needs: for everything that its machine can call, what confirms or takes that back, what its
/// triggers ask, and the sources of the events that start it or that it waits for.
pub fn of(program: &Program, playbook: &Playbook) -> Permissions {
    let mut out = Permissions::new();
    for name in hash::used(program, playbook) {
        let Some(callable) = program.callables.get(&name) else {
            continue;
        };
        let connection = callable.request.connection();
        for permission in &callable.permissions {
            needs(&mut out, connection, permission, &name);
        }
    }
    let started = playbook.triggers.iter().filter_map(|t| match &t.kind {
        TriggerKind::Event(event) => Some(event),
        _ => None,
    });
    let awaited = playbook.graph.node_weights().filter_map(|n| match &n.kind {
        NodeKind::WaitEvent(wait) => Some(&wait.event),
        _ => None,
    });
    for event in started.chain(awaited).filter_map(|e| program.events.get(e)) {
        if let Source::Poll { connection, .. } = &event.source {
            for permission in &event.permissions {
                needs(&mut out, connection, permission, &event.name);
            }
        }
    }
    out
}

/// What a playbook needs in one tenant; nothing where no run of it can start there, because it is not for that tenant
/// or because everything that starts it is delivered to another one.
pub fn in_tenant(
    program: &Program,
    deployment: &Deployment,
    playbook: &Playbook,
    tenant: &str,
) -> Option<Permissions> {
    let groups = &deployment.tenants.get(tenant)?.groups;
    if !playbook.tenants.includes(tenant, groups) {
        return None;
    }
    let comes = |trigger: &Trigger| match &trigger.kind {
        TriggerKind::Webhook(hook) => deployment
            .webhooks
            .get(&*hook.name)
            .is_none_or(|settings| settings.tenant == tenant),
        _ => true,
    };
    if playbook.triggers.iter().all(comes) {
        return Some(of(program, playbook));
    }
    let mut here = playbook.clone();
    here.triggers.retain(comes);
    (!here.triggers.is_empty()).then(|| of(program, &here))
}

fn needs(out: &mut Permissions, connection: &Arc<str>, permission: &Arc<str>, by: &Arc<str>) {
    out.entry(connection.clone())
        .or_default()
        .entry(permission.clone())
        .or_default()
        .insert(by.clone());
}
