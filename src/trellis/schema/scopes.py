"""References whose meaning depends on the way to them: ``$dynamicRef`` and ``$recursiveRef``.

Such a reference means the outermost schema with its anchor among the resources that were passed on the way. So that
one schema still means one thing, it is copied for each *scope* that it is reached in: the dynamic anchors so far and
the schemas that they stand for. Of scopes there are few, so copies are too; they keep their pointers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from trellis.errors import LimitError
from trellis.schema import clock
from trellis.schema.resolve import Document, DynamicScopeError, Place, Schema, join

Scope = dict[str, Place]  # dynamic anchors and what they stand for; "" for that of $recursiveAnchor
T = TypeVar("T")
MAX_COPIED = 50_000  # schemas, and what else they hold


def with_document(schema: Schema, registry: Mapping[str, Schema] | None, make: Callable[[Document], T]) -> T:
    """What is made of a document: a plain one, or where that does not do one that tells scopes apart."""
    try:
        return make(Document(schema, registry))
    except DynamicScopeError:
        return make(ScopedDocument(schema, registry))


class ScopedDocument(Document):
    """A document in which a schema is another one in each scope that it is reached in."""

    def __init__(self, root: Schema, registry: Mapping[str, Schema] | None = None) -> None:
        super().__init__(root, registry)
        self._copies: dict[tuple[int, tuple[tuple[str, int], ...]], Place] = {}
        self._scopes: dict[int, Scope] = {}  # by id of a copy
        self._copied = 0
        self.root = self._within(Place(root, ""), {}).schema

    def resolve(self, reference: str, pointer: str, keyword: str = "$ref", holder: Schema = True) -> Place:
        """The schema that a reference means in the scope of its holder."""
        target = self._target(reference, pointer, keyword)
        scope = self._scopes.get(id(holder), {})
        place = target.place if target.anchor is None else scope.get(target.anchor, target.place)
        return self._within(place, scope)

    def _within(self, place: Place, scope: Scope) -> Place:
        """A place as it is reached in a scope."""
        scope = self._entered(self._base_of(place.pointer), scope)
        key = id(place.schema), tuple(sorted((name, id(found.schema)) for name, found in scope.items()))
        copy = self._copies.get(key)
        if copy is None:
            copy = self._copies[key] = place._replace(schema=self._copy(place.schema, place.pointer, scope))
        return copy

    def _entered(self, base: str, scope: Scope) -> Scope:
        """A scope in which a resource was entered: the outermost of each name stays."""
        resource = self._resources[base]
        inner = {name: resource.anchors.get(name, resource.place) for name in resource.dynamic if name not in scope}
        return scope | inner if inner else scope

    def _copy(self, value: Any, pointer: str, scope: Scope) -> Any:
        self._copied += 1
        clock.spend()
        if self._copied > MAX_COPIED:
            raise LimitError("dynamic references are reached in too many different ways", limit="scopes")
        if isinstance(value, list):
            return [self._copy(item, join(pointer, i), scope) for i, item in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        base = (self._bases or {}).get(pointer)
        if base is not None:
            scope = self._entered(base, scope)
        copy = {name: self._copy(inner, join(pointer, name), scope) for name, inner in value.items()}
        self._scopes[id(copy)] = scope
        return copy
