"""Requests that nobody waits for any more, and answers that an edit has overtaken."""

import asyncio

import pytest
from lsprotocol import types

from conftest import BINARY
from editor import TIMEOUT
from sources import HOUSE, HOUSE_TEXT, USER, USER_TEXT
from wire import Wire

REQUEST_CANCELLED, CONTENT_MODIFIED = -32800, -32801


@pytest.fixture
async def wire(root):
    wire = await Wire.start(BINARY)
    await wire.initialize(root.as_uri())
    yield wire
    await wire.stop()


def opened(wire, root, name, text) -> str:
    uri = (root / name).as_uri()
    document = {"uri": uri, "languageId": "counterplay", "version": 1, "text": text}
    wire.tell("textDocument/didOpen", {"textDocument": document})
    return uri


def hover(uri, line=1, character=8) -> dict:
    return {"textDocument": {"uri": uri}, "position": {"line": line, "character": character}}


async def test_a_cancelled_request_is_answered(wire, root):
    uri = opened(wire, root, USER, USER_TEXT)
    opened(wire, root, HOUSE, HOUSE_TEXT)
    for method, params in [
        ("textDocument/completion", hover(uri, 8, 4)),
        ("textDocument/semanticTokens/full", {"textDocument": {"uri": uri}}),
        ("workspace/symbol", {"query": ""}),
        ("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}, "context": {"diagnostics": []}}),
    ]:
        number = wire.request(method, params)
        wire.tell("$/cancelRequest", {"id": number})
        answer = await wire.answer(number)
        assert "result" in answer or answer["error"]["code"] == REQUEST_CANCELLED, answer
    answer = await wire.ask("textDocument/hover", hover(uri))
    assert answer["result"]["contents"]["value"]


async def test_many_cancelled_requests_are_each_answered_once(wire, root):
    uri = opened(wire, root, USER, USER_TEXT)
    numbers = [wire.request("textDocument/completion", hover(uri, 8, 4)) for _ in range(60)]
    for number in reversed(numbers):
        wire.tell("$/cancelRequest", {"id": number})
    answers = {number: await wire.answer(number) for number in numbers}
    assert all("result" in a or a["error"]["code"] == REQUEST_CANCELLED for a in answers.values()), answers
    assert "result" in await wire.ask("textDocument/hover", hover(uri))
    assert [other for other in wire.others if "method" not in other] == [], "no request is answered twice"


async def test_cancelling_what_is_not_there_breaks_nothing(wire, root):
    uri = opened(wire, root, USER, USER_TEXT)
    for number in [9999, "a-text", -1]:
        wire.tell("$/cancelRequest", {"id": number})
    answered = wire.request("textDocument/hover", hover(uri))
    await wire.answer(answered)
    wire.tell("$/cancelRequest", {"id": answered})
    wire.tell("$/cancelRequest", {})
    assert "result" in await wire.ask("textDocument/hover", hover(uri))
    assert [other for other in wire.others if "method" not in other] == []


async def test_requests_between_edits_are_answered_for_some_text_of_then_or_refused(wire, root):
    uri = opened(wire, root, USER, USER_TEXT)
    numbers = []
    for version in range(2, 42):
        text = f"// {version}\n" + USER_TEXT
        change = {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": text}]}
        wire.tell("textDocument/didChange", change)
        numbers.append(wire.request("textDocument/documentSymbol", {"textDocument": {"uri": uri}}))
    for number in numbers:
        answer = await wire.answer(number)
        assert "result" in answer or answer["error"]["code"] in (CONTENT_MODIFIED, REQUEST_CANCELLED), answer
    # Nothing changes any more: the last one has to have its answer.
    assert (await wire.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}}))["result"]


def titled(n: int) -> str:
    return f'playbook burst "Title {n}" {{\n  when every day at 07:00\n  then {{ }}\n}}\n'


async def test_after_a_burst_of_edits_the_last_text_counts(editor):
    document = editor.open("playbooks/burst.play", titled(0))
    for n in range(1, 201):
        document.replace(f"Title {n - 1}", f"Title {n}")
    symbols = await document.ask("document_symbol", types.DocumentSymbolParams(document.id))
    assert [symbol.detail for symbol in symbols] == ["Title 200"]
    page = await document.hover("play|book")
    assert page
    await document.looked_at()


async def test_versions_never_go_back_and_the_last_finding_stands(editor):
    document = editor.open("playbooks/user.play", "use microsoft.intune\n\nsteps look(device: Device) {\n  intune.sync(device)\n}\n")
    for n in range(60):
        document.replace("intune.sync(", "intune.snc(") if n % 2 == 0 else document.replace("intune.snc(", "intune.sync(")
        if n % 7 == 0:
            # A moment for the server: some texts of the middle are looked at, too.
            await document.hover("steps lo|ok")
    document.replace("intune.sync(", "intune.wpe(")
    [finding] = await document.codes("P0201")
    assert "`wpe`" in finding.message
    versions = [p.version for p in editor.client.published if p.uri == document.uri]
    assert versions == sorted(versions), versions
    assert versions[-1] == document.version
    # What was said of a text is about that text.
    for said in editor.client.published:
        if said.uri == document.uri and said.version != document.version:
            assert len(said.diagnostics) == (1 if said.version % 2 == 0 else 0), said


async def test_an_edit_in_one_file_reaches_the_findings_of_the_others(both):
    house, user = both
    house.replace("steps record", "steps recrd")
    await user.editor.findings(user.uri, ["P0201"])
    house.replace("steps recrd", "steps record")
    await user.editor.findings(user.uri, [])
    versions = [p.version for p in user.editor.client.published if p.uri == user.uri]
    assert set(versions) == {1}


async def test_edits_without_an_open_document_are_nobodys(editor):
    document = editor.open("playbooks/user.play", titled(1))
    await document.looked_at()
    document.close()
    document.write(titled(2))
    answer = await editor.ask(editor.client.workspace_symbol_async, types.WorkspaceSymbolParams(query="burst"))
    assert not answer


async def test_many_requests_at_once_are_all_answered(pair):
    _, user = pair
    questions = []
    for n in range(len(user.text)):
        if n % 9 == 0:
            questions.append(user.ask("hover", types.HoverParams(**user.place(n))))
            questions.append(user.ask("completion", types.CompletionParams(**user.place(n))))
            questions.append(user.ask("definition", types.DefinitionParams(**user.place(n))))
            questions.append(user.ask("document_highlight", types.DocumentHighlightParams(**user.place(n))))
    answers = await asyncio.wait_for(asyncio.gather(*questions), 3 * TIMEOUT)
    assert len(answers) == len(questions)
    assert sum(answer is not None for answer in answers) > len(answers) / 4
