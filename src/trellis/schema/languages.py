"""Sets of strings as deterministic automata: patterns found and not found, lengths, and words left out, all at once.

Each pattern becomes a position automaton (Glushkov, "The abstract theory of automata", 1961), a state of it a set of
positions kept as the bits of an integer. Several of them and a counter run side by side; only what is reached is made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from trellis.errors import LimitError
from trellis.schema.patterns import EVERYTHING, LAST, Chars, Choice, Node, Pattern, Ranges, Repeat
from trellis.schema.patterns import Sequence as Seq
from trellis.schema.shapes import Strings

MAX_POSITIONS = 4_000  # of one pattern, its repetitions written out
MAX_STATES = 12_000
MAX_MINIMISED = 400

Edges = tuple[tuple[Ranges, int], ...]


class Automaton(NamedTuple):
    """A deterministic automaton over code points; it starts in state 0, and every state leads to an accepting one."""

    edges: tuple[Edges, ...]
    accepting: frozenset[int]


class _Positions(NamedTuple):
    """The position automaton of a node. A set of positions is an integer; position i is bit i."""

    ranges: tuple[Ranges, ...]  # what each position reads
    first: int
    last: int
    follow: tuple[int, ...]
    nullable: bool
    forever: int  # positions of a loop over anything at the very end: once there, the string is accepted


@lru_cache(maxsize=1024)
def automaton(strings: Strings) -> Automaton | None:
    """The automaton of some strings, or None when there are none.

    Raises:
        LimitError: it is too large.
    """
    found = partition((strings._replace(pointer=""),))
    return found.get(frozenset((0,)))


@lru_cache(maxsize=1024)
def partition(languages: tuple[Strings, ...]) -> dict[frozenset[int], Automaton]:
    """All strings by the languages that they belong to (by index); classes without a string are left out.

    The strings of no language at all are a class as well.

    Raises:
        LimitError: the automata are too large.
    """
    every = tuple(dict.fromkeys(pattern for one in languages for pattern in one.patterns + one.forbidden))
    machines = [_positions(pattern) for pattern in every]
    index = {pattern: i for i, pattern in enumerate(every)}
    words = sorted({word for one in languages for word in one.excluded})
    top = max((one.minimum if one.maximum is None else one.maximum + 1 for one in languages), default=0)

    def label(sets: tuple[int, ...], length: int, word: str | None) -> frozenset[int]:
        def belongs(one: Strings) -> bool:
            return (one.minimum <= length and (one.maximum is None or length <= one.maximum)
                    and all(_accepts(machines[index[p]], sets[index[p]]) for p in one.patterns)
                    and not any(_accepts(machines[index[p]], sets[index[p]]) for p in one.forbidden)
                    and word not in one.excluded)

        return frozenset(i for i, one in enumerate(languages) if belongs(one))

    only = languages[0] if len(languages) == 1 else None

    def dead(sets: tuple[int, ...], length: int) -> bool:
        """Whether the one language that is asked for cannot be reached any more."""
        return only is not None and (
            (only.maximum is not None and length > only.maximum) or any(not sets[index[p]] for p in only.patterns)
            or any(sets[index[p]] & machines[index[p]].forever for p in only.forbidden))

    return _explore(machines, words, top, label, dead, only is not None)


Label = Callable[[tuple[int, ...], int, "str | None"], frozenset[int]]
_START = 1 << 0  # bit 0 stands for the place before the first position


def _accepts(machine: _Positions, positions: int) -> bool:
    return bool(positions & machine.last) or (bool(positions & _START) and machine.nullable)


def _explore(machines: Sequence[_Positions], words: Sequence[str], top: int, label: Label,
             dead: Callable[[tuple[int, ...], int], bool], one: bool) -> dict[frozenset[int], Automaton]:
    classes = _classes([ranges for machine in machines for ranges in machine.ranges[1:]], words)
    walker = _Walker(machines, [sample for _, sample in classes])
    beginnings = {word[:i] for word in words for i in range(len(word) + 1)}
    start = (tuple(_START for _ in machines), 0, "" if words else None)
    numbers: dict[tuple[tuple[int, ...], int, str | None], int] = {start: 0}
    work = [start]
    edges: list[dict[int, list[int]]] = []
    labels: list[frozenset[int]] = []
    for state in work:  # grows
        sets, length, word = state
        labels.append(label(sets, length, word))
        out: dict[int, list[int]] = {}
        longer = min(length + 1, top)
        for after, indices in walker.moves(sets):
            if dead(after, length + 1):
                continue
            if word is None:
                ways: list[tuple[str | None, list[int]]] = [(None, indices)]
            else:
                ways = [(following if (following := word + chr(classes[i][1])) in beginnings else None, [i])
                        for i in indices]
            for beginning, some in ways:
                target = (after, longer, beginning)
                number = numbers.get(target)
                if number is None:
                    if len(numbers) >= MAX_STATES:
                        raise LimitError(f"a string with these patterns and lengths needs more than {MAX_STATES} "
                                         "states", limit="states")
                    number = numbers[target] = len(work)
                    work.append(target)
                out.setdefault(number, []).extend(some)
        edges.append(out)
    rows = [[(_union([classes[i][0] for i in indices]), target) for target, indices in out.items()] for out in edges]
    wanted: Iterable[frozenset[int]] = [frozenset((0,))] if one else dict.fromkeys(labels)
    return {name: made for name in wanted
            if (made := _trimmed(rows, {i for i, other in enumerate(labels) if other == name})) is not None}


class _Walker:
    """Steps of several position automata at once; what was asked before is known."""

    def __init__(self, machines: Sequence[_Positions], samples: list[int]) -> None:
        self._machines = machines
        self._readers = [[_reading(machine, sample) for sample in samples] for machine in machines]
        self._known: list[dict[int, list[int]]] = [{} for _ in machines]
        self._moves: dict[tuple[int, ...], list[tuple[tuple[int, ...], list[int]]]] = {}
        self._classes = range(len(samples))

    def moves(self, sets: tuple[int, ...]) -> list[tuple[tuple[int, ...], list[int]]]:
        """Where each class of code points leads, as (sets of positions, classes)."""
        found = self._moves.get(sets)
        if found is None:
            columns = [self._steps(i, positions) for i, positions in enumerate(sets)]
            grouped: dict[tuple[int, ...], list[int]] = {}
            for i in self._classes:
                grouped.setdefault(tuple(column[i] for column in columns), []).append(i)
            found = self._moves[sets] = list(grouped.items())
        return found

    def _steps(self, index: int, positions: int) -> list[int]:
        known = self._known[index].get(positions)
        if known is None:
            machine, reached, rest = self._machines[index], 0, positions
            while rest:
                low = rest & -rest
                reached |= machine.follow[low.bit_length() - 1]
                rest ^= low
            known = self._known[index][positions] = [
                step & machine.forever or step for step in (reached & readers for readers in self._readers[index])]
        return known


def _reading(machine: _Positions, sample: int) -> int:
    """The positions that read a code point."""
    found = 0
    for i, ranges in enumerate(machine.ranges[1:], 1):
        at = bisect_right(ranges, (sample, LAST)) - 1
        if at >= 0 and ranges[at][1] >= sample:
            found |= 1 << i
    return found


def _classes(sets: list[Ranges], words: Sequence[str]) -> list[tuple[Ranges, int]]:
    """Code points that no set tells apart, as ranges, each with one of them."""
    different = list(dict.fromkeys(sets)) + [((ord(c), ord(c)),) for c in sorted({c for word in words for c in word})]
    cuts = sorted({0} | {edge for ranges in different for low, high in ranges for edge in (low, high + 1)} - {LAST + 1})
    signatures = [0] * len(cuts)
    for bit, ranges in enumerate(different):
        for low, high in ranges:
            for i in range(bisect_right(cuts, low) - 1, len(cuts)):
                if cuts[i] > high:
                    break
                signatures[i] |= 1 << bit
    grouped: dict[int, list[tuple[int, int]]] = {}
    for i, signature in enumerate(signatures):
        grouped.setdefault(signature, []).append((cuts[i], (cuts[i + 1] if i + 1 < len(cuts) else LAST + 1) - 1))
    return [(tuple(ranges), ranges[0][0]) for ranges in grouped.values()]


def _union(parts: list[Ranges]) -> Ranges:
    merged: list[tuple[int, int]] = []
    for low, high in sorted(pair for part in parts for pair in part):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return tuple(merged)


def _trimmed(rows: Sequence[Sequence[tuple[Ranges, int]]], accepting: set[int]) -> Automaton | None:
    """Only what is on a way from the start to an accepting state, with equal states joined."""
    back: list[list[int]] = [[] for _ in rows]
    for source, row in enumerate(rows):
        for _, target in row:
            back[target].append(source)
    good, work = set(accepting), list(accepting)
    while work:
        for source in back[work.pop()]:
            if source not in good:
                good.add(source)
                work.append(source)
    if 0 not in good:
        return None
    same = _equal_states(rows, accepting, good) if len(good) <= MAX_MINIMISED else {state: state for state in good}
    numbers, order = {same[0]: 0}, [0]
    edges: list[Edges] = []
    for state in order:  # grows
        merged: dict[int, list[Ranges]] = {}
        for ranges, target in rows[state]:
            if target in good:
                merged.setdefault(same[target], []).append(ranges)
        for target in merged:
            if target not in numbers:
                numbers[target] = len(order)
                order.append(target)
        edges.append(tuple((_union(parts), numbers[target]) for target, parts in merged.items()))
    return Automaton(tuple(edges), frozenset(i for i, state in enumerate(order) if state in accepting))


def _equal_states(rows: Sequence[Sequence[tuple[Ranges, int]]], accepting: set[int],
                  good: set[int]) -> dict[int, int]:
    """For each state the least one that accepts the same strings (Moore's refinement of a partition)."""
    block: dict[int, int] = {state: state in accepting for state in good}
    count = len(set(block.values()))
    while True:
        seen: dict[Hashable, int] = {}
        finer: dict[int, int] = {}
        for state in good:
            outs: dict[int, list[Ranges]] = {}
            for ranges, target in rows[state]:
                if target in good:
                    outs.setdefault(block[target], []).append(ranges)
            key = (block[state], frozenset((to, _union(parts)) for to, parts in outs.items()))
            finer[state] = seen.setdefault(key, len(seen))
        block = finer
        if len(seen) == count:
            least: dict[int, int] = {}
            for state in sorted(good):
                least.setdefault(block[state], state)
            return {state: least[block[state]] for state in good}
        count = len(seen)


# Position automata ------------------------------------------------------------------------------------------------

@lru_cache(maxsize=1024)
def _positions(pattern: Pattern) -> _Positions:
    reader = _Numbering()
    node = Choice(tuple(branch.whole() for branch in pattern.branches))
    nullable, first, last = reader.number(node)
    forever = 0
    for i, ranges in enumerate(reader.ranges):
        if ranges == EVERYTHING and last >> i & 1 and reader.follow[i] >> i & 1:
            forever |= 1 << i
    reader.follow[0] = first
    return _Positions(tuple(reader.ranges), first, last, tuple(reader.follow), nullable, forever)


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
