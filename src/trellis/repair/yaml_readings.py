"""Every way to read a text that should be YAML: each place where the data may be, each way to mend it.

The standard reading, the reading of lines, of JSON, of several documents, and what is left when marks before the lines
are taken off; each is coerced to the schema where that is against it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from ..errors import RepairError, UsageError
from .coerce import DOUBTFUL
from .edits import Change, apply_edits, compose
from .extract import fences, regions, removal
from .json import repair_json
from .judge import ItemJudge, Judge, ListJudge
from .rules import Level, cost_of
from .schema_view import SchemaView
from .standard import lexemes
from .yaml_coerce import YamlCoercer, yaml_unwrapped
from .yaml_habits import Habits, habits
from .yaml_prefix import (
    unescaped_html,
    unescaped_lines,
    unescaped_quotes,
    unnumbered,
    unprefixed,
    unquoted_whole,
    untabled,
    untagged,
)
from .yaml_quotes import python_inside
from .yaml_reader import LineReader
from .yaml_standard import Document, NotYaml, read_document, written_out

_PASSES = 3
_SEVERAL = 64  # documents, more than which are not read one by one
_MANY, _LONG = 16, 4000  # spans and characters around them, from which on what is around is not told apart
_TYPED = 0.75  # what the reading of lines may cost more than the standard one: comments against text, most of the time
_LISTED = 2.0  # what speaks against a standard reading that takes a numbered list for one text, or Python for YAML
_HASH = re.compile(r"\w[ ]#\d+\b|\w[ ]#\w+[ ]\w")  # a number sign in words, with words behind it
_DOUBLY = re.compile(  # items with two marks
    r"^[ \t]*-[ ](?:1[.)]|\[[ xX]\])[ ]\S(?:.*\n){1,20}?[ \t]*-[ ](?:2[.)]|\[[ xX]\])[ ]\S", re.M
)
_EARLIER = 3.0  # what speaks against data before a fence with data that the schema accepts, too
_DRAFT = 12.0  # the same, where words between call the later data better
_IDLE = 2.0  # what speaks against an anchor before text that nothing refers to: ``&co and sons``
_UNCLEAN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b\u2060\ufffe\uffff]"
    "|(?<=[^\\s>])(?:</s>|<[|][\\w ]+[|]>)(?=\\s*\\Z)"
    "|(?m:^[ \t\u00a0\u2000-\u200a\u202f\u3000]*[\u00a0\u2000-\u200a\u202f\u3000]+)"
)
_CLOSING = re.compile(r"(?<=[^\s>])</([A-Za-z_][\w-]*)>\s*\Z")  # a closing tag right behind the data
_BROKEN = re.compile(  # line breaks are escaped, all of them
    r"\A\s*(?:- |\S[^\n:]{0,60}: ).*\\n[ ]*(?:- |[\w-]+:(?: |\\n))[^\n]*\s*\Z"
)
_BULLETED = re.compile(  # items whose marks are none of YAML
    r"^[ \t]*(?:([\u00b7\u2022\u2023\u25e6\u25cf\u25aa\u2013]) |-(?=[^\s\d>-]))\S.*\n[ \t]*(?:\1 |-)\S", re.M
)
_BETTER = re.compile(
    r"\b(?:correct(?:ed|ion|ing)|final|revised|updated?|fixed|improved|instead|actually|mistake|endg\u00fcltig|korrigiert"
    r"|corrig\w+|definitiv\w+)\b",
    re.I,
)
_JSON_BELOW = re.compile(r"(?:[^\n]*\n){1,4}?[{\[]")  # behind some lines of words
_COMMENT = re.compile(r"^[ \t]*#.*", re.M)
_MARGIN = re.compile("^", re.M)
_SEPARATOR = re.compile(r"^(?:---|\.\.\.)(?=[ \t]*$|[ \t]+\S)[ \t]*", re.M)
NUMBERED = re.compile(r"1[.)] [^\n]*(?:\n[ \t]*\d{1,3}[.)] [^\n]*)+")


class Reads:
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
class Task:
    """What a text is read for."""

    judge: Judge
    view: SchemaView
    level: Level
    reads: Reads


@dataclass(frozen=True, slots=True)
class Reading:
    """A way to read the text: its changes in the whole input, its value, and what speaks against it."""

    changes: tuple[Change, ...]
    value: Any
    cost: float
    faults: int
    doubtful: bool = False
    complete: bool = True


def readings(text: str, task: Task, fenced: bool) -> Iterator[Reading]:
    """Every way to read a piece of the text that may be the data."""
    spans = [(start, end) for start, end, _ in fences(text)] if fenced else []
    spans += [(region.start, region.end) for region in regions(text) if region.source == "whole"]
    accepted = False
    for start, end in dict.fromkeys(spans):
        end += 2 if text.startswith("\r\n", end) else text.startswith("\n", end)  # the last line's break is its own
        around: tuple[list[Change], list[Change]] | None = None
        for found in _read_span(text[start:end], task):
            around = around or (_removed(text, 0, start, spans), _removed(text, end, len(text), spans))
            moved = [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in found.changes]
            changes = (*around[0], *moved, *around[1])
            if not _holds(text, changes, found.value, task):
                continue
            cost = found.cost + sum(c.cost for c in (*around[0], *around[1]))
            if task.view.types() and any(begin > start for begin, _ in spans):
                cost += _DRAFT if _BETTER.search(text, end, _next(spans, start)) else _EARLIER
            elif fenced and end >= len(text) and start:  # not closed, so cut off
                cost += _EARLIER + 1.0
            yield Reading(changes, found.value, cost, found.faults, found.doubtful, found.complete)
            accepted = accepted or not found.faults
        if accepted and not any(begin > start for begin, _ in spans):
            return


def _next(spans: list[tuple[int, int]], start: int) -> int:
    """Where the next span begins."""
    return min(begin for begin, _ in spans if begin > start)


def _removed(text: str, start: int, end: int, spans: list[tuple[int, int]]) -> list[Change]:
    """What takes out the text around a span: one change where there are many spans, so that work stays in bounds."""
    if len(spans) < _MANY or end - start < _LONG:
        return removal(text, start, end)
    return [Change("prose", start, end, "", cost_of("prose"))]


def _holds(text: str, changes: tuple[Change, ...], value: Any, task: Task) -> bool:
    """Whether the standard reader reads the value, whatever was kept around it."""
    try:
        root = task.reads.document(apply_edits(text, changes)).root
        return bool((None if root is None else root.data()) == value)
    except ValueError:
        return False


def _read_span(text: str, task: Task) -> Iterator[Reading]:
    cleaning = tuple(
        Change(
            "tag" if m.group()[0] == "<" else "control_character" if _is_control(m.group()) else "whitespace",
            m.start(),
            m.end(),
            " " * len(m.group()) if m.group()[-1].isspace() and m.group()[-1] > "\x9f" else "",
            0.1,
        )
        for m in _UNCLEAN.finditer(text)
    )
    closing = _CLOSING.search(text)
    if closing is not None and re.search(rf"(?m)^[ \t]*<{re.escape(closing[1])}>[ \t]*$", text) is not None:
        cleaning = tuple(c for c in cleaning if c.end <= closing.start())
        cleaning += (Change("tag", closing.start(), len(text), "\n", cost_of("tag")),)
    clean = apply_edits(text, cleaning)
    bare = clean.lstrip()
    if not bare:
        return
    known = habits(clean, task.view)
    with suppress(NotYaml):
        meant = bool(unescaped_html(text) or _BROKEN.search(text) or NUMBERED.search(clean) or python_inside(clean))
        meant = meant or _BULLETED.search(clean) is not None or _HASH.search(clean) is not None
        meant = meant or _DOUBLY.search(clean) is not None
        meant = meant or bool(known.wraps) or known.halves > 1
        for found in _coerced(text, cleaning, task, _LISTED if meant else 0.0):
            yield replace(found, doubtful=found.doubtful or known.halves == 1)
    if bare[0] in "{[" or (task.view.types() and _JSON_BELOW.match(bare)):
        yield from _as_json(text, task)
    listed = task.view.types() == {"array"}
    escaped = (unquoted_whole(text) or unescaped_lines(text), unescaped_html(text), unescaped_quotes(text))
    names = task.view.names()
    marked = (untagged(text), unnumbered(text, names), untabled(text, names))
    for removed in (*unprefixed(text, listed), *escaped, *marked):
        if removed:
            without = apply_edits(text, removed)
            with suppress(NotYaml):
                halved = habits(without, task.view).halves > 1
                yield from _coerced(text, tuple(removed), task, _LISTED if halved else 0.0)
            yield from _by_lines(text, without, tuple(removed), task)
    if escaped[1] or escaped[2] or _BROKEN.search(text):
        return
    for merged in [True, False] if len(_SEPARATOR.findall(clean)) else [True]:
        if merged:
            yield from _by_lines(text, clean, cleaning, task, known)
        else:
            yield from _documents(text, task)


def _is_control(text: str) -> bool:
    return text < " " or "\x7f" <= text <= "\x9f"


def _by_lines(
    text: str, clean: str, cleaning: tuple[Change, ...], task: Task, known: Habits | None = None
) -> Iterator[Reading]:
    reader = LineReader(clean, task.view, task.level, known)
    changes = reader.read()
    if reader.last_entry < 0:
        return
    try:
        first = tuple(compose(text, cleaning, changes))
        for found in _coerced(text, first, task, reader.cost - sum(c.cost for c in changes) - _TYPED):
            doubtful = reader.doubtful or found.doubtful
            yield Reading(found.changes, found.value, found.cost, found.faults, doubtful, reader.complete)
    except (ValueError, UsageError):  # not YAML, or changes that contradict each other
        return


def _as_json(text: str, task: Task) -> Iterator[Reading]:
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


def _documents(text: str, task: Task) -> Iterator[Reading]:
    """Several documents: all of them as a list, or the last one that the schema accepts."""
    parts = [part.strip() for part in _SEPARATOR.split(text) if _COMMENT.sub("", part).strip()]
    if len(parts) > 1 and len(set(parts)) == 1:  # the same twice
        last = list(_SEPARATOR.finditer(text.rstrip().rstrip("-.").rstrip()))[-1].end()
        cut = Change("several_values", 0, last, "", cost_of("several_values"))
        for way in _one_document(text[last:], task):
            moved = (Change(c.rule, c.start + last, c.end + last, c.after, c.cost) for c in way.changes)
            yield Reading((cut, *moved), way.value, way.cost - 1.0, way.faults, way.doubtful, way.complete)
        return
    listed = list(_items(text, task))
    yield from listed
    if listed and len(parts) > _SEVERAL:
        return
    found = _each_document(text, task)
    if len(found) < 2:
        return
    for start, end, reading in reversed(found):
        if task.view.types() and not reading.faults:
            reading = _best_document(text[start:end], task) or reading
            inner = [Change(c.rule, c.start + start, c.end + start, c.after, c.cost) for c in reading.changes]
            rule, cost = "several_values", cost_of("several_values")
            changes = (Change(rule, 0, start, "", cost), *inner, Change(rule, end, len(text), "", cost))
            yield Reading(
                tuple(c for c in changes if c.end > c.start or c.after), reading.value, reading.cost + cost, 0
            )
            return
    values = [reading.value for _, _, reading in found]
    after = json.dumps(values, ensure_ascii=False)
    change = Change("several_values", 0, len(text), after, cost_of("several_values"))
    cost = change.cost + sum(reading.cost for _, _, reading in found) - (1.0 if not task.view.types() else 0.0)
    yield Reading((change,), values, cost, task.judge.faults(values), any(reading.doubtful for _, _, reading in found))


def _items(text: str, task: Task) -> Iterator[Reading]:
    """Several documents, each an item of the list that is due."""
    inner = task.view.item(0)
    if task.view.types() != {"array"} or inner.types() != {"object"}:
        return
    found = _each_document(text, Task(ItemJudge(task.judge), inner, task.level, task.reads))
    values = [reading.value for _, _, reading in found]
    if len(values) < 2 or not all(isinstance(value, dict) for value in values) or not task.judge.accepts(values):
        return
    change = Change("several_values", 0, len(text), json.dumps(values, ensure_ascii=False), cost_of("several_values"))
    cost = change.cost + sum(reading.cost for _, _, reading in found) - 1.0
    yield Reading((change,), values, cost, 0, any(reading.doubtful for _, _, reading in found))


def _each_document(text: str, task: Task) -> list[tuple[int, int, Reading]]:
    """The best reading of each document with its span; none if there are no two, or one cannot be read."""
    starts = [0, *(match.end() for match in _SEPARATOR.finditer(text))]
    ends = [*(match.start() for match in _SEPARATOR.finditer(text)), len(text)]
    spans = [(a, b) for a, b in zip(starts, ends, strict=True) if _COMMENT.sub("", text[a:b]).strip()]
    if len(spans) < 2:
        return []
    pieces = dict.fromkeys(text[start:end] for start, end in spans)
    known = {piece: _as_it_stands(piece, task) for piece in pieces}
    damaged = [piece for piece, reading in known.items() if reading is None]
    if len(damaged) > _SEVERAL:
        known |= _together(damaged, task)
    for piece in damaged:
        known[piece] = known[piece] or (_best_document(piece, task) if len(damaged) <= _SEVERAL else None)
        if known[piece] is None:
            return []
    return [(a, b, reading) for a, b in spans if (reading := known[text[a:b]]) is not None]


def _together(pieces: list[str], task: Task) -> dict[str, Reading | None]:
    """Very many damaged documents, read at once as the items of a list: one by one they take ten times as long.

    Of each the value is told, and its share of the cost; not its changes. None is read if one cannot be.
    """
    if any(_best_document(piece, task) is None for piece in (pieces[0], pieces[-1])):
        return {}
    items = "".join("-\n" + _MARGIN.sub("  ", piece.strip("\n")) + "\n" for piece in pieces)
    view = task.view.listed() if task.view.types() else task.view
    best = _best_document(items, Task(ListJudge(task.judge), view, task.level, task.reads))
    values = [] if best is None else best.value
    if best is None or not isinstance(values, list) or len(values) != len(pieces):
        return {}
    if not all(isinstance(value, dict | list) for value in values):
        return {}
    cost = (best.cost + _TYPED) / len(pieces) - _TYPED
    return {
        piece: Reading((), value, cost, task.judge.faults(value), best.doubtful)
        for piece, value in zip(pieces, values, strict=True)
    }


def _best_document(text: str, task: Task) -> Reading | None:
    return min(_one_document(text, task), key=lambda reading: (reading.faults, reading.cost), default=None)


def _one_document(text: str, task: Task) -> Iterator[Reading]:
    found = _as_it_stands(text, task)
    yield from [found] if found is not None else _read_span(text, task)


def _as_it_stands(text: str, task: Task) -> Reading | None:
    """The standard reading of a document, if that is acceptable."""
    with suppress(NotYaml):
        document = task.reads.document(text)
        if document.root is not None and document.root.kind != "scalar" and not document.idle:
            value = document.root.data()
            if task.judge.accepts(value):
                return Reading((), value, -_TYPED, 0)
    return None


def _coerced(text: str, changes: tuple[Change, ...], task: Task, extra: float) -> Iterator[Reading]:
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
    yield Reading(changes, value, extra + sum(c.cost for c in changes), faults)
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
            yield Reading(tuple(made), value, extra + sum(c.cost for c in made), task.judge.faults(value), doubtful)
