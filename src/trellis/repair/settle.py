"""The choices of ``Policies`` as changes: of what damage left open, and of the value that was read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..errors import RepairError
from .edits import Change, place
from .nodes import Node, read_nodes
from .policies import OURS, Policies
from .rules import cost_of
from .schema_view import SchemaView

_CUT_MEMBER = re.compile(r"\s*(,?\s*)[\"']?(\w[^\"':,{}\[\]]*)[\"']?\s*:?\s*\Z")


def settled(text: str, changes: Sequence[Change], policies: Policies) -> tuple[Change, ...]:
    """The changes of damaged text, with values that nobody wrote as the policies want them.

    Raises:
        RepairError: a policy makes an error of what was found.
    """
    return tuple(_settle(text, change, policies) for change in changes) if policies != OURS else tuple(changes)


def _settle(text: str, change: Change, policies: Policies) -> Change:
    nothing = '""' if policies.missing == "empty" else "null"
    if change.rule == "missing_value":
        return change._replace(after=change.after.replace("null", nothing))
    if change.rule == "truncated_member" and policies.truncated == "null":
        cut = _CUT_MEMBER.match(text[change.start : change.end])
        if cut:
            key = json.dumps(cut.group(2), ensure_ascii=False)
            return change._replace(after=f"{cut.group(1)}{key}: {nothing}")
    if change.rule == "non_finite" and policies.non_finite != "null":
        written = text[change.start : change.end]
        if policies.non_finite == "error":
            raise _error(text, change.start, f"{written} is no number of JSON")
        return change._replace(after=json.dumps(written))
    return change


def _error(text: str, offset: int, message: str) -> RepairError:
    line, column = place(text, offset)
    return RepairError(message, line=line, column=column, source=text, hint="a policy makes an error of it")


def policy_changes(
    text: str, view: SchemaView | None, policies: Policies, damaged: bool, cut: bool = False
) -> list[Change]:
    """The changes of a JSON text that the policies want.

    Args:
        text: JSON that the standard reader accepts.
        view: what the schema says about the whole, or ``None``.
        policies: the choices.
        damaged: the text was repaired.
        cut: it was cut off, and ends with a digit.

    Raises:
        RepairError: a policy makes an error of what was found.
    """
    if policies == OURS:
        return []
    changes: list[Change] = []
    root = read_nodes(text)
    last = _last(root) if cut and policies.cut_number == "drop" else None
    todo: list[tuple[Node, SchemaView | None]] = [(root, view)]
    while todo:
        node, here = todo.pop()
        if node.kind == "scalar":
            if damaged and policies.text_end == "strip":
                changes += _stripped(node.start, node.end, node.value)
            continue
        if node.kind == "array":
            todo += [(item, here.item(at) if here else None) for at, item in enumerate(node.items)]
            if last is not None and node.items and node.items[-1] is last:
                start = node.items[-2].end if len(node.items) > 1 else last.start
                changes.append(Change("truncated_number", start, last.end, "", cost_of("truncated_number")))
            continue
        if damaged and policies.text_end == "strip":
            for start, end, name in node.keys:
                changes += _stripped(start, end, name)
        out = _out(text, node, here, policies)
        if last is not None and node.items and node.items[-1] is last:
            out[len(node.items) - 1] = "truncated_number"
        changes += _without(node, out)
        changes += _filled(node, here, policies, out)
        todo += [
            (item, here.member(key[2]) if here else None)
            for at, (key, item) in enumerate(zip(node.keys, node.items, strict=True))
            if at not in out
        ]
    return sorted(changes, key=lambda change: (change.start, change.end))


def _last(node: Node) -> Node | None:
    """The number that a text ends with."""
    while node.items:
        node = node.items[-1]
    return node if isinstance(node.value, int | float) and not isinstance(node.value, bool) else None


def _stripped(start: int, end: int, value: Any) -> Iterator[Change]:
    if isinstance(value, str) and value.endswith("\n"):
        yield Change("text_end", start, end, json.dumps(value.rstrip(), ensure_ascii=False), cost_of("text_end"))


def _out(text: str, node: Node, view: SchemaView | None, policies: Policies) -> dict[int, str]:
    """The members of an object that go, by their number, with the rule."""
    out: dict[int, str] = {}
    seen: set[str] = set()
    names = view.names() if view is not None and policies.unknown == "drop" and not view.patterned() else set()
    for at, (start, _, name) in enumerate(node.keys):
        if name in seen and policies.duplicates == "error":
            raise _error(text, start, f"the key {name!r:.60} occurs twice")
        if name in seen and policies.duplicates == "first":
            out[at] = "duplicate_key"
        elif names and name not in names:
            out[at] = "dropped_member"
        seen.add(name)
    return out


def _without(node: Node, out: Mapping[int, str]) -> Iterator[Change]:
    """The changes that take members out of an object."""
    kept = [at for at in range(len(node.items)) if at not in out]
    for at, rule in out.items():
        if not kept:
            start, end = node.keys[at][0], node.keys[at + 1][0] if at + 1 < len(node.keys) else node.items[at].end
        elif at < kept[0]:
            start, end = node.keys[at][0], node.keys[at + 1][0]
        else:
            start, end = node.items[at - 1].end, node.items[at].end
        yield Change(rule, start, end, "", cost_of(rule))


def _filled(node: Node, view: SchemaView | None, policies: Policies, out: Mapping[int, str]) -> Iterator[Change]:
    """The changes that put in members that are not there."""
    if view is None:
        return
    present = {name for at, (_, _, name) in enumerate(node.keys) if out.get(at) != "truncated_number"}
    empty = len(out) == len(node.items)
    at = node.items[-1].end if node.items else node.start + 1
    for name, member, required in view.branch(present):
        if name in present:
            continue
        rule, value = "default", None
        defaults = [part["default"] for part in member.parts if "default" in part]
        if defaults and policies.defaults == "all":
            value = json.dumps(defaults[0], ensure_ascii=False)
        elif policies.absent != "error":
            rule, value = "absent_member", _nothing(member, policies.absent == "null", required)
        if value is not None:
            yield Change(rule, at, at, f"{'' if empty else ', '}{json.dumps(name)}: {value}", cost_of(rule))
            empty = False


def absent_nulls(text: str, view: SchemaView) -> list[Change]:
    """The changes that put in null for members that must be there, may be null, and are not, where others are."""
    changes: list[Change] = []
    todo: list[tuple[Node, SchemaView]] = [(read_nodes(text), view)]
    while todo:
        node, here = todo.pop()
        if node.kind == "array":
            todo += [(item, here.item(at)) for at, item in enumerate(node.items)]
        elif node.kind == "object":
            todo += [(item, here.member(key[2])) for key, item in zip(node.keys, node.items, strict=True)]
            present = {name for _, _, name in node.keys}
            lost = [name for name, member, required in here.branch(present)
                    if required and name not in present and "null" in member.types()]  # fmt: skip
            if lost and len(lost) < len(here.required()):
                added = "".join(f", {json.dumps(name, ensure_ascii=False)}: null" for name in lost)
                at = node.items[-1].end if node.items else node.start + 1
                after = added if node.items else added[2:]
                changes.append(Change("absent_member", at, at, after, cost_of("absent_member")))
    return sorted(changes, key=lambda change: change.start)


def _nothing(member: SchemaView, partial: bool, required: bool) -> str | None:
    """What stands for a value that is not there, as JSON."""
    types = member.types()
    if required and types == {"array"}:
        return "[]"
    if required and types == {"object"} and (not member.names() or (not partial and not member.required())):
        return "{}"
    return "null" if partial or "null" in types else None


def partial_schema(schema: Any) -> Any:
    """A schema of which every member may be null or left out: for the judge of partial values."""
    if isinstance(schema, list):
        return [partial_schema(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    relaxed: dict[str, Any] = {}
    for keyword, inner in schema.items():
        if keyword == "required":
            continue
        if keyword == "properties" and isinstance(inner, dict):
            relaxed[keyword] = {
                name: {"anyOf": [partial_schema(part), {"type": "null"}]} for name, part in inner.items()
            }
        elif keyword in ("enum", "const", "default", "examples"):
            relaxed[keyword] = inner
        else:
            relaxed[keyword] = partial_schema(inner)
    return relaxed
