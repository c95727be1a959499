//! `counterplay undo`: a run's id in; what cannot be taken back, what will be, and the run that does it out.

use crate::args::UndoArgs;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, BAD, GOOD, HEAD, NAME, QUIET, WARN, paint};
use crate::project;
use crate::run::setup;
use crate::words::address;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{Store, UndoRefused, Undoing};
use counterplay_runtime::undo::{Lasting, Plan, Restore};
use serde_json::{Value as Json, json};
use std::time::{Duration, Instant};

/// How long to wait for an engine to take the wish up.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often to look.
const PAUSE: Duration = Duration::from_millis(50);

/// Shows what undoing a run would do, and asks for it.
///
/// # Errors
/// When the run cannot be undone or the store cannot be used.
pub async fn undo(args: UndoArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let run = lookup::run(&store, &args.store, &args.run).await?.id;
    let deployment = deployment(&args)?;
    let now = SystemClock.now_ms();
    let plan = store.undo_plan(&run, &deployment, now).await;
    let plan = plan.map_err(refused)?;
    let Some(by) = args.by.as_deref().filter(|_| !args.plan) else {
        show(&run, &plan, args.json, None)?;
        if plan.steps.is_empty() {
            return Ok(FOUND);
        }
        if !args.json {
            let flags = setup::flags(&args.store);
            out::line("")?;
            out::line(paint(
                QUIET,
                format!(
                    "nothing was done; `counterplay undo {run} --as EMAIL{flags}` asks for leave to do it"
                ),
            ))?;
        }
        return Ok(OK);
    };
    let by = address(by)?;
    if !args.json {
        show(&run, &plan, false, None)?;
        out::line("")?;
    }
    let wish = store
        .submit_undo(&run, &by, args.team.clone(), Some(&deployment), now)
        .await
        .map_err(refused)?;
    let undoing = taken_up(&store, &run, wish).await?;
    if args.json {
        show(&run, &plan, true, Some(&undoing))?;
    }
    told(&run, &undoing, args.json)
}

/// The teams of the project, as far as there is one here.
fn deployment(args: &UndoArgs) -> Result<Deployment, Failure> {
    let Some(root) = project::root_for(args.store.project.project.as_deref())? else {
        return Ok(Deployment::default());
    };
    let compiled = project::load(&root, &[])?.compiled;
    Ok(compiled.file.map(|f| f.deployment).unwrap_or_default())
}

fn refused(refusal: UndoRefused) -> Failure {
    match refusal {
        UndoRefused::Store(error) => failed(error),
        UndoRefused::NoRun(_) => Failure::cannot_start(refusal.to_string()),
        other => Failure::refused(other.to_string()),
    }
}

async fn taken_up(store: &Store, run: &str, wish: i64) -> Result<Undoing, Failure> {
    let begun = Instant::now();
    loop {
        let (wishes, _) = store.undoings_of(run).await.map_err(failed)?;
        let found = wishes.into_iter().find(|w| w.num == wish);
        let Some(found) = found else {
            return Err(Failure::cannot_start("the wish is gone from the store"));
        };
        if found.run.is_some() || found.refused.is_some() || begun.elapsed() > PATIENCE {
            return Ok(found);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn told(run: &str, undoing: &Undoing, json: bool) -> Outcome {
    if let Some(why) = &undoing.refused {
        out::complain(why);
        return Ok(FOUND);
    }
    if json {
        return Ok(OK);
    }
    match &undoing.run {
        Some(by) => {
            out::line(format!(
                "{}: run {} undoes {run}; `counterplay show {by}` tells how far it is and whom it asks",
                paint(GOOD, "begun"),
                paint(NAME, by)
            ))?;
        }
        None => {
            out::line(format!("{}: {run} is to be undone", paint(WARN, "kept")))?;
            out::line(paint(
                QUIET,
                "no engine has taken it up yet; it counts as soon as `counterplay run` works on this store",
            ))?;
        }
    }
    Ok(OK)
}

fn show(run: &str, plan: &Plan, json: bool, undoing: Option<&Undoing>) -> Result<(), Failure> {
    if json {
        let object = json!({
            "run": run,
            "cannot": plan.cannot.iter().map(lasting_json).collect::<Vec<_>>(),
            "nothing": plan.nothing.iter().map(lasting_json).collect::<Vec<_>>(),
            "steps": plan.steps.iter().map(step_json).collect::<Vec<_>>(),
            "undone_by": undoing.and_then(|u| u.run.clone()),
            "refused": undoing.and_then(|u| u.refused.clone()),
        });
        out::line(format!("{object:#}"))?;
        return Ok(());
    }
    if !plan.cannot.is_empty() {
        out::line(paint(HEAD, "Cannot be undone"))?;
        for lasting in &plan.cannot {
            out::line(format!("  {}", paint(BAD, &lasting.call)))?;
            out::line(paint(QUIET, format!("    {}", lasting.why)))?;
        }
        out::line("")?;
    }
    if !plan.nothing.is_empty() {
        out::line(paint(HEAD, "Need not be undone"))?;
        for lasting in &plan.nothing {
            out::line(format!("  {}", lasting.call))?;
            out::line(paint(QUIET, format!("    {}", lasting.why)))?;
        }
        out::line("")?;
    }
    if plan.steps.is_empty() {
        out::line(format!("Nothing of {run} is left to undo."))?;
        return Ok(());
    }
    out::line(paint(HEAD, "Is undone, in this order"))?;
    for (index, step) in plan.steps.iter().enumerate() {
        let (number, call, undo) = (index + 1, &step.call, &step.undo_call);
        out::line(format!("  {number}. {call}"))?;
        let by = format!("     by {}", paint(NAME, undo));
        out::line(match (&step.before, &step.after) {
            (Some(was), Some(left)) => {
                format!(
                    "{by}{}",
                    paint(QUIET, format!("; it was {was}, and the run left {left}"))
                )
            }
            _ => by,
        })?;
        if let Some(doubt) = &step.doubt {
            out::line(paint(WARN, format!("     people are asked again: {doubt}")))?;
        }
    }
    Ok(())
}

fn lasting_json(lasting: &Lasting) -> Json {
    json!({
        "action": lasting.call,
        "impact": lasting.impact,
        "done": format_time_ms(lasting.at_ms),
        "why": lasting.why,
    })
}

fn step_json(step: &Restore) -> Json {
    json!({
        "action": step.call,
        "done": format_time_ms(step.at_ms),
        "before": step.before,
        "after": step.after,
        "undo": step.undo_call,
        "impact": step.impact,
        "asks_again": step.doubt,
    })
}
