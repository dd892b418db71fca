"""What a JSON Schema says about one place in the data, as far as repair needs it: types, members, items.

Local ``$ref`` are followed and the branches of ``anyOf``, ``oneOf`` and ``allOf`` are looked at together; everything
else is left to validation.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

_ALL: frozenset[str] = frozenset()


def type_names(value: Any) -> tuple[str, ...]:
    """The JSON Schema types that a value is of."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("boolean",)
    if isinstance(value, int):
        return ("integer", "number")
    if isinstance(value, float):
        return ("integer", "number") if math.isfinite(value) and value.is_integer() else ("number",)
    if isinstance(value, str):
        return ("string",)
    return ("array",) if isinstance(value, list) else ("object",)


def _texts(value: Any) -> list[str]:
    return [text for text in (value if isinstance(value, list) else [value]) if isinstance(text, str)]


class SchemaView:
    """The subschemas that apply at one place.

    Args:
        root: the whole schema, for references.
        parts: the subschemas, any of which may apply.
    """

    def __init__(self, root: Any, parts: Iterable[Any]) -> None:
        self._root = root
        self.parts = tuple(self._flat(parts))

    @classmethod
    def of(cls, schema: Any) -> SchemaView:
        """The view of a whole schema."""
        return cls(schema, (schema,))

    def _flat(self, parts: Iterable[Any]) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        todo = list(parts)[::-1]
        seen: set[int] = set()
        while todo and len(found) < 200:
            part = todo.pop()
            if not isinstance(part, Mapping) or id(part) in seen:
                continue
            seen.add(id(part))
            reference = part.get("$ref")
            if isinstance(reference, str):
                todo.append(self._resolve(reference))
            for keyword in ("anyOf", "oneOf", "allOf"):
                branches = part.get(keyword)
                if isinstance(branches, list):
                    todo += branches[::-1]
            found.append(part)
        return found

    def _resolve(self, reference: str) -> Any:
        if not reference.startswith("#"):
            return None
        node = self._root
        for step in reference[1:].split("/")[1:]:
            step = step.replace("~1", "/").replace("~0", "~")
            node = node.get(step) if isinstance(node, Mapping) else None
        return node

    @cached_property
    def _types(self) -> frozenset[str]:
        names: set[str] = set()
        for part in self.parts:
            kind = part.get("type")
            if isinstance(kind, str):
                names.add(kind)
            elif isinstance(kind, list):
                names.update(name for name in kind if isinstance(name, str))
            for value in self._values(part):
                names.update(type_names(value))
            if kind is None:
                if "properties" in part or "required" in part:
                    names.add("object")
                if "items" in part or "prefixItems" in part:
                    names.add("array")
        return frozenset(names)

    @staticmethod
    def _values(part: Mapping[str, Any]) -> list[Any]:
        found = list(part["enum"]) if isinstance(part.get("enum"), list) else []
        return [*found, part["const"]] if "const" in part else found

    def place(self) -> tuple[int, ...]:
        """What tells this place in the schema from others; where a schema refers to itself, the same comes again."""
        return tuple(map(id, self.parts))

    def types(self) -> frozenset[str]:
        """The types that may stand here; empty when the schema does not say."""
        return self._types

    def allows(self, value: Any) -> bool:
        """Whether the type of a value may stand here."""
        return not self._types or bool(self._types.intersection(type_names(value)))

    @cached_property
    def _known_values(self) -> list[Any]:
        return [value for part in self.parts for value in self._values(part)]

    def values(self) -> list[Any]:
        """The values of ``enum`` and ``const``; not to be changed."""
        return self._known_values

    def at_most(self, most: float) -> bool:
        """Whether a number here may not be greater than that."""
        limits = [part["maximum"] for part in self.parts if isinstance(part.get("maximum"), int | float)]
        return bool(limits) and max(limits) <= most

    @cached_property
    def _names(self) -> set[str]:
        found: set[str] = set()
        for part in self.parts:
            properties = part.get("properties")
            if isinstance(properties, Mapping):
                found.update(properties)
        return found

    def names(self) -> set[str]:
        """The properties that an object here may have by name; not to be changed."""
        return self._names

    def without_text(self) -> frozenset[str]:
        """The names, in the whole schema, of members that are choices, numbers or booleans, or lists of such."""
        return frozenset(
            name
            for name, member in self._all_members()
            for inner in (member.item(0) if "array" in member.types() else member,)
            if inner.types() and ("string" not in inner.types() or inner.values())
        )

    def with_text(self) -> frozenset[str]:
        """The names, in the whole schema, of members that are texts, and no lists or objects."""
        return frozenset(
            name
            for name, member in self._all_members()
            if "string" in member.types() and not member.types() & {"object", "array"}
        )

    def all_names(self) -> frozenset[str]:
        """The names, in the whole schema, of members."""
        return frozenset(name for name, _ in self._all_members())

    def _all_members(self) -> Iterator[tuple[str, SchemaView]]:
        todo, seen = [self], {id(part) for part in self.parts}
        while todo and len(seen) < 1000:
            view = todo.pop()
            members = [(name, view.member(name)) for name in view.names()]
            yield from members
            for inner in (*(member for _, member in members), view.item(0)):
                if inner.parts and id(inner.parts[0]) not in seen:
                    seen.add(id(inner.parts[0]))
                    todo.append(inner)

    def ordered_names(self) -> list[str]:
        """The properties of an object in the order of the schema, if one subschema alone names them."""
        found = [list(part["properties"]) for part in self.parts if isinstance(part.get("properties"), Mapping)]
        return found[0] if len(found) == 1 else []

    def closed(self) -> bool:
        """Whether an object here may have no properties but those it names."""
        named = [part for part in self.parts if "properties" in part]
        if not named or any("patternProperties" in part or "allOf" in part for part in self.parts):
            return False
        return all(part.get("additionalProperties") is False for part in named)

    def patterned(self) -> bool:
        """Whether an object here may have members whose names follow a pattern."""
        return any("patternProperties" in part for part in self.parts)

    def branch(self, present: Collection[str]) -> list[tuple[str, SchemaView, bool]]:
        """The members of the subschema that an object with some keys is likeliest of: name, view, whether required."""
        named = [part for part in self.parts if isinstance(part.get("properties"), Mapping)]
        if not named:
            return []
        known = [name for name in present if any(name in part["properties"] for part in named)]

        def foreign(part: Mapping[str, Any]) -> tuple[int, int]:
            missing = [name for name in part.get("required", ()) if name not in present]
            return len([name for name in known if name not in part["properties"]]), len(missing)

        best = min(named, key=foreign)
        required = set(best["required"]) if isinstance(best.get("required"), list) else set()
        return [
            (name, SchemaView(self._root, (inner,)), name in required) for name, inner in best["properties"].items()
        ]

    @cached_property
    def _kinds(self) -> list[SchemaView]:
        return [SchemaView(self._root, (part,)) for part in self.parts if isinstance(part.get("properties"), Mapping)]

    def kinds(self) -> list[SchemaView]:
        """The subschemas that name properties, each alone."""
        return self._kinds

    @cached_property
    def _known_required(self) -> set[str]:
        found: set[str] = set()
        for part in self.parts:
            if isinstance(part.get("required"), list):
                found.update(part["required"])
        return found

    def required(self) -> set[str]:
        """The properties that every object here must have, as far as one subschema says so; not to be changed."""
        return self._known_required

    @cached_property
    def _members(self) -> dict[str, SchemaView]:
        return {}

    def member(self, name: str) -> SchemaView:
        """The view of an object's member."""
        known = self._members.get(name)
        if known is None:
            parts = []
            for part in self.parts:
                properties = part.get("properties")
                patterned = self._patterned(part, name)
                if isinstance(properties, Mapping) and name in properties:
                    parts.append(properties[name])
                    parts += patterned
                elif patterned:
                    parts += patterned
                elif "additionalProperties" in part:
                    parts.append(part["additionalProperties"])
            known = SchemaView(self._root, parts)
            if len(self._members) < 1000:
                self._members[name] = known
        return known

    @staticmethod
    def _patterned(part: Mapping[str, Any], name: str) -> list[Any]:
        """What ``patternProperties`` says about a member."""
        patterns = part.get("patternProperties")
        if not isinstance(patterns, Mapping):
            return []
        from .patterns import has_pattern

        found = []
        for pattern, inner in patterns.items():
            try:
                if has_pattern(name, pattern):
                    found.append(inner)
            except ValueError:
                continue  # the validator says what is wrong with it
        return found

    @cached_property
    def _known_aliases(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in self.parts:
            properties = part.get("properties")
            for name, inner in properties.items() if isinstance(properties, Mapping) else ():
                alias = inner.get("x-alias") if isinstance(inner, Mapping) else None
                for other in _texts(alias):
                    found.setdefault(other, name)
        return {alias: name for alias, name in found.items() if alias not in self.names()}

    def aliases(self) -> dict[str, str]:
        """Other names of the properties here (``x-alias``, one or a list), with the names they stand for."""
        return self._known_aliases

    @cached_property
    def _known_value_aliases(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in self.parts:
            for keyword in ("x-aliases", "x-descriptions"):
                named = part.get(keyword)
                for value, texts in named.items() if isinstance(named, Mapping) else ():
                    for text in _texts(texts):
                        found.setdefault(text, value)
        return found

    def value_aliases(self) -> dict[str, str]:
        """Other ways to write the values of an enum (``x-aliases``, ``x-descriptions``: value to text or texts)."""
        return self._known_value_aliases

    @cached_property
    def _item(self) -> SchemaView:
        return SchemaView(self._root, [part["items"] for part in self.parts if "items" in part])

    def listed(self) -> SchemaView:
        """The view of a list of what may stand here."""
        return SchemaView(self._root, [{"type": "array", "items": {"anyOf": list(self.parts)}}])

    def counted(self) -> SchemaView:
        """The view of an object whose members are items of the list that may stand here."""
        items = {"anyOf": list(self.item(0).parts)}
        return SchemaView(self._root, [{"type": "object", "additionalProperties": items}])

    def item(self, index: int) -> SchemaView:
        """The view of an array's item."""
        first = [
            part["prefixItems"][index]
            for part in self.parts
            if isinstance(part.get("prefixItems"), list) and index < len(part["prefixItems"])
        ]
        return SchemaView(self._root, first) if first else self._item
