//! A secret's name in, its value out: from environment variables, a file or memory. Values are looked up
//! at each call, so that a changed secret is used without a restart.

use counterplay_machine::deployment::SecretsSettings;
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
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
}

/// Where secrets come from.
pub trait Secrets: Send + Sync + 'static {
    /// The value of a secret.
    ///
    /// # Errors
    /// When it is not set or its source cannot be read; messages hold names and places, never values.
    fn get(&self, name: &str) -> Result<SecretValue, SecretError>;
}

/// The source that a project file names; a file's path is relative to `folder`, where the project file is.
///
/// # Errors
/// When a file is missing, can be read by others or is malformed.
pub fn open(settings: &SecretsSettings, folder: &Path) -> Result<Arc<dyn Secrets>, SecretError> {
    Ok(match settings {
        SecretsSettings::Environment { prefix } => Arc::new(EnvironmentSecrets::new(prefix)),
        SecretsSettings::File { path } => Arc::new(FileSecrets::open(folder.join(path))?),
    })
}

/// Environment variables: with the prefix `COUNTERPLAY_SECRET_`, `soc-teams` is `COUNTERPLAY_SECRET_SOC_TEAMS`.
#[derive(Clone, Debug)]
pub struct EnvironmentSecrets {
    prefix: String,
}

impl EnvironmentSecrets {
    /// Variables with this prefix.
    pub fn new(prefix: impl Into<String>) -> EnvironmentSecrets {
        EnvironmentSecrets {
            prefix: prefix.into(),
        }
    }

    /// The variable of a secret.
    pub fn variable(&self, name: &str) -> String {
        format!("{}{}", self.prefix, name.to_uppercase().replace('-', "_"))
    }
}

impl Secrets for EnvironmentSecrets {
    fn get(&self, name: &str) -> Result<SecretValue, SecretError> {
        let variable = self.variable(name);
        let hint = format!("set the environment variable {variable}");
        match std::env::var(&variable) {
            Ok(value) if !value.is_empty() => Ok(SecretValue::new(value)),
            Ok(_) | Err(std::env::VarError::NotUnicode(_)) => Err(SecretError::Unusable {
                name: name.to_owned(),
                hint,
            }),
            Err(std::env::VarError::NotPresent) => Err(SecretError::Missing {
                name: name.to_owned(),
                hint,
            }),
        }
    }
}

/// A TOML file of `name = "value"` lines that only its owner may read.
#[derive(Clone, Debug)]
pub struct FileSecrets {
    path: PathBuf,
}

impl FileSecrets {
    /// Checks that the file can be used. It is read again at each look-up.
    ///
    /// # Errors
    /// When it is missing, can be read by others or is malformed.
    pub fn open(path: impl Into<PathBuf>) -> Result<FileSecrets, SecretError> {
        let file = FileSecrets { path: path.into() };
        file.read()?;
        Ok(file)
    }

    fn read(&self) -> Result<toml::Table, SecretError> {
        let unreadable = |source| SecretError::Unreadable {
            path: self.path.clone(),
            source,
        };
        let metadata = std::fs::metadata(&self.path).map_err(unreadable)?;
        if let Some(mode) = open_to_others(&metadata) {
            return Err(SecretError::TooOpen {
                path: self.path.clone(),
                mode,
            });
        }
        let text = std::fs::read_to_string(&self.path).map_err(unreadable)?;
        text.parse::<toml::Table>().map_err(|error| {
            let at = error.span().map_or(0, |span| span.start).min(text.len());
            let line = text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
            SecretError::Malformed {
                path: self.path.clone(),
                line,
            }
        })
    }
}

impl Secrets for FileSecrets {
    fn get(&self, name: &str) -> Result<SecretValue, SecretError> {
        let hint = format!("add a line {name} = \"…\" to {}", self.path.display());
        match self.read()?.get(name) {
            None => Err(SecretError::Missing {
                name: name.to_owned(),
                hint,
            }),
            Some(toml::Value::String(value)) if !value.is_empty() => Ok(SecretValue::new(value)),
            Some(_) => Err(SecretError::Unusable {
                name: name.to_owned(),
                hint,
            }),
        }
    }
}

/// The permission bits of a file when others than its owner may read or change it.
#[cfg(unix)]
pub(super) fn open_to_others(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Elsewhere the folder's access rules decide; they are not looked at.
#[cfg(not(unix))]
pub(super) fn open_to_others(_metadata: &std::fs::Metadata) -> Option<u32> {
    None
}

/// Secrets held in memory, for the demo and for tests.
#[derive(Clone, Debug, Default)]
pub struct MemorySecrets(BTreeMap<String, SecretValue>);

impl MemorySecrets {
    /// These secrets.
    pub fn new<N: Into<String>, V: Into<String>>(
        secrets: impl IntoIterator<Item = (N, V)>,
    ) -> MemorySecrets {
        MemorySecrets(
            secrets
                .into_iter()
                .map(|(name, value)| (name.into(), SecretValue::new(value)))
                .collect(),
        )
    }
}

impl Secrets for MemorySecrets {
    fn get(&self, name: &str) -> Result<SecretValue, SecretError> {
        self.0
            .get(name)
            .cloned()
            .ok_or_else(|| SecretError::Missing {
                name: name.to_owned(),
                hint: "it is not among the secrets held in memory".into(),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_variables() {
        let secrets = EnvironmentSecrets::new("COUNTERPLAY_SECRET_");
        assert_eq!(
            secrets.variable("soc-teams"),
            "COUNTERPLAY_SECRET_SOC_TEAMS"
        );
        let missing = secrets
            .get("surely-not-set")
            .expect_err("not set")
            .to_string();
        assert_eq!(
            missing,
            "the secret `surely-not-set` is not set: set the environment variable COUNTERPLAY_SECRET_SURELY_NOT_SET"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_must_be_ours_alone_and_is_read_each_time() -> Result<(), Box<dyn std::error::Error>> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("secrets.toml");
        std::fs::write(&path, "graph = \"one\"\nempty = \"\"\n")?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640))?;
        assert!(matches!(
            FileSecrets::open(&path),
            Err(SecretError::TooOpen { mode: 0o640, .. })
        ));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        let secrets = FileSecrets::open(&path)?;
        assert_eq!(secrets.get("graph")?.expose(), "one");
        assert!(matches!(
            secrets.get("empty"),
            Err(SecretError::Unusable { .. })
        ));
        assert!(matches!(
            secrets.get("other"),
            Err(SecretError::Missing { .. })
        ));
        std::fs::write(&path, "graph = \"two\"\n")?;
        assert_eq!(secrets.get("graph")?.expose(), "two");
        std::fs::write(&path, "graph = \"two\"\nplanted-secret-value\n")?;
        let malformed = secrets.get("graph").expect_err("malformed").to_string();
        assert!(
            malformed.ends_with("(line 2)") && !malformed.contains("planted"),
            "{malformed}"
        );
        Ok(())
    }

    #[test]
    fn values_do_not_print() {
        let secrets = MemorySecrets::new([("graph", "hidden-value")]);
        assert_eq!(
            format!("{secrets:?}"),
            "MemorySecrets({\"graph\": [secret]})"
        );
    }
}
