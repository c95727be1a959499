//! A stored run and an input in; within one transaction the run stepped, stored and its effects
//! turned into rows. What watchers are to be told comes out.

use super::accept::take;
use super::calls::{Ready, claim};
use super::drive::Driver;
use super::kit::Kit;
use super::letters::keep;
use super::record::{Cause, record, too_late};
use super::{Engine, EngineError, Notice, leases, messages};
use crate::spans;
use crate::store::{
    ArrivalKind, CallKind, Fault, NewArrival, NewCall, NewLetter, Pending, StoredRun, Tx,
    approval_info,
};
use counterplay_machine::ingest;
use counterplay_machine::journal::Entry;
use counterplay_machine::step::{Context, Effect, Input, step};
use serde_json::Value as Json;
use std::sync::Arc;

/// A transaction of runs.
type Move = Box<dyn FnOnce(&Tx<'_>) -> Result<Moved, Fault> + Send>;

/// What a transaction of runs gave, once it is committed.
pub(super) struct Moved {
    /// With what it was worked out.
    pub(super) kit: Arc<Kit>,
    /// What watchers are to be told.
    pub(super) notices: Vec<Notice>,
    /// What is to be sent now.
    pub(super) ready: Vec<Ready>,
}

impl Engine {
    /// Hands over a transaction that moves runs. What it asks for is sent after its commit, as far as there is room
    /// ([`Engine::moved`]).
    pub(super) fn transact<F>(&self, work: F) -> Pending<Moved>
    where
        F: FnOnce(&Tx<'_>, &Arc<Kit>, i64) -> Result<Vec<Notice>, Fault> + Send + 'static,
    {
        self.inner.store.hand_over(self.moving(work, true))
    }

    /// Hands over transactions that move runs, which share a commit. What all of them ask for comes with one more, behind
    /// them: to look for it once costs less than behind each.
    pub(super) fn transact_all<F>(&self, work: Vec<F>) -> Vec<Pending<Moved>>
    where
        F: FnOnce(&Tx<'_>, &Arc<Kit>, i64) -> Result<Vec<Notice>, Fault> + Send + 'static,
    {
        let alone = work.len() == 1;
        let each = work.into_iter();
        let mut moves: Vec<Move> = each.map(|w| self.moving(w, alone)).collect();
        if moves.len() > 1 {
            moves.push(self.moving(|_, _, _| Ok(Vec::new()), true));
        }
        self.inner.store.hand_over_all(moves)
    }

    fn moving<F>(&self, work: F, claims: bool) -> Move
    where
        F: FnOnce(&Tx<'_>, &Arc<Kit>, i64) -> Result<Vec<Notice>, Fault> + Send + 'static,
    {
        let (deployed, slots) = (self.inner.deployed.clone(), self.inner.slots.clone());
        let now = self.inner.clock.now_ms();
        Box::new(move |tx| {
            let kit = deployed.get();
            let mut notices = work(tx, &kit, now)?;
            let ready = match claims {
                true => claim(tx, &kit, &slots, now, &mut notices)?,
                false => Vec::new(),
            };
            Ok(Moved {
                kit,
                notices,
                ready,
            })
        })
    }

    /// Tells and sends what a committed transaction gave.
    pub(super) fn moved(&self, driver: &mut Driver, moved: Moved) {
        for notice in &moved.notices {
            if let Notice::Matched { tenant, .. } = notice {
                self.inner.backlog.leave(tenant);
            }
        }
        self.inner.tell(moved.notices);
        for ready in moved.ready {
            self.send(driver, &moved.kit, ready);
        }
    }

    /// Waits for transactions that share a commit; whether there were any.
    pub(super) async fn all_moved(
        &self,
        driver: &mut Driver,
        pending: Vec<Pending<Moved>>,
    ) -> Result<bool, EngineError> {
        let any = !pending.is_empty();
        let mut failed = None;
        let mut ready = Vec::new();
        for one in pending {
            match one.done().await {
                Ok(mut moved) => {
                    let calls = std::mem::take(&mut moved.ready);
                    ready.extend(calls.into_iter().map(|call| (moved.kit.clone(), call)));
                    self.moved(driver, moved);
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        self.send_together(driver, ready);
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(any),
        }
    }
}

/// Applies an input to a run. One that has ended stays as it is.
pub(super) fn advance(
    tx: &Tx<'_>,
    kit: &Kit,
    num: i64,
    input: Input,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let stored = tx.run(num)?;
    advance_run(tx, kit, stored, input, now_ms)
}

/// [`advance`], of a run that was read in this transaction.
pub(super) fn advance_run(
    tx: &Tx<'_>,
    kit: &Kit,
    mut stored: StoredRun,
    input: Input,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let cause = Cause::of(&input);
    let _span = spans::transition(&stored.run, &input).entered();
    if stored.run.outcome.is_some() {
        too_late(tx, &stored, &cause, now_ms)?;
        return Ok(Vec::new());
    }
    let program = kit.program_of(tx, stored.program)?;
    let playbook =
        program
            .playbooks
            .get(&stored.run.playbook)
            .ok_or_else(|| Fault::Unreadable {
                what: format!("run {}", stored.run.id),
                detail: format!("its program has no playbook `{}`", stored.run.playbook),
            })?;
    let uses = |action: &str, tenant: Option<&str>, since: i64| tx.uses(action, tenant, since);
    let context = Context {
        program: &program,
        playbook,
        deployment: &kit.deployment,
        guards: &kit.program.guards,
        uses: &uses,
        recalls: None,
    };
    let transition = step(context, &mut stored.run, input, now_ms);
    tx.save_run(&stored, &transition.journal, now_ms)?;
    let done = (&*transition.journal, &*transition.effects);
    record(tx, &program, &stored, done, &cause)?;
    stepped(&stored, transition.effects.len());
    let mut notices = entries(&stored, transition.journal);
    notices.extend(keep_effects(tx, kit, &stored, transition.effects, now_ms)?);
    Ok(notices)
}

/// Tells what a transition comes to, just before its commit.
pub(super) fn stepped(stored: &StoredRun, effects: usize) {
    match &stored.run.outcome {
        Some(outcome) => tracing::info!(outcome = outcome.name(), "the run has ended"),
        None => tracing::debug!(effects, "the run goes on"),
    }
}

/// Turns effects into rows: nothing is done before they are committed.
pub(super) fn keep_effects(
    tx: &Tx<'_>,
    kit: &Kit,
    stored: &StoredRun,
    effects: Vec<Effect>,
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let run = stored.num;
    let mut notices = Vec::new();
    for effect in effects {
        match effect {
            Effect::Perform {
                id,
                node,
                action,
                args,
            } => {
                let mut guards = kit.program.guards.iter();
                if !stored.simulated && guards.any(|guard| guard.counts(&action)) {
                    tx.count_use(&action, &stored.run.tenant.name, now_ms)?;
                }
                // What is only simulated acts on nothing.
                let entities = match stored.simulated {
                    true => Vec::new(),
                    false => {
                        let program = kit.program_of(tx, stored.program)?;
                        leases::entities(&program, &stored.run.tenant.name, &action, &args)
                    }
                };
                let call = NewCall {
                    id,
                    kind: CallKind::Perform,
                    node,
                    callable: action,
                    args,
                    entities,
                };
                tx.add_call(run, &stored.run.tenant.name, &call, now_ms)?;
            }
            Effect::Query {
                id,
                node,
                query,
                args,
            } => {
                let call = NewCall {
                    id,
                    kind: CallKind::Query,
                    node,
                    callable: query,
                    args,
                    entities: Vec::new(),
                };
                tx.add_call(run, &stored.run.tenant.name, &call, now_ms)?;
            }
            Effect::StartTimer { id, at_ms } => tx.start_timer(run, &id, at_ms)?,
            Effect::CancelTimer { id } => {
                tx.stop_timer(run, &id)?;
            }
            Effect::AskApproval { id } => {
                tx.open_approval(run, &id, now_ms)?;
                messages::plan(tx, kit, stored, &id, now_ms)?;
                notices
                    .extend(approval_info(stored, &id, now_ms).map(|a| Notice::Asked(Box::new(a))));
            }
            Effect::CloseApproval { id } => tx.close_approval(run, &id)?,
            Effect::AwaitEvent { id, event } => {
                tx.await_event(run, &id, &stored.run.tenant.name, &event)?;
            }
            Effect::StopAwaiting { id } => tx.stop_awaiting(run, &id)?,
            // What a simulated run raises stays in its journal: it must not start real ones.
            Effect::Emit { .. } if stored.simulated => {}
            Effect::Emit { id, event, payload } => {
                notices.extend(raise(tx, kit, stored, (id, &event, payload), now_ms)?);
            }
            Effect::Finish { .. } => tx.void_run(run)?,
        }
    }
    Ok(notices)
}

/// Takes in an event that a run raised; one that cannot be read is kept as a dead letter.
fn raise(
    tx: &Tx<'_>,
    kit: &Kit,
    stored: &StoredRun,
    (id, event, payload): (String, &str, Json),
    now_ms: i64,
) -> Result<Option<Notice>, Fault> {
    let tenant = stored.run.tenant.name.clone();
    // Whoever stands behind a run stands behind what it raises.
    let run = &stored.run;
    let behind: Vec<String> = run.starter.iter().chain(&run.behind).cloned().collect();
    match ingest::read(kit.scene(&run.tenant), event, &payload) {
        Ok(typed) => {
            let arrival = NewArrival {
                tenant,
                kind: ArrivalKind::Event,
                name: typed.event.to_string(),
                payload: payload.into(),
                source: Some(id),
                at_ms: now_ms,
                behind,
            };
            take(tx, &arrival, &typed.observation)?;
            Ok(None)
        }
        Err(rejection) => {
            let reason = rejection.to_string();
            let letter = NewLetter {
                tenant: &tenant,
                name: Some(event),
                event: None,
                playbook: None,
                payload: &payload,
                reason: &reason,
                behind: &behind,
            };
            Ok(Some(keep(tx, &letter, now_ms)?.1))
        }
    }
}

/// Journal entries as notices.
pub(super) fn entries(stored: &StoredRun, journal: Vec<Entry>) -> Vec<Notice> {
    let run: Arc<str> = Arc::from(stored.run.id.as_str());
    let tenant: Arc<str> = Arc::from(stored.run.tenant.name.as_str());
    journal
        .into_iter()
        .map(|entry| Notice::Entry {
            run: run.clone(),
            playbook: stored.run.playbook.clone(),
            tenant: tenant.clone(),
            simulated: stored.simulated,
            entry,
        })
        .collect()
}
