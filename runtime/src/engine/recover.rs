//! Calls that were sent and never answered, because the process ended in between, in; each repeated
//! or given to a person out.

use super::calls::{Sent, answer};
use super::deeds::was_reading;
use super::drive::Driver;
use super::kit::Kit;
use super::{Engine, EngineError, Notice};
use crate::call::CallOutcome;
use crate::repeat::{Repetition, repetition};
use crate::store::{CallKind, Fault, StoredCall, Tx};
use counterplay_machine::duration::format_time_ms;

impl Engine {
    /// Settles every call that is marked as sent and is not under way.
    pub(super) async fn recover(&self, driver: &mut Driver) -> Result<(), EngineError> {
        if self.inner.store.read(|tx| tx.has_parked_calls()).await? {
            self.inner.store.write(|tx| tx.unpark_calls()).await?;
        }
        let sent = self.inner.store.read(|tx| tx.sent_calls()).await?;
        for call in sent.into_iter().filter(|c| !driver.has_call(c.num)) {
            let kit = self.kit();
            let now = kit.clock.now_ms();
            let notices = self
                .inner
                .store
                .write(move |tx| settle(tx, &kit, &call, now))
                .await?;
            self.inner.tell(notices);
        }
        Ok(())
    }
}

fn settle(tx: &Tx<'_>, kit: &Kit, call: &StoredCall, now_ms: i64) -> Result<Vec<Notice>, Fault> {
    let stored = tx.run(call.run)?;
    let program = kit.program_of(tx, stored.program)?;
    if was_reading(tx, &stored, call)? {
        return Ok(Vec::new());
    }
    let sent_ms = call.first_sent_ms.unwrap_or(now_ms);
    let open = stored.run.outcome.is_none();
    let repeatable = match call.call.kind {
        CallKind::Query => true,
        CallKind::Perform if stored.simulated => true,
        CallKind::Perform => {
            let callable = program.callables.get(&call.call.callable);
            callable.is_some_and(|callable| {
                let may = repetition(&program, callable, call.intended_ms, now_ms);
                // The connector asks before it sends.
                matches!(may, Repetition::Again | Repetition::Check)
            })
        }
    };
    if open && repeatable {
        tx.send_again(call.num)?;
        return Ok(Vec::new());
    }
    let reason = format!(
        "`{}` was sent at {} and the engine ended before an answer came; whether it was performed is not known",
        call.call.callable,
        format_time_ms(sent_ms)
    );
    answer(
        tx,
        kit,
        &Sent::of(call),
        CallOutcome::Unknown { reason },
        now_ms,
    )
}
