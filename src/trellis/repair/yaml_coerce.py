"""Coercion of YAML: the rules of ``coerce``, written so that they stand in lines as well as in brackets."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

from .coerce import Coercer
from .edits import Change, apply_edits
from .flat_keys import Branch, unflattened
from .nodes import Node
from .reshape import joined, paired
from .rules import cost_of
from .schema_view import SchemaView
from .yaml_frames import known, wants_scalar
from .yaml_lines import quoted
from .yaml_scalars import plain_value
from .yaml_standard import read_nodes

_FLOW_SAFE = re.compile(r"[\w.-]+(?:[ ]+[\w.-]+)*")
_RESHAPED = frozenset({"held_value", "object_as_array", "list_as_single", "implied_key"})
_AROUND = 4  # objects, one within the other
_ANEW = 0.05  # what speaks against writing a value anew, beside its rule
_LINE = re.compile(r"[^\s](?:[^\n]*[^\s])?")
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")


def yaml_unwrapped(root: Node, text: str, view: SchemaView) -> list[list[Change]]:
    """Ways to take objects off from around the data: all else in them is scalars that the schema does not name."""
    ways: list[list[Change]] = []
    inner, rule = root, "wrapped_root"
    while inner.kind == "object" and len(ways) < _AROUND:
        inside = [item for item in inner.items if item.kind != "scalar"]
        if len(inside) != 1 or view.names() & {name for _, _, name in inner.keys}:
            break
        rule = rule if len(inner.items) == 1 else "dropped_member"
        inner = inside[0]
        newline = text.rfind("\n", root.start, inner.start) if inner.block else -1
        begin = inner.start if newline < 0 else newline + 1
        margin = text.rfind("\n", 0, root.start) + 1
        start = root.start if text[margin : root.start].strip(" ") or newline < 0 else margin
        changes = [Change(rule, start, begin, "", cost_of(rule))]
        if inner.end < root.end:
            changes.append(Change(rule, inner.end, root.end, "", 0.0))
        ways.append(changes)
    return ways


def apart(changes: list[Change]) -> list[Change]:
    """The changes that lie in no other one, in order."""
    kept: list[Change] = []
    for change in sorted(changes, key=lambda change: (change.start, -change.end)):
        if not kept or change.start >= kept[-1].end:
            kept.append(change)
    return kept


class YamlCoercer(Coercer):
    """Makes the changes of a YAML text."""

    def _change(self, rule: str, start: int, end: int, after: str) -> None:
        if start == end and self.text[start - 1 : start] in (":", "-"):  # a value that was left empty
            after = " " + after
        if rule == "key_form":
            name = json.loads(after)
            after = name if _PLAIN_KEY.fullmatch(name) else quoted(name)
        super()._change(rule, start, end, after)

    def _scalar(self, node: Node, view: SchemaView) -> None:
        types = view.types()
        if node.plain and node.value is None and "string" in types and "null" not in types and not view.values():
            self._change("scalar_as_text", node.start, node.end, quoted(self.text[node.start : node.end]))
            return
        super()._scalar(node, view)

    def run(self, root: Node, view: SchemaView) -> list[Change]:
        """As for JSON; what lies in a value that is written anew is left to the next pass."""
        return apart(super().run(root, view))

    def _whole(self, rule: str, node: Node, items: list[Node]) -> None:
        """A list in brackets in the place of a value in lines; the next pass looks into it."""
        self._anew(rule, node, f"[{', '.join(map(self._flow, items))}]")

    def _anew(self, rule: str, node: Node, after: str) -> None:
        """Brackets for a value; a list in lines may stand in the column of its key, which brackets may not."""
        after = "  " + after if node.block and node.kind == "array" else after
        self.changes.append(Change(rule, node.start, node.end, after, cost_of(rule) + _ANEW))

    def _flow(self, node: Node) -> str:
        """A value in brackets; plain numbers as they are written, for they may be meant as text."""
        if node.kind == "array":
            return f"[{', '.join(map(self._flow, node.items))}]"
        if node.kind == "object":
            pairs = zip(node.keys, node.items, strict=True)
            return "{" + ", ".join(f"{quoted(name)}: {self._flow(item)}" for (_, _, name), item in pairs) + "}"
        written = self.text[node.start : node.end]
        if node.plain and not isinstance(node.value, str) and _FLOW_SAFE.fullmatch(written):
            return written
        return quoted(node.value) if isinstance(node.value, str) else json.dumps(node.value)

    def _object(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        if "object" in view.types() and node.block and (self._gather(node, view) or self._unflatten(node, view)):
            return []
        if node.block and self._bracketed(node, view):
            return []
        return super()._object(node, view)

    def _bracketed(self, node: Node, view: SchemaView) -> bool:
        """Write a value in lines that has another shape than the schema's in brackets, and give it that shape.

        What ``reshape`` would do is found out from the value and what is right in it, before it is written anew.
        """
        shallow = replace(node, block=False, items=[replace(item, block=False) for item in node.items])
        if node.kind == "array" and not (paired(shallow, view) or joined(shallow, view)):
            return False
        trial = Coercer(self.text, self.lexeme)
        trial.look(shallow, view, node is self._root)
        rule = next((change.rule for change in trial.changes if change.rule in _RESHAPED), None)
        if rule is None:
            return False
        written = self._flow(node)
        inner = read_nodes(written)
        assert inner is not None
        within = Coercer(written, lambda start, end: written[start:end])
        within.look(inner, view, node is self._root)
        self._anew(rule, node, apply_edits(written, apart(within.changes)))
        return True

    def _gather(self, node: Node, view: SchemaView) -> bool:
        """Put members that stand beside the object that they belong to into it; a next pass looks at the rest."""
        present = {name for _, _, name in node.keys}
        for head in sorted(view.names() - present):
            inner = view.member(head)
            if inner.types() != {"object"} or not inner.names():
                continue
            places: list[tuple[int, str]] = []
            for at, (_, _, name) in enumerate(node.keys):
                tail = re.sub(rf"^{re.escape(head)}(?:[./_:]|__| ?(?:->|>) ?)", "", name)
                alone = name not in view.names() and head in view.required()
                if tail in inner.names() and (tail != name or alone):
                    places.append((at, tail))
            tails = [tail for _, tail in places]
            if not places or inner.required() - set(tails) or len(set(tails)) != len(tails):
                continue
            pairs = ", ".join(f"{quoted(tail)}: {self._flow(node.items[at])}" for at, tail in places)
            for number, (at, _) in enumerate(places):
                start, end = node.keys[at][0], node.items[at].end
                if number == 0:
                    self._change("flat_member", start, end, f"{quoted(head)}: {{{pairs}}}")
                else:
                    last = node.items[at - 1].end
                    self.changes.append(Change("flat_member", last, end, "", 0.0))
            return True
        return False

    def _unflatten(self, node: Node, view: SchemaView) -> bool:
        """Put members whose names are paths where these lead."""
        whole = unflattened(node, view)
        if whole is not None:
            self._anew("flat_member", node, self._grown(whole))
        return whole is not None

    def _grown(self, branch: Branch) -> str:
        if branch.value is not None:
            return self._flow(branch.value)
        if branch.listed:
            return f"[{', '.join(map(self._grown, branch.members.values()))}]"
        return "{" + ", ".join(f"{quoted(name)}: {self._grown(one)}" for name, one in branch.members.items()) + "}"

    def _array(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        if node.block and self._listed_members(node, view):
            cost, at = cost_of("list_as_single"), node.start
            for item in node.items:
                dash = self.text.index("-", at, item.start)
                self.changes.append(Change("list_as_single", dash, dash + 1, " ", cost))
                cost, at = 0.0, item.end
            return []
        if node.block and view.types() and "array" not in view.types() and self._bracketed(node, view):
            return []
        return super()._array(node, view)

    @staticmethod
    def _listed_members(node: Node, view: SchemaView) -> bool:
        """Whether a list holds the members of an object, each as an item."""
        if "array" in view.types() or "object" not in view.types() or len(node.items) < 2:
            return False
        if not all(item.kind == "object" and item.block for item in node.items):
            return False
        names = [name for item in node.items for _, _, name in item.keys]
        if not view.names():  # a map of any keys, each of them an item
            return len(set(names)) == len(names) == len(node.items)
        named = [name for name in names if known(view.names(), name)]
        return len(set(names)) == len(names) and 2 * len(named) > len(names)

    def _unlist(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        if not node.block:
            return super()._unlist(node, view)
        self._change("list_as_single", node.start, node.start + 1, " ")
        return [(node.items[0], view)]

    def _wrap(self, node: Node, view: SchemaView, rule: str = "single_as_list") -> list[tuple[Node, SchemaView]]:
        text = self.text[node.start : node.end]
        if (
            node.block
            or (node.kind == "scalar" and not isinstance(node.value, str))
            or (node.plain and not _FLOW_SAFE.fullmatch(text))
            or "\n" in text
        ):
            if self._may_wrap(node, view):
                self._whole(rule, node, self._in_lines(node, view) or [node])
            return []
        return super()._wrap(node, view, rule)

    def _in_lines(self, node: Node, view: SchemaView) -> list[Node]:
        """The lines of plain text as items, where a list lost its dashes."""
        if not node.plain or "\n" not in self.text[node.start : node.end] or not wants_scalar(view.item(0)):
            return []
        lines = _LINE.finditer(self.text, node.start, node.end)
        return [Node("scalar", one.start(), one.end(), plain_value(one[0]), plain=True) for one in lines]

    def _insert(self, node: Node, name: str, value: Any) -> None:
        if not node.block:
            super()._insert(node, name, value)
            return
        start = node.keys[0][0]
        column = start - (self.text.rfind("\n", 0, start) + 1)
        after = f"\n{' ' * column}{quoted(name)}: {json.dumps(value)}"
        self.changes.append(Change("default", node.end, node.end, after, cost_of("default")))

    def _drop(self, node: Node, misfits: list[Node]) -> None:
        if node.block:
            out = {id(item) for item in misfits}
            self._whole("dropped_item", node, [item for item in node.items if id(item) not in out])
        else:
            super()._drop(node, misfits)
