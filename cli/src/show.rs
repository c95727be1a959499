//! `counterplay show`: a run's id in, its timeline and what it waits for out.

use crate::args::ShowArgs;
use crate::error::{Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, ASK, HEAD, NAME, QUIET, paint};
use crate::run::setup;
use crate::{runs, view, waiting};
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::store::{AuditFilter, AuditRecord, RunDetail, RunInfo, Store};
use counterplay_runtime::timeline::{self, Line, Reading};
use serde_json::{Value as Json, json};

/// Shows a run.
///
/// # Errors
/// When there is no such run or the store cannot be read.
pub async fn show(args: ShowArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    if let Some(left) = store.archived_run(&args.run, None).await.map_err(failed)? {
        return archived(&store, left, args.json).await;
    }
    let flags = setup::flags(&args.store);
    let id = lookup::run(&store, &args.store, &args.run).await?.id;
    let detail = store.run_detail(&id).await.map_err(failed)?;
    let detail = detail.ok_or_else(|| Failure::cannot_start(format!("there is no run {id}")))?;
    let (wishes, undoes) = store.undoings_of(&id).await.map_err(failed)?;
    let undone_by: Vec<&str> = wishes.iter().filter_map(|w| w.run.as_deref()).collect();
    if args.json {
        let mut object = runs::as_json(&detail.info);
        object["started_by"] = json!(detail.run.started_by);
        object["waiting"] = json!(waiting::sentences(&detail, &flags));
        object["undoes"] = json!(undoes);
        object["undone_by"] = json!(undone_by);
        object["journal"] = json!(detail.journal);
        out::line(format!("{object:#}"))?;
        return Ok(OK);
    }
    let title = detail
        .program
        .playbooks
        .get(&detail.run.playbook)
        .map_or(detail.info.playbook.as_str(), |p| &p.title);
    let (status, style) = runs::status(&detail.info);
    out::line(format!("{}  {}", paint(HEAD, title), paint(NAME, &id)))?;
    out::line(format!(
        "{}, started {}, {}",
        paint(QUIET, format!("tenant {}", detail.info.tenant)),
        format_time_ms(detail.info.started_ms),
        paint(style, status)
    ))?;
    if detail.info.simulated {
        let told = "simulated: what it does is recorded, and nothing is performed";
        out::line(paint(QUIET, told))?;
    }
    if let Some(of) = &undoes {
        out::line(format!("{} {}", paint(QUIET, "undoes"), paint(NAME, of)))?;
    }
    for by in &undone_by {
        out::line(format!("{} {}", paint(QUIET, "undone by"), paint(NAME, by)))?;
    }
    if detail.info.repeats > 0 {
        let times = out::count(
            usize::try_from(detail.info.repeats).unwrap_or(0),
            "later start",
        );
        out::line(paint(QUIET, format!("{times} ignored as repeats of it")))?;
    }
    out::line("")?;
    out::text(timeline(&detail))?;
    let waits = waiting::sentences(&detail, &flags);
    if !waits.is_empty() {
        out::line("")?;
    }
    for sentence in waits {
        out::line(format!("  {}", paint(ASK, sentence)))?;
    }
    Ok(OK)
}

/// Shows what is left of an archived run: its line, and what the audit trail says of it.
async fn archived(store: &Store, (info, at_ms): (RunInfo, i64), json: bool) -> Outcome {
    let filter = AuditFilter {
        run: Some(info.id.clone()),
        limit: Some(u32::MAX),
        ..AuditFilter::default()
    };
    let mut records = store.audit(filter).await.map_err(failed)?.items;
    records.reverse();
    if json {
        let mut object = runs::as_json(&info);
        object["started_by"] = json!(info.started_by);
        object["archived"] = json!(format_time_ms(at_ms));
        object["audit"] = records.iter().map(record).collect();
        out::line(format!("{object:#}"))?;
        return Ok(OK);
    }
    let (status, style) = runs::status(&info);
    out::line(format!(
        "{}  {}",
        paint(HEAD, &info.playbook),
        paint(NAME, &info.id)
    ))?;
    out::line(format!(
        "{}, started {} by {}, {}",
        paint(QUIET, format!("tenant {}", info.tenant)),
        format_time_ms(info.started_ms),
        out::harmless(&info.started_by),
        paint(style, status)
    ))?;
    let kept = "this line of it is kept; the audit trail says of it:";
    let archived = format!("archived {}; {kept}", format_time_ms(at_ms));
    out::line(paint(QUIET, archived))?;
    out::line("")?;
    for record in records {
        out::line(format!(
            "  {}  {}  {} {}",
            paint(QUIET, format_time_ms(record.at_ms)),
            paint(NAME, &record.action),
            out::harmless(record.object.as_deref().unwrap_or_default()),
            paint(QUIET, format!("by {}", record.actor)),
        ))?;
    }
    Ok(OK)
}

fn record(record: &AuditRecord) -> Json {
    json!({
        "at": format_time_ms(record.at_ms),
        "actor": record.actor,
        "action": record.action,
        "object": record.object,
        "detail": record.detail,
    })
}

/// A run's timeline in colours.
pub fn timeline(detail: &RunDetail) -> String {
    view::timeline(&lines(detail))
}

/// A run's timeline as data.
pub fn lines(detail: &RunDetail) -> Vec<Line> {
    let reading = Reading {
        simulated: detail.info.simulated,
        ..Reading::default()
    };
    timeline::lines(&detail.journal, &reading)
}
