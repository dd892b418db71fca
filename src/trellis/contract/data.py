"""Values that are written as JSON, YAML or CSV."""

from __future__ import annotations

import csv
import io
import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from trellis.contract.base import (
    MAX_CHOICES,
    Contract,
    Format,
    OnUnsupported,
    RepairLevel,
    Schema,
    T,
    Verdict,
)
from trellis.contract.formats import followed, read_as
from trellis.contract.renderings import Rendering, rendered
from trellis.contract.unknown import allows_unknown
from trellis.contract.values import SchemaValues, Values, json_text
from trellis.errors import RepairError, TypeNotSupportedError
from trellis.schema import yaml_text
from trellis.schema.typescript import render

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar
    from trellis.repair import Repaired


class DataContract(Contract[T]):
    """A value with a JSON Schema, however it is written."""

    schema: Schema

    def __init__(self, values: Values) -> None:
        self.values = values
        self.name = values.name
        self.schema = values.schema
        self._type_text = render(self.schema, self.name)  # at once: a reference that leads nowhere is told early

    def type_text(self) -> str:
        return self._type_text

    def rendered(self, rendering: Rendering) -> str:
        return self._type_text if rendering == "typescript" else rendered(self._shown, self.name, rendering)

    @cached_property
    def allows_unknown(self) -> bool:
        return allows_unknown(self.schema)

    @property
    def _shown(self) -> Schema:
        return self.schema

    def plain(self, value: Any) -> Any:
        return self.values.plain(value)

    def validate(self, value: Any) -> Verdict[T]:
        return self.values.check(value)


class JsonContract(DataContract[T]):
    """Minified JSON."""

    format: Format = "json"

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._grammars: dict[OnUnsupported, Grammar] = {}

    @property
    def is_object(self) -> bool:
        schema, seen = self.schema, 0
        while isinstance(schema, dict) and isinstance(schema.get("$ref"), str) and seen < 20:
            schema, seen = followed(self.schema, schema["$ref"]), seen + 1
        return isinstance(schema, dict) and schema.get("type") == "object"

    @cached_property
    def choices(self) -> tuple[str, ...]:
        values = _listed(self.schema, self.schema)
        texts = tuple(dict.fromkeys(json_text(value) for value in values or () if self.validate(value).ok))
        return texts if len(texts) <= MAX_CHOICES else ()

    def write(self, value: Any) -> str:
        return json_text(self.values.plain(value))

    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[Any]:
        try:
            return read_as("json", text, self.values.accepted, level)
        except RepairError as error:
            if error.limit is None and (fault := _json_fault(text)):  # said in the words of JSON, not of repair
                raise RepairError(f"no valid JSON: {fault}", hint=error.hint) from error
            raise

    def examine(self, text: str, level: RepairLevel = "normal") -> tuple[Repaired[Any], Verdict[T]]:
        """A standard reading that the schema takes is judged once, not by repair and by us."""
        from trellis.repair.backslash import with_doubts
        from trellis.repair.standard import read_standard

        if isinstance(self.values, SchemaValues):
            try:
                value = read_standard(text)
            except (ValueError, RepairError):
                return super().examine(text, level)
            if (verdict := self.values.check(value)).ok:
                return with_doubts(value, text), verdict
        return super().examine(text, level)

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        grammar = self._grammars.get(on_unsupported)
        if grammar is None:
            from trellis.masking.grammar import Grammar

            grammar = Grammar.from_json_schema(self.schema, on_unsupported=on_unsupported)
            self._grammars[on_unsupported] = grammar
        return grammar


class YamlContract(DataContract[T]):
    """Block YAML with two spaces of indentation; strings that could be read as something else are quoted."""

    format: Format = "yaml"

    def __init__(self, values: Values) -> None:
        super().__init__(values)
        self._grammars: dict[OnUnsupported, Grammar] = {}

    def write(self, value: Any) -> str:
        return "\n".join(yaml_text.lines(self.values.plain(value)))

    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[Any]:
        return read_as("yaml", text, self.values.accepted, level)

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        grammar = self._grammars.get(on_unsupported)
        if grammar is None:
            from trellis.masking.grammar import Grammar
            from trellis.masking.yaml_front import compile_yaml

            lowered = compile_yaml(self.schema, relax=on_unsupported == "relax")
            grammar = Grammar(lowered.program, f"YAML of type {self.name}", relaxations=lowered.relaxations)
            self._grammars[on_unsupported] = grammar
        return grammar


class CsvContract(DataContract[T]):
    """A header line and one line for each row; empty for null.

    ``rows`` are the values of the whole answer (a list), ``row`` those of one line, whose type the prompt shows.
    """

    format: Format = "csv"

    def __init__(self, row: Values, rows: Values) -> None:
        super().__init__(rows)
        self.name = row.name
        self._type_text = render(row.schema, row.name)
        self._row = row.schema
        self.columns = _columns(row.schema, row.name)
        self._grammars: dict[OnUnsupported, Grammar] = {}

    @property
    def _shown(self) -> Schema:
        return self._row

    def write(self, value: Any) -> str:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(self.columns)
        for row in self.values.plain(value):
            writer.writerow([_cell(row.get(column)) for column in self.columns])
        return out.getvalue().rstrip("\n")

    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[Any]:
        return read_as("csv", text, self.values.accepted, level)

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        grammar = self._grammars.get(on_unsupported)
        if grammar is None:
            from trellis.masking.csv_front import compile_csv
            from trellis.masking.grammar import Grammar

            lowered = compile_csv(self._row, self.columns, relax=on_unsupported == "relax")
            grammar = Grammar(lowered.program, f"CSV with the columns {', '.join(self.columns)}",
                              relaxations=lowered.relaxations)
            self._grammars[on_unsupported] = grammar
        return grammar


def _json_fault(text: str) -> str:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return str(error)
    return ""


def _listed(root: Any, schema: Any, depth: int = 0) -> list[Any] | None:
    """The values of a schema that lists them all: an enum, a constant, a boolean, null, or a union of those."""
    if not isinstance(schema, dict) or depth > 20:
        return None
    if isinstance(schema.get("$ref"), str):
        return _listed(root, followed(root, schema["$ref"]), depth + 1)
    if "enum" in schema or "const" in schema:
        return list(schema.get("enum", [schema.get("const")]))
    if "anyOf" in schema:
        members = [_listed(root, member, depth + 1) for member in schema["anyOf"]]
        return None if None in members else [value for member in members for value in member or ()]
    scalars: dict[str, list[Any]] = {"boolean": [True, False], "null": [None]}
    return scalars.get(str(schema.get("type")))


def _columns(schema: Schema, name: str) -> tuple[str, ...]:
    """The fields of a row.

    Raises:
        TypeNotSupportedError: the rows are no flat records.
    """
    while isinstance(schema.get("$ref"), str):
        schema = followed(schema, schema["$ref"]) or {}
    columns = schema.get("properties")
    if not isinstance(columns, dict) or not columns:
        raise TypeNotSupportedError(f"the rows of Csv({name}) have no named fields",
                                    hint="give a model, dataclass, TypedDict or schema with properties")
    for column, member in columns.items():
        if _has_parts(member, schema):
            raise TypeNotSupportedError(f"field {column!r} of Csv({name}) does not fit in a cell",
                                        hint="rows are flat; use list[...] for JSON, or Yaml(list[...])")
    return tuple(columns)


def _has_parts(member: Any, root: Schema, depth: int = 0) -> bool:
    if not isinstance(member, dict) or depth > 20:
        return False
    if isinstance(member.get("$ref"), str):
        return _has_parts(followed(root, member["$ref"]), root, depth + 1)
    branches = [branch for key in ("anyOf", "oneOf", "allOf") for branch in member.get(key, [])]
    kinds = member.get("type", ())
    own = {"object", "array"} & ({kinds} if isinstance(kinds, str) else set(kinds))
    return bool(own) or any(_has_parts(branch, root, depth + 1) for branch in branches)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
