//! The clock of a simulation: it moves when the simulation moves it, may be set wrong, and wakes who sleeps.

use counterplay_runtime::clock::Clock;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;

/// What the clock shows at first: 2026-11-23T08:00:00Z, a Monday.
pub const START_MS: i64 = 1_795_420_800_000;

/// A clock that is moved by hand.
#[derive(Debug, Default)]
pub struct SimClock(Mutex<Hands>);

#[derive(Debug, Default)]
struct Hands {
    /// How much time has passed.
    passed_ms: i64,
    /// By how much the clock shows more than has passed.
    ahead_ms: i64,
    /// Who sleeps, and until when by the time that has passed.
    sleepers: Vec<(i64, oneshot::Sender<()>)>,
    /// Who has nothing to do.
    idlers: Vec<oneshot::Sender<()>>,
    /// How often somebody had nothing to do, or slept.
    rests: u64,
}

impl SimClock {
    /// A clock at its start.
    pub fn new() -> SimClock {
        SimClock(Mutex::new(Hands {
            ahead_ms: START_MS,
            ..Hands::default()
        }))
    }

    fn hands(&self) -> std::sync::MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time passes.
    pub fn pass(&self, ms: i64) {
        let mut hands = self.hands();
        hands.passed_ms += ms.max(0);
        let now = hands.passed_ms;
        let (due, later) = std::mem::take(&mut hands.sleepers)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        hands.sleepers = later;
        drop(hands);
        for (_, sleeper) in due {
            // It may have been given up.
            let _ = sleeper.send(());
        }
    }

    /// Somebody sets the clock.
    pub fn set(&self, by_ms: i64) {
        self.hands().ahead_ms += by_ms;
    }

    /// Who has nothing to do looks again.
    pub fn tick(&self) {
        let idlers = std::mem::take(&mut self.hands().idlers);
        for idler in idlers {
            // It may have found something in the meantime.
            let _ = idler.send(());
        }
    }

    /// How often somebody had nothing to do, or slept: as long as this grows, something is under way.
    pub fn rests(&self) -> u64 {
        self.hands().rests
    }

    /// How long until the next sleeper wakes, in milliseconds.
    pub fn next_waking_ms(&self) -> Option<i64> {
        let mut hands = self.hands();
        hands.sleepers.retain(|(_, sleeper)| !sleeper.is_closed());
        let next = hands.sleepers.iter().map(|(until, _)| *until).min();
        next.map(|until| (until - hands.passed_ms).max(0))
    }
}

impl Clock for SimClock {
    fn now_ms(&self) -> i64 {
        let hands = self.hands();
        hands.passed_ms + hands.ahead_ms
    }

    fn passed_ms(&self) -> i64 {
        self.hands().passed_ms
    }

    fn sleep(&self, ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let (sleeper, woken) = oneshot::channel();
        let mut hands = self.hands();
        let until = hands.passed_ms + ms.max(0);
        hands.sleepers.push((until, sleeper));
        hands.rests += 1;
        Box::pin(async move {
            // A clock that is gone wakes nobody; who slept goes on.
            let _ = woken.await;
        })
    }

    fn idle(&self, _at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let (idler, woken) = oneshot::channel();
        let mut hands = self.hands();
        hands.idlers.push(idler);
        hands.rests += 1;
        Box::pin(async move {
            let _ = woken.await;
        })
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn skip_to(&self, _ms: i64) {}
}
