"""What all parts of a schema's program are written with: separators, names, values, and rules that are made later."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

from trellis.errors import LimitError
from trellis.masking import schema_front_strings as strings
from trellis.masking.program import AutomatonBuilder
from trellis.masking.terminals import alternate, another, byte_class, concat, literal, regex_set, repeat, text
from trellis.schema import clock
from trellis.schema.shapes import Conjunction, key_of

MAX_STATES = 500_000


class Separators(NamedTuple):
    """The terminals between values, with the white space that may stand there."""

    open_object: bytes
    close_object: bytes
    open_array: bytes
    close_array: bytes
    comma: bytes
    colon: bytes
    indented: bool = False  # nothing stands in empty brackets, and a line break in all others


def _separators(before: bytes, after_open: bytes, after: bytes) -> Separators:
    def terminal(mark: bytes, left: bytes, right: bytes) -> bytes:
        return literal(mark) if left == right == b"E" else regex_set(concat(left, text(mark), right))

    return Separators(terminal(b"{", b"E", after_open), terminal(b"}", before, b"E"), terminal(b"[", b"E", after_open),
                      terminal(b"]", before, b"E"), terminal(b",", before, after), terminal(b":", before, after))


_BLANK = repeat(text(b" "), 0, 1)
_BLANKS = repeat(byte_class(b" \t\r\n"), 0, 16)
SEPARATORS: dict[str, Separators] = {
    "compact": _separators(b"E", b"E", _BLANK),
    "none": _separators(b"E", b"E", b"E"),
    "flexible": _separators(_BLANKS, _BLANKS, _BLANKS),
}

_LINE = concat(text(b"\n"), alternate(repeat(text(b" "), 0, 64), repeat(text(b"\t"), 1, 32)))
SEPARATORS["indented"] = Separators(
    regex_set(concat(text(b"{"), _LINE)), regex_set(concat(_LINE, text(b"}"))),
    regex_set(concat(text(b"["), _LINE)), regex_set(concat(_LINE, text(b"]"))),
    regex_set(concat(text(b","), _LINE)), literal(b": "), indented=True)

Port = tuple[bool, Any, str]  # (is a call, terminal code or rule, name for messages)
Body = Callable[[int, int], None]  # writes everything from one state to another


class Writer:
    """Writes values, separators and names into an automaton.

    Rules are made from a queue, so that neither recursion in the schema nor its depth matter.

    Args:
        separators: the terminals between values.
        ports: the ways across the values of a conjunction; each conjunction is asked for once.
    """

    def __init__(self, separators: Separators, ports: Callable[[Conjunction], list[Port]]) -> None:
        self.builder = AutomatonBuilder()
        self.separators = separators
        self._make_ports = ports
        self._ports: dict[tuple[int, ...], list[Port]] = {}
        self._rules: dict[Any, tuple[int, Any]] = {}
        self._queue: list[tuple[int, Body]] = []

    @cached_property
    def unique(self) -> Separators:
        """Those of arrays in which no item comes twice."""
        marks = self.separators._replace(open_array=another(self.separators.open_array),
                                         close_array=another(self.separators.close_array),
                                         comma=another(self.separators.comma))
        self.builder.items_differ(marks.open_array, (marks.comma, marks.close_array))
        return marks

    def write_rules(self) -> None:
        """Make the bodies of all rules that were asked for.

        Raises:
            LimitError: they need too many states.
        """
        while self._queue:
            rule, body = self._queue.pop()
            clock.spend(2)
            first, last = self.builder.state(), self.builder.state()
            self.builder.set_start(rule, first)
            self.builder.final(last)
            body(first, last)
            if first > MAX_STATES:
                raise LimitError(f"the schema needs more than {MAX_STATES} states", limit="states")

    def value(self, conjunction: Conjunction, source: int, target: int) -> None:
        """Every way across a value."""
        for is_call, argument, name in self.ports(conjunction):
            if is_call:
                self.builder.call(source, argument, target)
            else:
                self.builder.terminal(source, argument, target, name)

    def ports(self, conjunction: Conjunction) -> list[Port]:
        """The ways across a value; none when nothing satisfies it, as far as that is known."""
        key = key_of(conjunction)
        ports = self._ports.get(key)
        if ports is None:
            ports = self._ports[key] = self._make_ports(conjunction)
        return ports

    def rule(self, key: Any, name: str, body: Body, keep: Any = None) -> int:
        """The rule of a key; its body is made later.

        Args:
            key: what makes it the same rule.
            keep: what has to stay alive for that.
        """
        known = self._rules.get(key)
        if known is None:
            known = self._rules[key] = (self.builder.rule(name), keep)
            self._queue.append((known[0], body))
        return known[0]

    def step(self, source: int, code: bytes, name: str) -> int:
        """A new state behind one terminal."""
        target = self.builder.state()
        self.builder.terminal(source, code, target, name)
        return target

    def empty(self, source: int, begin: int, target: int, marks: str) -> None:
        """Brackets with nothing in them.

        Args:
            source: before them.
            begin: behind the one that opens.
            target: behind them.
            marks: both.
        """
        if self.separators.indented:
            self.builder.terminal(source, literal(marks.encode()), target, marks)
        else:
            close = self.separators.close_object if marks == "{}" else self.separators.close_array
            self.builder.terminal(begin, close, target, marks[1])

    def name(self, source: int, name: str) -> int:
        """A new state behind the name of a property and the colon."""
        spelling = strings.spell(name)
        return self.step(self.step(source, literal(spelling), spelling.decode()), self.separators.colon, ":")

    def other_name(self, source: int, names: bytes) -> int:
        """A new state behind one of many names (a terminal) and the colon."""
        return self.step(self.step(source, names, "a name"), self.separators.colon, ":")
