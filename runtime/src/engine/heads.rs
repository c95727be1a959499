//! A program in; what matching needs of the heads of its playbooks and the declarations of its events out, made once.

use super::kit::Kit;
use counterplay_machine::Program;
use counterplay_machine::index::Index;
use counterplay_machine::playbook::{Playbook, TriggerKind, Webhook};
use counterplay_machine::reader::Reader;
use std::sync::Arc;

/// What is made of a program before its events come.
pub(super) struct Heads {
    /// Who waits for what.
    pub(super) index: Index,
    /// What of an object is looked at.
    pub(super) reader: Reader,
}

impl Heads {
    pub(super) fn of(program: &Program) -> Arc<Heads> {
        let heads = Heads {
            index: Index::new(program),
            reader: Reader::new(program),
        };
        tracing::debug!(
            playbooks = program.playbooks.len(),
            bytes = heads.index.bytes(),
            "indexed the heads of all playbooks"
        );
        Arc::new(heads)
    }
}

/// The playbooks that listen to a webhook in a tenant, each with the trigger that matches and its webhook.
pub(super) fn hook_listeners<'k>(
    kit: &'k Kit,
    tenant: &str,
    hook: &str,
) -> Vec<(&'k Playbook, usize, &'k Webhook)> {
    let Some(tenant) = kit.tenant(tenant) else {
        return Vec::new();
    };
    let scene = kit.scene(&tenant);
    let found = kit.heads.index.listening(&kit.awake, scene, hook);
    let with_webhook = |candidate: counterplay_machine::index::Candidate<'k>| {
        let playbook = kit.program.playbooks.get(candidate.playbook)?;
        match &playbook.triggers.get(candidate.trigger)?.kind {
            TriggerKind::Webhook(webhook) => Some((playbook, candidate.trigger, webhook)),
            _ => None,
        }
    };
    found
        .candidates
        .into_iter()
        .filter_map(with_webhook)
        .collect()
}
