"""What stands there: pages for names and words, and the form of a call while it is written."""

import pytest
from lsprotocol import types

import text as texts

SOURCE = '''use microsoft.(intune, entra, identity)
use notify, ticket, house

/// Look after devices.
playbook row "A Row" {
  mode: active
  tenants: ["contoso"]
  when intune.noncompliant as drift
  if drift.owner is present
  then {
    let case = ticket.create(title: "Device {drift.device.name}", priority: high)
    if not intune.is_compliant(drift.device) and drift.device.platform == windows {
      entra.block_sign_in(drift.owner)
    }
    approve "Wipe {drift.device.name}?" about drift.device, by team.leads, within 4h
    intune.wipe(drift.device, keep_user_data: false)
    ticket.note(case, "started {run.started}")
    house.record(drift.owner, why: "seen", priority: low)
  }
  escalate after 4h { intune.sync(drift.device) }
}
'''

# A place, and what its page has to say.
TABLE = {
    "action": ("entra.block|_sign_in", ["Block sign-in", "**reversible**", "`User.EnableDisableAccount.All`", "Undo: `unblock_sign_in(user)`", "PATCH https://graph.microsoft.com/v1.0/users/{user.id}", "block_sign_in(user: User)"]),
    "destructive action": ("intune.|wipe(", ["**destructive**", "Undo: none", "POST", "/wipe", "DeviceManagementManagedDevices.PrivilegedOperations.All"]),
    "the end of a name": ("intune.wipe|(", ["**destructive**"]),
    "query": ("intune.is_|compliant", ["Whether the device meets its policies now.", "changes nothing", "GET", "-> Bool"]),
    "event": ("intune.non|compliant as", ["A device has stopped meeting its policies.", "changes to"]),
    "local": ("note(ca|se", ["case: Ticket", "A ticket in the service desk."]),
    "binding": ("as dri|ft", ["drift", "intune.noncompliant"]),
    "field": ("is_compliant(drift.dev|ice", ["Device", "device"]),
    "field in a text": ('"Device {drift.device.na|me}', ["name: Text"]),
    "field that may be absent": ("if drift.ow|ner", ["owner", "User?", "May be absent"]),
    "enum member": ("== win|dows", ["Platform.windows", "`Windows`", "ios"]),
    "ordered member": ("priority: hi|gh", ["Priority.high", "low < medium < **high** < critical"]),
    "argument": ("keep_us|er_data: false", ["keep_user_data: Bool = false", "wipe"]),
    "team": ("team.lea|ds", ["team.leads", "dana.kim@msp.example", "soc-leads@msp.example"]),
    "tenant": ('"con|toso"', ["contoso", "Europe/London"]),
    "module": ("int|une.wipe(", ["use microsoft.intune", "`wipe`"]),
    "the project's own steps": ("house.rec|ord", ["Write down what was seen.", "-> Ticket"]),
    "fact": ("run.sta|rted", ["run.started: Time"]),
    "keyword when": ("whe|n intune", ["`when EVENT as NAME`"]),
    "keyword escalate": ("esca|late after", ["after the start of the run"]),
    "keyword approve": ("appro|ve \"", ["`approve", "rejected"]),
    "keyword of an approval": ("wit|hin 4h", ["How long"]),
    "keyword playbook": ("play|book row", ["stable"]),
}


@pytest.mark.parametrize("name", TABLE)
async def test_what_a_page_says(row, name):
    mark, wanted = TABLE[name]
    document = row(SOURCE)
    answer = await document.ask("hover", types.HoverParams(**document.place(mark)))
    assert answer, "nothing is shown"
    assert answer.contents.kind == types.MarkupKind.Markdown
    page = answer.contents.value
    assert [text for text in wanted if text not in page] == [], page
    # The range is the word at the cursor.
    shown = document.covered(answer.range)
    at = texts.find(document.text, mark)
    assert texts.offset(document.text, answer.range.start, document.editor.encoding) <= at
    assert at <= texts.offset(document.text, answer.range.end, document.editor.encoding)
    assert "\n" not in shown and " " not in shown.strip()


async def test_own_documentation_is_shown_and_follows_edits(row):
    document = row("/// Calm somebody down.\nsteps calm(user: User) {\n}\n\nsteps more(user: User) {\n  calm(user)\n}\n")
    assert "Calm somebody down." in await document.hover("ca|lm(user)\n")
    document.replace("Calm somebody", "Slow somebody")
    assert "Slow somebody down." in await document.hover("ca|lm(user)\n")


@pytest.mark.parametrize("mark", ["  the|n {\n", "\n|\n", '"started| {'])
async def test_where_there_is_nothing_to_say_nothing_breaks(row, mark):
    document = row(SOURCE.replace("use notify", "\nuse notify"))
    await document.ask("hover", types.HoverParams(**document.place(mark)))
    assert await document.hover("int|une.wipe(")


async def test_a_text_of_the_library_has_pages_too(shared):
    from editor import Document

    document = Document(shared, "std:/microsoft/intune.play", await shared.library("std:/microsoft/intune.play"))
    assert "is_compliant" in await document.hover("query is_com|pliant")
    assert "Device" in await document.hover("sync(device: Dev|ice)")
    document.close()


# A source with the cursor, the form's name, and the active parameter.
CALLS = {
    "first": ('ticket.create(|)', "ticket.create", "title"),
    "after a comma": ('ticket.create("x", |)', "ticket.create", "priority"),
    "third": ('ticket.create("x", low, |)', "ticket.create", "team"),
    "in the middle of a value": ('ticket.create("x", lo|w)', "ticket.create", "priority"),
    "named": ('ticket.create(priority: |)', "ticket.create", "priority"),
    "named out of order": ('ticket.create(details: "d", title: |)', "ticket.create", "title"),
    "named, later": ('ticket.create(title: "x", priority: low, details: "|")', "ticket.create", "details"),
    "nested, inner": ('ticket.create("x", ticket.priority_for(|))', "ticket.priority_for", "level"),
    "nested, outer again": ('ticket.create("x", ticket.priority_for(high), |)', "ticket.create", "team"),
    "a comma in a text": ('ticket.create("a, b, c", |)', "ticket.create", "priority"),
    "a bracket in a text": ('ticket.create("(", |)', "ticket.create", "priority"),
    "no bracket that closes": ('ticket.create("x", |', "ticket.create", "priority"),
    "over lines": ('ticket.create(\n      "x",\n      |\n    )', "ticket.create", "priority"),
    "the project's own steps": ('house.record(drift.owner, |)', "house.record", "why"),
    "inside of a list": ('entra.unassign_licenses(drift.owner, ["a", |])', "entra.unassign_licenses", "licenses"),
    "a misspelt argument": ('ticket.create(titel: |)', "ticket.create", None),
    "too many": ('intune.sync(drift.device, |)', "intune.sync", None),
}


def inside(step: str) -> str:
    return SOURCE.replace("    ticket.note(case", f"    {step}\n    ticket.note(case")


@pytest.mark.parametrize("name", CALLS)
async def test_the_form_of_a_call(row, name):
    step, callee, parameter = CALLS[name]
    text, at = texts.cursor(inside(step))
    document = row(text)
    answer = await document.ask("signature_help", types.SignatureHelpParams(**document.place(at)))
    assert answer, "no form is shown"
    [form] = answer.signatures
    # The standard library's modules have long names; the last part is what is read.
    assert callee in form.label.split("(")[0]
    active = form.active_parameter if form.active_parameter is not None else answer.active_parameter
    if parameter is None:
        assert active is None or active >= len(form.parameters)
    else:
        assert named(form, active) == parameter


def named(form, number) -> str:
    """The name of a parameter; the protocol counts labels in UTF-16 units."""
    start, end = form.parameters[number].label
    return form.label.encode("utf-16-le")[start * 2 : end * 2].decode("utf-16-le").split(":")[0].removeprefix("on ")


async def test_inside_of_json_the_call_around_it_is_meant(row):
    text, at = texts.cursor(
        "use microsoft.graph\n\naction a(user: User) {\n  impact: reversible\n"
        '  request: graph.patch("/users/{user.id}", json: { a: f(|), b: 2 })\n}\n\n'
        "define f(x: Int, y: Int) -> Int = x\n"
    )
    document = row(text)
    answer = await document.ask("signature_help", types.SignatureHelpParams(**document.place(at)))
    assert answer and "f(x: Int, y: Int)" in answer.signatures[0].label
    text, at = texts.cursor("define f(x: Json, y: Int) -> Int = y\ndefine g(n: Int) -> Int = f({ a: 1, b: [2, |] }, n)\n")
    document = row(text)
    answer = await document.ask("signature_help", types.SignatureHelpParams(**document.place(at)))
    assert answer and "f(x: Json, y: Int)" in answer.signatures[0].label
    assert named(answer.signatures[0], answer.active_parameter) == "x"


@pytest.mark.parametrize("step", ["// ticket.create(|", "wait 4h|", "ticket.create(title: \"x\", priority: low)|"])
async def test_no_form_outside_of_a_call(row, step):
    text, at = texts.cursor(inside(step))
    document = row(text)
    assert await document.ask("signature_help", types.SignatureHelpParams(**document.place(at))) is None


async def test_the_form_is_documented(row):
    text, at = texts.cursor(inside("ticket.create(|)"))
    document = row(text)
    answer = await document.ask("signature_help", types.SignatureHelpParams(**document.place(at)))
    assert "Open a ticket." in answer.signatures[0].documentation.value
