"""Not knowing, as a value: ``T | Unknown`` lets a model say so instead of guessing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trellis.schema.resolve import join


@dataclass(frozen=True)
class Unknown:
    """The answer cannot be told from what was given."""

    unknown: str
    """Why not, in the model's words."""


def allows_unknown(schema: Any) -> bool:
    """Whether a JSON Schema has the form of ``Unknown`` somewhere in it."""
    todo = [schema]
    while todo:
        part = todo.pop()
        if isinstance(part, dict):
            if part.get("type") == "object" and list(part.get("properties", ())) == ["unknown"]:
                return True
            todo += part.values()
        elif isinstance(part, list):
            todo += part
    return False


def is_unknown(data: Any) -> bool:
    """Whether JSON data is an ``Unknown``."""
    return isinstance(data, dict) and data.keys() == {"unknown"} and isinstance(data["unknown"], str)


def abstentions(data: Any) -> Iterator[str]:
    """JSON pointers of what is ``Unknown`` in JSON data."""
    todo = [("", data)]
    while todo:
        pointer, part = todo.pop()
        if isinstance(part, dict):
            if is_unknown(part):
                yield pointer
            else:
                todo += [(join(pointer, name), inner) for name, inner in reversed(part.items())]
        elif isinstance(part, list):
            todo += [(join(pointer, place), inner) for place, inner in reversed(list(enumerate(part)))]
