"""Sets of strings as deterministic automata: patterns found and not found, lengths, and words left out, all at once.

Each pattern becomes a position automaton, a state of it a set of positions kept as the bits of an integer. Several of
them and a counter run side by side; only what is reached is made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache

from trellis.errors import LimitError
from trellis.schema import clock
from trellis.schema.patterns import LAST, Automaton, Edges, Ranges
from trellis.schema.positions import Positions, positions_of
from trellis.schema.shapes import Strings

MAX_STATES = 12_000
ENDLESS = 2**32 - 2
MAX_ASKED = 1_000  # states, to find out whether there are any strings


@lru_cache(maxsize=1024)
def automaton(strings: Strings) -> Automaton | None:
    """The automaton of some strings, or None when there are none.

    Raises:
        LimitError: it is too large.
    """
    found = partition((strings._replace(pointer=""),))
    return found.get(frozenset((0,)))


def _characters(low: int, high: int) -> int:
    """How many characters there are in a range: halves of surrogate pairs are none."""
    return high - low + 1 - max(min(high, 0xDFFF) - max(low, 0xD800) + 1, 0)


def number_of_words(found: Automaton) -> int:
    """How many strings an automaton has; ``ENDLESS`` when it has no end of them, one more when it has no end of them
    from any of its states."""
    following = [{target for _, target in row} for row in found.edges]
    back: list[list[int]] = [[] for _ in following]
    for state, targets in enumerate(following):
        for target in targets:
            back[target].append(state)
    left = [len(targets) for targets in following]  # from the ends towards the start; what is in a loop is left over
    order = [state for state, count in enumerate(left) if count == 0]
    words = [0] * len(following)
    for state in order:  # grows
        count = sum(_characters(low, high) * words[target] for ranges, target in found.edges[state]
                    for low, high in ranges)
        words[state] = min(count + (state in found.accepting), ENDLESS - 1)
        for before in back[state]:
            left[before] -= 1
            if not left[before]:
                order.append(before)
    if not order:
        return ENDLESS + 1
    return words[0] if left[0] == 0 else ENDLESS


def words_of(found: Automaton) -> tuple[str, ...]:
    """The strings of an automaton that has an end of them, in order."""
    words, work = [], [("", 0)]
    while work:
        word, state = work.pop()
        if state in found.accepting:
            words.append(word)
        work += [(word + chr(code), target) for ranges, target in found.edges[state]
                 for low, high in ranges for code in range(low, high + 1) if not 0xD800 <= code <= 0xDFFF]
    return tuple(sorted(words))


@lru_cache(maxsize=1024)
def is_empty(strings: Strings) -> bool:
    """Whether it is certain, without much work and whatever their lengths, that there are no such strings."""
    try:
        return not _Product((strings._replace(pointer="", minimum=0, maximum=None),), MAX_ASKED).explore()
    except LimitError as error:
        if clock.is_over(error):
            raise
        return False


@lru_cache(maxsize=1024)
def partition(languages: tuple[Strings, ...]) -> dict[frozenset[int], Automaton]:
    """All strings by the languages that they belong to (by index); classes without a string are left out.

    The strings of no language at all are a class as well.

    Raises:
        LimitError: the automata are too large.
    """
    return _Product(languages).explore()


_START = 1 << 0  # bit 0 stands for the place before the first position
_Row = list[tuple[int, tuple[int, ...]]]  # a next state, and the classes of code points that lead there
_State = tuple[tuple[int, ...], int, "str | None"]  # positions in each pattern, length, what a word begins with so far


class _Product:
    """The position automata of all patterns side by side, with the length and the beginning of a word."""

    def __init__(self, languages: tuple[Strings, ...], limit: int = MAX_STATES) -> None:
        self.languages, self.limit = languages, limit
        every = tuple(dict.fromkeys(pattern for one in languages for pattern in one.patterns + one.forbidden))
        self.machines = [positions_of(pattern.smaller or pattern) for pattern in every]
        index = {pattern: i for i, pattern in enumerate(every)}
        self.found = [[index[pattern] for pattern in one.patterns] for one in languages]
        self.lacking = [[index[pattern] for pattern in one.forbidden] for one in languages]
        self.words = sorted({word for one in languages for word in one.excluded})
        self.beginnings = {word[:i] for word in self.words for i in range(len(word) + 1)}
        self.classes = classes_of([ranges for it in self.machines for ranges in it.ranges[1:]], self.words)
        self.walker = _Walker(self.machines, [sample for _, sample in self.classes])
        self._fitting: dict[tuple[int, ...], frozenset[int]] = {}
        self.plain = not self.words and all(one.minimum == 0 and one.maximum is None for one in languages)
        self._moves: dict[tuple[int, ...], list[tuple[tuple[int, ...], tuple[int, ...]]]] = {}

    def explore(self) -> dict[frozenset[int], Automaton]:
        """The automaton of each class of strings."""
        one = len(self.languages) == 1
        longest = self.languages[0].maximum if one else None
        top = max((it.minimum if it.maximum is None else it.maximum + 1 for it in self.languages), default=0)
        start: _State = (tuple(_START for _ in self.machines), 0, "" if self.words else None)
        numbers = {start: 0}
        work = [start]
        rows: list[_Row] = []
        labels: list[frozenset[int]] = []
        for state in work:  # grows
            sets, length, word = state
            clock.spend(2)
            labels.append(self.label(sets, length, word))
            row: _Row = []
            rows.append(row)
            if longest is not None and length >= longest:
                continue
            longer = length + 1 if length < top else top
            for after, indices in self.moves(sets):
                for beginning, some in ((None, indices),) if word is None else self.ways(word, indices):
                    target = (after, longer, beginning)
                    number = numbers.get(target)
                    if number is None:
                        if len(numbers) >= self.limit:
                            raise LimitError(f"a string with these patterns and lengths needs more than {self.limit} "
                                             "states", limit="states")
                        number = numbers[target] = len(work)
                        work.append(target)
                    row.append((number, some))
        ranges = [ranges for ranges, _ in self.classes]
        by_label: dict[frozenset[int], list[int]] = {}
        for i, label in enumerate(labels):
            by_label.setdefault(label, []).append(i)
        wanted: Iterable[frozenset[int]] = [frozenset((0,))] if one else by_label
        trimmer = Trimmer(rows, ranges)
        return {name: made for name in wanted if (made := trimmer.automaton(by_label.get(name, []))) is not None}

    def label(self, sets: tuple[int, ...], length: int, word: str | None) -> frozenset[int]:
        """The languages that a string which ends here belongs to."""
        fitting = self._fitting.get(sets)
        if fitting is None:
            accepted = [bool(positions & machine.last or (positions & _START and machine.nullable))
                        for machine, positions in zip(self.machines, sets, strict=True)]
            fitting = self._fitting[sets] = frozenset([
                i for i in range(len(self.languages)) if all(accepted[it] for it in self.found[i])
                and not any(accepted[it] for it in self.lacking[i])])
        if self.plain:
            return fitting
        if not fitting:
            return fitting
        return frozenset(i for i in fitting if (it := self.languages[i]).minimum <= length and (
            it.maximum is None or length <= it.maximum) and (word is None or word not in it.excluded))

    def moves(self, sets: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Where each class of code points leads; without what leads out of the one language that is asked for."""
        found = self._moves.get(sets)
        if found is None:
            found = self.walker.moves(sets)
            if len(self.languages) == 1:
                found = [(after, indices) for after, indices in found if all(after[i] for i in self.found[0])
                         and not any(after[i] & self.machines[i].forever for i in self.lacking[0])]
            self._moves[sets] = found
        return found

    def ways(self, word: str, indices: tuple[int, ...]) -> Iterable[tuple[str | None, tuple[int, ...]]]:
        """The same, told apart by what the words begin with."""
        longer = {i: word + chr(self.classes[i][1]) for i in indices}
        others = tuple([i for i in indices if longer[i] not in self.beginnings])
        return [*([(None, others)] if others else []),
                *((longer[i], (i,)) for i in indices if longer[i] in self.beginnings)]


class _Walker:
    """Steps of several position automata at once."""

    def __init__(self, machines: Sequence[Positions], samples: list[int]) -> None:
        self._machines = machines
        self._readers = [_readers(machine, samples) for machine in machines]
        self._known: list[dict[int, list[int]]] = [{} for _ in machines]
        self._classes = range(len(samples))

    def moves(self, sets: tuple[int, ...]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Where each class of code points leads, as (sets of positions, classes)."""
        columns = [self._steps(i, positions) for i, positions in enumerate(sets)]
        grouped: dict[tuple[int, ...], list[int]] = {}
        for i, after in enumerate(zip(*columns, strict=True) if columns else [()] * len(self._classes)):
            grouped.setdefault(after, []).append(i)
        return [(after, tuple(indices)) for after, indices in grouped.items()]

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


def _readers(machine: Positions, samples: list[int]) -> list[int]:
    """For each code point the positions that read it."""
    alike: dict[Ranges, int] = {}
    for i, ranges in enumerate(machine.ranges[1:], 1):
        alike[ranges] = alike.get(ranges, 0) | 1 << i
    found = [0] * len(samples)
    for ranges, positions in alike.items():
        for i, sample in enumerate(samples):
            at = bisect_right(ranges, (sample, LAST)) - 1
            if at >= 0 and ranges[at][1] >= sample:
                found[i] |= positions
    return found


def classes_of(sets: list[Ranges], words: Sequence[str]) -> list[tuple[Ranges, int]]:
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


class Trimmer:
    """Cuts automata out of the states of a product: what is on a way from the start to an accepting state.

    Args:
        rows: where each state leads.
        ranges: the code points of each class.
    """

    def __init__(self, rows: list[_Row], ranges: list[Ranges]) -> None:
        self._rows, self._ranges = rows, ranges
        self._unions: dict[tuple[int, ...], Ranges] = {}
        self._back: list[list[int]] = [[] for _ in rows]
        for source, row in enumerate(rows):
            for target, _ in row:
                self._back[target].append(source)

    def automaton(self, accepting: Iterable[int]) -> Automaton | None:
        """The automaton of the strings that end in some states; None when there are none."""
        ends = set(accepting)
        good, work = set(ends), list(ends)
        while work:
            for source in self._back[work.pop()]:
                if source not in good:
                    good.add(source)
                    work.append(source)
        if 0 not in good:
            return None
        numbers, order = {0: 0}, [0]
        edges: list[Edges] = []
        for state in order:  # grows
            out = []
            for target, indices in self._rows[state]:  # no target is there twice
                if target in good:
                    number = numbers.get(target)
                    if number is None:
                        number = numbers[target] = len(order)
                        order.append(target)
                    out.append((self._unions.get(indices) or self._union(indices), number))
            edges.append(tuple(out))
        return Automaton(tuple(edges), frozenset([i for i, state in enumerate(order) if state in ends]))

    def _union(self, indices: tuple[int, ...]) -> Ranges:
        found = self._unions[indices] = _union([self._ranges[index] for index in indices])
        return found
