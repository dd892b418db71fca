"""What is known of a damaged table: its columns, the cells of its lines, and which of its lines are no rows.

Ruled lines, comments, dots, the header once more, sums, and sentences stand between and behind the rows.
"""

from __future__ import annotations

import re
from functools import lru_cache

from .csv_cells import Cell, cells, is_cell, piped, spaced
from .csv_columns import column_name, may_stand, stands
from .csv_shares import Habits
from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .words import normal, one_letter

_RULED = re.compile(r"[ \t]*[|+]?[ \t]*:?[-=]+:?[ \t]*(?:[|+,;\t][ \t]*:?[-=]+:?[ \t]*)*[|+,;]?[ \t]*")
_REMARK = re.compile(r"[ \t]*(?:#+(?=[ \t]|$)|//)", re.M)
_COMMENT = re.compile(r"[ \t]*(?:/\*.*\*/|<!--.*-->|-- [^,;|\t]*)[ \t]*")
_DASHED = re.compile(r"[ \t]*--[ ](?=[^\W\d])")
END = re.compile(r"[ \t]*(?:EOF|EOT|EOS|END|DONE|'{3}|\"{3}|`{3,}|\\\.|[.$\u2022\u00b7]+)[;.]?[ \t]*")
_SECTION = re.compile(  # the heading of a part of a table, a line of marks
    r"[ \t]*(?:\*\*[^*]+\*\*:?|\[[^\[\]]*\]|-+[ ][^-].*[ ]-+|=+[ ].*[ ]=+|>+|[$%]"
    r"|(?:[-*=~_+.][ ]?){3,})[ \t]*"
)
_DOTS = re.compile(r"[ \t|,;(\[]*(?:\.\.\.|\u2026)[)\]]?(?:[ \t|,;]*(?:\.\.\.|\u2026)?)*")
_TAG = re.compile(r"[ \t]*(?:</?[A-Za-z_][\w.:-]*>|<\|[\w ]+\|>)[ \t]*")
_MARKS = frozenset("|+:-=<,;([*$>%~_.\u2026/#")  # what such lines begin with
_BLANK = ",;\t| "
_NEAR = 20  # lines that tell whether it is a Markdown table
_SUMS = frozenset(
    {"total", "totals", "grand total", "subtotal", "sum", "average", "avg", "mean", "count", "overall"}
    | {"summe", "gesamt", "\u5408\u8ba1", "\u5408\u8a08"}
)

Splits = dict[tuple[int, int], list[Cell]]
"""The cells of lines, by start and end."""

plain_name = lru_cache(maxsize=4096)(normal)


@lru_cache(maxsize=4096)
def _plainly(text: str) -> str:
    """A name of a column without case and punctuation, and without what stands around it."""
    return normal(column_name(_bare(text)))


def _bare(text: str) -> str:
    return text.strip().strip("*`").strip()


class Table:
    """What is known of a table; with ``any_cell`` its cells may be against the schema.

    Attributes:
        changes: what makes CSV of it.
        columns: the names of the columns.
        piped: it is a Markdown table, of which the changes make one with commas.
        doubtful: a choice was made without evidence.
    """

    def __init__(
        self, text: str, delimiter: str, view: SchemaView, any_cell: bool = False, splits: Splits | None = None
    ) -> None:
        self.text, self.delimiter, self.view, self.any_cell = text, delimiter, view, any_cell
        self.changes: list[Change] = []
        self.columns: list[str] = []
        self.doubtful = False
        self._views: list[SchemaView] = []
        self._typed = False  # the schema says of a column what it holds
        self._apart: set[int] = set()  # rows with another delimiter
        self._moved: dict[int, dict[int, str]] = {}  # of rows with swapped cells: what these should say
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
        self._splits = {} if splits is None else splits
        self._habits: Habits | None = None

    def _empty(self, start: int, end: int) -> bool:
        """Whether a line has delimiters alone, and not those of a row: the standard reader leaves it out."""
        return not self.text[start:end].strip(_BLANK) and len(self._split(start, end)) != self._width

    def _mark(self, start: int, end: int) -> str | None:
        """The rule that takes out a line which is no row: a ruled line, a comment, dots for more rows, a tag."""
        at = start
        while self.text[at] in " \t":
            at += 1
        if self.text[at] not in _MARKS:
            return None
        if self.columns and _RULED.fullmatch(self.text, start, end):
            line = self.text[start:end]
            return "table_mark" if self.piped or "--" in line or "==" in line or ":" in line else None
        if _TAG.fullmatch(self.text, start, end):
            return "tag"
        if self.columns and _DOTS.fullmatch(self.text, start, end):
            self.doubtful = True
            return "ellipsis"
        if self._width > 2 and _SECTION.fullmatch(self.text, start, end) and self.delimiter not in self.text[start:end]:
            self.doubtful = self.doubtful or "trunc" in self.text[start:end].casefold()
            return "prose"
        if _COMMENT.fullmatch(self.text, start, end):
            return "comment"
        remark = _REMARK.match(self.text, start, end) or _DASHED.match(self.text, start, end)
        if remark and len(self._split(start, end)) < (self._width or self.due or 2):
            return "comment"
        return None

    def _change(self, rule: str, start: int, end: int, after: str) -> None:
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))

    def _line(self, rule: str, start: int, end: int, stop: int) -> None:
        after = end
        while after < stop and self.text[after] in "\r\n":
            after += 1
        self._change(rule, start, after, "")

    def _tail(self, start: int, end: int, apart: bool, below: list[tuple[int, int]]) -> bool:
        """Whether a line that is no row may be left out: the header again, a sum, or words behind the table."""
        if self._said(start, end) or self._end(start, end):
            return True
        if self._sum(start, end):
            self.doubtful = True
            return True
        if any(self._fits(a, b) for a, b in below):
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

    def _end(self, start: int, end: int) -> bool:
        """Whether a line ends or rules the table, as programs and typesetters have it."""
        return self._width > 1 and END.fullmatch(self.text, start, end) is not None

    def _said(self, start: int, end: int) -> bool:
        """Whether a line is the header once more."""
        if len(self.columns) < 2 or not self._rows:
            return False
        found, width = self._split(start, end), self._width
        if len(found) < width or any(cell.text for cell in found[width:]):
            return False
        kept = self._kept(found[:width])
        said = [cell.text for cell in kept]
        if said == self.columns:
            return True
        first, plain = self.columns[0], _plainly(said[0])
        if plain not in (_plainly(first), plain_name(first)) and not one_letter(plain_name(first), plain):
            return False
        if self._name(said[0], self.columns) != first:
            return False
        return [self._name(text, self.columns) for text in said] == self.columns

    def _split(self, start: int, end: int) -> list[Cell]:
        """The cells of a line; they are kept, for several look at them."""
        found = self._splits.get((start, end))
        if found is None:
            find = piped(self.text, start, end) if self.piped else cells(self.text, start, end, self.delimiter)
            found = self._splits[start, end] = find
        return found

    def _is_piped(self, rows: list[tuple[int, int]]) -> bool:
        """Whether a table is one of Markdown: pipes around its rows, or a ruled line below its header."""
        shown = [self.text[a:b].strip() for a, b in rows[:_NEAR] if self.text[a:b].strip()]
        return bool(shown) and (shown[0][:1] == "|" or any(_RULED.fullmatch(line) for line in shown[1:3]))

    def _closes(self, start: int, opened: int, end: int) -> bool:
        """Whether a row goes on below the line that ends where a quote is still open, and has all its cells."""
        at = self.text.find('"', opened, end)
        while at >= 0 and self.text[at + 1 : at + 2] not in ("", " ", "\t", "\r", "\n", '"', self.delimiter):
            at = self.text.find('"', at + 1, end)
        return at >= 0 and len(self._split(start, end)) == (self._width or len(self.view.ordered_names()))

    def _take(self, names: list[str], width: int) -> None:
        self.columns, self._width = names, width
        self._views = [self.view.member(name) for name in names]
        self._typed = any(view.types() for view in self._views)

    def _written(self, found: list[Cell]) -> None:
        """Note what stands around the delimiters of the first line."""
        self._spaced = spaced(self.text, found)
        self._padded = not self.piped and any(self.text[cell.end : cell.end + 1] == " " for cell in found[:-1])

    def _name(self, text: str, names: list[str]) -> str:
        text = _bare(text)
        if text in names:
            return text
        said, text = text, column_name(text)
        if text in names:
            return text
        plain, whole = plain_name(text), plain_name(said)
        near = [name for name in names if plain_name(name) in (plain, whole)] or [
            name for name in names if one_letter(plain_name(name), plain)
        ]
        return near[0] if len(near) == 1 else text

    def _fits(self, start: int, end: int) -> bool:
        return bool(self.text[start:end].strip()) and len(self._split(start, end)) == self._width

    def _stand(self, found: list[Cell]) -> bool:
        """Whether all cells of a row may stand in their columns."""
        return not self._typed or all(
            may_stand(cell.text, view) for cell, view in zip(self._kept(found), self._views, strict=False)
        )

    def _kept(self, found: list[Cell]) -> list[Cell]:
        """The cells of the columns that the schema has a place for."""
        return [cell for at, cell in enumerate(found) if at not in self._out] if self._out else found
