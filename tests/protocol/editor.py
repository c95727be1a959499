"""An editor: a pytest-lsp client with documents, and with what the server has said of each."""

import asyncio
from pathlib import Path

from lsprotocol import types
from pytest_lsp import LanguageClient
from pytest_lsp.client import DEFAULT_CLIENT_FEATURES, register_lsp_features
from pygls.protocol import default_converter

import text as texts

TIMEOUT = 10.0
"""Seconds after which something that should have come has not."""


def make_client() -> LanguageClient:
    """A client that keeps every publication of findings."""
    client = LanguageClient(converter_factory=default_converter)
    client.published = []
    client.news = asyncio.Event()
    client.registrations = []

    def publish(params: types.PublishDiagnosticsParams):
        client.published.append(params)
        client.news.set()

    def register(params: types.RegistrationParams):
        client.registrations.extend(params.registrations)
        client.news.set()

    features = dict(DEFAULT_CLIENT_FEATURES)
    features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = publish
    features[types.CLIENT_REGISTER_CAPABILITY] = register
    register_lsp_features(client, features)
    return client


def capabilities(encoding: str, *, snippets=True, nested=True, related=True, watch=True) -> types.ClientCapabilities:
    """What the editor says that it can do."""
    return types.ClientCapabilities(
        general=types.GeneralClientCapabilities(
            position_encodings=["utf-8", "utf-16"] if encoding == "utf-8" else ["utf-16"],
        ),
        workspace=types.WorkspaceClientCapabilities(
            workspace_folders=True,
            did_change_watched_files=types.DidChangeWatchedFilesClientCapabilities(dynamic_registration=watch),
        ),
        text_document=types.TextDocumentClientCapabilities(
            completion=types.CompletionClientCapabilities(
                completion_item=types.ClientCompletionItemOptions(
                    snippet_support=snippets,
                    documentation_format=[types.MarkupKind.Markdown, types.MarkupKind.PlainText],
                    resolve_support=types.ClientCompletionItemResolveOptions(properties=["documentation"]),
                )
            ),
            document_symbol=types.DocumentSymbolClientCapabilities(hierarchical_document_symbol_support=nested),
            publish_diagnostics=types.PublishDiagnosticsClientCapabilities(
                related_information=related, version_support=True, code_description_support=True
            ),
            code_action=types.CodeActionClientCapabilities(
                code_action_literal_support=types.ClientCodeActionLiteralOptions(
                    code_action_kind=types.ClientCodeActionKindOptions(value_set=["", "quickfix", "source.fixAll"])
                )
            ),
        ),
    )


class Editor:
    """One server, one project."""

    def __init__(self, client: LanguageClient, root: Path, encoding: str):
        self.client, self.root, self.encoding = client, root, encoding
        self.server: types.InitializeResult | None = None

    async def start(self, **can) -> types.InitializeResult:
        self.server = await asyncio.wait_for(
            self.client.initialize_session(
                types.InitializeParams(
                    capabilities=capabilities(self.encoding, **can),
                    workspace_folders=[types.WorkspaceFolder(uri=self.root.as_uri(), name=self.root.name)],
                    root_uri=self.root.as_uri(),
                )
            ),
            TIMEOUT,
        )
        return self.server

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def open(self, name: str, text: str | None = None) -> "Document":
        """Opens a file: with the disk's text, or with another."""
        if text is None:
            text = (self.root / name).read_bytes().decode("utf-8")
        return Document(self, self.uri(name), text)

    def offset(self, text: str, at: types.Position) -> int:
        return texts.offset(text, at, self.encoding)

    def disk(self, name: str, text: str | None):
        """Makes, changes or removes a file, and tells."""
        path = self.root / name
        if text is None:
            path.unlink()
            kind = types.FileChangeType.Deleted
        else:
            kind = types.FileChangeType.Changed if path.exists() else types.FileChangeType.Created
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        self.client.workspace_did_change_watched_files(
            types.DidChangeWatchedFilesParams(changes=[types.FileEvent(uri=path.as_uri(), type=kind)])
        )

    async def until(self, what, why: str, timeout: float = TIMEOUT):
        """Waits for something to become true; looks whenever the server has said something."""

        async def wait():
            while not (found := what()):
                self.client.news.clear()
                await self.client.news.wait()
            return found

        try:
            return await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            said = [(p.uri.rsplit("/", 1)[-1], p.version, [d.code for d in p.diagnostics]) for p in self.client.published]
            raise AssertionError(f"{why}: not within {timeout} s; published: {said[-20:]}") from None

    def said(self, uri: str) -> types.PublishDiagnosticsParams | None:
        """What was last published for an address."""
        return next((p for p in reversed(self.client.published) if p.uri == uri), None)

    async def findings(self, uri: str, codes: list[str], timeout: float = TIMEOUT) -> list[types.Diagnostic]:
        """Waits until an address has findings with just these codes."""

        def there():
            last = self.said(uri)
            return last and sorted(d.code or "" for d in last.diagnostics) == sorted(codes) and [last]

        [last] = await self.until(there, f"findings {codes} of {uri}", timeout)
        return list(last.diagnostics)

    def covered(self, text: str, where: types.Range) -> str:
        return texts.covered(text, where, self.encoding)

    async def ask(self, request, params, timeout: float = TIMEOUT):
        """A request; one that an edit overtook is asked again, as editors do."""
        from pygls.exceptions import JsonRpcException

        for _ in range(20):
            try:
                return await asyncio.wait_for(request(params), timeout)
            except JsonRpcException as error:
                if error.code != types.LSPErrorCodes.ContentModified:
                    raise
        raise AssertionError("the server never gets to answer")

    async def library(self, uri: str) -> str:
        """A text that only the server has."""
        answer = await asyncio.wait_for(
            self.client.workspace_text_document_content_async(types.TextDocumentContentParams(uri=uri)), TIMEOUT
        )
        return answer.text

    async def text_of(self, uri: str, *documents: "Document") -> str:
        """The text of an address: of an open document, of the library, or of the disk."""
        for document in documents:
            if document.uri == uri:
                return document.text
        if uri.startswith("std:"):
            return await self.library(uri)
        from urllib.parse import unquote, urlparse

        return Path(unquote(urlparse(uri).path)).read_bytes().decode("utf-8")


class Document:
    """An open document."""

    def __init__(self, editor: Editor, uri: str, text: str):
        self.editor, self.uri, self.text, self.version = editor, uri, text, 1
        self.id = types.TextDocumentIdentifier(uri=uri)
        editor.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                text_document=types.TextDocumentItem(uri=uri, language_id="counterplay", version=1, text=text)
            )
        )

    # Places.

    def position(self, mark: str | int) -> types.Position:
        """A position: of a character, or of the `|` in a piece of the text."""
        at = mark if isinstance(mark, int) else texts.find(self.text, mark)
        return texts.position(self.text, at, self.editor.encoding)

    def range(self, piece: str) -> types.Range:
        """The range of a piece of the text."""
        at = self.text.index(piece)
        return types.Range(self.position(at), self.position(at + len(piece)))

    def all(self) -> types.Range:
        return types.Range(self.position(0), self.position(len(self.text)))

    def covered(self, where: types.Range) -> str:
        return texts.covered(self.text, where, self.editor.encoding)

    def place(self, mark: str | int) -> dict:
        return {"text_document": self.id, "position": self.position(mark)}

    # Edits.

    def changes(self, *changes):
        """One notification with these changes; `self.text` is for the caller to keep."""
        self.version += 1
        self.editor.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                text_document=types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version),
                content_changes=list(changes),
            )
        )

    def replace(self, old: str, new: str):
        """Replaces a piece of the text: an incremental edit."""
        where = self.range(old)
        self.text = self.text.replace(old, new, 1)
        self.changes(types.TextDocumentContentChangePartial(range=where, text=new))

    def write(self, text: str):
        """Replaces the whole text."""
        self.text = text
        self.changes(types.TextDocumentContentChangeWholeDocument(text=text))

    def close(self):
        self.editor.client.text_document_did_close(types.DidCloseTextDocumentParams(text_document=self.id))

    # Questions.

    async def codes(self, *codes: str, timeout: float = TIMEOUT) -> list[types.Diagnostic]:
        """Waits until this version of the text has findings with just these codes."""

        def there():
            last = self.editor.said(self.uri)
            if not last or last.version != self.version:
                return None
            return sorted(d.code or "" for d in last.diagnostics) == sorted(codes) and [last]

        [last] = await self.editor.until(there, f"findings {codes} of version {self.version} of {self.uri}", timeout)
        return list(last.diagnostics)

    async def looked_at(self, timeout: float = TIMEOUT) -> list[types.Diagnostic]:
        """Waits until something was said about this version of the text."""

        def there():
            last = self.editor.said(self.uri)
            return last and last.version == self.version and [last]

        [last] = await self.editor.until(there, f"findings of version {self.version} of {self.uri}", timeout)
        return list(last.diagnostics)

    async def ask(self, request: str, params):
        return await self.editor.ask(getattr(self.editor.client, f"text_document_{request}_async"), params)

    async def complete(self, at: int, context=None) -> list[types.CompletionItem]:
        answer = await self.ask("completion", types.CompletionParams(**self.place(at), context=context))
        return list(answer.items if isinstance(answer, types.CompletionList) else answer or [])

    async def hover(self, mark) -> str:
        answer = await self.ask("hover", types.HoverParams(**self.place(mark)))
        return answer.contents.value if answer else ""

    async def actions(self, where: types.Range, only=None) -> list[types.CodeAction]:
        params = types.CodeActionParams(self.id, where, types.CodeActionContext(diagnostics=[], only=only))
        return list(await self.ask("code_action", params) or [])
