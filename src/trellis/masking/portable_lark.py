"""Grammars as Lark text that lark, xgrammar and llguidance all read, with the same language.

The text is made from the program, so it is the language of the masks, whatever the grammar was made from: a rule for
each state of the program where ways meet, terminals as regular expressions. What the readers would not all
understand alike is an error that says what it is.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from itertools import count

from trellis.errors import LimitError, UnsupportedError
from trellis.masking import portable_splits as splits
from trellis.masking.left_corner import CALL, TERMINAL
from trellis.masking.portable_regex import Lexemes, lexemes, written
from trellis.masking.program import GeneralProgram, Program, unpack
from trellis.schema.patterns import Chars, Node, Ranges, Repeat, Sequence, normal_ranges

MAX_NESTED = 6  # groups in a rule before a part of it becomes a rule
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")
_MARKS = {",": "COMMA", ":": "COLON", "{": "OPEN", "}": "CLOSE", "[": "OPEN_ARRAY", "]": "CLOSE_ARRAY"}


def portable(program: Program, notes: Iterable[str] = ()) -> str:
    """The Lark text of a program.

    Args:
        notes: what to say at the top, a line each.

    Raises:
        UnsupportedError: the dialect cannot say something (special tokens, lookaround, terminals whose ends depend on
            how a reader looks for them); says which terminal.
        LimitError: a terminal is too large to be written or compared.
    """
    if not isinstance(program, GeneralProgram):
        raise UnsupportedError("the portable dialect cannot say which conflicts LALR resolves, and how",
                               hint='load the grammar with parser="earley"')
    if program.names_once:
        notes = (*notes, "not enforced: no name comes twice in an object")
    if program.unique_opens:
        notes = (*notes, "not enforced: no item comes twice in an array with 'uniqueItems'")
    return _Text(_Graph(program)).text(notes)


class _Graph:
    """A program's rules: what each terminal matches, and the edges out of each state."""

    def __init__(self, program: GeneralProgram) -> None:
        self.names = list(program.names)
        self.lexemes = [_lexemes(code, name) for code, name in zip(program.terminals, program.names, strict=True)]
        self.finals = [bool(byte) for byte in program.finals]
        self.starts = [start for (start,) in unpack(program.rule_starts)]
        self.out: list[list[tuple[int, ...]]] = [[] for _ in self.finals]
        for source, *edge in unpack(program.edges, 4):
            self.out[source].append(tuple(edge))
        self.start, self.ignore = program.start, list(program.ignore)

    def states_of(self, rule: int) -> list[int]:
        """The states of a rule, its start first."""
        found = {self.starts[rule]: None}
        work = [self.starts[rule]]
        for state in work:  # grows
            for _, _, target in self.out[state]:
                if target not in found:
                    found[target] = None
                    work.append(target)
        return list(found)


def _lexemes(code: bytes, name: str) -> Lexemes:
    try:
        return lexemes(code)
    except UnsupportedError as error:
        raise UnsupportedError(f"{error.message} (terminal {name})", hint=error.hint) from error


class _Text:
    """Writes a graph."""

    def __init__(self, graph: _Graph) -> None:
        self.graph = graph
        self.used = self._used()
        self.nodes = {it: graph.lexemes[it].node for it in self.used}
        self.closed = next((it for it in graph.ignore if _is_closed(self.nodes[it])), None)
        self.definitions: dict[str, Node] = {}
        self.symbols = {it: self._symbols(it) for it in self.used}
        self._refuse_clashes()
        self.rules: dict[int, str] = {}  # names, by the state where they begin
        self.behind = " ignored" if graph.ignore else ""

    def _symbols(self, terminal: int) -> str:
        """What stands for a terminal in rules; defines it where it is not written out."""
        word = _word(self.nodes[terminal])
        if word is not None:
            return _quoted(word)
        names = []
        for node in _readable(self.graph.lexemes[terminal], self.graph.names[terminal]):
            names.append(_unique(_upper(self.graph.names[terminal]), self.definitions))
            self.definitions[names[-1]] = node
        return names[0] if len(names) == 1 else f"({' | '.join(names)})"

    def _used(self) -> list[int]:
        """Terminals that a text from the start rule can have, in the order of discovery."""
        graph = self.graph
        found: dict[int, None] = dict.fromkeys(graph.ignore)
        self.reached = [graph.start]
        for rule in self.reached:  # grows
            for state in graph.states_of(rule):
                for kind, argument, _ in graph.out[state]:
                    if kind == TERMINAL:
                        found[argument] = None
                    elif kind == CALL and argument not in self.reached:
                        self.reached.append(argument)
        return list(found)

    def _refuse_clashes(self) -> None:
        words = {it: word for it in self.used if (word := _word(self.nodes[it])) is not None}
        machines = [splits.machine(node, it) for it, node in self.nodes.items() if it not in words]
        machines += [splits.trie(words)] if words else []
        begin: dict[int, Ranges] = {}
        for machine in machines:
            begin |= splits.beginnings(machine)
        follow = {it: normal_ranges(pair for other in others for pair in begin[other])
                  for it, others in following(self.graph, self.reached, self.closed).items()}
        found = splits.clash(machines, follow)
        if found is not None:
            ending, going_on = (self.graph.names[it] for it in found)
            raise UnsupportedError(
                f"readers of Lark text split a text in different ways: where {ending} may end, "
                f"{'it' if ending == going_on else going_on} may go on as well",
                hint="put something that neither can have between it and what follows")

    def text(self, notes: Iterable[str]) -> str:
        """The whole text."""
        graph = self.graph
        into: dict[int, int] = dict.fromkeys((graph.starts[rule] for rule in self.reached), 2)
        states = [state for rule in self.reached for state in graph.states_of(rule)]
        for state in dict.fromkeys(states):
            for _, _, target in graph.out[state]:
                into[target] = into.get(target, 0) + 1
        self.shared = {state for state, count in into.items() if count > 1}
        for i, rule in enumerate(self.reached):
            self.rules.setdefault(graph.starts[rule], f"r{i}" if i or graph.ignore else "start")
        lines = []
        work = list(self.rules)
        for state in work:  # grows
            before = len(self.rules)
            lines.append(f"{self.rules[state]}: {self._alternatives(state, 0)}")
            work += list(self.rules)[before:]
        if graph.ignore:
            lines.insert(0, f"start: ignored {self.rules[graph.starts[graph.start]]}")
        lines = [*(f"// {note}" for note in notes), *lines]
        if graph.ignore:
            closed = "" if self.closed is None else f"{self.symbols[self.closed]}? "
            others = " | ".join(self.symbols[it] for it in graph.ignore if it != self.closed)
            lines.append(f"ignored: {closed}" + (f"(({others}) {closed})*" if others else ""))
        lines += [f"{name}: /{written(node)}/" for name, node in self.definitions.items()]
        return "\n".join(lines) + "\n"

    def _alternatives(self, state: int, depth: int) -> str:
        by_onward: dict[str, dict[str, None]] = {}
        for kind, argument, target in self.graph.out[state]:
            by_onward.setdefault(self._onward(target, depth), {})[self._symbol(kind, argument)] = None
        options = []
        for onward, symbols in by_onward.items():
            grouped = len(symbols) > 1 and onward
            joined = " | ".join(symbols)
            options.append(" ".join(filter(None, (f"({joined})" if grouped else joined, onward))))
        if self.graph.finals[state]:
            options.append("")
        return " | ".join(options)

    def _symbol(self, kind: int, argument: int) -> str:
        if kind == CALL:
            return self.rules[self.graph.starts[argument]]
        return self.symbols[argument] + self.behind if kind == TERMINAL else ""

    def _onward(self, state: int, depth: int) -> str:
        """What comes from a state on: its rule, or what that would say."""
        parts: list[str] = []
        while True:
            out, may_end = self.graph.out[state], self.graph.finals[state]
            if not out:
                break
            if state in self.shared or (depth == MAX_NESTED and (may_end or len(out) > 1)):
                parts.append(self.rules.setdefault(state, f"s{len(self.rules)}"))
                break
            if may_end or len(out) > 1:
                parts.append(f"({self._alternatives(state, depth + 1)})")
                break
            (kind, argument, state), = out
            parts.append(self._symbol(kind, argument))
        return " ".join(filter(None, parts))


def following(graph: _Graph, rules: Iterable[int], closed: int | None) -> dict[int, set[int]]:
    """The terminals that may come behind each."""
    rules = list(rules)
    begin = {state: 0 for rule in rules for state in graph.states_of(rule)}  # sets of terminals, as bits
    ends = {state: graph.finals[state] for state in begin}
    behind = dict.fromkeys(rules, 0)
    homes: dict[int, list[int]] = {state: [] for state in begin}
    for rule in rules:
        for state in graph.states_of(rule):
            homes[state].append(rule)
    changed = True
    while changed:
        changed = False
        for state in reversed(begin):
            bits, may_end = begin[state], ends[state]
            for kind, argument, target in graph.out[state]:
                if kind == TERMINAL:
                    bits |= 1 << argument
                elif kind == CALL:
                    bits |= begin[graph.starts[argument]]
                else:
                    bits |= begin[target]
                    may_end = may_end or ends[target]
            if (bits, may_end) != (begin[state], ends[state]):
                begin[state], ends[state], changed = bits, may_end, True
    after = dict.fromkeys(begin, 0)
    changed = True
    while changed:
        changed = False
        for state in begin:
            bits = begin[state]
            if ends[state]:
                for rule in homes[state]:
                    bits |= behind[rule]
            after[state] = bits
        for state in begin:
            for kind, argument, target in graph.out[state]:
                if kind == CALL and after[target] | behind[argument] != behind[argument]:
                    behind[argument] |= after[target]
                    changed = True
    found: dict[int, int] = {}
    for state in begin:
        for kind, argument, target in graph.out[state]:
            if kind == TERMINAL:
                found[argument] = found.get(argument, 0) | after[target]
    ignored = sum(1 << it for it in graph.ignore)
    anything = sum(1 << it for it in found) | ignored
    found = {it: bits | ignored for it, bits in found.items()} | {
        it: anything & ~(1 << it if it == closed else 0) for it in graph.ignore}
    return {it: {i for i in range(bits.bit_length()) if bits >> i & 1} for it, bits in found.items()}


def _readable(found: Lexemes, name: str) -> list[Node]:
    """Trees that together match the same texts, of each of which every reader finds the longest."""
    if _word(found.node) is not None:
        return [found.node]
    try:
        if splits.is_prefix_free(splits.machine(found.node, 0).automaton):
            return [found.node]
        if not found.lazy and splits.prefers_longest(found.node):
            return [found.node]
        if not found.first:
            parts = splits.apart(found.node)
            if parts is not None:
                return parts
    except LimitError as error:
        raise LimitError(f"terminal {name}: {error.message}", limit=error.limit) from error
    raise UnsupportedError(f"readers of Lark text take lexemes of different lengths for terminal {name}",
                           hint="write it with greedy loops, longer alternatives first")


def _is_closed(node: Node) -> bool:
    """Whether any two lexemes are one as well: a loop over characters."""
    match node:
        case Repeat(Chars(), 0 | 1, None):
            return True
        case Sequence((Chars() as first, Repeat(Chars() as again, 0 | 1, None))):
            return first == again
    return False


def _word(node: Node) -> str | None:
    """The one text of a node, if it has no other."""
    characters = []
    for item in node.items if isinstance(node, Sequence) else (node,):
        if not isinstance(item, Chars) or len(item.ranges) != 1 or item.ranges[0][0] != item.ranges[0][1]:
            return None
        characters.append(chr(item.ranges[0][0]))
    return "".join(characters) or None


def _quoted(word: str) -> str:
    escaped = "".join(f"\\{it}" if it in '"\\' else it if it.isprintable() else
                      f"\\u{ord(it):04x}" if ord(it) < 0x10000 else f"\\U{ord(it):08x}" for it in word)
    return f'"{escaped}"'


def _upper(name: str) -> str:
    """A name of a terminal out of what messages call it."""
    words = [word for word in name.split() if word not in ("a", "an", "the")]
    return _MARKS.get(name) or ("_".join(words).upper() if words and all(map(_WORD.fullmatch, words)) else "TEXT")


def _unique(name: str, taken: Container[str]) -> str:
    return next(it for i in count(1) if (it := name if i == 1 else f"{name}_{i}") not in taken)
