"""Where names lead: declarations, mentions, outlines."""

import pytest
from lsprotocol import types

from sources import USER


async def leads(document, mark, *documents):
    """The address and the text that a place leads to."""
    answer = await document.ask("definition", types.DefinitionParams(**document.place(mark)))
    if answer is None:
        return None
    if isinstance(answer, (list, tuple)):
        [answer] = answer
    text = await document.editor.text_of(answer.uri, document, *documents)
    name = document.editor.covered(text, answer.range)
    line = text.split("\n")[answer.range.start.line].strip()
    return answer.uri.rsplit("/", 1)[-1], name, line


TABLE = {
    "local": ("note(ca|se, \"Ticket", ("user.play", "case", 'let case = house.record(drift.owner, why: "seen")')),
    "local of an earlier stage": ("note(ca|se, \"late", ("user.play", "case", 'let case = house.record(drift.owner, why: "seen")')),
    "binding": ("{he|ld.visitor", ("user.play", "held", "when house.door_held as held")),
    "action": ("entra.block|_sign_in", ("entra.play", "block_sign_in", "action block_sign_in(user: User) {")),
    "event of the library": ("intune.non|compliant", ("intune.play", "noncompliant", "event noncompliant {")),
    "event": ("house.door|_held", ("house.play", "door_held", "event door_held {")),
    "steps": ("house.rec|ord", ("house.play", "record", "steps record(user: User, why: Text) -> Ticket {")),
    "argument": ("wh|y: \"seen", ("house.play", "why", "steps record(user: User, why: Text) -> Ticket {")),
    "field of an event": ("if held.vis|itor", ("house.play", "visitor", "field visitor: Visitor = Visitor(id: raw.id, badge: raw.badge)")),
    "field": ("visitor.ba|dge == staff", ("house.play", "badge", "badge: Badge")),
    "field of the library": ("{case.num|ber}", ("prelude.play", "number", "number: Text")),
    "member": ("== sta|ff", ("house.play", "staff", "enum Badge { visitor, staff }")),
    "type": ("house.Bad|ge", ("house.play", "Badge", "enum Badge { visitor, staff }")),
    "parameter": ("Bool = |b ==", ("user.play", "b", "define odd(b: house.Badge) -> Bool = b == visitor")),
}


@pytest.mark.parametrize("name", TABLE)
async def test_a_name_leads_to_its_declaration(pair, name):
    house, user = pair
    mark, wanted = TABLE[name]
    assert await leads(user, mark, house) == wanted


async def test_a_module_leads_to_its_file(pair):
    house, user = pair
    answer = await user.ask("definition", types.DefinitionParams(**user.place("|house.record")))
    answer = answer[0] if isinstance(answer, (list, tuple)) else answer
    assert answer.uri == house.uri
    answer = await user.ask("definition", types.DefinitionParams(**user.place("ent|ra.block")))
    answer = answer[0] if isinstance(answer, (list, tuple)) else answer
    assert answer.uri == "std:/microsoft/entra.play"


async def test_a_team_and_a_tenant_lead_into_the_project_file(pair):
    _, user = pair
    for mark, name, line in [
        ('(team.s|oc, "done', "soc", "[teams.soc]"),
        ('"con|toso"', "contoso", "[tenants.contoso]"),
    ]:
        file, covered, there = await leads(user, mark)
        assert file == "counterplay.toml"
        assert name in covered and there == line


async def test_a_place_without_a_name_leads_nowhere(pair):
    _, user = pair
    for mark in ["  the|n {\n    notify", "\n|\nplaybook second", "4|h"]:
        assert await leads(user, mark) is None


async def test_names_lead_on_within_the_library(reading):
    from editor import Document

    uri = "std:/microsoft/intune.play"
    library = Document(reading, uri, await reading.library(uri))
    assert await leads(library, "action sync(device: Dev|ice") == ("prelude.play", "Device", "type Device {")
    assert (await leads(library, "request: gra|ph.post"))[:2] == ("graph.play", "graph")


async def places(document, mark, *documents, declaration=True):
    """The places that mention what stands at a place: file, line, text."""
    context = types.ReferenceContext(include_declaration=declaration)
    answer = await document.ask("references", types.ReferenceParams(context=context, **document.place(mark)))
    out = []
    for at in answer or []:
        text = await document.editor.text_of(at.uri, document, *documents)
        out.append((at.uri.rsplit("/", 1)[-1], at.range.start.line, document.editor.covered(text, at.range)))
    assert len(out) == len(set((o, a.range.start.character) for o, a in zip(out, answer or []))), "a place is named twice"
    return out


def lines(document, piece: str) -> list[int]:
    return [n for n, line in enumerate(document.text.split("\n")) if piece in line]


async def test_mentions_are_found_across_files(pair):
    house, user = pair
    for document, mark, there, here, word in [
        (user, "house.rec|ord", "steps record", "house.record", "record"),
        (house, "steps rec|ord", "steps record", "house.record", "record"),
        (user, "== sta|ff", "enum Badge", "== staff", "staff"),
        (user, "house.door|_held", "event door_held", "house.door_held", "door_held"),
    ]:
        other = house if document is user else user
        found = await places(document, mark, other)
        assert {f for f in found if f[0] == "house.play"} == {("house.play", n, word) for n in lines(house, there)}
        assert {f for f in found if f[0] == "user.play"} == {("user.play", n, word) for n in lines(user, here)}
        without = await places(document, mark, other, declaration=False)
        assert {f[0] for f in without} == {"user.play"}


async def test_mentions_of_an_argument_and_a_parameter(pair):
    house, user = pair
    found = await places(house, "record(user: User, wh|y", user)
    assert ("user.play", lines(user, "why: ")[0], "why") in found
    assert [f for f in found if f[0] == "house.play"] == [
        ("house.play", lines(house, "steps record")[0], "why"),
        ("house.play", lines(house, "{why}")[0], "why"),
    ]


async def test_mentions_of_a_local_stay_in_its_playbook(pair):
    _, user = pair
    found = await places(user, 'note(ca|se, "late')
    assert {f[0] for f in found} == {"user.play"}
    assert len(found) == 4


async def test_mentions_of_a_library_action_are_those_of_the_project_and_the_library(pair):
    _, user = pair
    found = await places(user, "entra.block|_sign_in")
    assert ("user.play", lines(user, "block_sign_in")[0], "block_sign_in") in found
    assert [f for f in found if f[0] == "entra.play"], "its declaration"
    assert {f[2] for f in found} == {"block_sign_in"}


async def test_mentions_of_a_team_are_in_every_playbook(both, editor):
    _, user = both
    found = await places(user, '(team.s|oc, "done')
    assert {f[0] for f in found if f[0].endswith(".play")} == {"user.play", "lost_device.play"}
    assert ("counterplay.toml" in {f[0] for f in found}), "where it is declared"


async def test_highlights(pair):
    _, user = pair
    marks = await user.ask("document_highlight", types.DocumentHighlightParams(**user.place('note(ca|se, "late')))
    assert [user.covered(mark.range) for mark in marks] == ["case"] * 4
    kinds = [mark.kind for mark in marks]
    assert kinds == [types.DocumentHighlightKind.Write] + [types.DocumentHighlightKind.Read] * 3
    assert not await user.ask("document_highlight", types.DocumentHighlightParams(**user.place("4|h")))


def tree(symbols, depth=0):
    for symbol in symbols:
        yield depth, symbol
        yield from tree(symbol.children or [], depth + 1)


async def test_an_outline_is_a_tree(pair):
    house, user = pair
    for document, tops in [
        (house, ["Badge", "Visitor", "door_held", "record"]),
        (user, ["first", "second", "odd"]),
    ]:
        symbols = await document.ask("document_symbol", types.DocumentSymbolParams(document.id))
        assert [symbol.name for symbol in symbols] == tops
        for _, symbol in tree(symbols):
            outer, inner = symbol.range, symbol.selection_range
            assert within(inner, outer), f"{symbol.name}: what is selected lies inside"
            for child in symbol.children or []:
                assert within(child.range, outer), f"{child.name} lies inside of {symbol.name}"
    [badge, visitor, *_] = await house.ask("document_symbol", types.DocumentSymbolParams(house.id))
    assert badge.kind == types.SymbolKind.Enum
    assert [member.name for member in badge.children] == ["visitor", "staff"]
    assert [(field.name, field.detail) for field in visitor.children] == [("id", "Text"), ("badge", "Badge")]
    [_, second, _] = await user.ask("document_symbol", types.DocumentSymbolParams(user.id))
    assert second.detail == "Second"
    assert [stage.name.split()[0] for stage in second.children] == ["when", "then", "escalate"]
    assert user.covered(second.selection_range) == "second"
    assert user.covered(second.range).startswith("playbook second") and user.covered(second.range).endswith("}")


def within(inner, outer) -> bool:
    before = (outer.start.line, outer.start.character) <= (inner.start.line, inner.start.character)
    return before and (inner.end.line, inner.end.character) <= (outer.end.line, outer.end.character)


@pytest.mark.can(nested=False)
async def test_an_outline_is_a_list_for_editors_without_trees(both):
    house, _ = both
    symbols = await house.ask("document_symbol", types.DocumentSymbolParams(house.id))
    assert all(isinstance(symbol, types.SymbolInformation) for symbol in symbols)
    names = [symbol.name for symbol in symbols]
    assert names == ["Badge", "visitor", "staff", "Visitor", "id", "badge", "door_held", "visitor", "record"]
    assert {symbol.location.uri for symbol in symbols} == {house.uri}


async def test_an_outline_of_broken_text(both):
    _, user = both
    user.replace("playbook second", "playbook second \"Broken {\n  when\n}\n\nplaybook third")
    symbols = await user.ask("document_symbol", types.DocumentSymbolParams(user.id))
    names = [symbol.name for symbol in symbols]
    assert "first" in names and "odd" in names


async def test_symbols_of_the_project(both, editor):
    async def found(word):
        answer = await editor.ask(editor.client.workspace_symbol_async, types.WorkspaceSymbolParams(query=word))
        return {symbol.name: symbol for symbol in answer}

    symbols = await found("second")
    assert "second" in symbols
    assert symbols["second"].location.uri == editor.uri(USER)
    assert "house.record" in await found("hrec"), "letters in their order"
    assert "house.Badge" in await found("BADGE"), "capitals do not matter"
    # A file that is not open, too.
    assert (await found("lost_device"))["lost_device"].location.uri == editor.uri("playbooks/lost_device.play")
    assert await found("nothing_is_called_so") == {}
    everything = await found("")
    assert {"first", "second", "lost_device", "house.record"} <= set(everything)
