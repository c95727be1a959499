"""From `initialize` to `exit`, in order and out of order."""

import pytest

INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, PARSE_ERROR, NOT_INITIALIZED = -32600, -32601, -32602, -32700, -32002
HOVER = {"textDocument": {"uri": "file:///nowhere/a.play"}, "position": {"line": 0, "character": 0}}


async def test_a_whole_life_ends_with_code_0(wire, root):
    result = await wire.initialize(root.as_uri())
    assert result["serverInfo"]["name"] == "counterplay"
    assert result["capabilities"]["positionEncoding"] == "utf-16", "what a client that names none gets"
    answer = await wire.ask("shutdown")
    assert answer.get("result", "missing") is None, answer
    wire.tell("exit")
    assert await wire.ends() == 0


async def test_the_encoding_is_one_that_the_client_offers(editor):
    assert editor.server.capabilities.position_encoding == editor.encoding


async def test_exit_without_shutdown_ends_with_code_1(wire):
    await wire.initialize()
    wire.tell("exit")
    assert await wire.ends() == 1


async def test_exit_before_initialize_ends_with_code_1(wire):
    wire.tell("exit")
    assert await wire.ends() == 1


async def test_a_closed_input_ends_the_process(wire):
    await wire.initialize()
    wire.process.stdin.close()
    assert await wire.ends() != 0, "the editor did not leave in good order"


async def test_a_closed_input_ends_a_process_that_was_told_nothing(wire):
    wire.process.stdin.close()
    await wire.ends()


async def test_requests_before_initialize_are_refused(wire):
    answer = await wire.ask("textDocument/hover", HOVER)
    assert answer["error"]["code"] == NOT_INITIALIZED
    await wire.initialize()
    assert "result" in await wire.ask("textDocument/hover", HOVER)


async def test_notifications_before_initialize_are_dropped(wire, root):
    uri = (root / "playbooks" / "lost_device.play").as_uri()
    document = {"uri": uri, "languageId": "counterplay", "version": 1, "text": "use nothing\n"}
    wire.tell("textDocument/didOpen", {"textDocument": document})
    await wire.initialize(root.as_uri())
    answer = await wire.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}})
    names = [symbol["name"] for symbol in answer["result"]]
    assert "lost_device" in names, "the text of the disk counts"


async def test_initialize_twice_is_refused(wire):
    await wire.initialize()
    answer = await wire.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    assert answer["error"]["code"] == INVALID_REQUEST


@pytest.mark.parametrize("method", ["textDocument/hover", "shutdown", "initialize"])
async def test_requests_after_shutdown_are_refused(wire, method):
    await wire.initialize()
    assert "result" in await wire.ask("shutdown")
    params = {"textDocument/hover": HOVER, "initialize": {"capabilities": {}, "processId": None, "rootUri": None}}
    answer = await wire.ask(method, params.get(method))
    assert answer["error"]["code"] == INVALID_REQUEST
    wire.tell("exit")
    assert await wire.ends() == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"textDocument/hovr","params":{}}', METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":7,"method":"$/hidden","params":{}}', METHOD_NOT_FOUND),
        (b'{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":{"position":1}}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":7,"method":"textDocument/hover"}', INVALID_PARAMS),
        (b'{"jsonrpc":"2.0","id":7,"method":"textDocument/hover","params":[', PARSE_ERROR),
        (b"not even JSON", PARSE_ERROR),
        (b"\xff\xfe\xfd", PARSE_ERROR),
        (b'{"jsonrpc":"2.0","id":7,"method":12}', INVALID_REQUEST),
        (b'"a text"', INVALID_REQUEST),
    ],
    ids=["unknown", "unknown-$", "wrong-params", "no-params", "half", "no-json", "no-utf8", "method-12", "a-text"],
)
async def test_garbage_is_answered_and_the_server_goes_on(wire, body, code):
    await wire.initialize()
    wire.raw(body)
    answer = await refusal(wire)
    assert answer["error"]["code"] == code, answer
    assert answer["error"]["message"]
    assert "result" in await wire.ask("textDocument/hover", HOVER)


async def refusal(wire) -> dict:
    """The next refusal; one of what cannot be read may carry the number of the request or none."""
    while True:
        message = await wire.next()
        if "error" in message:
            assert message.get("id", "missing") in (None, 7)
            return message


@pytest.mark.parametrize(
    "message",
    [
        {"method": "nothing/known", "params": {}},
        {"method": "$/setTrace", "params": {"value": "off"}},
        {"method": "$/progress", "params": {"token": 1, "value": None}},
        {"method": "workspace/didChangeConfiguration", "params": {"settings": None}},
        {"method": "textDocument/didSave", "params": {"textDocument": {"uri": "file:///nowhere/a.play"}}},
        {"method": "textDocument/didClose", "params": {"textDocument": {"uri": "file:///nowhere/a.play"}}},
        {"method": "textDocument/didOpen", "params": {"no": "document"}},
        {
            "method": "textDocument/didChange",
            "params": {"textDocument": {"uri": "file:///nowhere/a.play", "version": 1}, "contentChanges": []},
        },
        {"id": 4711, "result": None},
    ],
    ids=lambda message: message.get("method", "an answer that nobody waits for"),
)
async def test_what_needs_no_answer_gets_none(wire, message):
    await wire.initialize()
    wire.send(message)
    assert "result" in await wire.ask("textDocument/hover", HOVER)
    # A log message is the server's right; an answer to a notification is not.
    answers = [other for other in wire.others if "method" not in other]
    assert answers == []


async def test_other_headers_are_read(wire):
    body = b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":{},"processId":null,"rootUri":null}}'
    kind = b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\n"
    wire.process.stdin.write(kind + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert "capabilities" in (await wire.answer(1))["result"]


async def test_ids_may_be_texts(wire):
    await wire.initialize()
    wire.send({"id": "a-text", "method": "textDocument/hover", "params": HOVER})
    assert "result" in await wire.answer("a-text")


async def test_files_are_watched_when_the_editor_can(editor):
    def globs():
        return [
            watcher["globPattern"] if isinstance(watcher, dict) else watcher.glob_pattern
            for registration in editor.client.registrations
            if registration.method == "workspace/didChangeWatchedFiles"
            for watcher in (
                registration.register_options["watchers"]
                if isinstance(registration.register_options, dict)
                else registration.register_options.watchers
            )
        ]

    found = await editor.until(globs, "a registration for changes on the disk")
    assert any(".play" in glob for glob in found) and any("counterplay.toml" in glob for glob in found)


@pytest.mark.can(watch=False)
async def test_nothing_is_registered_when_the_editor_cannot(editor):
    document = editor.open("playbooks/lost_device.play")
    await document.codes()
    await document.hover("int|une.wipe")
    assert editor.client.registrations == []
