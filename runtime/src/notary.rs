//! A store in; the ends of its audit chains signed again and again, and added to a file that lies elsewhere, out.

use crate::clock::Clock;
use crate::store::{Store, StoreError};
use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Under which name the store remembers what has been added to which file.
const EXPORTED: &str = "checkpoints exported";
/// How often it is looked.
const LOOK_MS: i64 = 5_000;
/// How old the oldest unsigned record may be at most, about.
const EVERY_MS: i64 = 5 * 60_000;
/// How many unsigned records there may be at most, about.
const RECORDS: i64 = 1_000;

/// Why the ends of the chains are not signed, or not kept elsewhere.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotaryError {
    /// The store or its master key cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("the checkpoints of the audit trail cannot be added to {}: {source}; they are kept in the store until they can", .path.display())]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Signs the ends of the chains of a store.
pub struct Notary {
    store: Store,
    clock: Arc<dyn Clock>,
    to: Option<PathBuf>,
}

impl Notary {
    /// One that adds what it signs to a file, where one is given.
    pub fn new(store: Store, clock: Arc<dyn Clock>, to: Option<PathBuf>) -> Notary {
        Notary { store, clock, to }
    }

    /// Signs every five minutes, or earlier when there is much to sign, until `stop`; and once more then.
    pub async fn work(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let (mut last, mut told) = (i64::MIN, false);
        loop {
            let now = self.clock.now_ms();
            let due = now.saturating_sub(last) >= EVERY_MS
                || matches!(self.store.unsigned_records().await, Ok(n) if n >= RECORDS);
            if due {
                last = now;
                match self.sign().await {
                    Ok(_) => told = false,
                    // Once is enough: it is tried again each time.
                    Err(error) if !told => {
                        told = true;
                        tracing::error!("{error}");
                    }
                    Err(_) => {}
                }
            }
            tokio::select! {
                () = &mut stop => break,
                () = self.clock.sleep(LOOK_MS) => {}
            }
        }
        if let Err(error) = self.sign().await {
            tracing::error!("{error}");
        }
    }

    /// Signs what has grown and adds it, with what could not be added before, to the file; how many ends were signed.
    ///
    /// # Errors
    /// When the store or the file cannot be written.
    pub async fn sign(&self) -> Result<usize, NotaryError> {
        let signed = self.store.sign_audit(self.clock.now_ms()).await?.len();
        if let Some(to) = &self.to {
            self.add_to(to).await?;
        }
        Ok(signed)
    }

    async fn add_to(&self, to: &Path) -> Result<(), NotaryError> {
        let place = std::path::absolute(to).unwrap_or_else(|_| to.to_owned());
        let place = place.display().to_string();
        let known = self.store.read(|tx| tx.meta(EXPORTED)).await?;
        // Another file, or one that was taken away, gets everything.
        let after = known
            .filter(|_| to.exists())
            .and_then(|known| {
                let (num, of) = known.split_once(' ')?;
                (of == place).then(|| num.parse().ok())?
            })
            .unwrap_or(0);
        let (signed, last) = self.store.checkpoints(after).await?;
        let lines: String = signed.iter().map(|c| c.line() + "\n").collect();
        if !lines.is_empty() {
            let path = to.to_owned();
            tokio::task::spawn_blocking(move || append(&path, &lines))
                .await
                .unwrap_or_else(|_| Err(io::Error::other("the attempt broke off")))
                .map_err(|source| NotaryError::NotWritten {
                    path: to.to_owned(),
                    source,
                })?;
        }
        if last != after {
            let mark = format!("{last} {place}");
            self.store
                .write(move |tx| tx.set_meta(EXPORTED, &mark))
                .await?;
        }
        Ok(())
    }
}

/// Adds lines to a file. Where its last one was cut off (a full disk, a loss of power) they begin on one of their own.
fn append(path: &Path, lines: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let torn = file.metadata()?.len() > 0 && !ends_in_a_line(path);
    let begin = if torn { "\n" } else { "" };
    file.write_all([begin, lines].concat().as_bytes())?;
    file.sync_all()
}

/// Whether a file's last line has its end. Storage that lets one only add may not tell; an empty line harms nobody.
fn ends_in_a_line(path: &Path) -> bool {
    let last = || {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        io::Result::Ok(last == *b"\n")
    };
    last().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_added_behind_a_line_that_was_cut_off_begins_a_new_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("signed.jsonl");
        append(&path, "a\n").expect("written");
        append(&path, "b\nc\n").expect("written");
        assert_eq!(std::fs::read(&path).expect("readable"), b"a\nb\nc\n");
        std::fs::write(&path, "a\n{\"at_ms\":17956").expect("cut off");
        append(&path, "b\n").expect("written");
        append(&path, "c\n").expect("written");
        let all = std::fs::read_to_string(&path).expect("readable");
        assert_eq!(all, "a\n{\"at_ms\":17956\nb\nc\n");
    }
}
