//! `counterplay clock`: whether timers wait because the clock cannot be trusted, and a person's word that it is right.

use crate::args::{ClockArgs, ClockCommand, ClockConfirmArgs};
use crate::error::{CANNOT, FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, QUIET, WARN, count, paint};
use crate::words::address;
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::engine::Engine;
use counterplay_runtime::store::{Confirmed, Store};

const WAY_OUT: &str =
    "Set the clock where it is wrong. Where it is right: counterplay clock confirm --as YOU";

/// Shows the clock, or confirms it.
///
/// # Errors
/// When the store cannot be used.
pub async fn clock(args: ClockArgs) -> Outcome {
    match args.command {
        Some(ClockCommand::Confirm(confirm)) => confirmed(confirm).await,
        None => show(&lookup::attach(&args.store)?).await,
    }
}

/// Says why timers wait, to whoever starts an engine.
///
/// # Errors
/// When the store cannot be used.
pub async fn tell(engine: &Engine) -> Result<(), Failure> {
    let hold = engine.check_clock().await.map_err(|error| Failure {
        code: CANNOT,
        message: Some(error.to_string()),
    })?;
    if let Some(hold) = hold {
        let said = format!("timers and schedules wait: {hold}; see `counterplay clock`");
        out::note(paint(WARN, said));
    }
    Ok(())
}

async fn show(store: &Store) -> Outcome {
    let now = SystemClock.now_ms();
    out::line(format!("the clock shows {}", format_time_ms(now)))?;
    let Some(hold) = store.time_hold().await.map_err(failed)? else {
        let Some(doubt) = store.time_doubt(now).await.map_err(failed)? else {
            out::line("timers and schedules go on")?;
            return Ok(OK);
        };
        out::line(format!(
            "{}: {doubt}",
            paint(
                WARN,
                "nobody has watched the clock, and nothing is archived"
            )
        ))?;
        out::line(paint(QUIET, WAY_OUT))?;
        return Ok(FOUND);
    };
    let since = format_time_ms(hold.since_ms);
    out::line(format!(
        "{} since {since}: {hold}",
        paint(WARN, "timers and schedules wait")
    ))?;
    out::line(overdue(store, now).await?)?;
    out::line(paint(QUIET, WAY_OUT))?;
    Ok(FOUND)
}

/// What goes on when the clock is confirmed.
async fn overdue(store: &Store, now: i64) -> Result<String, Failure> {
    let overdue = store.overdue(now).await.map_err(failed)?;
    let number = |n: i64| usize::try_from(n).unwrap_or_default();
    Ok(format!(
        "overdue by that: {} and {}",
        count(number(overdue.timers), "wait"),
        count(number(overdue.approvals), "approval")
    ))
}

async fn confirmed(args: ClockConfirmArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let now = SystemClock.now_ms();
    let Some(confirmed) = store.confirm_time(&by, now).await.map_err(failed)? else {
        out::complain("timers do not wait: nobody has to say that the clock is right");
        return Ok(FOUND);
    };
    let hold = &confirmed.hold;
    if !confirmed.waited {
        let right = paint(GOOD, "noted that the clock is right");
        out::line(format!("{right}, although {hold}"))?;
        return told(&confirmed);
    }
    out::line(format!(
        "{}: timers and schedules, which waited because {hold}",
        paint(GOOD, "go on")
    ))?;
    out::line(overdue(&store, now).await?)?;
    told(&confirmed)
}

/// What became of the times that were noted by a wrong clock.
fn told(confirmed: &Confirmed) -> Outcome {
    if !confirmed.moved.is_empty() {
        let runs = count(confirmed.moved.len(), "run");
        out::line(format!(
            "moved, since a wrong clock had noted them: times of {runs}"
        ))?;
    }
    if !confirmed.left.is_empty() {
        let runs = count(confirmed.left.len(), "run");
        out::line(paint(
            WARN,
            format!(
                "cannot be read, and may wait for a wrong time: {runs}; see `counterplay show RUN`"
            ),
        ))?;
        for run in &confirmed.left {
            out::line(format!("  {run}"))?;
        }
    }
    Ok(OK)
}
