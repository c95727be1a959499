//! Changes in, findings to the editor out: first those of the document that is being written, then the others'.

use super::Shared;
use super::ask::compute;
use super::convert::Places;
use crate::features::diagnostics;
use crate::snapshot::{Snapshot, is_library};
use crate::text::{Encoding, Lines};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;
use tower_lsp::Client;
use tower_lsp::ls_types as lsp;

/// How long nothing may change before the other files are looked at.
const QUIET: Duration = Duration::from_millis(120);

/// What the editor was told.
#[derive(Default)]
pub(crate) struct Published {
    /// Of each file that has findings: what they were, and of which version.
    told: BTreeMap<String, (u64, Option<i32>)>,
    /// The document that changed last.
    pub(crate) urgent: Option<String>,
}

impl Published {
    /// A document was closed: what was said of its last version says nothing of the next ones.
    pub(crate) fn closed(&mut self, path: &str) {
        if let Some((_, version)) = self.told.get_mut(path) {
            *version = None;
        }
    }
}

/// Looks for findings whenever something has changed, as long as the server lives.
pub(crate) async fn run(client: Client, shared: Arc<Shared>) {
    loop {
        shared.changed.notified().await;
        loop {
            let urgent = shared.published.lock().await.urgent.take();
            if let Some(path) = urgent
                && let Ok(Some((found, version))) = look(&shared, &path).await
            {
                tell(&client, &shared, &path, version, found).await;
            }
            // The others wait until the writing stops for a moment.
            let more = tokio::time::timeout(QUIET, shared.changed.notified()).await;
            if more.is_err() {
                break;
            }
        }
        everything(&client, &shared).await;
    }
}

/// The findings of a file as the editor shows them. Nothing of the snapshot is kept: changes wait for it.
fn of_file(
    snapshot: &Snapshot,
    shared: &Shared,
    path: &str,
    encoding: Encoding,
) -> Option<Vec<lsp::Diagnostic>> {
    if is_library(path) {
        return None;
    }
    let findings = diagnostics::of_path(snapshot, path)?;
    let text = snapshot.text_of(path)?;
    let lines = Lines::new(&text, encoding);
    let editor = shared.editor();
    let mut places = Places::new(snapshot, &editor, encoding);
    let shown = findings.iter().map(|f| places.diagnostic(&lines, f));
    Some(shown.collect())
}

/// Asks for the findings of a file; `Err` when a change came in between.
async fn look(
    shared: &Arc<Shared>,
    path: &str,
) -> Result<Option<(Vec<lsp::Diagnostic>, Option<i32>)>, ()> {
    let (snapshot, version, encoding, unread) = {
        let world = shared.world.lock().await;
        let unread = unreadable(world.unread(path));
        (
            world.snapshot(path),
            world.version(path),
            world.encoding,
            unread,
        )
    };
    let Some(snapshot) = snapshot else {
        return Ok((!unread.is_empty()).then_some((unread, version)));
    };
    let (of, own) = (shared.clone(), path.to_owned());
    match compute(snapshot, move |s| of_file(s, &of, &own, encoding)).await {
        Ok(Some(found)) => Ok(found.map(|found| ([unread, found].concat(), version))),
        Ok(None) => Err(()),
        // A mistake of ours in one file must not hide what is found in the others.
        Err(_) => Ok(None),
    }
}

/// Looks at every file of every project; stops when something changes.
async fn everything(client: &Client, shared: &Arc<Shared>) {
    let paths: BTreeSet<String> = {
        let world = shared.world.lock().await;
        let roots = world.roots.iter().flat_map(|root| {
            let mut paths = root.own_paths();
            paths.extend(root.config_path().map(str::to_owned));
            paths.extend(root.unread.iter().map(|(path, _)| path.clone()));
            paths
        });
        roots.collect()
    };
    let mut seen = BTreeSet::new();
    for path in paths {
        match look(shared, &path).await {
            Ok(Some((found, version))) => tell(client, shared, &path, version, found).await,
            Ok(None) => continue,
            // A change: its own turn comes at once.
            Err(()) => return,
        }
        seen.insert(path);
    }
    forget(client, shared, &seen).await;
}

/// Tells the editor of a file's findings, where they differ from what it knows.
async fn tell(
    client: &Client,
    shared: &Arc<Shared>,
    path: &str,
    version: Option<i32>,
    found: Vec<lsp::Diagnostic>,
) {
    let state = (hash_of(&found), version);
    {
        let mut published = shared.published.lock().await;
        let known = published.told.get(path);
        let nothing_new =
            known == Some(&state) || (known.is_none() && found.is_empty() && version.is_none());
        // What is about an older text than the editor was told of is stale.
        let stale = matches!(
            (known, version),
            (Some((_, Some(told))), Some(now)) if *told > now
        );
        if nothing_new || stale {
            return;
        }
        published.told.insert(path.to_owned(), state);
    }
    let uri = shared.editor().uri(path);
    if let Some(uri) = uri {
        client.publish_diagnostics(uri, found, version).await;
    }
}

fn hash_of(found: &[lsp::Diagnostic]) -> u64 {
    let mut hasher = DefaultHasher::new();
    serde_json::to_string(found)
        .unwrap_or_default()
        .hash(&mut hasher);
    hasher.finish()
}

/// What is said of a file that cannot be read.
fn unreadable(why: Vec<String>) -> Vec<lsp::Diagnostic> {
    let diagnostics = why.into_iter().map(|message| lsp::Diagnostic {
        severity: Some(lsp::DiagnosticSeverity::ERROR),
        source: Some("counterplay".into()),
        message,
        ..lsp::Diagnostic::default()
    });
    diagnostics.collect()
}

/// Takes back what was said of files that are gone.
async fn forget(client: &Client, shared: &Arc<Shared>, seen: &BTreeSet<String>) {
    let gone: Vec<String> = {
        let mut published = shared.published.lock().await;
        let gone = published.told.keys().filter(|path| !seen.contains(*path));
        let gone: Vec<String> = gone.cloned().collect();
        for path in &gone {
            published.told.remove(path);
        }
        gone
    };
    for path in gone {
        let uri = shared.editor().uri(&path);
        if let Some(uri) = uri {
            client.publish_diagnostics(uri, Vec::new(), None).await;
        }
    }
}
