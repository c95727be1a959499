//! A call that waits in; its place among those under way given to another one meanwhile out.
//!
//! How many calls are under way at once is limited. What is tried again in a minute, waits for its turn, for a breaker, for
//! people who have paused it, or for what it has ordered to come true, does nothing meanwhile: whoever waits steps aside, so that
//! a service that does not work for one tenant does not hold up the others.

use std::fmt;
use std::future::{Future, poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

/// What a call waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// For its next attempt.
    Again,
    /// For what it has ordered to come true.
    Confirmed,
}

/// A place among the calls that are under way.
pub trait Seat: fmt::Debug + Send + Sync {
    /// Gives it back.
    fn leave(&self, waits: Waits);

    /// Takes one again: those who wait for one come before new calls, in the order in which they came back.
    fn come_back(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Where a call steps aside while it waits; by default nobody needs its place.
#[derive(Clone, Debug, Default)]
pub struct Room(Option<Arc<dyn Seat>>);

impl Room {
    /// It has a place.
    pub fn of(seat: Arc<dyn Seat>) -> Room {
        Room(Some(seat))
    }

    /// Waits, aside where it takes any time at all.
    pub async fn aside<T>(&self, waits: Waits, wait: impl Future<Output = T>) -> T {
        let Some(seat) = &self.0 else {
            return wait.await;
        };
        let mut wait = pin!(wait);
        let at_once = poll_fn(|context| {
            Poll::Ready(match wait.as_mut().poll(context) {
                Poll::Ready(out) => Some(out),
                Poll::Pending => None,
            })
        });
        if let Some(out) = at_once.await {
            return out;
        }
        seat.leave(waits);
        let out = wait.await;
        seat.come_back().await;
        out
    }
}

/// A place that is only noted as given back: others may come meanwhile, and for a moment there may be some more when whoever
/// left comes back. Each connection has its own limits.
#[derive(Debug, Default)]
pub struct Aside(AtomicBool);

impl Aside {
    /// Whether it is given back.
    pub fn is_aside(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

impl Seat for Aside {
    fn leave(&self, _waits: Waits) {
        self.0.store(true, Ordering::SeqCst);
    }

    fn come_back(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.store(false, Ordering::SeqCst);
        Box::pin(ready(()))
    }
}
