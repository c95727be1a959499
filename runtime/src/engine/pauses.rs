//! What people have paused in; a brake that holds every attempt to send, and the word that it does, out.

use super::{Engine, EngineError};
use crate::brake::Scope;
use crate::store::Pause;

/// For how long (in milliseconds) what is under way is waited for before a pause counts as heard.
const PATIENCE_MS: i64 = 10_000;

impl Engine {
    /// Puts into force what people have paused or let go on. A pause is marked as heard when nothing of it is
    /// under way any more, or after ten seconds, with how much still is.
    pub(super) async fn take_pauses(&self, pauses: Vec<Pause>) -> Result<(), EngineError> {
        let brake = self.kit().brake.clone();
        let scopes: Vec<Scope> = pauses.iter().map(|p| p.scope.clone()).collect();
        if brake.set(scopes) {
            tracing::info!(count = pauses.len(), "what is paused has changed");
        }
        let now = self.inner.clock.now_ms();
        for pause in pauses.into_iter().filter(|p| !p.heard) {
            let under_way = brake.under_way(&pause.scope);
            if under_way > 0 && now.saturating_sub(pause.at_ms) < PATIENCE_MS {
                continue;
            }
            let count = u32::try_from(under_way).unwrap_or(u32::MAX);
            self.inner
                .store
                .write(move |tx| tx.pause_heard(&pause.scope, count))
                .await?;
        }
        Ok(())
    }
}
