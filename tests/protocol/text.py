"""Texts as an editor holds them: places by what stands there, and positions in the agreed encoding."""

from lsprotocol import types


def units(text: str, encoding: str) -> int:
    """How long a text is, as positions count it."""
    if encoding == "utf-8":
        return len(text.encode("utf-8"))
    return len(text.encode("utf-16-le")) // 2


def position(text: str, offset: int, encoding: str) -> types.Position:
    """The position of a character of a text."""
    before = text[:offset]
    start = before.rfind("\n") + 1
    return types.Position(before.count("\n"), units(before[start:], encoding))


def offset(text: str, at: types.Position, encoding: str) -> int:
    """The character at a position; it has to be one."""
    lines = text.split("\n")
    assert at.line < len(lines), f"there is no line {at.line}"
    line = lines[at.line]
    for column in range(len(line) + 1):
        if units(line[:column], encoding) == at.character:
            return sum(len(before) + 1 for before in lines[: at.line]) + column
    raise AssertionError(f"{at} lies outside of its line or inside of a character: {line!r}")


def covered(text: str, where: types.Range, encoding: str) -> str:
    """What stands in a range."""
    return text[offset(text, where.start, encoding) : offset(text, where.end, encoding)]


def applied(text: str, edits, encoding: str) -> str:
    """A text with edits made; they count in the text as it was and may not overlap."""
    places = sorted(
        (offset(text, edit.range.start, encoding), offset(text, edit.range.end, encoding), n, edit.new_text)
        for n, edit in enumerate(edits)
    )
    for (_, end, _, _), (start, _, _, _) in zip(places, places[1:]):
        assert end <= start, f"edits overlap: {edits}"
    for start, end, _, new in reversed(places):
        text = text[:start] + new + text[end:]
    return text


def find(text: str, mark: str) -> int:
    """The character that `|` in a piece of a text stands for: `int|une.wipe`."""
    before, bar, after = mark.partition("|")
    assert bar, f"{mark!r} has no cursor"
    at = text.find(before + after)
    assert at >= 0, f"{before + after!r} is not in the text"
    return at + len(before)


def cursor(text: str) -> tuple[str, int]:
    """A text with one `|` in it as the text without, and where it stood."""
    before, bar, after = text.partition("|")
    assert bar and "|" not in after, "a source has one cursor"
    return before + after, len(before)
