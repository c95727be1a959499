//! `counterplay audit verify`: a store in; for each chain whether it is whole, and where it first is not, out.

use super::args::VerifyTrailArgs;
use super::tenants;
use crate::error::{FOUND, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, BAD, GOOD, NAME, QUIET, paint};
use counterplay_runtime::store::ChainReport;
use serde_json::json;

/// Verifies the chains.
///
/// # Errors
/// When the store or its master key cannot be used.
pub async fn verify(args: VerifyTrailArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let reports = store
        .verify_audit(tenants(&args.tenant))
        .await
        .map_err(failed)?;
    let whole = reports.iter().all(|r| r.first_broken.is_none());
    if args.json {
        let chains = reports.iter().map(|r| {
            json!({
                "tenant": r.tenant,
                "records": r.records,
                "erased": r.erased,
                "head": r.head,
                "broken_at": r.first_broken.as_ref().map(|b| b.seq),
                "why": r.first_broken.as_ref().map(|b| &b.why),
            })
        });
        out::line(json!({ "whole": whole, "chains": chains.collect::<Vec<_>>() }))?;
    } else if reports.is_empty() {
        out::line("there are no records yet")?;
    } else {
        for report in &reports {
            out::line(told(report))?;
        }
    }
    Ok(if whole { OK } else { FOUND })
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
    let erased = match report.erased {
        0 => String::new(),
        n => paint(QUIET, format!(", {n} of them erased")),
    };
    format!("{}: {name}: {records}{erased}", paint(GOOD, "whole"))
}
