//! `counterplay audit checkpoint` and `audit key`: a store in; the ends of its chains signed, and the key that proves it, out.

use super::args::{CheckpointArgs, KeyArgs};
use crate::error::{CANNOT, Failure, OK, Outcome};
use crate::lookup::{self, failed};
use crate::out::{self, GOOD, count, paint};
use counterplay_runtime::clock::{Clock, SystemClock};
use counterplay_runtime::notary::Notary;
use std::sync::Arc;

/// Signs the ends of all chains that have grown.
///
/// # Errors
/// When the store, its master key or the file cannot be used.
pub async fn checkpoint(args: CheckpointArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    let Some(to) = args.to else {
        let signed = store.sign_audit(SystemClock.now_ms()).await;
        for checkpoint in signed.map_err(failed)? {
            out::line(checkpoint.line())?;
        }
        return Ok(OK);
    };
    let notary = Notary::new(store, Arc::new(SystemClock), Some(to.clone()));
    let signed = notary.sign().await.map_err(|error| Failure {
        code: CANNOT,
        message: Some(error.to_string()),
    })?;
    out::line(format!(
        "{}: {}; {} has all that were signed so far",
        paint(GOOD, "signed"),
        count(signed, "chain"),
        to.display()
    ))?;
    Ok(OK)
}

/// Shows the public key.
///
/// # Errors
/// When the store or its master key cannot be used.
pub async fn key(args: KeyArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    out::line(store.audit_key().await.map_err(failed)?)?;
    Ok(OK)
}
