"""Rows that do not fit their table: broken over lines, without a delimiter, with one too many, with cells swapped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .csv_cells import Cell, is_cell
from .csv_columns import choices, stands
from .csv_write import Writing
from .edits import Change
from .rules import cost_of

_LONG_LINE = 60  # characters from which on a line was broken for its length
_LONG_CELL = 300  # characters from which on a cell is not looked through for a lost delimiter
_MOST_LINES = 12  # over which a row goes
_TELLING = 80  # characters of a cell that could not stand in just any column
_MOST_WAYS = 16  # of joining these that are looked at
_SEAM = re.compile(r"[ \t]+[,;|]?[ \t]*(?=\S)|[,;|][ \t]*(?=\S)|(?<=[^\s\"]\")(?=[^\s\",;|])")

Seams = list[tuple[int, int, str]]
"""Where lines of a row meet, and what stands there instead."""


class Fitting(Writing):
    """How a reading makes rows fit."""

    def _gap(self, found: list[Cell]) -> int | None:
        """The empty cell without which a row fits, if a delimiter was written twice."""
        for at, cell in enumerate(found[1:-1], 1):
            twice = not cell.text and not cell.quoted and self.text[found[at - 1].end] == self.delimiter
            if twice and self._all_stand(found[:at] + found[at + 1 :]):
                return at
        return None

    def _all_stand(self, found: list[Cell]) -> bool:
        """Whether all cells of a row stand in their columns as they are written."""
        kept = self._kept(found)
        return len(kept) == len(self._views) and all(
            stands(cell.text, view) for cell, view in zip(kept, self._views, strict=True)
        )

    def _parted(self, found: list[Cell]) -> tuple[list[Cell], list[Change], bool] | None:
        """The cells of a row that lost one delimiter, what puts it there, and whether that is a guess.

        One of the two cells has to be a number, a truth or a choice: nothing else tells where a text ends.
        """
        if len(found) != self._width - 1 or not self.view.names():
            return None
        ways: list[tuple[list[Cell], list[Change]]] = []
        for at, cell in enumerate(found):
            for first, second in self._halves(cell):
                row = [*found[:at], first, second, *found[at + 1 :]]
                sure = not self._out and any(self._telling(one.text, at + n) for n, one in enumerate((first, second)))
                if sure and self._all_stand(row):
                    rule = "wrong_separator" if self.text[first.end : second.start].strip() else "missing_comma"
                    change = Change(rule, first.end, second.start, self.delimiter, cost_of(rule))
                    ways.append((row, [change]))
        return (*ways[-1], len(ways) > 1) if ways else None

    def _halves(self, cell: Cell) -> Iterator[tuple[Cell, Cell]]:
        """Two cells that one may be, if the delimiter between them was lost."""
        if cell.end - cell.start > _LONG_CELL:
            return
        for seam in _SEAM.finditer(self.text, cell.start, cell.end):
            if min(seam.start() - cell.start, cell.end - seam.end()) > _TELLING:
                continue  # neither is a number, a truth or a choice
            if seam[0] == "," and self.text[seam.start() - 1].isdigit() and self.text[seam.end()].isdigit():
                continue  # a decimal comma
            first, second = self.text[cell.start : seam.start()], self.text[seam.end() : cell.end]
            if first and second and first.count('"') % 2 == 0 == second.count('"') % 2:
                quoted = len(first) > 1 and first[0] == first[-1] == '"'
                said = first[1:-1].replace('""', '"') if quoted else first
                if quoted or '"' not in first:
                    ends = len(second) > 1 and second[0] == second[-1] == '"'
                    yield (
                        Cell(cell.start, seam.start(), said, quoted),
                        Cell(seam.end(), cell.end, second[1:-1].replace('""', '"') if ends else second, ends),
                    )

    def _telling(self, text: str, column: int) -> bool:
        """Whether a cell could not stand in just any column."""
        view = self._views[column]
        if choices(view):
            return text in choices(view)
        types = view.types()
        return bool(types) and "string" not in types and bool(text)

    def _swapped(self, found: list[Cell]) -> dict[int, str] | None:
        """What two cells say that stand in each other's place, if there is one way to swap two of a row."""
        if self._out or not self.view.names():
            return None
        wrong = [at for at, cell in enumerate(found) if not stands(cell.text, self._views[at])]
        ways: list[dict[int, str]] = []
        for at in wrong[:2]:
            for other in range(len(found)):
                if other != at and not (other in wrong and other < at):
                    texts = {at: found[other].text, other: found[at].text}
                    if set(wrong) <= set(texts) and all(stands(said, self._views[i]) for i, said in texts.items()):
                        ways.append(texts)
        return ways[0] if len(ways) == 1 else None

    def _over_lines(self, at: int) -> int:
        """How many lines more a row goes over that begins in one; its cells are noted for the span of all."""
        rows, width = self._lines, self._width
        start, end = rows[at]
        ways: list[tuple[list[Cell], Seams, bool]] = [(list(self._split(start, end)), [], False)]
        if self.piped or self._out or len(ways[0][0]) > width:
            return 0
        if len(ways[0][0]) == width:
            return self._last_below(at, ways[0][0])
        for more in range(at + 1, min(at + _MOST_LINES, len(rows))):
            a, b = rows[more]
            below = self._split(a, b) if self.text[a:b].strip() else []
            if not below or len(below) >= width or self._mark(a, b) is not None:
                return 0
            seam = (rows[more - 1][1], a)
            ways = [way for before in ways for way in self._seams(before, below, seam)]
            for cells, seams, guess in ways:
                if len(cells) == width and self._stand(cells):
                    self._splits[start, b] = cells
                    self.changes += [Change("whitespace", x, y, after, cost_of("whitespace")) for x, y, after in seams]
                    self.doubtful = self.doubtful or guess
                    return more - at
            ways = [way for way in ways if len(way[0]) <= width and self._stand(way[0])][:_MOST_WAYS]
        return 0

    def _last_below(self, at: int, found: list[Cell]) -> int:
        """Whether the last cell of a row, which is empty in its line, stands alone in the line below."""
        rows, last = self._lines, found[-1]
        if last.text or last.quoted or len(found) < 2 or at + 1 == len(rows):
            return 0
        (start, end), (a, b) = rows[at], rows[at + 1]
        below = self._split(a, b) if self.text[a:b].strip() and self._mark(a, b) is None else []
        if len(below) != 1 or self._sum(a, b) or self._end(a, b) or not stands(below[0].text, self._views[-1]):
            return 0
        if any(self.text.count(mark, a, b) == len(found) - 1 for mark in ",;|\t"):
            return 0  # a row with another delimiter
        needed = not stands("", self._views[-1])
        next_row = next((row for row in rows[at + 2 : at + _MOST_LINES] if self.text[slice(*row)].strip()), None)
        goes_on = next_row is not None and self._fits(*next_row)
        if not (needed or goes_on or below[0].quoted or is_cell(self.text[a:b])):
            return 0
        self._splits[start, b] = [*found[:-1], below[0]]
        self._change("whitespace", end, a, "")
        self.doubtful = self.doubtful or not (needed or (goes_on and "null" not in self._views[-1].types()))
        return 1

    def _seams(
        self, before: tuple[list[Cell], Seams, bool], below: list[Cell], seam: tuple[int, int]
    ) -> Iterator[tuple[list[Cell], Seams, bool]]:
        """The cells of two lines as those of one: behind a delimiter, within a text, or where one was lost."""
        cells, seams, guess = before
        last, first = cells[-1], below[0]
        if len(cells) > 1 and not last.text and not last.quoted:
            yield [*cells[:-1], *below], [*seams, (*seam, "")], guess
            return
        if len(below) > 1 and not first.text and not first.quoted:
            yield [*cells, *below[1:]], [*seams, (*seam, "")], guess
            return
        if not last.quoted and not first.quoted and last.sound and first.sound:
            long = self.text.rfind("\n", 0, seam[0]) + _LONG_LINE < seam[0]
            said = last.text + (" " if long else "\n") + first.text
            yield [*cells[:-1], Cell(last.start, first.end, said, False, False), *below[1:]], seams, True
        at = len(cells)
        if at < self._width and (self._telling(last.text, at - 1) or self._telling(first.text, at)):
            yield [*cells, *below], [*seams, (*seam, self.delimiter)], True

    def _header_lines(self, at: int) -> int:
        """How many lines more a header goes over; its cells are noted for the span of all."""
        names, rows = self.view.ordered_names(), self._lines
        start, end = rows[at]
        found = list(self._split(start, end))
        changes: list[Change] = []
        for more in range(at + 1, min(at + _MOST_LINES, len(rows))):
            if found and not found[-1].text:
                found.pop()
            wanted = [self._name(cell.text, names) for cell in found]
            if len(found) >= len(names) or not all(name in names for name in wanted):
                return 0
            a, b = rows[more]
            below = self._split(a, b) if self.text[a:b].strip() else []
            parted = self.text[found[-1].end : a].strip() == self.delimiter or bool(below and not below[0].text)
            below = below[1:] if below and not below[0].text else below
            if not below or any(self._name(cell.text, names) not in names for cell in below if cell.text):
                return 0
            changes.append(Change("whitespace", rows[more - 1][1], a, "" if parted else self.delimiter, 0.1))
            found += below
            if {self._name(cell.text, names) for cell in found} == set(names) and len(found) == len(names):
                self._splits[start, b] = found
                self.changes += changes
                return more - at
        return 0
