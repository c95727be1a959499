//! What the service is started with in, the project that is to run out: the folder's, or the last revision.

use super::Outside;
use super::compile::{Compiled, ConfigFile, Files, compile};
use super::deploy::Live;
use counterplay_machine::changes::contents;
use counterplay_machine::deployment::Deployment;
use counterplay_runtime::call::Connector;
use counterplay_runtime::store::{NewRevision, RevisionRefused, Store, StoreError};
use serde_json::Value as Json;
use std::sync::Arc;

/// Where the playbooks' sources have their home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A folder, for instance of a repository: the API reads it and changes nothing.
    Folder,
    /// The store: the API deploys revisions; the folder is the first one.
    Store,
}

/// A project that is ready to run.
pub struct Prepared {
    /// The program and its files.
    pub live: Live,
    /// The deployment as it is used.
    pub deployment: Deployment,
    /// The connector for it.
    pub connector: Arc<dyn Connector>,
    /// Whether the audit trail has it already, as the first revision.
    pub recorded: bool,
}

/// Why a project cannot run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// It has errors.
    #[error(
        "{} has {errors} errors and cannot run",
        match revision { Some(n) => format!("revision {n} of the project, with this counterplay.toml,"), None => "the project".into() }
    )]
    Findings {
        /// The revision; none for a folder.
        revision: Option<i64>,
        /// How many.
        errors: usize,
        /// All findings, as data.
        findings: Vec<Json>,
    },
    /// The outside cannot be connected.
    #[error("{0}")]
    Outside(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the project that is to run.
///
/// # Errors
/// When it has errors, or what it needs cannot be used.
pub async fn prepare(
    store: &Store,
    config: &ConfigFile,
    folder: Files,
    origin: Origin,
    outside: &dyn Outside,
    now_ms: i64,
) -> Result<Prepared, StartError> {
    let (revision, files) = match origin {
        Origin::Folder => (None, folder),
        Origin::Store => match store.live_revision().await? {
            Some(revision) => (Some(revision.info.num), revision.files),
            None => (None, folder),
        },
    };
    let (config, for_compile) = (config.clone(), files.clone());
    let compiled: Compiled = tokio::task::spawn_blocking(move || compile(&config, &for_compile))
        .await
        .map_err(|e| StartError::Outside(format!("the compiler broke off: {e}")))?;
    if compiled.errors > 0 {
        return Err(StartError::Findings {
            revision,
            errors: compiled.errors,
            findings: compiled.findings,
        });
    }
    let recorded = origin == Origin::Store && revision.is_none();
    let revision = match recorded {
        true => {
            let there = contents(&compiled.program);
            first(store, &files, there, now_ms).await?
        }
        false => revision,
    };
    let (deployment, connector) = outside
        .connect(&compiled.program, compiled.deployment.clone())
        .map_err(StartError::Outside)?;
    Ok(Prepared {
        live: Live {
            revision,
            files,
            compiled,
        },
        deployment,
        connector,
        recorded,
    })
}

/// Keeps what the service was first started with as the first revision.
async fn first(
    store: &Store,
    files: &Files,
    changes: Vec<String>,
    now_ms: i64,
) -> Result<Option<i64>, StoreError> {
    let new = NewRevision {
        base: None,
        at_ms: now_ms,
        by: "the service's start".into(),
        summary: "the project as the service was first started with it".into(),
        changes,
        files: files.clone(),
        reasons: Vec::new(),
    };
    match store.add_revision(new).await {
        Ok(added) => Ok(Some(added.num)),
        Err(RevisionRefused::Stale { live }) => Ok(live),
        Err(RevisionRefused::Store(error)) => Err(error),
        Err(_) => Ok(None),
    }
}
