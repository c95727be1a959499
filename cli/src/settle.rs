//! `counterplay settle`: what a person found out about a held call in, what became of it out.

use crate::args::{FoundArgs, SettleArgs};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup;
use crate::out::{self, GOOD, paint};
use crate::words::{address, detail, kept, refused, watch};
use counterplay_machine::journal::What;
use counterplay_machine::state::Status;
use counterplay_machine::step::{Settled, Settlement};
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::RunDetail;

/// Settles a held call.
///
/// # Errors
/// When it is not held, its result is needed, or the store cannot be used.
pub async fn settle(args: SettleArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let by = address(&args.by)?;
    let result = match &args.result {
        None => None,
        Some(text) => Some(serde_json::from_str(text).map_err(|_| {
            Failure::cannot_start(format!(
                "--result {text} is not JSON; a text stands in quotes of its own: --result '\"INC-17\"', an object in braces: --result '{{\"number\": \"INC-17\"}}'"
            ))
        })?),
    };
    let settled = found(&args.found);
    let run = lookup::run(&store, &args.store, &args.run).await?.id;
    let before = detail(&store, &run).await?.journal.len();
    let settlement = Settlement {
        step: args.step,
        by: by.clone(),
        settled,
        result,
        comment: args.comment,
    };
    let now = SystemClock.now_ms();
    let place = store
        .submit_settle(&run, settlement, now)
        .await
        .map_err(refused)?;
    let taken = |detail: &RunDetail| {
        let mut new = detail.journal.iter().skip(before);
        new.find_map(|entry| match &entry.what {
            What::Settled { by: who, .. } if *who == by => Some(None),
            What::SettleRefused { by: who, reason } if *who == by => Some(Some(reason.clone())),
            _ => None,
        })
    };
    let said = match settled {
        Settled::Done => "was carried out",
        Settled::NotDone => "was not carried out and is sent again",
        Settled::GivenUp => "was not carried out and is not sent again",
    };
    match watch(&store, &run, taken).await? {
        Some(None) => {
            let after = detail(&store, &run).await?;
            let text = format!("step {place} {said}; {}", standing(&after));
            out::line(format!("{}: {text}", paint(GOOD, "settled")))?;
            Ok(OK)
        }
        Some(Some(reason)) => {
            out::complain(&reason);
            Ok(FOUND)
        }
        None => kept(&format!("step {place} {said}"), &run),
    }
}

fn found(args: &FoundArgs) -> Settled {
    if args.done {
        Settled::Done
    } else if args.not_done {
        Settled::NotDone
    } else {
        Settled::GivenUp
    }
}

fn standing(detail: &RunDetail) -> String {
    match (&detail.run.outcome, detail.run.status()) {
        (Some(outcome), _) => format!("{} has ended: {outcome}", detail.run.id),
        (None, Status::Held) => format!("{} is still held", detail.run.id),
        (None, _) => format!("{} goes on", detail.run.id),
    }
}
