"""Damaged CSV, row by row: cells that hold the delimiter, quotes inside of cells, rows too long or too short.

The header says how many cells a row has, the schema what may stand in each; the changes make rows that the standard
reader reads. A Markdown table is a table too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .amounts import number_in
from .coerce import normal as plain_name
from .coerce import one_letter
from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView

_RULED = re.compile(r"[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*")
_TALL = 20  # lines that are looked at for the end of a cell, or for more rows
_NULL = frozenset({"null", "none", "n/a", "na", "nil", "-"})
_TRUE, _FALSE = frozenset({"true", "yes", "y"}), frozenset({"false", "no", "n"})


@dataclass(frozen=True, slots=True)
class Cell:
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


def cells(text: str, start: int, end: int, delimiter: str) -> list[Cell]:
    """The cells of a line, also where quotes are not closed or not doubled."""
    found, at = [], start
    while True:
        begin = at
        while begin < end and text[begin] in " \t" and text[begin] != delimiter:
            begin += 1
        stop = -1
        if begin < end and text[begin] == '"':
            stop = _closing(text, begin + 1, end, delimiter)
        if stop >= 0:
            inner = text[begin + 1 : stop]
            sound = '"' not in inner.replace('""', "")
            found.append(Cell(begin, stop + 1, inner.replace('""', '"'), True, sound))
            at = stop + 1
            while at < end and text[at] != delimiter:
                at += 1
        else:
            at = text.find(delimiter, begin, end)
            at = end if at < 0 else at
            written = text[begin:at].rstrip(" \t")
            lost = written[:1] == '"'  # a quote that nothing closes
            found.append(Cell(begin, begin + len(written), written[1:] if lost else written, False, not lost))
        if at >= end:
            return found
        at += 1


def _closing(text: str, start: int, end: int, delimiter: str) -> int:
    """The quote that ends a cell: one that the delimiter or the end of the line follows."""
    at = start
    while (at := text.find('"', at, end)) >= 0:
        if text.startswith('""', at) and at + 2 < end and text[at + 2] != delimiter:
            at += 2
            continue
        rest = text[at + 1 : end].lstrip(" \t")
        if not rest or rest[0] == delimiter:
            return at
        at += 1
    return -1


def is_cell(line: str) -> bool:
    """Whether a line without a delimiter is a cell of a row that lost the others, rather than a sentence."""
    return bool(re.fullmatch(r"[^\s`]*[^\s`.!?:]", line.strip()))


class Rows:
    """Reads the rows of one table.

    Attributes:
        changes: what makes CSV of them.
        doubtful: a choice was made without evidence.
    """

    def __init__(self, text: str, delimiter: str, view: SchemaView) -> None:
        self.text, self.delimiter, self.view = text, delimiter, view
        self.changes: list[Change] = []
        self.columns: list[str] = []
        self.doubtful = False

    def read(self, start: int, end: int) -> list[Change] | None:
        """The changes of a region that begins with the header or, where the schema names them, the first row."""
        rows = [(a, b) for a, b in lines(self.text, start, end)]
        at = 0
        while at < len(rows):
            a, b = rows[at]
            at += 1
            if not self.text[a:b].strip():
                continue
            for more in range(at, min(at + _TALL, len(rows)) if self.text.count('"', a, b) % 2 else at):
                longer = rows[more][1]
                if self.text.count('"', a, longer) % 2 == 0:
                    if len(self._split(a, longer)) == len(self.columns):  # a cell of several lines
                        b, at = longer, more + 1
                    break
            if self.columns and _RULED.fullmatch(self.text, a, b):
                self._line("junk_row", a, b, end)
            elif not self.columns:
                if not self._header(a, b):
                    return None
            elif not self._row(a, b):
                apart = at < 2 or not self.text[slice(*rows[at - 2])].strip()
                if any(self._fits(c, d) for c, d in rows[at : at + _TALL]):
                    return None
                if not apart and (len(self._split(a, b)) > 1 or is_cell(self.text[a:b])):
                    return None  # a row, and no words behind the table
                self._line("prose", a, b, end)
        return sorted(self.changes, key=lambda change: (change.start, change.end))

    def _change(self, rule: str, start: int, end: int, after: str) -> None:
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))

    def _line(self, rule: str, start: int, end: int, stop: int) -> None:
        after = end
        while after < stop and self.text[after] in "\r\n":
            after += 1
        self._change("prose" if rule == "prose" else "table_mark", start, after, "")

    def _split(self, start: int, end: int) -> list[Cell]:
        if self.delimiter == "|" and self.text[start:end].lstrip()[:1] == "|":
            inner = self.text[start:end].strip()
            start = self.text.index("|", start) + 1
            end = self.text.rindex("|", start, end) if inner.endswith("|") and inner != "|" else end
        return cells(self.text, start, end, self.delimiter)

    def _header(self, start: int, end: int) -> bool:
        found = self._split(start, end)
        names = self.view.ordered_names()
        wanted = [self._name(cell.text, names) for cell in found]
        if names and len(found) == len(names) and not any(name in names for name in wanted):
            self._change("header", start, start, self.delimiter.join(names) + "\n")
            self.columns = names
            return self._row(start, end)
        strange = [name for name in wanted if name not in names]
        missing = [name for name in names if name not in wanted]
        if len(strange) == len(missing) == 1:
            wanted[wanted.index(strange[0])] = missing[0]
            self.doubtful = True
        if len(set(wanted)) != len(wanted) or not all(wanted):
            return False
        self.columns = wanted
        self._write(found, wanted, start, end, "key_form")
        return True

    def _name(self, text: str, names: list[str]) -> str:
        text = text.strip().strip("*`").strip()
        if text in names:
            return text
        plain = plain_name(text)
        near = [name for name in names if plain_name(name) == plain] or [
            name for name in names if one_letter(plain_name(name), plain)
        ]
        return near[0] if len(near) == 1 else text

    def _fits(self, start: int, end: int) -> bool:
        return bool(self.text[start:end].strip()) and len(self._split(start, end)) == len(self.columns)

    def _row(self, start: int, end: int) -> bool:
        found, width = self._split(start, end), len(self.columns)
        if len(found) > width and not found[-1].text and all(not cell.text for cell in found[width:]):
            self._change("trailing_comma", found[width - 1].end, end, "")
            end, found = found[width - 1].end, found[:width]
        if len(found) > width:
            merged = self._merged(found, width)
            if merged is None:
                return False
            found = merged
        if len(found) < width:
            rest = self.columns[len(found) :]
            if len(found) < 2 or any(types and "null" not in types for types in map(self._types, rest)):
                return False
            self._change("missing_value", end, end, self.delimiter * (width - len(found)))
        self._write(found, [self._value(cell, i) for i, cell in enumerate(found)], start, end, "text_as_number")
        return True

    def _types(self, column: str) -> frozenset[str]:
        return self.view.member(column).types()

    def _good(self, text: str, column: int) -> bool:
        """Whether a text may stand in a column."""
        view = self.view.member(self.columns[column])
        types, word = view.types(), text.strip()
        values = [value for value in view.values() if isinstance(value, str)]
        if values:
            return word in values
        if not types or "string" in types:
            return True
        if not word or word.casefold() in _NULL:
            return "null" in types
        if types & {"number", "integer"}:
            return number_in(word, "number" not in types) is not None
        return word.casefold() in _TRUE | _FALSE

    def _merged(self, found: list[Cell], width: int) -> list[Cell] | None:
        """The row with some neighbours joined to one cell, which the delimiter in its text took apart."""
        extra = len(found) - width
        options: list[tuple[int, int, int, list[Cell]]] = []
        if not self.view.names():
            return None  # nothing tells which
        for at in range(width):
            group = found[at : at + extra + 1]
            if any(cell.quoted for cell in group):
                continue
            text = self.text[group[0].start : group[-1].end]
            row = [*found[:at], Cell(group[0].start, group[-1].end, text, False, False), *found[at + extra + 1 :]]
            if "string" in (self._types(self.columns[at]) or {"string"}) and all(
                self._good(cell.text, column) for column, cell in enumerate(row)
            ):
                spaced = sum(self.text[cell.start - 1] in " \t" for cell in group[1:])
                options.append((-spaced, -len(text), at, row))
        if not options:
            return None
        options.sort(key=lambda option: option[:3])
        self.doubtful = self.doubtful or (len(options) > 1 and options[1][0] == options[0][0])
        return options[0][3]

    def _value(self, cell: Cell, column: int) -> str:
        """What a cell should say."""
        types = self._types(self.columns[column])
        word = cell.text.strip()
        if not types or "string" in types:
            return cell.text
        if word.casefold() in _NULL and "null" in types:
            return ""
        if types & {"number", "integer"}:
            return number_in(word, "number" not in types) or cell.text
        if "boolean" in types and word.casefold() in _TRUE | _FALSE:
            return "true" if word.casefold() in _TRUE else "false"
        return cell.text

    def _write(self, found: list[Cell], values: list[str], start: int, end: int, rule: str) -> None:
        """The changes that make cells say what they should; a Markdown row is written anew."""
        if self.delimiter == "|" and self.text[start:end].lstrip()[:1] == "|":
            after = ",".join(_written(value, ",") for value in values)
            self._change("table_mark", start, end, after)
            return
        for cell, value in zip(found, values, strict=True):
            if value != cell.text:
                self._change(rule, cell.start, cell.end, _written(value, self.delimiter))
            elif not cell.sound:
                name = "missing_close_quote" if self.text[cell.start] == '"' and not cell.quoted else "inner_quote"
                if not cell.quoted and self.delimiter in cell.text:
                    name = "cell_text"
                self._change(name, cell.start, cell.end, _written(value, self.delimiter, True))


def _written(value: str, delimiter: str, always: bool = False) -> str:
    """A cell as CSV."""
    if always or delimiter in value or '"' in value or "\n" in value:
        return '"' + value.replace('"', '""') + '"'
    return value
