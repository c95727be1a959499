//! `counterplay runs`: a store in, a table of its runs out.

use crate::args::RunsArgs;
use crate::error::{Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, ASK, BAD, GOOD, NAME, PLAIN, QUIET, WARN, paint};
use crate::table::{Cell, table};
use crate::unreadable;
use crate::waiting;
use anstyle::Style;
use counterplay_compiler::near;
use counterplay_machine::duration::format_time_ms;
use counterplay_machine::state::Outcome as Ending;
use counterplay_runtime::store::{RunFilter, RunInfo, Store, StoreError};
use serde_json::{Value as Json, json};

/// How many are listed without `--all`.
const LATEST: u32 = 50;

/// Lists runs, the latest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn runs(args: RunsArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    if args.unreadable {
        return unreadable::list(&store, &args).await;
    }
    let filter = RunFilter {
        open: args.open,
        archived: args.archived,
        playbook: args.playbook.clone(),
        limit: Some(if args.all || args.open {
            u32::MAX
        } else {
            LATEST
        }),
        ..RunFilter::default()
    };
    let runs = store.runs(filter).await.map_err(failed)?;
    if args.json {
        let list: Vec<Json> = runs.iter().map(as_json).collect();
        out::line(format!("{:#}", Json::Array(list)))?;
        return Ok(OK);
    }
    if runs.is_empty() {
        let what = match (args.open, args.archived) {
            (true, _) => "No open runs",
            (_, true) => "No archived runs",
            _ => "No runs",
        };
        let of = match &args.playbook {
            Some(id) => format!(" of `{id}`{}", other(&store, id).await?),
            None => String::new(),
        };
        out::line(format!("{what}{of} in {}.", store.path().display()))?;
        return Ok(OK);
    }
    let mut rows = Vec::new();
    for info in &runs {
        let detail = match info.ended_ms {
            Some(_) => info.outcome.as_ref().map_or_else(String::new, why),
            None => match store.run_detail(&info.id).await {
                Ok(detail) => detail.map_or_else(String::new, |d| waiting::brief(&d.run)),
                Err(StoreError::Unreadable { .. }) => "this version cannot read it".into(),
                Err(error) => return Err(failed(error)),
            },
        };
        rows.push(row(info, detail));
    }
    out::text(table(
        &["RUN", "PLAYBOOK", "TENANT", "STARTED", "STATUS", ""],
        &rows,
    ))?;
    if !args.all && !args.open && runs.len() == LATEST as usize {
        out::line(paint(
            QUIET,
            format!("the latest {LATEST}; --all shows every run"),
        ))?;
    }
    Ok(OK)
}

/// What may have been meant by a playbook that has no runs at all: another one that has.
async fn other(store: &Store, id: &str) -> Result<String, Failure> {
    let filter = RunFilter {
        limit: Some(1_000),
        ..RunFilter::default()
    };
    let runs = store.runs(filter).await.map_err(failed)?;
    let known = runs.iter().map(|r| r.playbook.as_str());
    if known.clone().any(|known| known == id) {
        return Ok(String::new());
    }
    Ok(near::best(id, known).map_or_else(String::new, |near| format!(" (did you mean `{near}`?)")))
}

fn row(info: &RunInfo, detail: String) -> Vec<Cell> {
    let (status, style) = status(info);
    let simulated = if info.simulated { " (simulated)" } else { "" };
    vec![
        (info.id.clone(), NAME),
        (format!("{}{simulated}", info.playbook), PLAIN),
        (info.tenant.clone(), PLAIN),
        (format_time_ms(info.started_ms / 1_000 * 1_000), QUIET),
        (status, style),
        (one_line(&detail), QUIET),
    ]
}

/// A run's status or outcome, and its colour.
pub fn status(info: &RunInfo) -> (String, Style) {
    match &info.outcome {
        Some(outcome) => {
            let style = match outcome {
                Ending::Completed | Ending::Resolved | Ending::Stopped { .. } => GOOD,
                Ending::Failed(_) => BAD,
                _ => WARN,
            };
            (outcome.name().to_owned(), style)
        }
        None => {
            let style = match info.status.as_str() {
                "held" => BAD,
                "awaiting approval" => ASK,
                _ => PLAIN,
            };
            (info.status.clone(), style)
        }
    }
}

fn why(outcome: &Ending) -> String {
    match outcome {
        Ending::Stopped { why } => why.clone().unwrap_or_default(),
        Ending::Rejected { question } => question.clone(),
        Ending::Failed(failure) => format!("{}: {}", failure.step, failure.reason),
        Ending::Cancelled { by } => format!("by {by}"),
        _ => String::new(),
    }
}

fn one_line(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// A run's line as JSON.
pub fn as_json(info: &RunInfo) -> Json {
    json!({
        "id": info.id,
        "playbook": info.playbook,
        "tenant": info.tenant,
        "simulated": info.simulated,
        "status": info.status,
        "started": format_time_ms(info.started_ms),
        "updated": format_time_ms(info.updated_ms),
        "ended": info.ended_ms.map(format_time_ms),
        "outcome": info.outcome,
        "repeats": info.repeats,
    })
}
