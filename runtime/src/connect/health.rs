//! What attempts at a connection came to in; when it last worked, and what was wrong since, out.

use super::remembered::Place;
use crate::call::ConnectionHealth;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The health of all connections since the start.
#[derive(Debug, Default)]
pub(super) struct Healths(Mutex<BTreeMap<Place, ConnectionHealth>>);

impl Healths {
    /// An answer came that a service gives which works.
    pub fn worked(&self, place: &Place, now_ms: i64) {
        self.change(place, |health| {
            health.worked_ms = Some(now_ms);
            health.trouble = None;
        });
    }

    /// No answer came, or one that says that the service or its credentials do not work.
    pub fn failed(&self, place: &Place, now_ms: i64, reason: String) {
        self.change(place, |health| health.trouble = Some((now_ms, reason)));
    }

    /// All of them.
    pub fn all(&self) -> BTreeMap<Place, ConnectionHealth> {
        let healths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        healths.clone()
    }

    fn change(&self, place: &Place, change: impl FnOnce(&mut ConnectionHealth)) {
        let mut healths = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(healths.entry(place.clone()).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_the_trouble_and_trouble_keeps_when_it_worked() {
        let (healths, place) = (Healths::default(), Place::named("graph"));
        healths.worked(&place, 1);
        healths.failed(&place, 2, "down".into());
        let graph = healths.all()[&place].clone();
        assert_eq!(graph.worked_ms, Some(1));
        assert_eq!(graph.trouble, Some((2, "down".into())));
        healths.worked(&place, 3);
        assert_eq!(healths.all()[&place].trouble, None);
    }
}
