"""Everything in a text that can be read as JSON: where it starts, and what it costs to read it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .edits import Change, apply_edits
from .extract import Region, answer_start, regions, sign_off
from .literals import python_changes
from .rules import Level, cost_of
from .scan import Scanner
from .schema_view import SchemaView
from .search import BRACKETS, Limits, Search
from .standard import DECODER, read_standard
from .state import Frame, Reading
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
_TRIES = 40  # failures after which a bracket must look like the beginning of data
_LIKELY = re.compile(r"[{\[]\s*(?:[\"'“‘`{\[\]}]|-?\d|[A-Za-z_$][\w$]*[\"']?\s*[:=]|true|false|null|None|True|False)")
_COMMENT = re.compile(r"//[^\n]*|/\*[^*]*\*/")
_ITEM = re.compile(r"\s*\{")
_TAIL = " \t\r\n;"  # what may stand behind a value without brackets
# A reading without these has found the end of the data.
_TO_THE_END = frozenset(
    {"missing_closer", "truncated_string", "unquoted_string", "missing_open_quote", "surplus_closer"}
)
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
    text: str, level: Level, limits: Limits, view: SchemaView | None, broken_at: int = -1
) -> Iterator[Candidate]:
    """Everything in the text that can be read, region by region; the same span is read once.

    Args:
        text: the whole input.
        level, limits, view: as for the search.
        broken_at: an offset at which the standard reader is known to fail, or -1.
    """
    seen: set[tuple[int, int]] = set()
    strict_ends: dict[int, int] = {}
    closed = False
    for region in regions(text):
        for candidate in _read_region(text, region, level, limits, view, strict_ends, broken_at):
            closed |= not any(change.rule in _TO_THE_END for change in candidate.changes)
            span = (candidate.start, candidate.end)
            if span in seen and not candidate.changes:
                continue
            seen.add(span)
            yield candidate
    begin = answer_start(text)
    if not closed and (end := sign_off(text, begin)) is not None:
        yield from _read_region(text, Region(begin, end, "whole"), level, limits, view, {}, broken_at)


def _read_region(
    text: str,
    region: Region,
    level: Level,
    limits: Limits,
    view: SchemaView | None,
    strict_ends: dict[int, int],
    broken_at: int,
) -> Iterator[Candidate]:
    position, end = region.start, region.end
    scanner = Scanner(text, end)
    budget = (end - position) // 8 + 20_000
    found, attempts, failures, broken = 0, 0, 0, False
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
        if failures > _TRIES and not _LIKELY.match(text, start, end):
            position = start + 1
            continue
        strict = strict_ends.get(start)
        if strict is None and start != broken_at:
            strict = _raw_decode(text, start, end)
        if strict is not None:
            strict_ends[start] = strict
            group = [Candidate(start, strict, (), 0.0, source=region.source)]
        elif python := python_changes(text, start, end) if (attempts := attempts + 1) < 8 else None:
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
        failures += not group
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
        work += search.made + (search.furthest - start) // 64 + 4
        if not skipping or not readings or not readings[0].used(BRACKETS):
            break
        if _lost_at_end(text, readings[0], search.root):
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


def _lost_at_end(text: str, reading: Reading, root: Frame | None) -> bool:
    """Whether the only brackets that were repaired are those that close the root at the end of the text.

    What the search skipped was whole then: a closer lost inside of an item of a list would have broken the item, and
    one lost inside of a member of an object would have left the lines of later members behind.
    """
    lost = [link.piece for link in reading.pieces() if link.piece.rule in BRACKETS]
    if root is None or len(lost) != 1 or not isinstance(lost[0], Change) or lost[0].rule != "missing_closer":
        return False
    if text[lost[0].start :].strip(_TAIL + ",`"):
        return False
    if root.kind == "[":
        return _ITEM.match(text, root.open + 1) is not None
    if root.member_indent is None:
        return False
    first = min(root.keys.values(), default=root.open)
    return text.count(text[first - root.member_indent - 1 : first + 1], root.open) == len(root.keys)


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
