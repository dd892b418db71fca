"""Everything in a text that can be read as JSON: where it starts, and what it costs to read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .edits import Change, apply_edits
from .extract import Region, regions
from .literals import python_changes
from .rules import Level, cost_of
from .scan import Scanner
from .schema_view import SchemaView
from .search import BRACKETS, Limits, Search
from .standard import DECODER, read_standard
from .state import Reading
from .strings import CLOSING

_BRACKET = re.compile(r"[{\[]")
_KINDS = {"{": "object", "[": "array"}
_DATA_LIKE = re.compile(r"[\"'“‘`]|[\w$]\s*:|[{\[]\s*[{\[]")
_ESCAPED = re.compile(r"[^{\[]{0,1000}[{\[][{\[\s]{0,100}\\\"|\s*\\\"")
_ESCAPE = re.compile(r"\\([\"\\/nrt])")
_ROOT_HEAD = re.compile(
    r"\s*(?:[\"'“‘`(]|[-+]?\.?\d|(?:true|false|null|none|nan|-?infinity|undefined)\s*\Z"
    r"|(?:new\s+)?[A-Za-z_][\w.]*\(\s*[\"'\d-][^()]*\)\s*;?\s*\Z)",
    re.I,
)
_COMMENT = re.compile(r"//[^\n]*|/\*[^*]*\*/")
_TAIL = " \t\r\n;"  # what may stand behind a value without brackets
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


def find_candidates(text: str, level: Level, limits: Limits, view: SchemaView | None) -> Iterator[Candidate]:
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
    found, attempts, broken = 0, 0, False
    head = _ROOT_HEAD.match(text, position, end)
    if head:
        start = len(text[position:end]) - len(text[position:end].lstrip()) + position
        group, work = _search(text, start, level, limits, region, view, scanner)
        budget -= work
        if region.source != "fence":
            group = [candidate for candidate in group if not text[candidate.end : end].strip(_TAIL)]
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
        elif (python := python_changes(text, start, end) if (attempts := attempts + 1) < 8 else None):
            stop, changes = python
            group = [Candidate(start, stop, tuple(changes), sum(c.cost for c in changes), source=region.source)]
        else:
            group, work = _search(text, start, level, limits, region, view, scanner)
            budget -= work
        if not group and _DATA_LIKE.search(text, start, min(end, start + 200)):
            broken = True  # what is found later may be a piece of it
        if broken:
            group = [replace(candidate, doubtful=True) for candidate in group]
        position = group[0].end if group else start + 1
        if group and strict is None and view is not None and view.types() and _KINDS[text[start]] not in view.types():
            position = start + 1  # what the schema wants may be inside of it
        found += bool(group)
        yield from group


def unescaped(text: str) -> Candidate | None:
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
        read_standard(apply_edits(text, changes))
    except ValueError:
        return None
    return Candidate(0, len(text), changes, price)


def _raw_decode(text: str, start: int, end: int) -> int | None:
    """Where a clean value ends that starts here, if nothing after it looks like a part of it."""
    try:
        _, stop = DECODER.raw_decode(text, start)
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
        if not skipping or not readings or not readings[0].used(BRACKETS) or _lost_at_end(text, readings[0]):
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


def _lost_at_end(text: str, reading: Reading) -> bool:
    """Whether the only bracket that was repaired is the one that closes a list of objects at the end of the text."""
    lost = [link.piece for link in reading.pieces() if link.piece.rule in BRACKETS]
    if len(lost) != 1 or not isinstance(lost[0], Change) or (lost[0].rule, lost[0].after) != ("missing_closer", "]"):
        return False
    return text[: lost[0].start].endswith("}") and not text[lost[0].start :].strip()


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
