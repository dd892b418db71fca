"""Schemas lowered in the kernel: arrays and objects that nothing has to be remembered of but names.

The kernel does what :mod:`~trellis.masking.schema_front` does, in the same steps, so that the programs are equal. It
reads plain schemas itself (their keywords need no algebra) and asks here for the shapes of others. Most schemas are
lowered so; those with a part that goes beyond are left to Python whole.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from trellis.errors import LimitError, TrellisError
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import GeneralProgram
from trellis.masking.schema_front_emptiness import Emptiness
from trellis.masking.schema_front_objects import ObjectAutomaton, Order
from trellis.masking.schema_front_writer import Port, Separators, Writer
from trellis.masking.terminals import UNBOUNDED, matches_empty, matches_something
from trellis.schema.keywords import ANNOTATIONS, CONTENT, KEYWORDS, NUMBER, SPELLINGS, STRING
from trellis.schema.normal import Normalizer
from trellis.schema.resolve import Place
from trellis.schema.shapes import (
    UNRESTRICTED,
    Arrays,
    Conjunction,
    Literals,
    Numbers,
    Objects,
    Strings,
    is_never,
    key_of,
)

_MARKS = ("{", "}", "[", "]", ",", ":")
_OWN = frozenset({"type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
                  "uniqueItems", "enum"})
_SCALAR = NUMBER | STRING | CONTENT | {"type", "const"}
_OTHER = KEYWORDS - ANNOTATIONS - _SCALAR
_BESIDE = KEYWORDS - ANNOTATIONS - (_OWN - {"uniqueItems", "enum"})  # what a plain array or object has not
_ATOMS = frozenset({str, int, float, bool, type(None)})
KEPT = 4096  # terminals of scalars

Plain = Callable[..., Any]
Way = tuple[Any, ...]  # see ``PlainSchemas.lower``
_known: dict[tuple[Any, ...], list[Way]] = {}  # by what a schema of scalars says
#: Types whose values share one terminal, beside those that have one each.
SCALARS = ("string", "number", "integer", "null", "boolean", "null boolean", "boolean null")


class Lowering(Protocol):
    """What Python's half gives."""

    order: Order
    writer: Writer
    emptiness: Emptiness

    def scalars(self, case: Numbers | Strings) -> list[Port]:
        """The ways across a number or a string."""

    def choice(self, values: list[tuple[Any, str]]) -> list[Port]:
        """The ways across some scalars, each with the pointer to it."""


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
    parts = (anything.terminals, anything.names, anything.edges, anything.finals, anything.rule_starts, anything.start,
             anything.names_once)
    lower: Plain = plain(list(zip(separators[:6], _MARKS, strict=True)), strings.NAME, parts,
                         [(types, (code, name)) for types, (_, code, name) in scalars.items()],
                         list(keywords.items()), list(SPELLINGS)).lower
    return lower


def program_of(lower: Plain, normal: Normalizer, lowering: Lowering) -> GeneralProgram | None:
    """The program of a schema, or None when it goes beyond.

    Args:
        lower: the kernel's half.
        lowering: lowers scalars.
    """
    asked = _Asked(normal, lowering)
    parts = lower(normal.document.root, lowering.order == "any", asked.ways)
    if parts is None:
        return None
    terminals, names, edges, finals, rule_starts, start, names_once = parts
    return GeneralProgram(tuple(terminals), tuple(names), edges, finals, rule_starts, start, (), names_once)


class _Asked:
    """Answers the kernel: the ways across the values of what is not plain."""

    def __init__(self, normal: Normalizer, lowering: Lowering) -> None:
        self.normal, self.lowering = normal, lowering
        self.options = normal.document.dialect, normal.typed.enforce_formats
        self.conjunctions: list[Conjunction] = []
        self.handles: dict[tuple[int, ...], int] = {}

    def ways(self, asked: dict[str, Any] | int, pointer: str) -> list[Way] | None:
        """The ways across the values of a schema, or of a conjunction by its handle; None for what is beyond."""
        if isinstance(asked, int):
            return self.told(self.conjunctions[asked])
        key = None if self.normal.relax else _key(asked, self.options)  # what is relaxed has to be noted
        known = _known.get(key) if key else None
        if known is None:
            known = self.told((Place(asked, pointer),))
            if key and known:
                if len(_known) >= KEPT:
                    _known.clear()
                _known[key] = known
        return known

    def told(self, conjunction: Conjunction) -> list[Way] | None:
        try:
            shape = self.normal.shape(conjunction)
            ways: list[Way] = []
            values: list[Any] = []
            for case in shape:
                way: Way | None = None
                if isinstance(case, Literals):
                    if any(isinstance(value, (list, tuple, Mapping)) for value in case.values):
                        return None
                    values += [(value, case.pointer) for value in case.values]
                elif isinstance(case, Arrays | Objects):
                    way = self.array(case) if isinstance(case, Arrays) else self.object(case)
                    if way is None:
                        return None
                    ways.append(way)
                else:
                    ways += [("scalar", code, name) for _, code, name in self.lowering.scalars(case)]
            if values:
                ways += [("scalar", code, name) for _, code, name in self.lowering.choice(values)]
        except LimitError:
            raise  # the same work would be done again
        except (TrellisError, RecursionError, UnicodeEncodeError):
            return None  # it is met again in Python
        usual = all(matches_something(way[1]) and not matches_empty(way[1]) for way in ways if way[0] == "scalar")
        return ways if usual and len(set(map(_identity, ways))) == len(ways) else None

    def array(self, case: Arrays) -> Way | None:
        if case is UNRESTRICTED["array"]:
            return ("any array",)
        if case.prefix or case.contains or case.unique:
            return None
        owned, items = self.owned(case), self.value(case.items)
        return None if items is None else owned or ("array", id(case), items, case.minimum, case.maximum)

    def object(self, case: Objects) -> Way | None:
        if case is UNRESTRICTED["object"]:
            return ("any object",)
        owned = self.owned(case)
        if owned is not None:
            return owned
        if case.some or case.implied or case.maximum is not None or case.minimum > len(case.required):
            return None
        automaton = ObjectAutomaton(case, self.lowering.writer, self.normal, self.lowering.order,
                                    self.lowering.emptiness)
        members = [(name, self.value(value)) for name, value in automaton.members.items()]
        if any(other.names.number < UNBOUNDED for other in automaton.others):
            return None  # they can run out
        others = [(other.names.code, self.value(other.value)) for other in automaton.others]
        if any(value is None for _, value in (*members, *others)):
            return None
        "".join(automaton.members).encode()  # halves of surrogate pairs are beyond
        return ("object", id(case), members, list(case.required), others)

    def owned(self, case: Arrays | Objects) -> Way | None:
        """The plain schema that says a case by its own keywords, if there is one."""
        owner = self.normal.owner(case)
        if owner is None or not _BESIDE.isdisjoint(owner):
            return None
        return ("array of" if isinstance(case, Arrays) else "object of", owner, case.pointer)

    def value(self, conjunction: Conjunction) -> Any:
        """A conjunction as the kernel takes it; None when it may speak of other documents."""
        if not conjunction:
            return True
        if is_never(conjunction):
            return False
        if not self.normal.document.is_one_resource:
            return None
        place = conjunction[0]
        if len(conjunction) == 1 and not place.negated and type(place.schema) is dict:
            return place.schema, place.pointer
        key = key_of(conjunction)
        if key not in self.handles:
            self.handles[key] = len(self.conjunctions)
            self.conjunctions.append(conjunction)
        return self.handles[key]


def _identity(way: Way) -> Any:
    return way[:2] if way[0] in ("scalar", "array", "object") else (way[0], id(way[1])) if len(way) > 1 else way


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
