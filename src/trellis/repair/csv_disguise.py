"""Tables that are written as something else throughout: marks before every line, rows in quotes, columns of spaces.

Each way is tried only where the names that the schema has for the columns show that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile

from .csv_columns import column_name
from .edits import Change
from .rules import cost_of
from .words import normal
from .yaml_prefix import unprefixed

_DELIMITERS = re.compile(r"[,;\t|]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_CONTROLS = [character for character in map(chr, range(128)) if _CONTROL.match(character)]
_GAP = re.compile(r"(?<=\S)[ ]{2,}(?=\S)")
_ROW = re.compile(
    r"[ \t]*(?:[*\u2022\u2023\u2013-]|(?:(?:row|item|record|no\.?|#)[ ]*(?=\d+:))?(\d{1,4})(?:[.)]|(?<=[a-z#.] \d):"
    r"|(?<=[a-z#.] \d\d):))[ \t]+",
    re.I,
)
_QUOTED = re.compile(r'[ \t]*"((?:[^"\n]|"")*)"[ \t]*$')
_EMPTY = re.compile(r'[ \t,;|=:"-]*')  # a ruled line, or one without cells
_OVER = re.compile(r"[ \t]*(?:`{3,}|~{3,}|</?[A-Za-z_][\w.:-]*>[ \t]*$|<\|)", re.M)
_ENDED = re.compile(r"[^\r\n]*([,;])[ \t]*$")
_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")
_NEAR = 20  # lines among which the header is


def disguises(text: str, names: set[str]) -> Iterator[list[Change]]:
    """The changes that make a plain table of a text, most of the time none."""
    if any(character in text for character in _CONTROLS):  # quicker than the pattern
        yield _all("control_character", [(m.start(), m.end(), "") for m in _CONTROL.finditer(text)])
    if text.startswith("\ufeff"):
        yield [Change("control_character", 0, 1, "", cost_of("control_character"))]
    if "\r" in text and "\r\n" not in text:
        yield _all("whitespace", [(m.start(), m.end(), "\n") for m in re.finditer("\r", text)])
    if len(names) < 2:
        return
    if "\n" not in text.strip() and "\\n" in text and _known(text.strip().split("\\n")[0], names):
        yield _all("escaped_whitespace", [(m.start(), m.end(), "\n") for m in re.finditer(r"\\r\\n|\\n", text)])
        return
    near = list(islice(_lines(text), _NEAR))
    header = next((at for at, (a, b) in enumerate(near) if _known(text[a:b], names)), None)
    if header is None:
        yield from _columns(text, near, names)
        for removed in unprefixed(text):
            yield removed
        return
    start, end = near[header]
    first = text[start:end]
    if not _first_known(first, names):
        for removed in unprefixed(text[start:]):
            yield [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in removed]

    below = takewhile(lambda row: _OVER.match(text, row[0]) is None, _lines(text, end))
    plain = (row for row in below if not _EMPTY.fullmatch(text, *row))
    again = {first, first.rstrip(" \t,;")}  # the header once more
    begun: list[tuple[int, int]] = []  # up to the first row, which says whether there is anything to find
    while row := next(plain, None):
        begun.append(row)
        if text[slice(*row)] not in again:
            break
    if not _QUOTED.fullmatch(first) and not (row and any(mark.match(text, *row) for mark in (_ENDED, _ROW, _QUOTED))):
        return
    shown = [*begun, *plain]
    rows = [row for row in shown if text[slice(*row)] not in again]
    yield from _ended(text, near[header], rows)
    yield from _marked(text, rows)
    yield from _in_quotes(text, [near[header], *shown] if _QUOTED.fullmatch(first) else rows, len(names))


def _all(rule: str, spans: Sequence[tuple[int, int, str]]) -> list[Change]:
    """Changes by one rule, which cost as much as one."""
    return [Change(rule, a, b, after, 0.0 if at else cost_of(rule)) for at, (a, b, after) in enumerate(spans)]


def _lines(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    """The lines in which something stands."""
    return (match.span() for match in _LINE.finditer(text, start))


def _known(line: str, names: set[str]) -> bool:
    """Whether more than half of the names stand in a line with delimiters."""
    found = {normal(column_name(cell)) for cell in _DELIMITERS.split(line)}
    return 2 * len({normal(name) for name in names} & found) > len(names)


def _first_known(line: str, names: set[str]) -> bool:
    """Whether the first cell of a header is a name, but for marks of emphasis."""
    first, begin = _DELIMITERS.split(line.strip().strip("|"))[0].strip(), line.strip()[0]
    plain = begin.isalnum() or begin in "_\"'*`#\u201c" or (begin == "|" and line.strip()[-1] == "|")
    return plain and normal(column_name(first)) in map(normal, names)


def _ended(text: str, header: tuple[int, int], rows: Sequence[tuple[int, int]]) -> Iterator[list[Change]]:
    """A comma or semicolon at the end of every row, which parts no cells, or no cells that the header has."""
    found = _every(text, _ENDED, rows)
    if not found or any(text.count('"', *row) % 2 for row in rows):  # an end of a line within a cell
        return
    mark, first = found[0][1], text[slice(*header)]
    behind = _ENDED.match(text, *header)
    inside = first if behind is None else text[header[0] : behind.start(1)]
    if any(match[1] != mark for match in found) or (behind is None and len(found) < 2):
        return
    if mark in inside and (behind is not None or any(text.count(mark, *row) <= first.count(mark) for row in rows)):
        return
    ends = found if behind is None else [behind, *found]
    yield _all("trailing_comma", [(match.start(1), match.end(), "") for match in ends])


def _marked(text: str, rows: Sequence[tuple[int, int]]) -> Iterator[list[Change]]:
    """A bullet or a number before every row, and none before the header."""
    marks = _every(text, _ROW, rows)
    if not marks:
        return
    numbers = [match[1] for match in marks]
    counted = numbers == [str(at + 1) for at in range(len(numbers))]
    one = text[marks[0].start()] not in "-\u2013" or text.startswith('"', marks[0].end())  # is enough of this mark
    if counted or (not any(numbers) and (len(marks) > 1 or one)):
        yield _all("bullet", [(match.start(), match.end(), "") for match in marks])


def _every(text: str, pattern: re.Pattern[str], rows: Sequence[tuple[int, int]]) -> list[re.Match[str]]:
    """The matches of all rows, or none if one is missing; what is behind a blank line may be no row."""
    found: list[re.Match[str]] = []
    for start, end in rows:
        match = pattern.match(text, start, end)
        if match is None:
            return found if found and text.count("\n", found[-1].end(), start) > 1 else []
        found.append(match)
    return found


def _in_quotes(text: str, rows: Sequence[tuple[int, int]], width: int) -> Iterator[list[Change]]:
    """Quotes around every row."""
    found = _every(text, _QUOTED, rows)
    if not found or not all(match[1].count(",") >= width - 1 for match in found):
        return
    spans = [(match.start(), match.end(), match[1].replace('""', '"')) for match in found]
    yield _all("quote_style", spans)


def _columns(text: str, lines: Sequence[tuple[int, int]], names: set[str]) -> Iterator[list[Change]]:
    """Columns that are parted by two spaces or more."""
    for start, end in lines:
        if not _known(_GAP.sub("\t", text[start:end]), names):
            continue
        spans = [(m.start(), m.end(), "\t") for a, b in _lines(text, start) for m in _GAP.finditer(text, a, b)]
        yield _all("wrong_separator", spans)
        return
