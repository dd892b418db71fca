"""The rules of a Lark grammar in GBNF, out of its automata: they have no left recursion, which GBNF must not have.

Each state of an automaton becomes a rule: what may follow from there on. Edges that consume nothing are taken out, so
that no rule but the root may be empty where it is called, and no recursion can hide behind an empty one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from trellis.errors import UnsupportedError
from trellis.masking.left_corner import CALL, EPSILON
from trellis.masking.program import GeneralProgram, unpack
from trellis.masking.regex_tree import Atomic, Boundary, Choice, Look, Loop, Node, looks_around
from trellis.masking.regex_tree import Sequence as Parts
from trellis.models.gbnf_text import Written, expression

if TYPE_CHECKING:
    from trellis.masking.lark_front import Network

Edge = tuple[int, int, int]  # kind, terminal or rule, target
_SKIP = "skip"
"""The rule of what ``%ignore`` lets stand between terminals."""


def written(network: Network) -> Written:
    """The grammar in GBNF.

    Raises:
        UnsupportedError: a terminal has no form there.
    """
    return _Writer(network.program, network.trees).written()


class _Writer:
    def __init__(self, program: GeneralProgram, trees: Sequence[Node]) -> None:
        self._program, self._trees = program, trees
        self._starts = [state for (state,) in unpack(program.rule_starts)]
        out: list[list[Edge]] = [[] for _ in program.finals]
        for source, kind, argument, target in unpack(program.edges, 4):
            out[source].append((kind, argument, target))
        reached = [_reached(out, state) for state in range(len(out))]
        self._final = [any(program.finals[one] for one in states) for states in reached]
        self._out = self._productive([
            list(dict.fromkeys(edge for one in states for edge in out[one] if edge[0] != EPSILON))
            for states in reached])
        self._terminals = self._named()
        self._skips = bool(program.ignore)

    def written(self) -> Written:
        start = self._starts[self._program.start]
        root = self._alternatives(start) + ['""'] * self._final[start]
        before = f"{_SKIP} " if self._skips else ""
        lines = [f"root ::= {before}({' | '.join(root)})"]
        begins = [state for state in dict.fromkeys(self._starts) if self._called(state)]
        lines += [f"begin-{state} ::= {' | '.join(self._alternatives(state))}" for state in begins]
        lines += [f"after-{state} ::= {' | '.join(self._alternatives(state) + [chr(34) * 2] * self._final[state])}"
                  for state in self._followed()]
        after = f" {_SKIP}" if self._skips else ""
        lines += [f"{name} ::= {expression(_without_looks(tree))}{after if place not in self._program.ignore else ''}"
                  for place, (name, tree) in enumerate(zip(self._terminals, self._trees, strict=True))]
        if self._skips:
            lines.append(f"{_SKIP} ::= ({' | '.join(self._terminals[place] for place in self._program.ignore)})*")
        looking = [name for name, tree in zip(self._program.names, self._trees, strict=True) if looks_around(tree)]
        more = f" and {len(looking) - 3} more" if len(looking) > 3 else ""
        dropped = (f"what has to stand beside {', '.join(looking[:3])}{more}",) if looking else ()
        return Written("\n".join(lines) + "\n", dropped)

    def _productive(self, out: list[list[Edge]]) -> list[list[Edge]]:
        """Without the edges that call a rule which can only be empty: one beside each consumes nothing."""
        ends = set[int]()  # states with a way on that consumes something and ends
        before = -1
        while before < len(ends):
            before = len(ends)
            ends |= {state for state, edges in enumerate(out) if any(self._leads(edge, ends) for edge in edges)}
        return [[edge for edge in edges if self._leads(edge, ends)] for edges in out]

    def _leads(self, edge: Edge, ends: set[int]) -> bool:
        kind, argument, target = edge
        return (kind != CALL or self._starts[argument] in ends) and (self._final[target] or target in ends)

    def _alternatives(self, state: int) -> list[str]:
        """The ways on from a state that consume something."""
        return [self._step(kind, argument) + self._rest(target) for kind, argument, target in self._out[state]]

    def _step(self, kind: int, argument: int) -> str:
        return f"begin-{self._starts[argument]}" if kind == CALL else self._terminals[argument]

    def _rest(self, state: int) -> str:
        """What follows; nothing where nothing can."""
        return f" after-{state}" if self._out[state] else ""

    def _called(self, state: int) -> bool:
        return any(kind == CALL and self._starts[argument] == state for edges in self._out
                   for kind, argument, _ in edges)

    def _followed(self) -> list[int]:
        return sorted({target for edges in self._out for _, _, target in edges if self._out[target]})

    def _named(self) -> list[str]:
        """Names of terminals as GBNF has them, each once."""
        names: dict[str, None] = {}
        for place, name in enumerate(self._program.names):
            plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "terminal"
            names[plain if plain not in (*names, "root", _SKIP) else f"{plain}-{place}"] = None
        return list(names)


def _reached(out: Sequence[Sequence[Edge]], state: int) -> list[int]:
    """The states that can be reached from one without consuming anything."""
    found = {state: None}
    work = [state]
    while work:
        for kind, _, target in out[work.pop()]:
            if kind == EPSILON and target not in found:
                found[target] = None
                work.append(target)
    return list(found)


def _without_looks(node: Node) -> Node:
    """A tree that also matches where the lookaround of this one would forbid it."""
    match node:
        case Look() | Boundary():
            return Parts(())
        case Parts(parts):
            return Parts(tuple(map(_without_looks, parts)))
        case Choice(parts):
            if not parts:
                raise UnsupportedError("a terminal that matches nothing has no form in GBNF")
            return Choice(tuple(map(_without_looks, parts)))
        case Loop(body, minimum, maximum, greedy):
            return Loop(_without_looks(body), minimum, maximum, greedy)
        case Atomic(body):
            return _without_looks(body)
    return node
