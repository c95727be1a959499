//! `counterplay archive`: a store and an age in, what ended before it reduced to a line each out.

use crate::args::ArchiveArgs;
use crate::error::{OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, count, paint};
use crate::words::address;
use counterplay_machine::duration::DAY_MS;
use counterplay_runtime::clock::{Clock, SystemClock};

/// Archives runs, while an engine may be working on the store.
///
/// # Errors
/// When the store cannot be used.
pub async fn archive(args: ArchiveArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let now = SystemClock.now_ms();
    let before = now - i64::from(args.after) * DAY_MS;
    let done = store.archive(before, &by, now).await.map_err(failed)?;
    let number = |n: i64| usize::try_from(n).unwrap_or_default();
    let days = if args.after == 1 { "day" } else { "days" };
    out::line(format!(
        "{}: {} that ended more than {} {days} ago, and {} of that time",
        paint(GOOD, "archived"),
        count(number(done.runs), "run"),
        args.after,
        count(number(done.events), "arrival"),
    ))?;
    Ok(OK)
}
