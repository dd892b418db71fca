"""Small, named changes that make a reading what the schema wants: types, enum values, keys.

Coercion works on the text of a reading and makes changes like every other repair. It only looks where the standard
reading is of a type that the schema does not allow, so a valid value is never touched.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from .edits import Change
from .nodes import Node, read_nodes
from .rules import cost_of
from .schema_view import SchemaView

_NUMBER = re.compile(
    r"\s*[$€£¥]?\s*([+-]?)[$€£¥]?\s*(\d{1,3}(?:,\d{3})+|\d{1,3}(?:_\d{3})+|\d+)?(\.\d+)?([eE][+-]?\d+)?\s*%?\s*"
)
_TRUE = frozenset({"true", "yes", "y", "on"})
_FALSE = frozenset({"false", "no", "n", "off"})
_NULL = frozenset({"", "null", "none", "n/a", "na", "nil", "undefined"})
DOUBTFUL = frozenset({"rounded", "dropped_item", "dropped_member", "array_as_object"})
"""Rules that lose or guess something; a reading that needs them is ambiguous."""
_PLAIN = re.compile(r"[\W_]+")


def coercions(text: str, view: SchemaView, lexeme: Callable[[int, int], str]) -> list[Change]:
    """The changes of a JSON text that bring it nearer to the schema.

    Args:
        text: JSON that the standard reader accepts.
        view: what the schema says about the whole.
        lexeme: gives for a span of ``text`` how it was written in the input.
    """
    return Coercer(text, lexeme).run(read_nodes(text), view)


def unwrapped(text: str, view: SchemaView) -> list[list[Change]]:
    """Ways to take an object of one member off from around the data."""
    root = read_nodes(text)
    if (
        root.kind != "object"
        or len(root.items) != 1
        or root.items[0].kind == "scalar"
        or root.keys[0][2] in view.names()
    ):
        return []
    inner = root.items[0]
    cost = cost_of("wrapped_root")
    return [
        [
            Change("wrapped_root", root.start, inner.start, "", cost),
            Change("wrapped_root", inner.end, root.end, "", 0.0),
        ]
    ]


@lru_cache(maxsize=4096)
def normal(text: str) -> str:
    """A name without case, spacing and punctuation."""
    return _PLAIN.sub("", text).casefold()


def nearest(text: str, values: Sequence[str]) -> str | None:
    """The only value that differs from a text in no more than case, spacing, punctuation, or the words around it."""
    for form in (str.strip, str.casefold, normal):
        found = {value for value in values if form(value) == form(text.strip())}
        if len(found) == 1:
            return found.pop()
    words = " " + _PLAIN.sub(" ", text).casefold().strip() + " "
    if "not " in words or "n t " in words:
        return None
    found = {
        value for value in values if normal(value) and " " + _PLAIN.sub(" ", value).casefold().strip() + " " in words
    }
    return found.pop() if len(found) == 1 else None


def one_letter(a: str, b: str) -> bool:
    """Whether two names differ by one letter changed, added, left out, or two swapped."""
    if min(len(a), len(b)) < 4 or abs(len(a) - len(b)) > 1:
        return False
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    return (
        a[head + 1 :] == b[head + 1 :]
        or a[head + 1 :] == b[head:]
        or a[head:] == b[head + 1 :]
        or (a[head : head + 2] == b[head : head + 2][::-1] and a[head + 2 :] == b[head + 2 :])
    )


def number_in(text: str, whole: bool) -> str | None:
    """The number that a text holds, as JSON, or ``None``."""
    match = _NUMBER.fullmatch(text)
    if not match or not (match.group(2) or match.group(3)):
        return None
    sign, digits, fraction, exponent = match.groups()
    digits = (digits or "0").replace(",", "").replace("_", "").lstrip("0") or "0"
    fraction = fraction or ""
    if whole:
        if exponent or fraction.strip(".0"):
            return None
        fraction = ""
    return ("-" if sign == "-" else "") + digits + fraction + (exponent or "")


class Coercer:
    """Walks over the nodes of a JSON text and notes the changes.

    Args:
        text: the text.
        lexeme: gives for a span of ``text`` how it was written in the input.
    """

    def __init__(self, text: str, lexeme: Callable[[int, int], str]) -> None:
        self.text, self.lexeme = text, lexeme
        self.changes: list[Change] = []

    def run(self, root: Node, view: SchemaView) -> list[Change]:
        """The changes of the text that bring it nearer to the schema."""
        todo = [(root, view)]
        while todo:
            node, here = todo.pop()
            if node.kind == "scalar":
                self._scalar(node, here)
            elif node.kind == "array":
                todo += self._array(node, here)
            else:
                todo += self._object(node, here)
        return sorted(self.changes, key=lambda change: (change.start, change.end))

    def _change(self, rule: str, start: int, end: int, after: str) -> None:
        self.changes.append(Change(rule, start, end, after, cost_of(rule)))

    def _array(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        types = view.types()
        if types and "array" not in types:
            if "object" in types and self._name(node, view):
                return []
            return self._unlist(node, view) if len(node.items) == 1 else []
        misfits = [item for index, item in enumerate(node.items) if not self._usable(item, view.item(index))]
        if misfits and len(misfits) < len(node.items):
            self._drop(node, misfits)
        out = {id(item) for item in misfits}
        return [(item, view.item(index)) for index, item in enumerate(node.items) if id(item) not in out]

    def _usable(self, node: Node, view: SchemaView) -> bool:
        """Whether a scalar item is of a type that may stand here, or can be made so."""
        if node.kind != "scalar" or not view.types() or view.allows(node.value):
            return True
        before = len(self.changes)
        self._scalar(node, view)
        made = len(self.changes) > before
        del self.changes[before:]
        return made

    def _drop(self, node: Node, misfits: list[Node]) -> None:
        """Take items out of an array that can be nothing the schema wants."""
        out = {id(item) for item in misfits}
        kept = [item for item in node.items if id(item) not in out]
        for at, item in enumerate(node.items):
            if id(item) in out and item.start < kept[-1].start:
                self._change("dropped_item", item.start, node.items[at + 1].start, "")
        if kept[-1] is not node.items[-1]:
            self._change("dropped_item", kept[-1].end, node.items[-1].end, "")

    def _name(self, node: Node, view: SchemaView) -> bool:
        """Make an object of an array that holds the values of all its members, in the order of the schema."""
        names = view.ordered_names()
        if len(names) < 2 or len(names) != len(node.items) or node.block:
            return False
        if not all(view.member(name).types() for name in names):
            return False
        if not all(view.member(name).allows(item.data()) for name, item in zip(names, node.items, strict=True)):
            return False
        self._change("array_as_object", node.start, node.start + 1, "{")
        for name, item in zip(names, node.items, strict=True):
            self.changes.append(Change("array_as_object", item.start, item.start, json.dumps(name) + ": ", 0.0))
        self.changes.append(Change("array_as_object", node.end - 1, node.end, "}", 0.0))
        return True

    def _unlist(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        inner = node.items[0]
        self._change("list_as_single", node.start, inner.start, "")
        self.changes.append(Change("list_as_single", inner.end, node.end, "", 0.0))
        return [(inner, view)]

    def _wrap(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        self._change("single_as_list", node.start, node.start, "[")
        self.changes.append(Change("single_as_list", node.end, node.end, "]", 0.0))
        return [(node, view.item(0))]

    def _object(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        types = view.types()
        if types and "object" not in types:
            return self._wrap(node, view) if "array" in types else []
        names = view.names()
        present = {name for _, _, name in node.keys}
        missing = names - present
        following = []
        strangers = []
        for (start, end, name), value in zip(node.keys, node.items, strict=True):
            if name not in names and missing:
                target = self._key(name, missing)
                if target is not None:
                    missing.discard(target)
                    self._change("key_form", start, end, json.dumps(target, ensure_ascii=False))
                    name = target
            if name not in names and view.closed():
                strangers.append(value)
                continue
            following.append((value, view.member(name)))
        if strangers and following:
            self._forget(node, strangers)
        for name in sorted(missing & view.required()):
            defaults = [part["default"] for part in view.member(name).parts if "default" in part]
            if defaults:
                self._insert(node, name, defaults[0])
        return following

    def _forget(self, node: Node, strangers: list[Node]) -> None:
        """Take members out of an object that may not have them."""
        out = {id(item) for item in strangers}
        kept = [at for at, item in enumerate(node.items) if id(item) not in out]
        for at, item in enumerate(node.items):
            if id(item) in out and at < kept[-1]:
                self._change("dropped_member", node.keys[at][0], node.keys[at + 1][0], "")
        if kept[-1] + 1 < len(node.items):
            self._change("dropped_member", node.items[kept[-1]].end, node.items[-1].end, "")

    def _insert(self, node: Node, name: str, value: Any) -> None:
        at = node.items[-1].end if node.items else node.start + 1
        comma = ", " if node.items or any(change.start == change.end == at for change in self.changes) else ""
        self._change("default", at, at, f"{comma}{json.dumps(name)}: {json.dumps(value)}")

    @staticmethod
    def _key(name: str, missing: set[str]) -> str | None:
        same = [other for other in missing if normal(other) == normal(name)]
        if not same:
            same = [other for other in missing if one_letter(normal(other), normal(name))]
        return same[0] if len(same) == 1 else None

    def _scalar(self, node: Node, view: SchemaView) -> None:
        types, value = view.types(), node.value
        choices = [choice for choice in view.values() if isinstance(choice, str)]
        free = any(
            "string" in _listed(part.get("type")) and "enum" not in part and "const" not in part for part in view.parts
        )
        if isinstance(value, str) and choices and not free and value not in choices:
            found = nearest(value, choices)
            if found is not None:
                self._change("enum_form", node.start, node.end, json.dumps(found, ensure_ascii=False))
                return
            types = types - {"string"}
            if not types:
                return
        elif not types or view.allows(value):
            return
        if isinstance(value, str):
            self._string(node, types, view)
        elif "integer" in types and isinstance(value, float) and "string" not in types:
            if math.isfinite(value) and abs(value) < 2**53:
                self._change("rounded", node.start, node.end, str(math.floor(value + 0.5)))
        elif "string" in types and value is not None:
            written = self.lexeme(node.start, node.end)
            if choices and not free:
                found = nearest(written, choices)
                if found is not None:
                    self._change("enum_form", node.start, node.end, json.dumps(found, ensure_ascii=False))
                return
            self._change("scalar_as_text", node.start, node.end, json.dumps(written, ensure_ascii=False))
        elif "array" in types:
            for inner, inner_view in self._wrap(node, view):
                self._scalar(inner, inner_view)

    def _string(self, node: Node, types: frozenset[str], view: SchemaView) -> None:
        value: str = node.value
        word = value.strip().casefold()
        if "number" in types or "integer" in types:
            number = number_in(value, "number" not in types)
            if number is not None:
                self._change("text_as_number", node.start, node.end, number)
                return
        if "boolean" in types and word in _TRUE | _FALSE:
            self._change("text_as_boolean", node.start, node.end, "true" if word in _TRUE else "false")
        elif "null" in types and word in _NULL:
            self._change("text_as_null", node.start, node.end, "null")
        elif types & {"object", "array"} and value.strip()[:1] in ("{", "["):
            inner = value.strip()
            try:
                read: Any = json.loads(inner)
            except (ValueError, RecursionError):
                return
            if view.allows(read):
                self._change("double_encoded", node.start, node.end, inner)
        elif "array" in types:
            for wrapped, inner_view in self._wrap(node, view):
                self._scalar(wrapped, inner_view)


def _listed(kind: Any) -> tuple[Any, ...]:
    return tuple(kind) if isinstance(kind, list) else (kind,)
