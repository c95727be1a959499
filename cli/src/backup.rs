//! `counterplay backup`: a store in, a copy of it out.

use crate::args::BackupArgs;
use crate::error::{CANNOT, Failure, OK, Outcome};
use crate::lookup;
use crate::out::{self, GOOD, QUIET, count, paint};

/// Copies a store, while an engine may be working on it.
///
/// # Errors
/// When there is no store, the file is there already, or something cannot be written.
pub async fn backup(args: BackupArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let made = store.back_up(&args.file).await.map_err(|error| Failure {
        code: CANNOT,
        message: Some(error.to_string()),
    })?;
    let runs = usize::try_from(made.runs).unwrap_or(usize::MAX);
    out::line(format!(
        "{}: {} to {} ({} KiB, {}, {} of them open)",
        paint(GOOD, "backed up"),
        store.path().display(),
        args.file.display(),
        made.bytes.div_ceil(1024),
        count(runs, "run"),
        made.open_runs,
    ))?;
    out::line(paint(
        QUIET,
        "The master key is not in it: keep a copy of it apart, for what is encrypted needs both.",
    ))?;
    Ok(OK)
}
