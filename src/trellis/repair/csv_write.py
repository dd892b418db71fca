"""Writing the rows of a damaged table anew, once it is known how all of it writes numbers and texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .against import Path
from .csv_cells import Cell, written
from .csv_columns import choices, dressed, meant, typed
from .csv_table import Table
from .edits import Change
from .yaml_quotes import measured

_DECIMAL_COMMA = re.compile(
    r"[^\d.,]*(?:(?:\d+|\d{1,3}(?:\.\d{3})+),(?:\d{1,2}|\d{4,})|(?:\d{4,}|0),\d+)[^\d.,]*"
)
_UNCLEAR = re.compile(r"[^\d.,]*\d{1,3},\d{3}[^\d.,]*")  # thousands, or a decimal comma
_DECIMAL_POINT = re.compile(r".*\d\.(?:\d{1,2}|\d{4,})\D*")


class Writing(Table):
    """How a reading writes the rows that it has found."""

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
        bare = not (self._typed or self.piped or self._out or self._padded)  # what stands in sound cells stays
        for start, end, found in self._rows:
            if bare and start not in self._apart and all(cell.sound and cell.text[-1:] != '"' for cell in found):
                continue
            values, column = [], 0
            moved = self._moved.get(start, {})
            for at, cell in enumerate(found):
                if at in self._out:
                    values.append(cell.text)
                    continue
                value = meant(moved.get(at, cell.text), self._views[column], comma)
                self.doubtful = self.doubtful or (value != cell.text and dressed(cell.text, self._views[column]))
                if around is not None and value[:1] == around == value[-1:] and len(value) > 1:
                    value = value[1:-1]
                if value == cell.text and self._half(cell, at in quoted or any(one.quoted for one in found)):
                    self.doubtful = self.doubtful or measured(value)  # inches, written as no other text is
                    value = value[:-1]
                values.append(value)
                column += 1
            self._write(found, values, start, end, "swapped_cell" if moved else "text_as_number")

    def _listed(self) -> set[int]:
        """The cells of a row whose texts the schema lists: a space behind is none of them."""
        kept = (at for at in range(self._width) if at not in self._out)
        return {at for at, view in zip(kept, self._views, strict=False) if choices(view)}

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
        listed = self._listed()
        for at, (cell, value) in enumerate(zip(found, values, strict=False)):
            stop = found[at + 1].start if at + 1 < len(found) else end
            behind = self.text[cell.end : stop] if self._padded or at in listed else ""
            gap = len(behind) - len(behind.lstrip(" \t"))
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
                elif self.text[cell.start] in "\u201c\u201e\u00ab\u201d":
                    name = "quote_style"
                self._change(name, cell.start, cell.end, written(value, self.delimiter, True))
