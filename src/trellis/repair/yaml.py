"""``repair_yaml``: YAML 1.2 as ruamel.yaml reads it first, then the reading of damaged lines that suits the schema.

A text that is not YAML, or is YAML against the schema, is read by ``yaml_reader`` into changes; the standard reader
says what the changed text means; the result is coerced to the schema like JSON. The standard reading, coerced,
competes where there is one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..collector import collector_paused
from ..errors import RepairError
from .against import against_schema, offset_in
from .edits import Repaired, apply_edits, compose, locate
from .extract import fences
from .judge import Judge, judge_for
from .near import has_near
from .nodes import Node
from .rules import Level, allowed
from .schema_argument import SchemaLike, json_schema
from .schema_view import SchemaView
from .standard import check_arguments, confidence, unreadable_as
from .user_rules import UserRule, with_rules
from .yaml_readings import NUMBERED, Reading, Reads, Task, readings
from .yaml_standard import NotYaml, disputed, read_nodes, read_yaml

_SIZE = 2_000_000
_TABBED = re.compile(  # ``"C:\temp"``, which has a tab in it; ``"\bword"``, which has a control character
    r'"[^"\n]*(?:(?<![A-Za-z])[A-Za-z]:\\[abefnrtv0N_]|(?<!\\)(?:\\\\)*\\[abefv](?=\w))'
)
_ASSIGNMENTS = re.compile(r"[A-Za-z_][\w.-]* *(?:=>?|:=) *[^\n=]+(?:\n[ \t]*[A-Za-z_][\w.-]* *(?:=>?|:=) *[^\n=]+)*")


def repair_yaml(
    text: str,
    schema: SchemaLike = None,
    *,
    level: Level = "normal",
    rules: Sequence[UserRule] | None = None,
) -> Repaired[Any]:
    """Read YAML out of text that should be YAML.

    The standard reading (YAML 1.2 core schema with anchors, aliases and merge keys, timestamps are text, non-finite
    numbers are null) comes first, and is returned unchanged unless the schema is against it. Without a schema,
    ``012345`` and ``1e3`` are text all the same (rule ``yaml_text``): readers of YAML 1.1 and 1.2 take them for
    different numbers. An anchor before text that nothing refers to (``&co and sons``) makes the result ambiguous.

    Args:
        text: what the model said.
        schema: JSON Schema that the value should satisfy, a type that has one, or ``None``.
        level: ``safe``, ``normal`` or ``salvage``.
        rules: rules of your own (``UserRule``), used where the standard reading does not hold.

    Raises:
        RepairError: no reading at this level, or a limit was hit (``limit``).
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind.
    """
    check_arguments(text, level)
    judge = judge_for(schema := json_schema(schema))
    with collector_paused(len(text)):
        return with_rules(text, rules, level, lambda source: _read(source, schema, judge, level))


def _read(text: str, schema: Any, judge: Judge, level: Level) -> Repaired[Any]:
    if len(text) > _SIZE:
        raise RepairError(f"the text has {len(text)} characters, more than {_SIZE}", limit="size")
    reads = Reads()
    fenced = next(fences(text), None) is not None
    failure: NotYaml | None = None
    if not fenced:
        try:
            document = reads.document(text)
        except NotYaml as error:
            failure = error
            if error.harmful or (error.off and schema is None):
                raise _unreadable(text, level, error) from None
        else:
            root = document.root
            value = None if root is None else root.data()
            if root is not None and judge.accepts(value):
                tabbed = _TABBED.search(text) is not None
                if schema is None and not _meant_otherwise(text, root):
                    return _as_text(text, value, root, tabbed or bool(document.idle))
                if schema is not None and not document.idle:
                    return Repaired(value, text, ambiguous=tabbed)
    task = Task(judge, SchemaView.of(schema if schema is not None else {}), level, reads)
    ways = [way for way in readings(text, task, fenced) if all(allowed(change.rule, level) for change in way.changes)]
    if not ways:
        raise _unreadable(text, level, failure)
    ways.sort(key=lambda found: (found.faults, found.cost))
    best = ways[0]
    if best.faults:
        what = "the text was read as YAML, but every reading is"
        repaired = apply_edits(text, best.changes)
        raise against_schema(
            text, what, judge, best.value, lambda path: offset_in(read_nodes(repaired), path, best.changes)
        )
    if schema is None:
        best = _with_texts(text, best, reads)
    elif best.changes and not best.doubtful and has_near(best.value, task.view):
        best = replace(best, doubtful=True)
    return _repaired(text, best, ways[1:])


def _repaired(text: str, best: Reading, others: list[Reading]) -> Repaired[Any]:
    margin = math.inf
    kept: list[Repaired[Any]] = []
    for other in others:
        if other.value != best.value and not any(other.value == one.value for one in kept):
            if other.faults == best.faults:
                margin = min(margin, other.cost - best.cost)
            kept.append(_one(text, other, math.inf, ()))
    return _one(text, best, margin, tuple(kept[:8]))


def _one(text: str, reading: Reading, margin: float, others: tuple[Repaired[Any], ...]) -> Repaired[Any]:
    return Repaired(
        reading.value,
        apply_edits(text, reading.changes),
        locate(text, reading.changes),
        confidence(sum(change.cost for change in reading.changes), margin),
        reading.complete,
        others,
        reading.doubtful or _TABBED.search(text) is not None,
    )


def _unreadable(text: str, level: Level, failure: NotYaml | None) -> RepairError:
    if failure is None:
        return unreadable_as("YAML", text, level, 1, 1)
    return unreadable_as("YAML", text, level, failure.line, failure.column, str(failure))


def _with_texts(text: str, reading: Reading, reads: Reads) -> Reading:
    """A reading in which the numbers that readers disagree on are texts, as they are in the standard one."""
    middle = apply_edits(text, reading.changes)
    root = reads.document(middle).root
    more = [] if root is None else disputed(middle, root)
    if not more:
        return reading
    changes = tuple(compose(text, reading.changes, more))
    return replace(reading, changes=changes, value=read_yaml(apply_edits(text, changes)))


def _as_text(text: str, value: Any, root: Node, ambiguous: bool) -> Repaired[Any]:
    """The standard reading, but for the numbers that readers disagree on."""
    changes = disputed(text, root)
    if not changes:
        return Repaired(value, text, ambiguous=ambiguous)
    result = apply_edits(text, changes)
    sure = confidence(changes[0].cost, math.inf)
    return Repaired(read_yaml(result), result, locate(text, changes), sure, ambiguous=ambiguous)


def _meant_otherwise(text: str, root: Node) -> bool:
    """Whether YAML reads as one text what was meant as a list (numbered lines) or as assignments."""
    if root.kind == "scalar":
        return root.plain and _ASSIGNMENTS.fullmatch(text[root.start : root.end]) is not None
    todo = [root]
    while todo:
        node = todo.pop()
        todo += node.items
        if node.plain and isinstance(node.value, str) and NUMBERED.fullmatch(text[node.start : node.end]):
            return True
    return False
