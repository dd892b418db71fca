"""The CSV texts of a row type, as a regular expression: the header, then cells that read back as the columns' types.

A row is one line (control characters and line breaks inside quotes are left out), and an empty cell is null.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from trellis.contract.base import OnUnsupported, Schema
from trellis.errors import UnsupportedError
from trellis.schema.resolve import Document, join

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar

_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029"  # some of them end a line for some readers
_TEXT = rf'(?:[^", {_CONTROL}][^",{_CONTROL}]*|"(?:[^"{_CONTROL}]|"")*")?'
_CELLS = {
    "string": _TEXT,
    "integer": "-?(?:0|[1-9][0-9]*)",
    "number": r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?",
    "boolean": "true|false",
    "null": "",
}
_KNOWN = {"type", "enum", "const", "anyOf", "oneOf", "$ref", "title", "description", "default", "examples"}


class Relaxation(NamedTuple):
    """Something that the mask does not enforce, with its place in the schema of a row."""

    pointer: str
    reason: str


def csv_grammar(row: Schema, columns: tuple[str, ...], on_unsupported: OnUnsupported) -> Grammar:
    """The language of CSV texts with these columns.

    Raises:
        UnsupportedError: a column's type has a keyword that a cell's expression cannot say (unless relaxed).
    """
    from trellis.masking.grammar import Grammar

    cells = _Cells(row, on_unsupported)
    line = ",".join(f"(?:{cells.of(column)})" for column in columns)
    header = ",".join(re.escape(_quoted(column)) for column in columns)
    grammar = Grammar.from_regex(rf"{header}(?:\n{line})*\n?")
    return Grammar(grammar.program, f"CSV with the columns {', '.join(columns)}", relaxations=cells.relaxations)


class _Cells:
    def __init__(self, row: Schema, on_unsupported: OnUnsupported) -> None:
        self.document = Document(row)
        self.on_unsupported = on_unsupported
        self.relaxations: list[Relaxation] = []

    def of(self, column: str) -> str:
        row, pointer = self._followed(self.document.root, "")
        pointer = join(pointer, "properties", column)
        return "|".join(dict.fromkeys(self._expressions(row["properties"][column], pointer)))

    def _followed(self, schema: Any, pointer: str) -> tuple[Any, str]:
        while isinstance(schema, dict) and "$ref" in schema:
            schema, pointer = self.document.resolve(schema["$ref"], pointer)
        return schema, pointer

    def _expressions(self, schema: Any, pointer: str) -> list[str]:
        schema, pointer = self._followed(schema, pointer)
        if not isinstance(schema, dict):
            return [_TEXT]
        for key in schema.keys() - _KNOWN:
            self._unsupported(join(pointer, key), f"cells of CSV cannot be held to {key!r}")
        if "const" in schema or "enum" in schema:
            values = [schema["const"]] if "const" in schema else schema["enum"]
            if len({isinstance(value, str) for value in values if value is not None}) > 1:
                self._unsupported(join(pointer, "enum"), "a cell does not tell text from other values")
            return [re.escape(_quoted(value if isinstance(value, str) else json.dumps(value)))
                    if value is not None else "" for value in values]
        for key in ("anyOf", "oneOf"):
            if key in schema:
                return [one for i, member in enumerate(schema[key])
                        for one in self._expressions(member, join(pointer, key, i))]
        kinds = schema.get("type")
        if kinds is None:
            self._unsupported(pointer, "a cell of any type is read as text")
            return [_TEXT]
        return [_CELLS[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]

    def _unsupported(self, pointer: str, reason: str) -> None:
        if self.on_unsupported == "error":
            raise UnsupportedError(f"{reason} (at {pointer or '/'})", pointer=pointer,
                                   hint='mode="auto" or "prompt": it is checked after generation')
        self.relaxations.append(Relaxation(pointer, reason))


def _quoted(text: str) -> str:
    """A cell's text, in quotes where CSV needs them."""
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]|^\s|\s$|^$', text) else text
