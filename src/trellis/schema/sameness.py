"""Schemas that say the same, at different places of a document.

What one alternative asks for and another one rules out is often written twice. Where both are known to say the same,
nothing can satisfy the one and not the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.errors import SchemaError, UnsupportedError
from trellis.schema.keywords import ANNOTATIONS, CONTENT
from trellis.schema.resolve import MAPS, SCHEMAS, Document, Place
from trellis.schema.shapes import Conjunction, identity, key_of

_SILENT = ANNOTATIONS - CONTENT - {"then", "else"}


class Sameness:
    """Tells which schemas of one document say the same: in the same words, but for annotations and order."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._first: dict[int, Place] = {}  # by number, the first place that says so
        self._numbers: dict[Any, int] = {}  # of what is said
        self._conjunctions: dict[tuple[int, ...], frozenset[int]] = {}
        self._known: dict[int, tuple[Any, int]] = {}  # by id, a schema, which stays alive, and its number

    def contradiction(self, conjunction: Conjunction) -> bool:
        """Whether something is asked for and ruled out in the same words."""
        return not self._keys(conjunction)

    def _keys(self, conjunction: Conjunction) -> frozenset[int]:
        """The keys of the first places of a conjunction; none where one of them is ruled out."""
        if not conjunction:
            return frozenset({0})  # no id
        key = key_of(conjunction)
        keys = self._conjunctions.get(key)
        if keys is None:
            before = self._conjunctions.get(key[:-1])
            if before is None:
                before = frozenset({0}).union(self.first(place).key for place in conjunction[:-1])
                if any(~one in before for one in before):
                    before = frozenset()
            last = self.first(conjunction[-1]).key
            keys = self._conjunctions[key] = before | {last} if before and ~last not in before else frozenset()
        return keys

    def first(self, place: Place) -> Place:
        """The first place that was asked for and says the same; references to schemas stand for these."""
        schema = place.schema
        if not isinstance(schema, Mapping) or type(self.document) is not Document or not self.document.is_one_resource:
            return place
        for _ in range(16):
            if "$ref" not in schema or any(name not in _SILENT and name != "$ref" for name in schema):
                break
            try:
                target = self.document.resolve(schema["$ref"], place.pointer, "$ref", schema)
            except (SchemaError, UnsupportedError):
                return place  # where it matters, it is said
            if not isinstance(target.schema, Mapping):
                return place
            place, schema = target._replace(negated=place.negated), target.schema
        try:
            number = self._of_schema(schema)
        except (RecursionError, ValueError):  # too deep; or no JSON, which is said where it matters
            return place
        return self._first.setdefault(number, place._replace(negated=False))._replace(negated=place.negated)

    def _of_schema(self, schema: Any) -> int:
        if not isinstance(schema, Mapping):
            return self._number(identity(schema))
        known = self._known.get(id(schema))
        if known is None:
            said = [(name, self._of_keyword(name, value)) for name, value in schema.items() if name not in _SILENT]
            known = self._known[id(schema)] = schema, self._number(frozenset(said))
        return known[1]

    def _of_keyword(self, name: str, value: Any) -> int:
        if name in MAPS and isinstance(value, Mapping):
            return self._number((MAPS, frozenset((key, self._of_schema(inner)) for key, inner in value.items())))
        if name in SCHEMAS:
            inner = value if isinstance(value, list) else [value]
            return self._number((isinstance(value, list), *map(self._of_schema, inner)))
        return self._number(identity(value))

    def _number(self, said: Any) -> int:
        return self._numbers.setdefault(said, len(self._numbers))
