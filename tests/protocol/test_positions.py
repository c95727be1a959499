"""Positions: characters of several units, line ends, and edits in order."""

import pytest
from lsprotocol import types

import text as texts

# One emoji (4 bytes, 2 units), one with a modifier, a combining mark, letters of two and three bytes.
STRANGE = '🙂👩🏽‍🚒 é e\u0301 ß 火'
FRAME = '''use microsoft.(intune, entra)
use notify, ticket

playbook row "A Row" {
  when intune.noncompliant as drift
  then {
    notify.teams(team.soc, "STRANGE {drift.device.name} STRANGE")
    notify.teams(team.soc, "STRANGE {drift.device.nme}")
  }
}
'''.replace("STRANGE", STRANGE)


async def test_a_finding_after_strange_characters(row):
    document = row(FRAME)
    [finding] = await document.codes("P0204")
    assert document.covered(finding.range) == "nme"
    actions = await document.actions(finding.range)
    [action] = [a for a in actions if "name" in a.title]
    document.write(texts.applied(document.text, action.edit.changes[document.uri], document.editor.encoding))
    assert await document.codes() == []


async def test_names_after_strange_characters(row):
    document = row(FRAME)
    for mark, word in [("dri|ft.device.name} ", "drift"), ("device.na|me} ", "name"), ("|drift.device.name} ", "drift")]:
        answer = await document.ask("hover", types.HoverParams(**document.place(mark)))
        assert document.covered(answer.range) == word
    marks = await document.ask("document_highlight", types.DocumentHighlightParams(**document.place("as dri|ft")))
    assert [document.covered(mark.range) for mark in marks] == ["drift"] * 3


async def test_completion_after_strange_characters(row):
    text, at = texts.cursor(FRAME.replace("drift.device.nme", "drift.device.pl|"))
    document = row(text)
    [item] = [item for item in await document.complete(at) if item.label == "platform"]
    after = texts.applied(text, [item.text_edit], document.editor.encoding)
    assert "{drift.device.platform}" in after


async def test_rename_after_strange_characters(row):
    document = row(FRAME.replace(".nme", ".name"))
    edit = await document.ask("rename", types.RenameParams(new_name="device", **document.place("as dri|ft")))
    after = texts.applied(document.text, edit.changes[document.uri], document.editor.encoding)
    assert after == document.text.replace("drift", "device")


async def text_of(document) -> list:
    """The ids and titles of the playbooks, as the server reads its copy of the text."""
    symbols = await document.ask("document_symbol", types.DocumentSymbolParams(document.id))
    return [(symbol.name, symbol.detail) for symbol in symbols]


def playbook(name: str, title: str) -> str:
    return f'playbook {name} "{title}" {{\n  when every day at 07:00\n  then {{ }}\n}}\n'


async def test_edits_of_one_notification_are_applied_in_order(row):
    document = row(playbook("alpha", "🙂 One"))
    document.changes(
        edit(0, 9, 0, 14, "beta"),
        # It counts in the text that the edit before it made.
        edit(0, 13, 0, 13, "_2"),
        edit(0, 0, 0, 0, "// above\n\n"),
        edit(2, 9, 2, 15, "gamma"),
    )
    document.text = "// above\n\n" + playbook("gamma", "🙂 One")
    assert await text_of(document) == [("gamma", "🙂 One")]


async def test_edits_after_strange_characters(row):
    document = row(playbook("alpha", f"{STRANGE} One"))
    document.replace("One", "Two")
    assert await text_of(document) == [("alpha", f"{STRANGE} Two")]
    document.replace("🏽", "🏿")
    assert await text_of(document) == [("alpha", f"{STRANGE} Two".replace("🏽", "🏿"))]
    document.replace("e\u0301", "e")
    assert await text_of(document) == [("alpha", f"{STRANGE} Two".replace("🏽", "🏿").replace("e\u0301", "e"))]


async def test_a_whole_text_between_edits(row):
    document = row(playbook("alpha", "One"))
    document.changes(
        edit(0, 9, 0, 14, "lost"),
        types.TextDocumentContentChangeWholeDocument(text=playbook("delta", "🙂")),
        edit(0, 9, 0, 14, "epsilon"),
    )
    assert await text_of(document) == [("epsilon", "🙂")]


async def test_what_lies_behind_the_end_is_the_end(row):
    document = row(playbook("alpha", "One"))
    document.changes(edit(0, 0, 0, 9999, 'playbook beta "Two" {'))
    assert await text_of(document) == [("beta", "Two")], "the line end stays"
    document.changes(edit(999, 0, 999, 5, playbook("gamma", "Three")))
    assert await text_of(document) == [("beta", "Two"), ("gamma", "Three")]
    document.changes(edit(4, 0, 2_147_483_647, 0, playbook("delta", "Four")))
    assert await text_of(document) == [("beta", "Two"), ("delta", "Four")]
    document.changes(edit(0, 0, 2_147_483_647, 2_147_483_647, ""))
    assert await text_of(document) == []


async def test_questions_behind_the_end_are_answered(row):
    document = row(playbook("alpha", "One"))
    for line, character in [(0, 9999), (999, 0), (2_147_483_647, 2_147_483_647)]:
        place = {"text_document": document.id, "position": types.Position(line, character)}
        await document.ask("hover", types.HoverParams(**place))
        await document.ask("completion", types.CompletionParams(**place))
        await document.ask("definition", types.DefinitionParams(**place))
        await document.ask("signature_help", types.SignatureHelpParams(**place))


async def test_the_middle_of_a_character_breaks_nothing(row):
    document = row(playbook("alpha", "🙂"))
    place = {"text_document": document.id, "position": types.Position(0, 17)}
    await document.ask("hover", types.HoverParams(**place))
    document.changes(edit(0, 17, 0, 17, "x"))
    [(name, title)] = await text_of(document)
    assert name == "alpha" and "🙂" in title


@pytest.mark.parametrize("end", ["\r\n", "\n"], ids=["crlf", "lf"])
async def test_line_ends(row, end):
    text = FRAME.replace("\n", end)
    document = row(text)
    [finding] = await document.codes("P0204")
    assert finding.range.start.line == finding.range.end.line == 7
    assert document.covered(finding.range) == "nme"
    line = document.text.split("\n")[6].rstrip("\r")
    # Behind the end of a line is before its line end.
    document.changes(edit(6, 9999, 6, 9999, " // seen"))
    document.text = document.text.replace(line, line + " // seen")
    document.replace("nme", "name")
    assert await document.codes() == []
    document.replace("drift.device.name} ", "drift.device.nme} ")
    [finding] = await document.codes("P0204")
    assert finding.range.start.line == 6 and document.covered(finding.range) == "nme"


async def test_imports_in_files_with_crlf_keep_its_line_ends(row):
    text, at = texts.cursor("use notify\r\n\r\nsteps s(device: Device) {\r\n  |\r\n}\r\n")
    document = row(text)
    [item] = [item for item in await document.complete(at) if item.label.startswith("intune.sync")]
    [more] = item.additional_text_edits
    after = texts.applied(text, [more], document.editor.encoding)
    assert after.count("\n") == after.count("\r\n"), repr(more.new_text)


async def test_an_empty_document(row):
    document = row("")
    assert await document.looked_at() == []
    assert [item.label for item in await document.complete(0) if item.label == "playbook"]
    document.changes(edit(0, 0, 0, 0, playbook("alpha", "One")))
    assert await text_of(document) == [("alpha", "One")]


async def test_a_byte_order_mark_breaks_nothing(row):
    document = row("\ufeff" + playbook("alpha", "One"))
    assert await text_of(document) == [("alpha", "One")]


def edit(line, character, end_line, end_character, text):
    where = types.Range(types.Position(line, character), types.Position(end_line, end_character))
    return types.TextDocumentContentChangePartial(range=where, text=text)
