//! Jobs in, done on the thread of whoever waits for them: no thread, no chance, the same order each time.
//!
//! For simulations, in which one seed has to give one course of events. It is the same file, the same SQL and the same
//! commits; what was handed over waits until somebody waits for it, and shares a commit as it would elsewhere.

use super::backend::{Backend, GROUP_MAX, Job};
use super::group::Shared;
use super::{StoreError, open};
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Two connections and what waits.
pub(super) struct Inline {
    shared: Arc<Shared>,
    waiting: Mutex<VecDeque<Vec<Box<dyn Job>>>>,
    writer: Mutex<Connection>,
    reader: Mutex<Connection>,
}

impl Inline {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Inline, StoreError> {
        let busy = open::busy(shared.patience());
        let writer = open::connect(&shared.path, busy, false)?;
        let reader = open::connect(&shared.path, busy, true)?;
        // A process that was killed tidies nothing up either: the next one finds the log as it was left.
        for conn in [&writer, &reader] {
            conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
                .map_err(|e| StoreError::of_sqlite(&shared.path, &e))?;
        }
        Ok(Inline {
            shared: shared.clone(),
            waiting: Mutex::default(),
            writer: Mutex::new(writer),
            reader: Mutex::new(reader),
        })
    }

    fn next_group(&self) -> Vec<Box<dyn Job>> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let mut group = Vec::new();
        while group.len() < GROUP_MAX
            && let Some(jobs) = waiting.pop_front()
        {
            group.extend(jobs);
        }
        group
    }
}

impl Backend for Inline {
    fn write(&self, jobs: Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(jobs);
        Ok(())
    }

    fn read(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.read(&mut reader, job);
        Ok(())
    }

    fn go_on(&self) {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let group = self.next_group();
            if group.is_empty() {
                return;
            }
            self.shared.write(&mut writer, group);
        }
    }
}
