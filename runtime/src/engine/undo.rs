//! A wish to undo a run in; a run of its own that does so, or the reason why not, out.

use super::kit::Kit;
use super::record::{Cause, record};
use super::transition::{entries, keep_effects, stepped};
use super::{Engine, Notice};
use crate::call::CallOutcome;
use crate::spans;
use crate::store::{Fault, NewAudit, NewRunRow, StoredRun, Tx, UndoRefused};
use crate::undo::{AS_LEFT, Built, PLAYBOOK, Plan, doubt};
use counterplay_machine::Value;
use counterplay_machine::step::{Context, Input, NewRun, start};
use serde_json::json;
use std::collections::BTreeMap;

impl Engine {
    /// Asks that a run is undone. What is done about it is a run of its own, which asks for leave first.
    ///
    /// # Errors
    /// When it cannot be, with the reason.
    pub async fn undo(
        &self,
        run: &str,
        by: &str,
        team: Option<String>,
    ) -> Result<i64, UndoRefused> {
        let now = self.inner.clock.now_ms();
        let teams = self.kit().deployment.clone();
        let undoing = self
            .inner
            .store
            .submit_undo(run, by, team, Some(&teams), now)
            .await?;
        self.inner.wake.notify_one();
        Ok(undoing)
    }

    /// What undoing a run would do.
    ///
    /// # Errors
    /// When there is no such run or the store cannot be read.
    pub async fn undo_plan(&self, run: &str) -> Result<Plan, UndoRefused> {
        let now = self.inner.clock.now_ms();
        let teams = self.kit().deployment.clone();
        self.inner.store.undo_plan(run, &teams, now).await
    }
}

impl Engine {
    /// The teams that may be asked before a run is undone; none where the project file names the one that is.
    pub fn teams_for_undo(&self) -> Vec<String> {
        let kit = self.kit();
        match &kit.deployment.undo.team {
            Some(_) => Vec::new(),
            None => kit.deployment.teams.keys().cloned().collect(),
        }
    }
}

/// Takes up a wish to undo a run.
pub(super) fn undo(
    tx: &Tx<'_>,
    kit: &Kit,
    num: i64,
    (by, team, undoing): (&str, Option<String>, i64),
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let original = tx.run(num)?;
    match ready(tx, kit, &original, (by, team), now_ms)? {
        Ok(built) => begin(tx, kit, &original, (by, undoing, built), now_ms),
        Err(why) => {
            tx.refuse_undoing(undoing, &why)?;
            tx.add_audit(&NewAudit {
                at_ms: now_ms,
                tenant: original.run.tenant.name.clone(),
                actor: by.to_owned(),
                action: "run.undo_refused".into(),
                run: Some(original.run.id.clone()),
                object: None,
                detail: json!({ "reason": why }),
            })?;
            Ok(Vec::new())
        }
    }
}

fn ready(
    tx: &Tx<'_>,
    kit: &Kit,
    original: &StoredRun,
    (by, team): (&str, Option<String>),
    now_ms: i64,
) -> Result<Result<Built, String>, Fault> {
    let run = &original.run;
    if kit.tenant(&run.tenant.name).is_none() {
        let why = format!("there is no tenant `{}` any more", run.tenant.name);
        return Ok(Err(why));
    }
    let program = kit.program_of(tx, original.program)?;
    tx.built_undoing(original, &program, &kit.deployment, (by, team), now_ms)
}

fn begin(
    tx: &Tx<'_>,
    kit: &Kit,
    original: &StoredRun,
    (by, undoing, built): (&str, i64, Built),
    now_ms: i64,
) -> Result<Vec<Notice>, Fault> {
    let program_num = tx.keep_program(&built.program, now_ms)?;
    let program = &built.program;
    let (Some(playbook), Some(tenant)) = (
        program.playbooks.get(PLAYBOOK),
        kit.tenant(&original.run.tenant.name),
    ) else {
        return Err(Fault::NotFound("the undoing has no playbook".into()));
    };
    let id = kit
        .ids
        .run(now_ms, |id| Ok::<_, Fault>(tx.run_num(id)?.is_none()))?;
    let uses = |action: &str, tenant: Option<&str>, since: i64| tx.uses(action, tenant, since);
    let context = Context {
        program,
        playbook,
        deployment: &kit.deployment,
        guards: &kit.program.guards,
        uses: &uses,
        recalls: None,
    };
    let new = NewRun {
        id,
        tenant,
        started_by: format!("undo of {}, by {by}", original.run.id),
        starter: Some(by.to_owned()),
        behind: tx.behind(by)?,
        slots: BTreeMap::new(),
    };
    let (run, transition) = start(context, new, now_ms);
    let _span = spans::transition(&run, &Input::Begin).entered();
    tracing::info!(undoes = original.run.id, "a run has begun");
    let row = NewRunRow {
        program: program_num,
        simulated: false,
    };
    let num = tx.add_run(row, &run, &transition.journal, now_ms)?;
    let stored = StoredRun {
        num,
        program: program_num,
        simulated: false,
        entries: transition.journal.len() as i64,
        status: run.status(),
        run,
    };
    tx.undoing_began(undoing, num)?;
    for (node, deed) in &built.steps {
        tx.add_undo_step(num, *node, *deed)?;
    }
    let done = (&*transition.journal, &*transition.effects);
    record(
        tx,
        program,
        &stored,
        done,
        &Cause::start(Some(by.to_owned())),
    )?;
    stepped(&stored, transition.effects.len());
    let mut notices = entries(&stored, transition.journal);
    notices.extend(keep_effects(tx, kit, &stored, transition.effects, now_ms)?);
    Ok(notices)
}

/// Answers whether an action may be taken back without asking people again: from what is kept of it and how it is now,
/// and from what other runs have done since.
pub(super) fn judge(tx: &Tx<'_>, args: &[Value]) -> Result<CallOutcome, Fault> {
    let deed = match args.get(1) {
        Some(Value::Int(num)) => tx.deed(*num)?,
        _ => None,
    };
    let Some(deed) = deed else {
        let reason = "what is kept of the action is gone".to_owned();
        return Ok(CallOutcome::Failed { reason });
    };
    let others = tx.others_doing(&deed)?;
    let doubt = doubt(&deed, &others, args.get(2));
    let said = doubt.unwrap_or_else(|| AS_LEFT.to_owned());
    Ok(CallOutcome::Done(Value::text(said)))
}
