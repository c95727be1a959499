//! A failure of SQLite or the file system in, a sentence that says what to do out.

use std::path::{Path, PathBuf};

/// Why the store cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The folder is missing.
    #[error("there is no folder {} for the store; make it, or name another file", .0.display())]
    NoFolder(PathBuf),
    /// The file is missing and was not to be made.
    #[error("there is no store at {}; `counterplay run` makes one, or name another file", .0.display())]
    Missing(PathBuf),
    /// The path is no file.
    #[error("{} is a folder; the store is a single file, name one inside it", .0.display())]
    IsFolder(PathBuf),
    /// The file may not be opened.
    #[error("the store {} cannot be opened: {detail}", path.display())]
    CannotOpen {
        /// The file.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The file is something else.
    #[error("{} is not a database; it was left as it is, name another file for the store", .0.display())]
    NotADatabase(PathBuf),
    /// It is another program's database.
    #[error("{} is the database of another program; it was left as it is, name another file for the store", .0.display())]
    OtherProgram(PathBuf),
    /// A later Counterplay has written it.
    #[error(
        "the store {} has version {found} and this Counterplay knows versions up to {known}; use the Counterplay that wrote it, or a later one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The latest that is known.
        known: i64,
    },
    /// An earlier Counterplay has written it, and this command does not change it.
    #[error(
        "the store {} has version {found} and this Counterplay needs version {known}; stop the engine that uses it and start this one, which brings it up to date",
        path.display()
    )]
    Older {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: i64,
        /// The version needed.
        known: i64,
    },
    /// Another program keeps it locked.
    #[error("the store {} is locked by another program (a backup, a database browser?); close that and try again, nothing was lost", .0.display())]
    Locked(PathBuf),
    /// Another engine runs on it.
    #[error("another engine{holder} is running on the store {}; stop it first, or name another file", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
        /// ` (process 123)`, or nothing when it is not known.
        holder: String,
    },
    /// It cannot be written.
    #[error("the store {} is read-only; give this user the right to write the file and its folder", .0.display())]
    ReadOnly(PathBuf),
    /// It is damaged.
    #[error(
        "the store {} is damaged ({detail}); nothing was changed: put a backup in its place, or move it away to start with an empty one",
        path.display()
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The disk is full.
    #[error("there is no space left for the store {}; make room, nothing that was accepted is lost", .0.display())]
    Full(PathBuf),
    /// The disk does not do what it should.
    #[error("the disk under the store {} failed ({detail}); nothing that was accepted before is lost", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The file system cannot do what a store needs.
    #[error(
        "the store {} lies on a file system that cannot share memory between processes (a network drive?); put it on a local disk",
        .0.display()
    )]
    NoWal(PathBuf),
    /// A row cannot be read.
    #[error("the store {} holds {what} that this Counterplay cannot read: {detail}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Which.
        what: String,
        /// Why.
        detail: String,
    },
    /// What is dropped by its age waits until a person says that the clock is right; why, as part of a sentence.
    #[error(
        "nothing is archived while the clock is in doubt: {0}; set it where it is wrong, and where it is right say so: counterplay clock confirm --as YOU"
    )]
    ClockInDoubt(String),
    /// What was asked for is not there.
    #[error("{0}")]
    NotFound(String),
    /// The operating system gives no random numbers.
    #[error(
        "the operating system gives no random numbers ({0}), which the audit trail needs; nothing was changed"
    )]
    NoRandomness(String),
    /// The master key is gone.
    #[error(
        "the store {} was written with the master key {}, which is not there; put it back from where its copy is kept: no other key opens what is sealed in the store",
        path.display(), key.display()
    )]
    NoKey {
        /// The store's file.
        path: PathBuf,
        /// Where its key was.
        key: PathBuf,
    },
    /// There is another master key.
    #[error(
        "the master key {key} is not the one that the store {} was written with; put that one back: no other key opens what is sealed in the store",
        path.display()
    )]
    OtherKey {
        /// The store's file.
        path: PathBuf,
        /// The key's file, or words for one that was given.
        key: String,
    },
    /// The master key cannot be used, as a sentence.
    #[error("{0}")]
    BadKey(String),
    /// The handle was closed.
    #[error("the store was closed")]
    Stopped,
    /// A fault in this program.
    #[error("a transaction on the store {} failed: {detail}; this is a fault of Counterplay, nothing was changed", path.display())]
    Fault {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        detail: String,
    },
}

/// What goes wrong inside a transaction, before the file's name is added.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// SQLite refuses.
    #[error(transparent)]
    Sql(#[from] rusqlite::Error),
    /// A row cannot be read.
    #[error("{what} cannot be read: {detail}")]
    Unreadable {
        /// Which.
        what: String,
        /// Why.
        detail: String,
    },
    /// A row does not hold what was written; which, as a sentence.
    #[error("{0}")]
    Damaged(String),
    /// What was asked for is not there, as a sentence.
    #[error("{0}")]
    NotFound(String),
    /// The operating system gives no random numbers.
    #[error("no random numbers: {0}")]
    NoRandomness(String),
    /// The store must not be used like this.
    #[error(transparent)]
    Refused(Box<StoreError>),
}

impl StoreError {
    pub(super) fn of(path: &Path, fault: Fault) -> StoreError {
        match fault {
            Fault::Sql(error) => StoreError::of_sqlite(path, &error),
            Fault::Unreadable { what, detail } => StoreError::Unreadable {
                path: path.to_owned(),
                what,
                detail,
            },
            Fault::Damaged(detail) => StoreError::Corrupt {
                path: path.to_owned(),
                detail,
            },
            Fault::NotFound(what) => StoreError::NotFound(what),
            Fault::NoRandomness(detail) => StoreError::NoRandomness(detail),
            Fault::Refused(error) => *error,
        }
    }

    pub(super) fn of_sqlite(path: &Path, error: &rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode as Code;
        let path = path.to_owned();
        let detail = error.to_string();
        // A column has the type that it was declared with: only its bytes can be other ones.
        if let rusqlite::Error::FromSqlConversionFailure(_, rusqlite::types::Type::Text, _) = error
        {
            let detail = format!("a text is none: {detail}");
            return StoreError::Corrupt { path, detail };
        }
        // All JSON that SQLite looks into was written by this program.
        if detail == "malformed JSON" {
            let detail = "a text that was JSON is none any more".to_owned();
            return StoreError::Corrupt { path, detail };
        }
        match error.sqlite_error_code() {
            Some(Code::DatabaseBusy | Code::DatabaseLocked) => StoreError::Locked(path),
            Some(Code::NotADatabase) => StoreError::NotADatabase(path),
            Some(Code::DatabaseCorrupt) => StoreError::Corrupt { path, detail },
            Some(Code::ReadOnly) => StoreError::ReadOnly(path),
            Some(Code::DiskFull) => StoreError::Full(path),
            Some(Code::CannotOpen | Code::PermissionDenied) => {
                StoreError::CannotOpen { path, detail }
            }
            Some(Code::SystemIoFailure | Code::FileLockingProtocolFailed) => {
                StoreError::Disk { path, detail }
            }
            _ => StoreError::Fault { path, detail },
        }
    }
}
