//! An accepted action in, done or not confirmed out: the state is read back until the declared condition holds.

use super::job::Job;
use crate::call::{CallOutcome, CallRequest};
use crate::room::Waits;
use counterplay_machine::Value;
use counterplay_machine::declare::Confirm;
use counterplay_machine::duration;
use counterplay_machine::eval::{eval, eval_bool};
use counterplay_machine::expr::{Expr, Slot};
use std::sync::Arc;

/// The first pause between two looks, in milliseconds.
const PAUSE_MS_MIN: i64 = 1_000;
/// The longest pause.
const PAUSE_MS_MAX: i64 = 15_000;

impl Job<'_> {
    /// Looks until the condition holds; then the action has the result that its answer gave.
    pub async fn confirm(&mut self, confirm: &Confirm, result: Value) -> CallOutcome {
        let clock = &self.hub.clock;
        self.request.setbacks.confirms(clock.now_ms());
        let until_ms = clock.now_ms().saturating_add(confirm.within_ms.max(0));
        let mut pause_ms = PAUSE_MS_MIN;
        loop {
            let reason = match self.look(confirm, until_ms).await {
                Ok(None) => return CallOutcome::Done(result),
                Ok(Some(seen)) => seen,
                Err(reason) => reason,
            };
            let left_ms = until_ms.saturating_sub(clock.now_ms());
            if left_ms <= 0 {
                let within = duration::format_ms(confirm.within_ms);
                return CallOutcome::Unconfirmed {
                    reason: format!("accepted, but not confirmed within {within}: {reason}"),
                };
            }
            let pause = clock.sleep(pause_ms.min(left_ms));
            self.request.room.aside(Waits::Confirmed, pause).await;
            pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
        }
    }

    /// Looks once: nothing when the condition holds, what was seen instead when not.
    async fn look(&self, confirm: &Confirm, until_ms: i64) -> Result<Option<String>, String> {
        let bound = self.ask(&confirm.queries, "confirm", until_ms).await?;
        match self.with_env(&bound, |env| eval_bool(&confirm.condition, env)) {
            Ok(true) => Ok(None),
            Ok(false) if bound.is_empty() => Ok(Some("the condition does not hold".into())),
            Ok(false) => {
                let asked = confirm.queries.iter().zip(&bound);
                let seen = asked.map(|((_, query, _), (_, value))| {
                    format!("`{query}` answers {}", value.plain())
                });
                Ok(Some(seen.collect::<Vec<_>>().join(", ")))
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asks queries in order; each may use what those before it answered. `purpose` tells their ids apart.
    pub(super) async fn ask(
        &self,
        queries: &[(Slot, Arc<str>, Vec<Expr>)],
        purpose: &str,
        until_ms: i64,
    ) -> Result<Vec<(Slot, Value)>, String> {
        let mut bound = Vec::new();
        for (slot, query, args) in queries {
            let args = self
                .with_env(&bound, |env| {
                    args.iter()
                        .map(|arg| eval(arg, env))
                        .collect::<Result<Vec<_>, _>>()
                })
                .map_err(|error| error.to_string())?;
            let Some(callable) = self.request.program.callables.get(query) else {
                return Err(format!("the program has no query `{query}`"));
            };
            let request = CallRequest {
                id: format!("{}!{purpose}", self.request.id),
                callable: query.clone(),
                args,
                repeated: false,
                ..self.request.clone()
            };
            let mut job = Job::new(self.hub, &request, callable)?;
            job.deadline_ms = Some(until_ms);
            let outcome = job.carry_out().await;
            let answer = job.without_secrets(outcome).result();
            let value = answer.map_err(|reason| format!("`{query}` failed: {reason}"))?;
            bound.push((*slot, value));
        }
        Ok(bound)
    }
}
