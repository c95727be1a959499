//! The number of a stored program in, the program out; those that are in use are kept in memory.

use crate::store::{Fault, Tx};
use counterplay_machine::Program;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Programs by their number in the store, shared by everything that was ever deployed on an engine.
#[derive(Default)]
pub(super) struct Programs(Mutex<HashMap<i64, Arc<Program>>>);

impl Programs {
    pub(super) fn remember(&self, num: i64, program: Arc<Program>) {
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        programs.entry(num).or_insert(program);
    }

    /// A program from memory or, where it is not there, from the store.
    pub(super) fn get(&self, tx: &Tx<'_>, num: i64) -> Result<Arc<Program>, Fault> {
        let known = {
            let programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            programs.get(&num).cloned()
        };
        if let Some(program) = known {
            return Ok(program);
        }
        let program = tx.program(num)?;
        self.remember(num, program.clone());
        Ok(program)
    }

    /// Forgets every program but these.
    pub(super) fn keep_only(&self, nums: &[i64]) {
        let mut programs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        programs.retain(|num, _| nums.contains(num));
    }
}
