//! Jobs in, one after the other on a thread that owns a connection; what waits together is committed together.
//!
//! Each job of a group works in a savepoint of its own, so that one which fails leaves the others as they are, and
//! hears of its success after the commit of all has reached the disk.

use super::keys::Keyring;
use super::place::Place;
use super::{Crash, Fault, StoreError, StoreOptions, Tx, Work};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Work within a transaction.
pub(super) trait Job: Send {
    /// Does it. What it changed is to stay unless this says why not.
    fn work(&mut self, tx: &Tx<'_>, shared: &Shared) -> Result<(), StoreError>;

    /// Tells whoever waits: `Ok` where the transaction that it was part of is on the disk.
    fn tell(self: Box<Self>, committed: Result<(), StoreError>);
}

/// How much is committed together at most.
const GROUP_MAX: usize = 256;

/// Programs nest as deeply as the compiler lets them; decoding recurses. Only touched pages cost memory.
const STACK_BYTES: usize = 64 << 20;

/// What a thread does with its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Commits them, in groups.
    Writer,
    /// Looks at what is committed, each job at one moment.
    Reader,
}

/// A thread with a connection.
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn spawn(
        kind: Kind,
        mut conn: Connection,
        shared: Arc<Shared>,
    ) -> Result<Worker, StoreError> {
        let path = shared.path.clone();
        let name = match kind {
            Kind::Writer => "store-writer",
            Kind::Reader => "store-reader",
        };
        let (jobs, queue) = mpsc::channel::<Box<dyn Job>>();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                while let Ok(first) = queue.recv() {
                    match kind {
                        Kind::Reader => shared.read(&mut conn, first),
                        Kind::Writer => {
                            let more = queue.try_iter().take(GROUP_MAX - 1);
                            let group = std::iter::once(first).chain(more).collect();
                            shared.write(&mut conn, group);
                        }
                    }
                }
            })
            .map_err(|e| StoreError::CannotOpen {
                path,
                detail: e.to_string(),
            })?;
        Ok(Worker {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) fn send(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let jobs = self.jobs.as_ref().ok_or(StoreError::Stopped)?;
        jobs.send(job).map_err(|_| StoreError::Stopped)
    }
}

impl Drop for Worker {
    /// Waits for the jobs that were handed over, so that the file is closed when the store is gone.
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

/// A closure that works within a transaction, and where its result goes.
pub(super) struct Task<T, F> {
    work: Option<F>,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Task<T, F> {
    pub(super) fn new(work: F, answer: oneshot::Sender<Result<T, StoreError>>) -> Task<T, F> {
        Task {
            work: Some(work),
            result: None,
            answer,
        }
    }
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Tx<'_>) -> Result<T, Fault> + Send,
{
    fn work(&mut self, tx: &Tx<'_>, shared: &Shared) -> Result<(), StoreError> {
        let result = match self.work.take() {
            Some(work) => shared.guarded(tx, work),
            None => Err(StoreError::Stopped),
        };
        let said = result.as_ref().map_or_else(|e| Err(e.clone()), |_| Ok(()));
        self.result = Some(result);
        said
    }

    fn tell(self: Box<Self>, committed: Result<(), StoreError>) {
        let result = match (self.result, committed) {
            (Some(Ok(value)), Ok(())) => Ok(value),
            (Some(Err(error)), _) | (_, Err(error)) => Err(error),
            (None, Ok(())) => Err(StoreError::Stopped),
        };
        // Nobody may be waiting any more; the transaction counts all the same.
        let _ = self.answer.send(result);
    }
}

/// What the handles of one opened store share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    place: Option<Place>,
    keys: Keyring,
    options: StoreOptions,
    commits: AtomicU64,
    transactions: AtomicU64,
    spent_us: AtomicU64,
    stopped: AtomicBool,
}

impl Shared {
    pub(super) fn new(path: PathBuf, options: StoreOptions) -> Shared {
        Shared {
            place: Place::of(&path),
            keys: Keyring::new(&path, options.key.clone()),
            path,
            options,
            commits: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            spent_us: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Whether the file is still where it was opened.
    pub(super) fn is_in_place(&self) -> bool {
        Place::of(&self.path) == self.place
    }

    /// What was done since the store was opened.
    pub(super) fn work(&self) -> Work {
        Work {
            commits: self.commits(),
            transactions: self.transactions.load(Ordering::Relaxed),
            spent: Duration::from_micros(self.spent_us.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    fn write(&self, conn: &mut Connection, mut group: Vec<Box<dyn Job>>) {
        let committed = self.commit(conn, &mut group);
        for job in group {
            job.tell(committed.clone());
        }
    }

    /// Works a group off in one transaction. One that is to be rolled back leaves nothing behind.
    fn commit(&self, conn: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.alive()?;
        let failed = |e: &rusqlite::Error| StoreError::of_sqlite(&self.path, e);
        let mut tx = self.begin(conn)?;
        let mut stays = false;
        let transactions = group.len() as u64;
        match group {
            [one] => stays = one.work(&self.tx(&tx), self).is_ok(),
            several => {
                for job in several {
                    let point = tx.savepoint().map_err(|e| failed(&e))?;
                    match job.work(&self.tx(&point), self) {
                        Ok(()) => {
                            point.commit().map_err(|e| failed(&e))?;
                            stays = true;
                        }
                        // After some failures, such as a full disk, nothing of the whole transaction is left.
                        Err(error) if point.is_autocommit() => return Err(error),
                        // What was done since the savepoint is taken back when that is dropped.
                        Err(_) => {}
                    }
                }
            }
        }
        if !stays {
            return Ok(());
        }
        if self.options.crash == Some(Crash::Instead(self.commits())) {
            self.stopped.store(true, Ordering::SeqCst);
            return Err(StoreError::Stopped);
        }
        let since = Instant::now();
        tx.commit().map_err(|e| failed(&e))?;
        let spent = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.spent_us.fetch_add(spent, Ordering::Relaxed);
        self.transactions.fetch_add(transactions, Ordering::Relaxed);
        let commits = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if self.options.crash == Some(Crash::After(commits)) {
            self.stopped.store(true, Ordering::SeqCst);
            return Err(StoreError::Stopped);
        }
        Ok(())
    }

    fn read(&self, conn: &mut Connection, mut job: Box<dyn Job>) {
        let looked = self.look(conn, &mut *job);
        job.tell(looked);
    }

    fn look(&self, conn: &mut Connection, job: &mut dyn Job) -> Result<(), StoreError> {
        self.alive()?;
        let tx = conn
            .transaction()
            .map_err(|e| StoreError::of_sqlite(&self.path, &e))?;
        // Whoever waits is told what it gave.
        let _ = job.work(&self.tx(&tx), self);
        Ok(())
    }

    fn tx<'a>(&'a self, conn: &'a Connection) -> Tx<'a> {
        Tx {
            conn,
            salts: &self.options.salts,
            keys: &self.keys,
        }
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.stopped.load(Ordering::SeqCst) {
            Err(StoreError::Stopped)
        } else {
            Ok(())
        }
    }

    /// A fault of ours in one transaction must not take the thread with it.
    fn guarded<T>(
        &self,
        tx: &Tx<'_>,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        match catch_unwind(AssertUnwindSafe(|| work(tx))) {
            Ok(result) => result.map_err(|fault| StoreError::of(&self.path, fault)),
            Err(panic) => Err(StoreError::Fault {
                path: self.path.clone(),
                detail: panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).to_owned()))
                    .unwrap_or_else(|| "it panicked".into()),
            }),
        }
    }

    /// Takes the write lock, and waits for another program that holds it.
    fn begin<'c>(&self, conn: &'c mut Connection) -> Result<Transaction<'c>, StoreError> {
        let since = Instant::now();
        loop {
            match Transaction::new_unchecked(conn, TransactionBehavior::Immediate) {
                Ok(tx) => return Ok(tx),
                Err(error) => {
                    let error = StoreError::of_sqlite(&self.path, &error);
                    if !matches!(error, StoreError::Locked(_))
                        || since.elapsed() >= self.options.patience
                    {
                        return Err(error);
                    }
                    tracing::warn!("{error}");
                    std::thread::sleep(Duration::from_millis(20));
                }
            }
        }
    }
}
