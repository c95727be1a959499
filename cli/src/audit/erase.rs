//! `counterplay audit erase`: what a person is called in; what was erased about them, and what was not, out.

use super::args::EraseArgs;
use super::tenants;
use crate::error::{FOUND, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, QUIET, WARN, count, paint};
use crate::words::address;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{Erasure, Found};

/// How many open runs are named.
const NAMED: usize = 10;

/// Erases, or says what would be erased.
///
/// # Errors
/// When the store cannot be used, or a name is too short.
pub async fn erase(args: EraseArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = args.by.as_deref().map(address).transpose()?;
    let whom = Erasure {
        names: args.subject.clone(),
        tenants: tenants(&args.store, &store, &args.tenant).await?,
    };
    let found = store.find_person(whom).await.map_err(failed)?;
    let open = !found.open_runs.is_empty() || found.waiting > 0;
    if found.is_empty() && !open {
        out::line("nothing here names this person")?;
        also(&found)?;
        rest(&found)?;
        return Ok(OK);
    }
    tell(&found)?;
    let Some(by) = by.filter(|_| !args.dry_run) else {
        out::line(paint(QUIET, "nothing was erased: this was a look only"))?;
        also(&found)?;
        rest(&found)?;
        return Ok(OK);
    };
    if open && !args.finished_only {
        out::complain(
            "nothing was erased, since open runs need what they know; let them end (`counterplay cancel RUN`), or erase the rest with --finished-only and the remainder later",
        );
        return Ok(FOUND);
    }
    if found.is_empty() {
        out::line("nothing was erased: only open runs name this person")?;
        return Ok(FOUND);
    }
    let extra = found.also.clone();
    let kept = found.clone();
    let done = store
        .erase(found, &by, SystemClock.now_ms())
        .await
        .map_err(failed)?;
    out::line(format!(
        "{}: {}, {}",
        paint(GOOD, "erased"),
        count(done.records, "audit record"),
        count(done.rows, "other row")
    ))?;
    if done.scrubbed {
        out::line("the file was written anew: unused space in it holds nothing of them")?;
    } else {
        out::line(paint(
            WARN,
            "another program kept the file from being written anew: remains may lie in its unused space until this is repeated",
        ))?;
    }
    let mut left = kept;
    left.also = extra;
    also(&left)?;
    rest(&left)?;
    Ok(OK)
}

fn tell(found: &Found) -> std::io::Result<()> {
    let records = count(found.records(), "audit record");
    out::line(format!(
        "{records} and {} name this person",
        count(found.runs.len(), "finished run")
    ))?;
    for (table, rows) in &found.rows {
        out::line(format!("  {table}: {rows}"))?;
    }
    if !found.open_runs.is_empty() {
        let named: Vec<&str> = found.open_runs.iter().map(String::as_str).collect();
        let more = named.len().saturating_sub(NAMED);
        let mut list = named[..named.len().min(NAMED)].join(", ");
        if more > 0 {
            list.push_str(&format!(" and {more} more"));
        }
        out::line(paint(
            WARN,
            format!("{}: {list}", count(found.open_runs.len(), "open run")),
        ))?;
    }
    if found.waiting > 0 {
        let waiting = usize::try_from(found.waiting).unwrap_or(usize::MAX);
        out::line(paint(
            WARN,
            format!("{} to be judged", count(waiting, "arrival")),
        ))?;
    }
    Ok(())
}

/// What the person is called besides.
fn also(found: &Found) -> std::io::Result<()> {
    if found.also.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = found.also.iter().map(|n| format!("{n:?}")).collect();
    out::line(paint(
        WARN,
        format!(
            "records about this person call them {}, too; what holds only that is found with another --subject",
            names.join(", ")
        ),
    ))
}

/// What an erasure does not reach.
fn rest(found: &Found) -> std::io::Result<()> {
    for kept in &found.kept {
        out::line(paint(
            WARN,
            format!("not erased: {} ({})", kept.what, kept.rows),
        ))?;
    }
    out::line(paint(
        QUIET,
        "not reached: backups, exports, logs, messages that were sent, and what the services themselves hold",
    ))
}
