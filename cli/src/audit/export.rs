//! `counterplay audit export`: a store and a filter in, records as lines of JSON out.

use super::args::{ExportArgs, ExportFormat};
use super::{tenants, time};
use crate::error::{OK, Outcome};
use crate::lookup::{self, failed};
use crate::out;
use counterplay_runtime::ocsf;
use counterplay_runtime::store::{AuditFilter, AuditRecord};

/// How many records are read at once.
const PART: u32 = 500;

/// Writes the records.
///
/// # Errors
/// When the store or its master key cannot be used.
pub async fn export(args: ExportArgs) -> Outcome {
    let store = lookup::attach(&args.store)?;
    if args.format == ExportFormat::Checkpoints {
        let (signed, _) = store.checkpoints(0).await.map_err(failed)?;
        let of = |tenant: &String| args.tenant.is_empty() || args.tenant.contains(tenant);
        for checkpoint in signed.iter().filter(|c| of(&c.tenant)) {
            out::line(checkpoint.line())?;
        }
        return Ok(OK);
    }
    let filter = AuditFilter {
        tenants: tenants(&args.store, &store, &args.tenant).await?,
        action: args.action,
        from_ms: time(args.since.as_deref())?,
        to_ms: time(args.until.as_deref())?,
        ..AuditFilter::default()
    };
    let mut after = 0;
    loop {
        let part = store
            .audit_part(filter.clone(), after, PART)
            .await
            .map_err(failed)?;
        let lines = part.records.iter().filter_map(|r| line(args.format, r));
        let text: String = lines.map(|line| line + "\n").collect();
        out::text(text)?;
        match part.next {
            Some(next) => after = next,
            None => return Ok(OK),
        }
    }
}

fn line(format: ExportFormat, record: &AuditRecord) -> Option<String> {
    match format {
        ExportFormat::Jsonl => Some(record.line()),
        ExportFormat::Checkpoints => None,
        ExportFormat::Ocsf => {
            ocsf::remediation(record, env!("CARGO_PKG_VERSION")).map(|event| event.to_string())
        }
    }
}
