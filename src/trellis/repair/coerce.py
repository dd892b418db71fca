"""Small, named changes that make a reading what the schema wants: types, enum values, keys.

Coercion works on the text of a reading and makes changes like every other repair. It only looks where the standard
reading is of a type that the schema does not allow, so a valid value is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from .coerce_scalars import Scalars
from .edits import Change
from .nodes import Node, read_nodes
from .reshape import held_value, joined, keyed, named_value, nested, numbered, paired, repeated, within
from .schema_view import SchemaView
from .words import guessed, meant

DOUBTFUL = frozenset(
    {"rounded", "dropped_item", "dropped_member", "array_as_object", "scalar_in_text", "guessed_key"}
    | {"data_as_text", "text_as_list", "null_as_empty"}
)
"""Rules that lose or guess something; a reading that needs them is ambiguous."""


def coercions(text: str, view: SchemaView, lexeme: Callable[[int, int], str]) -> list[Change]:
    """The changes of a JSON text that bring it nearer to the schema.

    Args:
        text: JSON that the standard reader accepts.
        view: what the schema says about the whole.
        lexeme: gives for a span of ``text`` how it was written in the input.
    """
    return Coercer(text, lexeme).run(read_nodes(text), view)


class Coercer(Scalars):
    """Walks over the nodes of a JSON text and notes the changes.

    Args:
        text: the text.
        lexeme: gives for a span of ``text`` how it was written in the input.
    """

    def __init__(self, text: str, lexeme: Callable[[int, int], str]) -> None:
        self.text, self.lexeme = text, lexeme
        self.changes: list[Change] = []
        self._root: Node | None = None
        self._wrapped: dict[int, set[tuple[int, ...]]] = {}  # by node: the places where it was put into a list

    def run(self, root: Node, view: SchemaView) -> list[Change]:
        """The changes of the text that bring it nearer to the schema."""
        todo = self.look(root, view, True)
        while todo:
            todo += self.look(*todo.pop())
        return sorted(self.changes, key=lambda change: (change.start, change.end))

    def look(self, node: Node, view: SchemaView, whole: bool = False) -> list[tuple[Node, SchemaView]]:
        """Note the changes of a value, of the whole perhaps; returns what is in it, to be looked at next."""
        if whole:
            self._root = node
        if node.kind == "scalar":
            self._scalar(node, view)
            return []
        return self._array(node, view) if node.kind == "array" else self._object(node, view)

    def _array(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        types = view.types()
        if types and "array" not in types:
            if not node.items and "null" in types and "object" not in types:
                self._change("text_as_null", node.start, node.end, "null")
                return []
            if "object" in types and (
                self._reshape(paired(node, view)) or self._name(node, view) or self._reshape(joined(node, view))
            ):
                return []
            single = len(node.items) == 1 and not (node.items[0].kind == "scalar" and types == {"object"})
            return self._unlist(node, view) if single else []
        if len(node.items) == 1 and node.items[0].kind == "array" and not node.block:
            inner = view.item(0).types()
            if inner and "array" not in inner:
                return [(item, view) for item, _ in self._unlist(node, view)]
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
        self._wrapped.pop(id(node), None)
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

    def _reshape(self, changes: list[Change]) -> bool:
        """Takes changes after which the value is looked at anew."""
        self.changes += changes
        return bool(changes)

    def _unlist(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        inner = node.items[0]
        self._change("list_as_single", node.start, inner.start, "")
        self.changes.append(Change("list_as_single", inner.end, node.end, "", 0.0))
        return [(inner, view)]

    def _may_wrap(self, node: Node, view: SchemaView) -> bool:
        """Whether a list of one has an end: a schema may name lists of lists of lists, round and round."""
        places = self._wrapped.setdefault(id(node), set())
        if view.place() in places:
            return False
        places.add(view.place())
        around, inner = {view.place()}, view.item(0)
        while "array" in inner.types() and inner.types() <= {"array", "object"} and node.kind not in inner.types():
            if inner.place() in around:
                return False
            around.add(inner.place())
            inner = inner.item(0)
        return True

    def _wrap(self, node: Node, view: SchemaView, rule: str = "single_as_list") -> list[tuple[Node, SchemaView]]:
        if not self._may_wrap(node, view):
            return []
        self._change(rule, node.start, node.start, "[")
        self.changes.append(Change(rule, node.end, node.end, "]", 0.0))
        return [(node, view.item(0))]

    def _object(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]]:
        types = view.types()
        if types and "object" not in types:
            if not node.items and "null" in types and "array" not in types:
                self._change("text_as_null", node.start, node.end, "null")
                return []
            if (held := held_value(node, view)) is not None:
                self.changes += held[0]
                return [(held[1], view)]
            if self._reshape(numbered(node, view)) or self._reshape(keyed(node, view)):
                return []
            if types - {"null"} == {"string"} and (bare := self._written_bare(node)) is not None:
                self._change("data_as_text", node.start, node.end, json.dumps(bare, ensure_ascii=False))
                return []
            if (alone := named_value(node, view)) is not None:
                self.changes += alone
                return []
            if types == {"string"} and not node.block and not view.values():
                written = json.dumps(self.text[node.start : node.end], ensure_ascii=False)
                self._change("data_as_text", node.start, node.end, written)
            return self._wrap(node, view) if "array" in types else []
        names = view.names()
        present = {name for _, _, name in node.keys}
        if len(present) < len(node.keys) and self._reshape(repeated(node, view)):
            return []
        if len(node.keys) == 1 and (tagged := self._tag_outside(node, view)) is not None:
            return tagged
        if not present & names and (inner := within(node, view, self._around(node))) is not None:
            self.changes += inner[0]
            return [(inner[1], view)]
        implied = self._implied(node, view) if not present & names else None
        if implied is not None:
            return [(node, implied)]
        missing = names - present
        if missing & view.required() and self._reshape(nested(node, view)):
            return []
        following = []
        strangers = []
        targets = self._renamed(node, view, missing)
        for (start, end, name), value in zip(node.keys, node.items, strict=True):
            if name in targets:
                name, rule = targets[name]
                missing.discard(name)
                self._change(rule, start, end, json.dumps(name, ensure_ascii=False))
            if name not in names and view.closed():
                strangers.append(value)
                continue
            following.append((value, view.member(name)))
        if strangers and following:
            self._forget(node, strangers)
        if missing and (tag := self._tag(node, view)) is not None:
            self._insert(node, *tag)
            missing.discard(tag[0])
        for name in sorted(missing & view.required()):
            defaults = [part["default"] for part in view.member(name).parts if "default" in part]
            if defaults:
                self._insert(node, name, defaults[0])
        return following

    def _renamed(self, node: Node, view: SchemaView, missing: set[str]) -> dict[str, tuple[str, str]]:
        """The properties that keys stand for, with the rules: those spelt otherwise, and a key that alone is left."""
        aliases, due = view.aliases(), set(missing)
        found: dict[str, tuple[str, str]] = {}
        others = [(name, item) for (_, _, name), item in zip(node.keys, node.items, strict=True)]
        others = [(name, item) for name, item in others if name not in view.names()]
        for name, _ in others:
            target = aliases[name] if aliases.get(name) in due else meant(name, due)
            if target is not None:
                due.discard(target)
                found[name] = (target, "schema_alias" if name in aliases else "key_form")
        due &= view.required()
        for name, item in others:
            if name not in found and (target := guessed(name, due)) and _can_be(item, view.member(target)):
                due.discard(target)
                found[name] = (target, "guessed_key")
        left = [(name, item) for name, item in others if name not in found]
        if len(left) == len(due) == 1 and len(view.ordered_names()) > 1 and len(node.keys) > 1:
            (target,) = due
            if _can_be(left[0][1], view.member(target)):
                found[left[0][0]] = (target, "guessed_key")
        return found

    @staticmethod
    def _tag(node: Node, view: SchemaView) -> tuple[str, Any] | None:
        """The member with one possible value that tells which of several kinds an object is, if all others do."""
        present = {name for _, _, name in node.keys}
        kinds = [kind for kind in view.kinds() if present <= set(kind.names()) and len(kind.required() - present) == 1]
        if len(kinds) != 1 or len(view.kinds()) < 2:
            return None
        (name,) = kinds[0].required() - present
        values = kinds[0].member(name).values()
        return (name, values[0]) if len(values) == 1 else None

    def _tag_outside(self, node: Node, view: SchemaView) -> list[tuple[Node, SchemaView]] | None:
        """``{"circle": {"radius": 1}}`` for ``{"kind": "circle", "radius": 1}``."""
        (_, _, tag), inner = node.keys[0], node.items[0]
        if inner.kind != "object" or inner.block or not inner.keys or tag in view.names():
            return None
        present = {name for _, _, name in inner.keys}
        for kind in view.kinds():
            lost = kind.required() - present
            if len(lost) != 1 or not present <= kind.names():
                continue
            if kind.member(name := next(iter(lost))).values() == [tag]:
                member = f"{{{json.dumps(name, ensure_ascii=False)}: {json.dumps(tag, ensure_ascii=False)}, "
                self._change("held_value", node.start, inner.start + 1, member)
                self.changes.append(Change("held_value", inner.end, node.end, "", 0.0))
                return [(item, kind.member(key)) for (_, _, key), item in zip(inner.keys, inner.items, strict=True)]
        return None

    def _written_bare(self, node: Node) -> str | None:
        """An object of one member as it was written, if all quotes in it were put there: words in braces."""
        if node.block or len(node.keys) != 1 or node.items[0].kind != "scalar" or node.end - node.start > 500:
            return None
        quotes = [at for at in range(node.start, node.end) if self.text[at] == '"']
        if not quotes or any(self.lexeme(at, at + 1) for at in quotes):
            return None
        return "".join(self.text[at] for at in range(node.start, node.end) if at not in quotes)

    def _around(self, node: Node) -> str:
        return "wrapped_root" if node is self._root else "held_value"

    def _implied(self, node: Node, view: SchemaView) -> SchemaView | None:
        """Put a value into the object that is wanted, if that has one member and the value can be it."""
        names = view.names()
        if len(names) != 1 or node.block:
            return None
        (name,) = names
        inner = view.member(name)
        if node.kind == "object":
            wanted = inner.names()
            fits = bool(wanted & {key for _, _, key in node.keys}) and name not in wanted
        else:
            fits = node.kind == "scalar" and inner.allows(node.value) and bool(inner.types())
        if not fits:
            return None
        self._change("implied_key", node.start, node.start, "{" + json.dumps(name, ensure_ascii=False) + ": ")
        self.changes.append(Change("implied_key", node.end, node.end, "}", 0.0))
        return inner

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


def _can_be(node: Node, view: SchemaView) -> bool:
    """Whether a value is what the schema names: of its type, one of its choices."""
    if node.kind != "scalar":
        return node.kind in view.types()
    if view.values():
        return node.value in view.values()
    return (view.allows(node.value) and bool(view.types())) or (node.value is not None and "string" in view.types())
