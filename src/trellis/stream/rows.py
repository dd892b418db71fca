"""Readers of CSV and YAML that come in pieces: a row, or a member at the root, is read as soon as it is complete.

A part is complete when the next one begins; it is then read alone, mended as an answer is, and never changes after.
What is open is not shown. Where a part cannot be read alone the reader stops, and what it has stays: the whole text is
read when it is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from trellis.contract import Contract, RepairLevel
from trellis.contract.data import CsvContract, YamlContract
from trellis.contract.patch import schemas_at
from trellis.errors import TrellisError
from trellis.schema.resolve import Document

Path = tuple[str | int, ...]

_KEY = re.compile(r"""(?:"([^"\n]+)"|'([^'\n]+)'|([^\s:#'"\[{>|&*!%@`-][^:\n]*?))[ \t]*:(?=\s)""")
_ITEM = re.compile(r"-[ \t]+\S|-[ \t]*\n")


class PartReader:
    """Reads an answer part by part.

    Attributes:
        text: everything so far.
        stopped: whether no more is read from it before the end.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._parts: list[str] = []
        self._rest = ""  # lines of the part that is open, and half a line
        self._root: Any = None

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def open(self) -> Path | None:
        """The path of what is being written: the root, until the answer ends."""
        return () if self._root is not None else None

    def snapshot(self) -> Any:
        """The value so far, of complete parts only."""
        return None if self._root is None else self._root.copy()

    def feed(self, piece: str) -> list[Path]:
        """Reads on; the paths of what this piece has made complete."""
        self._parts.append(piece)
        if self.stopped:
            return []
        self._rest += piece
        completed: list[Path] = []
        while not self.stopped and (end := self._rest.find("\n")) >= 0:
            line, self._rest = self._rest[: end + 1], self._rest[end + 1 :]
            path = self._line(line)
            if path is not None:
                completed.append(path)
        return completed

    def _line(self, line: str) -> Path | None:
        """Takes a whole line; the path of the part that it completes."""
        raise NotImplementedError


class RowReader(PartReader):
    """CSV, row by row. The header is the first line that has a column's name in each cell.

    Args:
        contract: the output type.
        level: how far a row may be mended.
    """

    def __init__(self, contract: CsvContract[Any], level: RepairLevel) -> None:
        super().__init__()
        self._contract, self._level = contract, level
        self._columns = {column.casefold() for column in contract.columns}
        self._header = ""
        self._row = ""

    def _line(self, line: str) -> Path | None:
        if not self._header:
            cells = {cell.strip().strip("\"'").casefold() for cell in re.split(r"[,;\t|]", line.strip().strip("|"))}
            if cells == self._columns:
                self._header, self._root = line, []
            return None
        self._row += line
        if self._row.count('"') % 2 or not self._row.strip():  # inside a cell of several lines
            return None
        row, self._row = self._row, ""
        try:
            rows = self._contract.read(self._header + row, self._level).value
        except TrellisError:
            rows = None
        right = isinstance(rows, list) and len(rows) == 1 and self._contract.validate(rows).ok
        if row.startswith("```") or not right:
            self.stopped = True
            return None
        self._root += rows
        return (len(self._root) - 1,)


class MemberReader(PartReader):
    """YAML, member by member of the mapping or sequence at its root.

    Args:
        contract: the output type.
        level: how far a member may be mended.
    """

    def __init__(self, contract: YamlContract[Any], level: RepairLevel) -> None:
        super().__init__()
        self._level = "safe" if level == "off" else level
        self._document = Document(contract.schema)
        self._shared: dict[str, Any] = {key: contract.schema[key] for key in ("$schema", "$defs", "definitions")
                        if key in contract.schema}
        self._member: list[str] = []
        self._indent = ""
        self._key: str | int = 0

    def _line(self, line: str) -> Path | None:
        body = line.lstrip(" ")
        begun = self._begins(body) if self._root is None or line == self._indent + body else None
        if self._root is None:
            if begun is not None:
                self._root = [] if isinstance(begun, int) else {}
                self._indent, self._key, self._member = line[: len(line) - len(body)], begun, [line]
            return None
        if begun is None:
            if body.startswith("```"):
                return self._completed(stop=True)
            self._member.append(line)
            return None
        path = self._completed()
        self._key, self._member = begun, [line]
        return path

    def _begins(self, body: str) -> str | int | None:
        """The key, or the place, of the member at the root that a line begins; ``None`` if it begins none."""
        if not isinstance(self._root, dict) and _ITEM.match(body):
            place = 0 if self._root is None else len(self._root) + 1
            return place if self._schema([str(place)]) is not None else None
        found = None if isinstance(self._root, list) else _KEY.match(body)
        if found is None:
            return None
        key = next(group for group in found.groups() if group is not None)
        return key if self._schema([key]) is not None else None

    def _schema(self, steps: list[str]) -> Any:
        """What a member has to be; ``None`` if the type knows no such member."""
        try:
            schemas = schemas_at(self._document, steps)
        except TrellisError:
            return None
        return {"anyOf": schemas} if schemas else None

    def _completed(self, stop: bool = False) -> Path | None:
        from trellis.repair import repair_yaml

        self.stopped = stop
        key, inner = self._key, self._schema([str(self._key)])
        schema: dict[str, Any] = ({"type": "array", "items": inner} if isinstance(key, int) else
                  {"type": "object", "properties": {key: inner}, "required": [key]})
        try:
            value = repair_yaml("".join(self._member), {**schema, **self._shared}, level=self._level).value
            member = value[0 if isinstance(key, int) else key]
            right = len(value) == 1 and (isinstance(key, int) or key not in self._root)
        except (TrellisError, LookupError, TypeError):
            right = False
        if not right:
            self.stopped = True
            return None
        if isinstance(key, int):
            self._root.append(member)
            return (len(self._root) - 1,)
        self._root[key] = member
        return (key,)


class TextReader(PartReader):
    """Plain text, of which nothing is complete before its end."""

    def _line(self, line: str) -> Path | None:
        return None


def part_reader(contract: Contract[Any], level: RepairLevel) -> PartReader:
    """The reader for what is not written as JSON."""
    readers: Sequence[tuple[type, Callable[..., PartReader]]] = ((CsvContract, RowReader), (YamlContract, MemberReader))
    return next((make(contract, level) for kind, make in readers if isinstance(contract, kind)), TextReader())
