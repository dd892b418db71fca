"""Tables that are written as something else throughout: marks before every line, rows in quotes, columns of spaces.

Each way is tried only where the names that the schema has for the columns show that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .coerce import normal
from .edits import Change
from .rules import cost_of
from .yaml_prefix import unprefixed

_DELIMITERS = re.compile(r"[,;\t|]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_GAP = re.compile(r"(?<=\S)[ ]{2,}(?=\S)")
_ROW = re.compile(r"[ \t]*(?:[*\u2022\u2023\u2013-]|(\d{1,4})[.)])[ \t]+")
_QUOTED = re.compile(r'[ \t]*"((?:[^"\n]|"")*)"[ \t]*')
_ENDED = re.compile(r";[ \t]*$")
_NEAR = 20  # lines among which the header is


def disguises(text: str, names: set[str]) -> Iterator[list[Change]]:
    """The changes that make a plain table of a text, most of the time none."""
    if _CONTROL.search(text) is not None:
        yield _all("control_character", [(m.start(), m.end(), "") for m in _CONTROL.finditer(text)])
    if len(names) < 2:
        return
    if "\n" not in text.strip() and "\\n" in text and _known(text.strip().split("\\n")[0], names):
        yield _all("escaped_whitespace", [(m.start(), m.end(), "\n") for m in re.finditer(r"\\r\\n|\\n", text)])
        return
    lines = _lines(text)
    header = next((at for at, (a, b) in enumerate(lines[:_NEAR]) if _known(text[a:b], names)), None)
    if header is None:
        yield from _columns(text, lines, names)
        for removed in unprefixed(text):
            yield removed
        return
    start, end = lines[header]
    first = text[start:end]
    if not _first_known(first, names):
        for removed in unprefixed(text[start:]):
            yield [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in removed]
    rows = lines[header + 1 :]
    if _ENDED.search(first) and "," in first and all(_ENDED.search(text[a:b]) for a, b in rows):
        spans = [(a + text[a:b].rindex(";"), b, "") for a, b in lines[header:]]
        yield _all("trailing_comma", spans)
    yield from _marked(text, rows)
    yield from _in_quotes(text, rows, len(names))


def _all(rule: str, spans: Sequence[tuple[int, int, str]]) -> list[Change]:
    """Changes by one rule, which cost as much as one."""
    return [Change(rule, a, b, after, 0.0 if at else cost_of(rule)) for at, (a, b, after) in enumerate(spans)]


def _lines(text: str) -> list[tuple[int, int]]:
    """The lines in which something stands."""
    return [match.span() for match in re.finditer(r"[^\r\n]*\S[^\r\n]*", text)]


def _known(line: str, names: set[str]) -> bool:
    """Whether more than half of the names stand in a line with delimiters."""
    found = {normal(cell.strip(" \t\"*`")) for cell in _DELIMITERS.split(line)}
    return 2 * len({normal(name) for name in names} & found) > len(names)


def _first_known(line: str, names: set[str]) -> bool:
    """Whether the first cell of a header is a name, but for marks of emphasis."""
    first = next((cell for cell in _DELIMITERS.split(line) if cell.strip()), "").strip()
    return normal(first) in map(normal, names) and (first[0].isalnum() or first[0] in "_\"'*`#\u201c")


def _marked(text: str, rows: Sequence[tuple[int, int]]) -> Iterator[list[Change]]:
    """A bullet or a number before every row, and none before the header."""
    found = [_ROW.match(text, a, b) for a, b in rows]
    marks = [match for match in found if match is not None]
    if not marks or len(marks) != len(found):
        return
    numbers = [match[1] for match in marks]
    counted = numbers == [str(at + 1) for at in range(len(numbers))]
    if counted or (not any(numbers) and (len(marks) > 1 or text[marks[0].end() - 2] not in "-\u2013")):
        yield _all("bullet", [(match.start(), match.end(), "") for match in marks])


def _in_quotes(text: str, rows: Sequence[tuple[int, int]], width: int) -> Iterator[list[Change]]:
    """Quotes around every row."""
    found = [_QUOTED.fullmatch(text, a, b) for a, b in rows]
    if not found or not all(match is not None and match[1].count(",") >= width - 1 for match in found):
        return
    spans = [(match.start(), match.end(), match[1].replace('""', '"')) for match in found if match is not None]
    yield _all("quote_style", spans)


def _columns(text: str, lines: Sequence[tuple[int, int]], names: set[str]) -> Iterator[list[Change]]:
    """Columns that are parted by two spaces or more."""
    for at, (start, end) in enumerate(lines[:_NEAR]):
        if not _known(_GAP.sub("\t", text[start:end]), names):
            continue
        spans = [(m.start(), m.end(), "\t") for a, b in lines[at:] for m in _GAP.finditer(text, a, b)]
        yield _all("wrong_separator", spans)
        return
