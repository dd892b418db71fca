"""Everything in a text that can be read as JSON: where it starts, and what it costs to read it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

from .edits import Change
from .extract import Region, answer_start, regions, sign_off
from .gaps import WS
from .literals import python_changes
from .rules import Level
from .scan import Scanner
from .schema_view import SchemaView
from .search import BRACKETS, EASY, NEAR, SCATTERED, Effort, Limits, Search
from .skip import AROUND, Skipper
from .standard import DECODER
from .strings import CLOSING

_BRACKET = re.compile(r"[{\[]")
_KINDS = {"{": "object", "[": "array"}
_DATA_LIKE = re.compile(r"[\"'“‘`]|[\w$]\s*:|[{\[]\s*[{\[]")
_ROOT_HEAD = re.compile(
    r"\s*(?:[\"'“‘`(]|[-+]?\.?\d|(?:true|false|null|none|nan|-?infinity|undefined)\s*\Z"
    r"|(?:new\s+)?[A-Za-z_][\w.]*\(\s*[\"'\d-][^()]*\)\s*;?\s*\Z)",
    re.I,
)
_LONG = 5_000  # characters of a text of which not all is read token by token
_VERY_LONG = 200_000  # characters of a text of which only readings are told that leave a doubt
_BREAKS = 16  # places with lost brackets around which all is read, before it is read everywhere
_DENSE = 4  # characters for each reading that was made, below which little can have been skipped
_MOST, _FEWEST = 64, 8  # readings of a region: the whole text is looked at once for each of them
_LOOKED_AT = 8_000_000  # characters that are looked at in all
_TRIES = 40  # failures after which a bracket must look like the beginning of data
_LIKELY = re.compile(r"[{\[]\s*(?:[\"'“‘`{\[\]}]|-?\d|[A-Za-z_$][\w$]*[\"']?\s*[:=]|true|false|null|None|True|False)")
_COMMENT = re.compile(r"//[^\n]*|/\*[^*]*\*/")
_TAIL = " \t\r\n;"  # what may stand behind a value without brackets
# A reading without these has found the end of the data.
_TO_THE_END = frozenset({"missing_closer", "missing_close_quote", "missing_open_quote", "missing_comma",
                         "surplus_closer", "truncated_string", "unquoted_string"})
_STRUCTURAL_TAIL = re.compile(r"(?:\s|//[^\n]*|/\*[^*]*\*/)*(?:[,}\]:{\[\"])")


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


def find_candidates(
    text: str,
    level: Level,
    limits: Limits,
    view: SchemaView | None,
    error: json.JSONDecodeError | None = None,
    effort: Effort = EASY,
) -> Iterator[Candidate]:
    """Everything in the text that can be read, region by region; the same span is read once.

    Args:
        text: the whole input.
        level, limits, view: as for the search.
        error: what the standard reader says of the text, if it was asked.
        effort: how wide the search is.
    """
    seen: set[tuple[int, int]] = set()
    strict_ends: dict[int, _Strict] = {}
    if error is not None:
        start = WS.match(text).end()  # type: ignore[union-attr]
        more = error.msg.startswith("Extra data")
        stop = start + len(text[start : error.pos].rstrip()) if more else error.pos
        strict_ends[start] = _Strict(stop, more and not _STRUCTURAL_TAIL.match(text, stop))
    closed = False
    for region in regions(text):
        for candidate in _read_region(text, region, level, limits, view, strict_ends, effort):
            wanted = view is None or not view.types() or _KINDS.get(text[candidate.start]) in view.types()
            closed |= wanted and not any(change.rule in _TO_THE_END for change in candidate.changes)
            span = (candidate.start, candidate.end)
            if span in seen and not candidate.changes:
                continue
            seen.add(span)
            yield candidate
    if not closed and (end := sign_off(text, begin := answer_start(text))) is not None:
        yield from _read_region(text, Region(begin, end, "whole"), level, limits, view, {}, effort)


def _read_region(
    text: str,
    region: Region,
    level: Level,
    limits: Limits,
    view: SchemaView | None,
    strict_ends: dict[int, _Strict],
    effort: Effort,
) -> Iterator[Candidate]:
    position, end = region.start, region.end
    scanner = Scanner(text, end)
    budget = (end - position) // 32 + 20_000
    found, attempts, failures, broken, reached = 0, 0, 0, False, region.start
    head = _ROOT_HEAD.match(text, position, end)
    if head:
        start = len(text[position:end]) - len(text[position:end].lstrip()) + position
        group, work = _search(text, start, level, limits, region, view, scanner, start, effort)
        budget -= work
        if region.source != "fence":
            group = [candidate for candidate in group if not text[candidate.end : end].strip(_TAIL)]
        if group:
            yield from group
            wanted = view is None or not view.types() or "string" in view.types() or text[start] not in CLOSING
            position = group[0].end if wanted else start + 1  # what the schema wants may be inside of it
    most = min(_MOST, max(_FEWEST, _LOOKED_AT // (len(text) + 1)))
    while budget > 0 and found < most:
        match = _BRACKET.search(text, position, end)
        if not match:
            return
        start = match.start()
        if failures > _TRIES and not _LIKELY.match(text, start, end):
            position = start + 1
            continue
        strict = strict_ends.get(start)
        if strict is None or strict.stop > end:
            strict = _raw_decode(text, start, end)
        if strict.whole:
            strict_ends[start] = strict
            group = [Candidate(start, strict.stop, (), 0.0, source=region.source)]
        elif python := python_changes(text, start, end) if (attempts := attempts + 1) < 8 else None:
            stop, changes = python
            group = [Candidate(start, stop, tuple(changes), sum(c.cost for c in changes), source=region.source)]
        else:
            group, work = _search(text, start, level, limits, region, view, scanner, strict.stop, effort)
            budget -= work
        if not group and _DATA_LIKE.search(text, start, min(end, start + 200)):
            broken = True  # what is found later may be a piece of it
        if found >= _FEWEST:  # second readings of a piece of what was read are told no more
            group = group[:1] + [candidate for candidate in group[1:] if candidate.end > reached]
        reached = max([reached, *(candidate.end for candidate in group)])
        if broken:
            group = [replace(candidate, doubtful=True) for candidate in group]
        position = _read_to(text, group, view) if group else start + 1
        if group and not strict.whole and view is not None and view.types() and _KINDS[text[start]] not in view.types():
            position = start + 1  # what the schema wants may be inside of it
        found += bool(group)
        failures += not group
        yield from group


def _read_to(text: str, group: list[Candidate], view: SchemaView | None) -> int:
    """Where readings of one piece end; where they take several values for one, each of those is looked at, too."""
    types = view.types() if view is not None else frozenset()
    listed = view.item(0).types() if view is not None and "array" in types else frozenset()
    within = text[group[0].start] == "[" and bool(listed) and "array" not in listed
    several = any(change.rule == "several_values" for change in group[0].changes)
    if several and types and ("array" not in types or within):
        return min(candidate.end for candidate in group)
    return group[0].end


class _Strict(NamedTuple):
    """What the standard reader makes of a value: where it stops, and whether it read the whole of it."""

    stop: int
    whole: bool


def _raw_decode(text: str, start: int, end: int) -> _Strict:
    """The standard reading of what starts here; it is not whole if what follows looks like a part of it."""
    try:
        _, stop = DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        return _Strict(min(error.pos, end), False)
    except (ValueError, RecursionError):
        return _Strict(start, False)
    return _Strict(min(stop, end), stop <= end and not _STRUCTURAL_TAIL.match(text, stop, end))


def _search(
    text: str,
    start: int,
    level: Level,
    limits: Limits,
    region: Region,
    view: SchemaView | None,
    scanner: Scanner,
    broken: int,
    effort: Effort,
) -> tuple[list[Candidate], int]:
    """Candidates that start at an offset, and what it cost to find them, in steps.

    In a long text all is read around ``broken``, where the standard reader stops. If brackets are repaired elsewhere,
    the search is made again with all read there as well.
    """
    work, breaks = 0, [broken]
    for most in (2, _BREAKS, -1):
        skipper = Skipper(text, start, scanner.end, breaks) if len(breaks) <= most and len(text) > _LONG else None
        search = Search(scanner, start, level, limits, view, skipper, effort)
        readings = search.run()
        work += search.made + search.dense.tokens // 4 + (search.furthest - start) // 64 + 4
        if search.lost > SCATTERED and not readings:
            readings = (search := Search(scanner, start, level, limits, view, None, effort)).run()
            work += search.made + search.dense.tokens // 4 + (search.furthest - start) // 64 + 4
            break
        if skipper is None or not readings or search.made * _DENSE > search.furthest - start:
            break
        lost = [link.piece.start for link in readings[0].pieces() if link.piece.rule in BRACKETS]
        elsewhere = [at for at in lost if all(abs(at - known) > AROUND // 2 for known in breaks)]
        if not elsewhere:
            break
        breaks += elsewhere
    group: list[Candidate] = []
    for reading in readings[: effort.told]:
        if group and reading.cost > group[0].cost + (effort.spread if len(text) < _VERY_LONG else NEAR):
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
        alone = not text[region.start : start].strip() and not text[end : region.end].strip()
        return candidate.cost <= (2.6 if alone and text[start] in CLOSING and candidate.complete else 1.2)
    if candidate.cost > 2.5 + tokens:
        return False
    whole = not _COMMENT.sub("", text[region.start : start]).strip() and not text[end : region.end].strip()
    return whole or region.source == "fence" or candidate.cost <= 0.5 or _DATA_LIKE.search(text, start, end) is not None
