//! How long ended runs are kept in; those that ended before archived, a batch at a time, out.

use super::drive::Driver;
use super::{Engine, EngineError};
use crate::store::StoreError;
use counterplay_machine::duration::MINUTE_MS;

/// How often it is looked whether there is something to archive.
const LOOK_MS: i64 = 10 * MINUTE_MS;

impl Engine {
    /// Archives some of what ended long ago; whether there was any. While the clock is not trusted nothing is.
    pub(super) async fn archive_old(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let Some(keep_ms) = self.inner.keep_ended_ms else {
            return Ok(false);
        };
        let now = driver.time.now_ms;
        if driver.time.hold.is_some() || now < driver.archive_ms {
            return Ok(false);
        }
        let before = now.saturating_sub(keep_ms.max(0));
        let work = self
            .inner
            .store
            .write(move |tx| tx.archive(before, "engine", now));
        let done = match work.await {
            Ok(done) => done,
            // Somebody set it in this moment: the next look at it makes timers wait.
            Err(StoreError::ClockInDoubt(_)) => return Ok(false),
            Err(other) => return Err(other.into()),
        };
        let any = done.runs > 0 || done.events > 0;
        if !any {
            driver.archive_ms = now.saturating_add(LOOK_MS);
        }
        Ok(any)
    }
}
