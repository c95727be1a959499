"""A project with 300 playbooks: nothing blocks. The time-outs are generous; they catch what never comes."""

import asyncio
import time

import pytest
from lsprotocol import types

from editor import Editor

PLAYBOOKS = 300
LONG = 60.0

COMMON = '''use ticket

steps record(user: User, why: Text) -> Ticket {
  let case = ticket.create(title: "{user.name}: {why}", priority: low)
  return case
}
'''


def playbook(n: int) -> str:
    return f'''use microsoft.(intune, entra)
use notify, ticket, common

/// Response number {n}.
playbook response_{n} "Response {n}" {{
  when intune.noncompliant as drift
  if drift.owner is present
  ignore repeats of drift.device

  then {{
    let case = common.record(drift.owner, why: "number {n}")
    ticket.note(case, "Device {{drift.device.name}}")
    attempt notify.teams(team.soc, "Number {n}: {{drift.device.name}}")
  }}

  escalate after {n % 20 + 1}h {{
    entra.block_sign_in(drift.owner)
  }}
}}
'''


@pytest.fixture
async def large(client, root):
    for n in range(PLAYBOOKS):
        (root / "playbooks" / f"response_{n}.play").write_text(playbook(n))
    (root / "playbooks" / "common.play").write_text(COMMON)
    (root / "playbooks" / "response_299.play").write_text(playbook(299).replace("drift.device.name", "drift.device.nme"))
    return Editor(client, root, client.encoding)


def wrong(editor) -> int:
    """How many playbooks have findings."""
    last = {said.uri: said.diagnostics for said in editor.client.published}
    return sum(bool(last.get(editor.uri(f"playbooks/response_{n}.play"))) for n in range(PLAYBOOKS))


async def test_a_large_project(large):
    began = time.monotonic()
    await large.start()
    assert time.monotonic() - began < 5, "`initialize` does not read the project"

    # An edit is answered while the other files are still being looked at.
    document = large.open("playbooks/response_7.play")
    document.replace("ticket.note(case", "ticket.nte(case")
    [finding] = await document.codes("P0201", timeout=LONG)
    assert document.covered(finding.range) == "nte"
    document.replace("ticket.nte(case", "ticket.note(case")
    assert await document.codes(timeout=LONG) == []

    # The one that is wrong is found without being open.
    uri = large.uri("playbooks/response_299.play")
    await large.findings(uri, ["P0204", "P0204"], timeout=LONG)

    # What everything depends on changes, in the middle of it all there are questions.
    common = large.open("playbooks/common.play")
    common.replace("steps record", "steps recrd")
    page = await asyncio.wait_for(document.hover("entra.block|_sign_in"), LONG)
    assert "Block sign-in" in page
    await large.until(
        lambda: wrong(large) == PLAYBOOKS,
        "every playbook misses what was renamed",
        LONG,
    )
    common.replace("steps recrd", "steps record")
    await large.until(
        lambda: wrong(large) == 1,
        "every playbook but one is right again",
        LONG,
    )

    answer = await large.ask(
        common.editor.client.text_document_references_async,
        types.ReferenceParams(context=types.ReferenceContext(include_declaration=True), **common.place("steps rec|ord")),
        LONG,
    )
    assert len(answer) == PLAYBOOKS + 1
    symbols = await large.ask(large.client.workspace_symbol_async, types.WorkspaceSymbolParams(query="response_123"), LONG)
    assert "response_123" in [symbol.name for symbol in symbols]

    # Typing: the findings of the last text arrive.
    for n in range(40):
        document.replace("number 7" if n % 2 == 0 else "number 8", "number 8" if n % 2 == 0 else "number 7")
    document.replace("team.soc", "team.sco")
    await document.codes("P0220", timeout=LONG)
