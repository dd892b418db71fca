"""Names that say a whole path: ``samples.0.input``, ``place > city``, for objects and lists within one another."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .nodes import Node
from .schema_view import SchemaView

_STEP = re.compile(r"\s*(?:->|\u2192|[./>:]|__)\s*|\[(?=\d)|\](?:\.(?=\w))?")


@dataclass(slots=True)
class Branch:
    """What is put together from some paths: members by their names, or items by their numbers, or a value."""

    listed: bool = False
    members: dict[str, Branch] = field(default_factory=dict)
    value: Node | None = None


def unflattened(node: Node, view: SchemaView) -> Branch | None:
    """The object that the members of one stand for, where some of their names are paths.

    ``None`` if none are, or some lead to where the schema has nothing, or to the same place.
    """
    root, paths = Branch(), 0
    for (_, _, name), item in zip(node.keys, node.items, strict=True):
        path = [name] if name in view.names() else _path(name, view)
        if path is None:
            if view.closed():
                return None
            path = [name]
        paths += len(path) > 1
        if not _put(root, path, view, item):
            return None
    return root if paths and _whole(root) else None


def _path(name: str, view: SchemaView) -> list[str] | None:
    """The steps of a name, each of which the schema knows."""
    steps = [step for step in _STEP.split(name) if step]
    if len(steps) < 2:
        return None
    for at, step in enumerate(steps):
        types = view.types()
        if "array" in types and step.isdigit():
            view = view.item(int(step))
        elif "object" in types and (step in view.names() or (not view.names() and at == 0)):
            view = view.member(step)
        else:
            return None
    return steps


def _put(branch: Branch, path: list[str], view: SchemaView, item: Node) -> bool:
    for step in path:
        if branch.value is not None:
            return False
        branch.listed = "array" in view.types() and step.isdigit()
        view = view.item(int(step)) if branch.listed else view.member(step)
        branch = branch.members.setdefault(step, Branch())
    if branch.members or branch.value is not None:
        return False
    branch.value = item
    return True


def _whole(branch: Branch) -> bool:
    """Whether the items of every list are counted without a gap."""
    first = next(iter(branch.members), "")
    counted = [str(int(first) + at) for at in range(len(branch.members))] if branch.listed else []
    fits = not branch.listed or (first in ("0", "1") and list(branch.members) == counted)
    return fits and all(map(_whole, branch.members.values()))
