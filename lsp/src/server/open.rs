//! What an editor says of itself in, what the server has to mind of it out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use tower_lsp::ls_types::{InitializeParams, PositionEncodingKind, Uri};

use super::uri;
use crate::text::Encoding;

/// An editor.
#[derive(Clone, Default)]
pub(crate) struct Editor {
    /// Whether suggestions may hold places to fill in.
    pub(crate) snippets: bool,
    /// Whether outlines may be trees.
    pub(crate) nested_symbols: bool,
    /// Whether it tells of files that changed on the disk, if it is asked to.
    pub(crate) watches_files: bool,
    /// Whether findings may carry other places.
    pub(crate) related: bool,
    /// The folders that are open.
    pub(crate) folders: Vec<PathBuf>,
    /// How it writes the addresses of its documents: not every editor escapes the same characters.
    pub(crate) uris: BTreeMap<String, Uri>,
}

impl Editor {
    /// Reads what an editor says of itself.
    #[allow(deprecated)] // Older editors still name one folder only.
    pub(crate) fn new(params: &InitializeParams) -> Editor {
        let document = params.capabilities.text_document.as_ref();
        let workspace = params.capabilities.workspace.as_ref();
        let mut folders: Vec<Uri> = params
            .workspace_folders
            .iter()
            .flatten()
            .map(|folder| folder.uri.clone())
            .collect();
        if folders.is_empty() {
            folders.extend(params.root_uri.clone());
        }
        Editor {
            snippets: document
                .and_then(|d| {
                    d.completion
                        .as_ref()?
                        .completion_item
                        .as_ref()?
                        .snippet_support
                })
                .unwrap_or(false),
            nested_symbols: document
                .and_then(|d| {
                    d.document_symbol
                        .as_ref()?
                        .hierarchical_document_symbol_support
                })
                .unwrap_or(false),
            watches_files: workspace
                .and_then(|w| w.did_change_watched_files.as_ref()?.dynamic_registration)
                .unwrap_or(false),
            related: document
                .and_then(|d| d.publish_diagnostics.as_ref()?.related_information)
                .unwrap_or(false),
            folders: folders
                .iter()
                .map(|folder| PathBuf::from(uri::path_of(folder)))
                .collect(),
            uris: BTreeMap::new(),
        }
    }

    /// The address of a path, as the editor writes it where the document is open.
    pub(crate) fn uri(&self, path: &str) -> Option<Uri> {
        match self.uris.get(path) {
            Some(uri) => Some(uri.clone()),
            None => uri::uri_of(path),
        }
    }
}

/// How characters are counted: in bytes where the editor can, because that is what the compiler does.
pub(crate) fn encoding(params: &InitializeParams) -> Encoding {
    let offered = params
        .capabilities
        .general
        .as_ref()
        .and_then(|general| general.position_encodings.as_ref());
    match offered {
        Some(kinds) if kinds.contains(&PositionEncodingKind::UTF8) => Encoding::Utf8,
        _ => Encoding::Utf16,
    }
}
