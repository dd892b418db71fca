"""What a grammar is for the kernel: two small programs, and the builder of one of them.

A *general* program is a recursive transition network: every rule is an automaton whose edges consume a terminal, call
a rule, or nothing. An *LALR* program is a parse table with its scanners. All integers in ``bytes`` fields are unsigned
32-bit, little-endian.
"""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from trellis.errors import GrammarError
from trellis.masking import left_corner
from trellis.masking.left_corner import CALL, EPSILON, TERMINAL, Edge
from trellis.masking.terminals import UNBOUNDED, matches_empty, matches_something


@dataclass(frozen=True, slots=True)
class GeneralProgram:
    """A recursive transition network without left recursion.

    Attributes:
        terminals: terminal codes, each once.
        names: what to call each terminal in a message.
        edges: four integers each: source, kind (0 epsilon, 1 terminal, 2 call), terminal or rule, target.
        finals: one byte for each state, 1 when the rule may end there.
        rule_starts: the start state of each rule.
        start: the rule that the text has to be.
        ignore: terminals that may stand anywhere between others, before the first, and after the last.
        names_once: not 0 where the texts are JSON in which each name has one spelling, and no object says a name twice:
            the least number of names that an object may have when it has no others left (``UNBOUNDED``: there always
            are others).
        names_counted: some object must have more names than the program says.
        unique_opens: terminals that open arrays in which no item comes twice, and stand nowhere else; where there are
            any, the texts are JSON, and ``names_once`` is not 0.
        unique_ends: those that come behind the items of these arrays.
    """

    terminals: tuple[bytes, ...]
    names: tuple[str, ...]
    edges: bytes
    finals: bytes
    rule_starts: bytes
    start: int
    ignore: tuple[int, ...]
    names_once: int = 0
    names_counted: bool = False
    unique_opens: tuple[int, ...] = ()
    unique_ends: tuple[int, ...] = ()


Spelled = tuple[tuple[bytes, ...], ...]
"""A keyword: how each of its letters may be spelled (``s``, ``S`` and ``ſ``), or one spelling of the whole."""

Scanner = tuple[list[int], list[int], list[tuple[int, Spelled, int]]]


@dataclass(frozen=True, slots=True)
class LalrProgram:
    """An LALR(1) parse table and one prioritised scanner for each contextual set of terminals.

    Attributes:
        terminals, names: as in a general program.
        actions: four integers each: state, terminal (``len(terminals)`` is the end of the text), kind (0 shift,
            1 reduce), target state or rule.
        gotos: three integers each: state, nonterminal, target state.
        rules: two integers each: nonterminal, length.
        start, end: the first state; the state that means acceptance when reached by reductions at the end of the text.
        scanners: (terminals in order of priority, those that are ignored, keywords as (terminal, what its lexeme
            may be, the terminal that such a lexeme is instead)).
        scanner_of: for each state, which scanner reads on from it.
        conflict_free: the table is the whole grammar: no conflict was resolved by preferring one action, and every rule
            can end.
    """

    terminals: tuple[bytes, ...]
    names: tuple[str, ...]
    actions: bytes
    gotos: bytes
    rules: bytes
    start: int
    end: int
    scanners: tuple[Scanner, ...]
    scanner_of: bytes
    conflict_free: bool


Program = GeneralProgram | LalrProgram


def pack(values: Iterable[int]) -> bytes:
    """Unsigned 32-bit little-endian integers."""
    numbers = list(values)
    return struct.pack(f"<{len(numbers)}I", *numbers)


def unpack(data: bytes, width: int = 1) -> list[tuple[int, ...]]:
    """The reverse of :func:`pack`, in tuples of ``width``."""
    return list(struct.iter_unpack(f"<{width}I", data))


class AutomatonBuilder:
    """Collects states, edges and rules, then makes a :class:`GeneralProgram` of them.

    Rules may be recursive in any way, left recursion included, and may match the empty string.
    """

    def __init__(self) -> None:
        self._states = 0
        self._edges: list[int] = []  # four of each: source, kind, argument, target
        self._codes: dict[bytes, int] = {}
        self._names: list[str] = []
        self._useful: list[bool] = []
        self._null: list[bool] = []
        self._rules: list[str] = []
        self._starts: list[int] = []
        self._finals: set[int] = set()
        self._ignore: list[int] = []
        self._names_once = 0
        self._names_counted = False
        self._unique: tuple[frozenset[bytes], frozenset[bytes]] = (frozenset(), frozenset())

    def state(self) -> int:
        """A new state. A state belongs to the rules from whose start it can be reached."""
        self._states += 1
        return self._states - 1

    def states(self, count: int) -> range:
        """New states, in a row."""
        self._states += count
        return range(self._states - count, self._states)

    def epsilon(self, source: int, target: int) -> None:
        """``target`` may follow ``source`` without any text."""
        self._edges += (source, EPSILON, 0, target)

    def terminal(self, source: int, code: bytes, target: int, name: str = "") -> None:
        """A lexeme of the terminal leads from ``source`` to ``target``; an empty match of its regex does as well."""
        index = self._terminal(code, name)
        if self._useful[index]:
            self._edges += (source, TERMINAL, index, target)
        if self._null[index]:
            self._edges += (source, EPSILON, 0, target)

    def call(self, source: int, rule: int, target: int) -> None:
        """A text of the rule leads from ``source`` to ``target``."""
        self._edges += (source, CALL, rule, target)

    def symbol(self, code: bytes, name: str = "") -> int:
        """The number of a terminal in rows of edges; it has lexemes, and none of them is empty."""
        return self._terminal(code, name)

    def add(self, rows: list[int]) -> None:
        """Edges, four integers each: source, kind, terminal (``symbol``) or rule, target."""
        self._edges += rows

    def names_once(self, least: int, counted: bool = False) -> None:
        """No object says a name twice; one that has ``least`` names may have no others left.

        Args:
            counted: it must have more names than the automaton says.
        """
        self._names_once = min(self._names_once or least, least)
        self._names_counted |= counted

    def items_differ(self, opens: bytes, ends: Iterable[bytes]) -> None:
        """No item comes twice in arrays between these terminals, which stand nowhere else.

        Args:
            ends: the terminals that come behind items.
        """
        self.names_once(UNBOUNDED)
        self._unique = (self._unique[0] | {opens}, self._unique[1] | set(ends))

    def embed(self, program: GeneralProgram, name: str) -> int:
        """A rule whose texts are those of another program (that ignores nothing)."""
        if program.names_once:
            self.names_once(program.names_once, program.names_counted)
        for opens in program.unique_opens:
            self.items_differ(program.terminals[opens], [program.terminals[ends] for ends in program.unique_ends])
        states, rules = self._states, len(self._rules)
        symbols = [self._terminal(code, of) for code, of in zip(program.terminals, program.names, strict=True)]
        self._states += len(program.finals)
        self._finals.update(states + state for state, final in enumerate(program.finals) if final)
        for (state,) in unpack(program.rule_starts):
            self._rules.append(name)
            self._starts.append(states + state)
        for source, kind, argument, target in unpack(program.edges, 4):
            argument = symbols[argument] if kind == TERMINAL else rules + argument if kind == CALL else 0
            self._edges += (states + source, kind, argument, states + target)
        return rules + program.start

    def rule(self, name: str) -> int:
        """Declare a rule (its start state may be set later)."""
        self._rules.append(name)
        self._starts.append(-1)
        return len(self._rules) - 1

    def set_start(self, rule: int, state: int) -> None:
        """Say where a rule begins."""
        self._starts[rule] = state

    def final(self, state: int) -> None:
        """A rule may end at this state."""
        self._finals.add(state)

    def ignore(self, code: bytes, name: str = "") -> None:
        """Lexemes of this terminal may stand between any two others, at the start and at the end."""
        index = self._terminal(code, name)
        if self._useful[index] and index not in self._ignore:
            self._ignore.append(index)

    def _terminal(self, code: bytes, name: str) -> int:
        index = self._codes.get(code)
        if index is None:
            index = self._codes[code] = len(self._names)
            self._names.append(name)
            self._null.append(matches_empty(code))
            self._useful.append(matches_something(code))
        return index

    def build(self, start: int) -> GeneralProgram:
        """The program whose texts are those of the rule ``start``.

        Raises:
            GrammarError: no text at all belongs to the rule.
            LimitError: taking out left recursion makes the automata too large.
        """
        for rule, state in enumerate(self._starts):
            if state < 0:
                raise GrammarError(f"rule {self._rules[rule]} is used but not defined", rule=self._rules[rule])
        finals = bytearray(self._states)
        for state in self._finals:
            finals[state] = 1
        tidy = _kernel_tidy()
        ready = tidy and tidy(pack(self._edges), bytes(finals), pack(self._starts), start, self._ignore)
        if ready is None:
            return self._tidied(start, finals)
        edges, kept, starts, terminals = ready
        if not kept:
            raise self._nothing(start)
        return self._program(edges, kept, starts, terminals)

    def _nothing(self, start: int) -> GrammarError:
        name = self._rules[start]
        return GrammarError(f"no text at all belongs to {name}: each way through it recurses for ever", rule=name)

    def _tidied(self, start: int, finals: bytearray) -> GeneralProgram:
        """What the kernel does for programs without left recursion; here for all, and where there is no kernel."""
        rows = list(zip(*[iter(self._edges)] * 4, strict=True))
        edges = rows + [(source, EPSILON, 0, target) for source, target in self._nullable_calls(rows)]
        useful = self._productive(edges)
        if not useful[self._starts[start]]:
            raise self._nothing(start)
        out: list[list[Edge]] = [[] for _ in range(self._states)]
        for source, kind, argument, target in edges:
            if useful[target] and useful[source] and (kind != CALL or useful[self._starts[argument]]):
                out[source].append((kind, argument, target))
        starts = left_corner.remove_left_recursion(out, finals, self._starts, start)
        if starts != self._starts or any(kind == EPSILON and source >= target for source, kind, _, target in edges):
            left_corner.merge_epsilon_cycles(out, finals, starts)  # otherwise there can be none
        return self._pack(out, finals, starts, start)

    def _nullable_calls(self, edges: list[tuple[int, ...]]) -> list[tuple[int, int]]:
        """(source, target) of the calls of rules that may be empty."""
        back: dict[int, list[int]] = {}
        calls: dict[int, list[tuple[int, int]]] = {}
        begins: dict[int, list[int]] = {}
        for source, kind, argument, target in edges:
            if kind == EPSILON:
                back.setdefault(target, []).append(source)
            elif kind == CALL:
                calls.setdefault(argument, []).append((source, target))
        for rule, state in enumerate(self._starts):
            begins.setdefault(state, []).append(rule)
        nullable: list[tuple[int, int]] = []
        ends = set(self._finals)
        work = list(ends)
        while work:
            state = work.pop()
            reached = list(back.get(state, ()))
            for rule in begins.get(state, ()):
                for source, target in calls.get(rule, ()):
                    nullable.append((source, target))
                    back.setdefault(target, []).append(source)
                    if target in ends:
                        reached.append(source)
            for source in reached:
                if source not in ends:
                    ends.add(source)
                    work.append(source)
        return nullable

    def _productive(self, edges: list[tuple[int, ...]]) -> bytearray:
        """For each state, 1 when some text leads from it to a final state."""
        back: list[list[int]] = [[] for _ in range(self._states)]
        calls: dict[int, list[tuple[int, int]]] = {}  # by the state where the callee begins, and by the target
        for source, kind, argument, target in edges:
            if kind != CALL:
                back[target].append(source)
            else:
                begin = self._starts[argument]
                calls.setdefault(begin, []).append((source, target))
                if target != begin:
                    calls.setdefault(target, []).append((source, begin))
        good = bytearray(self._states)
        for state in self._finals:
            good[state] = 1
        work = list(self._finals)
        while work:
            state = work.pop()
            reached = back[state]
            if state in calls:
                reached = reached + [source for source, other in calls[state] if good[other]]
            for source in reached:
                if not good[source]:
                    good[source] = 1
                    work.append(source)
        return good

    def _pack(self, out: list[list[Edge]], finals: bytearray, starts: list[int], start: int) -> GeneralProgram:
        """Keep what can be reached, number it in the order of discovery."""
        states = [-1] * len(out)
        rules = {start: 0}
        terminals: dict[int, int] = {}
        flat: list[int] = []
        order = [starts[start]]
        states[order[0]] = 0
        for source, state in enumerate(order):  # grows
            edges = out[state]
            for kind, argument, target in edges if len(edges) < 2 else dict.fromkeys(edges):
                if states[target] < 0:
                    states[target] = len(order)
                    order.append(target)
                if kind == TERMINAL:
                    argument = terminals.setdefault(argument, len(terminals))
                elif kind == CALL:
                    if argument not in rules:
                        rules[argument] = len(rules)
                        if states[starts[argument]] < 0:
                            states[starts[argument]] = len(order)
                            order.append(starts[argument])
                    argument = rules[argument]
                flat += (source, kind, argument, states[target])
        for index in self._ignore:
            terminals.setdefault(index, len(terminals))
        return self._program(pack(flat), bytes(finals[state] for state in order),
                             pack(states[starts[rule]] for rule in rules), list(terminals))

    def _program(self, edges: bytes, finals: bytes, rule_starts: bytes, terminals: list[int]) -> GeneralProgram:
        codes = list(self._codes)
        return GeneralProgram(
            terminals=tuple(codes[index] for index in terminals),
            names=tuple(self._names[index] for index in terminals),
            edges=edges,
            finals=finals,
            rule_starts=rule_starts,
            start=0,
            ignore=tuple(terminals.index(index) for index in self._ignore),
            names_once=self._names_once,
            names_counted=self._names_counted,
            unique_opens=tuple(i for i, index in enumerate(terminals) if codes[index] in self._unique[0]),
            unique_ends=tuple(i for i, index in enumerate(terminals) if codes[index] in self._unique[1]),
        )


@cache
def _kernel_tidy() -> Callable[..., Any] | None:
    try:
        tidy: Callable[..., Any] | None = getattr(importlib.import_module("trellis_kernel"), "tidy", None)
    except ImportError:
        return None
    return tidy
