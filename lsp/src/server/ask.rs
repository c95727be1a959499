//! A question about a document in, its answer from a snapshot out; stale and cancelled work stops.

use super::{Server, uri};
use crate::snapshot::Snapshot;
use crate::text::{Encoding, Lines, Position};
use counterplay_compiler::db::{CancellationToken, Cancelled, SourceFile};
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tower_lsp::jsonrpc::{Error, Result};
use tower_lsp::ls_types;

/// A text at one moment: a playbook's file, or the project file.
pub(crate) struct Text {
    /// Its project.
    pub(crate) snapshot: Snapshot,
    /// Its path.
    pub(crate) path: String,
    /// The text.
    pub(crate) text: Arc<str>,
    /// How the editor counts characters.
    pub(crate) encoding: Encoding,
}

impl Text {
    /// The lines of the text.
    pub(crate) fn lines(&self) -> Lines<'_> {
        Lines::new(&self.text, self.encoding)
    }

    /// The byte of a position.
    pub(crate) fn offset(&self, at: ls_types::Position) -> usize {
        self.lines().offset(Position {
            line: at.line,
            character: at.character,
        })
    }

    /// The bytes of a range.
    pub(crate) fn range(&self, range: ls_types::Range) -> Range<usize> {
        self.offset(range.start)..self.offset(range.end)
    }
}

/// A playbook's file at one moment.
pub(crate) struct Document {
    /// The text and its project.
    of: Text,
    /// The file.
    pub(crate) file: SourceFile,
}

impl std::ops::Deref for Document {
    type Target = Text;

    fn deref(&self) -> &Text {
        &self.of
    }
}

/// Tells queries to stop when nobody waits for them any more.
struct Waiting(Vec<CancellationToken>);

impl Drop for Waiting {
    fn drop(&mut self) {
        for token in &self.0 {
            token.cancel();
        }
    }
}

/// Computes in a thread of its own; `None` when a change came in between.
///
/// # Errors
/// When the computation broke, which is a mistake of ours.
pub(crate) async fn compute<T: Send + 'static>(
    snapshot: Snapshot,
    f: impl FnOnce(&Snapshot) -> T + Send + 'static,
) -> Result<Option<T>> {
    let all = compute_all(vec![snapshot], move |all| all.first().map(f));
    Ok(all.await?.flatten())
}

/// The same over several projects. They are handed over whole: a snapshot that waited here for its turn would
/// hold up a change, and the change would hold up its turn.
pub(crate) async fn compute_all<T: Send + 'static>(
    snapshots: Vec<Snapshot>,
    f: impl FnOnce(&[Snapshot]) -> T + Send + 'static,
) -> Result<Option<T>> {
    let tokens = snapshots.iter().map(|s| s.workspace.db.canceller());
    let mut waiting = Waiting(tokens.collect());
    let work =
        tokio::task::spawn_blocking(move || Cancelled::catch(AssertUnwindSafe(|| f(&snapshots))));
    let done = work.await;
    waiting.0.clear();
    match done {
        Ok(Ok(answer)) => Ok(Some(answer)),
        Ok(Err(_cancelled)) => Ok(None),
        Err(_) => {
            let mut error = Error::internal_error();
            error.message =
                "Counterplay's language server could not work this out; the mistake is ours, not yours"
                    .into();
            Err(error)
        }
    }
}

impl Server {
    /// Asks something about a playbook's file; nothing for one that nobody knows.
    ///
    /// # Errors
    /// That the text has changed in between: the answer would be about an older one.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        uri: &ls_types::Uri,
        f: impl FnOnce(&Document) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let answer = self.ask_text(uri, move |text| {
            let file = text.snapshot.file(&text.path)?;
            Some(f(&Document { of: text, file }))
        });
        Ok(answer.await?.flatten())
    }

    /// Asks something about any text of a project.
    ///
    /// # Errors
    /// That the text has changed in between.
    pub(crate) async fn ask_text<T: Send + 'static>(
        &self,
        uri: &ls_types::Uri,
        f: impl FnOnce(Text) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let path = uri::path_of(uri);
        let (snapshot, encoding) = {
            let world = self.shared.world.lock().await;
            (world.snapshot(&path), world.encoding)
        };
        let Some(snapshot) = snapshot else {
            return Ok(None);
        };
        let answer = compute(snapshot, move |snapshot| {
            let text = snapshot.text_of(&path)?;
            Some(f(Text {
                snapshot: snapshot.clone(),
                path,
                text,
                encoding,
            }))
        });
        match answer.await? {
            Some(answer) => Ok(answer),
            None => Err(Error::content_modified()),
        }
    }
}
