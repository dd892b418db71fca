"""YAML and CSV that are read while they are written: a member at the root, or a row, as soon as it is complete.

A part is complete when the next one begins; it is then read alone, mended as an answer is, and never changes after.
What is open is not shown. Where a part cannot be read alone, or in more than one way, the reader stalls, and what it
has stays.
"""

from __future__ import annotations

import re
from typing import Any

from ..errors import RepairError, TrellisError
from ..schema.places import schemas_at
from ..schema.resolve import Document
from .rules import Level
from .schema_view import SchemaView
from .stream_json import Committed, Snapshot

_KEY = re.compile(r"""(?:"([^"\n]+)"|'([^'\n]+)'|([^\s:#'"\[{>|&*!%@`-][^:\n]*?))[ \t]*:(?=\s)""")
_ITEM = re.compile(r"-[ \t]+\S|-[ \t]*\n")
_DELIMITER = re.compile(r"[,;\t|]")


class PartStream:
    """Reads an answer part by part.

    Attributes:
        stalled: no more is committed before the end.
        done: never, before the end: another part may follow.
        misfit: none: a part of the wrong type is left to the end.
    """

    done = False
    misfit: Committed | None = None

    def __init__(self) -> None:
        self.stalled = False
        self._rest = ""  # half a line
        self._root: Any = None

    @property
    def open(self) -> str | None:
        """The pointer of what is being written: the root, until the answer ends."""
        return "" if self._root is not None else None

    def snapshot(self) -> Snapshot:
        """The value so far, of complete parts only."""
        return Snapshot([] if self._root is None else [(self._root, len(self._root))], None, None)

    def feed(self, chunk: str) -> list[Committed]:
        """Read on; returns what this chunk committed."""
        if self.stalled:
            return []
        committed: list[Committed] = []
        *lines, self._rest = (self._rest + chunk).split("\n")
        for line in lines:
            step = None if self.stalled else self._line(line + "\n")
            if step is not None:
                pointer = str(step).replace("~", "~0").replace("/", "~1")
                committed.append(Committed(f"/{pointer}", self._root[step]))
        return committed

    def _line(self, line: str) -> str | int | None:
        """Take a whole line; returns the key or place of the part that it completes."""
        raise NotImplementedError


class RowStream(PartStream):
    """CSV, row by row. The header is the first line that has a column's name in each cell.

    Args:
        schema: JSON Schema of an array of objects, or ``None``: then the first line is the header.
        level: how far a row may be mended.
    """

    def __init__(self, schema: Any, level: Level) -> None:
        super().__init__()
        self._schema, self._level = schema, level
        names = SchemaView.of(schema).item(0).names() if schema is not None else set()
        self._columns = {name.casefold() for name in names}
        self._header = ""
        self._row = ""

    def _line(self, line: str) -> int | None:
        from .csv import repair_csv

        if not self._header:
            cells = {cell.strip().strip("\"'").casefold() for cell in _DELIMITER.split(line.strip().strip("|"))}
            if cells == self._columns or (not self._columns and len(cells) > 1):
                self._header, self._root = line, []
            return None
        self._row += line
        if self._row.count('"') % 2 or not self._row.strip():  # inside a cell of several lines
            return None
        row, self._row = self._row, ""
        try:
            read = repair_csv(self._header + row, self._schema, level=self._level)
            marked = any(edit.rule == "bullet" for edit in read.edits)  # what is a mark, only all rows can tell
            rows = [] if read.ambiguous or marked else read.value
        except RepairError:
            rows = []
        if row.startswith("```") or len(rows) != 1:
            self.stalled = True
            return None
        self._root += rows
        return len(self._root) - 1


class MemberStream(PartStream):
    """YAML, member by member of the mapping or sequence at its root.

    Args:
        schema: JSON Schema, or ``None``.
        level: how far a member may be mended.
    """

    def __init__(self, schema: Any, level: Level) -> None:
        super().__init__()
        self._free = schema is None
        schema = schema if isinstance(schema, dict) else {"items": {}, "additionalProperties": {}}
        self._level = level
        self._document = Document(schema)
        self._shared = {key: schema[key] for key in ("$schema", "$defs", "definitions") if key in schema}
        self._member: list[str] = []
        self._indent = ""
        self._key: str | int = 0

    def _line(self, line: str) -> str | int | None:
        body = line.lstrip(" ")
        begun = self._begins(body) if self._root is None or line == self._indent + body else None
        if self._root is None:
            if begun is not None:
                self._root = [] if isinstance(begun, int) else {}
                self._indent, self._key, self._member = line[: len(line) - len(body)], begun, [line]
            return None
        if begun is None:
            if body.startswith("```"):
                return self._completed(last=True)
            self._member.append(line)
            return None
        step = self._completed()
        self._key, self._member = begun, [line]
        return step

    def _begins(self, body: str) -> str | int | None:
        """The key, or the place, of the member at the root that a line begins; ``None`` if it begins none."""
        if not isinstance(self._root, dict) and _ITEM.match(body):
            place = 0 if self._root is None else len(self._root) + 1
            return place if self._wanted(str(place)) is not None else None
        found = None if isinstance(self._root, list) else _KEY.match(body)
        if found is None:
            return None
        key = next(group for group in found.groups() if group is not None)
        return key if self._wanted(key) is not None else None

    def _wanted(self, step: str) -> Any:
        """What a member has to be; ``None`` if the schema knows no such member."""
        try:
            schemas = schemas_at(self._document, [step])
        except TrellisError:
            return None
        return {"anyOf": schemas} if schemas else None

    def _completed(self, last: bool = False) -> str | int | None:
        from .yaml import repair_yaml

        self.stalled = last
        key, inner = self._key, self._wanted(str(self._key))
        schema: dict[str, Any] = {"type": "array", "items": inner}
        if isinstance(key, str):
            schema = {"type": "object", "properties": {key: inner}, "required": [key]}
        try:
            alone = None if self._free else {**schema, **self._shared}
            read = repair_yaml("".join(self._member), alone, level=self._level)
            value = read.value
            member = value[0 if isinstance(key, int) else key]
            right = not read.ambiguous and len(value) == 1 and (isinstance(key, int) or key not in self._root)
        except (TrellisError, LookupError, TypeError):
            right = False
        if not right:
            self.stalled = True
            return None
        if isinstance(key, int):
            self._root.append(member)
            return len(self._root) - 1
        self._root[key] = member
        return key
