"""A name and a new one: every place changes, or a sentence says why none does."""

import re

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

import text as texts
from sources import HOUSE_TEXT, USER_TEXT


async def renamed(document, mark, new, *documents) -> dict[str, str]:
    """The texts after a rename, by file name."""
    edit = await document.ask("rename", types.RenameParams(new_name=new, **document.place(mark)))
    assert edit.document_changes is None
    out = {}
    for uri, edits in edit.changes.items():
        text = await document.editor.text_of(uri, document, *documents)
        out[uri.rsplit("/", 1)[-1]] = texts.applied(text, edits, document.editor.encoding)
    return out


async def prepared(document, mark) -> tuple[str, str]:
    answer = await document.ask("prepare_rename", types.PrepareRenameParams(**document.place(mark)))
    assert isinstance(answer, types.PrepareRenamePlaceholder), answer
    return document.covered(answer.range), answer.placeholder


def changed(text: str, **words) -> str:
    for old, new in words.items():
        text = re.sub(rf"\b{old}\b", new, text)
    return text


async def test_a_local(both):
    house, user = both
    assert await prepared(user, 'note(ca|se, "late') == ("case", "case")
    after = await renamed(user, 'note(ca|se, "late', "record_of_it")
    assert after == {"user.play": changed(USER_TEXT, case="record_of_it")}
    user.write(after["user.play"])
    assert await user.codes() == []


async def test_a_binding_in_texts_too(pair):
    _, user = pair
    after = await renamed(user, "as he|ld", "door")
    assert after == {"user.play": changed(USER_TEXT, held="door")}


async def test_steps_across_files(both):
    house, user = both
    for document, mark in [(user, "house.rec|ord"), (house, "steps rec|ord")]:
        after = await renamed(document, mark, "write_down", house, user)
        assert after == {
            "house.play": HOUSE_TEXT.replace("steps record", "steps write_down"),
            "user.play": USER_TEXT.replace("house.record", "house.write_down"),
        }
    house.write(after["house.play"])
    user.write(after["user.play"])
    assert await user.codes() == []
    assert await house.codes() == []


async def test_a_file_that_is_not_open_changes_too(both, editor):
    house, user = both
    editor.disk("playbooks/third.play", "use house\n\nsteps third(user: User) {\n  house.record(user, why: \"x\")\n}\n")
    edits = await renamed(house, "steps rec|ord", "write_down", user)
    assert "house.write_down(user" in edits["third.play"]


async def test_an_action_of_the_projects_own(both, editor):
    house, user = both
    house.write(HOUSE_TEXT + ACTION)
    user.replace("    entra.block", "    house.tell(drift.owner)\n    entra.block")
    assert await user.codes() == []
    after = await renamed(user, "house.te|ll", "inform", house)
    assert "action inform(on user: User)" in after["house.play"]
    assert "house.inform(drift.owner)" in after["user.play"]


ACTION = '''
action tell(on user: User) {
  impact: notify
  idempotent: false
  request: halopsa.post("/api/actions", json: { note: user.name })
}
'''


async def test_a_parameter_with_the_arguments_that_name_it(pair):
    house, user = pair
    for document, mark in [(user, 'wh|y: "seen'), (house, "record(user: User, wh|y")]:
        after = await renamed(document, mark, "reason", house, user)
        assert after == {
            "house.play": changed(HOUSE_TEXT, why="reason"),
            "user.play": USER_TEXT.replace("why: ", "reason: "),
        }


async def test_an_enum_member_keeps_what_the_service_calls_it(both):
    house, user = both
    after = await renamed(user, "== sta|ff", "employee", house)
    assert after["user.play"] == USER_TEXT.replace("== staff", "== employee")
    assert 'enum Badge { visitor, employee = "staff" }' in after["house.play"]
    house.write(after["house.play"])
    user.write(after["user.play"])
    assert await user.codes() == []


async def test_a_type_and_a_field(pair):
    house, user = pair
    after = await renamed(house, "enum Bad|ge", "Pass", user)
    assert "enum Pass {" in after["house.play"] and "badge: Pass" in after["house.play"]
    assert "b: house.Pass" in after["user.play"]
    after = await renamed(user, "visitor.ba|dge == staff", "pass", house)
    assert "held.visitor.pass == staff" in after["user.play"]
    assert "  pass: Badge" in after["house.play"] and "pass: raw.badge" in after["house.play"]


async def test_a_playbooks_id_in_the_project_file_too(both, editor):
    _, user = both
    text = (editor.root / "counterplay.toml").read_text()
    toml = editor.open("counterplay.toml", text)
    toml.write(text + '\n[playbooks.second]\nmode = "paused"\n')
    assert await toml.codes() == []
    after = await renamed(user, "playbook sec|ond", "other_one", toml)
    assert after["user.play"] == USER_TEXT.replace("playbook second", "playbook other_one")
    assert after["counterplay.toml"] == toml.text.replace("[playbooks.second]", "[playbooks.other_one]")
    toml.write(after["counterplay.toml"])
    user.write(after["user.play"])
    assert await user.codes() == []
    assert await toml.codes() == []


async def test_the_same_name_changes_nothing(pair):
    _, user = pair
    edit = await user.ask("rename", types.RenameParams(new_name="case", **user.place('note(ca|se, "late')))
    assert not edit or not any((edit.changes or {}).values())


# A place, a new name, and what the refusal says.
REFUSED = {
    "an action of the library": ("entra.block|_sign_in", "block", "standard library"),
    "a field of the library": ("{case.num|ber}", "digits", "standard library"),
    "a module": ("|house.record", "home", "file"),
    "a team": ('(team.s|oc, "done', "other", "counterplay.toml"),
    "a tenant": ('"con|toso"', "other", "counterplay.toml"),
    "nothing there": ("\n|\nplaybook second", "x", "nothing here"),
    "a word of the language": ("  th|en {\n    notify", "x", "nothing here"),
    "a reserved word": ('note(ca|se, "late', "if", "word of the language"),
    "another reserved word": ('note(ca|se, "late', "true", "word of the language"),
    "no name": ('note(ca|se, "late', "two words", "no name"),
    "no letters": ('note(ca|se, "late', "4h", "no name"),
    "empty": ('note(ca|se, "late', "", "no name"),
    "letters of elsewhere": ('note(ca|se, "late', "größe", "no name"),
    "a line more": ('note(ca|se, "late', "x\nend", "no name"),
    "a name that is taken": ('note(ca|se, "late', "drift", "`drift`"),
    "a capital": ('note(ca|se, "late', "Case", "capital"),
    "a type without a capital": ("house.Bad|ge", "badge", "capital"),
    "a playbook that is there": ("playbook sec|ond", "first", "`first`"),
    "a playbook of another file": ("playbook sec|ond", "lost_device", "`lost_device`"),
    "a member that is there": ("== sta|ff", "visitor", "`visitor`"),
    "an argument that is there": ('wh|y: "seen', "user", "`user`"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_with_a_sentence(pair, name):
    _, user = pair
    mark, new, sentence = REFUSED[name]
    with pytest.raises(JsonRpcException) as refusal:
        await user.ask("rename", types.RenameParams(new_name=new, **user.place(mark)))
    message = refusal.value.message
    assert sentence in message, message
    assert refusal.value.code == types.LSPErrorCodes.RequestFailed
    assert not re.search(r"panick|unwrap|Err\(|Some\(|::", message), "a sentence for people"


BEFORE = ("standard library", "file", "counterplay.toml", "nothing here")


@pytest.mark.parametrize("name", [name for name, (_, _, sentence) in REFUSED.items() if sentence in BEFORE])
async def test_refused_before_a_new_name_is_asked_for(pair, name):
    _, user = pair
    mark, _, sentence = REFUSED[name]
    try:
        answer = await user.ask("prepare_rename", types.PrepareRenameParams(**user.place(mark)))
    except JsonRpcException as refusal:
        assert sentence in refusal.message
    else:
        assert answer is None
