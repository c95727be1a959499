//! What attempts at a connection came to in, whether another one is worth making out: a circuit breaker for each
//! connection and tenant. Pure: the time is passed in, and nobody is waited for here.
//!
//! After some failures in a row that say that the service does not work (no answer, or one from 500 on) nothing is sent
//! for a while; then one attempt is made. If it is answered, all go on; if not, the while is longer.

use super::remembered::Place;
use crate::call::OpenCircuit;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How many failures in a row stop the calls.
pub(super) const FAILURES: u32 = 5;
/// For how long they are stopped at first, in milliseconds.
pub(super) const OPEN_MS: i64 = 15_000;
/// For how long at most.
pub(super) const OPEN_MS_MAX: i64 = 240_000;
/// When others look again while one attempt is made, in milliseconds.
const LOOK_AGAIN_MS: i64 = 1_000;

/// One connection and tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    /// Calls are made; so many in a row have failed.
    #[default]
    Closed,
    Failing(u32),
    /// None is made before this time.
    Open {
        since_ms: i64,
        until_ms: i64,
        for_ms: i64,
        reason: String,
    },
    /// One is made, and the others wait for what becomes of it.
    Probing {
        since_ms: i64,
        /// When another one may be made because nobody heard of this one.
        given_up_ms: i64,
        for_ms: i64,
        reason: String,
    },
}

/// What may be done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Say {
    /// An attempt may be made.
    Go,
    /// Not before so many milliseconds have passed, for this reason.
    Wait(i64, String),
}

impl State {
    /// Whether an attempt may be made. `limit_ms` is how long one may take.
    fn ask(&mut self, now_ms: i64, limit_ms: i64) -> Say {
        match self {
            State::Closed | State::Failing(_) => Say::Go,
            State::Open {
                until_ms, reason, ..
            } if now_ms < *until_ms => Say::Wait(*until_ms - now_ms, reason.clone()),
            State::Probing {
                given_up_ms,
                reason,
                ..
            } if now_ms < *given_up_ms => {
                let wait_ms = LOOK_AGAIN_MS.min(*given_up_ms - now_ms);
                Say::Wait(wait_ms, reason.clone())
            }
            State::Open {
                since_ms,
                for_ms,
                reason,
                ..
            }
            | State::Probing {
                since_ms,
                for_ms,
                reason,
                ..
            } => {
                *self = State::Probing {
                    since_ms: *since_ms,
                    given_up_ms: now_ms.saturating_add(limit_ms),
                    for_ms: *for_ms,
                    reason: std::mem::take(reason),
                };
                Say::Go
            }
        }
    }

    /// An attempt was answered by a service that works. Whether calls go on again.
    fn answered(&mut self) -> bool {
        let was_open = matches!(self, State::Open { .. } | State::Probing { .. });
        *self = State::Closed;
        was_open
    }

    /// An attempt said that the service does not work. Whether calls stop now.
    fn failed(&mut self, now_ms: i64, why: &str) -> bool {
        match self {
            State::Closed => {
                *self = State::Failing(1);
                false
            }
            State::Failing(failures) if *failures + 1 < FAILURES => {
                *failures += 1;
                false
            }
            State::Failing(_) => {
                *self = State::Open {
                    since_ms: now_ms,
                    until_ms: now_ms.saturating_add(OPEN_MS),
                    for_ms: OPEN_MS,
                    reason: why.to_owned(),
                };
                true
            }
            // One that was sent before it opened says nothing new.
            State::Open { .. } => false,
            State::Probing {
                since_ms, for_ms, ..
            } => {
                let for_ms = for_ms.saturating_mul(2).min(OPEN_MS_MAX);
                *self = State::Open {
                    since_ms: *since_ms,
                    until_ms: now_ms.saturating_add(for_ms),
                    for_ms,
                    reason: why.to_owned(),
                };
                false
            }
        }
    }

    /// An attempt told nothing of the service: another one may be made.
    fn told_nothing(&mut self, now_ms: i64) {
        if let State::Probing {
            since_ms,
            for_ms,
            reason,
            ..
        } = self
        {
            *self = State::Open {
                since_ms: *since_ms,
                until_ms: now_ms,
                for_ms: *for_ms,
                reason: std::mem::take(reason),
            };
        }
    }

    fn shown(&self) -> Option<OpenCircuit> {
        match self {
            State::Closed | State::Failing(_) => None,
            State::Open {
                since_ms,
                until_ms: next_ms,
                reason,
                ..
            }
            | State::Probing {
                since_ms,
                given_up_ms: next_ms,
                reason,
                ..
            } => Some(OpenCircuit {
                since_ms: *since_ms,
                next_ms: *next_ms,
                reason: reason.clone(),
            }),
        }
    }
}

/// All of them, by connection and tenant.
#[derive(Debug, Default)]
pub(super) struct Breakers(Mutex<HashMap<(Place, String), State>>);

impl Breakers {
    /// Whether an attempt may be made now.
    pub fn ask(&self, place: &Place, tenant: &str, now_ms: i64, limit_ms: i64) -> Say {
        self.with(place, tenant, |state| state.ask(now_ms, limit_ms))
    }

    /// An attempt was answered by a service that works.
    pub fn answered(&self, place: &Place, tenant: &str) {
        if self.with(place, tenant, State::answered) {
            tracing::info!(connection = %place.name, tenant, "it answers again; calls go on");
        }
    }

    /// An attempt said that the service does not work.
    pub fn failed(&self, place: &Place, tenant: &str, now_ms: i64, why: &str) {
        if self.with(place, tenant, |state| state.failed(now_ms, why)) {
            tracing::warn!(
                connection = %place.name,
                tenant,
                reason = why,
                "no call is sent for a while"
            );
        }
    }

    /// An attempt told nothing of the service.
    pub fn told_nothing(&self, place: &Place, tenant: &str, now_ms: i64) {
        self.with(place, tenant, |state| state.told_nothing(now_ms));
    }

    /// Those to which nothing is sent at present, with the tenant.
    pub fn open(&self) -> Vec<(Place, String, OpenCircuit)> {
        let states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = states.iter().filter_map(|((place, tenant), state)| {
            Some((place.clone(), tenant.clone(), state.shown()?))
        });
        open.collect()
    }

    fn with<T>(&self, place: &Place, tenant: &str, f: impl FnOnce(&mut State) -> T) -> T {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let state = states.entry((place.clone(), tenant.to_owned()));
        f(state.or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT_MS: i64 = 30_000;

    fn opened() -> State {
        let mut state = State::default();
        for _ in 1..FAILURES {
            assert!(!state.failed(0, "down"));
            assert_eq!(state.ask(0, LIMIT_MS), Say::Go);
        }
        assert!(state.failed(0, "down"));
        state
    }

    #[test]
    fn failures_in_a_row_stop_calls_and_an_answer_in_between_forgets_them() {
        let mut state = State::default();
        for _ in 0..10 {
            for _ in 1..FAILURES {
                assert!(!state.failed(0, "down"));
            }
            assert!(!state.answered());
        }
        assert_eq!(state.ask(0, LIMIT_MS), Say::Go);
        let mut state = opened();
        assert_eq!(state.ask(0, LIMIT_MS), Say::Wait(OPEN_MS, "down".into()));
        assert_eq!(
            state.ask(OPEN_MS - 1, LIMIT_MS),
            Say::Wait(1, "down".into())
        );
        assert!(!state.failed(5, "late"), "one that was under way");
        assert_eq!(
            state.ask(OPEN_MS - 1, LIMIT_MS),
            Say::Wait(1, "down".into())
        );
    }

    #[test]
    fn one_attempt_is_made_and_decides() {
        let mut state = opened();
        assert_eq!(state.ask(OPEN_MS, LIMIT_MS), Say::Go);
        assert_eq!(
            state.ask(OPEN_MS, LIMIT_MS),
            Say::Wait(LOOK_AGAIN_MS, "down".into()),
            "the others wait for it"
        );
        assert!(state.answered());
        assert_eq!(state.ask(OPEN_MS, LIMIT_MS), Say::Go);
        assert_eq!(state.shown(), None);
    }

    #[test]
    fn an_attempt_that_fails_makes_the_pause_longer_up_to_a_limit() {
        let mut state = opened();
        let (mut now, mut pauses) = (0, Vec::new());
        for _ in 0..6 {
            let Say::Wait(wait_ms, _) = state.ask(now, LIMIT_MS) else {
                panic!("it is open");
            };
            pauses.push(wait_ms);
            now += wait_ms;
            assert_eq!(state.ask(now, LIMIT_MS), Say::Go);
            assert!(!state.failed(now, "still down"));
        }
        assert_eq!(pauses, [15_000, 30_000, 60_000, 120_000, 240_000, 240_000]);
        let shown = state.shown().expect("open");
        assert_eq!((shown.since_ms, shown.next_ms), (0, now + 240_000));
        assert_eq!(shown.reason, "still down");
    }

    #[test]
    fn an_attempt_that_nobody_hears_of_does_not_block_for_ever() {
        let mut state = opened();
        assert_eq!(state.ask(OPEN_MS, LIMIT_MS), Say::Go);
        assert!(matches!(
            state.ask(OPEN_MS + LIMIT_MS - 1, LIMIT_MS),
            Say::Wait(1, _)
        ));
        assert_eq!(state.ask(OPEN_MS + LIMIT_MS, LIMIT_MS), Say::Go);
    }

    #[test]
    fn connections_and_tenants_have_breakers_of_their_own() {
        let breakers = Breakers::default();
        let (graph, psa) = (Place::named("graph"), Place::named("psa"));
        for _ in 0..FAILURES {
            breakers.failed(&graph, "contoso", 0, "down");
        }
        assert_ne!(breakers.ask(&graph, "contoso", 1, LIMIT_MS), Say::Go);
        assert_eq!(breakers.ask(&graph, "fabrikam", 1, LIMIT_MS), Say::Go);
        assert_eq!(breakers.ask(&psa, "contoso", 1, LIMIT_MS), Say::Go);
        let open = breakers.open();
        assert_eq!(open.len(), 1);
        assert_eq!((&open[0].0, open[0].1.as_str()), (&graph, "contoso"));
    }
}
