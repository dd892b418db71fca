"""Contracts: one object for each output type, made by ``contract_of``.

An output type is a pydantic model, dataclass, TypedDict, Literal, Enum, scalar, list or Union, a JSON Schema as a dict,
``Regex``, ``Choice``, ``Csv``, ``Yaml``, or a ``trellis.masking.Grammar``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from types import GenericAlias
from typing import Any

from trellis.contract.base import REPAIR_LEVELS, Contract, Format, RepairLevel, Schema, Verdict, checked_level
from trellis.contract.data import CsvContract, JsonContract, YamlContract
from trellis.contract.renderings import Rendering
from trellis.contract.text import Choice, ChoiceContract, GrammarContract, NoMember, Regex, RegexContract
from trellis.contract.unknown import Unknown
from trellis.contract.values import SchemaValues, values_of
from trellis.errors import TypeNotSupportedError

__all__ = [
    "REPAIR_LEVELS", "Choice", "Contract", "Csv", "Format", "Regex", "Rendering", "RepairLevel", "Unknown", "Verdict",
    "Yaml", "checked_level", "contract_of",
]


@dataclass(frozen=True)
class Csv(NoMember):
    """An output type: a list of rows, written as CSV.

    Attributes:
        row: the type of one row, with named fields that fit in cells.
    """

    row: Any
    _instead = "let the fields of a row be T | Unknown"


@dataclass(frozen=True)
class Yaml(NoMember):
    """An output type: a value written as YAML.

    Attributes:
        type: the type of the value.
    """

    type: Any
    _instead = "Yaml(T | Unknown)"


def contract_of(output_type: Any) -> Contract[Any]:
    """The contract of an output type; the same object again for the same type, where it can be hashed.

    Raises:
        TypeNotSupportedError: no value can be made of the type.
        SchemaError: a JSON Schema that is none.
    """
    if isinstance(output_type, Contract):
        return output_type
    try:
        hash(output_type)
        shown = repr(output_type)
    except Exception:  # a dict, or a type with methods of its own for these
        return _of_schema(output_type) if type(output_type) is dict else _make(output_type)
    # Types that differ in the order of their members only (Union, Literal) are equal, but do not look alike.
    return _cached(output_type, shown)


def _of_schema(schema: dict[str, Any]) -> Contract[Any]:
    """Found again by what it says: to check a schema takes longer than anything else in a call."""
    try:
        text = json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return _make(schema)  # says what is wrong with it
    return _of_text(text)


@lru_cache(maxsize=256)
def _of_text(schema: str) -> Contract[Any]:
    return _make(json.loads(schema))


@lru_cache(maxsize=256)
def _cached(output_type: Any, _shown: str) -> Contract[Any]:
    return _make(output_type)


def _make(output_type: Any) -> Contract[Any]:
    for kind, make in _MARKERS.items():
        if isinstance(output_type, kind):
            return make(output_type)
    masking = sys.modules.get("trellis.masking.grammar")  # a Grammar exists only where masking was imported
    if masking is not None and isinstance(output_type, masking.Grammar):
        return GrammarContract(output_type)
    return JsonContract(values_of(output_type))


def _csv(csv: Csv) -> Contract[Any]:
    _not_a_marker(csv.row, "Csv")
    if not isinstance(csv.row, dict):
        return CsvContract(values_of(csv.row), values_of(GenericAlias(list, csv.row)))
    row = SchemaValues(csv.row)
    definitions: Schema = {key: row.schema[key] for key in ("$schema", "$defs", "definitions") if key in row.schema}
    return CsvContract(row, SchemaValues({**definitions, "type": "array", "items": row.schema}))


def _yaml(yaml: Yaml) -> Contract[Any]:
    _not_a_marker(yaml.type, "Yaml")
    return YamlContract(values_of(yaml.type))


def _not_a_marker(inner: Any, outer: str) -> None:
    if isinstance(inner, tuple(_MARKERS)):
        raise TypeNotSupportedError(f"{outer}(...) takes a type or a JSON Schema, not {type(inner).__name__}(...)",
                                    hint=f"{type(inner).__name__}(...) stands alone")


_MARKERS: dict[type, Callable[[Any], Contract[Any]]] = {
    Regex: RegexContract,
    Choice: ChoiceContract,
    Csv: _csv,
    Yaml: _yaml,
}
