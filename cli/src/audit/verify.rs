//! `counterplay audit verify`: a store in; for each chain whether it is whole, and where it first is not, out.

use super::args::VerifyTrailArgs;
use super::{lines, tenants};
use crate::error::{FOUND, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, BAD, GOOD, NAME, QUIET, WARN, paint};
use counterplay_runtime::store::{ChainReport, PublicKey};
use serde_json::json;
use std::path::Path;

/// Verifies the chains.
///
/// # Errors
/// When the store or its master key cannot be used.
pub async fn verify(args: VerifyTrailArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let reports = store
        .verify_audit(tenants(&args.store, &store, &args.tenant).await?)
        .await
        .map_err(failed)?;
    let (reports, wrong, torn) = match args.checkpoints.as_deref().zip(args.key.as_deref()) {
        None => (reports, Vec::new(), Vec::new()),
        Some((file, key)) => {
            let mut lines = read(file, key)?;
            let of = |tenant: &String| args.tenant.is_empty() || args.tenant.contains(tenant);
            lines.signed.retain(|c| of(&c.tenant));
            let held = store.hold_against(reports, lines.signed).await;
            (held.map_err(failed)?, lines.wrong, lines.torn)
        }
    };
    let whole = reports.iter().all(|r| r.first_broken.is_none()) && wrong.is_empty();
    if args.json {
        let chains = reports.iter().map(|r| {
            json!({
                "tenant": r.tenant,
                "records": r.records,
                "erased": r.erased,
                "erased_unsealed": r.erased_unsealed,
                "head": r.head,
                "broken_at": r.first_broken.as_ref().map(|b| b.seq),
                "why": r.first_broken.as_ref().map(|b| &b.why),
            })
        });
        out::line(json!({
            "whole": whole,
            "chains": chains.collect::<Vec<_>>(),
            "not_signed_lines": wrong,
            "torn_lines": torn,
        }))?;
    } else if reports.is_empty() {
        out::line("there are no records yet")?;
    } else {
        for report in &reports {
            out::line(told(report))?;
        }
    }
    if !args.json {
        for line in &wrong {
            out::line(format!(
                "{}: line {line} of the checkpoints was not signed with this key, or was changed",
                paint(BAD, "not signed")
            ))?;
        }
        for line in &torn {
            out::line(format!(
                "{}: line {line} of the checkpoints was cut off while it was written and is not counted; the lines around it are",
                paint(WARN, "torn")
            ))?;
        }
    }
    Ok(if whole { OK } else { FOUND })
}

/// What a file of checkpoints holds.
fn read(file: &Path, key: &str) -> Result<lines::Lines, Failure> {
    let key = PublicKey::read(key).ok_or_else(|| {
        Failure::cannot_start(
            "the key is 64 hexadecimal digits, as `counterplay audit key` shows them",
        )
    })?;
    let bytes = std::fs::read(file).map_err(|error| {
        Failure::cannot_start(format!("{} cannot be read: {error}", file.display()))
    })?;
    Ok(lines::read(&bytes, &key))
}

fn told(report: &ChainReport) -> String {
    let name = match report.tenant.as_str() {
        "" => "the installation".to_owned(),
        tenant => tenant.to_owned(),
    };
    let name = paint(NAME, name);
    if let Some(broken) = &report.first_broken {
        return format!(
            "{}: {name}: record {}: {}",
            paint(BAD, "broken"),
            broken.seq,
            broken.why
        );
    }
    let records = out::count(usize::try_from(report.records).unwrap_or(0), "record");
    let mut erased = String::new();
    if report.erased > 0 {
        erased = format!(", {} of them erased", report.erased);
    }
    if report.erased_unsealed > 0 {
        let of = format!(
            " ({} by an earlier version, which did not protect the time, action and run that are left of them)",
            report.erased_unsealed
        );
        erased.push_str(&of);
    }
    if !erased.is_empty() {
        erased = paint(QUIET, erased);
    }
    format!("{}: {name}: {records}{erased}", paint(GOOD, "whole"))
}
