"""Damaged CSV, row by row: the header, rows too long or too short, sums and words behind them.

The header says how many cells a row has, the schema what may stand in each; the changes make rows that the standard
reader reads. A Markdown table is a table too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .against import Path
from .csv_cells import Cell, cells, is_cell, lines, piped, spaced, written
from .csv_columns import choices, column_name, dressed, may_stand, meant, stands, typed
from .csv_shares import Habits, shared
from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .words import normal as plain_name
from .words import one_letter
from .yaml_quotes import measured

_RULED = re.compile(r"[ \t]*[|+]?[ \t]*:?[-=]+:?[ \t]*(?:[|+,;\t][ \t]*:?[-=]+:?[ \t]*)*[|+,;]?[ \t]*")
_REMARK = re.compile(r"[ \t]*(?:#+(?=[ \t]|$)|//)", re.M)
_COMMENT = re.compile(r"[ \t]*(?:/\*.*\*/|<!--.*-->|-- [^,;|\t]*)[ \t]*")
_DOTS = re.compile(r"[ \t|,;(\[]*(?:\.\.\.|\u2026)[)\]]?(?:[ \t|,;]*(?:\.\.\.|\u2026)?)*")
_TAG = re.compile(r"[ \t]*(?:</?[A-Za-z_][\w.:-]*>|<\|[\w ]+\|>)[ \t]*")
_COUNTS = frozenset({"", "#", "no", "nr", "index", "row", "id"})  # names of a column of running numbers
_DELIMITERS = ",;\t|"
_BLANK = _DELIMITERS + " "
_TALL = 20  # lines that are looked at for the end of a cell, or for more rows
_LEARNT = 200  # lines that tell how a table is written
_SUMS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sum", "average", "avg", "mean", "count", "overall"}
    | {"summe", "gesamt", "\u5408\u8ba1", "\u5408\u8a08"}
)
_DECIMAL_COMMA = re.compile(
    r"[^\d.,]*(?:(?:\d+|\d{1,3}(?:\.\d{3})+),(?:\d{1,2}|\d{4,})|(?:\d{4,}|0),\d+)[^\d.,]*"
)
_UNCLEAR = re.compile(r"[^\d.,]*\d{1,3},\d{3}[^\d.,]*")  # thousands, or a decimal comma
_DECIMAL_POINT = re.compile(r".*\d\.(?:\d{1,2}|\d{4,})\D*")


class Rows:
    """Reads the rows of one table; with ``any_cell`` also those whose cells are against the schema.

    Attributes:
        changes: what makes CSV of them.
        columns: the names of the columns.
        piped: it is a Markdown table, of which the changes make one with commas.
        doubtful: a choice was made without evidence.
    """

    def __init__(self, text: str, delimiter: str, view: SchemaView, any_cell: bool = False) -> None:
        self.text, self.delimiter, self.view, self.any_cell = text, delimiter, view, any_cell
        self.changes: list[Change] = []
        self.columns: list[str] = []
        self.doubtful = False
        self._views: list[SchemaView] = []
        self._typed = False  # the schema says of a column what it holds
        self._apart: set[int] = set()  # rows with another delimiter
        self._out: set[int] = set()  # columns of the text that the schema has no place for
        self._other = SchemaView.of({})  # what stands in them
        self._width = 0  # columns of the text
        self._spaced = False  # a space stands behind each delimiter of the header
        self._ragged = False  # the header ends with a delimiter
        self._padded = False  # spaces stand before the delimiters
        self.piped = False  # a Markdown table
        self.due = len(view.ordered_names())
        self._rows: list[tuple[int, int, list[Cell]]] = []
        self._lines: list[tuple[int, int]] = []
        self._last: tuple[int, int, list[Cell]] = (-1, -1, [])
        self._habits: Habits | None = None

    def read(self, start: int, end: int) -> list[Change] | None:
        """The changes of a region that begins with the header or, where the schema names them, the first row."""
        rows = self._lines = list(lines(self.text, start, end))
        self.piped = self.delimiter == "|" and self._is_piped(rows)
        odd = [self.text.count('"', a, b) % 2 for a, b in rows]
        at = 0
        while at < len(rows):
            a, b = rows[at]
            at += 1
            if not self.text[a:b].strip() or self._empty(a, b):
                continue
            if odd[at - 1]:  # a cell of several lines
                closing = next((more for more in range(at, min(at + _TALL, len(rows))) if odd[more]), at)
                if closing < len(rows) and odd[closing] and self._complete(a, rows[closing][1]):
                    b, at = rows[closing][1], closing + 1
            rule = self._mark(a, b)
            if rule is not None:
                self._line(rule, a, b, end)
            elif not self.columns:
                if not self._header(a, b):
                    return None
            else:
                apart = at < 2 or not self.text[slice(*rows[at - 2])].strip()
                if self._said(a, b) or self._sum(a, b) or (apart and self._sentence(a, b)) or not self._row(a, b):
                    if not self._tail(a, b, apart, any(self._fits(c, d) for c, d in rows[at : at + _TALL])):
                        return None
                    self._line("prose", a, b, end)
        self._write_all()
        return sorted(self.changes, key=lambda change: (change.start, change.end))

    def _empty(self, start: int, end: int) -> bool:
        """Whether a line has delimiters alone, and not those of a row: the standard reader leaves it out."""
        return not self.text[start:end].strip(_BLANK) and len(self._split(start, end)) != self._width

    def _mark(self, start: int, end: int) -> str | None:
        """The rule that takes out a line which is no row: a ruled line, a comment, dots for more rows, a tag."""
        if self.columns and _RULED.fullmatch(self.text, start, end):
            line = self.text[start:end]
            return "table_mark" if self.piped or "--" in line or "==" in line or ":" in line else None
        if _TAG.fullmatch(self.text, start, end):
            return "tag"
        if self.columns and _DOTS.fullmatch(self.text, start, end):
            self.doubtful = True
            return "ellipsis"
        if _COMMENT.fullmatch(self.text, start, end):
            return "comment"
        if _REMARK.match(self.text, start, end) and len(self._split(start, end)) < (self._width or self.due or 2):
            return "comment"
        return None

    def _change(self, rule: str, start: int, end: int, after: str) -> None:
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))

    def _line(self, rule: str, start: int, end: int, stop: int) -> None:
        after = end
        while after < stop and self.text[after] in "\r\n":
            after += 1
        self._change(rule, start, after, "")

    def _tail(self, start: int, end: int, apart: bool, more: bool) -> bool:
        """Whether a line that is no row may be left out: the header again, a sum, or words behind the table."""
        if self._said(start, end):
            return True
        if self._sum(start, end):
            self.doubtful = True
            return True
        if more:
            return False
        line, count = self.text[start:end].strip(), len(self._split(start, end))
        if apart:
            return count != self._width or len(line.split()) > 5 or line[-1:] in ".!" or self._sentence(start, end)
        return not (count > 1 or is_cell(line))

    def _sentence(self, start: int, end: int) -> bool:
        """Whether a line is a sentence with other than the right number of cells, or with commas as in prose."""
        line = self.text[start:end].strip()
        if len(line.split()) < 3 or line[-1:] not in ".!?:)":
            return False
        found = self._split(start, end)
        if len(line.split()) < 4:
            return len(found) < self._width and spaced(self.text, found) and not self._spaced
        return len(found) != self._width or (spaced(self.text, found) and not self._spaced)

    def _sum(self, start: int, end: int) -> bool:
        """Whether a line is a sum over the rows, and does not fit into the columns."""
        found = self._split(start, end)
        label = next((cell.text for cell in found if cell.text.strip()), "").strip(" *:\t").casefold()
        if label not in _SUMS:
            return label.split(":")[0].strip() in _SUMS and len(found) <= 2 < self._width
        return len(found) != self._width or not all(
            stands(cell.text, self._views[at]) for at, cell in enumerate(found[: len(self._views)])
        )

    def _said(self, start: int, end: int) -> bool:
        """Whether a line is the header once more."""
        if len(self.columns) < 2 or not self._rows:
            return False
        found = self._split(start, end)
        while len(found) > self._width and not found[-1].text:
            found = found[:-1]
        kept = self._kept(found)
        if len(found) != self._width or self._name(kept[0].text, self.columns) != self.columns[0]:
            return False
        return [self._name(cell.text, self.columns) for cell in kept] == self.columns

    def _split(self, start: int, end: int) -> list[Cell]:
        """The cells of a line; the last one's are kept, for several look at them."""
        if self._last[:2] != (start, end):
            self._last = start, end, self._cells(start, end)
        return self._last[2]

    def _cells(self, start: int, end: int) -> list[Cell]:
        if self.piped:
            return piped(self.text, start, end)
        return cells(self.text, start, end, self.delimiter)

    def _is_piped(self, rows: list[tuple[int, int]]) -> bool:
        """Whether a table is one of Markdown: pipes around its rows, or a ruled line below its header."""
        shown = [self.text[a:b].strip() for a, b in rows[:_TALL] if self.text[a:b].strip()]
        return bool(shown) and (shown[0][:1] == "|" or any(_RULED.fullmatch(line) for line in shown[1:3]))

    def _complete(self, start: int, end: int) -> bool:
        return len(self._split(start, end)) == (self._width or len(self.view.ordered_names()))

    def _header(self, start: int, end: int) -> bool:
        found = list(self._split(start, end))
        names = self.view.ordered_names()
        ragged = False
        while len(found) > 1 and not found[-1].text and len(found) != len(names):
            found.pop()
            ragged = True
        wanted = [self._name(cell.text, names) for cell in found]
        said = {cell.text.strip() for cell in found}
        wanted = [
            cell.text if name in said and cell.text.strip() != name else name
            for cell, name in zip(found, wanted, strict=True)
        ]
        if names and len(found) == len(names) and not any(name in names for name in wanted):
            self._change("header", start, start, self.delimiter.join(names) + "\n")
            self._take(names, len(names))
            self._written(found)
            return self._row(start, end)
        strange = [name for name in wanted if name not in names]
        missing = [name for name in names if name not in wanted]
        if len(strange) == len(missing) == 1:
            wanted[wanted.index(strange[0])] = missing[0]
            self.doubtful = True
        elif strange and not missing:
            counts = len(strange) == 1 and wanted[0] == strange[0] and plain_name(strange[0]) in _COUNTS
            if counts or self.view.closed():
                self._out = {at for at, name in enumerate(wanted) if name not in names}
                self._other = SchemaView.of({"type": "integer"} if counts else {})
                self.doubtful = not counts
        kept = [name for at, name in enumerate(wanted) if at not in self._out]
        if len(set(kept)) != len(kept) or not all(kept):
            return False
        self._take(kept, len(found))
        self._written(found)
        if ragged and not self._out:
            self._change("trailing_comma", found[-1].end, end, "")
            end = found[-1].end
            self._ragged = True
        self._write(found, wanted, start, end, "key_form")
        return True

    def _take(self, names: list[str], width: int) -> None:
        self.columns, self._width = names, width
        self._views = [self.view.member(name) for name in names]
        self._typed = any(view.types() for view in self._views)

    def _written(self, found: list[Cell]) -> None:
        """Note what stands around the delimiters of the first line."""
        self._spaced = spaced(self.text, found)
        self._padded = not self.piped and any(self.text[cell.end : cell.end + 1] == " " for cell in found[:-1])

    def _name(self, text: str, names: list[str]) -> str:
        text = text.strip().strip("*`").strip()
        if text in names:
            return text
        text = column_name(text)
        if text in names:
            return text
        plain = plain_name(text)
        near = [name for name in names if plain_name(name) == plain] or [
            name for name in names if one_letter(plain_name(name), plain)
        ]
        return near[0] if len(near) == 1 else text

    def _fits(self, start: int, end: int) -> bool:
        return bool(self.text[start:end].strip()) and len(self._split(start, end)) == self._width

    def _row(self, start: int, end: int) -> bool:
        found, width = self._split(start, end), self._width
        if self._ragged and len(found) > width + 1 and not found[-1].text:
            found = found[:-1]
        closed = all(cell.sound or (cell.quoted and cell.text[:1] != self.delimiter) for cell in found)
        if len(found) < width or not closed or not self._stand(found[:width]):
            found = self._otherwise(start, end) or found
        elif any(cell.text for cell in found[width:]):
            found = self._merged(found) or self._otherwise(start, end) or found
        surplus: Change | None = None
        if len(found) > width:
            trimmed = found[:width] if closed and all(not cell.text for cell in found[width:]) else None
            if trimmed is None or not all(
                stands(cell.text, view) for cell, view in zip(self._kept(trimmed), self._views, strict=False)
            ) or self._written_as().unlike(trimmed):
                merged = self._merged(found)
            else:
                merged = None
            if merged is None and trimmed is None:
                return False
            if merged is None and trimmed is not None:
                surplus = Change("trailing_comma", found[width - 1].end, end, "", cost_of("trailing_comma"))
                end = found[width - 1].end
                self.doubtful = self.doubtful or not self._ragged
            found = merged or trimmed or found
        if len(found) < width:
            rest = self._views[len(self._kept(found)) :]
            alone = len(found) < 2 and not (is_cell(self.text[start:end]) and all(view.types() for view in rest))
            if alone or any(view.types() and "null" not in view.types() for view in rest):
                return False
            surplus = Change("missing_value", end, end, self.delimiter * (width - len(found)), cost_of("missing_value"))
        if not self.any_cell and not self._stand(found):
            return False
        if surplus is not None:
            self.changes.append(surplus)
        self._rows.append((start, end, found))
        return True

    def _stand(self, found: list[Cell]) -> bool:
        """Whether all cells of a row may stand in their columns."""
        return not self._typed or all(
            may_stand(cell.text, view) for cell, view in zip(self._kept(found), self._views, strict=False)
        )

    def _kept(self, found: list[Cell]) -> list[Cell]:
        """The cells of the columns that the schema has a place for."""
        return [cell for at, cell in enumerate(found) if at not in self._out] if self._out else found

    def _otherwise(self, start: int, end: int) -> list[Cell] | None:
        """The cells of a row in which a quote was not closed, or that has another delimiter."""
        if self.piped:
            return None
        if '"' in self.text[start:end]:
            found = cells(self.text, start, end, self.delimiter, True)
            if len(found) > self._width:
                found = self._merged(found) or found
            if len(found) == self._width and self._stand(found):
                return found
        if self.text.find(self.delimiter, start, end) < 0 or self.view.names():
            for mark in _DELIMITERS:
                if mark == self.delimiter or self.text.find(mark, start, end) < 0:
                    continue
                found = cells(self.text, start, end, mark)
                if len(found) == self._width and all(
                    stands(cell.text, view) for cell, view in zip(found, self._views, strict=False)
                ):
                    self._apart.add(start)
                    return found
        return None

    def _merged(self, found: list[Cell]) -> list[Cell] | None:
        """The row with some neighbours joined to one cell."""
        if not self.view.names():
            return None  # nothing tells which
        habits = self._written_as()
        row = shared(self.text, found, habits.views, self.delimiter, habits)
        if row is None:
            return None
        self.doubtful = self.doubtful or row[1]
        return row[0]

    def _written_as(self) -> Habits:
        """How the rows that fit are written."""
        if self._habits is None:
            kept = iter(self._views)
            views = [self._other if at in self._out else next(kept) for at in range(self._width)]
            self._habits = Habits(self._sound(), views, self._spaced)
        return self._habits

    def _sound(self) -> Iterator[list[Cell]]:
        """The first rows that fit as they are."""
        for start, end in self._lines[:_LEARNT]:
            row = self._split(start, end)
            if len(row) == self._width and all(
                stands(cell.text, view) for cell, view in zip(self._kept(row), self._views, strict=True)
            ):
                yield row

    def _numbers(self) -> Iterator[str]:
        """The cells of the columns of numbers."""
        wanted = [c for c, view in enumerate(self._views) if view.types() & {"number", "integer"}]
        wanted = [c for c in wanted if "string" not in self._views[c].types()]
        for _, _, found in self._rows:
            kept = [cell for at, cell in enumerate(found) if at not in self._out]
            yield from (kept[c].text for c in wanted if c < len(kept))

    def _all_quoted(self, mark: str) -> bool:
        """Whether quotes that are none of CSV stand around every text of the table."""
        count = 0
        wanted = [c for c, view in enumerate(self._views) if "string" in view.types() and not choices(view)]
        for _, _, found in self._rows:
            for column in wanted:
                text = found[column].text if column < len(found) else ""
                if text and not (len(text) > 1 and text[0] == text[-1] == mark):
                    return False
                count += bool(text)
        return count > 1 and not self._out

    def values(self) -> list[dict[str, Any]]:
        """The rows as they are read, whether they fit or not."""
        result = []
        for _, _, found in self._rows:
            kept = [cell for at, cell in enumerate(found) if at not in self._out]
            pairs = zip(self.columns, kept, self._views, strict=False)
            result.append({name: typed(meant(cell.text, view, False), view) for name, cell, view in pairs})
        return result

    def place(self, path: Path) -> int:
        """Where the cell at (row, column name) begins."""
        start, _, found = self._rows[path[0] if path and isinstance(path[0], int) else 0]
        if len(path) < 2 or path[1] not in self.columns:
            return start
        kept = [cell for at, cell in enumerate(found) if at not in self._out]
        at = self.columns.index(str(path[1]))
        return kept[at].start if at < len(kept) else start

    def _write_all(self) -> None:
        """The changes of all rows, once it is known how the table writes numbers and texts."""
        numbers = list(self._numbers())
        comma = any(map(_DECIMAL_COMMA.fullmatch, numbers)) and not any(
            "," not in text and _DECIMAL_POINT.fullmatch(text) for text in numbers
        )
        self.doubtful = self.doubtful or (
            self.delimiter == ";" and not comma and not any("." in text for text in numbers)
            and any(_UNCLEAR.fullmatch(text) for text in numbers)
        )
        quoted = {at for _, _, found in self._rows for at, cell in enumerate(found) if cell.quoted}
        around = next((mark for mark in "'\"`" if self._all_quoted(mark)), None)
        for start, end, found in self._rows:
            values, column = [], 0
            for at, cell in enumerate(found):
                if at in self._out:
                    values.append(cell.text)
                    continue
                value = meant(cell.text, self._views[column], comma)
                self.doubtful = self.doubtful or (value != cell.text and dressed(cell.text, self._views[column]))
                if around is not None and value[:1] == around == value[-1:] and len(value) > 1:
                    value = value[1:-1]
                if value == cell.text and self._half(cell, at in quoted or any(one.quoted for one in found)):
                    self.doubtful = self.doubtful or measured(value)  # inches, written as no other text is
                    value = value[:-1]
                values.append(value)
                column += 1
            self._write(found, values, start, end, "text_as_number")

    @staticmethod
    def _half(cell: Cell, others: bool) -> bool:
        """Whether a text lost its opening quote, where others of its row or column are quoted."""
        text = cell.text
        if cell.quoted or text[-1:] != '"' or text.count('"') != 1:
            return False
        return others and (not measured(text) or re.sub(r"[.,]", "", text[:-1]).isdigit())

    def _write(self, found: list[Cell], values: list[str], start: int, end: int, rule: str) -> None:
        """The changes that make cells say what they should; a Markdown row is written anew."""
        if self.piped or start in self._apart:
            kept = [value for at, value in enumerate(values) if at not in self._out]
            mark = "," if self.piped else self.delimiter
            rule = "table_mark" if self.piped else "wrong_separator"
            self._change(rule, start, end, mark.join(written(value, mark) for value in kept))
            return
        if self._out:
            kept = [value for at, value in enumerate(values) if at not in self._out]
            after = self.delimiter.join(written(value, self.delimiter) for value in kept)
            self._change("dropped_member", start, end, after)
            return
        for at, (cell, value) in enumerate(zip(found, values, strict=False)):
            stop = found[at + 1].start if at + 1 < len(found) else end
            gap = len(self.text[cell.end : stop]) - len(self.text[cell.end : stop].lstrip(" \t")) if self._padded else 0
            if gap and self.delimiter != "\t":
                self.changes.append(Change("whitespace", cell.end, cell.end + gap, "", 0.0))
            if value != cell.text:
                name = "missing_open_quote" if cell.text == value + '"' else rule
                self._change(name, cell.start, cell.end, written(value, self.delimiter))
            elif not cell.sound:
                name = "missing_close_quote" if self.text[cell.start] == '"' and not cell.quoted else "inner_quote"
                if not cell.quoted and self.delimiter in cell.text:
                    half = self.text[cell.start] != '"' or self.text[cell.end - 1] != '"'
                    name = "cell_text" if half else "inner_quote"
                elif self.text[cell.start] in "\u201c\u201e\u00ab":
                    name = "quote_style"
                self._change(name, cell.start, cell.end, written(value, self.delimiter, True))
