//! A secret's name in, its value from a file that only its owner may read out.

use super::{Asked, SecretError, SecretValue, Secrets};
use std::path::PathBuf;

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
    fn get<'a>(&'a self, name: &'a str) -> Asked<'a> {
        Box::pin(std::future::ready(self.look_up(name)))
    }
}

impl FileSecrets {
    fn look_up(&self, name: &str) -> Result<SecretValue, SecretError> {
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
pub fn open_to_others(metadata: &std::fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Elsewhere the folder's access rules decide; they are not looked at.
#[cfg(not(unix))]
pub fn open_to_others(_metadata: &std::fs::Metadata) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(secrets.look_up("graph")?.expose(), "one");
        assert!(matches!(
            secrets.look_up("empty"),
            Err(SecretError::Unusable { .. })
        ));
        assert!(matches!(
            secrets.look_up("other"),
            Err(SecretError::Missing { .. })
        ));
        std::fs::write(&path, "graph = \"two\"\n")?;
        assert_eq!(secrets.look_up("graph")?.expose(), "two");
        std::fs::write(&path, "graph = \"two\"\nplanted-secret-value\n")?;
        let malformed = secrets.look_up("graph").expect_err("malformed").to_string();
        assert!(
            malformed.ends_with("(line 2)") && !malformed.contains("planted"),
            "{malformed}"
        );
        Ok(())
    }
}
