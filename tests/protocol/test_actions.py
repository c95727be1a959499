"""Code actions: the edit of each, applied, removes the finding that it mends."""

import pytest

import text as texts

FRAME = '''use microsoft.(intune, entra)
use notify, ticket, house

playbook row "A Row" {
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    STEP
  }
}
'''

# What is written, the code of its finding, what the mended text holds, and whether it may be mended unseen.
TABLE = {
    "misspelt action": ("intune.snc(drift.device)", "P0201", "intune.sync(drift.device)"),
    "misspelt module": ("intun.sync(drift.device)", "P0202", "intune.sync(drift.device)"),
    "misspelt field": ("intune.sync(drift.devce)", "P0204", "intune.sync(drift.device)"),
    "misspelt team": ('notify.teams(team.sco, "x")', "P0220", "team.soc"),
    "misspelt argument": ('ticket.create(titel: "x", priority: low)', None, 'title: "x"'),
    "misspelt member": ('ticket.create(title: "x", priority: hihg)', None, "priority: high"),
    "enum member in quotes": ('ticket.create(title: "x", priority: "high")', None, "priority: high"),
    "missing comma": ('ticket.create(title: "x" priority: low)', None, '"x", priority'),
    "&&": ("if drift.device.platform == ios && true { intune.sync(drift.device) }", None, "ios and true"),
    "||": ("if drift.device.platform == ios || true { intune.sync(drift.device) }", None, "ios or true"),
    "!": ("if !intune.is_compliant(drift.device) { intune.sync(drift.device) }", None, "not intune.is_compliant"),
    "4hours": ("wait 4hours", None, "wait 4h"),
    "single =": ("if drift.device.platform = ios { intune.sync(drift.device) }", None, "platform == ios"),
}


@pytest.mark.parametrize("name", TABLE)
async def test_the_fix_removes_the_finding(row, shared, name):
    step, code, mended = TABLE[name]
    document = row(FRAME.replace("STEP", step))
    findings = await document.looked_at()
    assert findings, "there is nothing to mend"
    if code:
        assert [f.code for f in findings] == [code]
    [finding] = findings
    found = await document.actions(finding.range)
    found = [action for action in found if mended in edited(document, action)]
    assert found, f"no action leads to {mended!r}"
    action = found[0]
    assert action.kind == "quickfix"
    assert action.title[0].isupper()
    assert action.is_preferred is not None
    [mends] = action.diagnostics
    assert (mends.code, mends.range, mends.message) == (finding.code, finding.range, finding.message)
    document.write(edited(document, action))
    after = await document.looked_at()
    assert finding.code not in [f.code for f in after], after
    assert not [f for f in after if f.severity == 1], after


@pytest.mark.parametrize("name", TABLE)
async def test_a_place_without_a_finding_has_no_action(row, name):
    step, _, _ = TABLE[name]
    document = row(FRAME.replace("STEP", step))
    await document.looked_at()
    assert await document.actions(document.range('playbook row')) == []


def edited(document, action) -> str:
    """The document's text with an action's edit made; some are about the project file."""
    assert action.edit.document_changes is None
    edits = action.edit.changes.get(document.uri, [])
    return texts.applied(document.text, edits, document.editor.encoding)


async def test_a_team_that_is_not_there_is_written_into_the_project_file(editor):
    document = editor.open("playbooks/asks.play", ASKS)
    [finding] = await document.codes("P0220")
    toml = editor.open("counterplay.toml")
    [action] = [a for a in await document.actions(finding.range) if toml.uri in a.edit.changes]
    assert "[teams.night]" in action.title
    assert set(action.edit.changes) == {toml.uri}
    # The same is offered in the project file itself, where the gap is told, too.
    [told] = [f for f in await toml.looked_at() if f.code == "P0220"]
    [there] = [a for a in await toml.actions(told.range) if a.kind == "quickfix"]
    assert there.edit == action.edit
    toml.write(texts.applied(toml.text, action.edit.changes[toml.uri], editor.encoding))
    assert "[teams.night]" in toml.text
    assert await toml.codes() == []
    assert await document.codes() == []


ASKS = '''use microsoft.entra

steps asks(user: User) {
  approve "Is {user.name} gone?" about user, by team.night, within 4h
  entra.disable(user)
}
'''


async def test_every_fix_of_every_finding_mends_it(row):
    """Whatever the server offers for a text full of mistakes: it holds, one by one."""
    steps = "\n    ".join(step for step, _, _ in TABLE.values() if "wait" not in step)
    document = row(FRAME.replace("STEP", steps))
    text = document.text
    findings = await document.looked_at()
    tried = 0
    for finding in findings:
        for action in await document.actions(finding.range, only=["quickfix"]):
            mends = action.diagnostics[0]
            if (mends.range, mends.code) != (finding.range, finding.code) or document.uri not in action.edit.changes:
                continue
            before = sum(f.code == finding.code for f in findings)
            document.write(edited(document, action))
            after = await document.looked_at()
            assert sum(f.code == finding.code for f in after) < before, (action.title, after)
            tried += 1
            document.write(text)
            await document.looked_at()
    assert tried >= 6


async def test_fix_all_applies_the_safe_ones(row):
    document = row(FRAME.replace("STEP", '''intune.snc(drift.device)
    ticket.create(title: "x", priority: "high")
    if drift.device.platform == ios && true { intune.sync(drift.device) }'''))
    findings = await document.looked_at()
    assert len(findings) == 3
    [action] = await document.actions(document.all(), only=["source.fixAll"])
    assert action.kind == "source.fixAll"
    assert action.diagnostics is None
    mended = edited(document, action)
    assert "priority: high)" in mended and "ios and true" in mended
    document.write(mended)
    after = await document.looked_at()
    # What is left could be meant in more than one way.
    assert len(after) < len(findings)
    assert await document.actions(document.all(), only=["source.fixAll"]) == []


async def test_fix_all_is_only_given_to_those_who_ask_for_it(row):
    document = row(FRAME.replace("STEP", 'ticket.create(title: "x", priority: "high")'))
    await document.looked_at()
    kinds = lambda actions: {action.kind for action in actions}  # noqa: E731
    assert kinds(await document.actions(document.all())) == {"quickfix"}
    assert kinds(await document.actions(document.all(), only=["source"])) == {"source.fixAll"}
    assert kinds(await document.actions(document.all(), only=["quickfix"])) == {"quickfix"}
    assert await document.actions(document.all(), only=["refactor"]) == []
    assert await document.actions(document.all(), only=["sour"]) == []


