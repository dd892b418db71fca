"""Ways to show a JSON Schema in a prompt, beside TypeScript: the schema itself, an outline in YAML, an example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, get_args

from trellis.errors import SchemaError, TrellisError, UsageError, shown
from trellis.schema.resolve import Document
from trellis.schema.typescript import render

Rendering = Literal["typescript", "json_schema", "yaml", "example"]
"""``typescript``: interfaces; ``json_schema``: minified, without titles; ``yaml``: an outline with the kind of each
value; ``example``: a value of the form, which does not tell what is optional or bounded."""

_KINDS = {"string": "...", "integer": 0, "number": 0.5, "boolean": True, "null": None}
_MAX_DEPTH = 12


def rendered(schema: dict[str, Any], name: str, rendering: Rendering) -> str:
    """A schema as a prompt shows it.

    Raises:
        UsageError: there is no such rendering.
        SchemaError: a reference leads nowhere.
    """
    if rendering == "typescript":
        return render(schema, name)
    if rendering == "json_schema":
        return _minified(_without_titles(schema))
    if rendering == "yaml":
        return "\n".join(_outline(Document(schema), schema, "", ()))
    if rendering == "example":
        return _minified(example_of(schema))
    raise UsageError(f"rendering={shown(rendering)} is no rendering", hint=f"one of {', '.join(get_args(Rendering))}")


def example_of(schema: dict[str, Any]) -> Any:
    """A value in the form of a schema; bounds and patterns are not looked at."""
    return _example(Document(schema), schema, 0)


def _minified(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _without_titles(schema: Any) -> Any:
    """The schema without what only names it; a property that is called ``title`` stays."""
    if isinstance(schema, list):
        return [_without_titles(member) for member in schema]
    if not isinstance(schema, dict):
        return schema
    out = {}
    for key, value in schema.items():
        if key in ("properties", "$defs", "definitions") and isinstance(value, dict):
            out[key] = {name: _without_titles(member) for name, member in value.items()}
        elif key in ("enum", "const", "default", "examples"):
            out[key] = value
        elif not (key == "title" and isinstance(value, str)):
            out[key] = _without_titles(value)
    return out


def _followed(document: Document, schema: Any) -> tuple[Any, tuple[str, ...]]:
    """The schema behind references, and the references that were followed."""
    seen: tuple[str, ...] = ()
    while isinstance(schema, Mapping) and isinstance(schema.get("$ref"), str) and schema["$ref"] not in seen:
        seen = (*seen, schema["$ref"])
        try:
            schema = document.resolve(schema["$ref"], "").schema
        except TrellisError as error:
            raise SchemaError(f"reference {seen[-1]!r} cannot be followed") from error
    return schema, seen


def _outline(document: Document, schema: Any, indent: str, inside: tuple[str, ...]) -> list[str]:
    """Lines of YAML for a schema; ``inside`` are the references that are being written out."""
    schema, references = _followed(document, schema)
    again = next((reference for reference in references if reference in inside), None)
    if again is not None:
        return [f"{indent}({again.rsplit('/', 1)[-1]} again)"]
    inside = (*inside, *references)
    if isinstance(schema, Mapping) and schema.get("properties"):
        lines = []
        for key, member in schema["properties"].items():
            label = f"{indent}{key}{'' if key in schema.get('required', ()) else ' (optional)'}:"
            inner = _outline(document, member, indent + "  ", inside)
            lines += [f"{label} {inner[0].strip()}"] if _is_flat(inner) else [label, *inner]
        return lines
    if isinstance(schema, Mapping) and schema.get("type") == "array" and isinstance(schema.get("items"), Mapping):
        first, *rest = _outline(document, schema["items"], indent + "  ", inside)
        return [f"{indent}- {first[len(indent) + 2 :]}", *rest]
    if isinstance(schema, Mapping) and any(key in schema for key in ("anyOf", "oneOf")):
        members = [_outline(document, member, indent + "  ", inside) for key in ("anyOf", "oneOf")
                   for member in schema.get(key, ())]
        if all(map(_is_flat, members)):
            return [indent + " | ".join(dict.fromkeys(member[0].strip() for member in members))]
        return [f"{indent}one of:", *(line for lines in members for line in _as_item(lines, indent))]
    return [indent + _flat(schema)]


def _as_item(lines: list[str], indent: str) -> list[str]:
    return [f"{indent}- {lines[0][len(indent) + 2 :]}", *lines[1:]]


def _is_flat(lines: list[str]) -> bool:
    return len(lines) == 1 and not lines[0].lstrip().startswith("- ") and ": " not in lines[0].split(" # ")[0]


def _flat(schema: Any) -> str:
    """A scalar in TypeScript's words, with its bounds after a ``#``."""
    if not isinstance(schema, Mapping):
        return "any"
    return render(dict(schema), "T").removeprefix("type T = ").replace(" // ", " # ")


def _example(document: Document, schema: Any, depth: int) -> Any:
    schema, _ = _followed(document, schema)
    if not isinstance(schema, Mapping) or depth > _MAX_DEPTH:
        return None
    for key in ("examples", "enum"):
        if isinstance(schema.get(key), list) and schema[key]:
            return schema[key][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return _example(document, schema[key][0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else "string")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        return {name: _example(document, member, depth + 1) for name, member in schema.get("properties", {}).items()}
    if kind == "array":
        items = [*schema.get("prefixItems", ()), *([schema["items"]] if schema.get("items") else [])]
        return [_example(document, member, depth + 1) for member in items] if depth < _MAX_DEPTH // 2 else []
    return _KINDS.get(str(kind))
