"""``repair_json``: the standard reading first, then the cheapest reading of what was found in the text."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import RepairError, UsageError
from .coerce import coercions, unwrapped
from .edits import Change, Repaired, apply_edits, compose, locate, place
from .extract import Region, answer_start, regions, removal
from .judge import Judge, judge_for
from .rules import LEVELS, Level, allowed, cost_of
from .scan import Scanner, StringReading
from .schema_view import SchemaView
from .search import BRACKETS, Limits, Search

MOST_CANDIDATES = 8
_BRACKET = re.compile(r"[{\[]")
_DATA_LIKE = re.compile(r"[\"'“‘`]|[\w$]\s*:|[{\[]\s*[{\[]")
_KEY_END = re.compile(r"[\"'”]\s*:")
_ESCAPED = re.compile(r"[^{\[]{0,1000}[{\[][{\[\s]{0,100}\\\"")
_ESCAPE = re.compile(r"\\([\"\\/nrt])")
_ROOT_HEAD = re.compile(r"\s*(?:[\"'“‘`(]|[-+.]?\d|(?:true|false|null|none|nan|-?infinity|undefined)\s*\Z)", re.I)
_STRUCTURAL_TAIL = re.compile(r"\s*(?:[,}\]:{\[\"])")


class _NotStandard(ValueError):
    pass


def _constant(name: str) -> Any:
    raise _NotStandard(name)


_DECODER = json.JSONDecoder(parse_constant=_constant)


def _standard(text: str) -> Any:
    """The standard reading; ``NaN`` and ``Infinity`` are not JSON.

    Raises:
        ValueError: the text is not JSON.
        RepairError: it is nested too deeply for the standard reader.
    """
    try:
        return _DECODER.decode(text)
    except RecursionError:
        raise RepairError(
            "the text is nested too deeply for the standard reader", line=1, column=1, source=text, limit="depth"
        ) from None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A piece of the text read as data: its changes, its cost, and what is known of it."""

    start: int
    end: int
    changes: tuple[Change, ...]
    cost: float
    complete: bool = True
    doubtful: bool = False
    source: str = "whole"


def repair_json(
    text: str, schema: Mapping[str, Any] | bool | None = None, *, level: Level = "normal", limits: Limits | None = None
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

    Raises:
        RepairError: the text cannot be read at this level (line, column, caret), the value is against the schema, or a
            limit was hit (``limit``).
        SchemaError: the schema is none.
        UsageError: an argument is of the wrong kind.
    """
    check_arguments(text, level)
    bounds = limits or Limits()
    judge = judge_for(schema)
    if len(text) > bounds.size:
        raise RepairError(f"the text has {len(text)} characters, more than {bounds.size}", limit="size")
    try:
        value = _standard(text)
    except ValueError:
        pass
    else:
        if judge.accepts(value):
            return Repaired(value, text)
    view = SchemaView.of(schema) if schema is not None else None
    once = _unescaped(text)
    results = [] if once is None else [(_result(text, once), once)]
    failure: RepairError | None = None
    for candidate in _candidates(text, level, bounds, view):
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
        raise _unreadable(text, level)
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
            more = coercions(current, view, _lexeme(text, changes))
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
            candidate.doubtful,
            candidate.source,
        )
        fitted = _result(text, inner)
        faults = judge.faults(fitted.value)
        if faults < best_faults:
            best, best_faults = (fitted, inner), faults
    return best


def _lexeme(text: str, changes: Sequence[Change]) -> Callable[[int, int], str]:
    """For spans of the repaired text: how they were written."""
    spans: dict[tuple[int, int], str] = {}
    shift = 0
    for change in changes:
        start = change.start + shift
        spans[start, start + len(change.after)] = text[change.start : change.end]
        shift += len(change.after) - (change.end - change.start)
    repaired = apply_edits(text, changes)
    return lambda start, end: spans.get((start, end), repaired[start:end])


def check_arguments(text: object, level: str) -> None:
    """Raise ``UsageError`` for a text that is no string or a level that is none."""
    if not isinstance(text, str):
        raise UsageError(f"text must be a string, not {type(text).__name__}", hint="decode bytes first")
    if level not in LEVELS:
        raise UsageError(f"no such level: {level!r}", hint=f"one of {', '.join(LEVELS)}")


def _unreadable(text: str, level: str) -> RepairError:
    try:
        _DECODER.decode(text)
        offset, what = 0, "no reading is accepted"
    except json.JSONDecodeError as error:
        offset, what = error.pos, error.msg
    except (ValueError, RecursionError) as error:
        offset, what = 0, str(error)
    line, column = place(text, offset)
    higher = LEVELS[LEVELS.index(level) + 1 :]
    return RepairError(
        f"no repair at level {level!r} reads this as JSON ({what})",
        line=line,
        column=column,
        source=text,
        hint=f"level={higher[0]!r} allows more" if higher else "ask the model again",
    )


def _unreadable_as(name: str, text: str, level: str, line: int, column: int, why: str = "") -> RepairError:
    return RepairError(
        f"no repair at level {level!r} reads this as {name}" + (f" ({why})" if why else ""),
        line=line,
        column=column,
        source=text,
    )


def _result(text: str, candidate: Candidate) -> Repaired[Any]:
    changes = [*removal(text, 0, candidate.start), *candidate.changes, *removal(text, candidate.end, len(text))]
    try:
        repaired = apply_edits(text, changes)
    except UsageError as error:
        raise ValueError(str(error)) from None  # changes that meet: no reading
    value = _standard(repaired)
    edits = locate(text, changes)
    return Repaired(
        value, repaired, edits, _confidence(candidate.cost, math.inf), candidate.complete, (), candidate.doubtful
    )


def _confidence(cost: float, margin: float) -> float:
    """1 without cost; falls with the cost of the edits and with a thin margin to the second-best reading."""
    sure = 1.0 / (1.0 + 0.08 * max(0.0, cost))
    return round(sure * (1.0 - 0.5 * math.exp(-2.0 * max(0.0, margin))), 4)


def _candidates(text: str, level: Level, limits: Limits, view: SchemaView | None) -> Iterator[Candidate]:
    """Everything in the text that can be read, region by region; the same span is read once."""
    seen: set[tuple[int, int]] = set()
    strict_ends: dict[int, int] = {}
    for region in regions(text):
        for candidate in _read_region(text, region, level, limits, view, strict_ends):
            span = (candidate.start, candidate.end)
            if span in seen and not candidate.changes:
                continue
            seen.add(span)
            yield candidate


def _read_region(
    text: str, region: Region, level: Level, limits: Limits, view: SchemaView | None, strict_ends: dict[int, int]
) -> Iterator[Candidate]:
    position, end = region.start, region.end
    scanner = Scanner(text, end)
    budget = 4 * (end - position) + 20_000
    found, broken = 0, False
    head = _ROOT_HEAD.match(text, position, end)
    if head:
        start = len(text[position:end]) - len(text[position:end].lstrip()) + position
        group, work = _search(text, start, level, limits, region, view, scanner)
        budget -= work
        group = [candidate for candidate in group if region.source == "fence" or not text[candidate.end : end].strip()]
        if group:
            yield from group
            position = group[0].end
    while budget > 0 and found < 64:
        match = _BRACKET.search(text, position, end)
        if not match:
            return
        start = match.start()
        strict = strict_ends.get(start) or _raw_decode(text, start, end)
        if strict is not None:
            strict_ends[start] = strict
            group = [Candidate(start, strict, (), 0.0, source=region.source)]
        else:
            group, work = _search(text, start, level, limits, region, view, scanner)
            budget -= work
        if not group and _DATA_LIKE.search(text, start, min(end, start + 200)):
            broken = True  # what is found later may be a piece of it
        if broken:
            group = [replace(candidate, doubtful=True) for candidate in group]
        position = group[0].end if group else start + 1
        found += bool(group)
        yield from group


def _unescaped(text: str) -> Candidate | None:
    """A document whose quotes are all escaped, as if it stood in a string: one level of escapes is taken off."""
    if not _ESCAPED.match(text):
        return None
    plain = {"n": "\n", "r": "\r", "t": "\t"}
    price = cost_of("escaped_quotes")
    changes = tuple(
        Change("escaped_quotes", m.start(), m.end(), plain.get(m.group(1), m.group(1)), 0.0 if i else price)
        for i, m in enumerate(_ESCAPE.finditer(text))
    )
    try:
        _standard(apply_edits(text, changes))
    except ValueError:
        return None
    return Candidate(0, len(text), changes, price)


def _plain(text: str, judge: Judge, view: SchemaView, level: Level) -> list[tuple[Repaired[Any], Candidate]]:
    """The whole answer as one string, for a schema that wants a scalar."""
    types = view.types()
    if not types or types <= {"object", "array"} or len(text) > 100_000:
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


def _raw_decode(text: str, start: int, end: int) -> int | None:
    """Where a clean value ends that starts here, if nothing after it looks like a part of it."""
    try:
        _, stop = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    if stop > end or _STRUCTURAL_TAIL.match(text, stop, end):
        return None
    return stop


def _search(
    text: str, start: int, level: Level, limits: Limits, region: Region, view: SchemaView | None, scanner: Scanner
) -> tuple[list[Candidate], int]:
    """Candidates that start at an offset, and what it cost to find them, in steps."""
    work = 0
    for skipping in (True, False):
        search = Search(scanner, start, level, limits, view, skipping and len(text) > 5_000)
        readings = search.run()
        work += search.steps + (search.furthest - start) // 4 + 16
        if not skipping or not readings or not readings[0].used(BRACKETS):
            break
    group: list[Candidate] = []
    for reading in readings[:6]:
        if group and reading.cost > group[0].cost + 1.5:
            break
        candidate = Candidate(
            start,
            reading.vstart,
            tuple(reading.changes(text)),
            reading.cost,
            reading.complete,
            reading.doubtful,
            region.source,
        )
        if level == "salvage" or _credible(text, candidate, reading.tokens, region):
            group.append(candidate)
    return group, work


def _credible(text: str, candidate: Candidate, tokens: int, region: Region) -> bool:
    """Whether a reading is worth its cost: it may cost one for each clean token, and some on top."""
    start, end = candidate.start, candidate.end
    first = candidate.changes[0] if candidate.changes and candidate.changes[0].start == start else None
    if text[start] not in "{[(" and (first is None or first.after not in ("{", "[")):
        return candidate.cost <= 1.2  # a string or another scalar
    if candidate.cost > 2.5 + tokens:
        return False
    whole = not text[region.start : start].strip() and not text[end : region.end].strip()
    return whole or region.source == "fence" or candidate.cost <= 0.5 or _DATA_LIKE.search(text, start, end) is not None


def _mass(text: str, candidate: Candidate) -> float:
    """How much a span looks like data: quotes, colons and brackets, up to a bound."""
    span = text[candidate.start : min(candidate.end, candidate.start + 20_000)]
    return 0.4 * math.log2(1 + span.count('"') + span.count(":") + span.count("'")) + 0.25 * span[:1].count("{")


def _left_out(text: str, begin: int, candidate: Candidate) -> float:
    """What speaks against a piece of the answer if keys stand outside of it."""
    before = len(_KEY_END.findall(text, begin, max(begin, candidate.start)))
    return 0.4 * min(6, before + len(_KEY_END.findall(text, candidate.end)))


_SOURCE = {"fence": 0.0, "whole": 0.3, "reasoning": 2.0}


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
        line, column = place(text, candidate.start)
        raise RepairError(
            f"the text was read, but every reading is against the schema: {judge.fault(best.value)}",
            line=line,
            column=column,
            source=text,
        )
    doubtful = best.ambiguous or margin < 0.25
    if doubtful and level == "safe" and not all(allowed(edit.rule, level) for edit in best.edits):
        raise _unreadable(text, level)
    return Repaired(
        best.value, best.text, best.edits, _confidence(candidate.cost, margin), best.complete, tuple(others), doubtful
    )


def _same(a: Any, b: Any) -> bool:
    """Equal as JSON: ``1`` and ``True`` are not."""
    try:
        return a is b or (a == b and json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True))
    except (RecursionError, ValueError):
        return False
