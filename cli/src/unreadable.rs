//! `counterplay runs --unreadable`, `move`, and `cancel` of such runs: what this version cannot carry on in; what it did,
//! and that it is over or begins anew, out.

use crate::args::{MoveArgs, RunsArgs};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, BAD, GOOD, NAME, PLAIN, QUIET, WARN, paint};
use crate::project;
use crate::runs::as_json;
use crate::table::{Cell, table};
use crate::words::address;
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{Act, Became, Leave, LeaveRefused, Left, Store, UnreadableRun};
use counterplay_runtime::timeline::call;
use serde_json::{Value as Json, json};

/// Lists the open runs that this version cannot carry on.
///
/// # Errors
/// When the store cannot be read.
pub async fn list(store: &Store, args: &RunsArgs) -> Outcome {
    let mut found = store.unreadable_runs().await.map_err(failed)?;
    found.retain(|run| {
        args.playbook
            .as_ref()
            .is_none_or(|p| *p == run.info.playbook)
    });
    if args.json {
        let list = found.iter().map(|run| {
            let mut line = as_json(&run.info);
            line["unreadable"] = json!(run.why);
            line
        });
        out::line(format!("{:#}", Json::Array(list.collect())))?;
        return Ok(OK);
    }
    if found.is_empty() {
        out::line(format!(
            "Every open run in {} can be carried on by this version.",
            store.path().display()
        ))?;
        return Ok(OK);
    }
    let rows: Vec<Vec<Cell>> = found.iter().map(row).collect();
    out::text(table(
        &["RUN", "PLAYBOOK", "TENANT", "STARTED", "WHY"],
        &rows,
    ))?;
    out::line(paint(
        QUIET,
        "the Counterplay that started them carries them on; `counterplay cancel` ends one, `counterplay move` begins it anew",
    ))?;
    Ok(OK)
}

fn row(run: &UnreadableRun) -> Vec<Cell> {
    let info = &run.info;
    vec![
        (info.id.clone(), NAME),
        (info.playbook.clone(), PLAIN),
        (info.tenant.clone(), PLAIN),
        (format_time_ms(info.started_ms / 1_000 * 1_000), QUIET),
        (run.why.clone(), BAD),
    ]
}

/// Ends a run that this version cannot carry on.
///
/// # Errors
/// When no reason is given, a service works on the store, or it cannot be used.
pub async fn cancel(
    store: &Store,
    run: &str,
    (by, because): (String, Option<String>),
    why: &str,
) -> Outcome {
    let Some(because) = because else {
        return Err(Failure::cannot_start(format!(
            "this version cannot read run {run} ({why}); ending it needs a reason: --because TEXT"
        )));
    };
    let leave = Leave {
        run: run.to_owned(),
        by,
        because,
        anew: false,
    };
    let left = take(store, leave).await?;
    tell(&left.acts)?;
    out::line(format!("{run} has ended: {}", paint(GOOD, "cancelled")))?;
    Ok(OK)
}

/// Begins a run anew that this version cannot carry on.
///
/// # Errors
/// When it can, has ended, its playbook is not there any more, a service works on the store, or it cannot be used.
pub async fn anew(args: MoveArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let info = lookup::run(&store, &args.store, &args.run).await?;
    if store.unreadable(&info.id).await.map_err(failed)?.is_some() {
        there(&args, &info.playbook)?;
        let acts = store.acts(&info.id).await.map_err(failed)?;
        let again = |act: &Act| matches!(act.became, Became::Performed | Became::Unknown);
        if acts.iter().any(again) && !args.confirm {
            tell(&acts)?;
            out::complain(&format!(
                "a new run does everything from the beginning, and may do this again; with --confirm {} is moved. Nothing was changed",
                info.id
            ));
            return Ok(FOUND);
        }
    }
    let leave = Leave {
        run: info.id.clone(),
        by,
        because: args.because,
        anew: true,
    };
    let left = take(&store, leave).await?;
    tell(&left.acts)?;
    let event = left
        .event
        .map_or_else(String::new, |event| format!(" (event {event})"));
    out::line(format!(
        "{}: {} is cancelled; what started it arrives once more{event}, for {} alone, when the service starts",
        paint(GOOD, "moved"),
        info.id,
        info.playbook,
    ))?;
    Ok(OK)
}

/// A new run needs its playbook in the project as it is.
fn there(args: &MoveArgs, playbook: &str) -> Result<(), Failure> {
    let Some(root) = project::root_for(args.store.project.project.as_deref())? else {
        return Ok(());
    };
    let project = project::load(&root, &[])?;
    match project.program().playbooks.contains_key(playbook) {
        true => Ok(()),
        false => Err(Failure::refused(format!(
            "there is no playbook `{playbook}` in the project any more; cancel the run instead. Nothing was changed"
        ))),
    }
}

/// Does it, with the lock of engines: one that can read the run may be at work.
async fn take(store: &Store, leave: Leave) -> Result<Left, Failure> {
    let _lock = store.lock_engine().map_err(failed)?;
    let left = store.leave(leave, SystemClock.now_ms()).await;
    left.map_err(|refusal| match refusal {
        LeaveRefused::Store(error) => failed(error),
        other => Failure::refused(other.to_string()),
    })
}

/// Lists what a run did.
fn tell(acts: &[Act]) -> Result<(), Failure> {
    for act in acts {
        let style = match act.became {
            Became::Performed => GOOD,
            Became::Unknown => WARN,
            Became::Failed | Became::NotSent => QUIET,
        };
        out::line(format!(
            "  {}  {}",
            paint(style, format!("{:<16}", act.became.name())),
            call(&act.action, &act.args),
        ))?;
    }
    Ok(())
}
