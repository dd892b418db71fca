"""Where each value of a JSON text stands: a tree of spans, read without recursion."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r'"(?P<string>[^"\\]*+(?:\\.[^"\\]*+)*+)"|(?P<open>[{\[])|(?P<close>[}\]])|(?P<word>[^\s,:{}\[\]"]+)', re.S
)
_WORDS = {"true": True, "false": False, "null": None}


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
    root = top = Node("array", 0)
    above: list[Node] = []
    key: tuple[int, int, str] | None = None
    for match in _TOKEN.finditer(text):
        start, position = match.span()
        kind = match.lastgroup
        if kind == "close":
            top.end = position
            top = above.pop()
            continue
        if kind == "string":
            written = match["string"]
            value: Any = written if "\\" not in written else json.loads(match[0], strict=False)
            if key is None and top.kind == "object":
                key = (start, position, value)
                continue
            node = Node("scalar", start, position, value, NO_ITEMS, NO_KEYS)
        elif kind == "open":
            node = Node("object" if text[start] == "{" else "array", start)
        else:
            word = match[0]
            value = int(word) if word.isdecimal() else _WORDS[word] if word in _WORDS else json.loads(word)
            node = Node("scalar", start, position, value, NO_ITEMS, NO_KEYS)
        if key is not None:
            top.keys.append(key)
            key = None
        top.items.append(node)
        if kind == "open":
            above.append(top)
            top = node
    return root.items[0]
