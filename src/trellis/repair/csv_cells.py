"""The cells of a line of CSV, also where quotes are not closed or not doubled."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_QUOTES = {'"': '"', "\u201c": "\u201d", "\u201e": "\u201c", "\u00ab": "\u00bb", "\u201d": "\u201d"}
_ANY_QUOTE = re.compile(f"[{''.join(_QUOTES)}]")
_STRICT = re.compile(r'"((?:[^"]|"")*+)"[ \t]*')
_ESCAPED = re.compile(r'"((?:[^"\\]|\\.|"")*+)"[ \t]*')  # as programs write quotes within
_WORDS = re.compile(r'"[^"\n]*\w"[ ][^"\n]*[ ]"\w[^"\n]*"')
_DOUBLED = re.compile(r'"{2,3}')
_PIPE = re.compile(r"(?<!\\)\|")


class Cell(NamedTuple):
    """A cell: its span, what it says, and whether it stands in sound quotes."""

    start: int
    end: int
    text: str
    quoted: bool = False
    sound: bool = True


def lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The lines of a region, as ``csv`` sees them."""
    while start < end:
        stop = text.find("\n", start, end)
        stop = end if stop < 0 else stop
        yield start, stop - (stop > start and text[stop - 1] == "\r")
        start = stop + 1


def cells(text: str, start: int, end: int, delimiter: str, lost: bool = False) -> list[Cell]:
    """The cells of a line, also where quotes are not closed or not doubled.

    ``lost``: a quote that is not closed as CSV has it is not closed at all.
    """
    if _ANY_QUOTE.search(text, start, end) is None:
        return _unquoted(text, start, end, delimiter)
    found, at = [], start
    while True:
        begin = at
        while begin < end and text[begin] in " \t" and text[begin] != delimiter:
            begin += 1
        stop, mark = -1, text[begin : begin + 1]
        if begin < end and mark in _QUOTES:
            strict = _STRICT.match(text, begin, end) if mark == '"' else None
            if strict is not None and (strict.end() == end or text[strict.end()] == delimiter):
                stop = strict.end(1)
            elif (escaped := _escaped(text, begin, end, delimiter)) is not None:
                stop = escaped.end(1)
            elif not lost or mark != '"':
                stop = _closing(text, begin + 1, end, delimiter, _QUOTES[mark])
                if stop >= 0 and mark == '"' and _WORDS.fullmatch(text, begin, stop + 1):
                    stop = -1  # words in quotes at both ends
        if stop >= 0:
            inner = text[begin + 1 : stop]
            sound = mark == '"' and '"' not in inner.replace('""', "")
            if not sound and '\\"' in inner:
                inner = inner.replace('\\"', '"')
            said = inner.replace('""', '"') if sound else _DOUBLED.sub('"', inner)
            found.append(Cell(begin, stop + 1, said, True, sound))
            at = stop + 1
            while at < end and text[at] != delimiter:
                at += 1
        else:
            at = text.find(delimiter, begin, end)
            at = end if at < 0 else at
            written = text[begin:at].rstrip(" \t")
            opened = written[:1] == '"'
            half = opened and written.count('"') % 2 == 1  # a quote that nothing closes; or words in quotes
            found.append(Cell(begin, begin + len(written), written[1:] if half else written, False, not opened))
        if at >= end:
            return found
        at += 1


def _escaped(text: str, start: int, end: int, delimiter: str) -> re.Match[str] | None:
    """A cell whose quotes have a backslash before them."""
    found = _ESCAPED.match(text, start, end) if text.startswith('"', start) else None
    if found is None or '\\"' not in found[1]:
        return None
    return found if found.end() == end or text[found.end()] == delimiter else None


def _unquoted(text: str, start: int, end: int, delimiter: str) -> list[Cell]:
    """The cells of a line without quotes."""
    found = []
    for part in text[start:end].split(delimiter):
        inner = part.lstrip(" \t")
        begin = start + len(part) - len(inner)
        inner = inner.rstrip(" \t")
        found.append(Cell(begin, begin + len(inner), inner))
        start += len(part) + 1
    return found


def piped(text: str, start: int, end: int) -> list[Cell]:
    """The cells of a row of a Markdown table, in which quotes are text."""
    inner = text[start:end].strip()
    if inner.startswith("|"):
        start = text.index("|", start) + 1
        closed = inner.endswith("|") and not inner.endswith("\\|") and inner != "|"
        end = text.rindex("|", start, end) if closed else end
    found, at = [], start
    for stop in (*(match.start() for match in _PIPE.finditer(text, start, end)), end):
        while at < stop and text[at] in " \t":
            at += 1
        cell = text[at:stop].rstrip(" \t")
        found.append(Cell(at, at + len(cell), cell.replace("\\|", "|")))
        at = stop + 1
    return found


def _closing(text: str, start: int, end: int, delimiter: str, mark: str) -> int:
    """The quote that ends a cell: one that the delimiter or the end of the line follows."""
    at = start
    while (at := text.find(mark, at, end)) >= 0:
        if mark == '"' and text.startswith('""', at):
            after = _gap(text, at + 2, end, delimiter)
            if after < end and text[after] != delimiter:
                at += 2
                continue
        after = _gap(text, at + 1, end, delimiter)
        if after == end or text[after] == delimiter:
            return at
        at += 1
    return -1


def _gap(text: str, at: int, end: int, delimiter: str) -> int:
    """The offset behind spaces."""
    while at < end and text[at] in " \t" and text[at] != delimiter:
        at += 1
    return at


def is_cell(line: str) -> bool:
    """Whether a line without a delimiter is a cell of a row that lost the others, rather than a sentence."""
    return bool(re.fullmatch(r"[^\s`]*[^\s`.!?:]", line.strip()))


def spaced(text: str, row: list[Cell]) -> bool:
    """Whether a space stands behind each delimiter of a row."""
    return len(row) > 1 and all(text[cell.start - 1] == " " for cell in row[1:])


def written(value: str, delimiter: str, always: bool = False) -> str:
    """A cell as CSV."""
    if always or delimiter in value or '"' in value or "\n" in value:
        return '"' + value.replace('"', '""') + '"'
    return value
