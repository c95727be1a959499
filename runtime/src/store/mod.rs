//! Typed reads and transactions in, rows of one SQLite file out. All SQL of the runtime is here.
//!
//! A [`Store`] is a cheap handle on what carries out its transactions (`backend`): two threads with a connection each,
//! of which one writes and the other reads what is committed (`threads`); or, for simulations, whoever waits
//! (`inline`). Several processes may open the same file; the engine's lock ([`Store::lock_engine`]) sees to it that only
//! one of them drives runs.

mod answers;
mod approvals;
mod archive;
mod audit;
mod audit_read;
mod audit_seal;
mod audit_sign;
mod audit_verify;
mod awaits;
mod backend;
mod backup;
mod check;
mod checkpoint;
mod codec;
mod counters;
mod deeds;
mod deliveries;
mod erase;
mod error;
mod events;
mod events_read;
mod fair;
mod feed;
mod figures;
mod group;
mod guards;
mod identity;
mod inline;
mod inputs;
mod keys;
mod letters;
mod list;
mod lock;
mod messages;
mod modes;
mod open;
mod outbox;
mod pauses;
mod people;
mod place;
mod polls;
mod programs;
mod promotions;
mod recent;
mod revisions;
mod runs;
mod runs_read;
mod salts;
mod schema;
mod sealed;
mod stats;
mod subscriptions;
mod threads;
mod ticks;
mod time;
mod time_right;
mod timers;
mod undos;
mod unreadable;

pub use answers::{Answer, Begun, Ticket};
pub(crate) use approvals::approval_info;
pub use approvals::{Answered, ApprovalDetail, ApprovalInfo, DecidedApproval, RefusedAnswer};
pub use archive::Archived;
pub use audit::NewAudit;
pub use audit_read::{AuditExport, AuditFilter, AuditPart, AuditRecord};
pub use audit_verify::{Broken, ChainReport};
pub use backup::{Backup, BackupError};
pub use checkpoint::{Checkpoint, PublicKey, Signatory};
pub(crate) use counters::Counted;
pub use deeds::{Deed, DeedState, NewDeed, Reading};
pub use erase::{Erased, Erasure, Found, Kept, Recorded};
pub use error::{Fault, StoreError};
pub use events::{Arrival, ArrivalKind, NewArrival};
pub use events_read::{EventFilter, EventInfo};
pub use feed::{Feed, FeedEntry};
pub use figures::{Figures, Happened, Waiting, Work};
pub use identity::{
    NewPerson, NewSession, NewToken, PersonChange, PersonRow, SessionRow, TokenRow,
};
pub use inputs::{InputRow, Word};
pub use keys::master_key_path;
pub use letters::{DeadLetter, LetterFilter, LetterRefused, NewLetter};
pub use list::Page;
pub use lock::EngineLock;
pub use messages::{Channel, Message, MessageState};
pub use modes::StoredMode;
pub use outbox::{CallKind, NewCall, StoredCall};
pub use pauses::Pause;
pub use people::{Said, WordRefused};
pub use polls::{PollRow, PollSource};
pub use programs::OpenProgram;
pub use promotions::{
    DeployedProgram, PromoteRefused, Promotion, Version, short as short_version, versions,
};
pub use revisions::{NewRevision, Revision, RevisionInfo, RevisionRefused, RevisionState};
pub use runs::{NewRunRow, StoredRun};
pub use runs_read::{RunDetail, RunFilter, RunInfo};
pub use salts::Salts;
pub use stats::{Hour, OpenCounts, PlaybookStats, StatsFilter, Tally};
pub use subscriptions::{ChangeRow, SubscriptionRow};
pub use time::{Confirmed, Jump, Overdue, TimeCause, TimeHold};
pub(crate) use time::{JUMP_MS, unwatched};
pub use undos::{UndoRefused, Undoing};
pub use unreadable::{Act, Became, Leave, LeaveRefused, Left, UnreadableRun};

use crate::connect::MasterKey;
use backend::{Backend, Job, Task};
use check::Check;
use group::Shared;
use inline::Inline;
use keys::Keyring;
use recent::Recent;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use threads::Threads;
use tokio::sync::oneshot;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// How long a transaction waits for another program that holds the file before it gives up.
    pub patience: Duration,
    /// Simulates the end of the process, or a full disk, for tests of recovery.
    pub crash: Option<Crash>,
    /// Where the salts of audit records come from.
    pub salts: Salts,
    /// The deployment's master key; where it is absent, the file `master.key` beside the store, which is made for a new
    /// store.
    pub key: Option<MasterKey>,
    /// Whether transactions are done by whoever waits for them, in the order in which they were handed over, without a
    /// thread: for simulations, which have to go the same way each time.
    pub inline: bool,
    /// How long the check of all pages may keep the store from being opened; what is left of it then is done beside the
    /// work, which ends where something is found.
    pub check_within: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            patience: Duration::from_secs(60),
            check_within: Duration::from_secs(1),
            crash: None,
            salts: Salts::default(),
            key: None,
            inline: false,
        }
    }
}

/// Simulated trouble. After an end of the process the handle answers [`StoreError::Stopped`] only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Right after this many commits, before the caller hears of the last one.
    After(u64),
    /// Instead of the commit that follows this many, so that its transaction is lost.
    Instead(u64),
    /// No end: the commit that follows this many fails as on a full disk, and what follows goes on.
    Full(u64),
}

/// A transaction that is under way, or a view of what is committed.
///
/// The methods are grouped by table in this module's files.
pub struct Tx<'a> {
    conn: &'a rusqlite::Connection,
    salts: &'a Salts,
    keys: &'a Keyring,
    recent: &'a Recent,
}

/// A handle on the store.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    // Dropped first: nothing is open when the writer closes the file.
    _check: Option<Check>,
    backend: Arc<dyn Backend>,
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the store in a file, which is made when it is not there, brought to this version's
    /// schema and checked. Its master key has to be the one that it was written with.
    ///
    /// # Errors
    /// Whatever keeps the file from being used, see [`StoreError`]. Nothing is changed then.
    pub fn open(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        Store::open_with(path, StoreOptions::default())
    }

    /// [`Store::open`] with options.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_with(path: impl AsRef<Path>, options: StoreOptions) -> Result<Store, StoreError> {
        let (patience, key) = (options.patience, options.key.as_ref());
        // One thing after the other where there are no threads.
        let within = match options.inline {
            true => Duration::MAX,
            false => options.check_within,
        };
        let checked = open::prepare(path.as_ref(), patience, key, within)?;
        Store::connect(path.as_ref(), options, checked)
    }

    /// Opens a store that exists and has this version's schema, without the check of every page:
    /// for commands that look something up or leave a word for a running engine. Its master key is looked for when audit
    /// records are read or written.
    ///
    /// # Errors
    /// As [`Store::open`]; also when the file is missing or of an earlier version.
    pub fn attach(path: impl AsRef<Path>) -> Result<Store, StoreError> {
        Store::attach_with(path, StoreOptions::default())
    }

    /// [`Store::attach`] with options.
    ///
    /// # Errors
    /// As [`Store::attach`].
    pub fn attach_with(path: impl AsRef<Path>, options: StoreOptions) -> Result<Store, StoreError> {
        open::look(path.as_ref())?;
        Store::connect(path.as_ref(), options, true)
    }

    fn connect(path: &Path, options: StoreOptions, checked: bool) -> Result<Store, StoreError> {
        let inline = options.inline;
        let shared = Arc::new(Shared::new(path.to_owned(), options));
        let backend: Arc<dyn Backend> = match inline {
            true => Arc::new(Inline::start(&shared)?),
            false => Arc::new(Threads::start(&shared)?),
        };
        let check = match checked {
            true => None,
            false => Some(Check::start(&shared)?),
        };
        Ok(Store {
            inner: Arc::new(Inner {
                _check: check,
                backend,
                shared,
            }),
        })
    }

    /// Whether the file is still where it was opened: what is written to one that was removed or replaced is lost at
    /// the end of the process.
    pub fn is_in_place(&self) -> bool {
        self.inner.shared.is_in_place()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.inner.shared.path
    }

    /// Takes the lock that a running engine holds. It is released when the guard is dropped or the
    /// process ends, however it ends.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another engine holds it.
    pub fn lock_engine(&self) -> Result<EngineLock, StoreError> {
        EngineLock::take(self.path())
    }

    /// Runs one transaction on the writer's thread and returns after its commit has reached the
    /// disk. It is rolled back when `work` fails. Once handed over it runs even if the caller stops
    /// waiting.
    ///
    /// # Errors
    /// What `work` or the commit failed with.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        self.hand_over(work).done().await
    }

    /// Hands one transaction over, as [`Store::write`], without waiting for it. Transactions are done in the order in
    /// which they are handed over; those that wait together share a commit.
    pub fn hand_over<T, F>(&self, work: F) -> Pending<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (task, answered) = task(work);
        self.pending(self.inner.backend.write(vec![task]), answered)
    }

    /// Hands several transactions over at once, each as [`Store::hand_over`]: they share a commit.
    pub fn hand_over_all<T, F>(&self, work: Vec<F>) -> Vec<Pending<T>>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (jobs, answered): (Vec<Box<dyn Job>>, Vec<Hearing<T>>) = work
            .into_iter()
            .map(|work| {
                let (task, answered) = task(work);
                (task as Box<dyn Job>, answered)
            })
            .unzip();
        let handed = match jobs.is_empty() {
            true => Ok(()),
            false => self.inner.backend.write(jobs),
        };
        let pending = |answered| self.pending(handed.clone(), answered);
        answered.into_iter().map(pending).collect()
    }

    /// Looks at what is committed, consistent within `work`.
    ///
    /// # Errors
    /// What `work` failed with.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
    {
        let (task, answered) = task(work);
        let handed = self.inner.backend.read(task);
        self.pending(handed, answered).done().await
    }

    fn pending<T>(&self, handed: Result<(), StoreError>, answered: Hearing<T>) -> Pending<T> {
        Pending {
            answered: handed.map(|()| answered),
            backend: self.inner.backend.clone(),
        }
    }

    /// What this handle has done since it was opened.
    pub fn work(&self) -> Work {
        self.inner.shared.work()
    }

    /// How often this handle has committed: each time one transaction, or several together.
    pub fn commits(&self) -> u64 {
        self.inner.shared.commits()
    }
}

/// A transaction that was handed over.
pub struct Pending<T> {
    answered: Result<Hearing<T>, StoreError>,
    backend: Arc<dyn Backend>,
}

/// Where what a transaction gave is heard.
type Hearing<T> = oneshot::Receiver<Result<T, StoreError>>;

impl<T> Pending<T> {
    /// Waits until it is committed.
    ///
    /// # Errors
    /// What it or the commit failed with.
    pub async fn done(self) -> Result<T, StoreError> {
        let answered = self.answered?;
        self.backend.go_on();
        answered.await.map_err(|_| StoreError::Stopped)?
    }
}

/// Work as a backend takes it, and where its answer comes.
fn task<T, F>(work: F) -> (Box<Task<T, F>>, Hearing<T>)
where
    T: Send + 'static,
    F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send + 'static,
{
    let (answer, answered) = oneshot::channel();
    (Box::new(Task::new(work, answer)), answered)
}

fn lock_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    PathBuf::from(name)
}
