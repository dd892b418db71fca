"""``repair_json``: the standard reading first, then the cheapest reading of what was found in the text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import RepairError, UsageError, shown
from .against import against_schema, offset_in
from .backslash import doubtful_escapes, with_doubts
from .candidates import Candidate, find_candidates, unescaped
from .coerce import DOUBTFUL, coercions, unwrapped
from .edits import Repaired, apply_edits, compose, locate
from .extract import answer_start, removal
from .judge import Judge, judge_for
from .nodes import read_nodes
from .rules import Level, allowed, cost_of
from .schema_view import SchemaView
from .search import Limits
from .standard import check_arguments, confidence, lexemes, read_standard, unreadable
from .strings import StringReading
from .user_rules import UserRule, with_rules

MOST_CANDIDATES = 8
_OPENED = re.compile(r"\A\s*\{\s*[\"'][^\"'\n]{1,80}[\"']\s*:")
_KEY_END = re.compile(r"[\"'”]\s*:")
_SOURCE = {"fence": 0.0, "whole": 0.3, "reasoning": 2.0}


def repair_json(
    text: str,
    schema: Mapping[str, Any] | bool | None = None,
    *,
    level: Level = "normal",
    limits: Limits | None = None,
    rules: Sequence[UserRule] = (),
) -> Repaired[Any]:
    """Read JSON out of text that should be JSON.

    If ``json.loads`` reads the text, and the schema (if given) accepts the value, nothing is changed. Otherwise the
    data is looked for (fences, tags, reasoning blocks, prose around it), read at the least cost, and returned with
    every change as an ``Edit``. ``NaN`` and ``Infinity`` are not JSON and become ``null`` (rule ``non_finite``);
    several values one after another become an array, unless the schema accepts only one of them.

    Args:
        text: what the model said.
        schema: JSON Schema that the value should satisfy, or ``None``.
        level: ``safe`` (only what loses and adds nothing), ``normal``, or ``salvage`` (also drops what has no place).
        limits: bounds on size, depth and steps.
        rules: rules of your own (``UserRule``), used where the standard reading does not hold.

    Raises:
        RepairError: the text cannot be read at this level (line, column, caret), the value is against the schema, or a
            limit was hit (``limit``).
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind.
    """
    check_arguments(text, level)
    bounds = Limits() if limits is None else limits
    if not isinstance(bounds, Limits):
        raise UsageError(f"limits={shown(limits)} is no Limits")
    judge = judge_for(schema)
    return with_rules(text, rules, level, lambda source: _read(source, schema, judge, level, bounds))


def _read(text: str, schema: Any, judge: Judge, level: Level, bounds: Limits) -> Repaired[Any]:
    if len(text) > bounds.size:
        raise RepairError(f"the text has {len(text)} characters, more than {bounds.size}", limit="size")
    try:
        value = read_standard(text)
    except ValueError:
        pass
    else:
        if judge.accepts(value):
            return with_doubts(value, text)
    view = SchemaView.of(schema) if schema is not None else None
    once = unescaped(text)
    results = [] if once is None else [(_result(text, once), once)]
    failure: RepairError | None = None
    for candidate in find_candidates(text, level, bounds, view):
        try:
            results.append(_fit(text, _result(text, candidate), candidate, judge, view, level))
        except ValueError:
            continue
        except RepairError as error:
            failure = error
    if view is not None and level != "safe" and not any(judge.accepts(result.value) for result, _ in results):
        results += _plain(text, judge, view, level)
    results = [item for item in results if all(allowed(edit.rule, level) for edit in item[0].edits)]
    if not results:
        if failure is not None:
            raise failure
        raise unreadable(text, level)
    return _best(text, results, judge, schema, level)


def _fit(
    text: str, result: Repaired[Any], candidate: Candidate, judge: Judge, view: SchemaView | None, level: Level
) -> tuple[Repaired[Any], Candidate]:
    """The result, coerced where it is against the schema and coercion helps."""
    if view is None or level == "safe" or judge.accepts(result.value):
        return result, candidate
    base = [*removal(text, 0, candidate.start), *candidate.changes, *removal(text, candidate.end, len(text))]
    best, best_faults = (result, candidate), judge.faults(result.value)
    for unwrap in ([], *unwrapped(result.text, view)):
        changes = compose(text, base, unwrap)
        for _ in range(2):
            current = apply_edits(text, changes)
            more = coercions(current, view, lexemes(text, changes))
            if not more:
                break
            changes = compose(text, changes, more)
        extra = sum(change.cost for change in changes) - sum(change.cost for change in base)
        inner = Candidate(
            0,
            len(text),
            tuple(changes),
            candidate.cost + extra,
            candidate.complete,
            candidate.doubtful or any(change.rule in DOUBTFUL for change in changes),
            candidate.source,
        )
        fitted = _result(text, inner)
        faults = judge.faults(fitted.value)
        if faults < best_faults:
            best, best_faults = (fitted, inner), faults
    return best


def _result(text: str, candidate: Candidate) -> Repaired[Any]:
    changes = [*removal(text, 0, candidate.start), *candidate.changes, *removal(text, candidate.end, len(text))]
    try:
        repaired = apply_edits(text, changes)
    except UsageError as error:
        raise ValueError(str(error)) from None  # changes that meet: no reading
    value = read_standard(repaired)
    edits = locate(text, changes)
    doubtful = candidate.doubtful or doubtful_escapes(text, changes)
    return Repaired(value, repaired, edits, confidence(candidate.cost, math.inf), candidate.complete, (), doubtful)


def _plain(text: str, judge: Judge, view: SchemaView, level: Level) -> list[tuple[Repaired[Any], Candidate]]:
    """The whole answer as one string, for a schema that wants a scalar."""
    if not _wants_scalar(view) or len(text) > 100_000:
        return []
    start = answer_start(text)
    start += len(text[start:]) - len(text[start:].lstrip())
    end = len(text.rstrip())
    if start >= end:
        return []
    cost = cost_of("unquoted_string")
    string = StringReading("unquoted_string", start, start, end, end, cost)
    candidate = Candidate(start, end, tuple(string.changes(text)), cost)
    fitted = _fit(text, _result(text, candidate), candidate, judge, view, level)
    return [fitted] if judge.accepts(fitted[0].value) else []


def _wants_scalar(view: SchemaView) -> bool:
    """Whether a scalar may stand here, or in a list or in the only member of an object here."""
    inner = [view]
    if "array" in view.types():
        inner.append(view.item(0))
    if len(names := view.names()) == 1:
        inner.append(view.member(*names))
    return any(part.types() - {"object", "array"} for part in inner)


def _mass(text: str, candidate: Candidate) -> float:
    """How much a span looks like data: quotes, colons and brackets, up to a bound."""
    span = text[candidate.start : min(candidate.end, candidate.start + 20_000)]
    return 0.4 * math.log2(1 + span.count('"') + span.count(":") + span.count("'")) + 0.25 * span[:1].count("{")


def _left_out(text: str, begin: int, candidate: Candidate) -> float:
    """What speaks against a piece of the answer if keys stand outside of it."""
    before = len(_KEY_END.findall(text, begin, max(begin, candidate.start)))
    inside = 2.5 if candidate.source == "fence" and _OPENED.search(text, begin, max(begin, candidate.start)) else 0.0
    return inside + 0.4 * min(6, before + len(_KEY_END.findall(text, candidate.end)))


def _best(
    text: str, results: list[tuple[Repaired[Any], Candidate]], judge: Judge, schema: Any, level: Level
) -> Repaired[Any]:
    """The best result; the schema counts first, then the cost, then the later one."""
    ranked = []
    begin = answer_start(text)
    for result, candidate in results:
        faults = judge.faults(result.value)
        score = candidate.cost + _SOURCE[candidate.source] - _mass(text, candidate) + _left_out(text, begin, candidate)
        ranked.append((faults, round(score, 3), -candidate.start, result, candidate))
    ranked.sort(key=lambda item: item[:3])
    faults, score, _, best, candidate = ranked[0]
    others: list[Repaired[Any]] = []
    margin = math.inf
    for other_faults, other_score, _, other, _ in ranked[1:]:
        if _same(other.value, best.value) or any(_same(other.value, kept.value) for kept in others):
            continue
        if other_faults == faults:
            margin = min(margin, other_score - score)
        if len(others) < MOST_CANDIDATES:
            others.append(other)
    if faults:
        what = "the text was read, but every reading is"
        raise against_schema(
            text, what, judge, best.value, lambda path: offset_in(read_nodes(best.text), path, best.edits)
        )
    doubtful = best.ambiguous or margin < 0.25
    if doubtful and level == "safe" and not all(allowed(edit.rule, level) for edit in best.edits):
        raise unreadable(text, level)
    return Repaired(
        best.value, best.text, best.edits, confidence(candidate.cost, margin), best.complete, tuple(others), doubtful
    )


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: ``1`` and ``True`` are not."""
    try:
        return a is b or (a == b and json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))
    except (RecursionError, ValueError):
        return False
