"""Patterns with assertions (lookahead, lookbehind, word boundaries, anchors anywhere) as deterministic automata.

The pattern becomes a network of states; a *thread* is a state with what it has promised about the text to come. A
promise is a set of threads of its own, of the expression in the lookahead, and whether it has to be found or not (the
alternating automata of Chandra, Kozen and Stockmeyer, "Alternation", 1981; promises nest no deeper than lookaheads
do, so there is an end of them). What lookbehind asks for is searched for all along. A state of the automaton is all
threads at once; only what is reached is made.
"""

from __future__ import annotations

from typing import NamedTuple

from trellis.errors import LimitError
from trellis.schema import clock
from trellis.schema.languages import Trimmer, classes_of
from trellis.schema.minimal import minimal
from trellis.schema.patterns import (
    ANYTHING,
    WORD,
    Anchor,
    Automaton,
    Boundary,
    Chars,
    Choice,
    Look,
    Node,
    Ranges,
    Repeat,
    Sequence,
)

MAX_NODES = 4_000  # states of the network
MAX_STATES = 3_000
MAX_EDGES = 20_000

_Thread = tuple[int, frozenset["_Promise"]]
_Promise = tuple[bool, frozenset[_Thread]]  # whether it must not be found, and how far the search for it is
_Threads = frozenset[_Thread]
_NOBODY: _Threads = frozenset()
_NOTHING: frozenset[_Promise] = frozenset()


class _Place(NamedTuple):
    """What is known of a place in the text."""

    first: bool  # nothing stands before
    behind: bool  # a letter of a word does
    ahead: bool | None  # whether one follows; None at the end
    ended: tuple[bool, ...] = ()  # which lookbehinds are found before it


class _State(NamedTuple):
    first: bool
    behind: bool
    searches: tuple[_Threads, ...]  # of the lookbehinds
    threads: _Threads | None  # None: found, whatever follows


def automaton_of(node: Node) -> Automaton:
    """The strings in which an expression is found.

    Raises:
        LimitError: there are too many states.
    """
    network = _Network()
    start = network.state()
    end = network.write(ANYTHING, start)
    end = network.write(node, end)
    network.done.add(end)
    return _Walk(network, start).automaton()


class _Network:
    """States with edges: silent ones, those that read a character, and those that assert something."""

    def __init__(self) -> None:
        self.silent: list[list[int]] = []
        self.reading: list[list[tuple[Ranges, int]]] = []
        self.asserting: list[list[tuple[Node, int, int]]] = []  # what, the start or number of the search, the target
        self.done: set[int] = set()
        self.behind: list[tuple[int, int]] = []  # start and end of what lookbehinds search for
        self.in_behind = False
        self.words = False

    def state(self) -> int:
        clock.spend()
        if len(self.silent) >= MAX_NODES:
            raise LimitError(f"a pattern with more than {MAX_NODES} positions is too large for a mask",
                             limit="positions")
        self.silent.append([])
        self.reading.append([])
        self.asserting.append([])
        return len(self.silent) - 1

    def write(self, node: Node, source: int) -> int:
        """The state behind a node."""
        match node:
            case Sequence(items):
                for item in items:
                    source = self.write(item, source)
                return source
            case Choice(options):
                target = self.state()
                for option in options:
                    self.silent[self.write(option, source)].append(target)
                return target
            case Repeat(item, minimum, maximum):
                return self.repeat(item, minimum, maximum, source)
            case Chars(ranges):
                target = self.state()
                self.reading[source].append((ranges, target))
                return target
        target = self.state()
        search = 0
        if isinstance(node, Look):
            search = self.ahead(node) if node.ahead else self.behind_of(node)
        self.words = self.words or isinstance(node, Boundary)
        self.asserting[source].append((node, search, target))
        return target

    def repeat(self, item: Node, minimum: int, maximum: int | None, source: int) -> int:
        for _ in range(minimum):
            source = self.write(item, source)
        if maximum is None:
            begin, target = self.state(), self.state()
            self.silent[source] += (begin, target)
            self.silent[self.write(item, begin)] += (begin, target)
            return target
        target = self.state()
        for _ in range(maximum - minimum):
            self.silent[source].append(target)
            source = self.write(item, source)
        self.silent[source].append(target)
        return target

    def ahead(self, node: Look) -> int:
        if self.in_behind:
            raise LimitError("lookahead in lookbehind is beyond masks", limit="lookaround")
        start = self.state()
        self.done.add(self.write(node.item, start))
        return start

    def behind_of(self, node: Look) -> int:
        outer, self.in_behind = self.in_behind, True
        start = self.state()
        end = self.write(node.item, self.write(ANYTHING, start))  # an inner one gets the smaller number
        self.in_behind = outer
        self.behind.append((start, end))
        return len(self.behind) - 1


class _Walk:
    def __init__(self, network: _Network, start: int) -> None:
        self.network, self.start = network, start
        self._closed: dict[tuple[_Threads, _Place], set[_Thread]] = {}
        self._advanced: dict[tuple[_Threads, _Place, int | None], _Threads | None] = {}
        sets = [ranges for row in network.reading for ranges, _ in row] + ([WORD] if network.words else [])
        self.classes = classes_of(sets, ())
        self.samples = [sample for _, sample in self.classes]
        self.in_words = [network.words and _has(WORD, sample) for sample in self.samples]
        self.readers = [[({i for i, sample in enumerate(self.samples) if _has(ranges, sample)}, target)
                         for ranges, target in row] for row in network.reading]

    def automaton(self) -> Automaton:
        first = _State(True, False, tuple(frozenset([(start, _NOTHING)]) for start, _ in self.network.behind),
                       frozenset([(self.start, _NOTHING)]))
        numbers, work = {first: 0}, [first]
        rows: list[list[tuple[int, tuple[int, ...]]]] = []
        for state in work:  # grows
            row: dict[int, list[int]] = {}
            for i in range(len(self.samples)):
                following = self.after(state, i)
                if following is None:
                    continue
                number = numbers.get(following)
                if number is None:
                    if len(numbers) >= MAX_STATES:
                        raise LimitError(f"a pattern with lookaround needs more than {MAX_STATES} states",
                                         limit="states")
                    number = numbers[following] = len(work)
                    work.append(following)
                row.setdefault(number, []).append(i)
            rows.append([(number, tuple(some)) for number, some in row.items()])
        accepting = [i for i, state in enumerate(work) if state.threads is None or self.advance(
            state.threads, self.place(state, None), None) is None]
        found = Trimmer(rows, [ranges for ranges, _ in self.classes]).automaton(accepting)
        least = Automaton(((),), frozenset()) if found is None else minimal(found)
        if sum(map(len, least.edges)) > MAX_EDGES:
            raise LimitError(f"a pattern with lookaround needs more than {MAX_EDGES} edges", limit="states")
        return least

    def after(self, state: _State, read: int) -> _State | None:
        """The state behind a character; None when nothing can be found from there."""
        if state.threads is None:
            return state
        place = self.place(state, self.in_words[read])
        threads = self.advance(state.threads, place, read)
        if threads is None:
            return _State(False, False, (), None)
        if not threads:
            return None
        searches = tuple(self.moved(self.closed(search, place), read) for search in state.searches)
        return _State(False, self.in_words[read], searches, threads)

    def place(self, state: _State, ahead: bool | None) -> _Place:
        """Where a state stands, by what follows."""
        place = _Place(state.first, state.behind, ahead)
        for search, (_, end) in zip(state.searches, self.network.behind, strict=True):
            found = any(at == end for at, _ in self.closed(search, place))
            place = place._replace(ended=(*place.ended, found))
        return place

    def closed(self, threads: _Threads, place: _Place) -> set[_Thread]:
        """Threads with all that they lead to without a character."""
        known = self._closed.get((threads, place))
        if known is not None:
            return known
        reached, work = set(threads), list(threads)
        while work:
            at, promises = work.pop()
            for target in self.network.silent[at]:
                self.reach((target, promises), reached, work)
            for what, search, target in self.network.asserting[at]:
                match what:
                    case Anchor(start):
                        holds = place.first if start else place.ahead is None
                    case Boundary(negated):
                        holds = (place.behind != bool(place.ahead)) != negated
                    case Look(_, True, negated):
                        promise: _Promise = (negated, frozenset([(search, _NOTHING)]))
                        self.reach((target, promises | {promise}), reached, work)
                        continue
                    case Look(_, _, negated):
                        holds = place.ended[search] != negated
                    case _:
                        raise AssertionError("no other node asserts anything")
                if holds:
                    self.reach((target, promises), reached, work)
        self._closed[threads, place] = reached
        return reached

    @staticmethod
    def reach(thread: _Thread, reached: set[_Thread], work: list[_Thread]) -> None:
        if thread not in reached:
            clock.spend()
            reached.add(thread)
            work.append(thread)

    def moved(self, threads: set[_Thread], read: int) -> _Threads:
        """Threads behind a character."""
        return frozenset((target, promises) for at, promises in threads
                         for readers, target in self.readers[at] if read in readers)

    def advance(self, threads: _Threads, place: _Place, read: int | None) -> _Threads | None:
        """Threads behind a character, or at the end of the text (None); None when what they search for is found,
        whatever follows. At the end none are left."""
        key = threads, place, read
        if key not in self._advanced:
            self._advanced[key] = self._advance(threads, place, read)
        return self._advanced[key]

    def _advance(self, threads: _Threads, place: _Place, read: int | None) -> _Threads | None:
        kept: dict[int, list[frozenset[_Promise]]] = {}
        for at, promises in self.closed(threads, place):
            open_ones = self.promised(promises, place, read)
            if open_ones is None:
                continue
            if at in self.network.done:
                if not open_ones:
                    return None
                kept.setdefault(at, []).append(open_ones)
            for readers, target in self.readers[at]:
                if read in readers:
                    kept.setdefault(target, []).append(open_ones)
        if read is None:
            return _NOBODY
        return frozenset((at, least) for at, some in kept.items() for least in some
                         if not any(other < least for other in some))

    def promised(self, promises: frozenset[_Promise], place: _Place, read: int | None) -> frozenset[_Promise] | None:
        """What is still open of some promises behind a character; None when one is broken."""
        left = set()
        for negated, search in promises:
            after = self.advance(search, place, read)
            if after:
                left.add((negated, after))
            elif (after is None) == negated:
                return None
        return frozenset(left)


def _has(ranges: Ranges, code: int) -> bool:
    return any(low <= code <= high for low, high in ranges)
