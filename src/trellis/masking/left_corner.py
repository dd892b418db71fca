"""Left recursion, taken out of recursive transition networks.

A rule is left-recursive when it can call itself before any text was consumed. For every strongly connected component
of the left-call graph, a *left-corner automaton* stands in for each of its rules, the *goal*: it begins with any edge
that can be the first to consume text below the goal, goes on in the rule where that edge stands (its states are copied
for the goal), and at the end of that rule climbs to every place in the component that had called it on the left, until
the goal itself ends. This is the left-corner transform of Rosenkrantz and Lewis (1970), on automata instead of
productions (compare Moore, "Removing left recursion from context-free grammars", 2000), so nothing is multiplied out: a
component of n rules with m edges becomes n copies of m edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from trellis.errors import LimitError

EPSILON, TERMINAL, CALL = 0, 1, 2
Edge = tuple[int, int, int]  # kind, terminal or rule, target
MAX_EDGES = 4_000_000


def remove_left_recursion(out: list[list[Edge]], finals: bytearray, starts: Sequence[int], start: int) -> list[int]:
    """Replace left-recursive rules; new states are appended to ``out`` and ``finals``.

    Args:
        out: the edges of each state; a rule that may be empty has an epsilon edge beside each of its calls.
        finals: one byte for each state.
        starts: the start state of each rule.
        start: the rule of the whole text; what it cannot reach is not looked at.

    Returns:
        The start state of each rule; those of left-recursive rules are new.
    """
    first = {rule: _closure(out, starts[rule]) for rule in _reachable(out, starts, start)}
    left_calls = {rule: [argument for state in states for kind, argument, _ in out[state] if kind == CALL]
                  for rule, states in first.items()}
    new_starts = list(starts)
    work = {rule: component for component in components(left_calls) for rule in component
            if len(component) > 1 or rule in left_calls[rule]}
    inside: dict[int, list[int]] = {}  # the states of a rule
    budget = MAX_EDGES
    for goal, component in work.items():
        climb: dict[int, list[tuple[int, int]]] = {}  # rule -> where its left calls return to
        for rule in component:
            if rule not in inside:
                inside[rule] = _states_of(out, starts[rule])
            for state in first[rule]:
                for kind, argument, target in out[state]:
                    if kind == CALL and argument in component:
                        climb.setdefault(argument, []).append((rule, target))
        copies: dict[tuple[int, int], int] = {}

        def new_state() -> int:
            out.append([])
            finals.append(0)
            return len(out) - 1

        hubs = {}  # a rule has ended
        for rule in component:
            hubs[rule] = new_state()
            for state in inside[rule]:
                copies[rule, state] = new_state()
        begin = new_starts[goal] = new_state()
        finals[begin] = any(finals[state] for state in first[goal])
        finals[hubs[goal]] = 1
        for rule in component:
            for state in first[rule]:
                for kind, argument, target in out[state]:
                    if kind == TERMINAL or (kind == CALL and argument not in component):
                        out[begin].append((kind, argument, copies[rule, target]))
            for state in inside[rule]:
                edges = out[copies[rule, state]]
                edges += [(kind, argument, copies[rule, target]) for kind, argument, target in out[state]]
                budget -= len(edges)
                if finals[state]:
                    edges.append((EPSILON, 0, hubs[rule]))
            out[hubs[rule]] += [(EPSILON, 0, copies[place]) for place in climb.get(rule, ())]
        if budget < 0:
            raise LimitError(f"taking out left recursion needs more than {MAX_EDGES} edges", limit="left recursion",
                             hint="let fewer rules be left-recursive through each other")
    return new_starts


def _closure(out: Sequence[Sequence[Edge]], state: int) -> list[int]:
    """The states reached without consuming text (and without entering a rule), ``state`` first."""
    seen = {state: None}
    work = [state]
    for source in work:
        for kind, _, target in out[source]:
            if kind == EPSILON and target not in seen:
                seen[target] = None
                work.append(target)
    return work


def _states_of(out: Sequence[Sequence[Edge]], state: int) -> list[int]:
    """The states of a rule that begins at ``state``."""
    seen = {state}
    work = [state]
    for source in work:
        for _, _, target in out[source]:
            if target not in seen:
                seen.add(target)
                work.append(target)
    return work


def _reachable(out: Sequence[Sequence[Edge]], starts: Sequence[int], start: int) -> list[int]:
    """The rules that ``start`` uses, itself included."""
    seen_rules, seen = {start: None}, {starts[start]}
    work = [starts[start]]
    for source in work:
        for kind, argument, target in out[source]:
            targets = [target]
            if kind == CALL and argument not in seen_rules:
                seen_rules[argument] = None
                targets.append(starts[argument])
            for state in targets:
                if state not in seen:
                    seen.add(state)
                    work.append(state)
    return list(seen_rules)


def components(graph: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Strongly connected components (Tarjan 1972, without recursion), callees before callers."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open_nodes: list[int] = []
    is_open: set[int] = set()
    found: list[list[int]] = []
    for root in graph:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        open_nodes.append(root)
        is_open.add(root)
        trail = [(root, iter(graph[root]))]
        while trail:
            node, successors = trail[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    open_nodes.append(successor)
                    is_open.add(successor)
                    trail.append((successor, iter(graph[successor])))
                    break
                if successor in is_open:
                    low[node] = min(low[node], index[successor])
            else:
                trail.pop()
                if trail:
                    low[trail[-1][0]] = min(low[trail[-1][0]], low[node])
                if low[node] == index[node]:
                    component = [open_nodes.pop()]
                    while component[-1] != node:
                        component.append(open_nodes.pop())
                    is_open.difference_update(component)
                    found.append(component)
    return found


def merge_epsilon_cycles(out: list[list[Edge]], finals: bytearray, starts: list[int]) -> None:
    """Make one state of all states on a cycle of epsilon edges, in place."""
    graph = {state: targets for state, edges in enumerate(out)
             if (targets := [target for kind, _, target in edges if kind == EPSILON])}
    graph = {state: [target for target in targets if target in graph] for state, targets in graph.items()}
    merged: dict[int, int] = {}
    for component in components(graph):
        if len(component) > 1 or component[0] in graph[component[0]]:
            for state in component:
                merged[state] = component[0]
    if not merged:
        return
    for state, into in merged.items():
        if state != into:
            out[into] += out[state]
            out[state] = []
            finals[into] |= finals[state]
    for state, edges in enumerate(out):
        out[state] = [(kind, argument, merged.get(target, target)) for kind, argument, target in edges
                      if kind != EPSILON or merged.get(target, target) != state]
    for rule, state in enumerate(starts):
        starts[rule] = merged.get(state, state)
