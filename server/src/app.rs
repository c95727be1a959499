//! What every route works with: the engine, the project, people, the feed of what happens.

use crate::feed::Feed;
use crate::identity::{Cookies, Identity};
use crate::problem::Problem;
use crate::project::Projects;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::connect::Secrets;
use counterplay_runtime::engine::Engine;
use counterplay_runtime::store::NewAudit;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Shared by all routes; a clone is a handle.
#[derive(Clone)]
pub struct App {
    parts: Arc<Parts>,
    hindrance: Arc<Mutex<Option<String>>>,
}

/// What an [`App`] holds.
pub struct Parts {
    /// Runs and their store.
    pub engine: Engine,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// People, sessions, tokens.
    pub identity: Identity,
    /// The project that runs, and deploys to it.
    pub projects: Projects,
    /// Where webhooks' secrets come from.
    pub secrets: Arc<dyn Secrets>,
    /// What happens, for event streams.
    pub feed: Feed,
    /// What the one who starts the service decides.
    pub settings: Settings,
}

/// What the one who starts the service decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the service, such as `https://counterplay.msp.example`; no `/` at its end.
    pub public_url: String,
    /// The project's folder, where that is the source of truth and the API changes nothing.
    pub folder: Option<String>,
    /// Set where everything outside is made up: events to try and what is said of it.
    pub sandbox: Option<SandboxSettings>,
    /// How long a client may take for a request's headers, and keep a connection that it asks nothing on:
    /// [`HEADERS_WITHIN`](crate::serve::HEADERS_WITHIN), unless somebody has reasons.
    pub headers_within: Duration,
}

/// What a made-up system offers to newcomers.
#[derive(Clone, Debug)]
pub struct SandboxSettings {
    /// Events that can be sent with one click.
    pub samples: Vec<Sample>,
    /// Entities to try, by their type: id and name.
    pub entities: BTreeMap<String, (String, String)>,
    /// When it was started, in milliseconds since the Unix epoch: what was before is history.
    pub since_ms: i64,
    /// Where the made-up tenant shows what was done to it.
    pub outside_url: String,
    /// Who can log in, with which password and what they may do, to play several people.
    pub people: Vec<(String, String, String)>,
}

/// An event that can be sent with one click.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The name in the address.
    pub name: String,
    /// What happens, in words.
    pub title: String,
    /// The event's name.
    pub event: String,
    /// The object.
    pub payload: Json,
    /// Whether its `id` is to be another one each time, so that it is no repetition.
    pub fresh_id: bool,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> App {
        App {
            parts: Arc::new(parts),
            hindrance: Arc::default(),
        }
    }

    /// Why nothing can be written to the store at present, where that is so and is expected to pass.
    pub fn hindrance(&self) -> Option<String> {
        let hindrance = self.hindrance.lock();
        hindrance.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps for [`App::hindrance`] how it is.
    pub(crate) fn hindered(&self, by: Option<String>) {
        let mut hindrance = self
            .hindrance
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *hindrance = by;
    }

    /// Appends a record to the audit trail.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn record(&self, audit: NewAudit) -> Result<(), Problem> {
        let store = self.engine.store();
        store.write(move |tx| tx.add_audit(&audit)).await?;
        Ok(())
    }

    /// The names of the tokens that somebody made, or a token of theirs did, as audit records have them.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn tokens_of(&self, email: &str) -> Result<Vec<String>, Problem> {
        Ok(self.engine.store().tokens_of(email).await?)
    }

    /// How session cookies are named and sent.
    pub fn cookies(&self) -> Cookies {
        Cookies::of(&self.settings.public_url)
    }
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}
