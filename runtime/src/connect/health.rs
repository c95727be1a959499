//! What attempts at a connection came to in; when it last worked, and what was wrong since, out.

use crate::call::ConnectionHealth;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The health of all connections since the start, by name.
#[derive(Debug, Default)]
pub(super) struct Healths(Mutex<BTreeMap<String, ConnectionHealth>>);

impl Healths {
    /// An answer came that a service gives which works.
    pub fn worked(&self, connection: &str, now_ms: i64) {
        self.change(connection, |health| {
            health.worked_ms = Some(now_ms);
            health.trouble = None;
        });
    }

    /// No answer came, or one that says that the service or its credentials do not work.
    pub fn failed(&self, connection: &str, now_ms: i64, reason: String) {
        self.change(connection, |health| health.trouble = Some((now_ms, reason)));
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<String, ConnectionHealth> {
        let healths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        healths.clone()
    }

    fn change(&self, connection: &str, change: impl FnOnce(&mut ConnectionHealth)) {
        let mut healths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(healths.entry(connection.to_owned()).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_the_trouble_and_trouble_keeps_when_it_worked() {
        let healths = Healths::default();
        healths.worked("graph", 1);
        healths.failed("graph", 2, "down".into());
        let graph = healths.all()["graph"].clone();
        assert_eq!(graph.worked_ms, Some(1));
        assert_eq!(graph.trouble, Some((2, "down".into())));
        healths.worked("graph", 3);
        assert_eq!(healths.all()["graph"].trouble, None);
    }
}
