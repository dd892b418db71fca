"""``repair_yaml``: YAML 1.2 as ruamel.yaml reads it, once fences and prose are gone and the schema has had its say.

Aliases, anchors and tags are off: none of them has a place in a model's answer, and all of them are ways to harm the
reader. Timestamps stay text.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from ..errors import RepairError
from .edits import Change, Repaired, apply_edits, locate, place
from .extract import fences, regions, removal
from .judge import judge_for
from .rules import Level, cost_of
from .schema_view import SchemaView
from .standard import check_arguments, confidence, unreadable_as

_TIMESTAMP = "tag:yaml.org,2002:timestamp"
_CORE = {f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "str", "seq", "map")}
_KEY_LINE = re.compile(r"^(?:[\w\"'][^\n:]{0,60}:(?:\s|$)|-\s)", re.M)
_SIZE = 2_000_000
_DEPTH = 300  # of brackets in brackets; Python's stack ends the reader not far above
_FLOW = re.compile(r"""[\[\]{}]|"(?:[^"\\\n]|\\.)*"?|'[^'\n]*'?""")


class _NotYaml(ValueError):
    """Not YAML, or YAML with something that is off."""

    def __init__(self, message: str, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.line, self.column = line, column


def _compose(text: str) -> Any:
    reader = YAML(typ="safe", pure=True)
    try:
        for event in reader.parse(text):
            mark = event.start_mark
            if event.__class__.__name__ == "AliasEvent" or getattr(event, "anchor", None):
                raise _NotYaml("anchors and aliases are off", mark.line + 1, mark.column + 1)
            tag = getattr(event, "tag", None)
            if tag is not None and str(tag) not in _CORE and str(tag) != "!":
                raise _NotYaml("tags are off", mark.line + 1, mark.column + 1)
        return YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        message = getattr(error, "problem", None) or str(error).split("\n")[0]
        raise _NotYaml(str(message), *((mark.line + 1, mark.column + 1) if mark else (1, 1))) from None
    except RecursionError:
        raise RepairError("the text is nested too deeply", limit="depth") from None
    except (ValueError, OverflowError, LookupError, AttributeError, TypeError) as error:
        if isinstance(error, _NotYaml):
            raise
        raise _NotYaml(str(error)) from None


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
    """JSON data of a node tree; keys are text.

    Raises:
        _NotYaml: a key occurs twice or is no scalar.
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
            raise _NotYaml("a key is not a scalar", mark.line + 1, mark.column + 1)
        if key.value in result:
            raise _NotYaml(f"the key {key.value!r} occurs twice", mark.line + 1, mark.column + 1)
        result[key.value] = _build(value)
    return result


def _flow_depth(text: str) -> int:
    """How many brackets are open at once; the reader needs time in the square of it."""
    depth = deepest = 0
    for mark in _FLOW.findall(text):
        depth = depth + 1 if mark in "[{" else max(0, depth - (mark in "]}"))
        deepest = max(deepest, depth)
    return deepest


def read_yaml(text: str) -> Any:
    """The standard reading of YAML text as JSON data.

    Raises:
        ValueError: the text is not YAML, or uses anchors, aliases, tags, or a key twice.
        RepairError: it is nested too deeply (``limit``).
    """
    if _flow_depth(text) > _DEPTH:
        raise RepairError("the text is nested too deeply", limit="depth")
    node = _compose(text)
    try:
        return None if node is None else _build(node)
    except RecursionError:
        raise RepairError("the text is nested too deeply", limit="depth") from None


def _typed_changes(text: str, schema: Mapping[str, Any]) -> list[Change]:
    """Quotes for the plain scalars that the schema wants as text and the standard reading takes for something else."""
    changes: list[Change] = []
    todo: list[tuple[Any, SchemaView]] = [(_compose(text), SchemaView.of(schema))]
    while todo:
        node, view = todo.pop()
        if isinstance(node, SequenceNode):
            todo += [(item, view.item(i)) for i, item in enumerate(node.value)]
        elif isinstance(node, MappingNode):
            todo += [(value, view.member(key.value)) for key, value in node.value if isinstance(key, ScalarNode)]
        elif isinstance(node, ScalarNode) and node.style is None and node.value:
            value = _scalar(node)
            if not isinstance(value, str) and view.types() and "string" in view.types() and not view.allows(value):
                start, end = node.start_mark.index, node.end_mark.index
                raw = text[start:end].rstrip()
                changes.append(
                    Change(
                        "yaml_text", start, start + len(raw), json.dumps(raw, ensure_ascii=False), cost_of("yaml_text")
                    )
                )
    return sorted(changes, key=lambda change: change.start)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for start, end, _ in fences(text):
        yield start, end
    for region in regions(text):
        if region.source != "whole":
            continue
        yield region.start, region.end
        match = _KEY_LINE.search(text, region.start, region.end)
        before = [line.split() for line in text[region.start : match.start()].splitlines()] if match else []
        if match and any(before) and all(len(words) != 1 for words in before):  # lines of prose have several words
            yield match.start(), region.end


def repair_yaml(text: str, schema: Mapping[str, Any] | None = None, *, level: Level = "normal") -> Repaired[Any]:
    """Read YAML out of text that should be YAML.

    The standard reading (YAML 1.2 core schema, no anchors, aliases or tags, timestamps are text, non-finite numbers are
    null) comes first. Fences and prose are removed; where the schema wants text and a plain scalar reads as something
    else (``version: 1.10``), the scalar is quoted as it was written.

    Args:
        text: what the model said.
        schema: JSON Schema that the value should satisfy, or ``None``.
        level: ``safe``, ``normal`` or ``salvage``.

    Raises:
        RepairError: no reading at this level, or a limit was hit (``limit``).
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind.
    """
    check_arguments(text, level)
    judge = judge_for(schema)
    if len(text) > _SIZE:
        raise RepairError(f"the text has {len(text)} characters, more than {_SIZE}", limit="size")
    failure: _NotYaml | None = None
    against = False
    spans = [(0, len(text)), *_spans(text)] if not next(fences(text), None) else [*_spans(text)]
    for start, end in dict.fromkeys(spans):
        inner = text[start:end]
        around = [*removal(text, 0, start)], [*removal(text, end, len(text))]
        try:
            value = read_yaml(inner)
        except _NotYaml as error:
            failure = failure or _NotYaml(str(error), error.line + text.count("\n", 0, start), error.column)
            continue
        if not isinstance(value, (dict, list)) and (schema is None or not judge.accepts(value)):
            continue  # prose is a YAML scalar, too
        changes: list[Change] = []
        if not judge.accepts(value) and level != "safe" and schema is not None:
            changes = _typed_changes(inner, schema)
            if changes:
                value = read_yaml(apply_edits(inner, changes))
        if not judge.accepts(value):
            against = True
            continue
        moved = [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in changes]
        every = [*around[0], *moved, *around[1]]
        result = apply_edits(text, every)
        if read_yaml(result) != value:  # what was kept of the surroundings would be read, too
            continue
        cost = sum(change.cost for change in every)
        return Repaired(value, result, locate(text, every), confidence(cost, math.inf))
    if against:
        raise RepairError(
            "the text was read as YAML, but every reading is against the schema", line=1, column=1, source=text,
            against_schema=True,
        )
    if failure is not None:
        raise RepairError(
            f"no repair at level {level!r} reads this as YAML ({failure})",
            line=failure.line,
            column=failure.column,
            source=text,
        )
    line, column = place(text, 0)
    raise unreadable_as("YAML", text, level, line, column)
