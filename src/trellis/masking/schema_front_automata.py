"""Automata over code points as parts of a program: a regular expression where that stays small, else states and edges.

A regular expression is one terminal, so that masks inside it are shared by all grammars. An automaton with many states
(a pattern whose length is bounded, say) would grow beyond measure as an expression; it becomes a rule of the program,
each character a terminal.
"""

from __future__ import annotations

from collections.abc import Callable

from trellis.masking.program import AutomatonBuilder
from trellis.masking.terminals import alternate, concat, empty, regex_set, repeat, universal
from trellis.schema.languages import Automaton
from trellis.schema.patterns import EVERYTHING, Ranges

MAX_ELIMINATED = 40  # states that are made an expression
MAX_CODE = 12_000  # bytes of such an expression

Character = Callable[[Ranges], "bytes | None"]


def code_of(automaton: Automaton, character: Character) -> bytes | None:
    """The regex code of an automaton, or None where it would be large: states are taken out one by one (Brzozowski and
    McCluskey, "Signal flow graph techniques for sequential circuit state diagrams", 1963).

    Args:
        character: the code of one character out of a set; None when there is none.
    """
    count = len(automaton.edges)
    if count > MAX_ELIMINATED:
        return None
    begin, end = count, count + 1
    ways: dict[int, dict[int, bytes]] = {state: {} for state in range(count + 2)}
    ways[begin][0] = empty()
    for state, edges in enumerate(automaton.edges):
        for ranges, target in edges:
            code = character(ranges)
            if code is not None:
                ways[state][target] = universal(code) if target == state and ranges == EVERYTHING else code
        if state in automaton.accepting:
            ways[state][end] = empty()
    left = set(range(count))
    while left:
        into = {state: [other for other in ways if other != state and state in ways[other]] for state in left}
        state = min(left, key=lambda one: len(into[one]) * (len(ways[one]) - (one in ways[one])))
        left.discard(state)
        loop = ways[state].pop(state, None)
        again = empty() if loop is None else loop if loop.endswith(b"U") else repeat(loop, 0, None)
        for other in into[state]:
            before = ways[other].pop(state)
            for target, after in ways[state].items():
                code = concat(before, again, after)
                known = ways[other].get(target)
                if known is not None:
                    code = alternate(known, code) if target != other or not known.endswith(b"U") else concat(known)
                if len(code) > MAX_CODE:
                    return None
                ways[other][target] = code
        del ways[state]
    return ways[begin].get(end)


def add_automaton(builder: AutomatonBuilder, automaton: Automaton, source: int, target: int, character: Character,
                  around: bytes = b"") -> None:
    """Edges for every string of an automaton from one state to another, with a terminal before and after each."""
    states = [builder.state() for _ in automaton.edges]
    if around:
        builder.terminal(source, around, states[0], "a string")
    else:
        builder.epsilon(source, states[0])
    for state, edges in enumerate(automaton.edges):
        for ranges, to in edges:
            code = character(ranges)
            if code is not None:
                builder.terminal(states[state], regex_set(code), states[to], "a character")
        if state in automaton.accepting:
            if around:
                builder.terminal(states[state], around, target, '"')
            else:
                builder.epsilon(states[state], target)
