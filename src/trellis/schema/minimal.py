"""The least automaton of the same strings: states that nothing tells apart become one (Moore's algorithm)."""

from __future__ import annotations

from typing import overload

from trellis.schema import clock
from trellis.schema.languages import Automaton, Edges
from trellis.schema.patterns import Ranges, normal_ranges


@overload
def minimal(automaton: Automaton) -> Automaton: ...
@overload
def minimal(automaton: None) -> None: ...
def minimal(automaton: Automaton | None) -> Automaton | None:
    """The automaton with the fewest states; its start stays the first state."""
    if automaton is None:
        return None
    classes = [int(state in automaton.accepting) for state in range(len(automaton.edges))]
    count = len(set(classes))
    while True:
        clock.spend(len(classes))
        known: dict[tuple[int, tuple[tuple[int, Ranges], ...]], int] = {}
        refined = [known.setdefault((classes[state], _row(row, classes)), len(known))
                   for state, row in enumerate(automaton.edges)]
        if len(known) == count:
            break
        classes, count = refined, len(known)
    if count == len(automaton.edges):
        return automaton
    edges: dict[int, Edges] = {}
    for state, row in enumerate(automaton.edges):
        if refined[state] not in edges:
            edges[refined[state]] = tuple((ranges, target) for target, ranges in _row(row, refined))
    return Automaton(tuple(edges[state] for state in range(count)),
                     frozenset(refined[state] for state in automaton.accepting))


def _row(row: Edges, classes: list[int]) -> tuple[tuple[int, Ranges], ...]:
    """Where a state leads, by classes."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for ranges, target in row:
        merged.setdefault(classes[target], []).extend(ranges)
    return tuple((target, normal_ranges(ranges)) for target, ranges in sorted(merged.items()))
