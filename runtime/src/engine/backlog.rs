//! How much waits to be matched for each tenant in; whether more is taken in now out.
//!
//! What is counted here may differ a little from what the store holds, which is looked at once a second.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// After how many seconds a sender who was refused should try again.
pub const RETRY_AFTER_S: u32 = 5;

/// The arrivals that wait, by tenant.
#[derive(Debug)]
pub(super) struct Backlog {
    most: usize,
    waiting: Mutex<HashMap<String, usize>>,
}

impl Backlog {
    /// So many for each tenant at most.
    pub(super) fn new(most: usize) -> Backlog {
        Backlog {
            most: most.max(1),
            waiting: Mutex::default(),
        }
    }

    /// Counts one more for a tenant; false where there is no room for it.
    pub(super) fn enter(&self, tenant: &str) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        match waiting.get_mut(tenant) {
            Some(count) if *count >= self.most => false,
            Some(count) => {
                *count += 1;
                true
            }
            None => {
                waiting.insert(tenant.to_owned(), 1);
                true
            }
        }
    }

    /// Counts one less: it does not wait any more.
    pub(super) fn leave(&self, tenant: &str) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(tenant) {
            *count = count.saturating_sub(1);
        }
    }

    /// Puts what the store holds in the place of what was counted.
    pub(super) fn set(&self, waiting: Vec<(String, usize)>) {
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) =
            waiting.into_iter().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_has_room_for_so_many_whatever_others_have() {
        let backlog = Backlog::new(2);
        assert!(backlog.enter("acme"));
        assert!(backlog.enter("acme"));
        assert!(!backlog.enter("acme"));
        assert!(backlog.enter("birch"));
        backlog.leave("acme");
        assert!(backlog.enter("acme"));
        assert!(!backlog.enter("acme"));
        backlog.set(vec![("acme".into(), 1)]);
        assert!(backlog.enter("acme"));
        assert!(!backlog.enter("acme"));
    }
}
