"""Objects around the data that the schema does not know of: what is around it as the schema of the whole text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from .extract import answer_start
from .schema_view import SchemaView

_HEAD = re.compile(r"[{\[](?=\s*(?:[\"'“„{\[]|\w+\s*[:=]))")
_NAME = re.compile(r"[\s,]*[\"'“„‘`]?(?P<name>[^\W\d][\w -]{0,60})[\"'”“’`]?\s*[:=]+>?\s*")
_SCALAR = re.compile(r"(?:\"(?:[^\"\\\n]|\\.){0,400}\"|'[^'\n]{0,400}'|[\w.+-]{1,40})\s*(?=,)")
_DEEPEST, _MOST = 5, 4  # objects, one within the other; scalars before the data in one


def views_around(text: str, schema: Any, view: SchemaView) -> Iterator[SchemaView]:
    """Views of a text whose data lie within objects, the outermost first: ``{"result": {"data": ...``."""
    head = _HEAD.search(text, answer_start(text))
    if head is None:
        return
    at, path = head.start(), list[str]()
    for _ in range(_DEEPEST):
        listed = text[at : at + 1] == "["
        inner = re.compile(r"\s*").match(text, at + 1)
        assert inner is not None
        at = inner.end()
        if listed:
            path.append("")
            if text[at : at + 1] not in ("{", "["):
                return
            yield _wrapped(schema, path)
            continue
        for _ in range(_MOST):
            name = _NAME.match(text, at)
            if name is None:
                return
            at = name.end()
            scalar = _SCALAR.match(text, at)
            if scalar is None:
                break
            at = scalar.end()
        if name is None or text[at : at + 1] not in ("{", "["):
            return
        path.append(name["name"])
        if name["name"] not in view.names():
            yield _wrapped(schema, path)


def _wrapped(schema: Any, path: list[str]) -> SchemaView:
    inner = schema
    for name in reversed(path):
        inner = {"type": "object", "properties": {name: inner}} if name else {"type": "array", "items": inner}
    return SchemaView(schema, (inner,))
