"""Data in another shape than the schema's: each value in an object of its own, a list as an object with numbers,
members one by one in a list, names with dots for objects within objects.

Each function returns the changes, or nothing where the shape is not that one. All of them are of nodes in brackets.
"""

from __future__ import annotations

import json

from .edits import Change
from .nodes import Node
from .rules import cost_of
from .schema_view import SchemaView

_HOLDERS = frozenset({"value", "text", "content", "data", "items", "result", "answer"})
# Of the schema, or about the value, beside it.
_ECHOED = frozenset({"type", "description", "title", "format", "unit", "confidence", "score", "source"})
_PAIR = (
    frozenset({"key", "name", "field", "k", "property", "attribute", "label", "column", "id"}),
    frozenset({"value", "val", "v", "data", "content", "values"}),
)
_COUNTED = frozenset({"item", "items", "entry", "element", "row", "record", "object", "value", "step", "no"})
_SEPARATORS = (".", "/", "_", "-", "__", "->")


def held_value(node: Node, view: SchemaView) -> tuple[list[Change], Node] | None:
    """``{"value": 5}``, ``{"type": "integer", "value": 5}`` for ``5``: the changes, and the value."""
    types = view.types()
    held = [
        (at, item)
        for at, (item, (_, _, name)) in enumerate(zip(node.items, node.keys, strict=True))
        if name.casefold() in _HOLDERS
    ]
    others = {name.casefold() for _, _, name in node.keys} - _HOLDERS
    if node.block or not types or len(held) != 1 or not others <= _ECHOED:
        return None
    value = held[0][1]
    if value.kind == "object" or ("array" in types) != (value.kind == "array"):
        return None
    rule = "held_value"
    return [Change(rule, node.start, value.start, "", cost_of(rule)), Change(rule, value.end, node.end, "", 0.0)], value


def numbered(node: Node, view: SchemaView) -> list[Change]:
    """``{"1": a, "2": b}`` for ``[a, b]``."""
    names = [name for _, _, name in node.keys]
    if node.block or not names or "array" not in view.types():
        return []
    ends = [name[len(name.rstrip("0123456789")) :] for name in names]
    heads = {name[: len(name) - len(end)] for name, end in zip(names, ends, strict=True)}
    numbers = [int(end) for end in ends if end and len(end) < 6]
    if len(heads) != 1 or len(numbers) != len(names) or numbers[0] not in (0, 1):
        return []
    single = len(names) == 1 and heads != {""} and heads.pop().strip(" _-#").casefold() not in _COUNTED
    if single or numbers != list(range(numbers[0], numbers[0] + len(names))):
        return []
    rule = "object_as_array"
    changes = [Change(rule, node.start, node.start + 1, "[", cost_of(rule))]
    changes += [
        Change(rule, start, item.start, "", 0.0) for (start, _, _), item in zip(node.keys, node.items, strict=True)
    ]
    return [*changes, Change(rule, node.end - 1, node.end, "]", 0.0)]


def named_value(node: Node, view: SchemaView) -> list[Change] | None:
    """``{"tag": "x"}`` for ``"x"``: the only member of an object."""
    types = view.types()
    if node.block or len(node.items) != 1 or not types or "array" in types:
        return None
    value = node.items[0]
    if value.kind != "scalar" or value.value is None or not view.allows(value.value):
        return None
    rule = "held_value"
    return [Change(rule, node.start, value.start, "", cost_of(rule)), Change(rule, value.end, node.end, "", 0.0)]


def within(node: Node, view: SchemaView, rule: str) -> tuple[list[Change], Node] | None:
    """``{"sample": {...}}`` for what is in it, which has members that the schema names here."""
    inner = node.items[0] if len(node.items) == 1 else None
    if node.block or inner is None or inner.kind != "object":
        return None
    present = {name for _, _, name in inner.keys}
    if not present & view.names() or not view.required() <= present:
        return None
    return [Change(rule, node.start, inner.start, "", cost_of(rule)), Change(rule, inner.end, node.end, "", 0.0)], inner


def keyed(node: Node, view: SchemaView) -> list[Change]:
    """``{"x": {"b": 1}}`` for ``[{"a": "x", "b": 1}]``: objects by the value of the one member that they lack."""
    if node.block or not node.items or view.types() != {"array"}:
        return []
    item = view.item(0)
    lost: set[str] = set()
    for value in node.items:
        present = {name for _, _, name in value.keys}
        missing = item.required() - present
        if value.kind != "object" or not present or not present <= item.names() or len(missing) != 1:
            return []
        lost |= missing
    if len(lost) != 1 or item.member(name := lost.pop()).types() != {"string"}:
        return []
    rule = "object_as_array"
    changes = [Change(rule, node.start, node.start + 1, "[", cost_of(rule))]
    for (start, _, key), value in zip(node.keys, node.items, strict=True):
        member = f"{{{json.dumps(name, ensure_ascii=False)}: {json.dumps(key, ensure_ascii=False)}, "
        changes.append(Change(rule, start, value.start + 1, member, 0.0))
    return [*changes, Change(rule, node.end - 1, node.end, "]", 0.0)]


def paired(node: Node, view: SchemaView) -> list[Change]:
    """``[["a", 1]]``, ``[{"key": "a", "value": 1}]`` for ``{"a": 1}``."""
    pairs = [_pair(item) for item in node.items]
    names = [pair[0].value for pair in pairs if pair is not None]
    if node.block or not names or len(names) != len(pairs) or len(set(names)) != len(names):
        return []
    if view.names() and not (view.required() <= set(names) and set(names) <= view.names()):
        return []
    rule = "list_as_single"
    changes = [Change(rule, node.start, node.start + 1, "{", cost_of(rule))]
    for item, pair in zip(node.items, pairs, strict=True):
        assert pair is not None
        name, value = pair
        if value.start < name.start:
            return []
        changes.append(Change(rule, item.start, name.start, "", 0.0))
        changes.append(Change(rule, name.end, value.start, ": ", 0.0))
        changes.append(Change(rule, value.end, item.end, "", 0.0))
    return [*changes, Change(rule, node.end - 1, node.end, "}", 0.0)]


def _pair(node: Node) -> tuple[Node, Node] | None:
    """The name and the value that a pair in an array or an object is."""
    if len(node.items) != 2 or node.kind == "scalar":
        return None
    name, value = node.items
    names = [known.casefold() for _, _, known in node.keys]
    if node.kind == "object" and (names[0] not in _PAIR[0] or names[1] not in _PAIR[1]):
        return None
    return (name, value) if isinstance(name.value, str) and name.kind == "scalar" else None


def repeated(node: Node, view: SchemaView) -> list[Change]:
    """``"a": 1, "a": 2`` for ``"a": [1, 2]``: a member that is a list, written once for each item."""
    if node.block:
        return []
    rule, changes, at = "repeated_member", list[Change](), 0
    while at < len(node.keys):
        name, stop = node.keys[at][2], at + 1
        while stop < len(node.keys) and node.keys[stop][2] == name:
            stop += 1
        member = view.member(name)
        kinds = {"object" if item.kind == "object" else "" for item in node.items[at:stop] if item.kind != "array"}
        objects = member.item(0).types() == {"object"}
        if stop > at + 1 and member.types() == {"array"} and kinds == ({"object"} if objects else {""}):
            first, last = node.items[at], node.items[stop - 1]
            changes.append(Change(rule, first.start, first.start, "[", cost_of(rule)))
            for before, after in zip(range(at, stop - 1), range(at + 1, stop), strict=True):
                changes.append(Change(rule, node.items[before].end, node.items[after].start, ", ", 0.0))
            changes.append(Change(rule, last.end, last.end, "]", 0.0))
        at = stop
    return changes


def joined(node: Node, view: SchemaView) -> list[Change]:
    """``[{"a": 1}, {"b": 2}]`` for ``{"a": 1, "b": 2}``, where the schema names what is in it."""
    objects = all(item.kind == "object" and item.keys and not item.block for item in node.items)
    if node.block or len(node.items) < 2 or not objects:
        return []
    names = [name for item in node.items for _, _, name in item.keys]
    if len(set(names)) != len(names) or not view.names() or not view.required() <= set(names) <= view.names():
        return []
    rule = "list_as_single"
    changes = [Change(rule, node.start, node.items[0].start, "", cost_of(rule))]
    for left, right in zip(node.items, node.items[1:], strict=False):
        changes.append(Change(rule, left.items[-1].end, right.keys[0][0], ", ", 0.0))
    return [*changes, Change(rule, node.items[-1].end, node.end, "", 0.0)]


def nested(node: Node, view: SchemaView) -> list[Change]:
    """``"a.b": 1, "a.c": 2`` for ``"a": {"b": 1, "c": 2}``; also without ``a``, where nothing else has such members."""
    if node.block:
        return []
    present = [name for _, _, name in node.keys]
    changes: list[Change] = []
    for outer in sorted(view.names() - set(present)):
        inner = view.member(outer)
        if inner.types() != {"object"}:
            continue
        found: dict[int, str] = {}
        for at, name in enumerate(present):
            short = _within(name, outer, inner.names())
            if short is None and name not in view.names() and name in inner.names():
                short = name
            if short is not None:
                found[at] = short
        places = sorted(found)
        if not places or places != list(range(places[0], places[-1] + 1)) or len(set(found.values())) != len(found):
            continue
        if not inner.required() <= set(found.values()):
            continue
        rule = "flat_member"
        opening = json.dumps(outer, ensure_ascii=False) + ": {"
        for at in places:
            start, end, _ = node.keys[at]
            cost, before = (cost_of(rule), opening) if at == places[0] else (0.0, "")
            changes.append(Change(rule, start, end, before + json.dumps(found[at], ensure_ascii=False), cost))
        changes.append(Change(rule, node.items[places[-1]].end, node.items[places[-1]].end, "}", 0.0))
    return changes


def _within(name: str, outer: str, names: set[str]) -> str | None:
    """The member of an object that a name with the object's in front of it is."""
    for separator in _SEPARATORS:
        if name.startswith(outer + separator) and name[len(outer) + len(separator) :] in names:
            return name[len(outer) + len(separator) :]
    return None
