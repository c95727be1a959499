//! Declared subscriptions in, ones that the services keep out: set up for each tenant in which a playbook
//! waits for the event, renewed before they end, set up anew when a service has dropped one.
//!
//! A subscription only makes things quicker: the list is read at its interval all the same, for what the
//! service did not tell. One that nobody needs any more is not renewed, and what it still tells is not
//! heeded. Without an address of ours that the service could reach there are none.

use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use super::polling::{PollKey, doubled_ms, gone, request};
use super::sources::wanted;
use super::{Engine, EngineError};
use crate::call::{ListFailure, SubscribeRequest, Subscribed};
use crate::room::Room;
use crate::store::{PollSource, SubscriptionRow};
use counterplay_machine::declare::Source;
use counterplay_machine::duration::{DAY_MS, MINUTE_MS};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::collections::HashMap;
use std::sync::Arc;

/// For how long services are asked to tell us. Microsoft Graph allows 29 days for users and groups, and just
/// under three for mail.
const LASTING_MS: i64 = 2 * DAY_MS;
/// The shortest time between two renewals.
const SOON_MS: i64 = MINUTE_MS;
/// How many are set up or renewed at once.
const AT_ONCE: usize = 4;

/// A subscription that is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    key: PollKey,
    id: Option<String>,
    next_ms: i64,
    failures: i64,
}

/// What setting one up, or renewing it, gave.
pub(super) struct Renewed {
    key: PollKey,
    result: Result<Subscribed, ListFailure>,
}

impl Renewed {
    pub(super) fn broken(key: PollKey, reason: String) -> Renewed {
        Renewed {
            key,
            result: Err(ListFailure::new(reason)),
        }
    }
}

/// Where the service tells us of changes to a source's objects.
pub(super) fn address(base: &str, tenant: &str, event: &str) -> String {
    let segment = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!(
        "{}/changes/{}/{}",
        base.trim_end_matches('/'),
        segment(tenant),
        segment(event)
    )
}

impl Driver {
    /// Whether a subscription may be looked after: nobody does, and nobody has paused the tenant.
    fn may_renew(&self, key: &PollKey) -> bool {
        !self.renewing().any(|k| k == key) && !self.brake.is_held(&key.tenant, None)
    }

    /// When the next subscription is to be looked after; none while as many as may be are.
    pub(super) fn next_renewal_ms(&self) -> Option<i64> {
        if self.busy_renewals() >= AT_ONCE {
            return None;
        }
        let idle = self.kept.iter().filter(|k| self.may_renew(&k.key));
        idle.map(|k| k.next_ms).min()
    }
}

impl Engine {
    /// Finds out which subscriptions are to be kept, and forgets those that no longer are.
    pub(super) async fn load_subscriptions(
        &self,
        driver: &mut Driver,
        kit: &Kit,
    ) -> Result<(), EngineError> {
        driver.kept.clear();
        let Some(base) = kit.link_base.clone().filter(|_| self.inner.polling) else {
            return Ok(());
        };
        let now = kit.clock.now_ms();
        let rows = self.inner.store.read(|tx| tx.subscriptions()).await?;
        let mut rows: HashMap<PollSource, SubscriptionRow> =
            rows.into_iter().map(|row| (row.of.clone(), row)).collect();
        let mut fresh = Vec::new();
        for source in wanted(kit) {
            let Some(subscription) = source.subscription else {
                continue;
            };
            let of = PollSource {
                source: format!(
                    "{} {} {} {}",
                    source.connection,
                    source.path,
                    subscription.changes.join(","),
                    address(&base, &source.of.tenant, source.event)
                ),
                ..source.of
            };
            let row = rows.remove(&of);
            if row.is_none() {
                fresh.push(of.clone());
            }
            driver.kept.push(Kept {
                key: PollKey {
                    tenant: of.tenant,
                    event: source.event.clone(),
                },
                id: row.as_ref().and_then(|r| r.id.clone()),
                next_ms: row.as_ref().map_or(now, |r| r.next_ms),
                failures: row.map_or(0, |r| r.failures),
            });
        }
        if !fresh.is_empty() || !rows.is_empty() {
            self.inner
                .store
                .write(move |tx| {
                    for of in rows.keys() {
                        tx.end_subscription(&of.tenant, &of.event)?;
                    }
                    fresh
                        .iter()
                        .try_for_each(|of| tx.begin_subscription(of, now))
                })
                .await?;
        }
        Ok(())
    }

    /// Begins to look after the subscriptions that are due; whether there were any.
    pub(super) fn begin_renewals(&self, driver: &mut Driver) -> bool {
        let now = self.inner.clock.now_ms();
        let due: Vec<Kept> = driver
            .kept
            .iter()
            .filter(|k| k.next_ms <= now && driver.may_renew(&k.key))
            .take(AT_ONCE.saturating_sub(driver.busy_renewals()))
            .cloned()
            .collect();
        let any = !due.is_empty();
        for kept in due {
            let kit = self.kit();
            driver.spawn_aside(Job::Subscribe(kept.key.clone()), |room| async move {
                let key = kept.key.clone();
                let result = subscribe(&kit, &kept, room).await;
                Report::Renewed(Renewed { key, result })
            });
        }
        any
    }

    /// Notes how looking after a subscription went.
    pub(super) async fn take_renewal(
        &self,
        driver: &mut Driver,
        renewed: &Renewed,
    ) -> Result<(), EngineError> {
        let Some(kept) = driver.kept.iter_mut().find(|k| k.key == renewed.key) else {
            return Ok(());
        };
        let now = self.inner.clock.now_ms();
        let (tenant, event) = (kept.key.tenant.clone(), kept.key.event.clone());
        match &renewed.result {
            Ok(made) => {
                let half = made.until_ms.saturating_sub(now) / 2;
                kept.next_ms = now.saturating_add(half.max(SOON_MS));
                kept.failures = 0;
                kept.id = Some(made.id.clone());
                let (made, next_ms) = (made.clone(), kept.next_ms);
                tracing::info!(%tenant, %event, "the service tells of changes");
                self.inner
                    .store
                    .write(move |tx| {
                        tx.subscription_kept(&tenant, &event, &made.id, made.until_ms, next_ms)
                    })
                    .await?;
            }
            Err(failure) => {
                kept.next_ms = now.saturating_add(doubled_ms(MINUTE_MS, kept.failures, failure));
                kept.failures += 1;
                let (reason, next_ms) = (failure.reason.clone(), kept.next_ms);
                tracing::warn!(%tenant, %event, %reason, "changes cannot be subscribed to");
                self.inner
                    .store
                    .write(move |tx| tx.subscription_failed(&tenant, &event, &reason, next_ms))
                    .await?;
            }
        }
        Ok(())
    }
}

/// Sets a subscription up, or renews it.
async fn subscribe(kit: &Arc<Kit>, kept: &Kept, room: Room) -> Result<Subscribed, ListFailure> {
    let tenant = kit.tenant(&kept.key.tenant).ok_or_else(gone)?;
    let event = kit.program.events.get(&kept.key.event).ok_or_else(gone)?;
    let base = kit.link_base.as_ref().ok_or_else(gone)?;
    let Source::Poll {
        subscription: Some(subscription),
        ..
    } = &event.source
    else {
        return Err(gone());
    };
    let now = kit.clock.now_ms();
    let mut list = request(kit, &tenant, event, (None, room))?;
    list.id = format!("s-{}:{}:{now}", tenant.name, event.name);
    list.query = Vec::new();
    let request = SubscribeRequest {
        notify: address(base, &tenant.name, &event.name),
        changes: subscription.changes.clone(),
        known: kept.id.clone(),
        until_ms: now.saturating_add(LASTING_MS),
        list,
    };
    kit.connector.subscribe(request).await
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn names_are_one_segment_each() {
        assert_eq!(
            address("https://cp.example/", "acme", "entra.user/changed"),
            "https://cp.example/changes/acme/entra%2Euser%2Fchanged"
        );
    }
}
