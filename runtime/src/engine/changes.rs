//! What a service tells of changes in, the objects that have changed, read and looked at as if they were
//! polled, out.
//!
//! What is told is kept before it is answered for. An object that cannot be read is tried again; after
//! many tries the next reading of its list finds what is new in it.

use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use super::polling::{PollKey, doubled_ms, gone, request};
use super::seen::{Seen, look, take};
use super::subscriptions::address;
use super::{Engine, EngineError};
use crate::call::ListFailure;
use crate::room::Room;
use crate::store::{ChangeRow, StoreError};
use counterplay_machine::declare::Source;
use counterplay_machine::duration::MINUTE_MS;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// How many objects are read at once.
pub(super) const AT_ONCE: usize = 8;
/// The first pause after an object could not be read.
const PAUSE_MS: i64 = MINUTE_MS / 4;
/// After so many tries, in all about three hours, an object is left to the next reading of its list.
const TRIES_MAX: i64 = 16;

/// What a service tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeTold {
    /// The subscription that it tells it for.
    pub subscription: String,
    /// What proves that it is the service.
    pub client_state: String,
    /// The tenant's id, as the service calls it.
    pub tenant_id: Option<String>,
    /// What it tells.
    pub what: Told,
}

/// What it is that a service tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// The object with this id has changed.
    Changed(String),
    /// The subscription has to be renewed.
    Renew,
    /// The subscription was removed.
    Removed,
    /// Something was not told, or cannot be understood.
    #[default]
    Missed,
}

/// How much of what came in was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChangesTaken {
    /// Kept, and read next.
    pub taken: usize,
    /// Not from the service, or for a subscription that is not ours: not heeded.
    pub refused: usize,
}

/// What reading a changed object gave.
pub(super) struct Looked {
    change: ChangeRow,
    result: Result<Option<(Arc<Kit>, Seen)>, ListFailure>,
}

impl Looked {
    pub(super) fn broken(change: ChangeRow, reason: String) -> Looked {
        Looked {
            change,
            result: Err(ListFailure::new(reason)),
        }
    }
}

impl Engine {
    /// Keeps what a service tells of the objects of a tenant's event.
    ///
    /// # Errors
    /// When the store fails; nothing is kept then.
    pub async fn accept_changes(
        &self,
        tenant: &str,
        event: &str,
        told: Vec<ChangeTold>,
    ) -> Result<ChangesTaken, StoreError> {
        let kit = self.kit();
        let count = told.len();
        let Some(base) = &kit.link_base else {
            return Ok(ChangesTaken {
                taken: 0,
                refused: count,
            });
        };
        let notify = address(base, tenant, event);
        let wanted_id = kit.deployment.tenants.get(tenant).map(|t| t.id.clone());
        let ours: Vec<ChangeTold> = told
            .into_iter()
            .filter(|t| kit.connector.is_told_by_service(&notify, &t.client_state))
            .filter(|t| is_of(wanted_id.as_deref(), t.tenant_id.as_deref()))
            .collect();
        let (tenant, event) = (tenant.to_owned(), event.to_owned());
        let now = kit.clock.now_ms();
        let (taken, reload) = self
            .inner
            .store
            .write(move |tx| {
                let Some(known) = tx.subscription_id(&tenant, &event)? else {
                    return Ok((0, false));
                };
                let (mut taken, mut reload) = (0, false);
                for told in &ours {
                    // The first notifications may come before we know the name.
                    if known.as_ref().is_some_and(|id| *id != told.subscription) {
                        continue;
                    }
                    taken += 1;
                    match &told.what {
                        Told::Changed(object) => tx.add_change(&tenant, &event, object, now)?,
                        Told::Renew => tx.subscription_due(&tenant, &event, false, now)?,
                        Told::Removed => {
                            tx.subscription_due(&tenant, &event, true, now)?;
                            tx.poll_due(&tenant, &event, now)?;
                        }
                        Told::Missed => tx.poll_due(&tenant, &event, now)?,
                    }
                    reload |= !matches!(told.what, Told::Changed(_));
                }
                Ok((taken, reload))
            })
            .await?;
        if reload {
            self.inner.reload.store(true, Ordering::SeqCst);
        }
        self.inner.wake.notify_one();
        Ok(ChangesTaken {
            taken,
            refused: count - taken,
        })
    }

    /// Begins to read the objects that have changed; whether there were any.
    pub(super) fn begin_looks(&self, driver: &mut Driver, due: Vec<ChangeRow>) -> bool {
        let now = self.inner.clock.now_ms();
        let mut any = false;
        for change in due {
            let same = |c: &ChangeRow| {
                (&c.tenant, &c.event, &c.object) == (&change.tenant, &change.event, &change.object)
            };
            if driver.looking().any(same) || driver.busy_looks() >= AT_ONCE {
                continue;
            }
            let kit = self.kit();
            driver.spawn_aside(Job::Look(change.clone()), |room| async move {
                let result = read(kit, &change, now, room).await;
                Report::Looked(Looked { change, result })
            });
            any = true;
        }
        any
    }

    /// Stores what reading a changed object gave.
    pub(super) async fn take_look(&self, looked: Arc<Report>) -> Result<(), EngineError> {
        let deployed = self.inner.deployed.clone();
        let now = self.inner.clock.now_ms();
        let notice = self
            .inner
            .store
            .write(move |tx| {
                let Report::Looked(Looked { change, result }) = &*looked else {
                    return Ok(None);
                };
                let (tenant, event) = (&change.tenant, &change.event);
                match result {
                    // Something else was deployed meanwhile: it is read again.
                    Ok(Some((kit, _))) if !Arc::ptr_eq(&deployed.get(), kit) => Ok(None),
                    Ok(Some((_, seen))) => {
                        tx.end_change(change.num)?;
                        let key = PollKey {
                            tenant: tenant.clone(),
                            event: Arc::from(event.as_str()),
                        };
                        take(tx, &key, seen, false, now)
                    }
                    Ok(None) => tx.end_change(change.num).map(|()| None),
                    Err(failure) => {
                        let (object, reason) = (&change.object, &failure.reason);
                        tracing::warn!(%tenant, %event, %object, %reason, "a changed object cannot be read");
                        if change.failures + 1 >= TRIES_MAX {
                            tx.end_change(change.num)?;
                        } else {
                            let pause = doubled_ms(PAUSE_MS, change.failures, failure);
                            tx.change_failed(change.num, now.saturating_add(pause))?;
                        }
                        Ok(None)
                    }
                }
            })
            .await?;
        self.inner.tell(notice.into_iter().collect());
        Ok(())
    }
}

/// Whether a notification is of this tenant, as far as both say by an id.
fn is_of(wanted: Option<&str>, given: Option<&str>) -> bool {
    let is_id = |text: &&str| text.len() == 36 && text.matches('-').count() == 4;
    match (wanted.filter(is_id), given) {
        (Some(wanted), Some(given)) => wanted.eq_ignore_ascii_case(given),
        _ => true,
    }
}

/// Reads a changed object; nothing where it is not there any more.
async fn read(
    kit: Arc<Kit>,
    change: &ChangeRow,
    now_ms: i64,
    room: Room,
) -> Result<Option<(Arc<Kit>, Seen)>, ListFailure> {
    let tenant = kit.tenant(&change.tenant).ok_or_else(gone)?;
    let event = kit.program.events.get(&*change.event).ok_or_else(gone)?;
    let Source::Poll { since, .. } = &event.source else {
        return Err(gone());
    };
    let mut request = request(&kit, &tenant, event, (None, room))?;
    request.id = format!("c-{}:{now_ms}", change.num);
    request.patience_ms = MINUTE_MS;
    let payload = kit
        .connector
        .read_object(request, change.object.clone())
        .await?;
    let seen = payload.map(|payload| look(kit.scene(&tenant), event, since.as_deref(), payload));
    Ok(seen.map(|seen| (kit, seen)))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn a_tenant_is_known_by_its_id_alone() {
        let (a, b) = (
            "11111111-2222-3333-4444-555555555555",
            "99999999-2222-3333-4444-555555555555",
        );
        assert!(is_of(Some(a), Some(&a.to_uppercase())));
        assert!(!is_of(Some(a), Some(b)));
        // A domain in the project says nothing about the id.
        assert!(is_of(Some("acme.example"), Some(b)));
        assert!(is_of(Some(a), None));
    }
}
