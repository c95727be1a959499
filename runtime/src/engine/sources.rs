//! The deployed project in, the sources to poll out: for each tenant, those that a playbook waits for.

use super::Engine;
use super::kit::Kit;
use crate::store::{PollRow, PollSource, StoreError};
use counterplay_machine::declare::{Source, Subscription};
use std::collections::HashMap;
use std::sync::Arc;

/// How a polled source stands. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceInfo {
    /// The tenant's name.
    pub tenant: String,
    /// The event that its objects are.
    pub event: Arc<str>,
    /// The connection.
    pub connection: Arc<str>,
    /// The path of the list.
    pub path: Arc<str>,
    /// The interval in milliseconds.
    pub every_ms: i64,
    /// When it was last read with success; absent before the first time.
    pub polled_ms: Option<i64>,
    /// When it is next read; absent when this engine does not poll.
    pub next_ms: Option<i64>,
    /// How often reading has failed since it last succeeded.
    pub failures: i64,
    /// Why it failed the last time.
    pub error: Option<String>,
    /// How the subscription to its changes stands, where it has one.
    pub subscription: Option<SubscriptionInfo>,
}

/// How a subscription stands. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionInfo {
    /// Until when the service tells us of changes; absent before it is set up.
    pub until_ms: Option<i64>,
    /// Why it could not be set up or renewed the last time.
    pub error: Option<String>,
}

/// A source that is to be polled.
pub(super) struct Wanted<'k> {
    pub(super) of: PollSource,
    pub(super) event: &'k Arc<str>,
    pub(super) connection: &'k Arc<str>,
    pub(super) path: &'k Arc<str>,
    pub(super) every_ms: i64,
    /// Of which changes the service is to tell us.
    pub(super) subscription: Option<&'k Subscription>,
}

/// What is to be polled. Playbooks that are paused wait for nothing.
pub(super) fn wanted(kit: &Kit) -> Vec<Wanted<'_>> {
    let mut all = Vec::new();
    for event in kit.program.events.values() {
        let Source::Poll {
            connection,
            path,
            every_ms,
            since,
            subscription,
            ..
        } = &event.source
        else {
            continue;
        };
        for tenant in kit.deployment.tenants.keys() {
            let (index, name) = (&kit.heads.index, &event.name);
            let awaited = index.is_awaited(&kit.awake, &kit.deployment, tenant, name);
            if !awaited && !kit.former_awaits(tenant, name) {
                continue;
            }
            all.push(Wanted {
                of: PollSource {
                    tenant: tenant.clone(),
                    event: event.name.to_string(),
                    source: format!("{connection} {path} {}", since.as_deref().unwrap_or("")),
                },
                event: &event.name,
                connection,
                path,
                every_ms: (*every_ms).max(1_000),
                subscription: subscription.as_ref(),
            });
        }
    }
    all
}

impl Engine {
    /// Every source that is polled, per tenant and event, and how that goes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn sources(&self) -> Result<Vec<SourceInfo>, StoreError> {
        let (rows, subscriptions) = self
            .inner
            .store
            .read(|tx| Ok((tx.polls()?, tx.subscriptions()?)))
            .await?;
        let mut rows: HashMap<PollSource, PollRow> =
            rows.into_iter().map(|row| (row.of.clone(), row)).collect();
        let kit = self.kit();
        Ok(wanted(&kit)
            .into_iter()
            .map(|source| {
                let row = rows.remove(&source.of);
                let next = row.as_ref().map(|r| r.next_ms);
                let kept = subscriptions
                    .iter()
                    .find(|s| s.of.tenant == source.of.tenant && s.of.event == source.of.event);
                let subscription = source.subscription.map(|_| SubscriptionInfo {
                    until_ms: kept.and_then(|row| row.until_ms),
                    error: kept.and_then(|row| row.error.clone()),
                });
                SourceInfo {
                    event: source.event.clone(),
                    connection: source.connection.clone(),
                    path: source.path.clone(),
                    every_ms: source.every_ms,
                    polled_ms: row.as_ref().and_then(|r| r.polled_ms),
                    next_ms: next.filter(|_| self.inner.polling),
                    failures: row.as_ref().map_or(0, |r| r.failures),
                    error: row.and_then(|r| r.error),
                    subscription,
                    tenant: source.of.tenant,
                }
            })
            .collect())
    }
}
