"""Plain schemas, lowered in the kernel: arrays and objects whose keywords need no algebra.

The kernel does what :mod:`~trellis.masking.schema_front` does, in the same steps, so that the programs are equal; it
asks for the terminals of scalars here. Most schemas are plain; all others are left to Python whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from trellis.errors import TrellisError
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import GeneralProgram
from trellis.masking.schema_front_writer import Port, Separators
from trellis.masking.terminals import matches_empty, matches_something
from trellis.schema.keywords import ANNOTATIONS, CONTENT, KEYWORDS, NUMBER, SPELLINGS, STRING
from trellis.schema.normal import Normalizer
from trellis.schema.resolve import Place
from trellis.schema.shapes import Arrays, Case, Conjunction, Literals, Objects

_MARKS = ("{", "}", "[", "]", ",", ":")
_OWN = frozenset({"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
                  "uniqueItems", "enum"})
_SCALAR = NUMBER | STRING | CONTENT | {"type", "const"}
_OTHER = KEYWORDS - ANNOTATIONS - _SCALAR
_ATOMS = frozenset({str, int, float, bool, type(None)})
KEPT = 4096  # terminals of scalars

Plain = Callable[..., Any]
Named = list[tuple[bytes, str]]
_known: dict[tuple[Any, ...], Named] = {}  # by what a schema of scalars says
#: Types whose values share one terminal, beside those that have one each.
SCALARS = ("string", "number", "integer", "null", "boolean", "null boolean", "boolean null")


def kernel(separators: Separators, anything: GeneralProgram, scalars: Mapping[str, Port], dialect: int) -> Plain | None:
    """The kernel's half, None where it is not installed.

    Args:
        anything: the program of any value.
        scalars: the port of each of ``SCALARS``.
        dialect: the draft that the schemas are written for.
    """
    try:
        plain = getattr(importlib.import_module("trellis_kernel"), "PlainSchemas", None)
    except ImportError:
        return None
    if plain is None:
        return None
    address = "id" if dialect <= 4 else "$id"
    keywords = dict.fromkeys(KEYWORDS, "other") | dict.fromkeys(ANNOTATIONS - CONTENT, "annotation")
    keywords |= dict.fromkeys(NUMBER, "number") | dict.fromkeys(STRING, "string") | {name: name for name in _OWN}
    keywords |= {address: "address", "$ref": "reference"}
    parts = (anything.terminals, anything.names, anything.edges, anything.finals, anything.rule_starts, anything.start)
    lower: Plain = plain(list(zip(separators[:6], _MARKS, strict=True)), strings.NAME, parts,
                         [(types, (code, name)) for types, (_, code, name) in scalars.items()],
                         list(keywords.items()), list(SPELLINGS)).lower
    return lower


def program_of(lower: Plain, normal: Normalizer, ports: Callable[[Conjunction], list[Port]],
               any_order: bool) -> GeneralProgram | None:
    """The program of a schema, or None when it is not plain.

    Args:
        lower: the kernel's half.
        ports: the ways across the values of a conjunction of scalars.
    """
    options = normal.document.dialect, normal.typed.enforce_formats

    def scalar(schema: dict[str, Any], pointer: str) -> Named | None:
        key = None if normal.relax else _key(schema, options)  # what is relaxed has to be noted
        known = _known.get(key) if key else None
        if known is not None:
            return known
        found = lowered(schema, pointer)
        if key and found:
            if len(_known) >= KEPT:
                _known.clear()
            _known[key] = found
        return found

    def lowered(schema: dict[str, Any], pointer: str) -> Named | None:
        conjunction = (Place(schema, pointer),)
        try:
            if not all(map(_is_scalar, normal.shape(conjunction))):
                return None
            found = [(code, name) for _, code, name in ports(conjunction)]
        except (TrellisError, RecursionError):
            return None  # it is met again in Python
        usual = all(matches_something(code) and not matches_empty(code) for code, _ in found)
        return found if usual else None

    parts = lower(normal.document.root, any_order, scalar)
    if parts is None:
        return None
    terminals, names, edges, finals, rule_starts, start = parts
    return GeneralProgram(tuple(terminals), tuple(names), edges, finals, rule_starts, start, ())


def _key(schema: dict[str, Any], options: tuple[Any, ...]) -> tuple[Any, ...] | None:
    """What a schema says that speaks of itself alone; None for others, and for what is no JSON."""
    found: list[Any] = []
    for name, value in schema.items():
        if name in _SCALAR:
            kind = type(value)
            if kind not in _ATOMS:
                return None
            found += (name, kind, value)  # 1 is no true
        elif name in _OTHER:
            return None
    return (options, *found)


def _is_scalar(case: Case) -> bool:
    if isinstance(case, Literals):
        return not any(isinstance(value, (list, tuple, Mapping)) for value in case.values)
    return not isinstance(case, Arrays | Objects)
