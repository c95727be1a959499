//! A call that wants to act in, whether it may be sent now out: no two calls act on one entity at the same time,
//! whichever runs make them.
//!
//! A call takes the leases of all its entities at once or none of them, so that none waits for another that waits for
//! it; whoever waits is let go in the order in which calls were intended. A lease is held while the call is under way,
//! and of its confirmation for five minutes at most: what is confirmed only reads. Leases are in memory: the store's
//! lock sees to it that one engine makes calls, and what was under way when it ended is settled before anything is
//! sent. Calls that wait are marked as that in the store, so that looking for others costs the same however many wait.

use crate::store::{Fault, StoredCall, Tx};
use counterplay_machine::declare::Impact;
use counterplay_machine::duration::MINUTE_MS;
use counterplay_machine::{Program, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How long a lease is held while an action is confirmed.
const CONFIRM_MS: i64 = 5 * MINUTE_MS;

/// The leases of an engine.
#[derive(Debug, Default)]
pub(super) struct Leases(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The call that holds an entity, and since when it is confirmed (0 before).
    held: BTreeMap<String, (i64, Arc<AtomicI64>)>,
    /// The calls that wait for an entity, by number.
    waiting: BTreeMap<String, BTreeSet<i64>>,
}

/// What a call holds until it is dropped.
#[derive(Debug)]
pub(super) struct Lease {
    leases: Arc<Leases>,
    call: i64,
    entities: Vec<String>,
    confirming_ms: Arc<AtomicI64>,
}

impl Leases {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the leases of all that a call acts on; nothing where one of them is held, and then it waits for that.
    pub(super) fn take(self: &Arc<Leases>, call: &StoredCall, now_ms: i64) -> Option<Lease> {
        let entities = &call.call.entities;
        let mut state = self.lock();
        if let Some(entity) = entities.iter().find(|entity| state.holds(entity, now_ms)) {
            let waiting = state.waiting.entry(entity.clone()).or_default();
            waiting.insert(call.num);
            return None;
        }
        let confirming_ms = Arc::<AtomicI64>::default();
        for entity in entities {
            let holder = (call.num, confirming_ms.clone());
            state.held.insert(entity.clone(), holder);
        }
        Some(Lease {
            leases: self.clone(),
            call: call.num,
            entities: entities.clone(),
            confirming_ms,
        })
    }

    /// Lets go the first of those who wait for what nobody holds any more.
    pub(super) fn let_go(&self, tx: &Tx<'_>, now_ms: i64) -> Result<(), Fault> {
        let mut state = self.lock();
        for entity in state.free(now_ms) {
            while let Some(call) = state.next(&entity) {
                // It may have been withdrawn meanwhile.
                if tx.unpark_call(call)? {
                    break;
                }
            }
        }
        Ok(())
    }
}

impl State {
    fn holds(&self, entity: &str, now_ms: i64) -> bool {
        self.held.get(entity).is_some_and(|(_, confirming)| {
            match confirming.load(Ordering::SeqCst) {
                0 => true,
                since => now_ms.saturating_sub(since) < CONFIRM_MS,
            }
        })
    }

    /// What somebody waits for and nobody holds.
    fn free(&self, now_ms: i64) -> Vec<String> {
        let wanted = self.waiting.keys();
        wanted
            .filter(|entity| !self.holds(entity, now_ms))
            .cloned()
            .collect()
    }

    /// Takes out the first of those who wait.
    fn next(&mut self, entity: &str) -> Option<i64> {
        let waiting = self.waiting.get_mut(entity)?;
        let first = waiting.pop_first();
        if waiting.is_empty() {
            self.waiting.remove(entity);
        }
        first
    }
}

impl Lease {
    /// Where the connector notes when it begins to confirm.
    pub(super) fn confirming(&self) -> Arc<AtomicI64> {
        self.confirming_ms.clone()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.leases.lock();
        for entity in &self.entities {
            // After its time another one may hold it.
            if state
                .held
                .get(entity)
                .is_some_and(|(call, _)| *call == self.call)
            {
                state.held.remove(entity);
            }
        }
    }
}

/// The entities of a call to an action, each once and in order: none of one that only tells people something.
pub(super) fn entities(
    program: &Program,
    tenant: &str,
    action: &str,
    args: &[Value],
) -> Vec<String> {
    let Some(callable) = program.callables.get(action) else {
        return Vec::new();
    };
    if callable
        .impact
        .is_none_or(|impact| impact <= Impact::Notify)
    {
        return Vec::new();
    }
    let acted_on = callable.params.iter().zip(args).filter(|(p, _)| p.acted_on);
    let mut out = BTreeSet::new();
    for (_, value) in acted_on {
        let each = match value {
            Value::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        out.extend(each.iter().map(|v| format!("{tenant}\n{}", v.entity_key())));
    }
    out.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::{CONFIRM_MS, Leases};
    use crate::store::{CallKind, NewCall, StoredCall};
    use std::sync::Arc;
    use std::sync::atomic::Ordering;

    fn call(num: i64, entities: &[&str]) -> StoredCall {
        StoredCall {
            num,
            run: num,
            call: NewCall {
                id: num.to_string(),
                kind: CallKind::Perform,
                node: 0,
                callable: "act".into(),
                args: Vec::new(),
                entities: entities.iter().map(|e| (*e).to_owned()).collect(),
            },
            attempts: 0,
            first_sent_ms: None,
            intended_ms: 0,
        }
    }

    #[test]
    fn a_call_takes_all_of_its_entities_or_none() {
        let leases = Arc::new(Leases::default());
        let first = leases.take(&call(1, &["a"]), 0).expect("nobody holds it");
        assert!(leases.take(&call(3, &["a", "b"]), 0).is_none());
        assert!(leases.take(&call(2, &["a"]), 0).is_none());
        let other = leases.take(&call(4, &["b"]), 0).expect("nobody took it");
        assert!(
            leases.take(&call(5, &[]), 0).is_some(),
            "it acts on nothing"
        );
        assert!(leases.lock().free(0).is_empty());
        drop(other);
        assert!(leases.lock().free(0).is_empty(), "they wait for the first");
        drop(first);
        let mut state = leases.lock();
        assert_eq!(state.free(0), ["a"]);
        assert_eq!(
            [state.next("a"), state.next("a"), state.next("a")],
            [Some(2), Some(3), None]
        );
        assert!(state.free(0).is_empty());
    }

    #[test]
    fn a_lease_is_held_for_five_minutes_of_confirmation_at_most() {
        let leases = Arc::new(Leases::default());
        let held = leases.take(&call(1, &["a"]), 0).expect("nobody holds it");
        assert!(
            leases.lock().holds("a", i64::MAX),
            "a call takes as long as it takes"
        );
        held.confirming().store(1_000, Ordering::SeqCst);
        assert!(leases.lock().holds("a", 999 + CONFIRM_MS));
        let next = leases.take(&call(2, &["a"]), 1_000 + CONFIRM_MS);
        assert!(next.is_some());
        drop(held);
        assert!(leases.lock().holds("a", i64::MAX), "it is the next one's");
    }
}
