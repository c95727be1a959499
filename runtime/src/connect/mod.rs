//! Declared actions and queries in, calls to services out: the implementation of [`Connector`] for real
//! connections over HTTP and SMTP.
//!
//! One call goes through these files: `job` binds arguments and builds the request, `target` finds the
//! address, `exchange` tries (waiting for `rate` and between `tries`), `auth` and `token` sign in, `send`
//! or `mail` talk, `pages` reads lists to the end, `confirm` reads the state back, `doubt` deals with lost answers. `remembered`
//! outlives a deploy, `egress` keeps calls on the public internet, `redact` keeps secrets out of everything that is returned.

mod assertion;
mod auth;
mod batch;
mod breaker;
mod chance;
mod circuit;
mod confirm;
mod doubt;
mod egress;
mod exchange;
mod health;
mod job;
mod lists;
mod made;
mod mail;
mod master_key;
mod pages;
mod rate;
mod redact;
mod remembered;
mod secrets;
mod send;
mod signature;
mod subscriptions;
mod target;
mod together;
mod token;
mod tries;
mod wire;

pub use chance::Chance;
pub(crate) use master_key::keyed;
pub use master_key::{KEY_LENGTH, MasterKey, MasterKeyError, PASSWORD_LENGTH};
pub use remembered::Remembered;
pub use secrets::{
    Asked, EnvironmentSecrets, FileSecrets, MemorySecrets, SecretError, SecretValue, Secrets, open,
};
pub use signature::{
    SIGNATURE_HEADER, SignatureError, TIMESTAMP_HEADER, Verified, WINDOW_MS, sign, verify_delivery,
};
pub use wire::{Carried, Mail, Posted, Wire, WireError};

use crate::call::{
    CallOutcome, CallRequest, ConnectionHealth, Connector, ListRequest, Listing, Look,
    SubscribeRequest, Subscribing,
};
use crate::clock::Clock;
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use remembered::Place;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// Performs calls over HTTP and SMTP, as declared by programs and set up by a deployment.
pub struct Connectors {
    deployment: Deployment,
    secrets: Arc<dyn Secrets>,
    key: MasterKey,
    clock: Arc<dyn Clock>,
    chance: Chance,
    remembered: Remembered,
    /// Where the connections of the present program lead, and since when; absent where that is not known.
    present: Option<(BTreeSet<Place>, i64)>,
    gatherings: together::Gatherings,
    wire: Arc<dyn Wire>,
}

impl fmt::Debug for Connectors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&String> = self.deployment.connections.keys().collect();
        f.debug_struct("Connectors")
            .field("connections", &names)
            .finish_non_exhaustive()
    }
}

/// Why connectors cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The HTTP client cannot be set up, for instance because the system has no root certificates.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(reqwest::Error),
}

impl Connectors {
    /// Connectors for a deployment. Secrets are looked up at each call and kept nowhere; generated
    /// passwords are derived from `key`.
    ///
    /// # Errors
    /// When the HTTP client cannot be set up.
    pub fn new(
        deployment: Deployment,
        secrets: Arc<dyn Secrets>,
        key: MasterKey,
        clock: Arc<dyn Clock>,
    ) -> Result<Connectors, ConnectError> {
        let wire = Arc::new(wire::Internet::new()?);
        Ok(Connectors::over(wire, deployment, secrets, key, clock))
    }

    /// The same over another wire than the network.
    pub fn over(
        wire: Arc<dyn Wire>,
        deployment: Deployment,
        secrets: Arc<dyn Secrets>,
        key: MasterKey,
        clock: Arc<dyn Clock>,
    ) -> Connectors {
        Connectors {
            deployment,
            secrets,
            key,
            clock,
            chance: Chance::from_system(),
            remembered: Remembered::default(),
            present: None,
            gatherings: together::Gatherings::default(),
            wire,
        }
    }

    /// The same, with this source of chance for the jitter of pauses.
    pub fn with_chance(mut self, chance: Chance) -> Connectors {
        self.chance = chance;
        self
    }

    /// The same, with what others before them remember, and for this program: what is known of a connection that is no
    /// more, or leads elsewhere now, is not told any longer.
    pub fn with_remembered(mut self, remembered: Remembered, program: &Program) -> Connectors {
        self.remembered = remembered;
        self.present = Some((Place::all(program, &self.deployment), self.clock.now_ms()));
        self
    }

    fn known(&self) -> &remembered::Known {
        self.remembered.known()
    }

    /// Whether the present program has this connection.
    fn is_present(&self, place: &Place) -> bool {
        let present = self.present.as_ref();
        present.is_none_or(|(places, _)| places.contains(place))
    }

    /// Whether something is told that was noted of a connection at a time. Runs of earlier programs still call theirs.
    fn tells(&self, place: &Place, noted_ms: i64) -> bool {
        let since_ms = self.present.as_ref().map(|(_, since_ms)| *since_ms);
        self.is_present(place) || since_ms.is_some_and(|since_ms| noted_ms >= since_ms)
    }

    async fn perform(&self, request: &CallRequest) -> CallOutcome {
        let Some(callable) = request.program.callables.get(&request.callable) else {
            return failed(format!(
                "the program has no action or query `{}`",
                request.callable
            ));
        };
        let outcome = self.carry_out(request, callable).await;
        match &outcome {
            CallOutcome::Done(_) => {
                tracing::debug!(callable = %request.callable, id = %request.id, "done")
            }
            CallOutcome::Failed { reason } => {
                tracing::info!(callable = %request.callable, id = %request.id, %reason, "failed");
            }
            CallOutcome::Unconfirmed { reason } => {
                tracing::warn!(callable = %request.callable, id = %request.id, %reason, "not confirmed");
            }
            CallOutcome::Unknown { reason } => {
                tracing::warn!(callable = %request.callable, id = %request.id, %reason, "outcome unknown");
            }
        }
        outcome
    }
}

impl Connector for Connectors {
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>> {
        Box::pin(async move { self.perform(&request).await })
    }

    fn read_list(&self, request: ListRequest) -> Listing<'_> {
        Box::pin(async move { self.list(request).await })
    }

    fn read_object(&self, request: ListRequest, id: String) -> Look<'_> {
        Box::pin(async move { self.object(request, id).await })
    }

    fn subscribe(&self, request: SubscribeRequest) -> Subscribing<'_> {
        Box::pin(async move { self.subscribe_to(request).await })
    }

    fn is_told_by_service(&self, notify: &str, client_state: &str) -> bool {
        self.is_client_state(notify, client_state)
    }

    fn derived_key(&self, purpose: &str) -> Option<[u8; KEY_LENGTH]> {
        Some(self.key.derive(purpose, b""))
    }

    fn health(&self) -> BTreeMap<String, ConnectionHealth> {
        let mut healths: BTreeMap<String, ConnectionHealth> = BTreeMap::new();
        for (place, health) in self.known().healths.all() {
            let trouble_ms = health.trouble.as_ref().map(|(at_ms, _)| *at_ms);
            let name = place.name.to_string();
            if self.is_present(&place) {
                healths.insert(name, health);
            } else if self.tells(&place, health.worked_ms.max(trouble_ms).unwrap_or_default()) {
                healths.entry(name).or_insert(health);
            }
        }
        for (place, tenant, open) in self.known().breakers.open() {
            if self.tells(&place, open.since_ms) {
                let health = healths.entry(place.name.to_string()).or_default();
                health.open.insert(tenant, open);
            }
        }
        healths
    }
}

fn failed(reason: impl Into<String>) -> CallOutcome {
    CallOutcome::Failed {
        reason: reason.into(),
    }
}

/// Why an attempt gave no answer.
#[derive(Debug)]
enum Trouble {
    /// It was certainly not carried out; trying again later may help.
    NotSent {
        /// Why.
        reason: String,
        /// How long the other side asks to wait, in milliseconds.
        asked_ms: Option<i64>,
        /// What the token service answered, where it did.
        answered: Option<u16>,
    },
    /// It was not sent, for a reason that is not the service's; trying again later may help.
    Lacking {
        /// Why.
        reason: String,
        /// How long the other side asks to wait, in milliseconds.
        asked_ms: Option<i64>,
    },
    /// It was not sent, since so many attempts before it failed.
    Shut {
        /// Why.
        reason: String,
        /// When another attempt may be made, in milliseconds from now.
        wait_ms: i64,
    },
    /// It was sent, at least in part, and no answer came.
    Lost(String),
    /// It may have been carried out before, and it is too late to send it again.
    TooLate(String),
    /// It cannot be sent, or trying again does not help.
    Refused(String),
}

impl Trouble {
    fn not_sent(reason: impl Into<String>) -> Trouble {
        Trouble::NotSent {
            reason: reason.into(),
            asked_ms: None,
            answered: None,
        }
    }

    fn refused(reason: impl Into<String>) -> Trouble {
        Trouble::Refused(reason.into())
    }
}
