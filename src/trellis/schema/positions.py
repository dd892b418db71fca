"""Position automata of patterns (Glushkov, "The abstract theory of automata", 1961)."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from trellis.errors import LimitError
from trellis.schema.patterns import EVERYTHING, Automaton, Chars, Choice, Node, Pattern, Ranges, Repeat
from trellis.schema.patterns import Sequence as Seq

MAX_POSITIONS = 4_000  # of one pattern, its repetitions written out


class Positions(NamedTuple):
    """The position automaton of a node. A set of positions is an integer; position i is bit i."""

    ranges: tuple[Ranges, ...]  # what each position reads
    first: int
    last: int
    follow: tuple[int, ...]
    nullable: bool
    forever: int  # positions of a loop over anything at the very end: once there, the string is accepted


@lru_cache(maxsize=1024)
def positions_of(pattern: Pattern) -> Positions:
    """The position automaton of the strings that have a pattern.

    Raises:
        LimitError: it has too many positions.
    """
    if pattern.automaton is not None:
        return _edges_as_positions(pattern.automaton)
    reader = _Numbering()
    node = Choice(tuple(branch.whole() for branch in pattern.branches))
    nullable, first, last = reader.number(node)
    forever = 0
    for i, ranges in enumerate(reader.ranges):
        if ranges == EVERYTHING and last >> i & 1 and reader.follow[i] >> i & 1:
            forever |= 1 << i
    reader.follow[0] = first
    return Positions(tuple(reader.ranges), first, last, tuple(reader.follow), nullable, forever)


def _edges_as_positions(found: Automaton) -> Positions:
    """The position automaton of a deterministic one: its edges are the positions."""
    targets = [target for row in found.edges for _, target in row]
    leaving, number = [], 1
    for row in found.edges:
        leaving.append(((1 << len(row)) - 1) << number)
        number += len(row)
    ranges: list[Ranges] = [(), *(some for row in found.edges for some, _ in row)]
    last = sum(1 << i for i, target in enumerate(targets, 1) if target in found.accepting)
    forever = sum(1 << i for i, target in enumerate(targets, 1) if ranges[i] == EVERYTHING and last >> i & 1
                  and leaving[target] >> i & 1)
    return Positions(tuple(ranges), leaving[0], last, (leaving[0], *(leaving[target] for target in targets)),
                      0 in found.accepting, forever)


class _Numbering:
    """Numbers the positions of a node and finds which may follow which."""

    def __init__(self) -> None:
        self.ranges: list[Ranges] = [()]
        self.follow = [0]

    def number(self, node: Node) -> tuple[bool, int, int]:
        """Whether it matches the empty string, its first and its last positions."""
        match node:
            case Chars(ranges):
                if len(self.ranges) > MAX_POSITIONS:
                    raise LimitError(f"a pattern with more than {MAX_POSITIONS} positions is too large for a mask",
                                     limit="positions")
                self.ranges.append(ranges)
                self.follow.append(0)
                bit = 1 << len(self.ranges) - 1
                return False, bit, bit
            case Seq(items):
                return self.sequence([self.number(item) for item in items])
            case Choice(options):
                parts = [self.number(option) for option in options]
                first = last = 0
                for _, begin, end in parts:
                    first, last = first | begin, last | end
                return any(null for null, _, _ in parts), first, last
            case Repeat(item, minimum, maximum):
                return self.repeat(item, minimum, maximum)
        raise AssertionError("anchors are taken out before")

    def repeat(self, item: Node, minimum: int, maximum: int | None) -> tuple[bool, int, int]:
        if maximum is not None:
            parts = [self.number(item) for _ in range(minimum)]
            optional = (True, 0, 0)
            for null, first, last in reversed([self.number(item) for _ in range(maximum - minimum)]):
                _, begin, end = self.sequence([(null, first, last), optional])
                optional = (True, begin, end)
            return self.sequence([*parts, optional])
        parts = [self.number(item) for _ in range(max(minimum, 1))]
        null, first, last = parts[-1]
        self.link(last, first)
        parts[-1] = (null or minimum == 0, first, last)
        return self.sequence(parts)

    def sequence(self, parts: list[tuple[bool, int, int]]) -> tuple[bool, int, int]:
        nullable, first, last = True, 0, 0
        for null, begin, end in parts:
            self.link(last, begin)
            if nullable:
                first |= begin
            last = end | last if null else end
            nullable = nullable and null
        return nullable, first, last

    def link(self, sources: int, targets: int) -> None:
        while sources:
            low = sources & -sources
            self.follow[low.bit_length() - 1] |= targets
            sources ^= low
