//! What carries out a store's transactions, as a trait, and what it is given to do.
//!
//! Every implementation keeps the same promises, and `runtime/tests/store_contract.rs` holds each of them to these:
//!
//! 1. Jobs that are written are done in the order in which they were handed over, one after the other.
//! 2. A job is told of success after what it changed has reached the disk, and not before.
//! 3. A job that fails leaves nothing behind and takes nothing with it, whatever shares its commit.
//! 4. A reading job sees what is committed, all of it as of one moment.
//! 5. A job that was handed over is done before those that come after it, whether or not somebody still waits for it.
//!
//! The trait is cut here, and not through the hundred typed reads and writes of [`Tx`]: these are SQL with little
//! around it, and a second set of them, held up to date by hand, would be a second store with faults of its own.

use super::group::Shared;
use super::{Fault, StoreError, Tx};
use tokio::sync::oneshot;

/// When so much is to be committed together, nothing more is added.
pub(super) const GROUP_MAX: usize = 256;

/// Carries out jobs on a database.
pub(super) trait Backend: Send + Sync {
    /// Takes jobs that may write, which share a commit.
    fn write(&self, jobs: Vec<Box<dyn Job>>) -> Result<(), StoreError>;

    /// Takes a job that only reads.
    fn read(&self, job: Box<dyn Job>) -> Result<(), StoreError>;

    /// Somebody waits for what was handed over: one without a thread of its own does it now.
    fn go_on(&self);
}

/// Work within a transaction.
pub(super) trait Job: Send {
    /// Does it. What it changed is to stay unless this says why not.
    fn work(&mut self, tx: &Tx<'_>, shared: &Shared) -> Result<(), StoreError>;

    /// Tells whoever waits: `Ok` where the transaction that it was part of is on the disk.
    fn tell(self: Box<Self>, committed: Result<(), StoreError>);
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
