//! `counterplay audit`: a store in; its trail verified, exported, signed, or without a person, out.

pub mod args;
mod erase;
mod erased;
mod export;
mod lines;
mod sign;
mod verify;

use crate::args::StoreArgs;
use crate::error::{Failure, Outcome};
use crate::lookup::failed;
use crate::project;
use args::{AuditArgs, AuditCommand};
use counterplay_compiler::near;
use counterplay_machine::duration::parse_time_ms;
use counterplay_runtime::store::Store;
use std::collections::BTreeSet;

/// Carries out `counterplay audit`.
///
/// # Errors
/// When something given does not fit, or the store or its master key cannot be used.
pub async fn audit(args: AuditArgs) -> Outcome {
    match args.command {
        AuditCommand::Verify(args) => verify::verify(args).await,
        AuditCommand::Export(args) => export::export(args).await,
        AuditCommand::Checkpoint(args) => sign::checkpoint(args).await,
        AuditCommand::Key(args) => sign::key(args).await,
        AuditCommand::Erase(args) => erase::erase(args).await,
        AuditCommand::Erased(args) => erased::erased(args).await,
    }
}

/// The tenants that were named; all where none is. That one which is misspelt has no records says nothing.
async fn tenants(
    args: &StoreArgs,
    store: &Store,
    named: &[String],
) -> Result<Option<Vec<String>>, Failure> {
    if named.is_empty() {
        return Ok(None);
    }
    let mut known: BTreeSet<String> = store
        .audit_tenants()
        .await
        .map_err(failed)?
        .into_iter()
        .collect();
    known.insert(String::new());
    if named.iter().any(|name| !known.contains(name))
        && let Some(root) = project::root_for(args.project.project.as_deref())?
    {
        known.extend(project::load(&root, &[])?.tenants());
    }
    match named.iter().find(|name| !known.contains(*name)) {
        None => Ok(Some(named.to_vec())),
        Some(unknown) => {
            let names = known.iter().map(String::as_str).filter(|n| !n.is_empty());
            Err(Failure::cannot_start(format!(
                "there is no tenant `{unknown}` here; there are {}",
                near::menu(names)
            )))
        }
    }
}

fn time(given: Option<&str>) -> Result<Option<i64>, Failure> {
    given
        .map(|text| {
            parse_time_ms(text).ok_or_else(|| {
                Failure::cannot_start(format!(
                    "\"{text}\" is not a time; one is written as 2026-11-20T02:00:00Z"
                ))
            })
        })
        .transpose()
}
