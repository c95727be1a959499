//! A file in, the deployment's master key out; from it, keys for single purposes and passwords.

use super::secrets::{SecretValue, open_to_others};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The key's length in bytes.
pub const KEY_LENGTH: usize = 32;

/// How long generated passwords are, in characters.
pub const PASSWORD_LENGTH: usize = 24;
/// Each password has at least one of every class. What is easily mistaken (`0 O o 1 l I |`) is left out.
const CLASSES: [&[u8]; 4] = [
    b"abcdefghijkmnpqrstuvwxyz",
    b"ABCDEFGHJKLMNPQRSTUVWXYZ",
    b"23456789",
    b"!#%*+-=?@_",
];

/// The deployment's master key. It prints as `[secret]`.
#[derive(Clone, PartialEq, Eq)]
pub struct MasterKey([u8; KEY_LENGTH]);

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MasterKeyError {
    /// The file cannot be read.
    #[error("the master key {} cannot be read: {source}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is missing and was not to be made.
    #[error("there is no master key {}; put it back from where its copy is kept", .0.display())]
    Missing(PathBuf),
    /// The file cannot be made.
    #[error("the master key {} cannot be created: {source}", .path.display())]
    NotCreated {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others may read it.
    #[error("the master key {} can be read by others (mode {mode:03o}); make it yours alone: chmod 600 {}", .path.display(), .path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a key.
    #[error("the master key {} holds {length} bytes and not {KEY_LENGTH}; restore it from where it is kept, or, if nothing was ever encrypted with it, delete it", .path.display())]
    WrongLength {
        /// The file.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// The system gives no random bytes.
    #[error("the system gives no random bytes for a master key: {0}")]
    NoRandomness(String),
}

impl MasterKey {
    /// Reads the key from its file.
    ///
    /// # Errors
    /// When the file is missing, cannot be read, can be read by others, or is not a key.
    pub fn load(path: impl AsRef<Path>) -> Result<MasterKey, MasterKeyError> {
        let path = path.as_ref();
        match fs::read(path) {
            Ok(bytes) => MasterKey::check(path, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(MasterKeyError::Missing(path.to_owned()))
            }
            Err(source) => Err(MasterKeyError::Unreadable {
                path: path.to_owned(),
                source,
            }),
        }
    }

    /// Reads the key from its file, or makes a new one there (readable by its owner only) on first use.
    ///
    /// # Errors
    /// When the file cannot be read or made, can be read by others, or is not a key.
    pub fn load_or_create(path: impl AsRef<Path>) -> Result<MasterKey, MasterKeyError> {
        let path = path.as_ref();
        match MasterKey::load(path) {
            Err(MasterKeyError::Missing(_)) => MasterKey::create(path),
            other => other,
        }
    }

    /// A key from these bytes, for tests and key services.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> MasterKey {
        MasterKey(bytes)
    }

    fn check(path: &Path, bytes: &[u8]) -> Result<MasterKey, MasterKeyError> {
        let metadata = fs::metadata(path).map_err(|source| MasterKeyError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        if let Some(mode) = open_to_others(&metadata) {
            return Err(MasterKeyError::TooOpen {
                path: path.to_owned(),
                mode,
            });
        }
        match <[u8; KEY_LENGTH]>::try_from(bytes) {
            Ok(key) => Ok(MasterKey(key)),
            Err(_) => Err(MasterKeyError::WrongLength {
                path: path.to_owned(),
                length: bytes.len(),
            }),
        }
    }

    fn create(path: &Path) -> Result<MasterKey, MasterKeyError> {
        let mut key = [0_u8; KEY_LENGTH];
        getrandom::fill(&mut key)
            .map_err(|error| MasterKeyError::NoRandomness(error.to_string()))?;
        let failed = |source| MasterKeyError::NotCreated {
            path: path.to_owned(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        // It gets its name when it is whole; who comes first with a name has made the key.
        let mut drawn = [0_u8; 8];
        getrandom::fill(&mut drawn)
            .map_err(|error| MasterKeyError::NoRandomness(error.to_string()))?;
        let part = path.with_extension(format!("{:016x}.part", u64::from_be_bytes(drawn)));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(0o600);
        }
        let mut file = options.open(&part).map_err(failed)?;
        let named = file
            .write_all(&key)
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::hard_link(&part, path))
            .and_then(|()| sync_folder(path));
        let _ = fs::remove_file(&part);
        match named {
            Ok(()) => Ok(MasterKey(key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => MasterKey::load(path),
            Err(error) => Err(failed(error)),
        }
    }

    /// A key for one purpose and subject: HMAC-SHA256 of both under the master key. It tells nothing about
    /// the master key or other derived keys.
    pub fn derive(&self, purpose: &str, subject: &[u8]) -> [u8; KEY_LENGTH] {
        let mut mac = keyed(&self.0);
        // The length keeps ("a", "bc") and ("ab", "c") apart.
        mac.update(&(purpose.len() as u64).to_be_bytes());
        mac.update(purpose.as_bytes());
        mac.update(subject);
        mac.finalize().into_bytes().into()
    }

    /// The password of a call, always the same for the same id: 24 characters, evenly chosen among all
    /// passwords that have lower and upper case letters, digits and signs, none of them easily mistaken.
    pub fn password(&self, id: &str) -> SecretValue {
        let key = self.derive("generated password", id.as_bytes());
        let all: Vec<u8> = CLASSES.concat();
        // Bytes beyond the last whole multiple are skipped: otherwise some characters would be likelier.
        let usable = 256 - 256 % all.len();
        let mut stream = (0_u64..).flat_map(|block| {
            let mut mac = keyed(&key);
            mac.update(&block.to_be_bytes());
            <[u8; KEY_LENGTH]>::from(mac.finalize().into_bytes())
        });
        loop {
            let candidate: Vec<u8> = stream
                .by_ref()
                .filter(|byte| usize::from(*byte) < usable)
                .take(PASSWORD_LENGTH)
                .map(|byte| all[usize::from(byte) % all.len()])
                .collect();
            if CLASSES
                .iter()
                .all(|class| candidate.iter().any(|char| class.contains(char)))
            {
                return SecretValue::new(candidate.into_iter().map(char::from).collect::<String>());
            }
        }
    }
}

/// Lets a file's name reach the disk, which the file's own bytes do not bring with them.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        #[cfg(unix)]
        Some(folder) if !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// HMAC-SHA256 under a key of any length.
pub(crate) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    match Hmac::<Sha256>::new_from_slice(key) {
        Ok(mac) => mac,
        // HMAC takes keys of every length (RFC 2104); the error belongs to other algorithms of the same trait.
        Err(_) => unreachable!("HMAC takes keys of every length"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn passwords_are_stable_distinct_and_of_all_classes() {
        let key = MasterKey::from_bytes([7; KEY_LENGTH]);
        let mut counts: BTreeMap<char, usize> = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for n in 0..2_000 {
            let password = key.password(&format!("run-{n}:3"));
            let text = password.expose();
            assert_eq!(text, key.password(&format!("run-{n}:3")).expose());
            assert_eq!(text.len(), PASSWORD_LENGTH);
            assert!(
                CLASSES
                    .iter()
                    .all(|class| text.bytes().any(|b| class.contains(&b))),
                "{text}"
            );
            assert!(
                !text.contains(['0', 'O', 'o', '1', 'l', 'I', '|']),
                "{text}"
            );
            assert!(seen.insert(text.to_owned()));
            for char in text.chars() {
                *counts.entry(char).or_default() += 1;
            }
        }
        // 48,000 draws from 66 characters: about 727 each, letters a little less.
        assert_eq!(counts.len(), 66);
        assert!(
            counts.values().all(|n| (550..950).contains(n)),
            "{counts:?}"
        );
        let other = MasterKey::from_bytes([8; KEY_LENGTH]);
        assert_ne!(key.password("run-1:3"), other.password("run-1:3"));
    }

    #[test]
    fn derived_keys_depend_on_purpose_and_subject() {
        let key = MasterKey::from_bytes([7; KEY_LENGTH]);
        assert_ne!(key.derive("a", b"bc"), key.derive("ab", b"c"));
        assert_eq!(format!("{key:?}"), "[secret]");
    }

    #[cfg(unix)]
    #[test]
    fn the_file_is_made_once_and_checked() -> Result<(), Box<dyn std::error::Error>> {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("state/master.key");
        let made = MasterKey::load_or_create(&path)?;
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o600);
        assert_eq!(MasterKey::load_or_create(&path)?, made);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644))?;
        assert!(matches!(
            MasterKey::load_or_create(&path),
            Err(MasterKeyError::TooOpen { .. })
        ));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        fs::write(&path, b"short")?;
        assert!(matches!(
            MasterKey::load_or_create(&path),
            Err(MasterKeyError::WrongLength { length: 5, .. })
        ));
        Ok(())
    }
}
