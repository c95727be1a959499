//! The command line of `counterplay audit` as types.

use crate::args::StoreArgs;
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// `counterplay audit`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay audit verify                       whether every record is as it was written
  counterplay audit verify --checkpoints /mnt/log-host/checkpoints.jsonl --key 3f1c…
  counterplay audit key                          what the signatures are verified with; keep it off this machine
  counterplay audit export --since 2026-11-01T00:00:00Z > audit.jsonl
  counterplay audit export --format ocsf --tenant contoso
  counterplay audit erase --subject dana.kim@contoso.example --subject 6f7c2a10-… --dry-run
  counterplay audit erase --subject dana.kim@contoso.example --as dpo@msp.example
  counterplay audit erased --subject dana.kim@contoso.example

docs/audit.md says what is recorded, what the signatures prove, and what an erasure reaches.

Exit codes:
  0  everything is whole; exported, signed or erased; nothing to erase; that the person was erased is recorded
  1  a record is not as it was written; or runs about the person are open and nothing was erased; or no erasure of the person is recorded
  2  wrong usage, or the store or its master key cannot be used")]
pub struct AuditArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: AuditCommand,
}

/// What to do about the audit trail.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Compute every chain again and name the first record of each that is not whole
    Verify(VerifyTrailArgs),
    /// Write the records, the oldest first, as lines of JSON
    Export(ExportArgs),
    /// Sign the ends of all chains now
    Checkpoint(CheckpointArgs),
    /// Show the public key that checkpoints are verified with
    Key(KeyArgs),
    /// Forget a person: drop what finished runs, events and the trail keep about them
    Erase(EraseArgs),
    /// Say whether, when and by whom a person was forgotten, to those who know the name
    Erased(ErasedArgs),
}

/// `counterplay audit verify`.
#[derive(Debug, Args)]
pub struct VerifyTrailArgs {
    /// Only this tenant's chain; may be repeated; "" is the installation's own
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Signed ends of chains that were kept elsewhere
    #[arg(long, value_name = "FILE", requires = "key")]
    pub checkpoints: Option<PathBuf>,
    /// The public key, from `counterplay audit key`
    #[arg(long, value_name = "KEY", requires = "checkpoints")]
    pub key: Option<String>,
    /// One JSON object instead of lines
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Every record, with what is needed to verify it elsewhere
    Jsonl,
    /// Actions that changed something, as OCSF Remediation Activity
    Ocsf,
    /// Signed ends of chains
    Checkpoints,
}

/// `counterplay audit export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// How records are written
    #[arg(long, value_enum, default_value_t = ExportFormat::Jsonl, value_name = "FORMAT")]
    pub format: ExportFormat,
    /// Only this tenant's; may be repeated
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Only this action, or those that begin with it: approval is approval.voted, too
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,
    /// Only those at this time or later, such as 2026-11-20T02:00:00Z
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only those before this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay audit checkpoint`.
#[derive(Debug, Args)]
pub struct CheckpointArgs {
    /// Add them to this file, best on another machine [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay audit key`.
#[derive(Debug, Args)]
pub struct KeyArgs {
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay audit erase`.
#[derive(Debug, Args)]
pub struct EraseArgs {
    /// What the person is called: user principal name, e-mail address, id, name; may be repeated
    #[arg(long, required = true, value_name = "TEXT")]
    pub subject: Vec<String>,
    /// Only in this tenant; may be repeated
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// Only say what would be erased
    #[arg(long)]
    pub dry_run: bool,
    /// Erase what finished runs keep although others about the person are open
    #[arg(long)]
    pub finished_only: bool,
    /// Who says so, by e-mail address
    #[arg(long = "as", value_name = "EMAIL", required_unless_present = "dry_run")]
    pub by: Option<String>,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}

/// `counterplay audit erased`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  counterplay audit erased --subject dana.kim@contoso.example
  counterplay audit erased --subject dana.kim@contoso.example --subject 6f7c2a10-… --tenant contoso
  counterplay audit erased --subject dana.kim@contoso.example --json

Only names that were given when the person was erased are found; their case does not matter.

Exit codes:
  0  an erasure is recorded under each of the names
  1  none is recorded under one of them
  2  wrong usage, or the store or its master key cannot be used")]
pub struct ErasedArgs {
    /// What the person was called when they were erased; may be repeated
    #[arg(long, required = true, value_name = "NAME")]
    pub subject: Vec<String>,
    /// Only in this tenant; may be repeated; "" is what concerns the whole installation
    #[arg(long, value_name = "TENANT")]
    pub tenant: Vec<String>,
    /// One JSON object instead of lines
    #[arg(long)]
    pub json: bool,
    /// The store.
    #[command(flatten)]
    pub store: StoreArgs,
}
