//! How many calls may be under way in; a slot for each that may be sent now, given back when it is dropped, out.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The slots of an engine. One service that is slow, or whose turns are rare, does not hold up what the others are
/// asked: no connection has more than three quarters of them.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    share: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    connections: HashMap<Arc<str>, usize>,
    /// The tenant whose call was chosen last: the next one is another's, where others wait.
    turn: String,
}

/// A slot for one call.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    connection: Option<Arc<str>>,
}

impl Slots {
    /// So many, one at least.
    pub(super) fn new(max: usize) -> Slots {
        let max = max.max(1);
        Slots {
            max,
            share: (max - max / 4).max(1),
            state: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().taken
    }

    /// How many are free.
    pub(super) fn room(&self) -> usize {
        self.max.saturating_sub(self.lock().taken)
    }

    /// The connections that have no slot left.
    pub(super) fn full(&self) -> Vec<Arc<str>> {
        let state = self.lock();
        let full = state.connections.iter().filter(|(_, n)| **n >= self.share);
        full.map(|(name, _)| name.clone()).collect()
    }

    /// The tenant whose call was chosen last.
    pub(super) fn turn(&self) -> String {
        self.lock().turn.clone()
    }

    /// Notes whose call was chosen last.
    pub(super) fn set_turn(&self, tenant: &str) {
        let mut state = self.lock();
        if state.turn != tenant {
            state.turn = tenant.to_owned();
        }
    }

    /// Takes a slot for a call over a connection, where one is free.
    pub(super) fn take(self: &Arc<Slots>, connection: Option<&Arc<str>>) -> Option<Slot> {
        let mut state = self.lock();
        if state.taken >= self.max {
            return None;
        }
        if let Some(name) = connection {
            let taken = state.connections.entry(name.clone()).or_default();
            if *taken >= self.share {
                return None;
            }
            *taken += 1;
        }
        state.taken += 1;
        Some(Slot {
            slots: self.clone(),
            connection: connection.cloned(),
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        state.taken = state.taken.saturating_sub(1);
        if let Some(name) = &self.connection
            && let Some(taken) = state.connections.get_mut(name)
        {
            *taken -= 1;
            if *taken == 0 {
                state.connections.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_connection_takes_all_slots_and_dropped_ones_are_free_again() {
        let slots = Arc::new(Slots::new(4));
        let (slow, other): (Arc<str>, Arc<str>) = ("slow".into(), "other".into());
        let mut held: Vec<Slot> = (0..3).filter_map(|_| slots.take(Some(&slow))).collect();
        assert_eq!((held.len(), slots.room()), (3, 1));
        assert!(slots.take(Some(&slow)).is_none(), "its share is taken");
        assert_eq!(slots.full(), std::slice::from_ref(&slow));
        let last = slots.take(Some(&other)).expect("another connection's");
        assert!(slots.take(None).is_none(), "none is left");
        held.pop();
        assert!(slots.full().is_empty());
        assert_eq!(slots.room(), 1);
        drop(last);
        drop(held);
        assert_eq!(slots.room(), 4);
    }
}
