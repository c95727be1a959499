//! Schedules of playbooks in, arrivals when they come due out: each time once, across restarts.

use super::begin::Tick;
use super::drive::Driver;
use super::{Engine, EngineError};
use crate::store::{ArrivalKind, NewArrival};
use counterplay_machine::deployment::Mode;
use counterplay_machine::ingest;
use counterplay_machine::playbook::TriggerKind;
use counterplay_machine::schedule::next_after;
use serde_json::json;
use std::collections::BTreeSet;

/// A schedule of a playbook in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// When it is next due, in milliseconds since the Unix epoch.
    pub(super) at_ms: i64,
    tenant: String,
    playbook: String,
    trigger: usize,
}

/// Whether a trigger is a schedule.
pub(super) fn is_schedule(kind: &TriggerKind) -> bool {
    matches!(kind, TriggerKind::Every(_) | TriggerKind::At { .. })
}

impl Engine {
    /// Reads when each schedule was last due. One that is new counts from now on.
    pub(super) async fn load_schedules(&self, driver: &mut Driver) -> Result<(), EngineError> {
        driver.schedules = BTreeSet::new();
        if !self.inner.schedules {
            return Ok(());
        }
        let kit = &self.inner.kit;
        let now = kit.clock.now_ms();
        let mut wanted = Vec::new();
        for playbook in kit.program.playbooks.values() {
            if ingest::mode(&kit.deployment, playbook) == Mode::Paused {
                continue;
            }
            for (trigger, _) in playbook
                .triggers
                .iter()
                .enumerate()
                .filter(|(_, t)| is_schedule(&t.kind))
            {
                for (name, tenant) in &kit.deployment.tenants {
                    if playbook.tenants.includes(name, &tenant.groups) {
                        wanted.push((name.clone(), playbook.id.to_string(), trigger));
                    }
                }
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        let asked = wanted.clone();
        let known = self
            .inner
            .store
            .read(move |tx| {
                asked
                    .iter()
                    .map(|(t, p, i)| tx.last_tick(t, p, *i))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let mut fresh = Vec::new();
        for ((tenant, playbook, trigger), last) in wanted.into_iter().zip(known) {
            if last.is_none() {
                fresh.push((tenant.clone(), playbook.clone(), trigger));
            }
            driver
                .schedules
                .extend(self.due(tenant, playbook, trigger, last.unwrap_or(now)));
        }
        if !fresh.is_empty() {
            self.inner
                .store
                .write(move |tx| {
                    fresh
                        .iter()
                        .try_for_each(|(t, p, i)| tx.set_tick(t, p, *i, now))
                })
                .await?;
        }
        Ok(())
    }

    fn due(&self, tenant: String, playbook: String, trigger: usize, after_ms: i64) -> Option<Due> {
        let kit = &self.inner.kit;
        let kind = &kit
            .program
            .playbooks
            .get(playbook.as_str())?
            .triggers
            .get(trigger)?
            .kind;
        let zone = kit
            .deployment
            .tenants
            .get(&tenant)?
            .zone
            .as_deref()
            .unwrap_or("UTC");
        Some(Due {
            at_ms: next_after(kind, zone, after_ms)?,
            tenant,
            playbook,
            trigger,
        })
    }

    /// Turns schedules that are due into arrivals; whether there were any. One that was missed
    /// several times is caught up once.
    pub(super) async fn fire_schedules(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let now = self.inner.kit.clock.now_ms();
        let mut any = false;
        while let Some(due) = driver.schedules.first().filter(|d| d.at_ms <= now).cloned() {
            let arrival = NewArrival {
                tenant: due.tenant.clone(),
                kind: ArrivalKind::Tick,
                name: due.playbook.clone(),
                payload: json!(Tick {
                    trigger: due.trigger
                }),
                source: None,
                at_ms: now,
            };
            let trigger = due.trigger;
            self.inner
                .store
                .write(move |tx| {
                    tx.set_tick(&arrival.tenant, &arrival.name, trigger, now)?;
                    tx.add_arrival(&arrival, None)
                })
                .await?;
            driver.schedules.remove(&due);
            let next = self.due(due.tenant, due.playbook, due.trigger, now);
            driver.schedules.extend(next);
            any = true;
        }
        Ok(any)
    }
}
