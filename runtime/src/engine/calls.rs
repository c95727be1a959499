//! Stored calls in: marked as sent, made on tasks, and their results taken into the runs.

use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use super::record::{Cause, record};
use super::transition::{advance, entries};
use super::{Engine, EngineError, Notice};
use crate::brake::Gate;
use crate::call::{CallOutcome, CallRequest, Setback, Setbacks};
use crate::simulate::sample::sample;
use crate::store::{CallKind, Fault, StoredCall, StoredRun, Tx};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::state::{Thread, Waiting};
use counterplay_machine::step::Input;
use std::sync::Arc;

/// A call on its way.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// Its number in the outbox.
    pub(super) num: i64,
    /// The run, by number.
    pub(super) run: i64,
    /// The effect's id.
    pub(super) id: String,
    kind: CallKind,
    node: u32,
    callable: Arc<str>,
    /// The connection that it goes over, as far as it is known.
    pub(super) connection: Option<Arc<str>>,
}

impl Sent {
    pub(super) fn of(stored: &StoredCall, connection: Option<Arc<str>>) -> Sent {
        Sent {
            connection,
            num: stored.num,
            run: stored.run,
            id: stored.call.id.clone(),
            kind: stored.call.kind,
            node: stored.call.node,
            callable: stored.call.callable.clone(),
        }
    }
}

/// How a call is answered.
enum Way {
    Connector(Box<CallRequest>),
    Sample(CallOutcome),
}

impl Engine {
    /// Sends stored calls as far as there is room; whether any was sent.
    pub(super) async fn send_calls(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        let room = self.inner.calls_max.saturating_sub(driver.calls());
        if room == 0 {
            return Ok(false);
        }
        let kit = self.kit();
        // One service that is slow, or whose turns are rare, does not hold up what the others are asked.
        let share = (self.inner.calls_max - self.inner.calls_max / 4).max(1);
        let mut busy = driver.connections();
        let full = kit.callables_of(|name| busy.get(name).is_some_and(|n| *n >= share));
        let mut chosen = self
            .inner
            .store
            .read(move |tx| tx.unsent_calls(room, &full))
            .await?;
        chosen.retain(|call| match kit.connection(&call.call.callable) {
            None => true,
            Some(name) => {
                let taken = busy.entry(name.clone()).or_default();
                *taken += 1;
                *taken <= share
            }
        });
        if chosen.is_empty() {
            return Ok(false);
        }
        let now = kit.clock.now_ms();
        let connector = kit.connector.clone();
        let ready = self
            .inner
            .store
            .write(move |tx| {
                let mut ready = Vec::new();
                for call in chosen {
                    tx.mark_sent(call.num, now)?;
                    let connection = kit.connection(&call.call.callable).cloned();
                    ready.push((Sent::of(&call, connection), way(tx, &kit, call, now)?));
                }
                Ok(ready)
            })
            .await?;
        for (sent, way) in ready {
            let connector = connector.clone();
            let report = sent.clone();
            let (heard, about) = (driver.setbacks(), sent.clone());
            driver.spawn(Job::Call(sent), async move {
                let outcome = match way {
                    Way::Connector(mut request) => {
                        request.setbacks = Setbacks::to(move |setback| {
                            // A driver that is gone has nobody to show it to.
                            let _ = heard.send((about.clone(), setback));
                        });
                        connector.call(*request).await
                    }
                    Way::Sample(outcome) => outcome,
                };
                Report::Called(report, outcome)
            });
        }
        Ok(true)
    }
}

fn way(tx: &Tx<'_>, kit: &Kit, stored: StoredCall, now_ms: i64) -> Result<Way, Fault> {
    let StoredRun {
        run,
        program,
        simulated,
        ..
    } = tx.run(stored.run)?;
    let program = kit.program_of(tx, program)?;
    let gate = Gate::of(&kit.brake, &run.tenant.name, Some(&run.playbook));
    if simulated && stored.call.kind == CallKind::Perform {
        let value = program
            .callables
            .get(&stored.call.callable)
            .map_or(counterplay_machine::Value::Absent, |c| {
                sample(&program.types, &c.returns_ty, now_ms)
            });
        return Ok(Way::Sample(CallOutcome::Done(value)));
    }
    Ok(Way::Connector(Box::new(CallRequest {
        id: stored.call.id,
        callable: stored.call.callable,
        args: stored.call.args,
        tenant: run.tenant,
        run: Some((run.id, run.started_ms)),
        program,
        repeated: stored.attempts > 0,
        setbacks: Setbacks::default(),
        gate,
    })))
}

/// Takes a call's outcome into its run.
pub(super) fn answer(
    tx: &Tx<'_>,
    kit: &Kit,
    sent: &Sent,
    outcome: CallOutcome,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    tx.remove_call(sent.num)?;
    let stored = tx.run(sent.run)?;
    if stored.run.outcome.is_some() {
        return late(tx, kit, &stored, sent, outcome, now_ms);
    }
    let id = sent.id.clone();
    let input = match outcome {
        CallOutcome::Done(value) => Input::Done { id, value },
        CallOutcome::Failed { reason } => Input::Failed { id, reason },
        CallOutcome::Unknown { reason } => Input::Unknown { id, reason },
    };
    advance(tx, kit, sent.run, input, now_ms)
}

/// Notes an attempt that gave no answer, while its run waits for the call.
pub(super) fn set_back(
    tx: &Tx<'_>,
    sent: &Sent,
    setback: Setback,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let stored = tx.run(sent.run)?;
    let waits =
        |thread: &&Thread| matches!(&thread.waiting, Waiting::Call { id } if *id == sent.id);
    let Some(thread) = stored.run.threads.values().find(waits) else {
        return Ok(Vec::new());
    };
    let entry = Entry {
        at_ms: now_ms,
        node: Some(sent.node),
        path: thread.path.clone(),
        what: What::TryingAgain {
            call: sent.callable.clone(),
            reason: setback.reason,
            next_ms: setback.next_ms,
        },
    };
    tx.save_run(&stored, std::slice::from_ref(&entry), now_ms)?;
    Ok(entries(&stored, vec![entry]))
}

/// A run was ended while an action was under way: what became of it belongs in the journal.
fn late(
    tx: &Tx<'_>,
    kit: &Kit,
    stored: &StoredRun,
    sent: &Sent,
    outcome: CallOutcome,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    if sent.kind == CallKind::Query {
        return Ok(Vec::new());
    }
    let action = sent.callable.clone();
    let what = match outcome {
        CallOutcome::Done(value) => What::Performed {
            action,
            value: value.redacted_json(),
        },
        CallOutcome::Failed { reason } => What::ActionFailed {
            action,
            reason,
            handled: true,
        },
        CallOutcome::Unknown { reason } => What::ActionFailed {
            action,
            reason: format!("whether it was performed is not known: {reason}"),
            handled: true,
        },
    };
    let entry = Entry {
        at_ms: now_ms,
        node: Some(sent.node),
        path: String::new(),
        what,
    };
    let done = std::slice::from_ref(&entry);
    tx.save_run(stored, done, now_ms)?;
    let program = kit.program_of(tx, stored.program)?;
    record(tx, &program, stored, (done, &[]), &Cause::default())?;
    Ok(entries(stored, vec![entry]))
}
