//! Calls of actions that can be taken back in; how what they change was before and after kept for a later undoing, out.
//!
//! Before such an action is sent its state is read and committed; it is read once more when the action is done. That a
//! reading fails keeps no action from being sent: an undoing asks people then. What an undoing does is done when the state
//! is as it was.

use super::calls::Sent;
use super::kit::Kit;
use crate::brake::Gate;
use crate::call::{CallOutcome, CallRequest, Connector, Setbacks};
use crate::clock::Clock;
use crate::room::{Room, Waits};
use crate::store::{CallKind, Deed, DeedState, Fault, NewDeed, Reading, StoredCall, StoredRun, Tx};
use crate::timeline::value_text;
use crate::undo::{PLAYBOOK, inverse, same, state_query, subject};
use counterplay_machine::declare::Callable;
use counterplay_machine::duration::{MINUTE_MS, SECOND_MS, format_ms};
use counterplay_machine::{Program, Value};
use std::sync::Arc;
use std::time::Duration;

/// How long a reading may take; what is to be done is more urgent than to be able to take it back.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long the state is looked at after it was to be restored, in milliseconds.
const RESTORED_MS: i64 = 2 * MINUTE_MS;
/// The first pause between two looks, in milliseconds.
const PAUSE_MS_MIN: i64 = SECOND_MS;
/// The longest pause.
const PAUSE_MS_MAX: i64 = 15 * SECOND_MS;

/// What is read when a call is done.
#[derive(Debug)]
pub(super) enum After {
    /// How it is then, which is kept.
    Kept(Box<CallRequest>),
    /// Whether it is as it was before: this call takes something back.
    Restored(Box<CallRequest>, Value),
}

/// How the state of a call that is about to be sent is treated.
pub(super) enum Prior {
    /// There is none, or none is kept.
    None,
    /// It is read first; the call itself is sent afterwards.
    Read(Box<CallRequest>),
    /// It has been kept; it is read again when the call is done.
    Kept(Option<Box<CallRequest>>),
}

/// The action of a call whose state is kept.
fn reversible<'p>(
    program: &'p Program,
    stored: &StoredRun,
    (kind, callable): (CallKind, &str),
) -> Option<&'p Callable> {
    // What undoes a run is not undone itself.
    if kind != CallKind::Perform || stored.simulated || &*stored.run.playbook == PLAYBOOK {
        return None;
    }
    let callable = program.callables.get(callable)?;
    callable.undo.as_ref().and(Some(callable))
}

/// What is to be done about the state of a call that is about to be sent.
pub(super) fn before(
    tx: &Tx<'_>,
    kit: &Kit,
    (stored, program): (&StoredRun, &Arc<Program>),
    call: &StoredCall,
    now_ms: i64,
) -> Result<Prior, Fault> {
    let (kind, name) = (call.call.kind, &*call.call.callable);
    let Some(callable) = reversible(program, stored, (kind, name)) else {
        return Ok(Prior::None);
    };
    let run = &stored.run;
    let asked = state_query(
        program,
        &kit.deployment,
        (run, now_ms),
        callable,
        &call.call.args,
    );
    let request = |id: &str, (query, args): (Arc<str>, Vec<Value>)| {
        Box::new(CallRequest {
            id: format!("{}!{id}", call.call.id),
            callable: query,
            args,
            tenant: run.tenant.clone(),
            run: Some((run.id.clone(), run.started_ms)),
            program: program.clone(),
            intended_ms: now_ms,
            repeated: false,
            setbacks: Setbacks::default(),
            gate: Gate::of(&kit.brake, &run.tenant.name, Some(&run.playbook)),
            room: Room::default(),
        })
    };
    let kept = tx.deed_of(stored.num, &call.call.id)?;
    let keep = |before: Option<&Reading>, state| {
        keep(tx, kit, (stored, callable), call, (before, state), now_ms)
    };
    Ok(match (kept.map(|d| d.state), asked) {
        (Some(DeedState::Reading), Some(Ok(query))) => Prior::Read(request("before", query)),
        (None, Some(Ok(query))) => {
            // From now on: whatever ends later may have been missed by the reading.
            keep(None, DeedState::Reading)?;
            Prior::Read(request("before", query))
        }
        (Some(_), Some(Ok(query))) => Prior::Kept(Some(request("after", query))),
        (Some(_), _) => Prior::Kept(None),
        (None, unread) => {
            let before = unread.and_then(Result::err).map(Reading::Failed);
            keep(before.as_ref(), DeedState::Unknown)?;
            Prior::Kept(None)
        }
    })
}

/// What an undoing's call is to restore, and the query that tells whether it has. Nothing where the call's own declaration
/// says how it is confirmed, or where it is not known how it was.
pub(super) fn restores(
    tx: &Tx<'_>,
    kit: &Kit,
    (stored, program): (&StoredRun, &Arc<Program>),
    call: &StoredCall,
    now_ms: i64,
) -> Result<Option<After>, Fault> {
    let (run, name) = (&stored.run, &call.call.callable);
    let confirms = |c: &Callable| c.confirm.is_some();
    if call.call.kind != CallKind::Perform
        || &*run.playbook != PLAYBOOK
        || program.callables.get(name).is_none_or(confirms)
    {
        return Ok(None);
    }
    let deed = match tx.taken_back_by(stored.num, call.call.node)? {
        Some(num) => tx.deed(num)?,
        None => None,
    };
    let Some(deed) = deed else { return Ok(None) };
    let Some(Reading::Is(before)) = &deed.before else {
        return Ok(None);
    };
    let original = tx.run(deed.run)?;
    let its = kit.program_of(tx, original.program)?;
    let asked = its.callables.get(&deed.action).and_then(|callable| {
        let at = (&original.run, now_ms);
        state_query(&its, &kit.deployment, at, callable, &deed.args)?.ok()
    });
    let gate = Gate::of(&kit.brake, &run.tenant.name, Some(&run.playbook));
    Ok(asked.map(|(query, args)| {
        let request = CallRequest {
            id: format!("{}!restored", call.call.id),
            callable: query,
            args,
            tenant: run.tenant.clone(),
            run: Some((run.id.clone(), run.started_ms)),
            program: its.clone(),
            intended_ms: i64::MAX,
            repeated: false,
            setbacks: Setbacks::default(),
            gate,
            room: Room::default(),
        };
        After::Restored(Box::new(request), before.clone())
    }))
}

/// Looks until the state is as it was before; then the call that was to see to that has the result that it gave.
pub(super) async fn restored(
    connector: &dyn Connector,
    clock: &dyn Clock,
    (query, before): (CallRequest, Value),
    result: Value,
) -> CallOutcome {
    let until_ms = clock.now_ms().saturating_add(RESTORED_MS);
    let mut pause_ms = PAUSE_MS_MIN;
    loop {
        let seen = match read(connector, query.clone()).await {
            Reading::Is(now) if same(&before, &now) => return CallOutcome::Done(result),
            Reading::Is(now) => format!(
                "it was {}, and it is {}",
                value_text(&before.redacted_json()),
                value_text(&now.redacted_json())
            ),
            Reading::Failed(why) => format!("how it is now could not be read: {why}"),
        };
        let left_ms = until_ms.saturating_sub(clock.now_ms());
        if left_ms <= 0 {
            let within = format_ms(RESTORED_MS);
            let reason = format!("accepted, but not as before within {within}: {seen}");
            return CallOutcome::Unconfirmed { reason };
        }
        let pause = clock.sleep(pause_ms.min(left_ms));
        query.room.aside(Waits::Confirmed, pause).await;
        pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
    }
}

/// Reads a state.
pub(super) async fn read(connector: &dyn Connector, request: CallRequest) -> Reading {
    match tokio::time::timeout(PATIENCE, connector.call(request)).await {
        Ok(outcome) => match outcome.result() {
            Ok(value) => Reading::Is(value),
            Err(reason) => Reading::Failed(reason),
        },
        Err(_) => Reading::Failed("no answer within 30 seconds".into()),
    }
}

/// Keeps what was there before, so that the call can be sent.
pub(super) fn keep_before(tx: &Tx<'_>, sent: &Sent, before: &Reading) -> Result<(), Fault> {
    let stored = tx.run(sent.run)?;
    let Some(deed) = tx.deed_of(sent.run, &sent.id)? else {
        return tx.not_yet_sent(sent.num);
    };
    if stored.run.outcome.is_some() {
        // The run was ended in between: the call was never sent, and is not.
        tx.end_deed(deed.num, DeedState::Failed, None)?;
        return tx.remove_call(sent.num);
    }
    tx.deed_read(deed.num, before)?;
    tx.not_yet_sent(sent.num)
}

fn keep(
    tx: &Tx<'_>,
    kit: &Kit,
    (stored, callable): (&StoredRun, &Callable),
    call: &StoredCall,
    (before, state): (Option<&Reading>, DeedState),
    now_ms: i64,
) -> Result<(), Fault> {
    let args = &call.call.args;
    let program = kit.program_of(tx, stored.program)?;
    let query = state_query(
        &program,
        &kit.deployment,
        (&stored.run, now_ms),
        callable,
        args,
    );
    let of = match query {
        Some(Ok(query)) => query,
        _ => (call.call.callable.clone(), args.clone()),
    };
    let deed = NewDeed {
        run: stored.num,
        id: &call.call.id,
        node: call.call.node,
        action: &call.call.callable,
        args,
        subject: &subject(&stored.run.tenant.name, &of),
        before,
        state,
    };
    tx.add_deed(&deed, now_ms)
}

/// Takes up a call that is marked as sent and was not, because its state was being read when the process ended; whether
/// it was one.
pub(super) fn was_reading(
    tx: &Tx<'_>,
    stored: &StoredRun,
    call: &StoredCall,
) -> Result<bool, Fault> {
    let deed = tx.deed_of(stored.num, &call.call.id)?;
    let Some(deed) = deed.filter(|d| d.state == DeedState::Reading) else {
        return Ok(false);
    };
    if stored.run.outcome.is_some() {
        tx.end_deed(deed.num, DeedState::Failed, None)?;
        tx.remove_call(call.num)?;
    } else {
        tx.not_yet_sent(call.num)?;
    }
    Ok(true)
}

/// Keeps what became of an action: of one that can be taken back, and of one that takes something back.
pub(super) fn ended(
    tx: &Tx<'_>,
    kit: &Kit,
    stored: &StoredRun,
    sent: &Sent,
    outcome: &CallOutcome,
    now_ms: i64,
) -> Result<(), Fault> {
    let done = matches!(outcome, CallOutcome::Done(_));
    if done
        && &*stored.run.playbook == PLAYBOOK
        && let Some(deed) = tx.taken_back_by(stored.num, sent.node)?
    {
        return tx.mark_undone(deed, stored.num);
    }
    let program = kit.program_of(tx, stored.program)?;
    if reversible(&program, stored, (sent.kind, &sent.callable)).is_none() {
        return Ok(());
    }
    let Some(deed) = tx.deed_of(stored.num, &sent.id)? else {
        return Ok(());
    };
    match outcome {
        // It may have been carried out: that is asked about when it is to be taken back.
        CallOutcome::Unconfirmed { .. } | CallOutcome::Unknown { .. } => Ok(()),
        CallOutcome::Failed { .. } => tx.end_deed(deed.num, DeedState::Failed, None),
        CallOutcome::Done(_) => {
            tx.end_deed(deed.num, DeedState::Done, sent.read.as_ref())?;
            took_back_itself(tx, kit, stored, deed, sent.read.as_ref(), now_ms)
        }
    }
}

/// A run that takes back what it did itself (`undo`) leaves nothing to be undone of the two.
fn took_back_itself(
    tx: &Tx<'_>,
    kit: &Kit,
    stored: &StoredRun,
    latest: Deed,
    after: Option<&Reading>,
    now_ms: i64,
) -> Result<(), Fault> {
    let program = kit.program_of(tx, stored.program)?;
    for earlier in tx.deeds(stored.num)?.into_iter().rev() {
        if earlier.num >= latest.num
            || earlier.state != DeedState::Done
            || earlier.undone_by.is_some()
        {
            continue;
        }
        let Some(callable) = program.callables.get(&earlier.action) else {
            continue;
        };
        let was = earlier.before.as_ref().and_then(Reading::value);
        let back = inverse(
            &program,
            &kit.deployment,
            (&stored.run, now_ms),
            callable,
            (&earlier.args, was),
        );
        let Some(Ok((undo, args))) = back else {
            continue;
        };
        let restored = match (was, after.and_then(Reading::value)) {
            (Some(was), Some(is)) => same(was, is),
            _ => true,
        };
        if undo == latest.action && args == latest.args && restored {
            tx.mark_undone(earlier.num, stored.num)?;
            return tx.mark_undone(latest.num, stored.num);
        }
    }
    Ok(())
}
