"""The error for a text that was read, and is against its schema: where in the text as it was given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..errors import RepairError
from .edits import Change, Edit, place
from .judge import Judge
from .nodes import Node

Path = Sequence[str | int]


def against_schema(text: str, what: str, judge: Judge, value: Any, find: Callable[[Path], int]) -> RepairError:
    """The error, with the place of the value's worst fault.

    Args:
        text: as it was given.
        what: what was read, for the message.
        judge: who refuses the value.
        value: what was read.
        find: the offset in ``text`` of what stands at a path in the value; any error of its own means: at the start.
    """
    fault = judge.fault(value)
    try:
        offset = find(fault.path)
    except (ValueError, RepairError, RecursionError):  # a text that nodes cannot be made of; the message has a pointer
        offset = len(text) - len(text.lstrip())
    line, column = place(text, offset)
    return RepairError(
        f"{what} against the schema: {fault}",
        line=line,
        column=column,
        source=text,
        against_schema=True,
        hint="ask the model again, with this error; or is the schema right?",
    )


def offset_in(root: Node | None, path: Path, edits: Sequence[Edit | Change]) -> int:
    """The offset, in the text before the edits, of the node that lies deepest on a path in the text after them."""
    return 0 if root is None else _origin(_deepest(root, path).start, edits)


def _deepest(node: Node, path: Path) -> Node:
    for part in path:
        if node.kind == "object":
            inner = [item for key, item in zip(node.keys, node.items, strict=True) if key[2] == part]
        elif node.kind == "array" and isinstance(part, int):
            inner = node.items[part : part + 1]
        else:
            inner = []
        if not inner:
            break
        node = inner[-1]
    return node


def _origin(offset: int, edits: Sequence[Edit | Change]) -> int:
    shift = 0
    for edit in edits:
        start = edit.start + shift
        if offset < start:
            break
        if offset < start + len(edit.after):
            return edit.start
        shift += len(edit.after) - (edit.end - edit.start)
    return offset - shift
