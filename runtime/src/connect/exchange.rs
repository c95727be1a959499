//! A request in, an answer with its meaning out: waits for its turn, tries, and decides whether another
//! try is safe.

use super::auth::Shown;
use super::job::Job;
use super::mail::Letter;
use super::rate::Turn;
use super::send::{Answer, Sending};
use super::tries::Tries;
use super::{Trouble, failed};
use crate::brake::Pass;
use crate::call::{CallOutcome, Setback};
use crate::repeat::over;
use crate::room::Waits;
use crate::spans;
use counterplay_machine::Value;
use counterplay_machine::declare::Impact;
use counterplay_machine::duration::format_ms;
use counterplay_machine::response::Meaning;
use tracing::Instrument;

/// How many requests an attempt consists of at most: it may sign in, be refused, and sign in again.
const ATTEMPT_REQUESTS: i64 = 4;

/// By how much later than it was to an attempt may be made without a doubt, in milliseconds.
const LATE_MS: i64 = 60_000;

/// What is to be sent.
pub(super) enum Errand {
    Http(Sending),
    Mail(Letter),
}

impl From<Sending> for Errand {
    fn from(sending: Sending) -> Errand {
        Errand::Http(sending)
    }
}

impl<'a> Job<'a> {
    /// Sends until there is an answer that is worth no further try. `page` says that a success is a page
    /// of a list, not yet the answer.
    pub async fn exchange(
        &mut self,
        errand: &Errand,
        page: bool,
    ) -> Result<(Answer, Meaning), CallOutcome> {
        // It may have been carried out by an earlier process, too.
        let mut may_be_done = self.may_be_done();
        // Until when it has been told that nothing is sent.
        let mut told_ms = i64::MIN;
        // What the last attempt of this call came to.
        let mut last: Option<String> = None;
        let mut number = 0;
        loop {
            number += 1;
            let span = spans::attempt(self.request, number);
            let attempt = self.attempt(errand).instrument(span.clone()).await;
            span.in_scope(|| self.tell(&attempt));
            if let Err(Trouble::Shut { reason, wait_ms }) = attempt {
                match self.wait_for_circuit(reason, wait_ms, told_ms).await {
                    Ok(told) => told_ms = told,
                    Err(why) => {
                        let reason = self.given_up(last, &why);
                        return Err(self.no_more(reason, may_be_done));
                    }
                }
                continue;
            }
            self.note_health(&attempt);
            self.note_circuit(&attempt);
            let (reason, asked_ms) = match attempt {
                Ok(answer) => match self.judge(&answer, errand, page) {
                    Meaning::Failed {
                        reason,
                        transient: true,
                        ..
                    } => {
                        if self.is_repeatable() || is_untouched(answer.status) {
                            (reason, answer.retry_after_ms)
                        } else if is_between(answer.status) {
                            return Err(self.unknown(&reason));
                        } else {
                            return Err(failed(reason));
                        }
                    }
                    meaning => {
                        if let Some(tries) = &mut self.tries {
                            tries.answered(self.hub.clock.now_ms());
                        }
                        return Ok((answer, meaning));
                    }
                },
                Err(
                    Trouble::NotSent {
                        reason, asked_ms, ..
                    }
                    | Trouble::Lacking { reason, asked_ms },
                ) => (reason, asked_ms),
                Err(Trouble::Shut { reason, .. }) => (reason, None),
                Err(Trouble::Lost(reason)) if self.is_repeatable() => {
                    may_be_done |= self.callable.impact.is_some();
                    if may_be_done {
                        self.limit_repetition();
                    }
                    (reason, None)
                }
                Err(Trouble::Lost(reason)) => return Err(self.unknown(&reason)),
                Err(Trouble::TooLate(reason)) => return Err(CallOutcome::Unknown { reason }),
                Err(Trouble::Refused(reason)) => return Err(failed(reason)),
            };
            last = Some(reason.clone());
            if let Err(reason) = self.pause(reason, asked_ms).await {
                return Err(self.no_more(reason, may_be_done));
            }
        }
    }

    /// Waits before the next attempt and tells of it, or says why there is none.
    pub async fn pause(&mut self, reason: String, asked_ms: Option<i64>) -> Result<(), String> {
        self.asked_ms = asked_ms;
        let now_ms = self.hub.clock.now_ms();
        let (connection, deadline_ms) = (self.connection, self.deadline_ms);
        let tries = self
            .tries
            .get_or_insert_with(|| Tries::new(&connection.retry, deadline_ms));
        let pause_ms = tries
            .next(now_ms, asked_ms, &self.hub.chance)
            .map_err(|why| format!("{reason}{why}"))?;
        let shown = self.redactor.text(&reason);
        tracing::debug!(callable = %self.callable.name, pause_ms, reason = %shown, "trying again");
        self.request.setbacks.tell(Setback {
            reason: shown,
            next_ms: now_ms.saturating_add(pause_ms),
        });
        let woken_ms = self.hub.clock.passed_ms().saturating_add(pause_ms);
        let clock = &self.hub.clock;
        let late_ms = async {
            clock.sleep(pause_ms).await;
            clock.passed_ms().saturating_sub(woken_ms)
        };
        let late_ms = self.request.room.aside(Waits::Again, late_ms).await;
        let now_ms = self.hub.clock.now_ms();
        // A machine that stood still goes on hours later with what was to be tried again at once.
        if late_ms > LATE_MS
            && let Some(tries) = &mut self.tries
            && tries.wait(now_ms, 0).is_err()
        {
            let within = format_ms(self.connection.retry.within_ms);
            return Err(format!(
                "{reason} (the process stood still for {}, and the {within} for which this is tried are over)",
                format_ms(late_ms)
            ));
        }
        Ok(())
    }

    /// An answer was lost: from when on the call is not sent again. The time for that begins when the answer was to be
    /// there at the latest, and not when that was noted: a machine may have stood still for hours in between.
    fn limit_repetition(&mut self) {
        let patience_ms = self
            .connection
            .timeout_ms
            .max(1)
            .saturating_mul(ATTEMPT_REQUESTS);
        let latest_ms = self.begun_passed_ms.saturating_add(patience_ms);
        let since_ms = self.hub.clock.passed_ms().min(latest_ms);
        let until_ms = since_ms.saturating_add(self.connection.retry.within_ms);
        self.no_later_passed_ms.get_or_insert(until_ms);
    }

    /// Whether an earlier attempt, perhaps by an earlier process, may have carried it out.
    pub fn may_be_done(&self) -> bool {
        self.request.repeated && self.callable.impact.is_some()
    }

    /// The outcome of a call that is not tried again.
    pub fn no_more(&self, reason: String, may_be_done: bool) -> CallOutcome {
        if !may_be_done {
            return failed(reason);
        }
        let reason = format!("{reason}; it may have been carried out");
        match self.callable.impact {
            // Twice heard is no harm, and not heard no reason to wait for a person.
            None | Some(Impact::Notify) => failed(reason),
            Some(_) => CallOutcome::Unknown { reason },
        }
    }

    /// The outcome of a call whose answer was lost.
    fn unknown(&self, reason: &str) -> CallOutcome {
        let twice = match self.callable.impact {
            Some(Impact::Notify) => "",
            _ => ", and doing it twice may do harm",
        };
        CallOutcome::Unknown {
            reason: format!("{reason}; it may have been carried out{twice}"),
        }
    }

    /// Tells what an attempt came to.
    fn tell(&self, attempt: &Result<Answer, Trouble>) {
        match attempt {
            Ok(answer) => tracing::debug!(status = answer.status, "answered"),
            Err(
                Trouble::NotSent { reason, .. }
                | Trouble::Lacking { reason, .. }
                | Trouble::Shut { reason, .. }
                | Trouble::Lost(reason)
                | Trouble::TooLate(reason)
                | Trouble::Refused(reason),
            ) => tracing::debug!(reason = self.redactor.text(reason), "no answer"),
        }
    }

    /// Notes whether the connection works: a refusal of what was asked for is a sign that it does, a refusal of
    /// who asks is not.
    fn note_health(&self, attempt: &Result<Answer, Trouble>) {
        let (healths, now_ms) = (&self.hub.known().healths, self.hub.clock.now_ms());
        let reason = match attempt {
            // The service was not asked.
            Err(Trouble::Lacking { .. } | Trouble::Shut { .. }) => return,
            // It is there, and has no time at present.
            Ok(answer) if answer.status == 429 => return,
            Err(Trouble::NotSent {
                answered: Some(429),
                ..
            }) => return,
            Ok(answer) if is_sick(answer.status) => format!("it answered {}", answer.status),
            Ok(_) => return healths.worked(&self.place, now_ms),
            // Nothing was asked of it.
            Err(Trouble::TooLate(_)) => return,
            Err(
                Trouble::NotSent { reason, .. } | Trouble::Lost(reason) | Trouble::Refused(reason),
            ) => self.redactor.text(reason),
        };
        healths.failed(&self.place, now_ms, reason);
    }

    /// One try: waits for its turn, signs in, sends. A refused token or secret is replaced once.
    async fn attempt(&mut self, errand: &Errand) -> Result<Answer, Trouble> {
        let mut turn = self.turn();
        loop {
            self.wait_for(&turn).await;
            // Held until there is an answer: a pause waits for what is under way.
            let _pass = self.pass().await;
            if let Some(answer) = self.attempt_in(&mut turn, errand).await? {
                return Ok(answer);
            }
        }
    }

    /// One try, now; nothing where its turn is over by the time that it is ready to be sent.
    async fn attempt_in(
        &mut self,
        turn: &mut Turn<'_>,
        errand: &Errand,
    ) -> Result<Option<Answer>, Trouble> {
        let (now_ms, passed_ms) = (self.hub.clock.now_ms(), self.hub.clock.passed_ms());
        self.begun_passed_ms = passed_ms;
        let is_over = |until_ms: i64| passed_ms > until_ms;
        if self.no_later_ms.is_some_and(|until_ms| now_ms > until_ms)
            || self.no_later_passed_ms.is_some_and(is_over)
        {
            let over = over(self.connection.retry.within_ms.max(0));
            return Err(Trouble::TooLate(format!(
                "it may have been carried out, and it is not sent again by itself: {over}"
            )));
        }
        self.check_circuit()?;
        match errand {
            Errand::Mail(letter) => match self.begins(turn) {
                true => self.deliver(letter).await.map(Some),
                false => Ok(None),
            },
            Errand::Http(sending) => {
                let (authorization, shown) = self.authorise(sending).await?;
                if !self.begins(turn) {
                    return Ok(None);
                }
                let answer = self.send_together(sending, authorization).await?;
                if answer.status != 401 || !self.has_another(shown).await {
                    return Ok(Some(answer));
                }
                let mut turn = self.turn();
                loop {
                    self.wait_for(&turn).await;
                    let (authorization, _) = self.authorise(sending).await?;
                    if turn.begin(self.hub.clock.passed_ms()) {
                        return self.send(sending, authorization).await.map(Some);
                    }
                }
            }
        }
    }

    /// After a 401: whether there is another token, or a secret that was replaced, to show.
    async fn has_another(&mut self, shown: Shown) -> bool {
        match shown {
            Shown::Nothing => false,
            Shown::Token(token) => {
                self.drop_token(&token).await;
                true
            }
            Shown::Secret(secret) => self.has_new_secret(&secret).await,
        }
    }

    /// A turn by the connection's `rate:`, to be waited for.
    fn turn(&self) -> Turn<'a> {
        let (rates, tenant) = (&self.connection.rates, &self.request.tenant.name);
        let passed_ms = self.hub.clock.passed_ms();
        let turns = &self.hub.known().turns;
        turns.ask(&self.place, rates, tenant, passed_ms)
    }

    async fn wait_for(&self, turn: &Turn<'_>) {
        let wait_ms = turn.wait_ms(self.hub.clock.passed_ms());
        if wait_ms > 0 {
            let turn = self.hub.clock.sleep(wait_ms);
            self.request.room.aside(Waits::Again, turn).await;
        }
    }

    /// Waits until nobody has paused it.
    async fn pass(&self) -> Pass {
        let gate = &self.request.gate;
        loop {
            if let Some(pass) = gate.pass() {
                return pass;
            }
            self.request.room.aside(Waits::Again, gate.opened()).await;
        }
    }

    /// Whether what is ready to be sent may be: signing in, or a pause, may have taken longer than the turn.
    fn begins(&self, turn: &mut Turn<'_>) -> bool {
        let begins = turn.begin(self.hub.clock.passed_ms());
        if !begins {
            // Nothing is known of the service, should this have been the attempt that others wait for.
            let (tenant, now_ms) = (&self.request.tenant.name, self.hub.clock.now_ms());
            let breakers = &self.hub.known().breakers;
            breakers.told_nothing(&self.place, tenant, now_ms);
        }
        begins
    }

    fn judge(&self, answer: &Answer, errand: &Errand, page: bool) -> Meaning {
        let is_success = (200..300).contains(&answer.status);
        if page && is_success {
            return Meaning::Done(Value::Absent);
        }
        let meaning = match errand {
            Errand::Mail(_) => self.meaning(
                self.callable.expect.first().copied().unwrap_or(200),
                &answer.body,
            ),
            Errand::Http(_) => self.meaning(answer.status, &answer.body),
        };
        match meaning {
            Meaning::Failed {
                reason,
                transient,
                accepted,
            } if (300..400).contains(&answer.status) => Meaning::Failed {
                accepted,
                reason: format!("{reason} (it points elsewhere, and redirects are not followed)"),
                transient,
            },
            other => other,
        }
    }
}

/// Statuses by which a service says that it did not begin: too many requests, locked, unavailable.
fn is_untouched(status: u16) -> bool {
    matches!(status, 423 | 429 | 503)
}

/// Statuses by which a service says that it, or who asks it, does not work.
fn is_sick(status: u16) -> bool {
    matches!(status, 401 | 403 | 500..)
}

/// Statuses that come from in between, or say that the time ran out: the service itself may have done it.
fn is_between(status: u16) -> bool {
    matches!(status, 408 | 502 | 504)
}
