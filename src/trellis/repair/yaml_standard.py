"""The standard reading of YAML: 1.2 as ruamel.yaml reads it, as JSON data.

Aliases, anchors and tags are off: none of them has a place in a model's answer, and all of them are ways to harm the
reader. Timestamps stay text, numbers that are not finite are null, keys are text.
"""

from __future__ import annotations

import math
import re
import warnings
from contextlib import nullcontext
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ..errors import RepairError
from .nodes import Node

_CORE = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_DEPTH = 300  # of brackets in brackets; Python's stack ends the reader not far above
_FLOW = re.compile(r"""[\[\]{}]|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?""")
_ANCHOR = re.compile(r"(?:^|[\s\[{,])[&*!]\S|^%", re.M)
_LOSSY = re.compile(r"[+-]?0\d+|\d+[eE]\d+")


class NotYaml(ValueError):
    """Not YAML, or YAML with something that is off.

    Attributes:
        line, column: the place.
        off: it is YAML, but not of the kind that we read.
        harmful: nor can it have been meant as text.
    """

    def __init__(self, message: str, line: int = 1, column: int = 1, off: bool = False, harmful: bool = False) -> None:
        super().__init__(message)
        self.line, self.column, self.off, self.harmful = line, column, off, harmful


def lossy(text: str) -> bool:
    """Whether a plain scalar is a number to YAML 1.2 that YAML 1.1 reads otherwise: an identifier, most of the time."""
    return _LOSSY.fullmatch(text) is not None


def _check(text: str) -> None:
    """Refuse what is off. An anchor that nothing refers to, and a tag of its own, may be text in truth (``&co``)."""
    fault: NotYaml | None = None
    for event in YAML(typ="safe", pure=True).parse(text):
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        tag = getattr(event, "tag", None)
        if event.__class__.__name__ == "AliasEvent" or getattr(event, "anchor", None):
            harmful = event.__class__.__name__ == "AliasEvent"
            fault = NotYaml("anchors and aliases are off", line, column, True, harmful)
        elif tag is not None and str(tag) not in _CORE and str(tag) != "!":
            fault = NotYaml("tags are off", line, column, True, str(tag).startswith("tag:"))
        if fault is not None and fault.harmful:
            break
    if fault is not None:
        raise fault


def compose(text: str) -> Any:
    """The node tree of ruamel.yaml, ``None`` for an empty document.

    Raises:
        NotYaml: the text is not YAML, or uses what is off.
        RepairError: it is nested too deeply (``limit``).
    """
    if _flow_depth(text) > _DEPTH:
        raise RepairError("the text is nested too deeply", limit="depth")
    try:
        with warnings.catch_warnings() if "&" in text else nullcontext():
            if "&" in text:
                warnings.simplefilter("ignore")  # an anchor that stands twice
            node = YAML(typ="safe", pure=True).compose(text)
        if _ANCHOR.search(text):
            _check(text)
        return node
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


def _flow_depth(text: str) -> int:
    """How many brackets are open at once; the reader needs time in the square of it."""
    depth = deepest = 0
    for mark in _FLOW.findall(text):
        depth = depth + 1 if mark in "[{" else max(0, depth - (mark in "]}"))
        deepest = max(deepest, depth)
    return deepest


def _scalar(node: Any) -> Any:
    """The JSON value of a scalar node under the YAML 1.2 core schema."""
    tag, text = str(node.tag), node.value
    kind = tag.rpartition(":")[2]
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            plain = text.replace("_", "")
            return int(plain, 0) if plain[:3].lstrip("+-").startswith(("0x", "0o", "0b")) else int(plain)
        if kind == "float":
            number = float(
                text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan").lower().replace(".inf", "inf")
            )
            return number if math.isfinite(number) else None
    except ValueError:
        return text
    return text


def _build(node: Any) -> Any:
    """JSON data of a node tree.

    Raises:
        NotYaml: a key occurs twice or is no scalar.
    """
    if isinstance(node, ScalarNode):
        return _scalar(node)
    if isinstance(node, SequenceNode):
        return [_build(item) for item in node.value]
    result: dict[str, Any] = {}
    assert isinstance(node, MappingNode)
    for key, value in node.value:
        mark = key.start_mark
        if not isinstance(key, ScalarNode):
            raise NotYaml("a key is not a scalar", mark.line + 1, mark.column + 1, True)
        if key.value in result:
            raise NotYaml(f"the key {key.value!r} occurs twice", mark.line + 1, mark.column + 1)
        result[key.value] = _build(value)
    return result


def read_yaml(text: str) -> Any:
    """The standard reading of YAML text as JSON data.

    Raises:
        ValueError: the text is not YAML, or uses anchors, aliases, tags, or a key twice.
        RepairError: it is nested too deeply (``limit``).
    """
    node = compose(text)
    try:
        return None if node is None else _build(node)
    except RecursionError:
        raise RepairError("the text is nested too deeply", limit="depth") from None


def read_nodes(text: str) -> Node | None:
    """Where each value of a YAML text stands, as ``trellis.repair.nodes`` has it for JSON.

    Raises:
        as ``read_yaml``.
    """
    root = compose(text)
    try:
        return None if root is None else _node(root, text)
    except RecursionError:
        raise RepairError("the text is nested too deeply", limit="depth") from None


def _node(node: Any, text: str) -> Node:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, ScalarNode):
        end = start + len(text[start:end].rstrip())
        return Node("scalar", start, end, _scalar(node), plain=node.style is None)
    if isinstance(node, SequenceNode):
        items = [_node(item, text) for item in node.value]
        keys: list[tuple[int, int, str]] = []
    else:
        items = [_node(value, text) for _, value in node.value]
        keys = []
        for key, _ in node.value:
            if not isinstance(key, ScalarNode):
                mark = key.start_mark
                raise NotYaml("a key is not a scalar", mark.line + 1, mark.column + 1, True)
            if any(name == key.value for _, _, name in keys):
                mark = key.start_mark
                raise NotYaml(f"the key {key.value!r} occurs twice", mark.line + 1, mark.column + 1)
            keys.append((key.start_mark.index, key.end_mark.index, key.value))
    if not node.flow_style:  # the mark stands at the next token, behind comments
        end = items[-1].end if items else start
        end = max(end, keys[-1][1] if keys else start)
        if keys and end == keys[-1][1]:
            end = max(end, text.find(":", end) + 1)  # "? key" alone has no colon
    kind = "array" if isinstance(node, SequenceNode) else "object"
    return Node(kind, start, end, None, items, keys, block=not node.flow_style)
