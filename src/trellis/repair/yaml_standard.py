"""The standard reading of YAML: 1.2 as ruamel.yaml reads it, as JSON data.

``yaml_blocks`` reads what it is sure of, in a tenth of the time; the rest is ruamel.yaml's. Anchors, aliases and merge
keys are read, up to a bound. Timestamps stay text, numbers that are not finite are null, keys are text, a key that is
null is ``"null"``. Tags of YAML's own that have no JSON (binary, timestamps) leave text; all others are refused.
"""

from __future__ import annotations

import json
import re
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ..errors import RepairError
from .edits import Change
from .nodes import Node
from .rules import cost_of
from .yaml_blocks import BlockReader, NotYaml, Unsure
from .yaml_scalars import float_value, int_value

__all__ = ["Document", "NotYaml", "disputed", "lossy", "read_document", "read_nodes", "read_yaml", "written_out"]

_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "bool", "int", "float", "str", "seq", "map", "set", "omap", "binary", "timestamp", "merge")
)
_DEPTH = 300  # of brackets in brackets; Python's stack ends the reader not far above
_NODES = 200_000  # more than which a text with aliases may not stand for
_FLOW = re.compile(r"""[\[\]{}]|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?""")
_ANCHOR = re.compile(r"(?:^|[\s\[{,])[&*!]\S|^%", re.M)
_LOSSY = re.compile(r"[+-]?0\d+|\d+[eE]\d+")


@dataclass(frozen=True, slots=True)
class Document:
    """What the standard reader makes of a text.

    Attributes:
        root: the tree, ``None`` for an empty text.
        aliases: how many aliases and merge keys it has; what they refer to stands in the tree at every place.
        idle: anchors before plain text that no alias refers to, with their offsets: they may be text in truth.
        copies: where each anchor (with ``None``) and each alias stands, as far as that is known.
    """

    root: Node | None
    aliases: int = 0
    idle: dict[str, int] = field(default_factory=dict)
    copies: list[tuple[int, int, Node | None]] = field(default_factory=list)


def written_out(text: str, document: Document) -> list[Change]:
    """The changes of a text that write its aliases out and take its anchors off."""
    if len(document.copies) <= document.aliases:  # ruamel.yaml has read it, and does not say where they stand
        after = "" if document.root is None else json.dumps(document.root.data(), ensure_ascii=False)
        return [Change("alias", 0, len(text), after, cost_of("alias"))]
    changes: list[Change] = []
    for start, end, node in sorted(document.copies, key=lambda copy: copy[0]):
        after = "" if node is None else json.dumps(node.data(), ensure_ascii=False)
        changes.append(Change("alias", start, end, after, 0.0 if changes else cost_of("alias")))
    return changes


def lossy(text: str) -> bool:
    """Whether a plain scalar is a number to YAML 1.2 that YAML 1.1 reads otherwise: an identifier, most of the time."""
    return _LOSSY.fullmatch(text) is not None


def disputed(text: str, root: Node) -> list[Change]:
    """The changes that make texts of the numbers that readers disagree on."""
    changes, todo = set(), [root]
    while todo:
        node = todo.pop()
        todo += node.items
        if node.plain and not isinstance(node.value, str) and lossy(text[node.start : node.end]):
            after = json.dumps(text[node.start : node.end])
            changes.add(Change("yaml_text", node.start, node.end, after, cost_of("yaml_text")))
    return sorted(changes, key=lambda change: change.start)


def read_document(text: str) -> Document:
    """The standard reading of a YAML text: where each value stands, and what it is.

    Raises:
        NotYaml: the text is not YAML, or uses what is off.
        RepairError: it is nested too deeply, or aliases stand for too much (``limit``).
    """
    reader = BlockReader(text)
    try:
        return Document(reader.read(), reader.aliases, reader.idle, reader.copies)
    except Unsure:
        return by_ruamel(text)


def by_ruamel(text: str) -> Document:
    """``read_document`` by ruamel.yaml alone; raises the same."""
    if _flow_depth(text) > _DEPTH:
        raise RepairError("the text is nested too deeply", limit="depth")
    try:
        with warnings.catch_warnings() if "&" in text else nullcontext():
            if "&" in text:
                warnings.simplefilter("ignore")  # an anchor that stands twice
            root = YAML(typ="safe", pure=True).compose(text)
        aliases, idle = _named(text) if _ANCHOR.search(text) else (0, {})
        if root is None:
            return Document(None)
        tree = _Tree(text)
        return Document(tree.node(root), aliases + tree.merges, idle)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        message = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise NotYaml(str(message), *((mark.line + 1, mark.column + 1) if mark else (1, 1))) from None
    except RecursionError:
        raise RepairError("the text is nested too deeply", limit="depth") from None
    except (ValueError, OverflowError, LookupError, AttributeError, TypeError, AssertionError) as error:
        if isinstance(error, NotYaml):
            raise
        raise NotYaml(str(error)) from None


def read_nodes(text: str) -> Node | None:
    """Where each value of a YAML text stands, as ``trellis.repair.nodes`` has it for JSON; raises as
    ``read_document``."""
    return read_document(text).root


def read_yaml(text: str) -> Any:
    """The standard reading of YAML text as JSON data.

    Raises:
        ValueError: the text is not YAML, or has a tag that is refused, a key twice, or a key that is no scalar.
        RepairError: it is nested too deeply, or aliases stand for too much (``limit``).
    """
    root = read_document(text).root
    try:
        return None if root is None else root.data()
    except RecursionError:
        raise RepairError("the text is nested too deeply", limit="depth") from None


def _named(text: str) -> tuple[int, dict[str, int]]:
    """The aliases of a text, and the anchors before plain text that none refers to.

    Raises:
        NotYaml: a tag is refused. A tag of the text's own (``!important``) may have been meant as text.
    """
    aliases = 0
    idle: dict[str, int] = {}
    fault: NotYaml | None = None
    for event in YAML(typ="safe", pure=True).parse(text):
        mark, tag = event.start_mark, getattr(event, "tag", None)
        anchor = getattr(event, "anchor", None)
        if event.__class__.__name__ == "AliasEvent":
            aliases += 1
            idle.pop(str(anchor), None)
        elif anchor and getattr(event, "style", "") is None and getattr(event, "value", None) is not None:
            idle.setdefault(anchor, mark.index)
        if tag is not None and str(tag) not in _TAGS and str(tag) != "!":
            harmful = str(tag).startswith("tag:") and "/" in str(tag)
            if fault is None or harmful:
                fault = NotYaml(f"the tag {str(tag)!r} is refused", mark.line + 1, mark.column + 1, False, harmful)
    if fault is not None:
        raise fault
    return aliases, idle


def _flow_depth(text: str) -> int:
    """How many brackets are open at once; the reader needs time in the square of it."""
    depth = deepest = 0
    for mark in _FLOW.findall(text):
        depth = depth + 1 if mark in "[{" else max(0, depth - (mark in "]}"))
        deepest = max(deepest, depth)
    return deepest


def _scalar(node: Any) -> Any:
    """The JSON value of a scalar node under the YAML 1.2 core schema."""
    kind, text = str(node.tag).rpartition(":")[2], node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    return int_value(text) if kind == "int" else float_value(text) if kind == "float" else text


class _Tree:
    """Makes ``Node`` of the nodes of ruamel.yaml, in which an alias is the node that it refers to."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.count = 0
        self.merges = 0
        self.open: set[int] = set()

    def node(self, node: Any) -> Node:
        self.count += 1
        if self.count > max(_NODES, len(self.text)):
            raise RepairError("aliases stand for too much", limit="aliases")
        start, end = node.start_mark.index, node.end_mark.index
        if isinstance(node, ScalarNode):
            end = start + len(self.text[start:end].rstrip())
            return Node("scalar", start, end, _scalar(node), plain=node.style is None)
        if id(node) in self.open:
            mark = node.start_mark
            raise NotYaml("an alias stands in what it refers to", mark.line + 1, mark.column + 1, True, True)
        self.open.add(id(node))
        made = self._collection(node, start, end)
        self.open.discard(id(node))
        return made

    def _collection(self, node: Any, start: int, end: int) -> Node:
        keys: list[tuple[int, int, str]] = []
        if isinstance(node, SequenceNode):
            items = [self.node(item) for item in node.value]
            if str(node.tag).endswith(":omap") and all(item.kind == "object" for item in items):
                keys = [key for item in items for key in item.keys]
                return Node("object", start, end, None, [inner for item in items for inner in item.items], keys)
        else:
            items, keys = self._members(node)
        if not node.flow_style:  # the mark stands at the next token, behind comments
            end = items[-1].end if items else start
            end = max(end, keys[-1][1] if keys else start)
            if keys and end == keys[-1][1]:
                end = max(end, self.text.find(":", end) + 1)  # "? key" alone has no colon
        kind = "array" if isinstance(node, SequenceNode) else "object"
        return Node(kind, start, end, None, items, keys, block=not node.flow_style)

    def _members(self, node: Any) -> tuple[list[Node], list[tuple[int, int, str]]]:
        items: list[Node] = []
        keys: list[tuple[int, int, str]] = []
        names: set[str] = set()
        merged: list[Node] = []
        assert isinstance(node, MappingNode)
        for key, value in node.value:
            mark = key.start_mark
            if not isinstance(key, ScalarNode):
                raise NotYaml("a key is not a scalar", mark.line + 1, mark.column + 1, True)
            if str(key.tag).endswith(":merge"):
                inner = self.node(value)
                merged += inner.items if inner.kind == "array" else [inner]
                if any(one.kind != "object" for one in merged):
                    raise NotYaml("only objects can be merged", mark.line + 1, mark.column + 1)
                self.merges += 1
                continue
            name = "null" if key.style is None and str(key.tag).endswith(":null") else key.value
            if name in names:
                raise NotYaml(f"the key {name!r} occurs twice", mark.line + 1, mark.column + 1)
            names.add(name)
            items.append(self.node(value))
            keys.append((mark.index, key.end_mark.index, name))
        for inner in merged:
            for (start, end, name), item in zip(inner.keys, inner.items, strict=True):
                if name not in names:
                    names.add(name)
                    items.append(item)
                    keys.append((start, end, name))
        return items, keys
