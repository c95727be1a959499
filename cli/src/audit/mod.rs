//! `counterplay audit`: a store in; its trail verified, exported, signed, or without a person, out.

pub mod args;
mod erase;
mod export;
mod sign;
mod verify;

use crate::error::{Failure, Outcome};
use args::{AuditArgs, AuditCommand};
use counterplay_machine::duration::parse_time_ms;

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
    }
}

/// The tenants that were named; all where none is.
fn tenants(named: &[String]) -> Option<Vec<String>> {
    (!named.is_empty()).then(|| named.to_vec())
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
