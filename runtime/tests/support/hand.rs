//! Real time as the engine sees it, moved by hand: the clock may go on as time passes, or be set.

use counterplay_runtime::clock::Clock;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

pub struct Hand {
    now: AtomicI64,
    passed: AtomicI64,
}

impl Hand {
    pub fn at(ms: i64) -> Hand {
        Hand {
            now: AtomicI64::new(ms),
            passed: AtomicI64::new(0),
        }
    }

    /// Time passes.
    pub fn pass(&self, ms: i64) {
        self.now.fetch_add(ms, Ordering::SeqCst);
        self.passed.fetch_add(ms, Ordering::SeqCst);
    }

    /// Somebody sets the clock.
    pub fn set(&self, by_ms: i64) {
        self.now.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.now.load(Ordering::SeqCst)
    }

    fn passed_ms(&self) -> i64 {
        self.passed.load(Ordering::SeqCst)
    }

    fn sleep(&self, _ms: i64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(Duration::from_millis(1)))
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn skip_to(&self, _ms: i64) {}
}
