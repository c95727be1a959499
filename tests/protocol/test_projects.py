"""Projects as they come and go: folders, project files, files of none, and addresses as editors write them."""

import shutil

from lsprotocol import types

from conftest import EXAMPLES
from editor import Document, Editor

LOST = "playbooks/lost_device.play"
BROKEN = "use microsoft.intune\n\nsteps look(device: Device) {\n  intune.snc(device)\n}\n"
TELLS = 'use notify\n\nsteps tell(user: User) {\n  notify.teams(team.soc, "{user.name}")\n}\n'


def folder(root, name) -> types.WorkspaceFolder:
    return types.WorkspaceFolder(uri=(root / name).as_uri(), name=name)


def copied(into, name):
    """Another project beside the first, with a mistake in a file that nobody opens."""
    root = shutil.copytree(EXAMPLES / "lost-device", into / name)
    (root / "playbooks" / "other.play").write_text(BROKEN)
    return root


async def test_a_folder_comes_and_goes(editor, tmp_path):
    second = copied(tmp_path, "second")
    uri = (second / "playbooks" / "other.play").as_uri()
    change = types.WorkspaceFoldersChangeEvent(added=[folder(tmp_path, "second")], removed=[])
    editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=change))
    await editor.findings(uri, ["P0201"])
    change = types.WorkspaceFoldersChangeEvent(added=[], removed=[folder(tmp_path, "second")])
    editor.client.workspace_did_change_workspace_folders(types.DidChangeWorkspaceFoldersParams(event=change))
    await editor.findings(uri, [])


async def test_projects_below_one_folder_do_not_know_each_other(client, tmp_path):
    shutil.copytree(EXAMPLES / "lost-device", tmp_path / "estate" / "one")
    copied(tmp_path / "estate", "two")
    editor = Editor(client, tmp_path / "estate", client.encoding)
    await editor.start()
    first = editor.open(f"one/{LOST}")
    # Both have a playbook `lost_device`; that is no clash.
    assert await first.codes() == []
    await editor.findings(editor.uri("two/playbooks/other.play"), ["P0201"])
    second = editor.open(f"two/{LOST}")
    assert await second.codes() == []
    context = types.ReferenceContext(include_declaration=True)
    found = await first.ask("references", types.ReferenceParams(context=context, **first.place("playbook lost|_device")))
    assert {at.uri for at in found} == {first.uri}


async def test_a_project_file_that_is_made_later(client, tmp_path):
    root = tmp_path / "later"
    (root / "playbooks").mkdir(parents=True)
    (root / "playbooks" / "tells.play").write_text(TELLS)
    editor = Editor(client, root, client.encoding)
    await editor.start()
    document = editor.open("playbooks/tells.play")
    assert await document.codes() == [], "no project file says which teams there are"
    text = (EXAMPLES / "lost-device" / "counterplay.toml").read_text()
    editor.disk("counterplay.toml", text.replace("[teams.soc]", "[teams.others]"))
    await editor.findings(document.uri, ["P0220"])
    editor.disk("counterplay.toml", text)
    await editor.findings(document.uri, [])


async def test_a_project_file_that_is_removed(editor):
    editor.disk("playbooks/tells.play", TELLS.replace("team.soc", "team.others"))
    document = editor.open("playbooks/tells.play")
    await document.codes("P0220")
    text = (editor.root / "counterplay.toml").read_text()
    editor.disk("counterplay.toml", None)
    await editor.findings(document.uri, [])
    editor.disk("counterplay.toml", text)
    await editor.findings(document.uri, ["P0220"])


async def test_a_project_file_that_is_broken_from_the_start(client, root):
    toml = root / "counterplay.toml"
    text = toml.read_text()
    toml.write_text(text.replace("[teams.soc]", "[teams.soc"))
    editor = Editor(client, root, client.encoding)
    await editor.start()
    uri = toml.as_uri()
    await editor.until(lambda: (said := editor.said(uri)) and said.diagnostics, "what is wrong with the project file")
    editor.disk("counterplay.toml", text)
    await editor.findings(uri, [])
    document = editor.open(LOST)
    assert await document.codes() == []


MORE = 'sources = ["playbooks", "more"]'
FEWER = 'sources = ["playbooks"]'


async def test_a_source_folder_more_on_the_disk(editor):
    text = (editor.root / "counterplay.toml").read_text()
    editor.disk("more/other.play", BROKEN)
    uri = editor.uri("more/other.play")
    editor.disk("counterplay.toml", text.replace(FEWER, MORE))
    await editor.findings(uri, ["P0201"])
    editor.disk("counterplay.toml", text)
    await editor.findings(uri, [])


async def test_a_source_folder_more_that_is_written_and_saved(editor):
    editor.disk("more/other.play", BROKEN)
    toml = editor.open("counterplay.toml")
    assert await toml.codes() == []
    uri = editor.uri("more/other.play")
    assert editor.said(uri) is None, "it is not part of the project"
    toml.replace(FEWER, MORE)
    assert await toml.codes() == []
    editor.disk("counterplay.toml", toml.text)
    await editor.findings(uri, ["P0201"])
    toml.replace(MORE, FEWER)
    assert await toml.codes() == []
    editor.disk("counterplay.toml", toml.text)
    await editor.findings(uri, [])


async def test_a_source_folder_more_that_is_not_saved_yet(editor):
    editor.disk("more/other.play", BROKEN)
    toml = editor.open("counterplay.toml")
    toml.replace(FEWER, MORE)
    await editor.findings(editor.uri("more/other.play"), ["P0201"])


async def test_a_document_that_is_not_saved_yet_outlives_a_change_of_source_folders(editor):
    document = editor.open("playbooks/other.play", BROKEN)
    await document.codes("P0201")
    text = (editor.root / "counterplay.toml").read_text()
    editor.disk("more/another.play", BROKEN)
    editor.disk("counterplay.toml", text.replace(FEWER, MORE))
    await editor.findings(editor.uri("more/another.play"), ["P0201"])
    assert "Intune" in await document.hover("device: Dev|ice"), "it is still known"
    document.replace("snc", "sync")
    assert await document.codes() == []
    document.replace("sync", "wpe")
    [finding] = await document.codes("P0201")
    assert document.covered(finding.range) == "wpe"


async def test_a_source_folder_goes_and_comes_again(editor):
    editor.disk("playbooks/other.play", BROKEN)
    await editor.findings(editor.uri("playbooks/other.play"), ["P0201"])
    folder = editor.root / "playbooks"
    shutil.rmtree(folder)

    def tell(kind):
        event = types.FileEvent(uri=folder.as_uri(), type=kind)
        editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))

    tell(types.FileChangeType.Deleted)
    await editor.findings(editor.uri("playbooks/other.play"), [])
    await editor.findings(editor.uri("counterplay.toml"), [""])
    editor.disk("playbooks/another.play", BROKEN)
    await editor.findings(editor.uri("playbooks/another.play"), ["P0201"])
    tell(types.FileChangeType.Created)
    await editor.findings(editor.uri("counterplay.toml"), [])


async def test_a_file_that_cannot_be_read(editor):
    path = editor.root / "playbooks" / "bytes.play"
    path.write_bytes(b"use notify\xff\xfe\n")
    event = types.FileEvent(uri=path.as_uri(), type=types.FileChangeType.Created)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[event]))
    said = await editor.until(lambda: (last := editor.said(path.as_uri())) and last.diagnostics, "that it cannot be read")
    assert "UTF-8" in said[0].message
    editor.disk("playbooks/bytes.play", "use notify\n")
    await editor.findings(path.as_uri(), [])


async def test_a_file_that_cannot_be_read_from_the_start(client, root):
    path = root / "playbooks" / "bytes.play"
    path.write_bytes(b"use notify\xff\xfe\n")
    editor = Editor(client, root, client.encoding)
    await editor.start()
    said = await editor.until(lambda: (last := editor.said(path.as_uri())) and last.diagnostics, "that it cannot be read")
    assert "UTF-8" in said[0].message
    editor.disk("playbooks/bytes.play", BROKEN)
    await editor.findings(path.as_uri(), ["P0201"])


async def test_addresses_stay_as_the_editor_writes_them(editor):
    plain = editor.uri("playbooks/other.play")
    strange = plain.replace("other.play", "%6Fther%2Eplay")
    document = Document(editor, strange, BROKEN)
    [finding] = await document.codes("P0201")
    assert document.covered(finding.range) == "snc"
    assert editor.said(plain) is None, "one document has one address"
    actions = await document.actions(finding.range)
    assert actions and all(set(action.edit.changes) == {strange} for action in actions)
    context = types.ReferenceContext(include_declaration=True)
    found = await document.ask("references", types.ReferenceParams(context=context, **document.place("steps lo|ok")))
    assert {at.uri for at in found} == {strange}


async def test_names_of_files_with_letters_of_elsewhere(editor):
    document = editor.open("playbooks/größe_火.play", BROKEN)
    [finding] = await document.codes("P0201")
    assert document.covered(finding.range) == "snc"


async def test_a_machine_is_drawn(editor):
    document = editor.open(LOST)
    place = {"textDocument": {"uri": document.uri}, "position": {"line": 10, "character": 4}}
    drawing = await editor.client.protocol.send_request_async("counterplay/machine", place)
    assert drawing.title == "Lost or Stolen Device"
    assert "flowchart" in drawing.mermaid and "intune.wipe" in drawing.mermaid
    assert drawing.dot.startswith("digraph")


async def test_an_editor_that_refuses_to_watch_files(wire, root):
    watches = {"workspace": {"didChangeWatchedFiles": {"dynamicRegistration": True}}}
    params = {"processId": None, "rootUri": root.as_uri(), "capabilities": watches}
    assert "result" in await wire.ask("initialize", params)
    wire.tell("initialized", {})
    while (message := await wire.next()).get("method") != "client/registerCapability":
        pass
    wire.send({"id": message["id"], "error": {"code": -32601, "message": "no"}})
    uri = (root / LOST).as_uri()
    answer = await wire.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    assert [symbol["name"] for symbol in answer["result"]][0] == "lost_device"
