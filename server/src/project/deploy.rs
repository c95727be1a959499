//! A changed source in, a revision that runs, or one that waits for a second person, out.

use super::compile::{Compiled, ConfigFile, Files, compile, source_folders};
use super::review::{Reason, reasons};
use super::{Origin, Outside, Prepared};
use crate::http::{Etag, IfMatch};
use crate::problem::Problem;
use counterplay_machine::changes::changes;
use counterplay_runtime::clock::Clock;
use counterplay_runtime::engine::{Engine, EngineError, PlaybookMode};
use counterplay_runtime::finish::to_its_end;
use counterplay_runtime::store::{
    Fault, NewRevision, Revision, RevisionInfo, RevisionRefused, StoreError, Tx,
};
use serde_json::Value as Json;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// The longest path of a source.
const PATH_LENGTH_MAX: usize = 200;

/// The project that runs.
#[derive(Clone, Debug)]
pub struct Live {
    /// The revision; none where a folder is the source of truth.
    pub revision: Option<i64>,
    /// Its files.
    pub files: Files,
    /// What they compile to.
    pub compiled: Compiled,
}

/// The project that runs, and deploys to it. A clone is a handle.
#[derive(Clone)]
pub struct Projects {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Engine,
    outside: Arc<dyn Outside>,
    clock: Arc<dyn Clock>,
    config: ConfigFile,
    origin: Origin,
    live: RwLock<Arc<Live>>,
    /// Deploys come one after the other.
    deploying: Arc<Mutex<()>>,
}

/// A deploy in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// A new file with a new playbook.
    New {
        /// The file; after its first playbook when left out.
        path: Option<String>,
        /// Its text.
        source: String,
    },
    /// Another text for the file of a playbook.
    Change {
        /// The playbook's id.
        id: String,
        /// The file's text.
        source: String,
    },
}

/// Who deploys and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploying {
    /// The actor, as audit records name them.
    pub by: String,
    /// What changes, in words.
    pub summary: Option<String>,
}

/// What became of a deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The revision.
    pub revision: i64,
    /// What it changes for people, a sentence each.
    pub changes: Vec<String>,
    /// Why it waits for a second person; it runs where there is no reason.
    pub waits: Vec<Reason>,
    /// The playbooks of the file.
    pub playbooks: Vec<String>,
    /// Warnings, as data.
    pub findings: Vec<Json>,
}

/// Why a deploy is not taken.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// A folder is the source of truth.
    #[error(
        "this project is served from a folder and is changed there; start the service with --accept-deploys to deploy through the API"
    )]
    ReadOnly,
    /// There is no such playbook or revision.
    #[error("{0}")]
    NotFound(String),
    /// The content does not fit.
    #[error("{0}")]
    Unfit(String),
    /// It exists, or has been decided.
    #[error("{0}")]
    Conflict(String),
    /// Not by this person.
    #[error("{0}")]
    Forbidden(String),
    /// The source does not check.
    #[error("the source has {errors} error{}", if *errors == 1 { "" } else { "s" })]
    Findings {
        /// How many.
        errors: usize,
        /// All findings, as data.
        findings: Vec<Json>,
    },
    /// What the caller saw has changed, or nothing was said of it.
    #[error("{}", .0.detail)]
    Precondition(Problem),
    /// The engine does not take it.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The outside cannot be connected.
    #[error("{0}")]
    Outside(String),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Problem {
        let text = error.to_string();
        match error {
            DeployError::ReadOnly | DeployError::Conflict(_) => Problem::conflict(text),
            DeployError::NotFound(_) => Problem::not_found(text),
            DeployError::Unfit(_) | DeployError::Outside(_) => Problem::unprocessable(text),
            DeployError::Forbidden(_) => Problem::forbidden(text),
            DeployError::Findings { findings, .. } => {
                Problem::unprocessable(text).with("diagnostics", findings)
            }
            DeployError::Precondition(problem) => problem,
            DeployError::Engine(_) => Problem::unavailable(text),
            DeployError::Store(error) => error.into(),
        }
    }
}

impl From<RevisionRefused> for DeployError {
    fn from(refused: RevisionRefused) -> DeployError {
        let text = refused.to_string();
        match refused {
            RevisionRefused::Stale { .. } | RevisionRefused::NotWaiting { .. } => {
                DeployError::Conflict(text)
            }
            RevisionRefused::NoRevision(_) => DeployError::NotFound(text),
            RevisionRefused::OwnRevision(_) => DeployError::Forbidden(text),
            RevisionRefused::Store(error) => DeployError::Store(error),
        }
    }
}

impl Projects {
    /// The project that an engine was opened with.
    pub fn new(
        engine: Engine,
        prepared: Prepared,
        config: ConfigFile,
        origin: Origin,
        outside: Arc<dyn Outside>,
        clock: Arc<dyn Clock>,
    ) -> Projects {
        Projects {
            inner: Arc::new(Inner {
                engine,
                outside,
                clock,
                config,
                origin,
                live: RwLock::new(Arc::new(prepared.live)),
                deploying: Arc::default(),
            }),
        }
    }

    /// The project that runs now.
    pub fn live(&self) -> Arc<Live> {
        let live = self.inner.live.read();
        live.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where the sources have their home.
    pub fn origin(&self) -> Origin {
        self.inner.origin
    }

    /// The mode that a playbook runs in.
    pub fn mode(&self, id: &str) -> Option<PlaybookMode> {
        self.inner.engine.mode(id)
    }

    /// The entity tag of a playbook: of its file and of the mode that it runs in.
    pub fn etag(&self, id: &str) -> Option<Etag> {
        let live = self.live();
        let stand = live.compiled.stands.get(id)?;
        let mode = self.mode(id)?;
        let mode = format!("{:?} {:?}", mode.mode, mode.origin);
        Some(Etag::of(&[
            id.as_bytes(),
            stand.path.as_bytes(),
            stand.text.as_bytes(),
            mode.as_bytes(),
        ]))
    }

    /// Checks a draft and runs it, or keeps it for a second person where it loosens something.
    ///
    /// # Errors
    /// Why not, see [`DeployError`]; nothing has changed then.
    pub async fn deploy(
        &self,
        draft: Draft,
        seen: Option<&IfMatch>,
        who: Deploying,
    ) -> Result<Deployed, DeployError> {
        let inner = &self.inner;
        if inner.origin == Origin::Folder {
            return Err(DeployError::ReadOnly);
        }
        let one = inner.deploying.clone().lock_owned().await;
        let live = self.live();
        let (path, files, expected) = self.apply(&live, draft, seen)?;
        let compiled = self.compile(files.clone()).await?;
        if compiled.errors > 0 {
            return Err(DeployError::Findings {
                errors: compiled.errors,
                findings: compiled.findings,
            });
        }
        let playbooks = compiled.playbooks_of(&path);
        match expected {
            Some(id) if !playbooks.contains(&id) => {
                return Err(DeployError::Unfit(format!(
                    "the source no longer has the playbook `{id}`; deploy another one under its own address"
                )));
            }
            _ if playbooks.is_empty() => {
                return Err(DeployError::Unfit("the source has no playbook".into()));
            }
            _ => {}
        }
        let waits = reasons(&live.compiled.program, &compiled.program);
        let told = changes(&live.compiled.program, &compiled.program);
        let summary = who.summary.unwrap_or_else(|| format!("changes {path}"));
        let new = NewRevision {
            base: live.revision,
            at_ms: inner.clock.now_ms(),
            by: who.by,
            summary,
            changes: told.clone(),
            files: files.clone(),
            reasons: waits.iter().map(|r| r.text.clone()).collect(),
        };
        // Before it is kept: a revision that cannot be connected must not become the one to start with.
        let connected = self.connect(&compiled)?;
        let findings = compiled.findings.clone();
        let revision = match waits.is_empty() {
            true => {
                let add = move |tx: &Tx<'_>| tx.add_revision(&new);
                self.run(one, add, files, compiled, connected).await?
            }
            false => inner.engine.store().add_revision(new).await?.num,
        };
        Ok(Deployed {
            revision,
            changes: told,
            waits,
            playbooks,
            findings,
        })
    }

    /// Decides on a revision that waits. `by` is a person other than its author.
    ///
    /// # Errors
    /// Why not; the revision still waits then, unless others decided.
    pub async fn decide(
        &self,
        revision: i64,
        approve: bool,
        by: &str,
        own_tokens: &[String],
    ) -> Result<(), DeployError> {
        let inner = &self.inner;
        let one = inner.deploying.clone().lock_owned().await;
        let store = inner.engine.store();
        let Some(waiting) = store.revision(revision).await? else {
            return Err(DeployError::NotFound(format!(
                "there is no revision {revision}"
            )));
        };
        if approve && own_tokens.contains(&waiting.info.by) {
            return Err(DeployError::Forbidden(
                "this deploy is your own; another person has to approve it".into(),
            ));
        }
        let ready = match approve {
            true => Some(self.ready(&waiting).await?),
            false => None,
        };
        let (by, now) = (by.to_owned(), inner.clock.now_ms());
        let Some((compiled, connected)) = ready else {
            store.decide_revision(revision, &by, approve, now).await?;
            return Ok(());
        };
        let agree = move |tx: &Tx<'_>| tx.decide_revision(revision, &by, approve, now);
        self.run(one, agree, waiting.files, compiled, connected)
            .await?;
        Ok(())
    }

    async fn ready(&self, waiting: &Revision) -> Result<(Compiled, Connected), DeployError> {
        let compiled = self.compile(waiting.files.clone()).await?;
        if compiled.errors > 0 {
            return Err(DeployError::Findings {
                errors: compiled.errors,
                findings: compiled.findings,
            });
        }
        let connected = self.connect(&compiled)?;
        Ok((compiled, connected))
    }

    async fn compile(&self, files: Files) -> Result<Compiled, DeployError> {
        let config = self.inner.config.clone();
        tokio::task::spawn_blocking(move || compile(&config, &files))
            .await
            .map_err(|e| DeployError::Outside(format!("the compiler broke off: {e}")))
    }

    fn connect(&self, compiled: &Compiled) -> Result<Connected, DeployError> {
        self.inner
            .outside
            .connect(&compiled.program, compiled.deployment.clone())
            .map_err(DeployError::Outside)
    }

    /// Lets a revision go live and puts what it compiles to in its place. The revision and the engine's program are
    /// written in one transaction, and what follows is done to its end although a client hangs up: otherwise the store
    /// would have a revision that nothing runs, and would refuse every later one.
    async fn run(
        &self,
        one: OwnedMutexGuard<()>,
        write: impl FnOnce(&Tx<'_>) -> Result<Result<RevisionInfo, RevisionRefused>, Fault>
        + Send
        + 'static,
        files: Files,
        compiled: Compiled,
        (deployment, connector): Connected,
    ) -> Result<i64, DeployError> {
        let inner = self.inner.clone();
        to_its_end(async move {
            let _one = one;
            let program = compiled.program.clone();
            let engine = &inner.engine;
            let written = engine.deploy_with(program, deployment, connector, write);
            let revision = written.await??.num;
            let live = Live {
                revision: Some(revision),
                files,
                compiled,
            };
            let mut now = inner.live.write().unwrap_or_else(PoisonError::into_inner);
            *now = Arc::new(live);
            Ok(revision)
        })
        .await
    }

    /// The files with a draft, the path that changes, and the playbook that must be in it.
    fn apply(
        &self,
        live: &Live,
        draft: Draft,
        seen: Option<&IfMatch>,
    ) -> Result<(String, Files, Option<String>), DeployError> {
        let mut files = live.files.clone();
        match draft {
            Draft::New { path, source } => {
                let path = self.new_path(path, &source)?;
                if files.contains_key(&path) {
                    return Err(DeployError::Conflict(format!(
                        "there is a file {path}; change its playbook with PUT, or name another path"
                    )));
                }
                files.insert(path.clone(), source);
                Ok((path, files, None))
            }
            Draft::Change { id, source } => {
                let stand =
                    live.compiled.stands.get(&id).ok_or_else(|| {
                        DeployError::NotFound(format!("there is no playbook `{id}`"))
                    })?;
                if stand.shipped {
                    return Err(DeployError::Conflict(format!(
                        "`{id}` ships with Counterplay and is not edited; set its mode to paused and deploy a copy under another id"
                    )));
                }
                if let (Some(seen), Some(now)) = (seen, self.etag(&id)) {
                    seen.check(&now).map_err(DeployError::Precondition)?;
                }
                files.insert(stand.path.clone(), source);
                Ok((stand.path.clone(), files, Some(id)))
            }
        }
    }

    /// A path for a new file, within the project's sources.
    fn new_path(&self, given: Option<String>, source: &str) -> Result<String, DeployError> {
        let folders = source_folders(&self.inner.config);
        let folder = folders.first().map_or("playbooks", String::as_str);
        let path = match given {
            Some(path) => path,
            None => format!("{folder}/{}.play", first_playbook(source)?),
        };
        let plain = path.len() <= PATH_LENGTH_MAX
            && path.ends_with(".play")
            && path.split('/').all(|part| {
                !part.is_empty()
                    && !part.starts_with('.')
                    && part
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
            });
        if !plain {
            return Err(DeployError::Unfit(format!(
                "the path of a playbook is one such as {folder}/lost_device.play: letters, digits, `-`, `_`, ending in .play"
            )));
        }
        let inside = folders.is_empty()
            || folders.iter().any(|f| {
                path.strip_prefix(f.as_str())
                    .is_some_and(|r| r.starts_with('/'))
            });
        if !inside {
            return Err(DeployError::Unfit(format!(
                "{path} lies in none of the project's source folders: {}",
                folders.join(", ")
            )));
        }
        Ok(path)
    }
}

type Connected = (
    counterplay_machine::deployment::Deployment,
    Arc<dyn counterplay_runtime::call::Connector>,
);

/// The id of the first playbook of a source, read as the compiler's own item list has it.
fn first_playbook(source: &str) -> Result<String, DeployError> {
    let parsed = counterplay_compiler::syntax::parse(&Arc::from("source"), source);
    let keys = parsed.items.iter().map(|item| item.key.as_ref());
    keys.filter_map(|key: &str| key.strip_prefix("playbook "))
        .map(|id| id.split('#').next().unwrap_or(id).to_owned())
        .find(|id| !id.is_empty())
        .ok_or_else(|| {
            DeployError::Unfit(
                "the source has no playbook: one begins with `playbook ID \"TITLE\" {`".into(),
            )
        })
}
