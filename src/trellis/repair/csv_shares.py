"""Sharing the cells of a row that is too long out to its columns: which neighbours the delimiter in their text parted.

The cheapest way by dynamic programming over (cells, columns). What speaks for a way: the types of the schema, a space
behind the delimiter, and how the sound rows of the table are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from .csv_cells import Cell
from .csv_columns import choices, may_stand, stands
from .schema_view import SchemaView

_GROUPED = re.compile(r"\s*[-+]?[$\u20ac\u00a3\u00a5]?\s*\d{1,3}(?:,\d{3})+(?:\.\d+)?\s*[%$\u20ac\u00a3\u00a5]?\s*")
_THOUSANDS = re.compile(r"\D*\d{4,}(?:\.\d+)?\D*")
_ZERO = re.compile(r"0\d")
_LETTERS = re.compile(r"(?!\d,\d)\S,(?=\S)")
_FIGURES = re.compile(r"\d,(?!\d{3}(?!\d))\d")
_NEEDS = re.compile(r"[,;|\t\"\n]")
_HEAD, _GROUP = re.compile(r"-?\d{1,3}"), re.compile(r"\d{3}(?:\.\d+)?")
_RUN = re.compile(r"[^\W\d_]+|\d+")
_WIDE = 40  # cells more than there are columns, with which a line is no row
# What speaks against a delimiter within a cell: in text, otherwise spaced, in a number, where no number is grouped,
# where none of another column is, behind a quote in the text.
_JOINT, _SPACED, _DIGITS, _UNGROUPED, _ELSEWHERE, _INNER = 0.7, 0.3, 0.3, 1.0, 0.3, 0.4
_TIGHT, _TIGHT_DIGITS = 0.7, 0.4  # what speaks against a comma in text without a space behind it; between digits
_NEAR = 0.2  # what speaks against a choice in other letters
_BARE = 0.5  # what speaks against a text without quotes, where all others of the column are quoted
_HEADLESS = 0.8  # what speaks against a number that begins with a zero
# What speaks against a text in a column: nobody wrote one like it, it only looks like the others, it is empty.
_STRANGE, _ALIKE, _EMPTY = 0.1, 0.02, 0.25
_THIN = 0.09  # a choice by less is a guess


class Habits:
    """How the sound rows of a table are written; ``spaced``: with a space behind each delimiter."""

    def __init__(self, rows: Iterable[list[Cell]], views: list[SchemaView], spaced: bool) -> None:
        self._texts: list[set[str]] = [set() for _ in views]
        self._shapes: list[set[str]] = [set() for _ in views]
        self._fond: set[int] = set()  # columns that have quotes around a text that needs none
        self._bare: set[int] = set()  # columns that have texts without quotes
        self._ungrouped: set[int] = set()  # columns of numbers that have thousands without a mark
        self.views, self.spaced = views, spaced
        for row in rows:
            for column, (cell, view) in enumerate(zip(row, views, strict=True)):
                self._texts[column].add(cell.text)
                if cell.text and not cell.quoted:
                    self._bare.add(column)
                elif cell.quoted and not _NEEDS.search(cell.text):
                    self._fond.add(column)
                self._shapes[column].add(_shape(cell.text))
                number = view.types() & {"integer", "number"} and "string" not in view.types()
                if number and not cell.quoted and _THOUSANDS.fullmatch(cell.text):
                    self._ungrouped.add(column)

    def against_groups(self, column: int) -> float:
        """What speaks against a number of a column whose thousands have a mark."""
        return _UNGROUPED if column in self._ungrouped else _ELSEWHERE if self._ungrouped else 0.0

    def against(self, cell: Cell, column: int) -> float:
        """What speaks against a text in a column."""
        known, text = self._texts[column], cell.text
        if not known or text in known:
            return 0.0
        if not text:
            return _EMPTY
        if self._lacks_quotes(cell, column):
            return _BARE
        return _ALIKE if _shape(text) in self._shapes[column] else _STRANGE


    def _lacks_quotes(self, cell: Cell, column: int) -> bool:
        quoted = column not in self._bare and column in self._fond
        return quoted and bool(cell.text) and cell.sound and not cell.quoted

    def unlike(self, row: list[Cell]) -> bool:
        """Whether a text of a row has no quotes, and all others of its column have some."""
        return any(self._lacks_quotes(cell, at) for at, cell in enumerate(row) if "string" in self.views[at].types())


def _shape(text: str) -> str:
    """Letters and digits as one of each, and what stands between them."""
    return _RUN.sub(lambda run: "9" if run[0][0].isdigit() else "a", text[:60])


def shared(
    text: str, found: list[Cell], views: list[SchemaView], delimiter: str, habits: Habits
) -> tuple[list[Cell], bool] | None:
    """The row with some neighbours joined to one cell, and whether that is a guess; ``None`` if there is no way."""
    extra = len(found) - len(views)
    if extra > _WIDE:
        return None
    best: dict[int, list[tuple[float, list[Cell]]]] = {0: [(0.0, [])]}  # by cells used: the two cheapest
    for column, view in enumerate(views):
        following: dict[int, list[tuple[float, list[Cell]]]] = {}
        for used, ways in best.items():
            for size in range(1, extra - (used - column) + 2):
                joint = _joined(text, found[used : used + size], view, delimiter, habits, column)
                if joint is None:
                    continue
                against, cell = joint
                against += habits.against(cell, column) if "string" in view.types() else 0.0
                following.setdefault(used + size, []).extend((cost + against, [*row, cell]) for cost, row in ways)
        best = {used: sorted(ways, key=_order)[:2] for used, ways in following.items()}
    ways = best.get(len(found), [])
    if not ways:
        return None
    edges = any(delimiter in (cell.text[:1], cell.text[-1:]) and not cell.quoted for cell in ways[0][1])
    edges = edges or (delimiter == "," and _parts_groups(found, ways[0][1], views))
    return ways[0][1], edges or (len(ways) > 1 and ways[1][0] - ways[0][0] < _THIN)


def _parts_groups(found: list[Cell], row: list[Cell], views: list[SchemaView]) -> bool:
    """Whether a way does not read as one number what could be the groups of one."""
    spans = [
        (cell.start, cell.end) for cell, view in zip(row, views, strict=True) if view.types() & {"integer", "number"}
    ]
    seams = (
        (a.start, b.end)
        for a, b in pairwise(found)
        if not (a.quoted or b.quoted) and _HEAD.fullmatch(a.text) and _GROUP.fullmatch(b.text)
    )
    return any(not any(start <= a and b <= end for start, end in spans) for a, b in seams)


def _order(way: tuple[float, list[Cell]]) -> tuple[float, int]:
    """The cheaper first; then the one with the longer text, which is likelier to hold a delimiter."""
    return round(way[0], 3), -max(len(cell.text) for cell in way[1])


def _joined(
    text: str, group: list[Cell], view: SchemaView, delimiter: str, habits: Habits, column: int
) -> tuple[float, Cell] | None:
    """What speaks against some cells being one cell of a column, and that cell; ``None`` if they cannot be."""
    if len(group) == 1:
        if not stands(group[0].text, view):
            near = choices(view) and may_stand(group[0].text, view)
            return (_NEAR, group[0]) if near else None
        odd = view.types() and "string" not in view.types() and _ZERO.match(group[0].text.strip()) is not None
        return (_HEADLESS if odd else 0.0, group[0])
    first, last = group[0], group[-1]
    if first.quoted and not any(cell.quoted for cell in group[1:]) and text[last.end - 1] == '"':
        inner = text[first.start + 1 : last.end - 1].replace('\\"', '"')  # a quote in it stood before a delimiter
        return (_INNER, Cell(first.start, last.end, inner, True, False)) if stands(inner, view) else None
    if any(cell.quoted for cell in group):
        return None
    whole = text[first.start : last.end].rstrip(" \t")
    if not first.sound and not first.quoted:
        whole = whole[1:]  # behind a quote that nothing closes, or the end of the cell
        if whole.endswith('"'):
            whole = whole[:-1].replace('\\"', '"').replace('""', '"')
    held = len(whole) > 2 and whole[0] == whole[-1] == "'"  # quotes that are none of CSV, around what needs some
    cell = Cell(group[0].start, group[-1].end, whole[1:-1].replace("''", "'") if held else whole, False, False)
    if held and "string" in view.types() and stands(cell.text, view):
        return _INNER * (len(group) - 1), cell
    if view.types() and "string" not in view.types():
        against = _DIGITS * (len(group) - 1) + habits.against_groups(column)
        return (against, cell) if delimiter == "," and _GROUPED.fullmatch(whole) else None
    if not stands(whole, view):
        return None
    if all("\\" in text[one.start - 3 : one.start - 1] for one in group[1:]):
        return 0.0, cell._replace(text=whole.replace("\\" + delimiter, delimiter))  # escaped, as programs have it
    unlike = sum((text[one.start - 1] in " \t") != habits.spaced for one in group[1:])  # the delimiters elsewhere
    tight = sum(_tightness(text, one.start) for one in group[1:]) if delimiter == "," else 0.0
    return _JOINT * (len(group) - 1) - (_JOINT - _SPACED) * unlike + tight, cell


def _tightness(text: str, at: int) -> float:
    """What speaks against a comma before an offset being part of a text."""
    if _LETTERS.match(text, at - 2) is not None:
        return _TIGHT
    return _TIGHT_DIGITS if _FIGURES.match(text, at - 2) is not None else 0.0
