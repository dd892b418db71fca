"""A type written on the command line: ``name, age: int, email: str?, mood: good|bad, tags: list[str]``."""

from __future__ import annotations

import re
from typing import Any

from trellis.errors import TypeNotSupportedError

_SCALARS: dict[str, dict[str, Any]] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
}
_HINT = "write fields as: name, age: int, email: str?, mood: good|bad, tags: list[str]"


def schema_of_fields(text: str) -> dict[str, Any]:
    """The JSON Schema of a closed object with the fields that the text lists.

    A field is ``name`` or ``name: type``; a type is ``str`` (the default), ``int``, ``float``, ``bool``,
    ``list[type]`` or choices ``a|b|c``; a ``?`` after it allows null.

    Raises:
        TypeNotSupportedError: the text is not such a list.
    """
    properties: dict[str, Any] = {}
    for part in text.split(","):
        name, _, kind = (piece.strip() for piece in part.partition(":"))
        if not re.fullmatch(r"\w[\w-]*", name):
            raise TypeNotSupportedError(f"{part.strip()!r} is no field", hint=_HINT)
        if name in properties:
            raise TypeNotSupportedError(f"field {name!r} stands twice", hint=_HINT)
        properties[name] = _kind(kind or "str", part)
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _kind(text: str, part: str) -> dict[str, Any]:
    if text.endswith("?"):
        return {"anyOf": [_kind(text[:-1].strip(), part), {"type": "null"}]}
    if text in _SCALARS:
        return dict(_SCALARS[text])
    if text.startswith("list[") and text.endswith("]"):
        return {"type": "array", "items": _kind(text[5:-1].strip(), part)}
    if "|" in text:
        choices = [choice.strip() for choice in text.split("|")]
        if all(choices) and len(set(choices)) == len(choices):
            return {"enum": choices}
    raise TypeNotSupportedError(f"{part.strip()!r}: {text!r} is no type", hint=_HINT)
