//! Jobs in, done on two threads that own a connection each: the one for files that people work with.

use super::backend::{Backend, GROUP_MAX, Job};
use super::group::Shared;
use super::{StoreError, open};
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;

/// Programs nest as deeply as the compiler lets them; decoding recurses. Only touched pages cost memory.
const STACK_BYTES: usize = 64 << 20;

/// What a thread does with its jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Commits them, in groups.
    Writer,
    /// Looks at what is committed, each job at one moment.
    Reader,
}

/// A thread with a connection.
struct Worker {
    jobs: Option<mpsc::Sender<Vec<Box<dyn Job>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    fn spawn(kind: Kind, mut conn: Connection, shared: Arc<Shared>) -> Result<Worker, StoreError> {
        let path = shared.path.clone();
        let name = match kind {
            Kind::Writer => "store-writer",
            Kind::Reader => "store-reader",
        };
        let (jobs, queue) = mpsc::channel::<Vec<Box<dyn Job>>>();
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                while let Ok(mut jobs) = queue.recv() {
                    match kind {
                        Kind::Reader => {
                            jobs.into_iter().for_each(|job| shared.read(&mut conn, job))
                        }
                        Kind::Writer => {
                            while jobs.len() < GROUP_MAX
                                && let Ok(more) = queue.try_recv()
                            {
                                jobs.extend(more);
                            }
                            shared.write(&mut conn, jobs);
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

    fn send(&self, jobs: Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let queue = self.jobs.as_ref().ok_or(StoreError::Stopped)?;
        queue.send(jobs).map_err(|_| StoreError::Stopped)
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

/// A writing and a reading thread.
pub(super) struct Threads {
    // Dropped in this order: the writer last, so that the last connection to close has written.
    reader: Worker,
    writer: Worker,
}

impl Threads {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Threads, StoreError> {
        let busy = open::busy(shared.patience());
        let writer = open::connect(&shared.path, busy, false)?;
        let reader = open::connect(&shared.path, busy, true)?;
        Ok(Threads {
            reader: Worker::spawn(Kind::Reader, reader, shared.clone())?,
            writer: Worker::spawn(Kind::Writer, writer, shared.clone())?,
        })
    }
}

impl Backend for Threads {
    fn write(&self, jobs: Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        self.writer.send(jobs)
    }

    fn read(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.reader.send(vec![job])
    }

    fn go_on(&self) {}
}
