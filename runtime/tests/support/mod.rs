//! A small project built by hand, a connector that counts calls, and an engine over a real file.
#![allow(dead_code, missing_docs)]

pub mod connector;
pub mod hand;
pub mod project;

use connector::Fake;
use counterplay_machine::deployment::{Deployment, Team, Tenant};
use counterplay_machine::journal::What;
use counterplay_machine::{Program, Value};
use counterplay_runtime::clock::VirtualClock;
use counterplay_runtime::engine::{Engine, EngineOptions, Ids, Incoming};
use counterplay_runtime::store::{Store, StoreOptions};
use serde_json::{Value as Json, json};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

/// 2026-11-22T08:00:00Z.
pub const START: i64 = 1_795_334_400_000;
pub const HOUR: i64 = 3_600_000;

/// A folder with a store, a clock and a connector that outlive engines.
pub struct World {
    pub folder: TempDir,
    pub clock: Arc<VirtualClock>,
    pub fake: Arc<Fake>,
    pub program: Arc<Program>,
    pub deployment: Deployment,
    pub schedules: bool,
}

impl World {
    pub fn new(program: Program) -> World {
        World {
            folder: tempfile::tempdir().expect("a folder"),
            clock: Arc::new(VirtualClock::at(START)),
            fake: Arc::new(Fake::default()),
            program: Arc::new(program),
            deployment: deployment(),
            schedules: false,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    pub fn options(&self, store: Store) -> EngineOptions {
        let mut options = EngineOptions::new(
            self.program.clone(),
            self.deployment.clone(),
            store,
            self.fake.clone(),
            self.clock.clone(),
        );
        options.ids = Ids::seeded(1);
        options.schedules = self.schedules;
        options
    }

    pub async fn engine(&self) -> Engine {
        self.engine_with(StoreOptions::default()).await
    }

    pub async fn engine_with(&self, options: StoreOptions) -> Engine {
        let store = Store::open_with(self.path(), options).expect("the store opens");
        Engine::open(self.options(store))
            .await
            .expect("the engine opens")
    }
}

pub fn deployment() -> Deployment {
    let tenant = |id: &str, groups: &[&str]| Tenant {
        id: id.into(),
        zone: Some("Europe/London".into()),
        domains: vec![format!("{id}.example")],
        groups: groups.iter().map(|g| (*g).to_owned()).collect(),
        ..Tenant::default()
    };
    let team = Team {
        members: vec!["ann@soc.example".into(), "bob@soc.example".into()],
        ..Team::default()
    };
    Deployment {
        project: "test".into(),
        teams: [("soc".to_owned(), team)].into(),
        tenants: [
            ("acme".to_owned(), tenant("acme", &["gold"])),
            ("birch".to_owned(), tenant("birch", &[])),
        ]
        .into(),
        ..Deployment::default()
    }
}

/// An alert about a user.
pub fn alert(level: i64, user: &str) -> Incoming {
    Incoming {
        tenant: "acme".into(),
        event: None,
        payload: json!({ "level": level, "user": user }),
        source: None,
    }
}

/// What a run's journal says, one short line per entry.
pub async fn story(store: &Store, run: &str) -> Vec<String> {
    let detail = store
        .run_detail(run)
        .await
        .expect("a readable store")
        .expect("the run");
    detail.journal.into_iter().map(|e| short(&e.what)).collect()
}

pub fn short(what: &What) -> String {
    match what {
        What::Started { by } => format!("started by {by}"),
        What::Intended {
            action, authority, ..
        } => match authority {
            Some(authority) => format!("intends {action}, {authority}"),
            None => format!("intends {action}"),
        },
        What::Performed { action, .. } => format!("performed {action}"),
        What::ActionFailed { action, reason, .. } => format!("{action} failed: {reason}"),
        What::Asked { query, .. } => format!("asks {query}"),
        What::Answered { query, .. } => format!("answered {query}"),
        What::Chose { label, way } => format!("{label}: {way}"),
        What::Waiting { .. } => "waits".into(),
        What::TimeMoved { by_ms, .. } => format!("moved by {by_ms}"),
        What::Woke => "woke".into(),
        What::ApprovalAsked { question, .. } => format!("asks people: {question}"),
        What::Voted { by, approve, .. } => {
            format!("{by} {}", if *approve { "approves" } else { "rejects" })
        }
        What::VoteRefused { by, reason } => format!("{by} refused: {reason}"),
        What::ApprovalDecided { decision } => decision.clone(),
        What::Held { reason } => format!("held: {reason}"),
        What::Resumed => "resumed".into(),
        What::Ended { outcome } => format!("ended {}", outcome.name()),
        What::Stage { label, .. } => format!("stage {label}"),
        other => format!("{other:?}"),
    }
}

pub fn user(id: &str) -> Value {
    Value::record(
        "User",
        [
            ("id", Value::text(id)),
            ("name", Value::text(format!("User {id}"))),
            ("enabled", Value::Bool(id != "off")),
        ],
    )
}

pub fn object(json: Json) -> serde_json::Map<String, Json> {
    match json {
        Json::Object(map) => map,
        _ => panic!("an object was expected"),
    }
}
