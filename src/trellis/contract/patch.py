"""Some fields of a value, asked for again: an object from JSON pointers to what should stand there."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trellis.contract.base import Contract, Format, OnUnsupported, RepairLevel, Schema, T, Verdict
from trellis.contract.data import DataContract, JsonContract
from trellis.contract.values import SchemaValues
from trellis.errors import SchemaError, UnsupportedError, UsageError
from trellis.result import FieldError
from trellis.schema.places import schemas_at
from trellis.schema.resolve import Document, split

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar
    from trellis.repair import Repaired

MAX_FIELDS = 20
"""More wrong fields than this are no patch."""


class PatchContract(Contract[T]):
    """A patch of a value that failed. It reads as the whole value with the patch applied, and is judged as that."""

    format: Format = "json"

    def __init__(self, whole: DataContract[T], base: Any, fields: dict[str, Any]) -> None:
        definitions: Schema = {key: whole.schema[key] for key in ("$defs", "definitions") if key in whole.schema}
        self.name = "Patch"
        self.schema: Schema = {"title": self.name, "type": "object", "properties": fields, "required": list(fields),
                               "additionalProperties": False, **definitions}
        self._patch = JsonContract[Any](SchemaValues(self.schema))
        self._whole, self._base, self._fields = whole, base, fields

    @property
    def is_object(self) -> bool:
        return True

    def type_text(self) -> str:
        return self._patch.type_text()

    def write(self, value: Any) -> str:
        return self._patch.write(value)

    def read(self, text: str, level: RepairLevel = "normal") -> Repaired[Any]:
        repaired = self._patch.read(text, level)
        found = repaired.value if isinstance(repaired.value, dict) else {}
        value = copy.deepcopy(self._base)
        for pointer in self._fields.keys() & found.keys():
            _put(value, split(pointer), found[pointer])
        return replace(repaired, value=value)

    def validate(self, value: Any) -> Verdict[T]:
        return self._whole.validate(value)

    def grammar(self, on_unsupported: OnUnsupported = "error") -> Grammar:
        return self._patch.grammar(on_unsupported)


def patch_of(contract: Contract[T], data: Any, errors: Sequence[FieldError]) -> PatchContract[T] | None:
    """The contract for the fields that are wrong, or ``None`` where putting others in their place cannot help."""
    if not isinstance(contract, DataContract) or contract.format == "csv" or not errors:
        return None
    pointers = list(dict.fromkeys(error.pointer for error in errors))
    pointers = [one for one in pointers if not any(one.startswith(f"{other}/") for other in pointers)]
    if "" in pointers or len(pointers) > MAX_FIELDS:
        return None
    document = Document(contract.schema)
    fields: dict[str, Any] = {}
    for pointer in pointers:
        try:
            schemas = schemas_at(document, split(pointer))
        except (SchemaError, UnsupportedError):
            return None
        if not schemas or not _has_place(data, split(pointer)):
            return None
        fields[pointer] = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    try:
        return PatchContract(contract, data, fields)
    except UsageError:  # a reference that means something else in the patch's schema
        return None


def _has_place(data: Any, steps: list[str]) -> bool:
    """Whether there is something to put a value into: the place itself may be missing from an object."""
    for step in steps[:-1]:
        if isinstance(data, list) and step.isdigit() and int(step) < len(data):
            data = data[int(step)]
        elif isinstance(data, dict) and step in data:
            data = data[step]
        else:
            return False
    last = steps[-1]
    return isinstance(data, dict) or (isinstance(data, list) and last.isdigit() and int(last) < len(data))


def _put(data: Any, steps: list[str], value: Any) -> None:
    for step in steps[:-1]:
        data = data[int(step)] if isinstance(data, list) else data[step]
    data[int(steps[-1]) if isinstance(data, list) else steps[-1]] = value
