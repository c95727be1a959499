//! A raw object in; a committed event or a precise refusal out.

use super::kit::Kit;
use super::letters::{Again, keep};
use super::{Engine, Refusal};
use crate::payload::Payload;
use crate::store::{ArrivalKind, Fault, NewArrival, NewLetter, Tx};
use counterplay_machine::declare::Source;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::ingest::{self, Observation, Recognised, Rejection};
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// An object from outside: as JSON, or as the text that it came as.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming<P = Json> {
    /// The tenant's name.
    pub tenant: String,
    /// The event; recognised by the object's fields when absent.
    pub event: Option<String>,
    /// The object.
    pub payload: P,
    /// What its sender calls it; the same one is accepted once for each event.
    pub source: Option<String>,
}

impl<P: Into<Payload>> Incoming<P> {
    fn read(self) -> Incoming<Payload> {
        Incoming {
            tenant: self.tenant,
            event: self.event,
            payload: self.payload.into(),
            source: self.source,
        }
    }
}

/// What was accepted. It is committed: matching happens whatever becomes of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The arrival's number.
    pub event: i64,
    /// The event, or the playbook that was started.
    pub name: Arc<str>,
    /// Why it is no occurrence, where it is none (an unchanged value, a key that was seen).
    pub quiet: Option<String>,
    /// Whether it was accepted before under the same name of its sender.
    pub duplicate: bool,
    /// Wire values that no enum member stands for, as paths; they were read as `unknown`.
    pub unlisted: Vec<String>,
}

impl Engine {
    /// Accepts an event: reads it, commits it, and leaves the rest to [`Engine::run`].
    ///
    /// # Errors
    /// Why not, see [`Refusal`]; an object that cannot be read is kept as a dead letter.
    pub async fn accept<P: Into<Payload>>(
        &self,
        incoming: Incoming<P>,
    ) -> Result<Receipt, Refusal> {
        self.accept_from(incoming.read(), None, None).await
    }

    /// [`Engine::accept`] of what a person, or a token of theirs, says: in the runs that it starts they may not
    /// approve, as if they had started them by hand.
    ///
    /// # Errors
    /// As [`Engine::accept`].
    pub async fn accept_by<P: Into<Payload>>(
        &self,
        incoming: Incoming<P>,
        by: &str,
    ) -> Result<Receipt, Refusal> {
        self.accept_from(incoming.read(), None, Some(by.to_owned()))
            .await
    }

    /// [`Engine::accept`], of a dead letter where one is given, `by` somebody who stands behind it.
    pub(super) async fn accept_from(
        &self,
        incoming: Incoming<Payload>,
        again: Option<Again>,
        by: Option<String>,
    ) -> Result<Receipt, Refusal> {
        let who = (again.as_ref(), by.as_deref());
        let again = again.as_ref();
        let kit = self.kit();
        let tenant = self.admit(&kit, &incoming.tenant)?;
        // Only what declarations look at; the rest is stored as it came.
        let wanted = kit.heads.reader.wanted(incoming.event.as_deref());
        let object = Arc::new(incoming.payload.sift(wanted).unwrap_or_default());
        let event = match &incoming.event {
            Some(name) => name.clone(),
            None => match ingest::recognise(&kit.program, &object) {
                Recognised::Event(name) => name.to_string(),
                Recognised::Unknown => {
                    let known = events(&kit);
                    let reason = "no declared event has its fields".to_owned();
                    let letter = self.letter(&incoming, None, reason, who).await?;
                    return Err(Refusal::Unrecognised { known, letter });
                }
                Recognised::Ambiguous(names) => {
                    let events: Vec<String> = names.iter().map(|n| n.to_string()).collect();
                    let reason = format!("it may be any of {}", events.join(", "));
                    let letter = self.letter(&incoming, None, reason, who).await?;
                    return Err(Refusal::Ambiguous { events, letter });
                }
            },
        };
        // What playbooks raise comes from playbooks alone: nobody outside speaks for them.
        let raised = kit
            .program
            .events
            .get(event.as_str())
            .is_some_and(|e| e.source == Source::Emit);
        if raised {
            let known = events(&kit);
            let reason = format!("{event} is raised by playbooks and not accepted from outside");
            let letter = self.letter(&incoming, Some(&event), reason, who).await?;
            return Err(Refusal::UnknownEvent {
                event,
                known,
                letter,
            });
        }
        let scene = kit.scene(&tenant);
        let now = scene.now_ms;
        let typed = match ingest::read_shared(scene, &event, &object) {
            Ok(typed) => typed,
            Err(rejection) => {
                return Err(self.reject(&kit, &incoming, &event, rejection, who).await?);
            }
        };
        let name = typed.event.clone();
        let unlisted = typed.unlisted;
        let mut arrival = NewArrival {
            tenant: incoming.tenant,
            kind: ArrivalKind::Event,
            name: name.to_string(),
            payload: incoming.payload,
            source: incoming.source,
            at_ms: now,
            behind: again.map_or_else(Vec::new, |a| a.behind.clone()),
        };
        let observation = typed.observation;
        let again = again.cloned();
        let (num, quiet, duplicate) = self
            .inner
            .store
            .write(move |tx| {
                if let Some(by) = &by {
                    arrival.behind = tx.behind(by)?;
                }
                let Some(again) = again else {
                    return take(tx, &arrival, &observation).map(Ok);
                };
                let letter = match tx.open_letter(again.letter)? {
                    Ok(letter) => letter,
                    Err(refused) => return Ok(Err(refused)),
                };
                let taken = take(tx, &arrival, &observation)?;
                tx.letter_replayed(&letter, taken.0, &arrival.name, &again.by, now)?;
                Ok(Ok(taken))
            })
            .await??;
        self.inner.wake.notify_one();
        Ok(Receipt {
            event: num,
            name,
            quiet,
            duplicate,
            unlisted,
        })
    }

    /// Whether anything is taken for this tenant.
    pub(super) fn admit(&self, kit: &Kit, tenant: &str) -> Result<TenantFacts, Refusal> {
        if self.inner.stopping.load(Ordering::SeqCst) {
            return Err(Refusal::Stopping);
        }
        let facts = kit.tenant(tenant).ok_or_else(|| Refusal::UnknownTenant {
            tenant: tenant.to_owned(),
            known: kit.deployment.tenants.keys().cloned().collect(),
        })?;
        match self.inner.backlog.enter(tenant) {
            true => Ok(facts),
            false => Err(Refusal::Busy {
                tenant: tenant.to_owned(),
            }),
        }
    }

    async fn reject(
        &self,
        kit: &Kit,
        incoming: &Incoming<Payload>,
        event: &str,
        rejection: Rejection,
        who: (Option<&Again>, Option<&str>),
    ) -> Result<Refusal, Refusal> {
        let letter = self
            .letter(incoming, Some(event), rejection.to_string(), who)
            .await?;
        Ok(match rejection {
            Rejection::NoSuchEvent(event) => Refusal::UnknownEvent {
                event,
                known: events(kit),
                letter,
            },
            Rejection::Mismatch(event, mismatch) => Refusal::Mismatch {
                event,
                mismatch,
                letter,
            },
            Rejection::Unreadable(event, reason) => Refusal::Unreadable {
                event,
                reason,
                letter,
            },
        })
    }

    pub(super) async fn letter(
        &self,
        incoming: &Incoming<Payload>,
        event: Option<&str>,
        reason: String,
        (again, by): (Option<&Again>, Option<&str>),
    ) -> Result<i64, Refusal> {
        if let Some(again) = again {
            self.refused_again(again, reason).await?;
            return Ok(again.letter);
        }
        let (tenant, name) = (incoming.tenant.clone(), event.map(str::to_owned));
        let payload = incoming.payload.json().unwrap_or_default();
        let by = by.map(str::to_owned);
        let now = self.inner.clock.now_ms();
        let (letter, notice) = self
            .inner
            .store
            .write(move |tx| {
                let behind = match &by {
                    Some(by) => tx.behind(by)?,
                    None => Vec::new(),
                };
                let letter = NewLetter {
                    tenant: &tenant,
                    name: name.as_deref(),
                    event: None,
                    playbook: None,
                    payload: &payload,
                    reason: &reason,
                    behind: &behind,
                };
                keep(tx, &letter, now)
            })
            .await?;
        self.inner.tell(vec![notice]);
        Ok(letter)
    }
}

fn events(kit: &Kit) -> Vec<String> {
    kit.program.events.keys().map(|n| n.to_string()).collect()
}

/// Stores an event. Observations are noted here, in the order of acceptance, so that "changed to"
/// means the same whatever order matching happens in.
pub(super) fn take(
    tx: &Tx<'_>,
    arrival: &NewArrival,
    observation: &Observation,
) -> Result<(i64, Option<String>, bool), Fault> {
    let (tenant, name) = (arrival.tenant.as_str(), arrival.name.as_str());
    if let Some(source) = &arrival.source
        && let Some(num) = tx.seen(tenant, name, source)?
    {
        return Ok((num, None, true));
    }
    let quiet = quiet(tx, tenant, name, observation)?;
    let num = tx.add_arrival(arrival, quiet.as_deref())?;
    Ok((num, quiet, false))
}

/// Notes an observation and says why it is no occurrence, where it is none.
pub(super) fn quiet(
    tx: &Tx<'_>,
    tenant: &str,
    name: &str,
    observation: &Observation,
) -> Result<Option<String>, Fault> {
    Ok(match observation {
        Observation::Fires => None,
        Observation::Quiet(why) => Some(why.clone()),
        Observation::FiresIfChanged {
            object,
            value,
            reached,
        } => {
            let before = tx.observe(tenant, name, object, value)?;
            if !reached {
                Some(format!(
                    "its value is {value}, which is not the one that fires"
                ))
            } else if before.as_ref() == Some(value) {
                Some(format!("its value was {value} before"))
            } else {
                None
            }
        }
        Observation::FiresOnce { key } => tx
            .observe(tenant, name, key, "")?
            .map(|_| format!("the same was taken before (known by {key})")),
    })
}
