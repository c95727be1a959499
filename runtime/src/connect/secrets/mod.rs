//! A secret's name in, its value out: from environment variables, a file, HashiCorp Vault, Azure Key Vault or
//! memory. What lies on this machine is looked up at each call; what a service keeps is read again after a time,
//! or when a service refuses the value, so that a changed secret is used without a restart.

mod environment;
mod file;
mod held;
mod http;
mod kept;
mod key_vault;
mod memory;
mod vault;

pub use environment::EnvironmentSecrets;
pub use file::FileSecrets;
pub(super) use file::open_to_others;
pub use memory::MemorySecrets;

use crate::clock::Clock;
use counterplay_machine::deployment::SecretsSettings;
use std::fmt;
use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

/// A secret's value. It prints as `[secret]`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(String);

impl SecretValue {
    /// Wraps a value.
    pub fn new(value: impl Into<String>) -> SecretValue {
        SecretValue(value.into())
    }

    /// The value itself. Whatever is made of it must not be logged, stored or shown.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Why a secret has no value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// It is not set.
    #[error("the secret `{name}` is not set: {hint}")]
    Missing {
        /// The name.
        name: String,
        /// Where to set it.
        hint: String,
    },
    /// It is set to nothing, or to something that is no text.
    #[error("the secret `{name}` is empty or not a text: {hint}")]
    Unusable {
        /// The name.
        name: String,
        /// Where to set it.
        hint: String,
    },
    /// Others on this machine may read the file.
    #[error("{} can be read by others (mode {mode:03o}); make it yours alone: chmod 600 {}", .path.display(), .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file cannot be read.
    #[error("the secrets file {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not a list of `name = "value"`. Its text is not quoted, since it holds secrets.
    #[error("the secrets file {} is not a list of name = \"value\" lines (line {line})", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
    },
    /// The service that keeps it says that it is not to be had.
    #[error("the secret `{name}` cannot be had from {keeper}: {reason}")]
    Refused {
        /// The name.
        name: String,
        /// The service.
        keeper: &'static str,
        /// What it says, and what to do.
        reason: String,
    },
    /// The service that keeps it does not answer, or has no time. Asking again later may help.
    #[error("the secret `{name}` cannot be had from {keeper} at present: {reason}")]
    Away {
        /// The name.
        name: String,
        /// The service.
        keeper: &'static str,
        /// What happened.
        reason: String,
    },
    /// The way to the service that keeps secrets cannot be set up.
    #[error("secrets cannot be read from {keeper}: {reason}")]
    Unopened {
        /// The service.
        keeper: &'static str,
        /// Why.
        reason: String,
    },
}

impl SecretError {
    /// Whether asking again later may help, with nobody changing anything.
    pub fn is_passing(&self) -> bool {
        matches!(self, SecretError::Away { .. })
    }
}

/// What asking for a secret gives.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Result<SecretValue, SecretError>> + Send + 'a>>;

/// Where secrets come from.
pub trait Secrets: Send + Sync + 'static {
    /// The value of a secret, or why there is none: it is not set, or its source cannot be read. Messages hold
    /// names and places, never values.
    fn get<'a>(&'a self, name: &'a str) -> Asked<'a>;

    /// A service did not accept this value: whoever keeps values has to look whether there is a new one.
    fn refused(&self, _name: &str, _value: &SecretValue) {}
}

/// The source that a project file names; a file's path is relative to `folder`, where the project file is. A service
/// is not asked for anything yet.
///
/// # Errors
/// When a file is missing, can be read by others or is malformed, or a service's address cannot be used.
pub fn open(
    settings: &SecretsSettings,
    folder: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Secrets>, SecretError> {
    Ok(match settings {
        SecretsSettings::Environment { prefix } => Arc::new(EnvironmentSecrets::new(prefix)),
        SecretsSettings::File { path } => Arc::new(FileSecrets::open(folder.join(path))?),
        SecretsSettings::Vault(settings) => Arc::new(kept::Kept::new(
            vault::Vault::new(settings, folder, clock.clone())?,
            settings.refresh_ms,
            clock,
        )),
        SecretsSettings::KeyVault(settings) => Arc::new(kept::Kept::new(
            key_vault::KeyVault::new(settings, folder, clock.clone())?,
            settings.refresh_ms,
            clock,
        )),
    })
}
