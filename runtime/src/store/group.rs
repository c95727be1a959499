//! A group of jobs and a connection in; one commit of all of them, and each told what became of it, out.
//!
//! Each job of a group works in a savepoint of its own, so that one which fails leaves the others as they are, and
//! hears of its success after the commit of all has reached the disk.

use super::backend::Job;
use super::keys::Keyring;
use super::place::Place;
use super::recent::Recent;
use super::{Crash, Fault, StoreError, StoreOptions, Tx, Work};
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What the handles of one opened store share.
pub(super) struct Shared {
    pub(super) path: PathBuf,
    place: Option<Place>,
    keys: Keyring,
    recent: Recent,
    options: StoreOptions,
    commits: AtomicU64,
    transactions: AtomicU64,
    spent_us: AtomicU64,
    stopped: AtomicBool,
    /// What was found to be wrong with the file.
    broken: OnceLock<StoreError>,
}

impl Shared {
    pub(super) fn new(path: PathBuf, options: StoreOptions) -> Shared {
        Shared {
            place: Place::of(&path),
            keys: Keyring::new(&path, options.key.clone()),
            recent: Recent::default(),
            path,
            options,
            commits: AtomicU64::new(0),
            transactions: AtomicU64::new(0),
            spent_us: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            broken: OnceLock::new(),
        }
    }

    /// How long a transaction waits for another program that holds the file.
    pub(super) fn patience(&self) -> Duration {
        self.options.patience
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

    /// Works a group off and tells each of its jobs what became of it.
    pub(super) fn write(&self, conn: &mut Connection, mut group: Vec<Box<dyn Job>>) {
        let committed = self.commit(conn, &mut group);
        for job in group {
            job.tell(committed.clone());
        }
    }

    /// Works a group off in one transaction. One that is to be rolled back leaves nothing behind.
    fn commit(&self, conn: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        self.alive()?;
        let failed = |e: &rusqlite::Error| StoreError::of_sqlite(&self.path, e);
        let tx = self.begin(conn)?;
        let mut stays = false;
        let transactions = group.len() as u64;
        match group {
            [one] => stays = one.work(&self.tx(&tx), self).is_ok(),
            several => {
                for job in several {
                    // Prepared once: they come with every job.
                    let point = |sql| {
                        let done = tx
                            .prepare_cached(sql)
                            .and_then(|mut point| point.execute([]));
                        done.map_err(|e| failed(&e))
                    };
                    point("SAVEPOINT job")?;
                    match job.work(&self.tx(&tx), self) {
                        Ok(()) => stays = true,
                        // After some failures, such as a full disk, nothing of the whole transaction is left.
                        Err(error) if tx.is_autocommit() => return Err(error),
                        Err(_) => {
                            point("ROLLBACK TO job")?;
                        }
                    }
                    point("RELEASE job")?;
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
        if self.options.crash == Some(Crash::Full(self.commits())) {
            // Counted, so that the next one goes on.
            self.commits.fetch_add(1, Ordering::SeqCst);
            return Err(StoreError::Full(self.path.clone()));
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

    /// Lets a job look at what is committed, at one moment.
    pub(super) fn read(&self, conn: &mut Connection, mut job: Box<dyn Job>) {
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
            recent: &self.recent,
        }
    }

    /// Nothing is done any more, for this reason.
    pub(super) fn end(&self, error: StoreError) {
        self.broken.get_or_init(|| error);
    }

    fn alive(&self) -> Result<(), StoreError> {
        if let Some(error) = self.broken.get() {
            return Err(error.clone());
        }
        if self.stopped.load(Ordering::SeqCst) {
            Err(StoreError::Stopped)
        } else {
            Ok(())
        }
    }

    /// A fault of ours in one transaction must not take the thread with it.
    pub(super) fn guarded<T>(
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
