"""The least automaton of the same strings: states that nothing tells apart become one.

Classes of states are refined (Moore); of a class that is split the largest part keeps its number, and only states that
lead to the others are looked at again (Hopcroft, "An n log n algorithm for minimizing states in a finite automaton",
1971).
"""

from __future__ import annotations

from typing import overload

from trellis.schema import clock
from trellis.schema.patterns import Automaton, Edges, Ranges, normal_ranges


@overload
def minimal(automaton: Automaton) -> Automaton: ...
@overload
def minimal(automaton: None) -> None: ...
def minimal(automaton: Automaton | None) -> Automaton | None:
    """The automaton with the fewest states; its start stays the first state."""
    if automaton is None:
        return None
    classes = [int(state in automaton.accepting) for state in range(len(automaton.edges))]
    members: dict[int, set[int]] = {}
    for state, number in enumerate(classes):
        members.setdefault(number, set()).add(state)
    before: list[list[int]] = [[] for _ in automaton.edges]
    for state, row in enumerate(automaton.edges):
        for _, target in row:
            before[target].append(state)
    work, count = set(range(len(classes))), 2
    while work:
        clock.spend(len(work))
        touched: dict[int, set[int]] = {}
        for state in work:
            touched.setdefault(classes[state], set()).add(state)
        apart = [part for number, some in touched.items() for part in _parts(automaton, classes, members[number], some)]
        work = set()
        for part in apart:
            members[classes[part[0]]].difference_update(part)
            members[count] = set(part)
            for state in part:
                classes[state] = count
                work.update(before[state])
            count += 1
    numbers: dict[int, int] = {}
    refined = [numbers.setdefault(number, len(numbers)) for number in classes]
    if len(numbers) == len(automaton.edges):
        return automaton
    edges: dict[int, Edges] = {}
    for state, row in enumerate(automaton.edges):
        if refined[state] not in edges:
            edges[refined[state]] = tuple((ranges, target) for target, ranges in _row(row, refined))
    return Automaton(tuple(edges[number] for number in range(len(numbers))),
                     frozenset(refined[state] for state in automaton.accepting))


def _parts(automaton: Automaton, classes: list[int], members: set[int], touched: set[int]) -> list[list[int]]:
    """The parts of a class that differ now, without the largest; those that were not touched are alike."""
    parts: dict[tuple[tuple[int, Ranges], ...], list[int]] = {}
    for state in sorted(touched):
        parts.setdefault(_row(automaton.edges[state], classes), []).append(state)
    others, alike = len(members) - len(touched), None
    if others:
        alike = _row(automaton.edges[next(state for state in members if state not in touched)], classes)
        parts.setdefault(alike, [])
    largest = max(parts, key=lambda row: len(parts[row]) + (others if row == alike else 0))
    return [[*part, *(members - touched)] if row == alike else part for row, part in parts.items() if row != largest]


def _row(row: Edges, classes: list[int]) -> tuple[tuple[int, Ranges], ...]:
    """Where a state leads, by classes."""
    merged: dict[int, list[tuple[int, int]]] = {}
    for ranges, target in row:
        merged.setdefault(classes[target], []).extend(ranges)
    return tuple((target, normal_ranges(ranges)) for target, ranges in sorted(merged.items()))
