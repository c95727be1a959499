//! Jobs in, one after the other on a thread that owns a connection.
//!
//! Group commit would go here: several waiting jobs, a savepoint each, under one commit.

use super::place::Place;
use super::{Crash, Fault, StoreError, StoreOptions, Tx};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(super) type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Programs nest as deeply as the compiler lets them; decoding recurses. Only touched pages cost memory.
const STACK_BYTES: usize = 64 << 20;

/// A thread with a connection.
pub(super) struct Worker {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(super) fn spawn(
        name: &str,
        mut conn: Connection,
        path: &Path,
    ) -> Result<Worker, StoreError> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                for job in queue {
                    job(&mut conn);
                }
            })
            .map_err(|e| StoreError::CannotOpen {
                path: path.to_owned(),
                detail: e.to_string(),
            })?;
        Ok(Worker {
            jobs: Some(jobs),
            thread: Some(thread),
        })
    }

    pub(super) fn send(&self, job: Job) -> Result<(), StoreError> {
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

/// What the handles of one opened store share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    place: Option<Place>,
    options: StoreOptions,
    commits: AtomicU64,
    stopped: AtomicBool,
}

impl Shared {
    pub(super) fn new(path: PathBuf, options: StoreOptions) -> Shared {
        Shared {
            place: Place::of(&path),
            path,
            options,
            commits: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
        }
    }

    /// Whether the file is still where it was opened.
    pub(super) fn is_in_place(&self) -> bool {
        Place::of(&self.path) == self.place
    }

    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::SeqCst)
    }

    pub(super) fn write<T>(
        &self,
        conn: &mut Connection,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.alive()?;
        let tx = self.begin(conn)?;
        let out = self.guarded(&self.tx(&tx), work)?;
        if self.options.crash == Some(Crash::Instead(self.commits())) {
            self.stopped.store(true, Ordering::SeqCst);
            return Err(StoreError::Stopped);
        }
        tx.commit()
            .map_err(|e| StoreError::of_sqlite(&self.path, &e))?;
        let commits = self.commits.fetch_add(1, Ordering::SeqCst) + 1;
        if self.options.crash == Some(Crash::After(commits)) {
            self.stopped.store(true, Ordering::SeqCst);
            return Err(StoreError::Stopped);
        }
        Ok(out)
    }

    pub(super) fn read<T>(
        &self,
        conn: &mut Connection,
        work: impl FnOnce(&Tx<'_>) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        self.alive()?;
        let tx = conn
            .transaction()
            .map_err(|e| StoreError::of_sqlite(&self.path, &e))?;
        self.guarded(&self.tx(&tx), work)
    }

    fn tx<'a>(&'a self, conn: &'a Connection) -> Tx<'a> {
        Tx {
            conn,
            salts: &self.options.salts,
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
