"""Objects around the data: calls, envelopes, and what else a schema does not name."""

from __future__ import annotations

import re

from .edits import Change
from .nodes import Node, read_nodes
from .rules import cost_of
from .schema_view import SchemaView
from .text_as_data import decoded

_ENCODED = re.compile(r"\s*[\[{]")
_AROUND = 6  # objects, one within the other
_CALL = frozenset({"name", "arguments", "input", "parameters", "type", "id", "function", "tool"})


def unwrapped(text: str, view: SchemaView) -> list[list[Change]]:
    """Ways to take objects off from around the data: all else in them is scalars that the schema does not name."""
    root = read_nodes(text)
    ways: list[list[Change]] = []
    inner, rule = root, "wrapped_root"
    while len(ways) < _AROUND:
        if inner.kind == "array" and len(inner.items) == 1 and "array" not in view.types():
            inner = inner.items[0]  # the only call in a list of calls
            continue
        names = [name for _, _, name in inner.keys]
        if inner.kind != "object" or not names:
            break
        inside = sorted((item for item in inner.items if item.kind != "scalar"), key=lambda item: -_known(item, view))
        encoded = None if inside else _told(inner, view)
        known = len(view.names() & set(names))
        held = _known(inside[0], view) if inside else _known(read_nodes(encoded), view) if encoded is not None else 0
        if (known and known >= held) or (len(inside) > 1 and _known(inside[1], view) >= held):
            break
        echoed = len(names) == 2 and names[0] == "type"  # of the schema, or of a call
        rule = rule if len(names) == 1 or echoed or set(names) <= _CALL else "dropped_member"
        if not inside:
            if encoded is not None:
                ways.append([Change(rule, root.start, root.end, encoded, cost_of(rule))])
            break
        inner = inside[0]
        before = Change(rule, root.start, inner.start, "", cost_of(rule))
        ways.append([before, Change(rule, inner.end, root.end, "", 0.0)])
    return ways


def _told(node: Node, view: SchemaView) -> str | None:
    """The only member of an object that is data written as a text, decoded."""
    told = [value for item in node.items if isinstance(value := item.value, str) and _ENCODED.match(value)]
    return decoded(told[0], view) if len(told) == 1 else None


def _known(node: Node, view: SchemaView) -> int:
    """How many of the members of an object the schema names."""
    return len(view.names() & {name for _, _, name in node.keys})
