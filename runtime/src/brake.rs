//! What people have paused in; whether something may be sent now out.
//!
//! Whoever sends asks for a [`Pass`] before each attempt and keeps it until there is an answer. A pause counts
//! from the moment that it is set: nobody gets a pass any more, and when the last one is given back nothing is
//! under way.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is paused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Everything.
    All,
    /// What is done for a tenant, by name.
    Tenant(String),
    /// What the runs of a playbook do, by id.
    Playbook(String),
}

impl Scope {
    /// Whether something that is sent for a tenant, by a playbook's run where it is one's, falls under it.
    pub fn holds(&self, tenant: &str, playbook: Option<&str>) -> bool {
        match self {
            Scope::All => true,
            Scope::Tenant(name) => name == tenant,
            Scope::Playbook(id) => playbook == Some(id),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scope::All => f.write_str("everything"),
            Scope::Tenant(name) => write!(f, "the tenant {name}"),
            Scope::Playbook(id) => write!(f, "the playbook {id}"),
        }
    }
}

/// What is paused at present, and what is under way.
#[derive(Debug, Default)]
pub struct Brake {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    paused: Vec<Scope>,
    under_way: BTreeMap<u64, (Arc<str>, Option<Arc<str>>)>,
    next: u64,
}

impl Brake {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Pauses this and nothing else; whether that is something new.
    pub fn set(&self, paused: Vec<Scope>) -> bool {
        let mut state = self.lock();
        let is_new = state.paused != paused;
        if is_new {
            state.paused = paused;
            drop(state);
            self.changed.notify_waiters();
        }
        is_new
    }

    /// Whether something may not be sent now.
    pub fn is_held(&self, tenant: &str, playbook: Option<&str>) -> bool {
        self.lock().is_held(tenant, playbook)
    }

    /// How much is under way of what falls under a scope.
    pub fn under_way(&self, scope: &Scope) -> usize {
        let state = self.lock();
        let all = state.under_way.values();
        all.filter(|(tenant, playbook)| scope.holds(tenant, playbook.as_deref()))
            .count()
    }

    fn enter(&self, gate: &Gate) -> Option<u64> {
        let mut state = self.lock();
        if state.is_held(&gate.tenant, gate.playbook.as_deref()) {
            return None;
        }
        state.next += 1;
        let number = state.next;
        let what = (gate.tenant.clone(), gate.playbook.clone());
        state.under_way.insert(number, what);
        Some(number)
    }

    fn leave(&self, number: u64) {
        self.lock().under_way.remove(&number);
        self.changed.notify_waiters();
    }
}

impl State {
    fn is_held(&self, tenant: &str, playbook: Option<&str>) -> bool {
        self.paused
            .iter()
            .any(|scope| scope.holds(tenant, playbook))
    }
}

/// Where somebody asks before sending; open by default.
#[derive(Clone, Debug, Default)]
pub struct Gate {
    brake: Option<Arc<Brake>>,
    tenant: Arc<str>,
    playbook: Option<Arc<str>>,
}

impl Gate {
    /// One that a brake closes.
    pub fn of(brake: &Arc<Brake>, tenant: &str, playbook: Option<&str>) -> Gate {
        Gate {
            brake: Some(brake.clone()),
            tenant: Arc::from(tenant),
            playbook: playbook.map(Arc::from),
        }
    }

    /// Whose run sends, by the playbook's id.
    pub fn playbook(&self) -> Option<&str> {
        self.playbook.as_deref()
    }

    /// Whether whatever closes this one closes the other as well.
    pub fn is_like(&self, other: &Gate) -> bool {
        self.tenant == other.tenant && self.playbook == other.playbook
    }

    /// Goes through, where something may be sent now.
    pub fn pass(&self) -> Option<Pass> {
        match &self.brake {
            None => Some(Pass(None)),
            Some(brake) => {
                let number = brake.enter(self)?;
                Some(Pass(Some((brake.clone(), number))))
            }
        }
    }

    /// Waits until something may be sent; at once where nothing is paused.
    pub async fn opened(&self) {
        let Some(brake) = &self.brake else {
            return;
        };
        loop {
            let changed = brake.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !brake.is_held(&self.tenant, self.playbook()) {
                return;
            }
            changed.await;
        }
    }
}

/// That something is under way; given back when it is dropped.
#[derive(Debug)]
pub struct Pass(Option<(Arc<Brake>, u64)>);

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some((brake, number)) = &self.0 {
            brake.leave(*number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_pause_holds_what_falls_under_it_and_ends_with_what_was_under_way() {
        let brake = Arc::new(Brake::default());
        let acme = Gate::of(&brake, "acme", Some("wipe"));
        let birch = Gate::of(&brake, "birch", None);
        let first = acme.pass().expect("nothing is paused");
        let scope = Scope::Tenant("acme".into());
        brake.set(vec![scope.clone()]);
        assert_eq!(brake.under_way(&scope), 1);
        assert!(birch.pass().is_some());
        assert!(acme.pass().is_none(), "no second one");
        let held = tokio::time::timeout(Duration::from_millis(5), acme.opened()).await;
        assert!(held.is_err(), "it waits");
        drop(first);
        assert_eq!(brake.under_way(&scope), 0);
        let waiting = tokio::spawn(async move {
            acme.opened().await;
            assert!(acme.pass().is_some());
        });
        brake.set(Vec::new());
        waiting.await.expect("it goes on");
    }

    #[test]
    fn scopes_hold_what_they_say() {
        let playbook = Scope::Playbook("wipe".into());
        assert!(playbook.holds("acme", Some("wipe")));
        assert!(!playbook.holds("acme", Some("other")));
        assert!(!playbook.holds("acme", None));
        assert!(Scope::All.holds("acme", None));
    }
}
