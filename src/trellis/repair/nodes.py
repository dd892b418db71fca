"""Where each value of a JSON text stands: a tree of spans, read without recursion."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'[ \t\n\r]*(?:("[^"\\]*(?:\\.[^"\\]*)*")|([{\[])|([}\]])|([,:])|([^\s,:{}\[\]"]+))', re.S)


@dataclass(slots=True)
class Node:
    """A value of a JSON text.

    Attributes:
        kind: ``object``, ``array`` or ``scalar``.
        start, end: its span, end exclusive.
        value: a scalar's value.
        items: an array's items, or the values of an object's members.
        keys: spans and names of an object's keys.
        block: written in lines, as YAML does, not in brackets.
        plain: a scalar without quotes.
    """

    kind: str
    start: int
    end: int = 0
    value: Any = None
    items: list[Node] = field(default_factory=list)
    keys: list[tuple[int, int, str]] = field(default_factory=list)
    block: bool = False
    plain: bool = False

    def data(self) -> Any:
        """The value as JSON data."""
        if self.kind == "array":
            return [item.data() for item in self.items]
        if self.kind == "object":
            return {key[2]: item.data() for key, item in zip(self.keys, self.items, strict=True)}
        return self.value

    def size(self) -> int:
        """How many values it is made of."""
        count, todo = 0, [self]
        while todo:
            node = todo.pop()
            count += 1
            todo += node.items
        return count


# What a scalar has of both, never changed: most nodes are scalars, and to make lists takes longer than the rest.
NO_ITEMS: list[Node] = []
NO_KEYS: list[tuple[int, int, str]] = []


def read_nodes(text: str) -> Node:
    """The tree of a text that the standard reader accepts."""
    root = Node("array", 0)
    stack = [root]
    position = 0
    key: tuple[int, int, str] | None = None
    while match := _TOKEN.match(text, position):
        position = match.end()
        kind = match.lastindex
        start = match.start(kind or 0)
        top = stack[-1]
        if kind == 4:
            continue
        if kind == 3:
            top.end = position
            stack.pop()
            continue
        if kind == 1 and top.kind == "object" and key is None:
            key = (start, position, json.loads(match.group(1), strict=False))
            continue
        if kind == 2:
            node = Node("object" if match.group(2) == "{" else "array", start)
        else:
            node = Node("scalar", start, position, json.loads(match.group(kind or 0)))
        if top.kind == "object" and key is not None:
            top.keys.append(key)
            key = None
        top.items.append(node)
        if kind == 2:
            stack.append(node)
    return root.items[0]
