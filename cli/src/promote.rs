//! `counterplay promote`: a playbook whose deployed version acts for its canary in, that version acting everywhere out.

use crate::args::PromoteArgs;
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, NAME, PLAIN, QUIET, WARN, paint};
use crate::table::{Cell, table};
use crate::words::address;
use counterplay_compiler::near;
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::store::{PromoteRefused, Version, short_version};
use serde_json::{Value as Json, json};

/// Promotes a version, or lists those that there are.
///
/// # Errors
/// When it cannot be promoted or the store cannot be used.
pub async fn promote(args: PromoteArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let (Some(playbook), Some(by)) = (&args.playbook, &args.by) else {
        let versions = store.versions().await.map_err(failed)?;
        return list(&versions.unwrap_or_default(), args.json);
    };
    let by = address(by)?;
    let seen = args.version.as_deref();
    let now = SystemClock.now_ms();
    match store.promote(playbook, seen, &by, now).await {
        Ok(version) if args.json => {
            out::line(format!("{:#}", as_json(&version)))?;
            Ok(OK)
        }
        Ok(version) => {
            out::line(format!(
                "{}: version {} of {} acts for every tenant, from its next run on",
                paint(GOOD, "promoted"),
                short_version(&version.version),
                paint(NAME, &version.playbook),
            ))?;
            Ok(OK)
        }
        Err(refused @ PromoteRefused::Already(_)) => {
            out::complain(&refused.to_string());
            Ok(FOUND)
        }
        Err(PromoteRefused::Store(error)) => Err(failed(error)),
        Err(PromoteRefused::NoPlaybook { playbook, known }) => {
            let known = near::menu(known.iter().map(String::as_str));
            Err(Failure::cannot_start(format!(
                "there is no playbook `{playbook}` in what is deployed; there are {known}"
            )))
        }
        Err(refused @ PromoteRefused::OtherVersion { .. }) => {
            Err(Failure::refused(refused.to_string()))
        }
        Err(refused) => Err(Failure::cannot_start(refused.to_string())),
    }
}

fn list(versions: &[Version], json: bool) -> Outcome {
    if json {
        let list: Vec<Json> = versions.iter().map(as_json).collect();
        out::line(format!("{:#}", Json::Array(list)))?;
        return Ok(OK);
    }
    if versions.is_empty() {
        out::line("No deployed playbook has a canary: each version acts everywhere at once.")?;
        return Ok(OK);
    }
    let rows: Vec<Vec<Cell>> = versions.iter().map(row).collect();
    out::text(table(&["PLAYBOOK", "VERSION", "CANARY", ""], &rows))?;
    Ok(OK)
}

fn row(version: &Version) -> Vec<Cell> {
    let (standing, style) = match (&version.promoted, &version.before) {
        (Some(promoted), _) => {
            let by = promoted.by.as_deref().map_or_else(
                || "acted before there was a canary".to_owned(),
                |by| {
                    let at = format_time_ms(promoted.at_ms / 1_000 * 1_000);
                    format!("promoted by {by}, {at}")
                },
            );
            (by, QUIET)
        }
        (None, Some(before)) => (
            format!(
                "not promoted; elsewhere {} acts",
                short_version(&before.version)
            ),
            WARN,
        ),
        (None, None) => ("not promoted; elsewhere only simulated".to_owned(), WARN),
    };
    vec![
        (version.playbook.to_string(), NAME),
        (short_version(&version.version).to_owned(), PLAIN),
        (version.group.clone(), PLAIN),
        (standing, style),
    ]
}

fn as_json(version: &Version) -> Json {
    let promoted = version.promoted.as_ref();
    json!({
        "playbook": version.playbook,
        "version": version.version,
        "canary": version.group,
        "promoted": promoted.is_some(),
        "promoted_by": promoted.and_then(|p| p.by.as_deref()),
        "promoted_at": promoted.map(|p| format_time_ms(p.at_ms)),
        "elsewhere": version.before.as_ref().filter(|_| promoted.is_none()).map(|p| &p.version),
    })
}
