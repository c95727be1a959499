//! A person's start of a playbook, or a schedule fired by hand, in; a committed arrival out.

use super::kit::Kit;
use super::matching::first_schedule;
use super::{Engine, Receipt, Refusal};
use crate::store::{ArrivalKind, NewArrival};
use counterplay_machine::deployment::Mode;
use counterplay_machine::playbook::{ManualParam, Playbook, TriggerKind};
use counterplay_machine::{ingest, json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// What is stored of a manual start.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ManualStart {
    /// The values by parameter.
    pub(super) values: Map<String, Json>,
    /// Who, by e-mail address.
    pub(super) by: Option<String>,
}

/// What is stored of a schedule that came due.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Tick {
    /// Which trigger of the playbook.
    pub(super) trigger: usize,
    /// The version whose schedule it is, where that is not the deployed one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    /// Whether a person fires it, for whichever versions there are.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) by_hand: bool,
}

impl Engine {
    /// Starts a playbook by hand. Values are given by parameter; where a query finds the entity, the
    /// value is its id. What the query says becomes known when the start is matched.
    ///
    /// # Errors
    /// When the playbook cannot be started by hand in this tenant or a value does not fit.
    pub async fn start_manual(
        &self,
        playbook: &str,
        tenant: &str,
        values: Map<String, Json>,
        by: Option<String>,
    ) -> Result<Receipt, Refusal> {
        let kit = self.kit();
        let found = self.startable(&kit, playbook, tenant)?;
        let Some(params) = manual_params(found) else {
            return Err(Refusal::CannotStart(format!(
                "`{playbook}` has no manual trigger"
            )));
        };
        check_values(&kit, found, params, &values)?;
        if let Some((former, acts)) = kit.former_of(playbook, tenant)
            && let Some(params) = manual_params(acts)
        {
            check_values(&former.kit, acts, params, &values).map_err(|refusal| match refusal {
                Refusal::BadValue { playbook, reason } => Refusal::BadValue {
                    playbook,
                    reason: format!("in its promoted version, which acts for {tenant}, {reason}"),
                },
                other => other,
            })?;
        }
        let start = ManualStart {
            values,
            by: by.clone(),
        };
        let place = (playbook, tenant);
        self.arrive(ArrivalKind::Manual, place, start, by).await
    }

    /// Fires a playbook's schedule now; its next time stays as it is. `by` stands behind the run as its starter would.
    ///
    /// # Errors
    /// When the playbook has no schedule or is not for this tenant.
    pub async fn tick_now(
        &self,
        playbook: &str,
        tenant: &str,
        by: Option<String>,
    ) -> Result<Receipt, Refusal> {
        let kit = self.kit();
        let found = self.startable(&kit, playbook, tenant)?;
        let Some(trigger) = first_schedule(found) else {
            return Err(Refusal::CannotStart(format!(
                "`{playbook}` has no schedule"
            )));
        };
        let tick = Tick {
            trigger,
            version: None,
            by_hand: true,
        };
        self.arrive(ArrivalKind::Tick, (playbook, tenant), tick, by)
            .await
    }

    fn startable<'k>(
        &self,
        kit: &'k Kit,
        playbook: &str,
        tenant: &str,
    ) -> Result<&'k Playbook, Refusal> {
        self.admit(kit, tenant)?;
        let Some(found) = kit.program.playbooks.get(playbook) else {
            return Err(Refusal::UnknownPlaybook {
                playbook: playbook.to_owned(),
                known: kit
                    .program
                    .playbooks
                    .keys()
                    .map(|n| n.to_string())
                    .collect(),
            });
        };
        let groups = kit
            .deployment
            .tenants
            .get(tenant)
            .map_or(&[][..], |t| &t.groups);
        if !found.tenants.includes(tenant, groups) {
            return Err(Refusal::CannotStart(format!(
                "`{playbook}` is not for tenant `{tenant}`"
            )));
        }
        if ingest::mode(&kit.deployment, found) == Mode::Paused {
            return Err(Refusal::CannotStart(format!("`{playbook}` is paused")));
        }
        Ok(found)
    }

    async fn arrive(
        &self,
        kind: ArrivalKind,
        (playbook, tenant): (&str, &str),
        what: impl Serialize,
        by: Option<String>,
    ) -> Result<Receipt, Refusal> {
        let payload = serde_json::to_value(what).map_err(|e| Refusal::BadValue {
            playbook: playbook.to_owned(),
            reason: e.to_string(),
        })?;
        let mut arrival = NewArrival {
            tenant: tenant.to_owned(),
            kind,
            name: playbook.to_owned(),
            payload: payload.into(),
            source: None,
            at_ms: self.inner.clock.now_ms(),
            behind: Vec::new(),
        };
        let event = self
            .inner
            .store
            .write(move |tx| {
                if let Some(by) = &by {
                    arrival.behind = tx.behind(by)?;
                }
                tx.add_arrival(&arrival, None)
            })
            .await?;
        self.inner.wake.notify_one();
        Ok(Receipt {
            event,
            name: playbook.into(),
            quiet: None,
            duplicate: false,
            unlisted: Vec::new(),
        })
    }
}

fn check_values(
    kit: &Kit,
    playbook: &Playbook,
    params: &[ManualParam],
    values: &Map<String, Json>,
) -> Result<(), Refusal> {
    let bad = |reason: String| Refusal::BadValue {
        playbook: playbook.id.to_string(),
        reason,
    };
    if let Some(name) = values
        .keys()
        .find(|name| !params.iter().any(|p| *p.name == **name))
    {
        let known: Vec<&str> = params.iter().map(|p| &*p.name).collect();
        return Err(bad(format!(
            "it has no `{name}`; it takes {}",
            known.join(", ")
        )));
    }
    for param in params {
        let value = values.get(&*param.name).unwrap_or(&Json::Null);
        let ty = if param.lookup.is_some() {
            &counterplay_machine::types::Type::Text
        } else {
            &param.ty
        };
        json::convert(&kit.program.types, value, ty, &param.name)
            .map_err(|m| bad(m.to_string()))?;
    }
    Ok(())
}

/// The parameters of a playbook's manual trigger.
pub(super) fn manual_params(playbook: &Playbook) -> Option<&[ManualParam]> {
    playbook.triggers.iter().find_map(|t| match &t.kind {
        TriggerKind::Manual(params) => Some(params.as_slice()),
        _ => None,
    })
}
