"""What the text looks like: colours, hints, folds and layout."""

import pytest
from lsprotocol import types

import text as texts
from conftest import EXAMPLES
from sources import HOUSE_TEXT, USER_TEXT

LOST = "playbooks/lost_device.play"
RESPONSE = '''use microsoft.(intune, entra)
use notify, ticket

// Two lines
// of a comment.

/// Documentation with an emoji 🙂 in it.
playbook row "A Row 🙂" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    let case = ticket.create(title: "🙂 {drift.device.name} é {drift.owner.name}", priority: high)
    ticket.note(case, "x")
  }
  wait 2h
  then {
    ticket.note(case, "later")
  }
  escalate after 4h {
    entra.reset_password(drift.owner)
  }
}
'''


async def decoded(document):
    """The tokens: range, type and modifiers by name."""
    legend = document.editor.server.capabilities.semantic_tokens_provider.legend
    answer = await document.ask("semantic_tokens_full", types.SemanticTokensParams(document.id))
    data = answer.data
    assert len(data) % 5 == 0
    lines = document.text.split("\n")
    out, line, start, end = [], 0, 0, 0
    for i in range(0, len(data), 5):
        down, right, length, kind, bits = data[i : i + 5]
        assert down >= 0 and right >= 0 and length > 0
        line, start = line + down, right if down else start + right
        assert line < len(lines)
        assert start + length <= texts.units(lines[line].rstrip("\r"), document.editor.encoding), "a token ends in its line"
        if out and down == 0:
            assert start >= end, "tokens do not overlap"
        end = start + length
        where = types.Range(types.Position(line, start), types.Position(line, end))
        modifiers = {name for n, name in enumerate(legend.token_modifiers) if bits >> n & 1}
        assert bits >> len(legend.token_modifiers) == 0
        out.append((document.covered(where), legend.token_types[kind], modifiers, line))
    return out


@pytest.mark.parametrize("text", [RESPONSE, HOUSE_TEXT, USER_TEXT, RESPONSE.replace("\n", "\r\n"), "", "playbook \"🙂", RESPONSE[:300]])
async def test_tokens_are_sorted_and_inside_of_their_lines(row, text):
    document = row(text)
    tokens = await decoded(document)
    if "then" in text:
        assert len(tokens) > 20


async def test_what_words_are(row):
    document = row(RESPONSE)
    tokens = await decoded(document)

    def of(word, line):
        [number] = [n for n, text in enumerate(document.text.split("\n")) if line in text]
        return {(kind, frozenset(modifiers)) for text, kind, modifiers, at in tokens if text == word and at == number}

    [(kind, modifiers)] = of("reset_password", "entra.reset_password")
    assert kind == "function" and {"disruptive", "defaultLibrary"} <= modifiers
    [(kind, modifiers)] = of("note", '"later"')
    assert kind == "function" and not modifiers & {"disruptive", "destructive"}
    assert {kind for kind, _ in of("high", "let case")} == {"enumMember"}
    assert {kind for kind, _ in of("drift", "as drift")} == {"variable"}
    assert {"declaration"} <= next(iter(of("drift", "as drift")))[1]
    assert {kind for kind, _ in of("name", "let case")} == {"property"}, "names inside of a text are names"
    assert {kind for kind, _ in of("playbook", "playbook row")} == {"keyword"}
    assert {kind for kind, _ in of("noncompliant", "when intune")} == {"event"}
    assert {kind for kind, _ in of("intune", "when intune")} == {"namespace"}
    assert {kind for kind, _ in of("2h", "wait 2h")} == {"number"}
    [(kind, modifiers)] = of("/// Documentation with an emoji 🙂 in it.", "/// Doc")
    assert kind == "comment" and "documentation" in modifiers
    assert "string" in {kind for text, kind, _, _ in tokens if "🙂 " in text and text.startswith('"')}


async def test_the_wipe_stands_out(editor):
    document = editor.open(LOST)
    tokens = await decoded(document)
    [(_, kind, modifiers, _)] = [token for token in tokens if token[0] == "wipe"]
    assert kind == "function" and "destructive" in modifiers
    assert {token[0] for token in tokens if "destructive" in token[2]} == {"wipe"}
    assert {token[0] for token in tokens if "disruptive" in token[2]} == {"remote_lock"}


async def hints(document, where=None):
    answer = await document.ask("inlay_hint", types.InlayHintParams(document.id, where or document.all()))
    out = []
    for hint in answer or []:
        label = hint.label if isinstance(hint.label, str) else "".join(part.value for part in hint.label)
        at = texts.offset(document.text, hint.position, document.editor.encoding)
        before = document.text[:at].rsplit("\n", 1)[-1].strip()
        out.append((before, label, hint.kind))
    return out


async def test_hints_say_when_stages_come(row):
    document = row(RESPONSE)
    found = await hints(document)
    told = {(before, label) for before, label, _ in found}
    assert ("then", "at the start") in told
    assert ("wait 2h", "ends 2h after the start") in told
    assert ("then", "2h after the start") in told
    assert ("escalate after 4h", "level 1, 4h after the start") in told
    assert ("let case", ": Ticket") in told
    assert {kind for before, _, kind in found if before == "let case"} == {types.InlayHintKind.Type}


async def test_hints_of_a_range_only(row):
    document = row(RESPONSE)
    everything = await hints(document)
    some = await hints(document, document.range("escalate after 4h {"))
    assert [label for _, label, _ in some] == ["level 1, 4h after the start"]
    assert len(everything) > len(some)


async def test_hints_follow_edits(row):
    document = row(RESPONSE)
    document.replace("wait 2h", "wait 5h")
    told = {(before, label) for before, label, _ in await hints(document)}
    assert ("then", "5h after the start") in told
    assert ("escalate after 4h", "level 1, 5h after the start") in told


async def test_folds(row):
    document = row(RESPONSE)
    folds = await document.ask("folding_range", types.FoldingRangeParams(document.id))
    lines = document.text.split("\n")
    for fold in folds:
        assert 0 <= fold.start_line < fold.end_line < len(lines)
    told = {(lines[fold.start_line].strip(), fold.kind) for fold in folds}
    assert ("use microsoft.(intune, entra)", types.FoldingRangeKind.Imports) in told
    assert ("// Two lines", types.FoldingRangeKind.Comment) in told
    assert ('playbook row "A Row 🙂" {', None) in told
    assert ("escalate after 4h {", None) in told
    playbook = next(fold for fold in folds if lines[fold.start_line].startswith("playbook"))
    assert lines[playbook.end_line + 1] == "}", "the closing brace stays"


async def formatted(document) -> str:
    """The document's text as the server lays it out."""
    assert document.editor.server.capabilities.document_formatting_provider
    options = types.FormattingOptions(tab_size=2, insert_spaces=True)
    edits = await document.ask("formatting", types.DocumentFormattingParams(document.id, options))
    return texts.applied(document.text, edits or [], document.editor.encoding)


MESSY = '''use notify,ticket
use microsoft.(intune,entra)
playbook row "A Row 🙂" {
when intune.noncompliant as drift
      if drift.owner is present
  then {
  let case=ticket.create(title:"🙂  {drift.device.name}",priority:high)   
        // a comment
    ticket.note( case , "x" )


      }
}
'''


async def test_a_layout_is_stable_and_means_the_same(row):
    document = row(MESSY)
    assert not [f for f in await document.looked_at() if f.severity == 1]
    once = await formatted(document)
    assert once != MESSY
    assert '"🙂  {drift.device.name}"' in once and "// a comment" in once, "texts and comments stay"
    assert sorted("".join(once.split())) == sorted("".join(MESSY.split())), "only blanks, and the order of imports"
    for line in once.split("\n"):
        assert line == line.rstrip()
    assert "\n    let case = ticket.create(" in once
    document.write(once)
    assert not [f for f in await document.looked_at() if f.severity == 1]
    assert await formatted(document) == once


async def test_lines_that_cannot_be_read_stay_as_they_are(row):
    broken = "    ticket.note( case ,,   (   \"x\" "
    text = MESSY.replace('    ticket.note( case , "x" )', broken)
    assert broken in text
    document = row(text)
    once = await formatted(document)
    assert broken.strip() in once
    document.write(once)
    assert await formatted(document) == once


async def test_a_text_that_is_laid_out_is_not_touched(row):
    document = row((EXAMPLES / "lost-device" / LOST).read_text())
    assert await formatted(document) == document.text


async def test_line_ends_stay(row):
    document = row(MESSY.replace("\n", "\r\n"))
    once = await formatted(document)
    assert once.count("\n") == once.count("\r\n")
