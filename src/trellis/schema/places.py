"""What a schema says of a place in the data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .resolve import Document


def schemas_at(document: Document, steps: list[str]) -> list[Any]:
    """What the schema says of a place, once for each branch of it that says something."""
    places: list[Any] = [document.root]
    for step in steps:
        places = [inner for place in places for member in _members(document, place) for inner in _inner(member, step)]
    return places


def _members(document: Document, schema: Any, depth: int = 0) -> Iterable[Any]:
    if not isinstance(schema, dict) or depth > 20:
        return
    if isinstance(schema.get("$ref"), str):
        yield from _members(document, document.resolve(schema["$ref"], "").schema, depth + 1)
    for key in ("anyOf", "oneOf", "allOf"):
        for member in schema.get(key, ()):
            yield from _members(document, member, depth + 1)
    yield schema


def _inner(schema: dict[str, Any], step: str) -> Iterable[Any]:
    if step in schema.get("properties", {}):
        yield schema["properties"][step]
    elif step.isdigit() and "items" in schema:
        fixed = schema.get("prefixItems", [])
        yield fixed[int(step)] if int(step) < len(fixed) else schema["items"]
    elif isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"]
