"""``repair_csv``: a header row and rows, once fences and prose are gone, typed by the schema's item properties."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import Any

from ..collector import collector_paused
from ..errors import RepairError, UsageError
from .against import Path, against_schema
from .csv_cells import is_cell
from .csv_columns import column_name, stays_text, typed_column
from .csv_disguise import disguises
from .csv_doubts import doubted
from .csv_foreign import foreign_table
from .csv_rows import Rows
from .csv_table import Splits
from .edits import Change, Repaired, apply_edits, compose, locate
from .extract import fences, regions, removal
from .judge import Judge, judge_for
from .rules import Level, allowed, cost_of
from .schema_argument import SchemaLike, json_schema
from .schema_view import SchemaView
from .standard import check_arguments, confidence, unreadable_as
from .user_rules import UserRule, with_rules
from .words import normal as plain_name

_DELIMITERS = ",;\t|"
_BLANK = _DELIMITERS + " \r\n"
_SIZE = 16_000_000
_LINE = re.compile(r"[^\n]*\n|[^\n]+")
_LOST = 3.0  # what speaks against leaving out a line that looks like a row
_NEAR = 200  # lines among which the header is
_ALONE = {mark: re.compile(rf"\n(?=[^{re.escape(mark)}\n]*+(?:\n|\Z))[^\n]*\S") for mark in _DELIMITERS}
_RULED = re.compile(r"[ ]*:?(?:-{2,}|={2,}):?[ ]*")
_BRACKETED = re.compile(r"^[ \t]*(?:[(\[][\"'\w]|INSERT\s)", re.M | re.I)  # rows of programs
_FIRST = 4000  # characters that show what a text is
_PADDED = re.compile(r"[^\n]*[^\s,;|][ ]+[,;|]")


class NotCsv(ValueError):
    """What is wrong, and in which line."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line, self.reason = line, reason


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def read_csv(text: str, schema: Mapping[str, Any] | None = None, *, delimiter: str = ",") -> list[dict[str, Any]]:
    """The standard reading: one dict for each row, keyed by the header, cells typed where the schema names a type.

    Raises:
        ValueError: no header, a name twice, an open quote, or a row with more or fewer cells than the header.
    """
    return read_table(text, _row_view(schema), delimiter)


def _row_view(schema: Any) -> SchemaView:
    """What a schema of a table says about a row."""
    return SchemaView.of(schema).item(0) if schema is not None else SchemaView.of({})


def read_table(text: str, view: SchemaView, delimiter: str) -> list[dict[str, Any]]:
    """``read_csv`` with what the schema says about a row; raises the same."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        header = [name.strip() for name in next(filter(_says, reader), ())]
        if not header:
            raise NotCsv(1, "there is no header")
        if len(set(header)) != len(header) or not all(header):
            raise NotCsv(reader.line_num, "a column has no name, or the name of another")
        width = len(header)
        rows: list[dict[str, Any]] = []
        for row in reader:
            if not (row and row[0].strip()) and not _counts(row, header, view):
                continue
            if len(row) != width:
                raise NotCsv(reader.line_num, f"{_counted(len(row), 'cell')} under {_counted(width, 'column')}")
            rows.append(dict(zip(header, row, strict=True)))
    except csv.Error as error:
        raise NotCsv(reader.line_num, str(error)) from None
    for name in header:
        if not stays_text(view.member(name)):
            column = typed_column([member[name] for member in rows], view.member(name))
            for member, value in zip(rows, column, strict=True):
                member[name] = value
    return rows


def _says(row: Sequence[str]) -> bool:
    """Whether a cell of a row is not empty."""
    return any(map(str.strip, row))


def _counts(row: Sequence[str], header: Sequence[str], view: SchemaView) -> bool:
    """Whether a row says something: empty cells do where null may stand in every column."""
    if _says(row):
        return True
    return len(row) == len(header) > 1 and all("null" in view.member(name).types() for name in header)


def _spans(text: str, names: set[str]) -> Iterator[tuple[int, int, str]]:
    """Where a table may lie, with its delimiter."""
    parts = [(start, end) for start, end, _ in fences(text)]
    parts += [(region.start, region.end) for region in regions(text) if region.source == "whole"]
    for start, end in parts:
        lines = [line.group() for line in islice(_LINE.finditer(text, start, end), _NEAR + 1)]
        offset, none = start, 0 if len(lines) <= _NEAR else -1
        header = next((i for i, x in enumerate(lines) if x.strip() and not _leads_in(lines, i)), none)
        for index, line in enumerate(lines[:_NEAR]):
            for delimiter in _DELIMITERS:
                cells = {cell.strip().strip('"') for cell in line.split(delimiter)}
                known = bool(names) and len(cells & names) * 2 > len(names)
                if known or (not names and index == header and delimiter in line):
                    stop = offset + len(line)
                    alone = _ALONE[delimiter].search(text, stop - 1, end) if len(cells) > 1 else None
                    stop = end if alone is None else alone.start() + 1
                    yield offset, stop, delimiter
                    if stop != end:
                        yield offset, end, delimiter
            offset += len(line)


def _leads_in(lines: Sequence[str], index: int) -> bool:
    """Whether a line announces the table, rather than being its header."""
    line = lines[index].strip()
    alone = index + 1 < len(lines) and not lines[index + 1].strip()
    return line.endswith(":") and (alone or len(line.split()) >= 4)


def repair_csv(
    text: str,
    schema: SchemaLike = None,
    *,
    level: Level = "normal",
    rules: Sequence[UserRule] | None = None,
) -> Repaired[list[dict[str, Any]]]:
    """Read a table with a header row out of text that should be CSV.

    Args:
        text: what the model said.
        schema: JSON Schema of an array of objects, or a type (``list[Row]``), or ``None``; names the columns and
            their types.
        level: ``safe``, ``normal`` or ``salvage``.
        rules: rules of your own (``UserRule``), used where the standard reading does not hold.

    Returns:
        One dict for each row; ``text`` is the table alone, still CSV.

    Raises:
        RepairError: no table with rows of equal length, or rows against the schema.
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind.
    """
    check_arguments(text, level)
    judge = judge_for(schema := json_schema(schema))
    with collector_paused(len(text)):
        return with_rules(text, rules, level, lambda source: _read(source, schema, judge, level))


def _read(text: str, schema: Any, judge: Judge, level: Level) -> Repaired[Any]:
    if len(text) > _SIZE:
        raise RepairError(f"the text has {len(text)} characters, more than {_SIZE}", limit="size")
    names = SchemaView.of(schema).item(0).names() if schema is not None else set()
    failures: list[RepairError] = []  # the likeliest place's first
    found = (
        _disguised(text, schema, judge, level, names)
        or _standard(text, schema, judge, level, names, failures)
        or _mended(text, schema, judge, level, names)
    )
    if found is None:
        if not any(failure.against_schema for failure in failures):
            _misfit(text, schema, judge, names)
        raise failures[0] if failures else unreadable_as("CSV", text, level, 1, 1, "there is no table")
    again = _disguised(found.text, schema, judge, level, names) if found.edits and found.format is None else None
    if again is not None:
        changes = [Change(e.rule, e.start, e.end, e.after, e.cost) for e in found.edits]
        found = replace(_composed(text, changes, again), format=again.format)
    if found.edits and names and not found.ambiguous and doubted(found, _row_view(schema)):
        found = replace(found, ambiguous=True)
    return found


def _disguised(
    text: str, schema: Any, judge: Judge, level: Level, names: set[str], within: int = 2
) -> Repaired[Any] | None:
    """The table of a text that is written as something else throughout, and of what is within that, to a depth."""
    for written, disguise in (*_foreign(text, schema, names), *((None, each) for each in disguises(text, names))):
        if _may_be_text(text, disguise) and _standard(text, schema, judge, level, names, [], True):
            continue  # text, where text may stand
        plain = apply_edits(text, disguise)
        inner = (
            (_disguised(plain, schema, judge, level, names, within - 1) if within and written is None else None)
            or _standard(plain, schema, judge, level, names, [])
            or _mended(plain, schema, judge, level, names)
        )
        if inner is not None and all(allowed(change.rule, level) for change in disguise):
            return replace(_composed(text, disguise, inner), format=written or inner.format)
    return None


def _foreign(text: str, schema: Any, names: set[str]) -> Iterator[tuple[str, list[Change]]]:
    """The format that rows are in, and the change that makes CSV of them."""
    if len(names) < 2:
        return
    first = next((line.group() for line in _LINE.finditer(text) if line.group().strip()), "")
    known = {plain_name(name) for name in names}
    said = sum(plain_name(column_name(cell)) in known for cell in first.split(","))
    if said > 1 and not _BRACKETED.search(text, 0, _FIRST):
        return  # a header
    ordered = SchemaView.of(schema).item(0).ordered_names() or sorted(names)
    table = foreign_table(text, ordered, schema)
    if table is not None:
        yield table[0], [Change("table_mark", 0, len(text), table[1], cost_of("table_mark"))]


def _may_be_text(text: str, disguise: Sequence[Change]) -> bool:
    """Whether a disguise takes off what cells may say: the bullet or the number of a single row, marks and quotes."""
    rules = [change.rule for change in disguise]
    if "bullet" in rules:
        return len(rules) == 1 and not text[disguise[0].start].isalpha()
    return rules[0] not in ("control_character", "line_mark", "escaped_whitespace", "whitespace")


def _composed(text: str, first: Sequence[Change], then: Repaired[Any]) -> Repaired[Any]:
    """The result for a text of some changes and a repair of what they make."""
    changes = compose(text, first, [Change(e.rule, e.start, e.end, e.after, e.cost) for e in then.edits])
    sure = confidence(sum(change.cost for change in changes), math.inf)
    return Repaired(then.value, then.text, locate(text, changes), sure, True, (), then.ambiguous)


def _standard(
    text: str,
    schema: Any,
    judge: Judge,
    level: Level,
    names: set[str],
    failures: list[RepairError],
    whole: bool = False,
) -> Repaired[Any] | None:
    """The table that stands in a text as the standard reader reads it, without what is around it.

    With ``whole``, only if nothing is around it.
    """
    for start, end, delimiter in _spans(text, names):
        width = text[start:end].split("\n", 1)[0].count(delimiter)
        behind = _like_rows(text[text.rfind("```", 0, start) + 1 : start], delimiter, width + 1) > 0
        if behind and failures and failures[0].against_schema:
            continue  # the header once more, behind rows: nothing that it can say is used
        try:
            rows = read_csv(text[start:end], schema, delimiter=delimiter)
        except NotCsv as error:
            line = text.count("\n", 0, start) + error.line
            if not failures:
                failures.append(unreadable_as("CSV", text, level, line, 1, error.reason))
            continue
        if not judge.accepts(rows):
            if not failures or not failures[0].against_schema:
                find = partial(_cell_offset, text, start, end, delimiter, _row_view(schema))
                what = "the text was read as CSV, but the rows are"
                failures.insert(0, against_schema(text, what, judge, rows, find))
            continue
        if behind or (not rows and _like_rows(text[:start], delimiter, width + 1)):
            continue  # the header once more, behind rows
        if any(line.count(mark) >= max(width, 1) for line in text[end:].split("\n") for mark in _DELIMITERS):
            continue  # more rows, which are damaged
        if _PADDED.match(text, start, end):
            continue  # columns that are aligned
        if text[start:end].endswith("\n") and is_cell(text[end:].split("\n", 1)[0]):
            continue  # a row that lost its cells, or was cut off
        if text.startswith('"', end) and _hangs(text, start, end, delimiter):
            continue  # a row in two lines
        if start and _sentence_behind(text[start:end], delimiter):
            continue
        changes = [*removal(text, 0, start), *removal(text, end, len(text))]
        if changes and rows and all(isinstance(cell, str) and _RULED.fullmatch(cell) for cell in rows[0].values()):
            continue
        if (changes or delimiter != ",") and not whole and _lost_quote(text[start:end], len(rows)):
            continue
        result = apply_edits(text, changes)
        if changes and whole:
            return None
        if not changes or _stays(result, rows, schema, judge, names):
            sure = confidence(sum(change.cost for change in changes), math.inf)
            return Repaired(rows, result, locate(text, changes), sure, True, (), _hangs(text, start, end, delimiter))
    return None


def _hangs(text: str, start: int, end: int, delimiter: str) -> bool:
    """Whether a last cell is empty, and the line below, which is left out, could be it."""
    row = text[max(start, text.rfind("\n", start, max(end - 1, start)) + 1) : end].rstrip("\r\n")
    below = text[end:].split("\n", 1)[0]
    return row.endswith(delimiter) and any(map(str.isalnum, below)) and not below.startswith(("```", "~~~", "<"))


def _lost_quote(table: str, rows: int) -> bool:
    """Whether a line of a table without cells of several lines has an odd number of quotes."""
    lines = [line for line in table.split("\n") if line.strip()]
    return len(lines) == rows + 1 and any(line.count('"') % 2 for line in lines)


def _stays(text: str, rows: list[dict[str, Any]], schema: Any, judge: Judge, names: set[str]) -> bool:
    """Whether a mended text is read as these rows, whole: what would be read otherwise the next time is no table."""
    found = _standard(text, schema, judge, "normal", names, [], whole=True)
    return found is not None and found.value == rows


def _sentence_behind(table: str, delimiter: str) -> bool:
    """Whether a last line of words stands apart, with as many commas as a row has."""
    lines = table.rstrip().split("\n")
    last = lines[-1].strip()
    apart = len(lines) > 2 and not lines[-2].strip() and len(last.split()) > 3 and last[-1] in ".!?:)"
    return apart and last.count(delimiter) == last.count(delimiter + " ") and delimiter + " " not in lines[0]


def _cell_offset(text: str, start: int, end: int, delimiter: str, view: SchemaView, path: Path) -> int:
    """Where the cell at (row, column name) of a table begins; the row's line where quotes hide the cell's place."""
    lines = _LINE.findall(text, start, end)
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True, strict=True)
    table: list[tuple[int, list[str]]] = []
    done = 0
    with suppress(csv.Error):  # of a line break that the lines do not have
        for row in rows:
            header = [name.strip() for name in table[0][1]] if table else []
            if _counts(row, header, view):
                table.append((done, row))
            done = rows.line_num
    if not table:
        return start
    if not path or not isinstance(path[0], int) or path[0] + 1 >= len(table):
        return start
    first = table[path[0] + 1][0]
    offset = start + sum(map(len, lines[:first]))
    header = [name.strip() for name in table[0][1]]
    if len(path) < 2 or path[1] not in header or '"' in lines[first]:
        return offset
    at = 0
    for _ in range(header.index(str(path[1]))):
        at = lines[first].index(delimiter, at) + 1
    return offset + at


def _mended(
    text: str, schema: Any, judge: Judge, level: Level, names: set[str]
) -> Repaired[list[dict[str, Any]]] | None:
    """The table whose rows are repaired at the least cost."""
    view = _row_view(schema)
    best: tuple[float, Repaired[list[dict[str, Any]]]] | None = None
    tables = [(_names_columns(text, *table, names), *table) for table in _tables(text)]
    if any(named for named, *_ in tables):  # a header that stands there is none to make up
        tables = [table for table in tables if table[0]]
    splits: dict[str, Splits] = {mark: {} for mark in _DELIMITERS}
    for _, start, end, delimiter in tables:
        reader = Rows(text, delimiter, view, splits=splits[delimiter])
        inner = reader.read(start, end)
        if inner is None or not all(allowed(change.rule, level) for change in inner):
            continue
        moved = [Change(c.rule, c.start - start, c.end - start, c.after, c.cost) for c in inner]
        try:
            piece = apply_edits(text[start:end], moved)
            mark = "," if reader.piped else delimiter
            rows = read_csv(piece, schema, delimiter=mark)
        except (ValueError, UsageError):
            continue
        if not rows or not judge.accepts(rows):
            continue
        changes = [*removal(text, 0, start), *inner, *removal(text, end, len(text))]
        result = apply_edits(text, changes)
        cost = sum(change.cost for change in changes)
        lost = _LOST * _like_rows(text[:start], delimiter, len(reader.columns))
        better = best is None or cost + lost < best[0]
        if better and _stays(result, rows, schema, judge, names):
            sure = confidence(cost, math.inf)
            doubtful = reader.doubtful or lost > 0
            best = cost + lost, Repaired(rows, result, locate(text, changes), sure, True, (), doubtful)
            if not lost:
                break
    return best[1] if best is not None else None


def _misfit(text: str, schema: Any, judge: Judge, names: set[str]) -> None:
    """Raise for the cell of a damaged table that is against the schema, if the rows can be read."""
    view = _row_view(schema)
    for start, end, delimiter in _tables(text):
        if not _names_columns(text, start, end, delimiter, names):
            continue
        reader = Rows(text, delimiter, view, True)
        if reader.read(start, end) is None:
            continue
        rows = reader.values()
        if rows and not judge.accepts(rows):
            raise against_schema(text, "the text was read as a table, but the rows are", judge, rows, reader.place)


def _like_rows(text: str, delimiter: str, width: int) -> int:
    """How many lines of what is left out look like rows of the table."""
    return sum(line.count(delimiter) >= max(width - 1, 1) for line in text.split("\n")) if width > 1 else 0


def _names_columns(text: str, start: int, end: int, delimiter: str, names: set[str]) -> bool:
    """Whether the first line of a table has at least half of the names that the schema has, or names alone."""
    known = {plain_name(name) for name in names}
    line = text[start:end].split("\n", 1)[0]
    said = {plain_name(column_name(cell)) for cell in line.split(delimiter)}
    return bool(known) and (2 * len(known & said) >= len(known) or said - {""} <= known)


def _tables(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a damaged table may begin, with its delimiter: at the first lines of each part that have one."""
    parts = [(start, end) for start, end, _ in fences(text)]
    parts += [(region.start, region.end) for region in regions(text) if region.source == "whole"]
    for start, end in parts:
        tried, opened = 0, -1  # where a quote was opened, in a line without a delimiter
        for line in _LINE.finditer(text, start, end):
            for delimiter in _DELIMITERS:
                if delimiter in line.group() and tried < 12 and line.group().strip(_BLANK):
                    tried += 1
                    yield line.start() if opened < 0 else opened, end, delimiter
            if tried >= 12:
                break
            plain = line.group().count('"') % 2 == 0
            opened = opened if plain and opened >= 0 else -1 if plain or opened >= 0 else line.start()
