//! `counterplay audit erased`: what a person was called in; whether, when and by whom they were erased, out.

use super::args::ErasedArgs;
use super::tenants;
use crate::error::{FOUND, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, NAME, WARN, paint};
use counterplay_machine::duration::format_time_ms;
use counterplay_runtime::store::{Erasure, Recorded};
use serde_json::json;

/// Looks for erasures.
///
/// # Errors
/// When the store or its master key cannot be used, or a name is too short.
pub async fn erased(args: ErasedArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let whom = Erasure {
        names: args.subject.clone(),
        tenants: tenants(&args.store, &store, &args.tenant).await?,
    };
    let recorded = store.erasures_of(whom).await.map_err(failed)?;
    let mut all = true;
    let mut subjects = Vec::new();
    for subject in &args.subject {
        let name = subject.trim().to_lowercase();
        let of: Vec<&Recorded> = recorded.iter().filter(|r| r.name == name).collect();
        all &= !of.is_empty();
        if args.json {
            let erasures = of.iter().map(|r| {
                json!({ "tenant": r.tenant, "record": r.seq, "at": format_time_ms(r.at_ms), "by": r.by })
            });
            subjects.push(json!({ "subject": subject, "erasures": erasures.collect::<Vec<_>>() }));
            continue;
        }
        for erasure in &of {
            out::line(told(subject, erasure))?;
        }
        if of.is_empty() {
            out::line(format!(
                "{}: no erasure of {subject:?} is recorded; only names that were given then are found",
                paint(WARN, "not erased")
            ))?;
        }
    }
    if args.json {
        out::line(json!({ "erased": all, "subjects": subjects }))?;
    }
    Ok(if all { OK } else { FOUND })
}

fn told(subject: &str, erasure: &Recorded) -> String {
    let of = match erasure.tenant.as_str() {
        "" => "the installation",
        tenant => tenant,
    };
    let by = match &erasure.by {
        Some(by) => format!("by {by}"),
        None => "by somebody who was erased since".to_owned(),
    };
    format!(
        "{}: {subject:?}: {}: at {} {by} (record {})",
        paint(GOOD, "erased"),
        paint(NAME, of),
        format_time_ms(erasure.at_ms / 1_000 * 1_000),
        erasure.seq
    )
}
