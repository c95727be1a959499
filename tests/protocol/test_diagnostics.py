"""Findings: published, versioned, explained, and taken back."""

import pytest

LOST = "playbooks/lost_device.play"
BROKEN = "use microsoft.intune\n\nsteps look(device: Device) {\n  intune.snc(device)\n}\n"


async def test_a_finding_has_place_code_page_and_goes_away_when_mended(editor):
    document = editor.open(LOST)
    assert await document.codes() == []
    document.replace("intune.wipe(device)", "intune.wpe(device)")
    [finding] = await document.codes("P0201")
    assert document.covered(finding.range) == "wpe"
    assert finding.source == "counterplay"
    assert finding.severity == 1
    assert "`wpe`" in finding.message
    assert finding.code_description.href == "std:/errors/P0201.md"
    page = await editor.library(finding.code_description.href)
    assert "P0201" in page and "```play" in page
    document.replace("intune.wpe(device)", "intune.wipe(device)")
    assert await document.codes() == []


async def test_other_places_are_named(editor):
    document = editor.open(LOST)
    document.write(without_gate(document.text))
    [finding] = await document.codes("P0401")
    [related] = [r for r in finding.related_information if r.location.uri == "std:/microsoft/intune.play"]
    library = await editor.library(related.location.uri)
    assert editor.covered(library, related.location.range) == "wipe"
    assert "destructive" in related.message
    assert "help:" in finding.message and "why:" in finding.message


@pytest.mark.can(related=False)
async def test_other_places_are_left_out_for_editors_that_do_not_show_them(editor):
    document = editor.open(LOST)
    document.write(without_gate(document.text))
    [finding] = await document.codes("P0401")
    assert finding.related_information is None


def without_gate(text: str) -> str:
    """The wipe moved before the question that allows it."""
    step = "    match device.platform {"
    assert step in text
    return text.replace(step, "    intune.wipe(device)\n" + step, 1)


async def test_every_code_that_is_published_has_a_page(editor):
    document = editor.open("playbooks/many.play", MANY)
    findings = await document.looked_at()
    codes = {finding.code for finding in findings}
    assert len(codes) >= 4, codes
    for finding in findings:
        assert finding.code_description.href == f"std:/errors/{finding.code}.md"
        assert finding.code in await editor.library(finding.code_description.href)


MANY = '''use microsoft.intune
use microsoft.nothing

playbook many "Many Mistakes" {
  when intune.noncompliant as drift
  if drift.device.platform == "windows"
  then {
    intune.snc(drift.device)
    intune.wipe(drift.device)
    intune.sync(drift.devce)
    let x = 4hours
  }
}
'''


async def test_a_text_that_the_library_does_not_have_is_refused(editor):
    from pygls.exceptions import JsonRpcException

    for uri in ["std:/errors/P9999.md", "std:/nothing.play", "std:/../Cargo.toml"]:
        with pytest.raises(JsonRpcException, match="standard library|no finding P9999"):
            await editor.library(uri)
    assert "action wipe" in await editor.library("std:/microsoft/intune.play")


async def test_files_that_are_not_open_are_looked_at_too(client, root):
    from editor import Editor

    (root / "playbooks" / "other.play").write_text(BROKEN)
    editor = Editor(client, root, client.encoding)
    await editor.start()
    [finding] = await editor.findings(editor.uri("playbooks/other.play"), ["P0201"])
    assert editor.covered(BROKEN, finding.range) == "snc"
    assert editor.said(editor.uri("playbooks/other.play")).version is None


async def test_a_file_that_was_made_changed_and_removed_on_the_disk(editor):
    uri = editor.uri("playbooks/other.play")
    editor.disk("playbooks/other.play", BROKEN)
    await editor.findings(uri, ["P0201"])
    editor.disk("playbooks/other.play", BROKEN.replace("snc", "sync"))
    await editor.findings(uri, [])
    editor.disk("playbooks/other.play", BROKEN)
    await editor.findings(uri, ["P0201"])
    editor.disk("playbooks/other.play", None)
    await editor.findings(uri, [])


async def test_what_a_removed_file_declared_is_missed_elsewhere(editor):
    editor.disk("playbooks/other.play", BROKEN.replace("snc", "sync"))
    user = editor.open("playbooks/user.play", "use other\n\nsteps more(device: Device) {\n  other.look(device)\n}\n")
    assert await user.codes() == []
    editor.disk("playbooks/other.play", None)
    assert await editor.until(lambda: editor.said(user.uri).diagnostics, "a finding about the module that is gone")
    editor.disk("playbooks/other.play", BROKEN.replace("snc", "sync"))
    await editor.findings(user.uri, [])


async def test_the_editors_text_counts_until_the_document_is_closed(editor):
    document = editor.open(LOST)
    document.replace("intune.wipe(device)", "intune.wpe(device)")
    await document.codes("P0201")
    # What happens to the file meanwhile is not what is shown.
    editor.disk(LOST, document.text.replace("intune.wpe", "intune.wipe"))
    other = editor.open("playbooks/other.play", BROKEN)
    await other.codes("P0201")
    assert [d.code for d in editor.said(document.uri).diagnostics] == ["P0201"]
    document.close()
    await editor.findings(document.uri, [])


async def test_a_document_that_never_was_on_the_disk_leaves_nothing_behind(editor):
    document = editor.open("playbooks/other.play", BROKEN)
    await document.codes("P0201")
    document.close()
    await editor.findings(document.uri, [])


async def test_a_document_that_is_opened_again_counts_its_versions_anew(editor):
    document = editor.open("playbooks/other.play", BROKEN)
    await document.codes("P0201")
    document.replace("snc", "sync")
    assert await document.codes() == []
    document.close()
    again = editor.open("playbooks/other.play", BROKEN)
    assert again.version < document.version
    await again.codes("P0201")


async def test_a_document_of_no_project_is_checked_on_its_own(editor, tmp_path):
    from editor import Document

    for uri in [(tmp_path / "alone.play").as_uri(), "untitled:Untitled-1"]:
        document = Document(editor, uri, BROKEN)
        [finding] = await document.codes("P0201")
        assert document.covered(finding.range) == "snc"
        document.replace("snc", "sync")
        assert await document.codes() == []


async def test_a_mistake_in_the_project_file_is_shown_there(editor):
    toml = editor.open("counterplay.toml")
    assert await toml.codes() == []
    toml.replace("members = [\"ana", "membrs = [\"ana")
    findings = await toml.looked_at()
    assert any(toml.covered(f.range).startswith("membrs") for f in findings), findings
    toml.replace("membrs", "members")
    assert await toml.codes() == []
    toml.replace("[teams.soc]", "[teams.soc")
    findings = await toml.looked_at()
    assert findings and all(f.message for f in findings)
    toml.replace("[teams.soc", "[teams.soc]")
    assert await toml.codes() == []


async def test_a_team_that_is_removed_from_the_project_file_is_missed_in_the_playbook(editor):
    playbook = editor.open(LOST)
    toml = editor.open("counterplay.toml")
    assert await playbook.codes() == []
    toml.replace("[teams.leads]", "[teams.leaders]")
    findings = await editor.until(
        lambda: editor.said(playbook.uri).diagnostics, "findings about the team that is gone"
    )
    assert {playbook.covered(f.range) for f in findings} == {"leads"}
    assert len(findings) == 2
    toml.replace("[teams.leaders]", "[teams.leads]")
    await editor.findings(playbook.uri, [])


async def test_the_project_file_changed_on_the_disk(editor):
    playbook = editor.open(LOST)
    assert await playbook.codes() == []
    text = (editor.root / "counterplay.toml").read_text()
    editor.disk("counterplay.toml", text.replace("[teams.leads]", "[teams.leaders]"))
    await editor.until(lambda: editor.said(playbook.uri).diagnostics, "findings about the team that is gone")
    editor.disk("counterplay.toml", text)
    await editor.findings(playbook.uri, [])


async def test_two_playbooks_with_one_id(editor):
    first = editor.open(LOST)
    assert await first.codes() == []
    second = editor.open("playbooks/second.play", first.text)
    findings = await editor.until(
        lambda: [*editor.said(second.uri).diagnostics, *editor.said(first.uri).diagnostics]
        if editor.said(second.uri)
        else None,
        "a finding about the id that is taken",
    )
    assert any("lost_device" in f.message for f in findings)
    assert any(f.related_information for f in findings), "the other one is named"
    second.replace("playbook lost_device", "playbook second_device")
    assert await second.codes() == []
    await editor.findings(first.uri, [])


async def test_what_does_nothing_is_faded(editor):
    text = LATE
    document = editor.open("playbooks/late.play", text)
    findings = await document.looked_at()
    assert [f for f in findings if f.tags and 1 in f.tags], findings


LATE = '''use microsoft.intune

playbook late "Late" {
  when intune.noncompliant as drift
  then {
    end run "enough"
    intune.sync(drift.device)
  }
}
'''
