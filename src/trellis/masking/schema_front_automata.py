"""Automata over code points as terminals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trellis.errors import LimitError
from trellis.masking import terminals
from trellis.schema.patterns import EVERYTHING, Automaton, Ranges

MAX_EDGES = 1_500_000  # of an automaton that counts
Character = Callable[[Ranges], "bytes | None"]


def terminal_of(automaton: Automaton, character: Character, around: bytes = b"", low: int = 0,
                high: int | None = None) -> bytes | None:
    """The terminal of an automaton's strings, or None where none of them has a spelling.

    Args:
        character: the regex code of one character out of a set; None when there is none.
        around: bytes before and after each string, which no character begins with.
        low, high: how many code points the strings have (None: no bound).

    Raises:
        LimitError: states of the automaton at each length are too many.
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
    if low or high is not None:
        counted = _counted(edges, accepting, low, high)
        if counted is None:
            return None
        edges, accepting = counted
    elif -1 in numbers.values() and not _leads_anywhere(edges, accepting):
        return None
    anything = numbers.get(EVERYTHING, -1)
    if not around:
        return terminals.automaton(list(characters), bytes(accepting), edges)
    mark = characters.setdefault(terminals.text(around), len(characters))
    start, end = len(accepting), len(accepting) + 1
    edges += (start, mark, 0)
    edges += (number for state, accepts in enumerate(accepting) if accepts for number in (state, mark, end))
    return terminals.automaton(list(characters), bytes(start + 1) + b"\1", edges, start, anything)


def _counted(edges: list[int], accepting: bytearray, low: int, high: int | None) -> tuple[list[int], bytearray] | None:
    """An automaton beside a count of what was read: its states at each length, as far as they are on a way from the
    start to an end; None when there is no such string. Without an upper bound the count ends at the lower one."""
    import numpy as np

    if not edges:
        return ([], accepting) if low == 0 and accepting[0] else None
    sources, codes, targets = np.array(edges, np.int64).reshape(-1, 3).T
    top = low if high is None else high
    if top * len(codes) > 10 * MAX_EDGES:
        raise _too_large()
    ends = np.frombuffer(accepting, np.uint8).astype(bool)

    def step(found: Any, ways_in: Any, ways_out: Any) -> Any:
        reached = np.zeros(len(ends), bool)
        reached[ways_out[found[ways_in]]] = True
        return reached

    def closed(found: Any, ways_in: Any, ways_out: Any) -> Any:
        while (grown := found | step(found, ways_in, ways_out)).sum() > found.sum():
            found = grown
        return found

    reached, useful = np.zeros((2, top + 1, len(ends)), bool)
    reached[0, 0] = True
    for length in range(top):
        reached[length + 1] = step(reached[length], sources, targets)
    useful[top] = ends
    if high is None:
        reached[top] = closed(reached[top], sources, targets)
        useful[top] = closed(ends, targets, sources)
    for length in range(top - 1, -1, -1):
        useful[length] = step(useful[length + 1], targets, sources)
        if length >= low:
            useful[length] |= ends
    kept = reached & useful
    if not kept[0, 0]:
        return None
    numbers = kept.cumsum().reshape(kept.shape) - 1
    found, size = [], 0
    for length in range(top + (high is None)):
        after = min(length + 1, top)
        there = kept[length][sources] & kept[after][targets]
        found.append(np.stack((numbers[length][sources[there]], codes[there], numbers[after][targets[there]]), 1))
        size += len(found[-1])
        if size > MAX_EDGES:
            raise _too_large()
    flat: list[int] = np.concatenate(found).ravel().tolist() if found else []
    counted = ends[None, :] & (np.arange(top + 1) >= low)[:, None]
    return flat, bytearray(counted[kept].astype(np.uint8).tobytes())


def _too_large() -> LimitError:
    return LimitError(f"a string with these patterns and lengths needs more than {MAX_EDGES} steps", limit="states")


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
