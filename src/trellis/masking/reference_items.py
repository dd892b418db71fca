"""The slow twin's memory of items that have to differ: what was said in an array, and the item being read."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

_TOKEN = re.compile(rb'[ \t\r\n]*(?:("(?:[^"\\]|\\.)*")|([\[\]{},:])|([-+.\w]+))', re.DOTALL)
_READINGS = (Decimal, float)  # numbers as they are written, and as doubles: items have to differ by both
Leaf = tuple[Any, ...]  # a place in an item, and what stands there


class Watched(NamedTuple):
    """An open array whose items have to differ.

    Attributes:
        depth: objects and arrays that are open with it.
        said: the items that were said, in each reading.
        leaves: what stands in them, and where.
        text: the item that is being read; None behind one.
    """

    depth: int
    said: frozenset[Any] = frozenset()
    leaves: frozenset[Leaf] = frozenset()
    text: bytes | None = b""

    def ended(self) -> Watched:
        """Behind the item."""
        text = self.text or b""
        leaves = {leaf for forms in _leaves(text + b" ") for leaf in forms}
        return self._replace(said=self.said | _forms(text), leaves=self.leaves | leaves, text=None)

    @property
    def is_again(self) -> bool:
        """Whether the item, were it to end here, was said before."""
        return bool(self.text and self.text.strip()) and not self.said.isdisjoint(_forms(self.text or b""))

    @property
    def is_free(self) -> bool:
        """Whether the item is another one than all that were said, however it goes on."""
        return self.text is None or not self.said or any(self.leaves.isdisjoint(forms) for forms in _leaves(self.text))


@lru_cache(maxsize=4096)
def _forms(text: bytes) -> frozenset[Any]:
    """What a whole value is, in each reading; nothing where it is not whole."""
    try:
        return frozenset(_frozen(json.loads(text, parse_float=reading)) for reading in _READINGS)
    except ValueError:
        return frozenset()


def _frozen(value: Any) -> Any:
    if isinstance(value, list):
        return "array", tuple(map(_frozen, value))
    if isinstance(value, dict):
        return "object", frozenset((name, _frozen(member)) for name, member in value.items())
    return isinstance(value, bool), value


@lru_cache(maxsize=4096)
def _leaves(text: bytes) -> tuple[frozenset[Leaf], ...]:
    """The scalars, names and empty brackets in the beginning of a value, each with its place, in each reading."""
    found: list[frozenset[Leaf]] = []
    open_: list[tuple[bool, list[Any]]] = []  # whether it is an object; the names or indices said in it
    before, at = b"", 0
    while (token := _TOKEN.match(text, at)) is not None:
        at = token.end()
        string, mark, plain = token.groups()
        place = tuple(said[-1] for _, said in open_ if said)
        if plain and at == len(text) and plain not in (b"true", b"false", b"null"):
            break  # it may go on
        if mark in (b"{", b"["):
            open_.append((mark == b"{", [0] if mark == b"[" else []))
        elif mark in (b"}", b"]"):
            open_.pop()
            if before in (b"{", b"["):
                found.append(frozenset({(place[:len(place) - (mark == b"]")], "empty", mark)}))
        elif mark == b"," and open_ and not open_[-1][0]:
            open_[-1][1].append(open_[-1][1][-1] + 1)
        elif string and open_ and open_[-1][0] and before in (b"{", b","):
            name = json.loads(string)
            parent = place[:len(open_) - 1]
            open_[-1][1].append(name)
            found.append(frozenset({(parent, "name", name)}))
        elif string or plain:
            found.append(frozenset((place, "scalar", form) for form in _forms(string or plain)))
        before = mark or b"value"
    return tuple(found)
