//! How many calls may be under way in; a slot for each that may be sent now, given back when it is dropped or its call
//! waits, out.

use super::leases::Leases;
use crate::room::{Seat, Waits};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot::{self, Sender};

/// The slots of an engine. A service that is slow does not hold up what the others are asked: no connection has more than
/// three quarters of them. One that does not answer a tenant does not hold up the others' calls: no tenant has more than half
/// of a connection's. A call that waits for its next attempt, or for what it has ordered to come true, has none; of those that
/// wait for their next attempt, a tenant has no more over one connection than may be under way over it in all, and the rest
/// stays in the store.
#[derive(Debug)]
pub(super) struct Slots {
    max: usize,
    /// Of one connection.
    share: usize,
    /// Of one tenant over one connection.
    own: usize,
    state: Mutex<State>,
    leases: Arc<Leases>,
}

#[derive(Debug, Default)]
struct State {
    /// How many are taken.
    taken: usize,
    /// How many of them over each connection.
    connections: HashMap<Arc<str>, usize>,
    /// How many of those for each tenant.
    tenants: HashMap<Pair, usize>,
    /// The calls under way and those that wait for their next attempt, by connection and tenant.
    present: HashMap<Pair, usize>,
    /// The calls that have stepped aside, by number, and what they wait for.
    aside: BTreeMap<u64, Waits>,
    /// Those of them that want a slot again, in the order in which they came back.
    back: VecDeque<(Call, Sender<()>)>,
    /// The number of the next call.
    next: u64,
    /// The tenant whose call was chosen last: the next one is another's, where others wait.
    turn: String,
}

/// A connection and a tenant.
type Pair = (Arc<str>, Arc<str>);

/// Whose a slot is.
#[derive(Clone, Debug)]
struct Call {
    number: u64,
    connection: Option<Arc<str>>,
    tenant: Arc<str>,
}

impl Call {
    fn pair(&self) -> Option<Pair> {
        let connection = self.connection.clone()?;
        Some((connection, self.tenant.clone()))
    }
}

/// A slot for one call.
#[derive(Debug)]
pub(super) struct Slot {
    slots: Arc<Slots>,
    call: Call,
}

/// What there is no slot for at present.
#[derive(Debug, Default)]
pub(super) struct Full {
    connections: Vec<Arc<str>>,
    tenants: HashMap<Arc<str>, Vec<Arc<str>>>,
}

impl Full {
    /// Whether a tenant's calls over a connection wait.
    pub(super) fn holds(&self, tenant: &str, connection: &str) -> bool {
        let named = |c: &Arc<str>| &**c == connection;
        self.connections.iter().any(named)
            || self
                .tenants
                .get(tenant)
                .is_some_and(|own| own.iter().any(named))
    }

    /// Whether none of a tenant's calls wait.
    pub(super) fn spares(&self, tenant: &str) -> bool {
        self.connections.is_empty() && !self.tenants.contains_key(tenant)
    }
}

impl Slots {
    /// So many, one at least.
    pub(super) fn new(max: usize) -> Slots {
        let max = max.max(1);
        let share = (max - max / 4).max(1);
        Slots {
            max,
            share,
            own: share.div_ceil(2),
            state: Mutex::default(),
            leases: Arc::default(),
        }
    }

    /// What calls act on.
    pub(super) fn leases(&self) -> &Arc<Leases> {
        &self.leases
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are taken.
    pub(super) fn taken(&self) -> usize {
        self.lock().taken
    }

    /// How many calls have stepped aside.
    pub(super) fn aside(&self) -> usize {
        self.lock().aside.len()
    }

    /// How many are free.
    pub(super) fn room(&self) -> usize {
        self.max.saturating_sub(self.lock().taken)
    }

    /// What has no slot left.
    pub(super) fn full(&self) -> Full {
        let state = self.lock();
        let over = state.connections.iter().filter(|(_, n)| **n >= self.share);
        let mut full = Full {
            connections: over.map(|(name, _)| name.clone()).collect(),
            tenants: HashMap::new(),
        };
        let under_way = state.tenants.iter().filter(|(_, n)| **n >= self.own);
        let present = state.present.iter().filter(|(_, n)| **n >= self.share);
        for ((connection, tenant), _) in under_way.chain(present) {
            let own = full.tenants.entry(tenant.clone()).or_default();
            own.push(connection.clone());
        }
        full
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

    /// Takes a slot for a tenant's call over a connection, where one is free.
    pub(super) fn take(
        self: &Arc<Slots>,
        connection: Option<&Arc<str>>,
        tenant: &Arc<str>,
    ) -> Option<Arc<Slot>> {
        let mut state = self.lock();
        let call = Call {
            number: state.next + 1,
            connection: connection.cloned(),
            tenant: tenant.clone(),
        };
        let present = call.pair().map_or(0, |p| number(&state.present, &p));
        if !state.has_room(&call, self) || present >= self.share {
            return None;
        }
        state.next += 1;
        state.enter(&call);
        state.sit(&call);
        Some(Arc::new(Slot {
            slots: self.clone(),
            call,
        }))
    }
}

impl State {
    /// Whoever came back and found none does not have to be asked: the first who can have it got what was given back.
    fn has_room(&self, call: &Call, slots: &Slots) -> bool {
        let over = |pair: Pair| {
            number(&self.connections, &pair.0) < slots.share
                && number(&self.tenants, &pair) < slots.own
        };
        self.taken < slots.max && call.pair().is_none_or(over)
    }

    fn enter(&mut self, call: &Call) {
        if let Some(pair) = call.pair() {
            *self.present.entry(pair).or_default() += 1;
        }
    }

    fn exit(&mut self, call: &Call) {
        if let Some(pair) = call.pair() {
            less(&mut self.present, &pair);
        }
    }

    fn sit(&mut self, call: &Call) {
        self.taken += 1;
        if let Some(pair) = call.pair() {
            *self.connections.entry(pair.0.clone()).or_default() += 1;
            *self.tenants.entry(pair).or_default() += 1;
        }
    }

    /// Gives a call's slot back, to the first of those who came back and can have it.
    fn rise(&mut self, call: &Call, slots: &Slots) {
        self.taken = self.taken.saturating_sub(1);
        if let Some(pair) = call.pair() {
            less(&mut self.connections, &pair.0);
            less(&mut self.tenants, &pair);
        }
        self.seat(slots);
    }

    fn seat(&mut self, slots: &Slots) {
        let mut at = 0;
        while let Some((call, _)) = self.back.get(at) {
            if !self.has_room(call, slots) {
                at += 1;
                continue;
            }
            if let Some((call, seated)) = self.back.remove(at)
                && let Some(waits) = self.aside.remove(&call.number)
            {
                self.sit(&call);
                if waits == Waits::Confirmed {
                    self.enter(&call);
                }
                // Who does not wait for it any longer gives it back when it is dropped.
                let _ = seated.send(());
            }
        }
    }
}

fn number<K: Eq + std::hash::Hash>(counts: &HashMap<K, usize>, key: &K) -> usize {
    counts.get(key).copied().unwrap_or_default()
}

fn less<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

impl Seat for Slot {
    fn leave(&self, waits: Waits) {
        let mut state = self.slots.lock();
        if state.aside.insert(self.call.number, waits).is_none() {
            if waits == Waits::Confirmed {
                state.exit(&self.call);
            }
            state.rise(&self.call, &self.slots);
        }
    }

    fn come_back(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let (seated, seat) = oneshot::channel();
        let mut state = self.slots.lock();
        let number = self.call.number;
        if state.aside.contains_key(&number) {
            // It may have come back before, and have stopped waiting.
            state.back.retain(|(call, _)| call.number != number);
            state.back.push_back((self.call.clone(), seated));
            state.seat(&self.slots);
        }
        drop(state);
        Box::pin(async move {
            // Who has a slot already is told so by the sender that is gone.
            let _ = seat.await;
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.slots.lock();
        let number = self.call.number;
        let aside = state.aside.remove(&number);
        if aside != Some(Waits::Confirmed) {
            state.exit(&self.call);
        }
        match aside {
            None => state.rise(&self.call, &self.slots),
            Some(_) => state.back.retain(|(call, _)| call.number != number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::task::Poll;

    fn name(text: &str) -> Arc<str> {
        text.into()
    }

    impl Slots {
        fn is_empty(&self) -> bool {
            let state = self.lock();
            let counts = [&state.present, &state.tenants];
            state.taken == 0
                && state.connections.is_empty()
                && counts.iter().all(|counts| counts.is_empty())
                && state.aside.is_empty()
                && state.back.is_empty()
        }
    }

    /// Whether who comes back has a slot.
    async fn sits(back: &mut Pin<Box<dyn Future<Output = ()> + Send + '_>>) -> bool {
        poll_fn(|context| Poll::Ready(back.as_mut().poll(context).is_ready())).await
    }

    #[test]
    fn no_connection_takes_all_slots_and_dropped_ones_are_free_again() {
        let slots = Arc::new(Slots::new(4));
        let (slow, other) = (name("slow"), name("other"));
        let tenants = ["acme", "birch", "cedar"].map(name);
        let mut held: Vec<Arc<Slot>> = tenants
            .iter()
            .filter_map(|tenant| slots.take(Some(&slow), tenant))
            .collect();
        assert_eq!((held.len(), slots.room()), (3, 1));
        let acme = &tenants[0];
        assert!(
            slots.take(Some(&slow), acme).is_none(),
            "its share is taken"
        );
        assert!(slots.full().holds("dogwood", "slow"));
        let last = slots.take(Some(&other), acme);
        let last = last.expect("another connection's");
        assert!(slots.take(None, acme).is_none(), "none is left");
        held.pop();
        assert!(slots.full().spares("acme"));
        assert_eq!(slots.room(), 1);
        drop(last);
        drop(held);
        assert_eq!(slots.room(), 4);
        assert!(slots.is_empty());
    }

    #[test]
    fn no_tenant_takes_all_slots_of_a_connection() {
        let slots = Arc::new(Slots::new(8));
        let graph = name("graph");
        let (acme, birch) = (name("acme"), name("birch"));
        let mut held = Vec::new();
        while let Some(slot) = slots.take(Some(&graph), &acme) {
            held.push(slot);
        }
        assert_eq!(held.len(), 3, "half of six");
        assert!(slots.full().holds("acme", "graph") && slots.full().spares("birch"));
        while let Some(slot) = slots.take(Some(&graph), &birch) {
            held.push(slot);
        }
        assert_eq!(held.len(), 6);
        drop(held);
        assert!(slots.is_empty());
    }

    #[tokio::test]
    async fn who_waits_has_none_and_comes_before_new_ones_when_it_comes_back() {
        let slots = Arc::new(Slots::new(8));
        let graph = name("graph");
        let take = |tenant: &Arc<str>| slots.take(Some(&graph), tenant);
        let (acme, birch) = (name("acme"), name("birch"));
        let mut waiting = Vec::new();
        while let Some(slot) = take(&acme) {
            slot.leave(Waits::Again);
            waiting.push(slot);
        }
        assert_eq!((slots.taken(), slots.aside()), (0, 6));
        assert!(slots.full().holds("acme", "graph") && slots.full().spares("birch"));
        let mut others: Vec<Arc<Slot>> = (0..3).filter_map(|_| take(&birch)).collect();
        let mut more: Vec<Arc<Slot>> = ["cedar", "dogwood", "elm"]
            .iter()
            .filter_map(|tenant| take(&name(tenant)))
            .collect();
        assert_eq!((others.len(), more.len()), (3, 3), "they are not held up");

        let [first, second, third, ..] = &waiting[..] else {
            panic!("six wait");
        };
        let mut back = first.come_back();
        let mut next = second.come_back();
        assert!(!sits(&mut back).await && !sits(&mut next).await);
        others.pop();
        assert!(sits(&mut back).await && !sits(&mut next).await, "the first");
        assert!(take(&birch).is_none(), "not a new one");
        more.clear();
        assert!(sits(&mut next).await);
        drop((back, next));
        // What it ordered is awaited: others of its tenant come meanwhile.
        first.leave(Waits::Confirmed);
        let another = take(&acme).expect("it is sent");
        assert!(take(&acme).is_none());
        // Who comes back and is dropped before it is told leaves nothing taken, however often it does.
        drop(third.come_back());
        drop(third.come_back());
        third.leave(Waits::Again);
        drop(third.come_back());
        drop(third.come_back());
        drop((another, others, waiting));
        assert!(slots.is_empty());
    }
}
