"""Completion: a source with `|` as the cursor, what has to be offered there, and what may not be."""

import pytest
from lsprotocol import types

import text as texts

FRAME = '''use microsoft.(intune, entra, identity)
use notify, ticket, house

playbook row "A Row" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
STEP
  }
}
'''


def step(text: str) -> str:
    return FRAME.replace("STEP", "    " + text)


def head(text: str) -> str:
    return 'use microsoft.intune\n\nplaybook row "A Row" {\n  ' + text + "\n}\n"


# Labels without `: ` and `(…)`: how a label is decorated is not what is tested here.
TABLE = {
    "actions after a module": (
        step("intune.|"),
        ["sync", "remote_lock", "wipe", "retire"],
        ["is_compliant", "noncompliant", "ComplianceState", "block_sign_in"],
    ),
    "actions after a module, begun": (step("intune.wi|"), ["wipe"], ["is_compliant"]),
    "actions after a module, a step below": (
        step("intune.|\n    intune.sync(drift.device)"),
        ["sync", "wipe"],
        ["is_compliant"],
    ),
    "actions after attempt": (step("attempt intune.|"), ["sync", "wipe"], ["is_compliant"]),
    "queries after a module in a condition": (step("if intune.| { }"), ["is_compliant"], ["sync", "wipe"]),
    "everything with a result after let": (step("let x = entra.|"), ["manager", "user"], ["risk_detected"]),
    "the project's own steps": (step("house.|"), ["record"], ["Badge", "door_held"]),
    "steps where a step begins": (
        step("|"),
        ["let", "if", "match", "for each", "approve", "wait", "intune.sync", "house.record"],
        ["playbook", "when", "intune.is_compliant", "return"],
    ),
    "names of arguments": (
        step("ticket.create(|)"),
        ["title", "priority", "team", "details"],
        ["subject"],
    ),
    "names of arguments that are left": (
        step('ticket.create(title: "x", |)'),
        ["priority", "team", "details"],
        ["title"],
    ),
    "names of arguments, a bracket is missing": (
        step('ticket.create(title: "x", |'),
        ["priority", "team", "details"],
        ["title"],
    ),
    "fields of a value": (step("intune.sync(drift.|)"), ["device", "owner", "compliance"], ["sync", "drift"]),
    "fields of a field": (
        step("if drift.device.| == windows { }"),
        ["id", "name", "platform"],
        ["device", "owner"],
    ),
    "fields of a value, a bracket is missing": (step("intune.sync(drift.|"), ["device", "owner"], ["sync"]),
    "fields in a text": (step('notify.teams(team.soc, "{drift.device.|}")'), ["name", "platform"], ["device"]),
    "members after ==": (
        step("if drift.device.platform == | { }"),
        ["windows", "macos", "ios", "android", "linux"],
        ["critical", "guest"],
    ),
    "members for an argument": (
        step('ticket.create(title: "x", priority: |)'),
        ["low", "medium", "high", "critical"],
        ["title", "windows"],
    ),
    "members after the name of an enum": (
        step("if drift.device.platform == Platform.| { }"),
        ["windows", "ios"],
        ["critical"],
    ),
    "events after when": (
        head("when |"),
        ["intune.noncompliant", "identity.risk_detected", "house.door_held", "manual", "every day at"],
        ["intune.sync", "drift"],
    ),
    "events of a module": (head("when intune.|"), ["noncompliant"], ["sync", "is_compliant", "risk_detected"]),
    "arms that are missing": (
        step("intune.sync(drift.device) {\n      |\n    }"),
        ["done", "failed"],
        ["approved", "let"],
    ),
    "arms but those that are there": (
        step("intune.sync(drift.device) {\n      done { }\n      |\n    }"),
        ["failed"],
        ["done"],
    ),
    "arms of a question": (
        step('approve "Wipe?" about drift.device, by team.leads, within 4h {\n      approved { }\n      |\n    }'),
        ["rejected", "unanswered"],
        ["approved", "failed", "done"],
    ),
    "cases that are missing": (
        step("match drift.device.platform {\n      windows { }\n      |\n    }"),
        ["macos", "ios", "android", "linux", "unknown", "else", "all missing cases"],
        ["windows"],
    ),
    "presence as a case": (
        "use microsoft.(intune, entra)\n\nsteps s(user: User) {\n  match entra.manager(user) {\n    |\n  }\n}\n",
        ["present", "absent"],
        ["windows"],
    ),
    "teams": (step('notify.teams(team.|, "x")'), ["soc", "leads"], ["contoso"]),
    "teams, begun": (step('notify.teams(team.le|, "x")'), ["leads"], []),
    "teams, a bracket is missing": (step("notify.teams(team.|"), ["soc", "leads"], []),
    "teams where one is expected": (step('notify.teams(|, "x")'), ["team.soc", "team.leads"], []),
    "tenants": (head('tenants: ["|"]\n  when intune.noncompliant as drift'), ["contoso"], ["gold", "soc"]),
    "tenants but some": (
        head('tenants: all except ["|"]\n  when intune.noncompliant as drift'),
        ["contoso"],
        ["gold"],
    ),
    "groups": (head('tenants: group "|"\n  when intune.noncompliant as drift'), ["gold"], ["contoso"]),
    "forms of tenants": (head("tenants: |"), ["all", "all except", "group"], ["contoso", "active"]),
    "modes": (head("mode: |"), ["active", "simulate", "paused"], ["all"]),
    "lines of a playbook": (
        head("|"),
        ["mode", "tenants", "tags", "when", "if", "then", "escalate after", "resolved when", "on failure"],
        ["let", "playbook", "impact"],
    ),
    "lines of a playbook but those that are there": (
        head("mode: active\n  |\n  when intune.noncompliant as drift"),
        ["tenants", "when"],
        ["mode"],
    ),
    "properties of an action": (
        "use microsoft.graph\n\naction a(user: User) {\n  |\n}\n",
        ["impact", "permission", "request", "undo", "idempotent"],
        ["returns_", "source", "let"],
    ),
    "properties of an action but those that are there": (
        "use microsoft.graph\n\naction a(user: User) {\n  impact: notify\n  |\n}\n",
        ["permission", "request"],
        ["impact"],
    ),
    "impacts": (
        "use microsoft.graph\n\naction a(user: User) {\n  impact: |\n}\n",
        ["notify", "reversible", "disruptive", "destructive"],
        ["true"],
    ),
    "properties of an event": ("event e {\n  |\n}\n", ["source", "field", "fires"], ["impact"]),
    "modules": ("use |\n", ["microsoft.intune", "microsoft.entra", "notify", "ticket", "house"], ["playbook"]),
    "modules below one": ("use microsoft.|\n", ["intune", "entra", "identity"], ["notify", "house"]),
    "modules in a group": ("use microsoft.(intune, |)\n", ["entra", "identity"], ["notify"]),
    "items at the margin": (
        "use notify\n\n|\n",
        ["playbook", "use", "steps", "type", "enum", "action", "query", "event", "define", "connection"],
        ["let", "when", "notify.email"],
    ),
    "items at the margin, begun": ("pl|\n", ["playbook"], []),
    "types of parameters": (
        "use house\n\nsteps s(user: |) {\n}\n",
        ["User", "Device", "Text", "Duration"],
        ["low", "contoso"],
    ),
    "types of a module": ("use house\n\nsteps s(user: house.|) {\n}\n", ["Visitor", "Badge"], ["record", "User"]),
    "types of fields": ("type T {\n  id: |\n}\n", ["Text", "User", "Platform"], ["low"]),
    "facts of the run": (step("let x = run.|"), ["id", "started"], ["domains"]),
    "facts of the tenant": (step("let x = tenant.|"), ["name", "id", "zone", "domains"], ["started"]),
    "locals": (step("let case = drift.device\n    intune.sync(|)"), ["case", "drift.device"], []),
    "no locals of below": (step("intune.sync(|)\n    let later = drift.device"), ["drift"], ["later"]),
    "no locals of other branches": (
        step("if true { let inner = drift.device }\n    intune.sync(|)"),
        ["drift"],
        ["inner"],
    ),
    "who may answer": (step('approve "Wipe?" about drift.device, by |'), ["team.soc", "team.leads"], []),
    "clauses of a question": (step('approve "Wipe?" |'), ["about", "by", "within"], ["let"]),
    "operators after a value": (step("if drift.owner |"), ["is present", "is absent", "and"], ["let", "soc"]),
    "a brace is missing below": (
        'use microsoft.intune\n\nplaybook row "A Row" {\n  when intune.noncompliant as drift\n  then {\n    intune.|\n',
        ["sync", "wipe"],
        ["is_compliant"],
    ),
    "a brace is missing, another item follows": (
        'use microsoft.intune\n\nplaybook row "A Row" {\n  when intune.noncompliant as drift\n  then {\n    intune.|\n\n'
        "steps s(device: Device) {\n  intune.sync(device)\n}\n",
        ["sync", "wipe"],
        ["is_compliant"],
    ),
    "a mistake above": (
        step("ticket.create(titel: 4hours\n    intune.|"),
        ["sync", "wipe"],
        [],
    ),
    "a nested call": (
        step('ticket.create(title: "x", priority: ticket.priority_for(|))'),
        ["critical", "informational"],
        ["contoso"],
    ),
}


def named(label: str) -> str:
    return label.rstrip(": ").removesuffix("(…)")


@pytest.mark.parametrize("name", TABLE)
async def test_what_is_offered(row, shared, name):
    source, wanted, unwanted = TABLE[name]
    text, at = texts.cursor(source)
    document = row(text)
    items = await document.complete(at)
    labels = [named(item.label) for item in items]
    assert [label for label in wanted if label not in labels] == [], labels
    assert [label for label in unwanted if label in labels] == [], labels
    assert len(labels) == len(set((item.label, item.kind, item.detail) for item in items)), "nothing is offered twice"
    for item in items:
        edit = item.text_edit
        where = edit.range
        start, end = (texts.offset(text, place, shared.encoding) for place in (where.start, where.end))
        # The protocol: on one line, around the cursor; what is typed there filters.
        assert where.start.line == where.end.line == document.position(at).line
        assert start <= at <= end
        for other in item.additional_text_edits or []:
            ends = texts.offset(text, other.range.end, shared.encoding)
            assert ends <= start, "an import, or a comma, stands before and touches nothing"


@pytest.mark.parametrize(
    "source",
    [
        step("intune.sync(drift.device) // intune.|"),
        "/// Somebody says intune.|\nsteps s(device: Device) {\n}\n",
        "// |\n",
        step('notify.teams(team.soc, "team.|")'),
        step('notify.teams(team.soc, "|")'),
        step("wait 4|"),
        "steps |",
        "playbook |",
        step("let |"),
    ],
)
async def test_nothing_is_offered_where_anything_would_be_wrong(row, source):
    text, at = texts.cursor(source)
    document = row(text)
    labels = [item.label for item in await document.complete(at)]
    assert labels == []


async def test_a_blank_asks_only_behind_a_word_of_the_language(row):
    blank = types.CompletionContext(types.CompletionTriggerKind.TriggerCharacter, trigger_character=" ")
    for source, offered in [("use |\n", True), (head("when |"), True), ("steps |\n", False), ("// use |\n", False)]:
        text, at = texts.cursor(source)
        document = row(text)
        assert bool(await document.complete(at, blank)) == offered, source


async def test_required_arguments_come_first(row):
    text, at = texts.cursor(step("ticket.create(|)"))
    items = await row(text).complete(at)
    names = ("title", "priority", "team", "details")
    order = sorted((item for item in items if named(item.label) in names), key=lambda item: item.sort_text)
    assert {named(item.label) for item in order[:2]} == {"title", "priority"}
    assert {named(item.label) for item in order[2:]} == {"team", "details"}


def inserted(document, item) -> str:
    """The text with an item's edits made."""
    edits = [item.text_edit, *(item.additional_text_edits or [])]
    return texts.applied(document.text, edits, document.editor.encoding)


def only(items, label):
    [item] = [item for item in items if named(item.label) == label]
    return item


async def test_an_item_of_a_module_that_is_not_there_yet_brings_it_in(row):
    source = '''use microsoft.intune

playbook row "A Row" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    entra.|
  }
}
'''
    text, at = texts.cursor(source)
    document = row(text)
    item = only(await document.complete(at), "disable")
    assert item.additional_text_edits
    after = inserted(document, item)
    assert "entra" in after.split("playbook")[0], after
    document.write(after.replace(after[after.index("entra.disable(") :].split("\n")[0], "entra.disable(drift.owner)"))
    # Nobody approved; that the name is known is what counts.
    assert [f.code for f in await document.looked_at() if f.severity == 1] == [], document.text


async def test_a_module_is_brought_into_a_file_that_uses_none(row):
    text, at = texts.cursor("steps s(device: Device) {\n  |\n}\n")
    document = row(text)
    item = only(await document.complete(at), "intune.sync")
    after = inserted(document, item)
    assert after.startswith("use microsoft.intune\n"), after
    document.write(after[: after.index("intune.sync(")] + "intune.sync(device)\n}\n")
    assert await document.looked_at() == []


async def test_what_is_brought_in_already_is_not_brought_in_again(row):
    text, at = texts.cursor(step("intune.|"))
    item = only(await row(text).complete(at), "sync")
    assert not item.additional_text_edits


async def test_places_to_fill_in_for_editors_that_have_them(row):
    text, at = texts.cursor(step("|"))
    document = row(text)
    items = await document.complete(at)
    item = only(items, "intune.sync")
    assert item.insert_text_format == types.InsertTextFormat.Snippet
    assert item.text_edit.new_text == "intune.sync(${1:drift.device})", "what is most likely meant"
    assert "$" in only(items, "for each").text_edit.new_text


@pytest.mark.can(snippets=False)
async def test_plain_texts_for_editors_that_have_no_places(editor):
    for number, source in enumerate([step("|"), step("intune.|"), step("ticket.create(|)"), "|", head("|"), head("when |")]):
        text, at = texts.cursor(source)
        document = editor.open(f"playbooks/row_{number}.play", text)
        items = await document.complete(at)
        assert items
        for item in items:
            assert item.insert_text_format in (None, types.InsertTextFormat.PlainText)
            assert "${" not in item.text_edit.new_text and "$0" not in item.text_edit.new_text, item


async def test_completing_makes_what_can_be_read(row):
    """Whatever is chosen where a step begins: the text can be read afterwards."""
    text, at = texts.cursor(step("|"))
    document = row(text)
    items = [item for item in await document.complete(at) if named(item.label) in ("intune.sync", "house.record", "ticket.create")]
    assert len(items) == 3
    import re

    for item in items:
        item.text_edit.new_text = re.sub(r"\$\{\d+\|(\w+)[^}]*\}", r"\1", item.text_edit.new_text)
        item.text_edit.new_text = re.sub(r"\$\{\d+:([^}]*)\}", r"\1", item.text_edit.new_text)
        document.write(inserted(document, item))
        assert not [f for f in await document.looked_at() if f.code.startswith("P01")], document.text
        document.write(text)


async def test_more_about_an_item_is_found_when_somebody_looks(row, shared):
    text, at = texts.cursor(step("entra.|"))
    items = await row(text).complete(at)
    item = only(items, "block_sign_in")
    assert item.documentation is None, "the list stays small"
    resolved = await shared.client.completion_item_resolve_async(item)
    page = resolved.documentation.value
    assert "Block sign-in" in page
    assert "reversible" in page
    assert "User.EnableDisableAccount.All" in page
    assert "unblock_sign_in(user)" in page
    assert (resolved.label, resolved.text_edit) == (item.label, item.text_edit)


async def test_an_item_without_more_stays_as_it_is(shared):
    plain = types.CompletionItem(label="let")
    assert await shared.client.completion_item_resolve_async(plain) == plain
    strange = types.CompletionItem(label="let", data={"uri": 5})
    assert (await shared.client.completion_item_resolve_async(strange)).label == "let"
