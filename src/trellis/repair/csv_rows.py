"""Damaged CSV, row by row: the header, rows too long or too short.

The header says how many cells a row has, the schema what may stand in each; the changes make rows that the standard
reader reads. A Markdown table is a table too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .csv_cells import Cell, cells, is_cell, lines
from .csv_columns import stands
from .csv_fit import Fitting
from .csv_shares import Habits, shared
from .csv_table import plain_name
from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView

_COUNTS = frozenset({"", "#", "no", "nr", "index", "row", "id"})  # names of a column of running numbers
_DELIMITERS = ",;\t|"
_TALL = 20  # lines that are looked at for the end of a cell
_LEARNT = 200  # lines that tell how a table is written

_TIGHT = re.compile(r"^[,;|\t]|^\S+[,;|\t]$|\S[,;|\t](?=\S)")  # a delimiter that was none, in a text

class Rows(Fitting):
    """Reads the rows of one table."""

    def read(self, start: int, end: int) -> list[Change] | None:
        """The changes of a region that begins with the header or, where the schema names them, the first row."""
        rows = self._lines = list(lines(self.text, start, end))
        self.piped = self.delimiter == "|" and self._is_piped(rows)
        if self.piped:
            self._splits = {}
        odd = [self._odd(a, b) for a, b in rows]
        at = 0
        while at < len(rows):
            a, b = rows[at]
            at += 1
            if not self.text[a:b].strip() or self._empty(a, b):
                continue
            if odd[at - 1]:  # a cell of several lines
                closing = next((more for more in range(at, min(at + _TALL, len(rows))) if odd[more]), at)
                if closing < len(rows) and odd[closing] and self._closes(a, b, rows[closing][1]):
                    b, at = rows[closing][1], closing + 1
            rule = self._mark(a, b)
            if rule is not None:
                self._line(rule, a, b, end)
            elif not self.columns:
                if more := self._header_lines(at - 1):
                    b, at = rows[at - 1 + more][1], at + more
                if not self._header(a, b):
                    return None
            else:
                apart = at < 2 or not self.text[slice(*rows[at - 2])].strip()
                if not (self._said(a, b) or self._sum(a, b) or (apart and self._sentence(a, b)) or self._end(a, b)):
                    more = self._over_lines(at - 1)
                    if more:
                        b, at = rows[at - 1 + more][1], at + more
                    if self._row(a, b):
                        continue
                    if more:
                        return None
                if not self._tail(a, b, apart, rows[at : at + _TALL]):
                    return None
                self._line("prose", a, b, end)
        self._write_all()
        return sorted(self.changes, key=lambda change: (change.start, change.end))

    def _odd(self, start: int, end: int) -> bool:
        """Whether a line has an odd number of quotes, with and without those behind a backslash."""
        count = self.text.count('"', start, end)
        return count % 2 == 1 and (count - self.text.count('\\"', start, end)) % 2 == 1

    def _wider(self, end: int, width: int) -> bool:
        """Whether the first row behind the header has more cells than it."""
        row = next(((a, b) for a, b in self._lines if a > end and self.text[a:b].strip()), None)
        return row is not None and len(self._split(*row)) == width

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
        if missing and not strange and wanted == names[: len(wanted)] and self._wider(end, len(names)):
            self._change("header", found[-1].end, found[-1].end, "".join(self.delimiter + name for name in missing))
            self._take(names, len(names))
            self._written(found)
            self.doubtful = len(missing) > 1
            return True
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

    def _row(self, start: int, end: int) -> bool:
        found, width = self._split(start, end), self._width
        if self._ragged and len(found) > width + 1 and not found[-1].text:
            found = found[:-1]
        closed = all(cell.sound or (cell.quoted and cell.text[:1] != self.delimiter) for cell in found)
        if closed and len(found) == width and self._stand(found):
            self._rows.append((start, end, found))
            return True
        parted: list[Change] = []
        if len(found) > width and closed and (any(c.text for c in found[width:]) or not self._stand(found[:width])):
            gap = self._gap(found) if len(found) == width + 1 else None
            merged = self._merged(found)
            self.doubtful = self.doubtful or gap is not None
            if gap is not None and (merged is None or any(_TIGHT.search(cell.text) for cell in merged)):
                self._change("extra_comma", found[gap - 1].end, found[gap - 1].end + 1, "")
                found = found[:gap] + found[gap + 1 :]
            else:
                fits = self._stand(found[:width])
                found = (None if fits else self._otherwise(start, end, found)) or merged or found
        elif len(found) < width or not closed or not self._stand(found[:width]):
            way = self._parted(found) if closed else None
            if way is not None:
                found, parted = way[:2]
                self.doubtful = self.doubtful or way[2]
            else:
                found = self._otherwise(start, end, found) or found
        if len(found) == width and not self._stand(found) and (texts := self._swapped(found)) is not None:
            self._moved[start] = texts
            self.doubtful = True
            self._rows.append((start, end, found))
            return True
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
        self.changes += parted if surplus is None else [*parted, surplus]
        self._rows.append((start, end, found))
        return True

    def _otherwise(self, start: int, end: int, found: list[Cell]) -> list[Cell] | None:
        """The cells of a row in which a quote was not closed, or that has another delimiter."""
        if self.piped:
            return None
        if '"' in self.text[start:end]:
            if any(cell.quoted for cell in found):
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
