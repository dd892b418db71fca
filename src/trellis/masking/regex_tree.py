"""Regular expressions as trees: what has to be rewritten before prioritised threads can match them.

A loop of CPython ends after an iteration that matched nothing, which a loop of threads cannot express, so loop bodies
that may be empty are split at their first empty way through. Lookaround of one character restricts the last character
of what stands before it, or the first of what follows, where that is certain: threads without conditions are cheaper.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

Ranges = tuple[tuple[int, int], ...]  # of code points, sorted, disjoint, not adjacent
LAST = 0x10FFFF


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set (not empty)."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Sequence:
    """One part after the other; without parts, the empty string."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One part or another, the first preferred; without parts, nothing at all."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """``body{minimum,maximum}``."""

    body: Node
    minimum: int
    maximum: int | None
    greedy: bool


@dataclass(frozen=True, slots=True)
class Look:
    """The empty string where ``body`` matches from here on, or ends here; where it does not, when negative."""

    body: Node
    behind: bool
    negative: bool


@dataclass(frozen=True, slots=True)
class Atomic:
    """The most preferred match of ``body`` and no other."""

    body: Node


@dataclass(frozen=True, slots=True)
class Boundary:
    """``\\b`` (``\\B`` when negative), until it is known what stands beside it."""

    word: Ranges
    negative: bool


Node = Chars | Sequence | Choice | Loop | Look | Atomic | Boundary
EMPTY, NOTHING = Sequence(()), Choice(())


# Loops over what may be empty ------------------------------------------------------------------------------------

def nullable(node: Node) -> bool:
    """Whether a tree matches the empty string."""
    match node:
        case Sequence(parts):
            return all(nullable(part) for part in parts)
        case Choice(parts):
            return any(nullable(part) for part in parts)
        case Loop(body, minimum, _, _):
            return minimum == 0 or nullable(body)
        case Atomic(body):
            return nullable(body)
        case Look() | Boundary():
            return True
    return False


def looks_around(node: Node) -> bool:
    """Whether there is a lookaround or an atomic group in a tree."""
    match node:
        case Sequence(parts) | Choice(parts):
            return any(looks_around(part) for part in parts)
        case Loop(body, _, _, _):
            return looks_around(body)
    return not isinstance(node, Chars)


def zero_width(node: Node) -> bool:
    """Whether a tree consists of lookarounds alone and so never matches any character itself."""
    match node:
        case Sequence(parts) | Choice(parts):
            return all(zero_width(part) for part in parts)
        case Loop(body, _, _, _) | Atomic(body):
            return zero_width(body)
    return isinstance(node, Look | Boundary)


def choice(*parts: Node) -> Node:
    """One of several ways, without those that match nothing."""
    kept = tuple(part for part in parts if part != NOTHING)
    return kept[0] if len(kept) == 1 else Choice(kept)


def _then(first: Node, second: Node) -> Node:
    if NOTHING in (first, second):
        return NOTHING
    return second if first == EMPTY else first if second == EMPTY else Sequence((first, second))


def split(node: Node) -> tuple[Node, bool, Node]:
    """(ways through that are not empty before the first empty one, whether there is one, those after it), in order.

    With ``x`` being ``before | (nothing) | after``, CPython's ``x*`` is ``before* (after before*)*?``.
    """
    if not nullable(node):
        return node, False, NOTHING
    match node:
        case Sequence(parts):
            before: Node = NOTHING
            after: Node = NOTHING
            for part in reversed(parts):
                part_before, _, part_after = split(part)
                rest = choice(before, EMPTY, after)
                before, after = (choice(_then(part_before, rest), before), choice(after, _then(part_after, rest)))
            return before, True, after
        case Choice(parts):
            befores: list[Node] = []
            afters: list[Node] = []
            target = befores
            for part in parts:
                part_before, null, part_after = split(part)
                target.append(part_before)
                if null:
                    target = afters
                target.append(part_after)
            return choice(*befores), True, choice(*afters)
        case Loop(body, _, maximum, greedy):  # minimum is 0: the body is not nullable
            more = _then(body, Loop(body, 0, None if maximum is None else maximum - 1, greedy)) \
                if maximum is None or maximum > 1 else body if maximum == 1 else NOTHING
            return (more, True, NOTHING) if greedy else (NOTHING, True, more)
    return node, False, NOTHING


# Word boundaries ---------------------------------------------------------------------------------------------------

def edge(parts: Iterable[Node], last: bool) -> Ranges | None:
    """The characters that a sequence may begin with (or end with, ``last``); None when it may be empty."""
    found: list[Ranges] = []
    work = list(parts)
    work = work if last else work[::-1]  # the next one to look at is the last
    while work:
        node = work.pop()
        match node:
            case Chars(ranges):
                return union([*found, ranges])
            case Sequence(inner):
                work += inner if last else inner[::-1]
            case Choice(branches):
                ways = [edge((*work, branch) if last else (branch, *work[::-1]), last) for branch in branches]
                return None if None in ways else union([*found, *(way for way in ways if way is not None)])
            case Loop(body, minimum, maximum, _):  # the body is not nullable
                around = edge((body,), last) if maximum != 0 else ()
                if around is None:
                    return None
                found.append(around)
                if minimum > 0:
                    return union(found)
            case Atomic(body):
                work.append(body)
    return None


def resolve(boundary: Boundary, before: Ranges | None, after: Ranges | None) -> Node:
    """A word boundary as lookarounds, given the characters that may stand beside it (None: unknown)."""
    word, chars = boundary.word, Chars(boundary.word)
    inside = boundary.negative
    for beside, behind in ((before, False), (after, True)):
        if beside is not None and (within(beside, word) or within(beside, complement(word))):
            return Look(chars, behind, within(beside, word) != inside)
    return Choice((Sequence((Look(chars, True, False), Look(chars, False, not inside))),
                   Sequence((Look(chars, True, True), Look(chars, False, inside)))))


# Lookaround of one character -------------------------------------------------------------------------------------

def ending_in(parts: list[Node], allowed: Ranges) -> list[Node] | None:
    """The ways through a sequence that end with one of some characters, in order of preference.

    None when that cannot be told here: the last character may stand before the sequence, or is deep inside a part.
    """
    if not parts:
        return None
    *front, last = parts
    if isinstance(last, Chars):
        return [*front, _only(last, allowed)]
    if isinstance(last, Sequence):
        return ending_in([*front, *last.parts], allowed)
    if isinstance(last, Look):
        restricted = ending_in(front, allowed)
        return None if restricted is None else [*restricted, last]
    if isinstance(last, Choice) and not nullable(last):
        branches = [ending_in([branch], allowed) for branch in last.parts]
        return None if None in branches else [*front, Choice(tuple(Sequence(tuple(branch)) for branch in branches
                                                                   if branch is not None))]
    if not isinstance(last, Loop) or not isinstance(last.body, Chars) or last.maximum == 0:
        return None
    fewer = Loop(last.body, max(last.minimum - 1, 0), None if last.maximum is None else last.maximum - 1, last.greedy)
    some = Sequence((fewer, _only(last.body, allowed)))
    if last.minimum > 0:
        return [*front, some]
    none = ending_in(front, allowed)  # the loop is left at once
    if none is None:
        return None
    if none == front:
        return [*front, Choice((some, EMPTY) if last.greedy else (EMPTY, some))]
    return [*front, some] if NOTHING in none else None


def beginning_in(parts: tuple[Node, ...], allowed: Ranges) -> Node | None:
    """The ways through a sequence that begin with one of some characters, in order of preference.

    None when the sequence may be empty: the first character may then stand behind it.
    """
    if not parts:
        return None
    first, rest = parts[0], parts[1:]
    match first:
        case Chars():
            return Sequence((_only(first, allowed), *rest))
        case Sequence(inner):
            return beginning_in((*inner, *rest), allowed)
        case Look():
            restricted = beginning_in(rest, allowed)
            return None if restricted is None else Sequence((first, restricted))
        case Choice(branches):
            ways = [beginning_in((branch, *rest), allowed) for branch in branches]
            return None if None in ways else choice(*(way for way in ways if way is not None))
        case Loop(body, minimum, maximum, greedy):  # the body is not nullable
            again = Loop(body, max(minimum - 1, 0), None if maximum is None else maximum - 1, greedy)
            enter = beginning_in((body, again, *rest), allowed) if maximum != 0 else NOTHING
            leave = beginning_in(rest, allowed) if minimum == 0 else NOTHING
            if enter is None or leave is None:
                return None
            return choice(enter, leave) if greedy else choice(leave, enter)
    return None


def within(ranges: Ranges, others: Ranges) -> bool:
    """Whether all code points are among some others."""
    return union([ranges, others]) == others


def _only(chars: Chars, allowed: Ranges) -> Node:
    kept = complement(union([complement(chars.ranges), complement(allowed)]))
    return Chars(kept) if kept else NOTHING


def size(node: Node, limit: int) -> int:
    """How many nodes, counted up to a limit."""
    count, work = 0, [node]
    while work and count < limit:
        count += 1
        match work.pop():
            case Sequence(parts) | Choice(parts):
                work += parts
            case Loop(body, _, _, _) | Look(body, _, _) | Atomic(body):
                work.append(body)
    return count


# Sets of code points ---------------------------------------------------------------------------------------------

def union(parts: Iterable[Iterable[tuple[int, int]]]) -> Ranges:
    """The code points of any of the parts."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for part in parts for pair in part):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """All other code points."""
    result, at = [], 0
    for low, high in ranges:
        if low > at:
            result.append((at, low - 1))
        at = high + 1
    return (*result, (at, LAST)) if at <= LAST else tuple(result)
