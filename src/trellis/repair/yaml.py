"""``repair_yaml``: YAML 1.2 as ruamel.yaml reads it first, then the reading of damaged lines that suits the schema.

A text that is not YAML, or is YAML against the schema, is read by ``yaml_reader`` into changes; the standard reader
says what the changed text means; the result is coerced to the schema like JSON. The standard reading, coerced,
competes where there is one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ..errors import RepairError, UsageError
from .against import against_schema, offset_in
from .coerce import DOUBTFUL
from .edits import Change, Repaired, apply_edits, compose, locate
from .extract import fences, regions, removal
from .json import repair_json
from .judge import Judge, judge_for
from .nodes import Node
from .rules import Level, allowed, cost_of
from .schema_argument import SchemaLike, json_schema
from .schema_view import SchemaView
from .standard import check_arguments, confidence, lexemes, unreadable_as
from .user_rules import UserRule, with_rules
from .yaml_coerce import YamlCoercer, yaml_unwrapped
from .yaml_habits import habits
from .yaml_prefix import unescaped_html, unescaped_lines, unprefixed, untagged
from .yaml_quotes import python_inside
from .yaml_reader import LineReader
from .yaml_standard import Document, NotYaml, disputed, read_document, read_nodes, read_yaml, written_out

_SIZE = 2_000_000
_PASSES = 3
_TYPED = 0.75  # what the reading of lines may cost more than the standard one: comments against text, most of the time
_LISTED = 2.0  # what speaks against a standard reading that takes a numbered list for one text, or Python for YAML
_EARLIER = 3.0  # what speaks against data before a fence with data that the schema accepts, too
_IDLE = 2.0  # what speaks against an anchor before text that nothing refers to: ``&co and sons``
_TABBED = re.compile(r'"[^"\n]*(?<![A-Za-z])[A-Za-z]:\\[abefnrtv0N_]')  # ``"C:\temp"``, which has a tab in it
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u2060\ufffe\uffff]"
    "|(?m:^[ \t\u00a0\u3000]*[\u00a0\u3000]+)"
)
_NUMBERED = re.compile(r"1[.)] [^\n]*(?:\n[ \t]*\d{1,3}[.)] [^\n]*)+")
_ASSIGNMENTS = re.compile(r"[A-Za-z_][\w.-]* *(?:=>?|:=) *[^\n=]+(?:\n[ \t]*[A-Za-z_][\w.-]* *(?:=>?|:=) *[^\n=]+)*")
_COMMENT = re.compile(r"^[ \t]*#.*", re.M)
_SEPARATOR = re.compile(r"^(?:---|\.\.\.)(?=[ \t]*$|[ \t]+\S)[ \t]*", re.M)


class _Reads:
    """Standard readings, each text's done once."""

    def __init__(self) -> None:
        self._known: dict[str, Document | NotYaml] = {}

    def document(self, text: str) -> Document:
        """As ``read_document``."""
        found = self._known.get(text)
        if found is None:
            try:
                found = read_document(text)
            except NotYaml as error:
                found = error
            self._known[text] = found
        if isinstance(found, NotYaml):
            raise found.with_traceback(None)
        return found


@dataclass(frozen=True, slots=True)
class _Task:
    """What a text is read for."""

    judge: Judge
    view: SchemaView
    level: Level
    reads: _Reads


@dataclass(frozen=True, slots=True)
class _Reading:
    """A way to read the text: its changes in the whole input, its value, and what speaks against it."""

    changes: tuple[Change, ...]
    value: Any
    cost: float
    faults: int
    doubtful: bool = False
    complete: bool = True


def repair_yaml(
    text: str,
    schema: SchemaLike = None,
    *,
    level: Level = "normal",
    rules: Sequence[UserRule] = (),
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
    return with_rules(text, rules, level, lambda source: _read(source, schema, judge, level))


def _read(text: str, schema: Any, judge: Judge, level: Level) -> Repaired[Any]:
    if len(text) > _SIZE:
        raise RepairError(f"the text has {len(text)} characters, more than {_SIZE}", limit="size")
    reads = _Reads()
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
    task = _Task(judge, SchemaView.of(schema if schema is not None else {}), level, reads)
    readings = list(_readings(text, task, fenced))
    readings = [found for found in readings if all(allowed(change.rule, level) for change in found.changes)]
    if not readings:
        raise _unreadable(text, level, failure)
    readings.sort(key=lambda found: (found.faults, found.cost))
    best = readings[0]
    if best.faults:
        what = "the text was read as YAML, but every reading is"
        repaired = apply_edits(text, best.changes)
        raise against_schema(
            text, what, judge, best.value, lambda path: offset_in(read_nodes(repaired), path, best.changes)
        )
    return _repaired(text, best if schema is not None else _with_texts(text, best, reads), readings[1:])


def _repaired(text: str, best: _Reading, others: list[_Reading]) -> Repaired[Any]:
    margin = math.inf
    kept: list[Repaired[Any]] = []
    for other in others:
        if other.value != best.value and not any(other.value == one.value for one in kept):
            if other.faults == best.faults:
                margin = min(margin, other.cost - best.cost)
            kept.append(_one(text, other, math.inf, ()))
    return _one(text, best, margin, tuple(kept[:8]))


def _one(text: str, reading: _Reading, margin: float, others: tuple[Repaired[Any], ...]) -> Repaired[Any]:
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


def _with_texts(text: str, reading: _Reading, reads: _Reads) -> _Reading:
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
        if node.plain and isinstance(node.value, str) and _NUMBERED.fullmatch(text[node.start : node.end]):
            return True
    return False


def _readings(text: str, task: _Task, fenced: bool) -> Iterator[_Reading]:
    """Every way to read a piece of the text that may be the data."""
    spans = [(start, end) for start, end, _ in fences(text)] if fenced else []
    spans += [(region.start, region.end) for region in regions(text) if region.source == "whole"]
    accepted = False
    for start, end in dict.fromkeys(spans):
        end += 2 if text.startswith("\r\n", end) else text.startswith("\n", end)  # the last line's break is its own
        around = ([*removal(text, 0, start)], [*removal(text, end, len(text))])
        for found in _read_span(text[start:end], task):
            moved = [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in found.changes]
            changes = (*around[0], *moved, *around[1])
            if not _holds(text, changes, found.value, task):
                continue
            cost = found.cost + sum(c.cost for c in (*around[0], *around[1]))
            if task.view.types() and any(begin > start for begin, _ in spans):
                cost += _EARLIER
            yield _Reading(changes, found.value, cost, found.faults, found.doubtful, found.complete)
            accepted = accepted or not found.faults
        if accepted and not any(begin > start for begin, _ in spans):
            return


def _holds(text: str, changes: tuple[Change, ...], value: Any, task: _Task) -> bool:
    """Whether the standard reader reads the value, whatever was kept around it."""
    try:
        root = task.reads.document(apply_edits(text, changes)).root
        return bool((None if root is None else root.data()) == value)
    except ValueError:
        return False


def _read_span(text: str, task: _Task) -> Iterator[_Reading]:
    cleaning = tuple(
        Change(
            "control_character" if m.group() < " " or "\x7f" <= m.group() <= "\x9f" else "whitespace",
            m.start(),
            m.end(),
            " " * len(m.group()) if m.group()[-1] in "\u00a0\u3000" else "",
            0.1,
        )
        for m in _UNCLEAN.finditer(text)
    )
    clean = apply_edits(text, cleaning)
    bare = clean.lstrip()
    if not bare:
        return
    with suppress(NotYaml):
        otherwise = unescaped_html(text) or _NUMBERED.search(clean) or habits(clean, task.view).wraps or python_inside(clean)
        yield from _coerced(text, cleaning, task, _LISTED if otherwise else 0.0)
    if bare[0] in "{[":
        yield from _as_json(text, task)
    for removed in (*unprefixed(text), unescaped_lines(text), unescaped_html(text), untagged(text)):
        if removed:
            without = apply_edits(text, removed)
            with suppress(NotYaml):
                yield from _coerced(text, tuple(removed), task, 0.0)
            yield from _by_lines(text, without, tuple(removed), task)
    if unescaped_html(text):
        return
    for merged in [True, False] if len(_SEPARATOR.findall(clean)) else [True]:
        if merged:
            yield from _by_lines(text, clean, cleaning, task)
        else:
            yield from _documents(text, task)


def _by_lines(text: str, clean: str, cleaning: tuple[Change, ...], task: _Task) -> Iterator[_Reading]:
    reader = LineReader(clean, task.view, task.level)
    changes = reader.read()
    if reader.last_entry < 0:
        return
    try:
        first = tuple(compose(text, cleaning, changes))
        for found in _coerced(text, first, task, reader.cost - sum(c.cost for c in changes) - _TYPED):
            doubtful = reader.doubtful or found.doubtful
            yield _Reading(found.changes, found.value, found.cost, found.faults, doubtful, reader.complete)
    except (ValueError, UsageError):  # not YAML, or changes that contradict each other
        return


def _as_json(text: str, task: _Task) -> Iterator[_Reading]:
    """What starts with a bracket is JSON, and JSON is YAML."""
    try:
        result = repair_json(text, level=task.level)
    except RepairError as error:
        if error.limit:
            raise
        return
    changes = tuple(Change(edit.rule, edit.start, edit.end, edit.after, edit.cost) for edit in result.edits)
    try:
        yield from _coerced(text, changes, task, 0.0)
    except NotYaml:
        return


def _documents(text: str, task: _Task) -> Iterator[_Reading]:
    """Several documents: all of them as a list, or the last one that the schema accepts."""
    starts = [0, *(match.end() for match in _SEPARATOR.finditer(text))]
    ends = [*(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    found: list[tuple[int, int, _Reading]] = []
    for start, end in zip(starts, ends, strict=True):
        if _COMMENT.sub("", text[start:end]).strip():
            single = min(_one_document(text[start:end], task), key=lambda r: (r.faults, r.cost), default=None)
            if single is None:
                return
            found.append((start, end, single))
    if len(found) < 2:
        return
    for start, end, reading in reversed(found):
        if task.view.types() and not reading.faults:
            inner = [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in reading.changes]
            rule, cost = "several_values", cost_of("several_values")
            changes = (Change(rule, 0, start, "", cost), *inner, Change(rule, end, len(text), "", cost))
            yield _Reading(
                tuple(c for c in changes if c.end > c.start or c.after), reading.value, reading.cost + cost, 0
            )
            return
    values = [reading.value for _, _, reading in found]
    after = json.dumps(values, ensure_ascii=False)
    change = Change("several_values", 0, len(text), after, cost_of("several_values"))
    cost = change.cost + sum(reading.cost for _, _, reading in found) - (1.0 if not task.view.types() else 0.0)
    yield _Reading((change,), values, cost, task.judge.faults(values), any(reading.doubtful for _, _, reading in found))


def _one_document(text: str, task: _Task) -> Iterator[_Reading]:
    with suppress(NotYaml):
        document = task.reads.document(text)
        if document.root is not None and document.root.kind != "scalar" and not document.idle:
            value = document.root.data()
            if task.judge.accepts(value):
                yield _Reading((), value, -_TYPED, 0)
                return
    yield from _read_span(text, task)


def _coerced(text: str, changes: tuple[Change, ...], task: _Task, extra: float) -> Iterator[_Reading]:
    """The reading that changes make, and where the schema is against it, what coercion makes of that.

    Raises:
        NotYaml: the changed text is not YAML.
    """
    middle = apply_edits(text, changes)
    document = task.reads.document(middle)
    root = document.root
    if root is None or (root.kind == "scalar" and (not task.view.types() or not task.judge.accepts(root.data()))):
        return  # prose is a YAML scalar, too
    value = root.data()
    faults = task.judge.faults(value)
    extra += _IDLE * len(document.idle)
    yield _Reading(changes, value, extra + sum(c.cost for c in changes), faults)
    if not faults or task.level == "safe":
        return
    source, first = text, changes
    if document.aliases:  # what stands in several places is changed in each
        changes = tuple(compose(text, changes, written_out(middle, document)))
        middle = apply_edits(text, changes)
        root = task.reads.document(middle).root
        if root is None or root.data() != value:
            return
        source, first = middle, ()
    for unwrap in ([], *yaml_unwrapped(root, middle, task.view)):
        made = compose(source, first, unwrap)
        try:
            for _ in range(_PASSES):
                current = apply_edits(source, made)
                node = task.reads.document(current).root
                if node is None:
                    break
                coercer = YamlCoercer(current, lexemes(source, made))
                more = coercer.run(node, task.view)
                if not more:
                    break
                made = compose(source, made, more)
            node = task.reads.document(apply_edits(source, made)).root
        except ValueError:
            continue
        if node is not None:
            if source is not text:
                made = compose(text, changes, made)
            value = node.data()
            doubtful = any(c.rule in DOUBTFUL for c in made)
            yield _Reading(tuple(made), value, extra + sum(c.cost for c in made), task.judge.faults(value), doubtful)
