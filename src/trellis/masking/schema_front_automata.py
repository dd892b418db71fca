"""Automata over code points as terminals."""

from __future__ import annotations

from collections.abc import Callable

from trellis.masking import terminals
from trellis.schema.languages import Automaton
from trellis.schema.patterns import EVERYTHING, Ranges

Character = Callable[[Ranges], "bytes | None"]


def terminal_of(automaton: Automaton, character: Character, around: bytes = b"") -> bytes | None:
    """The terminal of an automaton's strings, or None where none of them has a spelling.

    Args:
        character: the regex code of one character out of a set; None when there is none.
        around: bytes before and after each string, which no character begins with.
    """
    characters: dict[bytes, int] = {}
    numbers: dict[Ranges, int] = {}  # of the characters; -1 where there is none
    edges: list[int] = []
    accepting = bytearray(len(automaton.edges))
    for state in automaton.accepting:
        accepting[state] = 1
    for state, row in enumerate(automaton.edges):
        for ranges, target in row:
            number = numbers.get(ranges)
            if number is None:
                code = character(ranges)
                number = numbers[ranges] = -1 if code is None else characters.setdefault(code, len(characters))
            if number >= 0:
                edges += (state, number, target)
    if -1 in numbers.values() and not _leads_anywhere(edges, accepting):
        return None
    anything = numbers.get(EVERYTHING, -1)
    if not around:
        return terminals.automaton(list(characters), bytes(accepting), edges)
    mark = characters.setdefault(terminals.text(around), len(characters))
    start, end = len(accepting), len(accepting) + 1
    edges += (start, mark, 0)
    for state in automaton.accepting:
        edges += (state, mark, end)
    return terminals.automaton(list(characters), bytes(start + 1) + b"\1", edges, start, anything)


def _leads_anywhere(edges: list[int], accepting: bytearray) -> bool:
    """Whether an accepting state can be reached from the first."""
    following: dict[int, list[int]] = {}
    for source, target in zip(edges[::3], edges[2::3], strict=True):
        following.setdefault(source, []).append(target)
    seen, work = {0}, [0]
    for state in work:  # grows
        for target in following.get(state, ()):
            if target not in seen:
                seen.add(target)
                work.append(target)
    return any(accepting[state] for state in seen)
