//! The protocol's methods, each a translation around one feature.

use super::ask::Document;
use super::convert::{self, Places};
use super::open::{self, Editor};
use super::{Server, capabilities, publish, uri};
use crate::features::{
    actions, completion, definition, folding, formatting, hints, hover, library, machine,
    references, rename, signature, symbols, tokens,
};
use crate::text::{Edit, Position};
use serde::{Deserialize, Serialize};
use std::sync::atomic::Ordering;
use tower_lsp::LanguageServer;
use tower_lsp::jsonrpc::{Error, ErrorCode, Result};
use tower_lsp::ls_types::request::{GotoDeclarationParams, GotoDeclarationResponse};
use tower_lsp::ls_types::*;

/// Which playbook is drawn.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MachineParams {
    text_document: TextDocumentIdentifier,
    position: tower_lsp::ls_types::Position,
}

/// A drawing of a state machine.
#[derive(Debug, Serialize)]
pub(crate) struct MachineAnswer {
    title: String,
    mermaid: String,
    dot: String,
}

/// Which text is read.
#[derive(Debug, Deserialize)]
pub(crate) struct ContentParams {
    uri: Uri,
}

/// A text.
#[derive(Debug, Serialize)]
pub(crate) struct ContentAnswer {
    text: &'static str,
}

/// Something that cannot be done, in a sentence for people.
fn refused(why: impl Into<String>) -> Error {
    Error {
        code: ErrorCode::ServerError(-32803), // RequestFailed
        message: std::borrow::Cow::Owned(why.into()),
        data: None,
    }
}

impl Server {
    /// Something has changed: findings are looked for, those of this document first.
    async fn changed(&self, path: Option<String>) {
        if path.is_some() {
            self.shared.published.lock().await.urgent = path;
        }
        self.shared.changed.notify_one();
    }

    /// Asks for something that names places in other files.
    async fn ask_places<T: Send + 'static>(
        &self,
        uri: &Uri,
        f: impl FnOnce(&Document, &mut Places<'_>) -> T + Send + 'static,
    ) -> Result<Option<T>> {
        let shared = self.shared.clone();
        let answer = self.ask(uri, move |document| {
            let editor = shared.editor();
            let mut places = Places::new(&document.snapshot, &editor, document.encoding);
            f(document, &mut places)
        });
        answer.await
    }

    pub(crate) async fn machine(&self, params: MachineParams) -> Result<Option<MachineAnswer>> {
        let at = params.position;
        let drawing = self.ask(&params.text_document.uri, move |document| {
            machine::machine(&document.snapshot, document.file, document.offset(at))
        });
        match drawing.await? {
            Some(Err(why)) => Err(refused(why)),
            Some(Ok(Some(drawing))) => Ok(Some(MachineAnswer {
                title: drawing.title,
                mermaid: drawing.mermaid,
                dot: drawing.dot,
            })),
            Some(Ok(None)) | None => Ok(None),
        }
    }

    pub(crate) async fn content(&self, params: ContentParams) -> Result<ContentAnswer> {
        let path = uri::path_of(&params.uri);
        let text = library::text(&path).map_err(refused)?;
        Ok(ContentAnswer { text })
    }
}

impl LanguageServer for Server {
    async fn initialize(&self, params: InitializeParams) -> Result<InitializeResult> {
        let encoding = open::encoding(&params);
        let mut world = self.shared.world.lock().await;
        world.encoding = encoding;
        drop(world);
        let editor = Editor::new(&params);
        self.shared.learn(|known| *known = editor);
        Ok(InitializeResult {
            capabilities: capabilities::capabilities(encoding),
            server_info: Some(ServerInfo {
                name: "counterplay".into(),
                version: Some(env!("CARGO_PKG_VERSION").into()),
            }),
            ..InitializeResult::default()
        })
    }

    async fn initialized(&self, _: InitializedParams) {
        let mut world = self.shared.world.lock().await;
        let editor = self.shared.editor();
        tokio::task::block_in_place(|| {
            for folder in &editor.folders {
                world.add_folder(folder);
            }
        });
        drop(world);
        tokio::spawn(publish::run(self.client.clone(), self.shared.clone()));
        self.changed(None).await;
        if editor.watches_files {
            let client = self.client.clone();
            tokio::spawn(async move {
                // Made 1, changed 2, removed 4. A folder that comes or goes is often reported without its files.
                let watchers = [("**/*.play", 7), ("**/counterplay.toml", 7), ("**/*", 5)]
                    .map(|(glob, kind)| serde_json::json!({ "globPattern": glob, "kind": kind }));
                let registration = Registration {
                    id: "files".into(),
                    method: "workspace/didChangeWatchedFiles".into(),
                    register_options: Some(serde_json::json!({ "watchers": watchers })),
                };
                if client
                    .register_capability(vec![registration])
                    .await
                    .is_err()
                {
                    tracing::warn!("the editor does not watch files, although it said that it can");
                }
            });
        }
    }

    async fn shutdown(&self) -> Result<()> {
        self.shared.shut_down.store(true, Ordering::SeqCst);
        Ok(())
    }

    async fn did_open(&self, params: DidOpenTextDocumentParams) {
        let mut world = self.shared.world.lock().await;
        let document = params.text_document;
        let path = uri::path_of(&document.uri);
        self.shared.learn(|editor| {
            editor.uris.insert(path.clone(), document.uri.clone());
        });
        tokio::task::block_in_place(|| world.open(&path, document.version, &document.text));
        drop(world);
        self.changed(Some(path)).await;
    }

    async fn did_change(&self, params: DidChangeTextDocumentParams) {
        let mut world = self.shared.world.lock().await;
        let path = uri::path_of(&params.text_document.uri);
        let position = |at: tower_lsp::ls_types::Position| Position {
            line: at.line,
            character: at.character,
        };
        let edits: Vec<Edit> = params
            .content_changes
            .into_iter()
            .map(|change| Edit {
                range: change
                    .range
                    .map(|range| (position(range.start), position(range.end))),
                text: change.text,
            })
            .collect();
        let version = params.text_document.version;
        tokio::task::block_in_place(|| world.change(&path, version, &edits));
        drop(world);
        self.changed(Some(path)).await;
    }

    async fn did_close(&self, params: DidCloseTextDocumentParams) {
        let mut world = self.shared.world.lock().await;
        let path = uri::path_of(&params.text_document.uri);
        tokio::task::block_in_place(|| world.close(&path));
        drop(world);
        // Opened again, it counts its versions anew.
        self.shared.published.lock().await.closed(&path);
        self.changed(None).await;
    }

    async fn did_change_watched_files(&self, params: DidChangeWatchedFilesParams) {
        let mut world = self.shared.world.lock().await;
        let mut paths: Vec<String> = params
            .changes
            .iter()
            .map(|c| uri::path_of(&c.uri))
            .collect();
        paths.retain(|path| world.concerns(path));
        if paths.is_empty() {
            return;
        }
        tokio::task::block_in_place(|| {
            for path in &paths {
                world.disk_changed(path);
            }
        });
        drop(world);
        self.changed(None).await;
    }

    async fn did_change_workspace_folders(&self, params: DidChangeWorkspaceFoldersParams) {
        let mut world = self.shared.world.lock().await;
        tokio::task::block_in_place(|| {
            for folder in &params.event.removed {
                world.remove_folder(std::path::Path::new(&uri::path_of(&folder.uri)));
            }
            for folder in &params.event.added {
                world.add_folder(std::path::Path::new(&uri::path_of(&folder.uri)));
            }
        });
        drop(world);
        self.changed(None).await;
    }

    async fn hover(&self, params: HoverParams) -> Result<Option<Hover>> {
        let at = params.text_document_position_params;
        let answer = self.ask(&at.text_document.uri, move |document| {
            let offset = document.offset(at.position);
            let hover = hover::hover(&document.snapshot, document.file, offset)?;
            Some(Hover {
                range: Some(convert::range(&document.lines(), &hover.range)),
                contents: HoverContents::Markup(convert::markdown(hover.text)),
            })
        });
        Ok(answer.await?.flatten())
    }

    async fn completion(&self, params: CompletionParams) -> Result<Option<CompletionResponse>> {
        let at = params.text_document_position;
        let uri = at.text_document.uri.clone();
        let snippets = self.shared.editor().snippets;
        let blank = params
            .context
            .is_some_and(|c| c.trigger_character.as_deref() == Some(" "));
        let answer = self.ask(&at.text_document.uri, move |document| {
            let offset = document.offset(at.position);
            // A blank asks only behind a word of the language, or every sentence of a comment would.
            if blank && !completion::after_keyword(&document.snapshot, document.file, offset) {
                return None;
            }
            let found = completion::completion(&document.snapshot, document.file, offset);
            let replaces = convert::range(&document.lines(), &found.replaces);
            let items = found
                .items
                .into_iter()
                .map(|item| convert::suggestion(document, &uri, snippets, replaces, item));
            Some(CompletionResponse::Array(items.collect()))
        });
        Ok(answer.await?.flatten())
    }

    async fn completion_resolve(&self, mut item: CompletionItem) -> Result<CompletionItem> {
        #[derive(Deserialize)]
        struct Data {
            uri: Uri,
            module: String,
            name: String,
        }
        let data = item.data.clone();
        let Some(Ok(data)) = data.map(serde_json::from_value::<Data>) else {
            return Ok(item);
        };
        let page = self.ask(&data.uri, move |document| {
            completion::resolve(&document.snapshot, &data.module, &data.name)
        });
        if let Some(Some(page)) = page.await? {
            item.documentation = Some(Documentation::MarkupContent(convert::markdown(page)));
        }
        Ok(item)
    }

    async fn signature_help(&self, params: SignatureHelpParams) -> Result<Option<SignatureHelp>> {
        let at = params.text_document_position_params;
        let answer = self.ask(&at.text_document.uri, move |document| {
            let offset = document.offset(at.position);
            signature::signature(&document.snapshot, document.file, offset)
        });
        Ok(answer.await?.flatten().map(convert::signature))
    }

    async fn goto_definition(
        &self,
        params: GotoDefinitionParams,
    ) -> Result<Option<GotoDefinitionResponse>> {
        let at = params.text_document_position_params;
        let answer = self.ask_places(&at.text_document.uri, move |document, places| {
            let offset = document.offset(at.position);
            let found = definition::definition(&document.snapshot, document.file, offset)?;
            places
                .location(&found.to)
                .map(GotoDefinitionResponse::Scalar)
        });
        Ok(answer.await?.flatten())
    }

    async fn goto_declaration(
        &self,
        params: GotoDeclarationParams,
    ) -> Result<Option<GotoDeclarationResponse>> {
        self.goto_definition(params).await
    }

    async fn references(
        &self,
        params: ReferenceParams,
    ) -> Result<Option<Vec<tower_lsp::ls_types::Location>>> {
        let at = params.text_document_position;
        let declaration = params.context.include_declaration;
        let answer = self.ask_places(&at.text_document.uri, move |document, places| {
            let offset = document.offset(at.position);
            let found =
                references::references(&document.snapshot, document.file, offset, declaration)?;
            Some(found.iter().filter_map(|at| places.location(at)).collect())
        });
        Ok(answer.await?.flatten())
    }

    async fn document_highlight(
        &self,
        params: DocumentHighlightParams,
    ) -> Result<Option<Vec<DocumentHighlight>>> {
        let at = params.text_document_position_params;
        let answer = self.ask(&at.text_document.uri, move |document| {
            let offset = document.offset(at.position);
            let found = references::highlight(&document.snapshot, document.file, offset)?;
            let lines = document.lines();
            let marks = found.into_iter().map(|mark| DocumentHighlight {
                range: convert::range(&lines, &mark.range),
                kind: Some(if mark.defines {
                    DocumentHighlightKind::WRITE
                } else {
                    DocumentHighlightKind::READ
                }),
            });
            Some(marks.collect())
        });
        Ok(answer.await?.flatten())
    }

    async fn prepare_rename(
        &self,
        params: TextDocumentPositionParams,
    ) -> Result<Option<PrepareRenameResponse>> {
        let at = params.position;
        let answer = self.ask(&params.text_document.uri, move |document| {
            let (range, placeholder) =
                rename::prepare(&document.snapshot, document.file, document.offset(at))?;
            Ok::<_, String>(PrepareRenameResponse::RangeWithPlaceholder {
                range: convert::range(&document.lines(), &range),
                placeholder,
            })
        });
        answer.await?.transpose().map_err(refused)
    }

    async fn rename(&self, params: RenameParams) -> Result<Option<WorkspaceEdit>> {
        let at = params.text_document_position;
        let new = params.new_name;
        let answer = self.ask_places(&at.text_document.uri, move |document, places| {
            let offset = document.offset(at.position);
            let edits = rename::rename(&document.snapshot, document.file, offset, &new)?;
            Ok::<_, String>(places.edit(&edits))
        });
        answer.await?.transpose().map_err(refused)
    }

    async fn document_symbol(
        &self,
        params: DocumentSymbolParams,
    ) -> Result<Option<DocumentSymbolResponse>> {
        let nested = self.shared.editor().nested_symbols;
        let uri = params.text_document.uri.clone();
        let answer = self.ask(&params.text_document.uri, move |document| {
            let lines = document.lines();
            let found = symbols::symbols(&document.snapshot, document.file);
            if nested {
                let tree = found.into_iter();
                DocumentSymbolResponse::Nested(tree.map(|s| convert::outline(&lines, s)).collect())
            } else {
                DocumentSymbolResponse::Flat(convert::flat(&lines, &uri, found))
            }
        });
        answer.await
    }

    async fn symbol(
        &self,
        params: WorkspaceSymbolParams,
    ) -> Result<Option<WorkspaceSymbolResponse>> {
        let (snapshots, encoding) = {
            let world = self.shared.world.lock().await;
            (world.snapshots(), world.encoding)
        };
        let (shared, word) = (self.shared.clone(), params.query);
        let found = super::ask::compute_all(snapshots, move |snapshots| {
            let editor = shared.editor();
            let mut out: Vec<SymbolInformation> = Vec::new();
            for snapshot in snapshots {
                let mut places = Places::new(snapshot, &editor, encoding);
                for (name, kind, at) in symbols::of_project(snapshot, &word) {
                    // Projects share the library.
                    if let Some(at) = places.location(&at)
                        && !out.iter().any(|s| s.name == name && s.location == at)
                    {
                        out.push(convert::information(name, kind, at));
                    }
                }
            }
            out
        });
        match found.await? {
            Some(found) => Ok(Some(WorkspaceSymbolResponse::Flat(found))),
            None => Err(Error::content_modified()),
        }
    }

    async fn code_action(&self, params: CodeActionParams) -> Result<Option<CodeActionResponse>> {
        let only = params.context.only;
        let wants = move |kind: &CodeActionKind| match &only {
            None => *kind != CodeActionKind::SOURCE_FIX_ALL,
            Some(kinds) => kinds.iter().any(|k| {
                kind.as_str() == k.as_str()
                    || kind.as_str().starts_with(&format!("{}.", k.as_str()))
            }),
        };
        let at = params.range;
        let shared = self.shared.clone();
        let answer = self.ask_text(&params.text_document.uri, move |text| {
            let editor = shared.editor();
            let mut places = Places::new(&text.snapshot, &editor, text.encoding);
            let mut out = Vec::new();
            let lines = text.lines();
            if wants(&CodeActionKind::QUICKFIX) {
                let range = text.range(at);
                for action in actions::actions(&text.snapshot, &text.path, &range) {
                    let mends = places.diagnostic(&lines, &action.finding);
                    out.push(places.action(
                        action.title,
                        CodeActionKind::QUICKFIX,
                        action.preferred,
                        &action.fix,
                        Some(mends),
                    ));
                }
            }
            if wants(&CodeActionKind::SOURCE_FIX_ALL)
                && let Some(fix) = actions::fix_all(&text.snapshot, &text.path)
            {
                let kind = CodeActionKind::SOURCE_FIX_ALL;
                out.push(places.action(fix.title.clone(), kind, true, &fix, None));
            }
            out
        });
        answer.await
    }

    async fn semantic_tokens_full(
        &self,
        params: SemanticTokensParams,
    ) -> Result<Option<SemanticTokensResult>> {
        let answer = self.ask(&params.text_document.uri, |document| {
            let found = tokens::tokens(&document.snapshot, document.file);
            SemanticTokensResult::Tokens(convert::tokens(&document.lines(), &found))
        });
        answer.await
    }

    async fn inlay_hint(&self, params: InlayHintParams) -> Result<Option<Vec<InlayHint>>> {
        let range = params.range;
        let answer = self.ask(&params.text_document.uri, move |document| {
            let lines = document.lines();
            let found = hints::hints(&document.snapshot, document.file, &document.range(range));
            let shown = found.into_iter().map(|hint| convert::hint(&lines, hint));
            shown.collect::<Vec<_>>()
        });
        answer.await
    }

    async fn formatting(&self, params: DocumentFormattingParams) -> Result<Option<Vec<TextEdit>>> {
        let answer = self.ask(&params.text_document.uri, |document| {
            let lines = document.lines();
            let changes = formatting::formatting(&document.snapshot, document.file);
            let edits = changes.into_iter();
            edits
                .map(|(at, text)| TextEdit::new(convert::range(&lines, &at), text))
                .collect()
        });
        answer.await
    }

    async fn folding_range(&self, params: FoldingRangeParams) -> Result<Option<Vec<FoldingRange>>> {
        let answer = self.ask(&params.text_document.uri, |document| {
            let lines = document.lines();
            let found = folding::folding(&document.snapshot, document.file);
            let shown = found.iter().map(|fold| convert::fold(&lines, fold));
            shown.filter(|f| f.end_line > f.start_line).collect()
        });
        answer.await
    }
}
