//! Stored calls in: marked as sent, made on tasks, and their results taken into the runs.

use super::deeds::{After, Prior, before, ended, keep_before, read, restored, restores};
use super::drive::{Driver, Job, Report};
use super::kit::Kit;
use super::leases::Lease;
use super::record::{Cause, record};
use super::shared::Others;
use super::slots::{Slot, Slots};
use super::transition::{advance_run, entries};
use super::undo::judge;
use super::{Engine, EngineError, Notice};
use crate::brake::Gate;
use crate::call::{CallOutcome, CallRequest, Setback, Setbacks};
use crate::room::Room;
use crate::simulate::sample::sample;
use crate::spans::About;
use crate::store::{CallKind, DeedState, Fault, Reading, StoredCall, StoredRun, Tx};
use crate::undo::JUDGE;
use counterplay_machine::Value;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::state::{Thread, Waiting};
use counterplay_machine::step::{Input, is_over};
use std::sync::Arc;
use tracing::Instrument;

/// A call on its way.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// Its number in the outbox.
    pub(super) num: i64,
    /// The run, by number.
    pub(super) run: i64,
    /// The effect's id.
    pub(super) id: String,
    pub(super) kind: CallKind,
    pub(super) node: u32,
    pub(super) callable: Arc<str>,
    /// Whether only the state before the call is read, and the call itself follows.
    pub(super) reading: bool,
    /// The state that was read: before the call, or after it.
    pub(super) read: Option<Reading>,
}

impl Sent {
    pub(super) fn of(stored: &StoredCall) -> Sent {
        Sent {
            reading: false,
            read: None,
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
#[derive(Debug)]
pub(super) enum Way {
    /// By the connector; with what is read afterwards.
    Connector(Box<CallRequest>, Option<After>),
    /// Not yet: the state before it is read.
    Before(Box<CallRequest>),
    Sample(CallOutcome),
}

/// A call that is marked as sent, and is to be sent as soon as that is committed.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) sent: Sent,
    pub(super) way: Way,
    about: About,
    slot: Arc<Slot>,
    lease: Lease,
}

/// Marks calls as sent as far as there is room for them. Part of every transaction that may have asked for some: what
/// it intends is then sent right after its commit. What waited for longer than its approval holds is asked for anew.
pub(super) fn claim(
    tx: &Tx<'_>,
    kit: &Kit,
    slots: &Arc<Slots>,
    now_ms: i64,
    notices: &mut Vec<Notice>,
) -> Result<Vec<Ready>, Fault> {
    let leases = slots.leases();
    leases.let_go(tx, now_ms)?;
    let mut ready = Vec::new();
    // Behind those that wait for others there may be more.
    while claim_some(tx, kit, slots, now_ms, (&mut ready, notices))? {}
    Ok(ready)
}

/// One round of [`claim`]; whether another one may find more.
fn claim_some(
    tx: &Tx<'_>,
    kit: &Kit,
    slots: &Arc<Slots>,
    now_ms: i64,
    (ready, notices): (&mut Vec<Ready>, &mut Vec<Notice>),
) -> Result<bool, Fault> {
    let room = slots.room();
    if room == 0 || !tx.has_unsent_calls()? {
        return Ok(false);
    }
    let mut parked = false;
    let full = slots.full();
    let but = |tenant: &str| match full.spares(tenant) {
        true => Vec::new(),
        false => kit.callables_of(|name| full.holds(tenant, name)),
    };
    for (tenant, call) in tx.unsent_calls(room, but, &slots.turn())? {
        let connection = kit.connection(&call.call.callable).cloned();
        let Some(slot) = slots.take(connection.as_ref(), &tenant) else {
            continue;
        };
        if let Some(told) = withdrawn(tx, kit, &call, now_ms)? {
            notices.extend(told);
            parked = true;
            continue;
        }
        let Some(lease) = slots.leases().take(&call, now_ms) else {
            tx.park_call(call.num)?;
            parked = true;
            continue;
        };
        if !tx.mark_sent(call.num, now_ms)? {
            continue;
        }
        let mut sent = Sent::of(&call);
        let (way, about) = way(tx, kit, slots, call, now_ms)?;
        sent.reading = matches!(way, Way::Before(_));
        ready.push(Ready {
            sent,
            way,
            about,
            slot,
            lease,
        });
    }
    Ok(parked)
}

/// Takes back a call whose approval is over before it was sent even once; its run looks at the step again.
fn withdrawn(
    tx: &Tx<'_>,
    kit: &Kit,
    call: &StoredCall,
    now_ms: i64,
) -> Result<Option<Vec<Notice>>, Fault> {
    let waited = call.attempts == 0 && call.intended_ms != now_ms;
    if call.call.kind != CallKind::Perform || !waited {
        return Ok(None);
    }
    let stored = tx.run(call.run)?;
    let program = kit.program_of(tx, stored.program)?;
    let playbook = program.playbooks.get(&stored.run.playbook);
    let (id, args) = (&call.call.id, &call.call.args);
    if !playbook.is_some_and(|p| is_over(p, &stored.run, id, args, now_ms)) {
        return Ok(None);
    }
    tx.remove_call(call.num)?;
    if let Some(deed) = tx.deed_of(call.run, id)? {
        tx.end_deed(deed.num, DeedState::Failed, None)?;
    }
    let input = Input::Unsent { id: id.clone() };
    advance_run(tx, kit, stored, input, now_ms).map(Some)
}

impl Engine {
    /// Sends calls that waited for room; whether any was sent.
    pub(super) async fn send_calls(&self, driver: &mut Driver) -> Result<bool, EngineError> {
        if self.inner.slots.room() == 0 {
            return Ok(false);
        }
        let moved = self.transact(|_, _, _| Ok(Vec::new())).done().await?;
        let any = !moved.ready.is_empty();
        self.moved(driver, moved);
        Ok(any)
    }

    /// Makes a call on a task of its own.
    pub(super) fn send(&self, driver: &mut Driver, kit: &Kit, ready: Ready) {
        self.send_for(driver, kit, ready, Others::default());
    }

    /// The same, also for others that ask the same.
    pub(super) fn send_for(&self, driver: &mut Driver, kit: &Kit, ready: Ready, others: Others) {
        let Ready {
            sent,
            way,
            about,
            slot,
            lease,
        } = ready;
        let (connector, clock) = (kit.connector.clone(), self.inner.clock.clone());
        let mut report = sent.clone();
        let heard = driver.setbacks();
        let concerned: Vec<Sent> = others.calls().chain([&sent]).cloned().collect();
        let span = about.calling(match &way {
            Way::Before(query) => &query.callable,
            Way::Connector(..) | Way::Sample(_) => &sent.callable,
        });
        let room = Room::of(slot.clone());
        let work = async move {
            let outcome = match way {
                Way::Before(mut query) => {
                    query.room = room;
                    report.read = Some(read(&*connector, *query).await);
                    CallOutcome::Done(Value::Absent)
                }
                Way::Connector(mut request, after) => {
                    request.setbacks = Setbacks::to(move |setback| {
                        for sent in &concerned {
                            // A driver that is gone has nobody to show it to.
                            let _ = heard.send((sent.clone(), setback.clone()));
                        }
                    })
                    .noting(lease.confirming());
                    request.room = room.clone();
                    let setbacks = request.setbacks.clone();
                    match (connector.call(*request).await, after) {
                        (CallOutcome::Done(result), Some(After::Kept(mut query))) => {
                            query.room = room;
                            report.read = Some(read(&*connector, *query).await);
                            CallOutcome::Done(result)
                        }
                        (CallOutcome::Done(result), Some(After::Restored(mut query, before))) => {
                            setbacks.confirms(clock.now_ms());
                            query.room = room;
                            restored(&*connector, &*clock, (*query, before), result).await
                        }
                        (outcome, _) => outcome,
                    }
                }
                Way::Sample(outcome) => outcome,
            };
            drop((slot, lease));
            others.tell(&outcome);
            Report::Called(report, outcome)
        };
        driver.spawn(Job::Call(sent), work.instrument(span));
    }
}

fn way(
    tx: &Tx<'_>,
    kit: &Kit,
    slots: &Slots,
    stored: StoredCall,
    now_ms: i64,
) -> Result<(Way, About), Fault> {
    let whole = tx.run(stored.run)?;
    let (run, simulated) = (&whole.run, whole.simulated);
    let about = About::step(run, &stored.call.id);
    let program = kit.program_of(tx, whole.program)?;
    slots.set_turn(&run.tenant.name);
    if &*stored.call.callable == JUDGE {
        return Ok((Way::Sample(judge(tx, &stored.call.args)?), about));
    }
    let gate = Gate::of(&kit.brake, &run.tenant.name, Some(&run.playbook));
    if simulated && stored.call.kind == CallKind::Perform {
        let value = program
            .callables
            .get(&stored.call.callable)
            .map_or(counterplay_machine::Value::Absent, |c| {
                sample(&program.types, &c.returns_ty, now_ms)
            });
        return Ok((Way::Sample(CallOutcome::Done(value)), about));
    }
    let after = match before(tx, kit, (&whole, &program), &stored, now_ms)? {
        Prior::Read(query) => return Ok((Way::Before(query), about)),
        Prior::Kept(after) => after.map(After::Kept),
        Prior::None => restores(tx, kit, (&whole, &program), &stored, now_ms)?,
    };
    let request = Box::new(CallRequest {
        id: stored.call.id,
        callable: stored.call.callable,
        args: stored.call.args,
        tenant: run.tenant.clone(),
        run: Some((run.id.clone(), run.started_ms)),
        program,
        intended_ms: stored.intended_ms,
        repeated: stored.attempts > 0,
        setbacks: Setbacks::default(),
        gate,
        room: Room::default(),
    });
    Ok((Way::Connector(request, after), about))
}

/// Takes a call's outcome into its run.
pub(super) fn answer(
    tx: &Tx<'_>,
    kit: &Kit,
    sent: &Sent,
    outcome: CallOutcome,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    if sent.reading {
        let unread = || Reading::Failed("the reading broke off".into());
        let before = sent.read.clone().unwrap_or_else(unread);
        keep_before(tx, sent, &before)?;
        return Ok(Vec::new());
    }
    tx.remove_call(sent.num)?;
    let stored = tx.run(sent.run)?;
    if sent.kind == CallKind::Perform {
        ended(tx, kit, &stored, sent, &outcome, now_ms)?;
    }
    if stored.run.outcome.is_some() {
        return late(tx, kit, &stored, sent, outcome, now_ms);
    }
    let id = sent.id.clone();
    let input = match outcome {
        CallOutcome::Done(value) => Input::Done { id, value },
        CallOutcome::Failed { reason } => Input::Failed { id, reason },
        CallOutcome::Unconfirmed { reason } => Input::Unconfirmed { id, reason },
        CallOutcome::Unknown { reason } => Input::Unknown { id, reason },
    };
    advance_run(tx, kit, stored, input, now_ms)
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
    let program = kit.program_of(tx, stored.program)?;
    let action = sent.callable.clone();
    let what = match outcome {
        CallOutcome::Done(value) => What::Performed {
            value: value.redacted_json(),
            accepted: program
                .callables
                .get(&action)
                .and_then(|c| c.accepted.clone()),
            action,
        },
        CallOutcome::Failed { reason } => What::ActionFailed {
            action,
            reason,
            handled: true,
            may_be_done: false,
        },
        CallOutcome::Unconfirmed { reason } => What::ActionFailed {
            action,
            reason,
            handled: true,
            may_be_done: true,
        },
        CallOutcome::Unknown { reason } => What::ActionFailed {
            action,
            reason: format!("whether it was performed is not known: {reason}"),
            handled: true,
            may_be_done: true,
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
    record(tx, &program, stored, (done, &[]), &Cause::default())?;
    Ok(entries(stored, vec![entry]))
}
