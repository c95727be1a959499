//! A session or a token in; who it is, what they may do and for which tenants out.
//!
//! [`Identity`] holds everything that needs the store or the clock; its methods are in this module's
//! files, by what they are about. What a request came with ([`credential`]), whether its page is ours
//! ([`csrf`]) and what a role allows ([`Role::allows`]) are pure functions.

mod access;
mod bootstrap;
mod cookies;
mod credential;
pub mod csrf;
mod error;
mod limits;
mod names;
mod password;
mod people;
mod secret;
mod sessions;
mod tokens;

pub use access::{Caller, Permission, Principal, Role, Scope};
pub use bootstrap::{DemoPerson, FirstAdministrator};
pub use cookies::Cookies;
pub use credential::{Credential, credential};
pub use error::IdentityError;
pub use limits::LoginLimits;
pub use password::{LONGEST, PasswordCost, SHORTEST};
pub use people::{CreatedPerson, NewAccount, Person};
pub use secret::{TOKEN_PREFIX, password as random_password};
pub use sessions::{ABSOLUTE_MS, IDLE_MS, LoggedIn, Login};
pub use tokens::{ApiToken, CreatedToken, DEFAULT_DAYS, LONGEST_DAYS, NewApiToken};

use counterplay_runtime::clock::Clock;
use counterplay_runtime::store::{NewAudit, Store};
use limits::Limiter;
use password::Passwords;
use serde_json::Value as Json;
use std::sync::Arc;

/// What may differ from one service to another.
#[derive(Clone, Debug)]
pub struct IdentityOptions {
    /// What hashing a password costs.
    pub cost: PasswordCost,
    /// How often people may try to log in.
    pub limits: LoginLimits,
}

impl Default for IdentityOptions {
    fn default() -> Self {
        IdentityOptions {
            cost: PasswordCost::OWASP,
            limits: LoginLimits::default(),
        }
    }
}

/// People, their sessions and API tokens, in a store. Cheap to clone; the clones share their limits.
#[derive(Clone)]
pub struct Identity {
    store: Store,
    clock: Arc<dyn Clock>,
    passwords: Passwords,
    limiter: Arc<Limiter>,
}

impl Identity {
    /// Over a store, on a clock.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Result<Identity, IdentityError> {
        Identity::with(store, clock, IdentityOptions::default())
    }

    /// [`Identity::new`] with options.
    ///
    /// # Errors
    /// As [`Identity::new`]; when hashing cannot be done at the given cost.
    pub fn with(
        store: Store,
        clock: Arc<dyn Clock>,
        options: IdentityOptions,
    ) -> Result<Identity, IdentityError> {
        Ok(Identity {
            store,
            passwords: Passwords::new(options.cost)?,
            limiter: Arc::new(Limiter::new(options.limits, clock.clone())),
            clock,
        })
    }

    /// Checks what a request came with. Nothing, and what cannot be read, is [`IdentityError::Unauthorized`].
    ///
    /// # Errors
    /// When the credential is not good, or the store cannot be used.
    pub async fn check(&self, credential: &Credential) -> Result<Principal, IdentityError> {
        match credential {
            Credential::Bearer(token) => self.check_token(token).await,
            Credential::Cookie(value) => self.check_session(value).await,
            Credential::None => Err(IdentityError::Unauthorized(
                "log in, or send an API token as: Authorization: Bearer TOKEN",
            )),
            Credential::Malformed(why) => Err(IdentityError::Unauthorized(why)),
        }
    }

    /// Counts a guess at something that only one person was given.
    ///
    /// # Errors
    /// [`IdentityError::TooMany`] when a client address guesses too often.
    pub fn guess(&self, client: std::net::IpAddr) -> Result<(), IdentityError> {
        let guessed = self.limiter.guess(client);
        guessed.map_err(|retry_after_s| IdentityError::TooMany { retry_after_s })
    }

    /// What the audit trail says of something that `by` does to a person or a token.
    fn audit(&self, by: &Principal, action: &str, object: &str, detail: Json) -> NewAudit {
        NewAudit {
            at_ms: self.now_ms(),
            tenant: String::new(),
            actor: by.id.clone(),
            action: action.to_owned(),
            run: None,
            object: Some(object.to_owned()),
            detail,
        }
    }

    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }
}
