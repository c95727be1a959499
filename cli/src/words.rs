//! `counterplay approve`, `reject`, `answer`, `resume` and `cancel`: a person's word in, what became of it out.

use crate::args::{AnswerArgs, CancelArgs, ChoiceArgs, StoreArgs, WordArgs};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, QUIET, WARN, paint};
use crate::unreadable;
use counterplay_machine::journal::What;
use counterplay_machine::state::Status;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{NewAudit, RunDetail, Store, WordRefused};
use serde_json::json;
use std::time::{Duration, Instant};

/// How long to wait for an engine to take a word up.
const PATIENCE: Duration = Duration::from_millis(1_500);
/// How often to look.
const PAUSE: Duration = Duration::from_millis(50);

/// Approves or rejects what a run asks for.
///
/// # Errors
/// When the answer does not count or the store cannot be used.
pub async fn decide(args: AnswerArgs, approve: bool) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    if !approve && args.comment.as_ref().is_none_or(|c| c.trim().is_empty()) {
        return Err(Failure::cannot_start(
            "say with --comment TEXT why you reject it: whoever comes after you has to know",
        ));
    }
    let (target, run) = target(&store, &args.store, &args.run).await?;
    let before = detail(&store, &run).await?.journal.len();
    store
        .submit_vote(&target, &by, approve, args.comment, SystemClock.now_ms())
        .await
        .map_err(refused)?;
    let what = if approve { "approved" } else { "rejected" };
    counted(&store, &run, before, (&by, what)).await
}

/// Answers a question that a run asks.
///
/// # Errors
/// When the answer does not count or the store cannot be used.
pub async fn answer(args: ChoiceArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let (target, run) = target(&store, &args.store, &args.run).await?;
    let before = detail(&store, &run).await?.journal.len();
    let now = SystemClock.now_ms();
    store
        .submit_answer(&target, &by, args.answer, args.comment, now)
        .await
        .map_err(refused)?;
    counted(&store, &run, before, (&by, "answered")).await
}

/// What is answered, and its run, both by their whole ids.
async fn target(store: &Store, args: &StoreArgs, given: &str) -> Result<(String, String), Failure> {
    Ok(match given.split_once(':') {
        Some((run, rest)) => {
            let id = lookup::run(store, args, run).await?.id;
            (format!("{id}:{rest}"), id)
        }
        None => {
            let id = lookup::run(store, args, given).await?.id;
            (id.clone(), id)
        }
    })
}

/// Waits until an engine has counted a word, and says what became of it.
async fn counted(store: &Store, run: &str, before: usize, (by, what): (&str, &str)) -> Outcome {
    let taken = |detail: &RunDetail| {
        detail
            .journal
            .iter()
            .skip(before)
            .find_map(|entry| match &entry.what {
                What::Voted { by: who, .. } if *who == by => Some(None),
                What::VoteRefused { by: who, reason } if *who == by => Some(Some(reason.clone())),
                _ => None,
            })
    };
    match watch(store, run, taken).await? {
        Some(Some(reason)) => {
            out::complain(&reason);
            Ok(FOUND)
        }
        Some(None) => {
            let after = detail(store, run).await?;
            out::line(format!(
                "{} by {by}; {}",
                paint(GOOD, what),
                standing(&after)
            ))?;
            Ok(OK)
        }
        None => kept(&format!("{what} by {by}"), run),
    }
}

/// Lets a held run try its step again.
///
/// # Errors
/// When it is not held or the store cannot be used.
pub async fn resume(args: WordArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let run = lookup::run(&store, &args.store, &args.run).await?.id;
    let before = detail(&store, &run).await?.journal.len();
    let now = SystemClock.now_ms();
    store.submit_resume(&run, &by, now).await.map_err(refused)?;
    let taken = |detail: &RunDetail| {
        let mut new = detail.journal.iter().skip(before);
        new.any(|e| matches!(e.what, What::Resumed)).then_some(())
    };
    match watch(&store, &run, taken).await? {
        Some(()) => {
            out::line(format!(
                "{}: {run} tries its step again",
                paint(GOOD, "resumed")
            ))?;
            Ok(OK)
        }
        None => kept("told to try again", &run),
    }
}

/// Ends a run.
///
/// # Errors
/// When it has ended already or the store cannot be used.
pub async fn cancel(args: CancelArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let info = lookup::run(&store, &args.store, &args.run).await?;
    if let Some(why) = store.unreadable(&info.id).await.map_err(failed)? {
        return unreadable::cancel(&store, &info.id, (by, args.because), &why).await;
    }
    let run = info.id;
    let now = SystemClock.now_ms();
    store.submit_cancel(&run, &by, now).await.map_err(refused)?;
    if let Some(because) = args.because {
        let asked = NewAudit {
            at_ms: now,
            tenant: info.tenant,
            actor: by,
            action: "run.cancel_asked".into(),
            run: Some(run.clone()),
            object: None,
            detail: json!({ "because": because }),
        };
        let written = store.write(move |tx| tx.add_audit(&asked)).await;
        written.map_err(failed)?;
    }
    let taken = |detail: &RunDetail| detail.run.outcome.clone();
    match watch(&store, &run, taken).await? {
        Some(outcome) => {
            out::line(format!("{run} has ended: {outcome}"))?;
            Ok(OK)
        }
        None => kept("told to end", &run),
    }
}

/// An e-mail address, as people are known by.
pub fn address(given: &str) -> Result<String, Failure> {
    let given = given.trim();
    if given.contains('@') {
        Ok(given.to_owned())
    } else {
        Err(Failure::cannot_start(format!(
            "\"{given}\" is not an e-mail address; people are known by theirs, for instance --as dana.kim@msp.example"
        )))
    }
}

/// A refusal as a failure of the command.
pub fn refused(refusal: WordRefused) -> Failure {
    match refusal {
        WordRefused::Store(error) => failed(error),
        other => Failure::refused(other.to_string()),
    }
}

/// A run with its journal.
///
/// # Errors
/// When there is none or the store cannot be read.
pub async fn detail(store: &Store, run: &str) -> Result<RunDetail, Failure> {
    let detail = store.run_detail(run).await.map_err(failed)?;
    detail.ok_or_else(|| Failure::cannot_start(format!("there is no run {run}")))
}

/// Looks at a run until something has happened to it, or nothing does for a while.
///
/// # Errors
/// When the store cannot be read.
pub async fn watch<T>(
    store: &Store,
    run: &str,
    seen: impl Fn(&RunDetail) -> Option<T>,
) -> Result<Option<T>, Failure> {
    let begun = Instant::now();
    loop {
        if let Some(found) = seen(&detail(store, run).await?) {
            return Ok(Some(found));
        }
        if begun.elapsed() > PATIENCE {
            return Ok(None);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A word that no engine has taken up yet.
///
/// # Errors
/// When standard output cannot be written.
pub fn kept(what: &str, run: &str) -> Outcome {
    out::line(format!("{} in {run}: {what}", paint(WARN, "kept")))?;
    out::line(paint(
        QUIET,
        "no engine has taken it up yet; it counts as soon as `counterplay run` works on this store",
    ))?;
    Ok(OK)
}

fn standing(detail: &RunDetail) -> String {
    match (&detail.run.outcome, detail.run.status()) {
        (Some(outcome), _) => format!("{} has ended: {outcome}", detail.run.id),
        (None, Status::AwaitingApproval) => format!("{} waits for more answers", detail.run.id),
        (None, _) => format!("{} goes on", detail.run.id),
    }
}
