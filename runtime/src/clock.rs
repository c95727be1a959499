//! The one clock: the time, and waiting for it. A virtual one makes months pass in milliseconds.

use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// A clock.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Milliseconds that have passed, counted from any moment: unlike [`Clock::now_ms`] it never jumps, whatever is
    /// done to the clock. A clock that cannot be set counts by what it shows.
    fn passed_ms(&self) -> i64 {
        self.now_ms()
    }

    /// Waits for a short while (retries, polling for a confirmation).
    fn sleep(&self, ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Waits until there may be something new to look for, a moment of real time whatever the clock shows. A simulation
    /// says itself when that is.
    fn idle(&self, at_most: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(at_most))
    }

    /// Whether idle time may be skipped, see [`Clock::skip_to`].
    fn is_virtual(&self) -> bool;

    /// Moves a virtual clock forward; a real one stays as it is. Never moves back.
    fn skip_to(&self, ms: i64);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        jiff::Timestamp::now().as_millisecond()
    }

    fn passed_ms(&self) -> i64 {
        static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
        i64::try_from(BEGUN.elapsed().as_millis()).unwrap_or(i64::MAX)
    }

    fn sleep(&self, ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(Duration::from_millis(ms.max(0) as u64)))
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn skip_to(&self, _ms: i64) {}
}

/// A clock that stands still unless it is moved.
#[derive(Debug)]
pub struct VirtualClock {
    now: AtomicI64,
    /// By how much it was set wrong: moved without time passing.
    jumped: AtomicI64,
}

impl VirtualClock {
    /// A clock that shows this time.
    pub fn at(ms: i64) -> VirtualClock {
        VirtualClock {
            now: AtomicI64::new(ms),
            jumped: AtomicI64::new(0),
        }
    }

    /// Sets it forward, or back, by so much, as somebody would who sets a machine's clock: no time passes by that.
    pub fn jump(&self, by_ms: i64) {
        self.jumped.fetch_add(by_ms, Ordering::SeqCst);
        self.now.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn passed_ms(&self) -> i64 {
        self.now_ms()
            .saturating_sub(self.jumped.load(Ordering::SeqCst))
    }

    fn sleep(&self, ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let until = self.now_ms().saturating_add(ms.max(0));
        Box::pin(async move {
            // A moment of real time, so that the other side of a connection gets its turn.
            tokio::time::sleep(Duration::from_millis(ms.clamp(0, 2) as u64)).await;
            self.skip_to(until);
        })
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn skip_to(&self, ms: i64) {
        self.now.fetch_max(ms, Ordering::SeqCst);
    }
}
