//! Schedules of playbooks in, arrivals when they come due out: each time once, across restarts.

use super::begin::Tick;
use super::canary::former_name;
use super::drive::Driver;
use super::kit::Kit;
use super::late::LATE_MS;
use super::{Engine, EngineError};
use crate::store::{ArrivalKind, Fault, NewArrival};
use counterplay_machine::deployment::Mode;
use counterplay_machine::ingest;
use counterplay_machine::playbook::{Playbook, TriggerKind};
use counterplay_machine::schedule::{describe, is_schedule, next_after};
use serde_json::json;
use std::collections::BTreeSet;

/// A schedule of a playbook in a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Due {
    /// When it is next due, in milliseconds since the Unix epoch.
    pub(super) at_ms: i64,
    schedule: Schedule,
}

/// Which schedule it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Schedule {
    tenant: String,
    playbook: String,
    /// The version that it is of, where that is not the deployed one.
    version: Option<String>,
    trigger: usize,
    /// As it is written.
    written: String,
}

/// When a schedule was last due.
enum Known {
    /// As it is kept.
    Own(i64),
    /// As it is kept of the deployed version, whose schedule this was until now.
    Taken(i64),
    /// It is new.
    Never,
}

impl Schedule {
    /// The playbook as its ticks are kept.
    fn key(&self) -> String {
        match &self.version {
            None => self.playbook.clone(),
            Some(version) => former_name(&self.playbook, version),
        }
    }
}

fn due(kit: &Kit, schedule: Schedule, after_ms: i64) -> Option<Due> {
    let playbook = match &schedule.version {
        None => kit.program.playbooks.get(schedule.playbook.as_str())?,
        Some(_) => kit.former_of(&schedule.playbook, &schedule.tenant)?.1,
    };
    let kind = &playbook.triggers.get(schedule.trigger)?.kind;
    let tenant = kit.deployment.tenants.get(&schedule.tenant)?;
    let zone = tenant.zone.as_deref().unwrap_or("UTC");
    Some(Due {
        at_ms: next_after(kind, zone, after_ms)?,
        schedule,
    })
}

/// A playbook's schedules, each with its number among the triggers.
fn schedules(playbook: &Playbook) -> impl Iterator<Item = (usize, &TriggerKind)> {
    let all = playbook.triggers.iter().map(|t| &t.kind).enumerate();
    all.filter(|(_, kind)| is_schedule(kind))
}

impl Engine {
    /// Reads when each schedule was last due. One that is new counts from now on.
    ///
    /// One whose playbook was paused, or that was written differently before, is new as well: what it
    /// would have fired in the meantime is not caught up.
    pub(super) async fn load_schedules(
        &self,
        driver: &mut Driver,
        kit: &Kit,
    ) -> Result<(), EngineError> {
        driver.schedules = BTreeSet::new();
        if !self.inner.schedules {
            return Ok(());
        }
        let now = kit.clock.now_ms();
        let mut wanted = Vec::new();
        let mut paused = Vec::new();
        for playbook in kit.program.playbooks.values() {
            if ingest::mode(&kit.deployment, playbook) == Mode::Paused {
                paused.push(playbook.id.to_string());
                continue;
            }
            for (name, tenant) in &kit.deployment.tenants {
                let former = kit.former_of(&playbook.id, name);
                let former =
                    former.and_then(|(former, acts)| Some((acts, former.version(&acts.id)?)));
                let former = former.map(|(acts, version)| (acts, Some(version.to_owned())));
                for (playbook, version) in [(playbook, None)].into_iter().chain(former) {
                    if playbook.tenants.includes(name, &tenant.groups) {
                        wanted.extend(schedules(playbook).map(|(trigger, kind)| Schedule {
                            tenant: name.clone(),
                            playbook: playbook.id.to_string(),
                            version: version.clone(),
                            trigger,
                            written: describe(kind),
                        }));
                    }
                }
            }
        }
        let asked = wanted.clone();
        let (known, forget) = self
            .inner
            .store
            .read(move |tx| {
                let known = asked
                    .iter()
                    .map(|s| {
                        let last = |of: &str| tx.last_tick(&s.tenant, of, s.trigger, &s.written);
                        Ok(match (last(&s.key())?, &s.version) {
                            (Some(own), _) => Known::Own(own),
                            (None, None) => Known::Never,
                            // One that was the deployed one's until now goes on.
                            (None, Some(_)) => {
                                last(&s.playbook)?.map_or(Known::Never, Known::Taken)
                            }
                        })
                    })
                    .collect::<Result<Vec<_>, Fault>>()?;
                let mut forget = tx.ticks_of_versions()?;
                forget.retain(|key| asked.iter().all(|s| s.key() != *key));
                for playbook in paused {
                    if tx.has_ticks(&playbook)? {
                        forget.push(playbook);
                    }
                }
                Ok((known, forget))
            })
            .await?;
        let mut fresh = Vec::new();
        for (schedule, known) in wanted.into_iter().zip(known) {
            let last = match known {
                Known::Own(last) => last,
                Known::Taken(last) => {
                    fresh.push((schedule.clone(), last));
                    last
                }
                Known::Never => {
                    fresh.push((schedule.clone(), now));
                    now
                }
            };
            driver.schedules.extend(due(kit, schedule, last));
        }
        if !fresh.is_empty() || !forget.is_empty() {
            self.inner
                .store
                .write(move |tx| {
                    forget.iter().try_for_each(|p| tx.forget_ticks(p))?;
                    fresh.iter().try_for_each(|(s, last)| {
                        tx.set_tick(&s.tenant, &s.key(), s.trigger, &s.written, *last)
                    })
                })
                .await?;
        }
        Ok(())
    }

    /// Turns schedules that are due into arrivals; whether there were any. One that was missed
    /// several times is caught up once.
    pub(super) async fn fire_schedules(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let kit = self.kit();
        let now = driver.time.now_ms;
        let mut any = false;
        while let Some(next) = driver.schedules.first().filter(|d| d.at_ms <= now).cloned() {
            if driver.time.hold.is_some() {
                break;
            }
            if next.at_ms < now.saturating_sub(LATE_MS) {
                if driver.time.drain.room(now) == 0 {
                    break;
                }
                driver.time.drain.take(1);
            }
            let arrival = NewArrival {
                tenant: next.schedule.tenant.clone(),
                kind: ArrivalKind::Tick,
                name: next.schedule.playbook.clone(),
                payload: json!(Tick {
                    trigger: next.schedule.trigger,
                    version: next.schedule.version.clone(),
                    by_hand: false,
                })
                .into(),
                source: None,
                at_ms: now,
                behind: Vec::new(),
            };
            let due_ms = next.at_ms;
            let key = next.schedule.key();
            let Schedule {
                trigger, written, ..
            } = next.schedule.clone();
            self.inner
                .store
                .write(move |tx| {
                    let schedule = (&*arrival.tenant, &*key, trigger);
                    if tx.claim_tick(schedule, &written, due_ms, now)? {
                        tx.add_arrival(&arrival, None)?;
                    }
                    Ok(())
                })
                .await?;
            driver.schedules.remove(&next);
            driver.schedules.extend(due(&kit, next.schedule, now));
            any = true;
        }
        Ok(any)
    }
}
