//! An attempt that is to be made, or what became of it, in; whether it may be made, and the wait until then, out:
//! what a call has to do with the breaker of its connection and tenant.

use super::Trouble;
use super::breaker::{FAILURES, Say};
use super::job::Job;
use super::send::Answer;
use super::tries::Tries;
use crate::call::Setback;
use crate::room::Waits;
use counterplay_machine::duration;

/// Added to what a request for a token and the call itself may take, in milliseconds.
const MARGIN_MS: i64 = 10_000;

impl Job<'_> {
    /// Whether an attempt may be made now.
    pub fn check_circuit(&self) -> Result<(), Trouble> {
        let (connection, tenant) = (&self.connection.name, &self.request.tenant.name);
        let timeout_ms = self.connection.timeout_ms.max(1);
        let limit_ms = timeout_ms.saturating_mul(2).saturating_add(MARGIN_MS);
        let now_ms = self.hub.clock.now_ms();
        let breakers = &self.hub.known().breakers;
        match breakers.ask(&self.place, tenant, now_ms, limit_ms) {
            Say::Go => Ok(()),
            Say::Wait(wait_ms, why) => Err(Trouble::Shut {
                reason: format!(
                    "nothing is sent to `{connection}` for `{tenant}` for a while, since {FAILURES} attempts or more in a row failed; the last: {why}"
                ),
                wait_ms,
            }),
        }
    }

    /// Waits until an attempt may be made, within the time for which the call is tried; else says that it does not wait.
    /// Tells of it, but not again and again: `told_ms` is until when it has been told, and so is the result.
    pub async fn wait_for_circuit(
        &mut self,
        reason: String,
        wait_ms: i64,
        told_ms: i64,
    ) -> Result<i64, String> {
        let now_ms = self.hub.clock.now_ms();
        let (connection, deadline_ms) = (self.connection, self.deadline_ms);
        let tries = self
            .tries
            .get_or_insert_with(|| Tries::new(&connection.retry, deadline_ms));
        tries
            .wait(now_ms, wait_ms)
            .map_err(|why| format!("{reason}{why}"))?;
        let next_ms = now_ms.saturating_add(wait_ms);
        let mut told = told_ms;
        // While one attempt is made the others look every second: that is not worth a line each.
        if now_ms > told_ms.saturating_add(duration::MINUTE_MS) || wait_ms > 2_000 {
            self.request.setbacks.tell(Setback {
                reason: self.redactor.text(&reason),
                next_ms,
            });
            told = next_ms;
        }
        let wait = self.hub.clock.sleep(wait_ms);
        self.request.room.aside(Waits::Again, wait).await;
        Ok(told)
    }

    /// Why a call ends for which nothing may be sent any more: its own last attempt is what a reader wants to know.
    pub fn given_up(&self, last: Option<String>, why: &str) -> String {
        let count = self.tries.as_ref().map_or(1, Tries::count);
        match last {
            None => format!("the call was not sent: {why}"),
            Some(last) => format!(
                "{last} (tried {count} times; then nothing was sent to `{}` for `{}` for a while, and the time for which this is tried is over)",
                self.connection.name, self.request.tenant.name
            ),
        }
    }

    /// Notes what an attempt says of the service: no answer and answers from 500 on count, refusals do not.
    pub fn note_circuit(&self, attempt: &Result<Answer, Trouble>) {
        let breakers = &self.hub.known().breakers;
        let (place, tenant) = (&self.place, &self.request.tenant.name);
        let now_ms = self.hub.clock.now_ms();
        let why = match attempt {
            Ok(answer) if answer.status >= 500 => format!("it answered {}", answer.status),
            Ok(_) => return breakers.answered(place, tenant),
            // What the token service answers counts as what the service itself answers.
            Err(Trouble::NotSent {
                answered: Some(status),
                ..
            }) if *status < 500 => return breakers.answered(place, tenant),
            Err(Trouble::NotSent { reason, .. } | Trouble::Lost(reason)) => {
                self.redactor.text(reason)
            }
            Err(
                Trouble::Refused(_)
                | Trouble::TooLate(_)
                | Trouble::Lacking { .. }
                | Trouble::Shut { .. },
            ) => {
                return breakers.told_nothing(place, tenant, now_ms);
            }
        };
        breakers.failed(place, tenant, now_ms, &why);
    }
}
