//! A store in, a copy of it as it stands at one moment out, while an engine goes on working on it.

use super::{Store, StoreError};
use super::{check, open};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The copy's size in bytes.
    pub bytes: u64,
    /// How many runs it holds.
    pub runs: i64,
    /// How many of them have not ended.
    pub open_runs: i64,
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// There is something already.
    #[error("{} is there already; name another file, a backup is never written over", .0.display())]
    Exists(PathBuf),
    /// The folder is missing.
    #[error("there is no folder {} for the backup; make it, or name another file", .0.display())]
    NoFolder(PathBuf),
    /// The copy cannot be put in its place.
    #[error("the backup {} cannot be written: {detail}", path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// The store cannot be read, or the copy is not whole.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Store {
    /// Copies the store into a file that is not there yet, readable by its owner only. The copy is checked before it
    /// gets its name: whatever goes wrong, there is none. The master key is not in it.
    ///
    /// # Errors
    /// See [`BackupError`].
    pub async fn back_up(&self, to: &Path) -> Result<Backup, BackupError> {
        let (from, to) = (self.path().to_owned(), to.to_owned());
        let work = tokio::task::spawn_blocking(move || copy(&from, &to));
        work.await.map_err(|_| StoreError::Stopped)?
    }
}

fn copy(from: &Path, to: &Path) -> Result<Backup, BackupError> {
    if to.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(to.to_owned()));
    }
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        return Err(BackupError::NoFolder(folder.to_owned()));
    }
    let mut name = to.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = to.with_file_name(name);
    let made = write(from, &part).and_then(|backup| {
        // The name comes last, and only where there is none; some file systems know no second name.
        match fs::hard_link(&part, to) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                fs::rename(&part, to)
            }
            linked => linked,
        }
        .map_err(|error| failed(to, &error))?;
        let folder = folder.unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed(to, &error))?;
        Ok(backup)
    });
    // It has the other name now, or is of no use.
    let _ = fs::remove_file(&part);
    made
}

fn write(from: &Path, part: &Path) -> Result<Backup, BackupError> {
    open::create(part)?;
    let sql = |path: &Path, error: &rusqlite::Error| StoreError::of_sqlite(path, error);
    let conn = open::raw(from, open::busy(Duration::from_secs(5)))?;
    let name = part.to_string_lossy();
    conn.execute("VACUUM INTO ?1", [&*name])
        .map_err(|error| sql(part, &error))?;
    let copy = open::raw(part, Duration::ZERO)?;
    check::pages(&copy, part)?;
    // What is damaged in the copy was copied so.
    check::contents(&copy, from)?;
    let count = |text: &str| {
        copy.query_row(text, [], |row| row.get::<_, i64>(0))
            .map_err(|error| sql(part, &error))
    };
    let (runs, open_runs) = (
        count("SELECT count(*) FROM runs")?,
        count("SELECT count(*) FROM runs WHERE ended_ms IS NULL")?,
    );
    drop(copy);
    let file = File::open(part).map_err(|error| failed(part, &error))?;
    file.sync_all().map_err(|error| failed(part, &error))?;
    let bytes = file.metadata().map_err(|error| failed(part, &error))?.len();
    Ok(Backup {
        bytes,
        runs,
        open_runs,
    })
}

fn failed(path: &Path, error: &std::io::Error) -> BackupError {
    match error.kind() {
        std::io::ErrorKind::AlreadyExists => BackupError::Exists(path.to_owned()),
        _ => BackupError::NotWritten {
            path: path.to_owned(),
            detail: error.to_string(),
        },
    }
}
