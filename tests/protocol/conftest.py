"""The server under test: the binary that COUNTERPLAY_BIN names, once per position encoding."""

import itertools
import os
import shutil
import sys
from pathlib import Path

import pytest
import pytest_lsp
from pytest_lsp import ClientServerConfig, LanguageClient

sys.path.insert(0, str(Path(__file__).parent))
sys.dont_write_bytecode = True

import sources  # noqa: E402
from editor import Document, Editor, make_client  # noqa: E402
from wire import Wire  # noqa: E402

EXAMPLES = Path(__file__).parents[2] / "examples"
ENCODINGS = ["utf-8", "utf-16"]

BINARY = os.environ.get("COUNTERPLAY_BIN", "")
if not os.access(BINARY, os.X_OK):
    pytest.exit("set COUNTERPLAY_BIN to the binary that is tested, see tests/protocol/README.md", returncode=2)
BINARY = str(Path(BINARY).resolve())

CONFIG = ClientServerConfig(server_command=[BINARY, "lsp"], client_factory=make_client)


@pytest.fixture
def root(tmp_path) -> Path:
    """A copy of `examples/lost-device` that a test may change."""
    return copy_of_example(tmp_path)


def copy_of_example(into: Path) -> Path:
    return Path(shutil.copytree(EXAMPLES / "lost-device", into / "lost device"))


@pytest_lsp.fixture(config=CONFIG, params=ENCODINGS)
async def client(request, lsp_client: LanguageClient):
    """A client whose server was started and was told nothing yet; `encoding` is how it counts positions."""
    lsp_client.encoding = request.param
    yield
    await lsp_client.shutdown_session()


@pytest.fixture
async def editor(client, root, request) -> Editor:
    """An editor with the project open. `@pytest.mark.can(snippets=False)` takes an ability from it."""
    mark = request.node.get_closest_marker("can")
    editor = Editor(client, root, client.encoding)
    await editor.start(**(mark.kwargs if mark else {}))
    return editor


# A table has many rows and one server: each row opens a document of its own and closes it.


@pytest_lsp.fixture(config=CONFIG, scope="session", params=ENCODINGS)
async def shared_client(request, lsp_client: LanguageClient):
    lsp_client.encoding = request.param
    yield
    await lsp_client.shutdown_session()


@pytest.fixture(scope="session")
async def shared(shared_client, tmp_path_factory) -> Editor:
    """An editor that the rows of tables share; its project has modules, types and events of its own."""
    root = copy_of_example(tmp_path_factory.mktemp("shared"))
    toml = root / "counterplay.toml"
    toml.write_text(toml.read_text().replace("[tenants.contoso]\n", '[tenants.contoso]\ngroups = ["gold"]\n'))
    (root / "playbooks" / "house.play").write_text(HOUSE)
    editor = Editor(shared_client, root, shared_client.encoding)
    await editor.start()
    return editor


@pytest.fixture
async def both(editor) -> tuple[Document, Document]:
    """Two open files that use each other's names."""
    house, user = editor.open(sources.HOUSE, sources.HOUSE_TEXT), editor.open(sources.USER, sources.USER_TEXT)
    assert await user.codes() == []
    assert await house.codes() == []
    return house, user


@pytest_lsp.fixture(config=CONFIG, scope="session", params=ENCODINGS)
async def reading_client(request, lsp_client: LanguageClient):
    lsp_client.encoding = request.param
    yield
    await lsp_client.shutdown_session()


@pytest.fixture(scope="session")
async def reading(reading_client, tmp_path_factory) -> Editor:
    """An editor that is shared by tests that change nothing."""
    editor = Editor(reading_client, copy_of_example(tmp_path_factory.mktemp("reading")), reading_client.encoding)
    await editor.start()
    return editor


@pytest.fixture(scope="session")
async def pair(reading) -> tuple[Document, Document]:
    """Like `both`, for tests that change nothing."""
    house, user = reading.open(sources.HOUSE, sources.HOUSE_TEXT), reading.open(sources.USER, sources.USER_TEXT)
    assert await user.codes() == []
    assert await house.codes() == []
    return house, user


HOUSE = '''use microsoft.entra
use ticket

/// What a visitor may be.
enum Badge { visitor, contractor, staff }

/// Somebody with a badge.
type Visitor {
  id: Text
  /// What is printed on the badge.
  label: Text
  badge: Badge
}

/// A door was held open.
event door_held {
  source: push
  field visitor: Visitor = Visitor(id: raw.id, label: raw.label, badge: raw.badge)
}

/// Write down what was seen.
steps record(user: User, why: Text, priority: Priority = low) -> Ticket {
  let case = ticket.create(title: "{user.name}: {why}", priority: priority)
  return case
}
'''


ROWS = itertools.count(1)


@pytest.fixture
def row(shared):
    """Opens a document of its own in the shared project; it is closed when the row is done."""
    opened = []

    def open(text: str, name: str | None = None):
        name = name or f"playbooks/row_{next(ROWS)}.play"
        document = shared.open(name, text)
        opened.append(document)
        return document

    yield open
    for document in opened:
        document.close()


def pytest_configure(config):
    config.addinivalue_line("markers", "can(**abilities): what the editor says that it can do")


@pytest.fixture
async def wire():
    """A server without a client between: for what clients never send."""
    wire = await Wire.start(BINARY)
    yield wire
    await wire.stop()
