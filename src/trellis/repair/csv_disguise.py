"""Tables that are written as something else throughout: marks before every line, rows in quotes, columns of spaces.

Each way is tried only where the names that the schema has for the columns show that it is one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise, takewhile

from .csv_cells import written
from .csv_columns import column_name
from .csv_table import END
from .edits import Change
from .extract import fences
from .rules import cost_of
from .words import normal
from .yaml_prefix import unprefixed

_DELIMITERS = re.compile(r"[,;\t|]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
_CONTROLS = [character for character in map(chr, range(128)) if _CONTROL.match(character)]
_GAP = re.compile(r"(?<=\S)[ ]{2,}(?=\S)")
_ROW = re.compile(
    r"[ \t]*(?:[*+\u2022\u2023\u2013-]|[\[(#]\d{1,4}[\])]?|(?:(?:row|item|record|no\.?|#)[ ]*(?=\d+:))?(\d{1,4})"
    r"(?:[.)]|(?<=[a-z#.] \d):|(?<=[a-z#.] \d\d):)|row[ ]?:|r(\d{1,4})|(\d{1,4})(?:[ ]\||:))[ \t]+",
    re.I,
)
_QUOTED = re.compile(r'[ \t]*"((?:[^"\n]|"")*)"[ \t]*$')
_EMPTY = re.compile(r'[ \t,;|=:"-]*')  # a ruled line, or one without cells
_OVER = re.compile(r"[ \t]*(?:`{3,}|~{3,}|</?[A-Za-z_][\w.:-]*>[ \t]*$|<\|)", re.M)
_ENDED = re.compile(r"[^\r\n]*?([,;]|[ \t]*(?:<br ?/?>|\\{1,2})|(?<=[^ \t|])\||[ ]{2,})[ \t]*$")
_UNUSUAL = re.compile(r"[ ]?(::+|[^\w\s\"'`*.,;|-]{1,2}|->|=>|--+)[ ]?")
_APOSTROPHES = re.compile(r"(?:(?<=,)|(?<=, )|^)'((?:[^'\n]|'(?![ ]?(?:,|$)))*)'(?=[ ]?(?:,|$))", re.M)
DRAFT = re.compile(
    r"\b(?:correct(?:ed|ion)|final|revised|updated?|fixed|instead|actually|answer|result|output|missing)\b", re.I
)
_PIECE = re.compile(r"\b(?:part|page|continued|cont|next|rest|remaining|second|section)\b", re.I)
_WORDS = re.compile(r"[^\W\d]{2,} [^\W\d]")
_LINE = re.compile(r"[^\r\n]*\S[^\r\n]*")
_SIDE = re.compile(r"[\u2502\u2503\u2551]")
_BOX_SIDE = re.compile(r"^[ \t]*[\u2502\u2503\u2551].*\S[ \t]*[\u2502\u2503\u2551][ \t]*$", re.M)
_BOX_LINE = re.compile(r"^[ \t]*[\u2500-\u257f+|][\u2500-\u257f+|-]*[ \t]*(?:\r?\n|\Z)", re.M)
_ESCAPED_LINE = re.compile(r"\\r\\n|\\n")
_OPENED = re.compile(r"\s*(?:[\w.]+[ ]*=[ ]*|\w+\()?('{3}|\"{3}|`{3}|['\"`])")
_IN_QUOTES = re.compile(r'"[^"\n]*"')
_LONG = 4000  # characters from which on a line is no row with texts in single quotes
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
    if _BOX_SIDE.search(text) is not None:
        yield _all("table_mark", list(_unboxed(text)))
    yield from _fenced(text, names)
    if text[:1] == '"' and "\n" not in text.rstrip() and (inner := _decoded(text)) is not None:
        yield [Change("double_encoded", 0, len(text), inner, cost_of("double_encoded"))]
    if "\n" not in text.strip() and "\\n" in text and _known(text.strip().split("\\n")[0], names):
        start, end = _enclosed(text)
        breaks = [(m.start(), m.end(), "\n") for m in _ESCAPED_LINE.finditer(text, start, end)]
        around = [span for span in ((0, start, ""), (end, len(text), "")) if span[0] < span[1]]
        yield _all("escaped_whitespace", sorted([*breaks, *around]))
        return
    near = list(islice(_lines(text), _NEAR))
    header = next((at for at, (a, b) in enumerate(near) if _known(text[a:b], names)), None)
    if header is None:
        yield from _unusual(text, near, names)
        if all(text.count(",", *row) >= len(names) - 1 for row in _lines(text)):
            yield from _marked(text, _lines(text))
        yield from _columns(text, near, names)
        for removed in unprefixed(text):
            yield removed
        return
    start, end = near[header]
    first = text[start:end]
    if not _first_known(first, names):
        for removed in unprefixed(text[start:]):
            yield [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in removed]

    again = {first, first.rstrip(" \t,;")}  # the header once more

    def shown() -> Iterator[tuple[int, int]]:
        below = takewhile(lambda row: _OVER.match(text, row[0]) is None, _lines(text, end))
        return (row for row in below if not _EMPTY.fullmatch(text, *row) and not END.fullmatch(text, *row))

    def rows() -> Iterator[tuple[int, int]]:
        return (row for row in shown() if text[slice(*row)] not in again)

    if ",\t" in first and first.count(",\t") == first.count(","):
        yield _all("whitespace", [(m.start(), m.end(), "") for m in re.finditer(r"(?<=,)\t+", text)])
    yield from _apostrophes(text, start, rows)
    if _QUOTED.fullmatch(first) and first.count(",") and next(rows(), None) and not _every(text, _QUOTED, rows()):
        yield [Change("quote_style", start, end, first.strip().strip('"'), cost_of("quote_style"))]
    yield from _ended(text, near[header], rows)
    yield from _marked(text, rows() if not _ROW.match(first) else chain([near[header]], rows()), near[header])
    yield from _in_quotes(text, chain([near[header]], shown()) if _QUOTED.fullmatch(first) else rows(), len(names))


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


def _ended(
    text: str, header: tuple[int, int], rows: Callable[[], Iterator[tuple[int, int]]]
) -> Iterator[list[Change]]:
    """A comma or semicolon at the end of every row, which parts no cells, or no cells that the header has."""
    found = _every(text, _ENDED, rows())
    if not found or any(text.count('"', *row) % 2 for row in rows()):  # an end of a line within a cell
        return
    mark, first = found[0][1], text[slice(*header)]
    behind = _ENDED.match(text, *header)
    inside = first if behind is None else text[header[0] : behind.start(1)]
    if any(match[1].strip() != mark.strip() for match in found) or (behind is None and len(found) < 2):
        return
    bare = (_IN_QUOTES.sub("", text[slice(*row)]) for row in rows())
    if mark in inside and (behind is not None or any(row.count(mark) <= first.count(mark) for row in bare)):
        return
    ends = found if behind is None else [behind, *found]
    yield _all("trailing_comma", [(match.start(1), match.end(), "") for match in ends])


def _marked(
    text: str, rows: Iterator[tuple[int, int]], header: tuple[int, int] | None = None
) -> Iterator[list[Change]]:
    """A bullet or a number before every row, and perhaps before the header."""
    marks = _every(text, _ROW, rows)
    if not marks:
        return
    if header is not None and marks[0].start() == header[0] and len(marks) > 1:
        yield _all("bullet", [(match.start(), match.end(), "") for match in marks])
        return
    numbers = [next((number for number in match.groups() if number), None) for match in marks]
    counted = numbers == [str(at + 1) for at in range(len(numbers))]
    said = [re.search(r"\d+", match[0]) for match in marks]
    if any(said) and [number and number[0] for number in said] != [str(at + 1) for at in range(len(said))]:
        return  # texts that begin with numbers
    one = text[marks[0].start()] not in "-\u2013" or text.startswith('"', marks[0].end())  # is enough of this mark
    if counted or (not any(numbers) and (len(marks) > 1 or one)):
        yield _all("bullet", [(match.start(), match.end(), "") for match in marks])


def _every(text: str, pattern: re.Pattern[str], rows: Iterator[tuple[int, int]]) -> list[re.Match[str]]:
    """The matches of all rows, or none if one is missing; what is behind a blank line may be no row."""
    found: list[re.Match[str]] = []
    for start, end in rows:
        match = pattern.match(text, start, end)
        if match is None:
            return found if found and text.count("\n", found[-1].end(), start) > 1 else []
        found.append(match)
    return found


def _in_quotes(text: str, rows: Iterator[tuple[int, int]], width: int) -> Iterator[list[Change]]:
    """Quotes around every row."""
    found = _every(text, _QUOTED, rows)
    if not found or not all(match[1].count(",") >= width - 1 for match in found):
        return
    spans = [(match.start(), match.end(), match[1].replace('""', '"')) for match in found]
    yield _all("quote_style", spans)


def _fenced(text: str, names: set[str]) -> Iterator[list[Change]]:
    """Several fences with a table each: drafts before the answer, or parts of one table."""
    spans: list[tuple[int, int]] = []
    for a, b, _ in fences(text):
        if not spans or a >= spans[-1][1]:
            spans.append((a, b))
    if len(spans) < 2:
        return
    heads = [next(_lines(text, a), (a, a)) for a, _ in spans]
    if not all(_known(text[a:b], names) for a, b in heads):
        return
    gaps = [text[before:after] for (_, before), (after, _) in pairwise(spans)]
    if all(_PIECE.search(gap) for gap in gaps) and len({text[a:b] for a, b in heads}) == 1:
        changes = [(before, after, "") for (_, before), (_, after) in zip(spans, heads[1:], strict=False)]
        yield _all("prose", changes)
    elif DRAFT.search(gaps[-1]):
        opened = text.rindex("\n", 0, spans[-1][0] - 1) + 1 if "\n" in text[: spans[-1][0] - 1] else 0
        yield [Change("prose", 0, opened, "", cost_of("prose"))]


def _unboxed(text: str) -> Iterator[tuple[int, int, str]]:
    """Where frames of lines and corners stand, and what stands for them in Markdown."""
    for start, end in _lines(text):
        if _BOX_LINE.match(text, start, end):
            yield start, min(end + 1, len(text)), ""
        elif _BOX_SIDE.match(text, start, end):
            yield from ((m.start(), m.end(), "|") for m in _SIDE.finditer(text, start, end))


def _enclosed(text: str) -> tuple[int, int]:
    """Where the table begins and ends that one string of a program holds, without its quotes."""
    opened, bare = _OPENED.match(text), text.rstrip().rstrip(";)")
    if opened is None or not bare.endswith(opened[1]) or text.split("\\n")[0].count(opened[1]) % 2 == 0:
        return 0, len(text)
    return opened.end(), len(bare) - len(opened[1])


def _decoded(text: str) -> str | None:
    try:
        inner = json.loads(text.strip())
    except ValueError:
        return None
    return inner if isinstance(inner, str) else None


def _unusual(text: str, lines: Sequence[tuple[int, int]], names: set[str]) -> Iterator[list[Change]]:
    """Another mark between the cells: ``::``, an arrow, a broken bar."""
    for start, end in lines:
        line = text[start:end]
        for mark in {match[1] for match in _UNUSUAL.finditer(line)}:
            parts = line.split(mark)
            known = {normal(column_name(cell)) for cell in parts} & {normal(name) for name in names}
            if 2 * len(known) <= len(names):
                continue
            spans = []
            for a, b in _lines(text, start):
                cells = [_unquoted(cell.strip()) for cell in text[a:b].split(mark)]
                if len(cells) == len(parts):
                    spans.append((a, b, ",".join(written(cell, ",") for cell in cells)))
            yield _all("wrong_separator", spans)
            return


def _within_quotes(text: str, at: int) -> bool:
    """Whether an offset lies in a cell in double quotes."""
    return text.count('"', text.rfind("\n", 0, at) + 1, at) % 2 == 1


def _unquoted(cell: str) -> str:
    """What a cell of its own says, without quotes around it."""
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return cell[1:-1].replace('""', '"').replace('\\"', '"') if quoted else cell


def _apostrophes(
    text: str, start: int, rows: Callable[[], Iterator[tuple[int, int]]]
) -> Iterator[list[Change]]:
    """Texts in single quotes."""
    if "'" not in text or not all(b - a < _LONG and _APOSTROPHES.search(text, a, b) for a, b in rows()):
        return
    found = [m for m in _APOSTROPHES.finditer(text, start) if not _within_quotes(text, m.start())]
    bare = sum(bool(_WORDS.search(part)) for row in rows() for part in text[slice(*row)].split(",") if "'" not in part)
    if len(found) > 1 and len(found) > 2 * bare:
        inner = [match[1].replace("''", "'").replace("\\'", "'").replace('"', '""') for match in found]
        spans = [(match.start(), match.end(), f'"{said}"') for match, said in zip(found, inner, strict=True)]
        yield _all("quote_style", spans)


def _columns(text: str, lines: Sequence[tuple[int, int]], names: set[str]) -> Iterator[list[Change]]:
    """Columns that are parted by two spaces or more."""
    for start, end in lines:
        if not _known(_GAP.sub("\t", text[start:end]), names):
            continue
        spans = [(m.start(), m.end(), "\t") for a, b in _lines(text, start) for m in _GAP.finditer(text, a, b)]
        yield _all("wrong_separator", spans)
        return
