"""Patterns as syntax trees: regular expressions over code points that search, as the ``pattern`` keyword does.

Without ``^`` and ``$`` anything may stand before and after. ``pattern_reader`` makes them from their source.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

Ranges = tuple[tuple[int, int], ...]  # sorted, disjoint, not touching; code points, both ends included

LAST = 0x10FFFF
EVERYTHING: Ranges = ((0, LAST),)
WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))

Edges = tuple[tuple[Ranges, int], ...]


class Automaton(NamedTuple):
    """A deterministic automaton over code points; it starts in state 0, and every state leads to an accepting one."""

    edges: tuple[Edges, ...]
    accepting: frozenset[int]

    def accepts(self, text: str) -> bool:
        """Whether a string is one of the automaton's."""
        state: int | None = 0
        for code in map(ord, text):
            state = next((target for ranges, target in self.edges[state or 0]
                          if any(low <= code <= high for low, high in ranges)), None)
            if state is None:
                return False
        return state in self.accepting

    def lengths(self) -> tuple[int, int | None]:
        """The least and the greatest length of its strings (None: no bound)."""
        level, low, length = {0}, None, 0
        while level:
            if length > len(self.edges):
                return low or 0, None
            if not level.isdisjoint(self.accepting):
                low, high = length if low is None else low, length
            level, length = {target for state in level for _, target in self.edges[state]}, length + 1
        return (0, 0) if low is None else (low, high)


class Chars(NamedTuple):
    """One code point out of a set."""

    ranges: Ranges


class Sequence(NamedTuple):
    """One node after the other; the empty sequence is the empty string."""

    items: tuple[Node, ...]


class Choice(NamedTuple):
    """One of several nodes."""

    options: tuple[Node, ...]


class Repeat(NamedTuple):
    """A node, ``minimum`` to ``maximum`` times (None: no upper bound)."""

    item: Node
    minimum: int
    maximum: int | None


class Anchor(NamedTuple):
    """``^`` or ``$``; only while reading, a finished pattern holds none of the nodes that assert something."""

    start: bool


class Boundary(NamedTuple):
    """``\\b``, or ``\\B``: an end of a word, or none."""

    negated: bool


class Look(NamedTuple):
    """What has to follow or to come before, or must not."""

    item: Node
    ahead: bool
    negated: bool


Node = Chars | Sequence | Choice | Repeat | Anchor | Boundary | Look
EMPTY = Sequence(())
ANYTHING = Repeat(Chars(EVERYTHING), 0, None)


class Branch(NamedTuple):
    """One alternative of a pattern: what has to be found, and whether it is bound to the start and the end."""

    at_start: bool
    node: Node
    at_end: bool

    def whole(self) -> Sequence:
        """The node that the whole string has to be."""
        items = self.node.items if isinstance(self.node, Sequence) else (self.node,)
        return Sequence((() if self.at_start else (ANYTHING,)) + items + (() if self.at_end else (ANYTHING,)))


class Pattern(NamedTuple):
    """A pattern that was read: its source, and its alternatives with the anchors taken out; or, where it asserts more
    than they can say, the automaton of the strings that have it, and no alternatives.

    Attributes:
        format: the format that its strings have, if any (see ``formats.counterpart``).
        is_wider: whether strings without the format have the pattern, too, but none with it lacks it.
        smaller: a narrower pattern that makes a smaller automaton, for where one is needed.
    """

    source: str
    branches: tuple[Branch, ...]
    automaton: Automaton | None = None
    format: str = ""
    is_wider: bool = False
    smaller: Pattern | None = None

    def matches(self, text: str) -> bool:
        """Whether the pattern is found in the text."""
        if self.automaton is not None:
            return self.automaton.accepts(text)
        return _compiled(self).search(text) is not None

    def python(self) -> str:
        """The same pattern in Python's syntax, to search with; ``re`` and ``regex`` read it alike, without flags. Only
        for patterns without an automaton."""
        parts = [(r"\A" if branch.at_start else "") + _python(branch.node) + (r"\Z" if branch.at_end else "")
                 for branch in self.branches]
        return "|".join(f"(?:{part})" for part in parts)

    def is_total(self) -> bool:
        """Whether every string has the pattern, because the empty string is found at an end of it."""
        if self.automaton is not None:
            return self.automaton == Automaton((((EVERYTHING, 0),),), frozenset([0]))
        return any(not (branch.at_start and branch.at_end) and _is_nullable(branch.node) for branch in self.branches)

    def lengths(self) -> tuple[int, int | None]:
        """The least and the greatest length in code points of a string with the pattern (None: no bound)."""
        if self.automaton is not None:
            return self.automaton.lengths()
        return lengths(Choice(tuple(branch.whole() for branch in self.branches)))


def lengths(node: Node) -> tuple[int, int | None]:
    """The least and the greatest number of code points that a node matches (None: no bound)."""
    match node:
        case Chars():
            return 1, 1
        case Anchor() | Boundary() | Look():
            return 0, 0
        case Sequence(items):
            parts = [lengths(item) for item in items]
            most = [high for _, high in parts]
            return sum(low for low, _ in parts), None if None in most else sum(high or 0 for high in most)
        case Choice(options):
            parts = [lengths(option) for option in options]
            most = [high for _, high in parts]
            return min(low for low, _ in parts), None if None in most else max(high or 0 for high in most)
        case Repeat(item, minimum, maximum):
            low, high = lengths(item)
            if maximum == 0 or high == 0:
                return 0, 0
            return low * minimum, None if maximum is None or high is None else high * maximum


def _is_nullable(node: Node) -> bool:
    return lengths(node)[0] == 0


def normal_ranges(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Ranges in any order as sorted ranges that neither overlap nor touch."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def complement(ranges: Ranges) -> Ranges:
    """Every code point that is in none of the ranges."""
    out, start = [], 0
    for low, high in ranges:
        if start < low:
            out.append((start, low - 1))
        start = high + 1
    return tuple(out) + (((start, LAST),) if start <= LAST else ())


@lru_cache(maxsize=1024)
def _compiled(pattern: Pattern) -> re.Pattern[str]:
    return re.compile(pattern.python())


def _python(node: Node) -> str:
    """The same node in Python's syntax, written so that no flag or Unicode rule changes its meaning."""
    match node:
        case Chars(ranges):
            inner = "".join(rf"\U{low:08x}-\U{high:08x}" for low, high in ranges)
            return f"[{inner}]" if ranges else "(?!)"
        case Sequence(items):
            return "".join(map(_python, items))
        case Choice(options):
            return f"(?:{'|'.join(map(_python, options))})"
        case Repeat(item, minimum, maximum):
            return f"(?:{_python(item)}){{{minimum},{'' if maximum is None else maximum}}}"
        case Anchor() | Boundary() | Look():
            raise AssertionError("what asserts something is taken out before")
