//! The one clock: the time, and waiting for it. A virtual one makes months pass in milliseconds.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A clock.
pub trait Clock: Send + Sync + 'static {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;

    /// Waits for a short while (retries, polling for a confirmation).
    fn sleep(&self, ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

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
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    /// A clock that shows this time.
    pub fn at(ms: i64) -> VirtualClock {
        VirtualClock(AtomicI64::new(ms))
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
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
        self.0.fetch_max(ms, Ordering::SeqCst);
    }
}
