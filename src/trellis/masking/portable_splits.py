"""Whether every reader splits a text into the same lexemes, however it looks for them.

lark takes the match that a backtracking engine prefers, llguidance the longest one among all terminals that may come,
xgrammar tries every split. They agree where, at each end of a lexeme, what may follow cannot go on with it or with any
other lexeme that begins alike; and where the preferred match is the longest one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from trellis.errors import LimitError
from trellis.schema.languages import automaton
from trellis.schema.patterns import (
    EMPTY,
    Automaton,
    Branch,
    Chars,
    Choice,
    Node,
    Pattern,
    Ranges,
    Repeat,
    complement,
    normal_ranges,
)
from trellis.schema.patterns import Sequence as Seq
from trellis.schema.shapes import Strings

MAX_COUNT = 8  # repetitions beyond are loops, where only what may follow what matters
MAX_STATES = 20_000
MAX_NODES = 5_000
MAX_WRITTEN = 400  # nodes of an expression in which one way is open at a time


_Step = tuple[Ranges, int]  # a character, and the thread behind it
_Threads = list["_Step | list[int] | None"]  # a thread is a step, threads to try in this order, or the match


class Machine(NamedTuple):
    """An automaton of lexemes, and which terminals they belong to by the state where they end."""

    automaton: Automaton
    ends: Mapping[int, Sequence[int]]


def machine(node: Node, terminal: int) -> Machine:
    """The lexemes of a terminal, with large counts forgotten.

    Raises:
        LimitError: it is too large.
    """
    found = whole(_uncounted(node))
    return Machine(found, dict.fromkeys(found.accepting, (terminal,)))


def whole(node: Node) -> Automaton:
    """The automaton of exactly what a node matches."""
    found = automaton(Strings(patterns=(Pattern("", (Branch(True, node, True),)),)))
    assert found is not None, "a terminal of a program has some lexeme"
    return found


def trie(words: Mapping[int, str]) -> Machine:
    """The machine of many literal terminals."""
    children: list[dict[str, int]] = [{}]
    ends: dict[int, list[int]] = {}
    for terminal, word in words.items():
        state = 0
        for character in word:
            following = children[state].get(character)
            if following is None:
                following = children[state][character] = len(children)
                children.append({})
            state = following
        ends.setdefault(state, []).append(terminal)
    edges = tuple(tuple((((ord(character),) * 2,), target) for character, target in state.items())
                  for state in children)
    return Machine(Automaton(edges, frozenset(ends)), ends)


def _uncounted(node: Node) -> Node:
    match node:
        case Seq(items):
            return Seq(tuple(map(_uncounted, items)))
        case Choice(options):
            return Choice(tuple(map(_uncounted, options)))
        case Repeat(item, minimum, maximum):
            if max(minimum, maximum or 0) <= MAX_COUNT:
                return Repeat(_uncounted(item), minimum, maximum)
            return Repeat(_uncounted(item), min(minimum, 1), None)
    return node


def beginnings(found: Machine) -> dict[int, Ranges]:
    """The characters that the lexemes of each terminal begin with (of a trie: per terminal)."""
    edges = found.automaton.edges
    if len({terminal for ends in found.ends.values() for terminal in ends}) == 1:
        (terminal,) = {terminal for ends in found.ends.values() for terminal in ends}
        return {terminal: normal_ranges(pair for ranges, _ in edges[0] for pair in ranges)}
    begin: dict[int, Ranges] = {}
    for ranges, target in edges[0]:
        work = [target]
        while work:
            state = work.pop()
            begin |= dict.fromkeys(found.ends.get(state, ()), ranges)
            work += [following for _, following in edges[state]]
    return begin


def clash(machines: Sequence[Machine], follow: Mapping[int, Ranges]) -> tuple[int, int] | None:
    """Two terminals (or one, twice) of which the first may end where the second goes on; None when there are none.

    Args:
        follow: the characters that may come behind a lexeme of each terminal.

    Raises:
        LimitError: that takes too much work.
    """
    quoted = [_is_quoted(it.automaton) for it in machines]
    for i, ending in enumerate(machines):
        for j, going_on in enumerate(machines):
            if not (quoted[i] and quoted[j]) and (found := _clash(ending, going_on, follow)) is not None:
                return found
    return None


def _clash(ending: Machine, going_on: Machine, follow: Mapping[int, Ranges]) -> tuple[int, int] | None:
    left, right = ending.automaton.edges, going_on.automaton.edges
    seen, work = {(0, 0)}, [(0, 0)]
    while work:
        one, other = work.pop()
        for terminal in ending.ends.get(one, ()):
            for ranges, target in right[other]:
                if _meet(ranges, follow[terminal]):
                    return terminal, _some_end(going_on, target)
        for ranges, target in left[one]:
            for others, following in right[other]:
                if (target, following) not in seen and _meet(ranges, others):
                    seen.add((target, following))
                    work.append((target, following))
        if len(seen) > MAX_STATES:
            raise LimitError("two terminals are too large to be compared", limit="states")
    return None


def _some_end(found: Machine, state: int) -> int:
    work = [state]
    for state in work:  # grows; every state leads to an end
        if found.ends.get(state):
            return found.ends[state][0]
        work += [target for _, target in found.automaton.edges[state]]
    raise AssertionError("a state without an end")


def _meet(left: Ranges, right: Ranges) -> bool:
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i][1] < right[j][0]:
            i += 1
        elif right[j][1] < left[i][0]:
            j += 1
        else:
            return True
    return False


_PLAIN = Chars(complement(((0x22, 0x22), (0x5C, 0x5C))))
_QUOTED = whole(Seq((Chars(((0x22, 0x22),)), Repeat(Choice((
    _PLAIN, Seq((Chars(((0x5C, 0x5C),)), Chars(((0, 0x10FFFF),)))))), 0, None), Chars(((0x22, 0x22),)))))


def _is_quoted(found: Automaton) -> bool:
    """Whether all lexemes end at the first quotation mark behind the first that no backslash precedes."""
    seen, work = {(0, 0)}, [(0, 0)]
    while work:
        one, other = work.pop()
        if one in found.accepting and other not in _QUOTED.accepting:
            return False
        for ranges, target in found.edges[one]:
            left = ranges
            for others, following in _QUOTED.edges[other]:
                if _meet(ranges, others):
                    left = _less(left, others)
                    if (target, following) not in seen:
                        seen.add((target, following))
                        work.append((target, following))
            if left:
                return False
    return True


def _less(ranges: Ranges, taken: Ranges) -> Ranges:
    return complement(normal_ranges((*complement(ranges), *taken)))


# The preferred match --------------------------------------------------------------------------------------------------

def is_prefix_free(found: Automaton) -> bool:
    """Whether no lexeme begins with another."""
    return not any(found.edges[state] for state in found.accepting)


def prefers_longest(node: Node) -> bool:
    """Whether a backtracking engine, with greedy loops, finds the longest match of a node in every text.

    The threads of such an engine are run with and without those behind a match being given up: nothing may be lost.

    Raises:
        LimitError: the node is too large.
    """
    nodes: _Threads = [None]
    start = _threads(node, 0, nodes)
    samples = _samples(nodes)
    first = (_followed([start], nodes, cut=True), frozenset(_followed([start], nodes, cut=False)))
    seen, work = {first}, [first]
    while work:
        preferred, every = work.pop()
        if (0 in preferred) != (0 in every):
            return False
        for sample in samples:
            after = (_followed(_stepped(preferred, sample, nodes), nodes, cut=True),
                     frozenset(_followed(_stepped(every, sample, nodes), nodes, cut=False)))
            if after[1] and after not in seen:
                if len(seen) >= MAX_STATES:
                    raise LimitError("a terminal is too large to be compared", limit="states")
                seen.add(after)
                work.append(after)
    return True


def apart(node: Node, budget: int = 32) -> list[Node] | None:
    """Nodes that together match what a node does, each of which prefers the longest match; None when they are many.

    Raises:
        LimitError: the node is too large.
    """
    node = _settled(node)
    if prefers_longest(node):
        return [node]
    options: list[Node] = []
    if isinstance(node, Choice):
        options = list(node.options)
    elif isinstance(node, Seq):
        at, choice = next(((i, item) for i, item in enumerate(node.items) if isinstance(item, Choice)), (0, None))
        if choice is not None:
            options = [Seq((*node.items[:at], *_items(option), *node.items[at + 1 :])) for option in choice.options]
    found: list[Node] = []
    for option in options:
        parts = apart(option, budget - len(found)) if len(found) < budget else None
        if parts is None:
            return None
        found += parts
    return found or None


def _settled(node: Node) -> Node:
    """A node whose choices prefer the longest match, as far as they can be written so."""
    match node:
        case Seq(items):
            node = Seq(tuple(map(_settled, items)))
        case Repeat(item, minimum, maximum):
            node = Repeat(_settled(item), minimum, maximum)
        case Choice(options):
            node = Choice(tuple(map(_settled, options)))
            if not prefers_longest(node):
                return deterministic(whole(node)) or node
    return node


def _threads(node: Node, following: int, nodes: _Threads) -> int:
    """The number of the thread that matches a node and goes on."""
    if len(nodes) > MAX_NODES:
        raise LimitError("a terminal is too large to be compared", limit="nodes")
    match node:
        case Chars(ranges):
            nodes.append((ranges, following))
            return len(nodes) - 1
        case Seq(items):
            for item in reversed(items):
                following = _threads(item, following, nodes)
            return following
        case Choice(options):  # as it is written: the empty one last
            starts = [_threads(option, following, nodes) for option in sorted(options, key=_empty)]
            nodes.append(starts)
            return len(nodes) - 1
        case Repeat(item, minimum, maximum):
            at = following
            if maximum is None:
                loop: list[int] = []
                nodes.append(loop)
                at = len(nodes) - 1
                loop += [_threads(item, at, nodes), following]
            else:
                for _ in range(maximum - minimum):
                    nodes.append([_threads(item, at, nodes), following])
                    at = len(nodes) - 1
            for _ in range(minimum):
                at = _threads(item, at, nodes)
            return at
    raise AssertionError(node)


def _empty(node: Node) -> bool:
    return isinstance(node, Seq) and not node.items


def _followed(starts: Iterable[int], nodes: _Threads, cut: bool) -> tuple[int, ...]:
    """The steps that threads come to, most preferred first; those behind a match may be given up."""
    reached: list[int] = []
    seen: set[int] = set()
    work = list(starts)[::-1]
    while work:
        at = work.pop()
        if at in seen:
            continue
        seen.add(at)
        thread = nodes[at]
        if isinstance(thread, list):
            work.extend(reversed(thread))
            continue
        reached.append(at)
        if thread is None and cut:
            break
    return tuple(reached)


def _stepped(threads: Iterable[int], sample: int, nodes: _Threads) -> list[int]:
    return [thread[1] for at in threads
            if isinstance(thread := nodes[at], tuple) and _meet(thread[0], ((sample, sample),))]


def _samples(nodes: _Threads) -> list[int]:
    """One character for each set that no step tells apart."""
    sets = {thread[0] for thread in nodes if isinstance(thread, tuple)}
    cuts = sorted({edge for ranges in sets for low, high in ranges for edge in (low, high + 1)})
    return list({tuple(_meet(ranges, ((cut, cut),)) for ranges in sets): cut for cut in cuts}.values())


def deterministic(found: Automaton) -> Node | None:
    """A node in which at most one way is open at each character, so that the longest match is preferred.

    None where loops of more than one character would have to be unrolled, or it would be large.
    """
    made: dict[int, Node] = {}
    size: dict[int, int] = {}
    open_states: set[int] = set()
    work = [(0, False)]
    while work:
        state, inside = work.pop()
        if state in made:
            continue
        targets = [target for _, target in found.edges[state] if target != state]
        if not inside:
            if state in open_states:
                return None
            open_states.add(state)
            work.append((state, True))
            if any(target in open_states and target not in made for target in targets):
                return None
            work += [(target, False) for target in targets if target not in made]
            continue
        size[state] = 1 + sum(1 + size[target] for target in targets)
        if size[state] > MAX_WRITTEN:
            return None
        made[state] = _node_at(found, state, made)
    return made[0]


def _node_at(found: Automaton, state: int, made: Mapping[int, Node]) -> Node:
    loops = [Repeat(Chars(ranges), 0, None) for ranges, target in found.edges[state] if target == state]
    onward = [(ranges, made[target]) for ranges, target in found.edges[state] if target != state]
    may_end = state in found.accepting
    if not loops and len(onward) == 1:
        chars, rest = Chars(onward[0][0]), onward[0][1]
        if _empty(rest):
            rest = Repeat(chars, 0, 0)
        if isinstance(rest, Repeat) and rest.item == chars and rest.maximum is not None and (
                rest.minimum == 0 or not may_end):
            return Repeat(chars, 0 if may_end else rest.minimum + 1, rest.maximum + 1)
    options: list[Node] = [Seq((Chars(ranges), *_items(rest))) for ranges, rest in onward]
    if may_end or not options:
        options.append(EMPTY)
    rest = options[0] if len(options) == 1 else Choice(tuple(options))
    return Seq((*loops, *_items(rest)))


def _items(node: Node) -> tuple[Node, ...]:
    return node.items if isinstance(node, Seq) else (node,)
