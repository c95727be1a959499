//! A call in, what became of it out. Where its answer was lost, now or before a restart, the service is asked, or it is
//! sent again, as far as that is declared to be harmless; what stays open is a person's to settle.

use super::job::Job;
use super::tries::Tries;
use super::{Connectors, failed};
use crate::call::{CallOutcome, CallRequest, Setback};
use crate::repeat::{Repetition, limit_ms, over, repetition, window_ms};
use crate::room::Waits;
use counterplay_machine::declare::{Callable, Check};
use counterplay_machine::duration::MINUTE_MS;
use counterplay_machine::eval::eval;
use counterplay_machine::{Value, types::Type};

/// For how long at least a service is asked whether it carried something out, in milliseconds.
const ASKING_MS_MIN: i64 = MINUTE_MS;

/// What is known of a call that may have been carried out.
enum Known {
    /// It was carried out, with this result.
    Done(Value),
    /// It was not carried out.
    NotDone,
    /// It may have been; sending it again is harmless.
    Maybe,
    /// It may have been, and that is all.
    Open(String),
}

impl Connectors {
    /// Carries a call out, at most once as far as that can be known.
    pub(super) async fn carry_out(
        &self,
        request: &CallRequest,
        callable: &Callable,
    ) -> CallOutcome {
        let mut request = request.clone();
        let mut doubt = None;
        let mut tries: Option<Tries> = None;
        let connection = request
            .program
            .connections
            .get(callable.request.connection())
            .cloned();
        if request.repeated {
            doubt = Some("it may have been sent before a restart".to_owned());
            if let (Some(connection), Repetition::Check) =
                (&connection, self.may(&request, callable))
            {
                // The service may still be at it.
                let pause = self.clock.sleep(connection.retry.from_ms.max(1));
                request.room.aside(Waits::Again, pause).await;
            }
        }
        let (mut again, mut last) = (false, false);
        let mut deadline_ms = None;
        loop {
            if let Some(reason) = doubt.take() {
                again = true;
                match self.find_out(&request, callable, &reason, last).await {
                    Known::Done(value) => return self.confirmed(&request, callable, value).await,
                    // Whatever was sent before, this is the first that counts.
                    Known::NotDone => request.repeated = false,
                    Known::Maybe => request.repeated = true,
                    Known::Open(reason) => return CallOutcome::Unknown { reason },
                }
            }
            let begun_ms = self.clock.now_ms();
            let reason = match self.once(&request, callable, (again, deadline_ms)).await {
                CallOutcome::Unknown { reason } => reason,
                outcome => return outcome,
            };
            let may = match self.may(&request, callable) {
                // It was sent again for as long as it may be; it can be asked about still.
                Repetition::Again if callable.idempotent => {
                    last = true;
                    match callable.check {
                        Some(_) => Repetition::Check,
                        None => return CallOutcome::Unknown { reason },
                    }
                }
                other => other,
            };
            let (Some(connection), Repetition::Again | Repetition::Check) = (&connection, &may)
            else {
                return CallOutcome::Unknown { reason };
            };
            let now_ms = self.clock.now_ms();
            let until_ms = request
                .intended_ms
                .saturating_add(connection.retry.within_ms.max(0));
            let checks = may == Repetition::Check;
            if !checks && tries.is_some() {
                // A message that may have arrived twice is enough.
                return failed(format!("{reason} (sent again once)"));
            }
            // All of it together takes no longer than one call may be tried.
            deadline_ms = Some(until_ms);
            let next = tries
                .get_or_insert_with(|| Tries::new(&connection.retry, Some(until_ms)))
                .next(now_ms, None, &self.chance);
            let pause_ms = match next {
                Ok(pause_ms) => pause_ms,
                // It is never too late to ask.
                Err(_) if checks => {
                    last = true;
                    connection.retry.from_ms.max(1)
                }
                Err(_) if connection.retry.within_ms <= 0 => {
                    return CallOutcome::Unknown { reason };
                }
                Err(why) => return failed(format!("{reason}{why}")),
            };
            // A service that was slow may still be at it: it is given the time that it had once more.
            let slow = now_ms.saturating_sub(begun_ms) >= connection.timeout_ms;
            let rest_ms = if slow { connection.timeout_ms } else { 0 };
            let pause_ms = pause_ms.max(rest_ms);
            let first = match checks {
                true => "; the service is asked first whether it was carried out",
                false => "",
            };
            request.setbacks.tell(Setback {
                reason: format!("{reason}{first}"),
                next_ms: now_ms.saturating_add(pause_ms),
            });
            let pause = self.clock.sleep(pause_ms);
            request.room.aside(Waits::Again, pause).await;
            doubt = Some(reason);
        }
    }

    /// What may be done about a call now.
    fn may(&self, request: &CallRequest, callable: &Callable) -> Repetition {
        let now_ms = self.clock.now_ms();
        repetition(&request.program, callable, request.intended_ms, now_ms)
    }

    /// Sends a call, tries again what was certainly not carried out, and reads the state back.
    async fn once(
        &self,
        request: &CallRequest,
        callable: &Callable,
        (again, deadline_ms): (bool, Option<i64>),
    ) -> CallOutcome {
        let mut job = match Job::new(self, request, callable) {
            Ok(job) => job,
            Err(reason) => return failed(reason),
        };
        job.deadline_ms = deadline_ms;
        if again {
            let limit_ms = limit_ms(&request.program, callable);
            job.no_later_ms = limit_ms.map(|ms| request.intended_ms.saturating_add(ms));
        }
        let outcome = match job.carry_out().await {
            CallOutcome::Done(value) => match &callable.confirm {
                Some(confirm) => job.confirm(confirm, value).await,
                None => CallOutcome::Done(value),
            },
            other => other,
        };
        job.without_secrets(outcome)
    }

    /// The outcome of a call that the service says it carried out.
    async fn confirmed(
        &self,
        request: &CallRequest,
        callable: &Callable,
        value: Value,
    ) -> CallOutcome {
        let Some(confirm) = &callable.confirm else {
            return CallOutcome::Done(value);
        };
        match Job::new(self, request, callable) {
            Ok(mut job) => {
                let outcome = job.confirm(confirm, value).await;
                job.without_secrets(outcome)
            }
            Err(reason) => failed(reason),
        }
    }

    /// Finds out what became of a call, as far as its declaration says how. After the last try nothing is sent any more.
    async fn find_out(
        &self,
        request: &CallRequest,
        callable: &Callable,
        reason: &str,
        last: bool,
    ) -> Known {
        let check = match self.may(request, callable) {
            Repetition::Again if !last => return Known::Maybe,
            Repetition::Never(why) => {
                let name = &callable.name;
                return Known::Open(format!("`{name}`: {reason}; {why}"));
            }
            Repetition::Again | Repetition::Check => callable.check.as_ref(),
        };
        let Some(check) = check else {
            return Known::Open(reason.to_owned());
        };
        let window_ms = window_ms(&request.program, callable);
        let until_ms = request.intended_ms.saturating_add(window_ms);
        match self.look(request, callable, check, until_ms).await {
            Ok(Some(value)) => Known::Done(value),
            Ok(None) if !last && self.clock.now_ms() <= until_ms => Known::NotDone,
            Ok(None) => Known::Open(format!(
                "{reason}; the service says that it was not carried out, and it is not sent again by itself: {}",
                over(window_ms)
            )),
            Err(why) => Known::Open(format!(
                "{reason}; whether it was carried out cannot be found out: {why}"
            )),
        }
    }

    /// What the declared check says: the result of the call where it was carried out.
    async fn look(
        &self,
        request: &CallRequest,
        callable: &Callable,
        check: &Check,
        until_ms: i64,
    ) -> Result<Option<Value>, String> {
        let job = Job::new(self, request, callable)?;
        let until_ms = until_ms.max(self.clock.now_ms().saturating_add(ASKING_MS_MIN));
        let asked = job.ask(&check.queries, "check", until_ms).await?;
        let found = job
            .with_env(&asked, |env| eval(&check.found, env))
            .map_err(|error| error.to_string())?;
        Ok(match found {
            Value::Bool(true) if callable.returns_ty == Type::Nothing => Some(Value::Absent),
            Value::Bool(false) if callable.returns_ty == Type::Nothing => None,
            Value::Absent => None,
            value => Some(value),
        })
    }
}
