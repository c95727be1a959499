//! A changed source in, a revision that runs, or one that waits for a second person, out.

use super::compile::{Compiled, ConfigFile, Files, compile};
use super::draft::{Applied, Deploying, Draft};
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

/// What became of a deploy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployed {
    /// The revision.
    pub revision: i64,
    /// What it changes for people, a sentence each.
    pub changes: Vec<String>,
    /// Why it waits for a second person; it runs where there is no reason.
    pub waits: Vec<Reason>,
    /// The playbooks of the files that change.
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

    /// The project that runs now, and its entity tag: of its revision and all its files.
    pub fn live_with_tag(&self) -> (Arc<Live>, Etag) {
        let live = self.live();
        let tag = tag(&live);
        (live, tag)
    }

    /// Whether what a draft changes is still what its author has seen.
    fn unchanged(
        &self,
        live: &Live,
        draft: &Draft,
        seen: Option<&IfMatch>,
    ) -> Result<(), DeployError> {
        let now = match draft {
            // Nobody has seen what is not there.
            Draft::New { .. } => None,
            Draft::Change { id, .. } => {
                let stand = live.compiled.stands.get(id);
                stand.filter(|s| !s.shipped).and_then(|_| self.etag(id))
            }
            Draft::Files(_) => Some(tag(live)),
        };
        match (seen, now) {
            (Some(seen), Some(now)) => seen.check(&now).map_err(DeployError::Precondition),
            _ => Ok(()),
        }
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
        self.unchanged(&live, &draft, seen)?;
        let Applied {
            files,
            touched,
            expected,
        } = draft.apply(&live, &inner.config)?;
        let compiled = self.compile(files.clone()).await?;
        if compiled.errors > 0 {
            return Err(DeployError::Findings {
                errors: compiled.errors,
                findings: compiled.findings,
            });
        }
        let mut playbooks: Vec<String> = touched
            .iter()
            .flat_map(|path| compiled.playbooks_of(path))
            .collect();
        playbooks.sort();
        expected.check(&playbooks)?;
        let waits = reasons(&live.compiled.program, &compiled.program);
        let told = changes(&live.compiled.program, &compiled.program);
        let summary = who.summary.unwrap_or_else(|| summary(&touched));
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
}

type Connected = (
    counterplay_machine::deployment::Deployment,
    Arc<dyn counterplay_runtime::call::Connector>,
);

fn tag(live: &Live) -> Etag {
    let revision = format!("{:?}", live.revision);
    let files = live.files.iter();
    let texts = files.flat_map(|(path, text)| [path.as_bytes(), text.as_bytes()]);
    let parts: Vec<&[u8]> = std::iter::once(revision.as_bytes()).chain(texts).collect();
    Etag::of(&parts)
}

/// What is said of files where nobody says anything.
fn summary(touched: &[String]) -> String {
    match touched {
        [one] => format!("changes {one}"),
        [one, two] => format!("changes {one} and {two}"),
        [one, rest @ ..] => format!("changes {one} and {} more files", rest.len()),
        [] => "changes nothing".to_owned(),
    }
}
