"""The slow twin's automata: regex codes as nodes, and threads that look around.

A thread has a condition on the text ahead: lookaheads that it passed. A variable of conditions is (node, end): the
node's thread comes to a match (end 0), or to the end of an atomic group.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from trellis.masking import terminals
from trellis.masking.reference_conditions import FALSE, TRUE, Conditions, Variable

FOUND = -1  # the label of a match of what is only looked for


class Thread(NamedTuple):
    """A thread of a leftmost-first regex. On a match it is an end of the lexeme: here if it is fresh, else earlier."""

    node: int
    condition: int
    fresh: bool


class Automata:
    """Automata that share one table of nodes.

    Node i is ``("byte", set of bytes, next)``, ``("either", nexts)``, ``("match", label)``, ``("ahead", body, negative,
    next)``, ``("behind", body, negative, next)``, ``("pick", nexts, group)`` (in an atomic group) or ``("close", group,
    next)``.

    Attributes:
        reach: how many bytes lookbehinds look back at most.
    """

    def __init__(self) -> None:
        self.nodes: list[tuple[Any, ...]] = []
        self.conditions = Conditions()
        self.reach = self._groups = 0

    def node(self, *node: Any) -> int:
        """A new node."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def compile(self, code: bytes, following: int) -> int:
        """The node where a match of a regex code begins that then goes on with ``following``."""
        stack: list[tuple[Any, ...]] = []
        for operator, operand in terminals.operations(code):
            if operator in ".|":
                count: int = operand  # type: ignore[assignment]
                stack[-count:] = [(operator, tuple(stack[-count:]))]
            elif operator in "{U":
                stack[-1] = ("{", stack[-1], operand or (0, None, True))
            elif operator in "=>":
                stack[-1] = (operator, stack[-1], operand)
            else:
                stack.append((operator, operand))
        return self._thread(stack[0], following)

    def _thread(self, tree: tuple[Any, ...], following: int, group: int = 0) -> int:
        """The node where a match of the tree begins, which goes on with ``following``; in an atomic group, or 0."""
        match tree:
            case ("E", _):
                return following
            case ("L", data):
                for byte in reversed(data):
                    following = self.node("byte", 1 << byte, following)
                return following
            case ("C", members):
                return self.node("byte", members, following)
            case (".", parts):
                for part in reversed(parts):
                    following = self._thread(part, following, group)
                return following
            case ("|", parts):
                return self._split(tuple(self._thread(part, following, group) for part in parts), group)
            case ("{", body, (minimum, maximum, greedy)):
                if maximum is None:
                    loop = self._split((), group)
                    again = self._thread(body, loop, group)
                    kind, _, *rest = self.nodes[loop]
                    self.nodes[loop] = (kind, (again, following) if greedy else (following, again), *rest)
                    at = loop
                else:
                    at = following
                    for _ in range(maximum - minimum):
                        again = self._thread(body, at, group)
                        at = self._split((again, following) if greedy else (following, again), group)
                for _ in range(minimum):
                    at = self._thread(body, at, group)
                return at
            case ("=", body, negative):
                return self.node("ahead", self._thread(body, self.node("match", FOUND)), negative, following)
            case ("<", (negative, code)):
                self.reach = max(self.reach, _longest(code))
                return self.node("behind", self.compile(code, self.node("match", FOUND)), negative, following)
            case (">", body, _):
                self._groups += 1
                inner = self._groups
                return self._thread(body, self.node("close", inner, following), inner)
        raise AssertionError(tree)

    def _split(self, nexts: tuple[int, ...], group: int) -> int:
        return self.node("pick", nexts, group) if group else self.node("either", nexts)

    def follow(self, entries: Iterable[int]) -> list[int]:
        """The byte and match nodes that are reached without a byte, most preferred first."""
        reached: dict[int, None] = {}
        seen: set[int] = set()
        work = list(entries)[::-1]
        while work:
            node = work.pop()
            if node in seen:
                continue
            seen.add(node)
            if self.nodes[node][0] == "either":
                work.extend(reversed(self.nodes[node][1]))
            else:
                reached[node] = None
        return list(reached)

    def advance(self, threads: Iterable[int], byte: int) -> list[int]:
        """The byte and match nodes after one more byte, most preferred first."""
        return self.follow(self.nodes[thread][2] for thread in threads if self.nodes[thread][1] >> byte & 1)

    def _options(self, nexts: tuple[int, ...], group: int, condition: int, text: bytes) -> list[tuple[int, int]]:
        """The ways of an atomic group, each with its condition: none before it comes to the end of the group."""
        options = []
        for option in nexts:
            options.append((option, condition))
            taken = self.comes(option, group, text)
            condition = self.conditions.both(condition, self.conditions.opposite(taken))
        return options

    def _pass(self, node: tuple[Any, ...], condition: int, text: bytes) -> int:
        """The condition of a thread behind a lookaround; ``text`` is what was read."""
        kind, body, negative, _ = node
        if kind == "ahead":
            found = self.comes(body, 0, text)
        else:
            found = TRUE if any(self._matches(body, text[at:]) for at in range(len(text))) else FALSE
        return self.conditions.both(condition, self.conditions.opposite(found) if negative else found)

    def _matches(self, node: int, text: bytes) -> bool:
        """Whether all of a text matches, by sets."""
        reached = self.follow([node])
        for byte in text:
            reached = self.advance([thread for thread in reached if self.nodes[thread][0] == "byte"], byte)
        return any(self.nodes[thread][0] == "match" for thread in reached)

    def explore(self, node: int, condition: int, text: bytes, threads: list[Thread], seen: dict[int, int]) -> None:
        """Add the threads that a node leads to without a byte, most preferred first."""
        work = [(node, condition)]
        while work:
            node, condition = work.pop()
            either = self.conditions.either(seen.get(node, FALSE), condition)
            if either == seen.get(node, FALSE) or ended(threads):
                continue
            seen[node] = either
            kind, *values = self.nodes[node]
            if kind == "either":
                work += [(option, condition) for option in reversed(values[0])]
            elif kind == "pick":
                work += reversed(self._options(values[0], values[1], condition, text))
            elif kind in ("ahead", "behind"):
                work.append((values[2], self._pass(self.nodes[node], condition, text)))
            elif kind == "close":
                work.append((values[1], condition))
            else:
                threads.append(Thread(node, condition, kind == "match"))

    def comes(self, node: int, end: int, text: bytes) -> int:
        """The condition that a node comes to a match, or to the end of an atomic group."""
        found, work, seen = FALSE, [(node, TRUE)], dict[int, int]()
        while work:
            node, condition = work.pop()
            either = self.conditions.either(seen.get(node, FALSE), condition)
            if either == seen.get(node, FALSE):
                continue
            seen[node] = either
            kind, *values = self.nodes[node]
            if kind == "either" or (kind == "pick" and values[1] == end):
                work += [(option, condition) for option in values[0]]
            elif kind == "pick":
                work += self._options(values[0], values[1], condition, text)
            elif kind in ("ahead", "behind"):
                work.append((values[2], self._pass(self.nodes[node], condition, text)))
            elif kind == "close" and values[0] != end:
                work.append((values[1], condition))
            else:
                reads = self.conditions.variable((node, end)) if kind == "byte" else TRUE
                found = self.conditions.either(found, self.conditions.both(condition, reads))
        return found

    def step_condition(self, condition: int, byte: int, text: bytes) -> int:
        """A condition after one more byte, the last of ``text``."""
        def after(variable: Variable) -> int:
            node, end = variable
            _, members, following = self.nodes[node]
            return self.comes(following, end, text) if members >> byte & 1 else FALSE
        return self.conditions.replace(condition, after)


def ended(threads: list[Thread]) -> bool:
    """Whether the last thread is the end of the lexeme for certain."""
    return bool(threads) and threads[-1].fresh and threads[-1].condition == TRUE


def _longest(code: bytes) -> int:
    """The bytes of the longest match of a regex code without unbounded loops."""
    stack: list[int] = []
    for operator, operand in terminals.operations(code):
        value: Any = operand
        if operator in ".|":
            parts = stack[-value:]
            del stack[-value:]
            stack.append(sum(parts) if operator == "." else max(parts))
        elif operator == "{":
            stack[-1] *= value[1]
        else:
            stack.append(len(value) if operator == "L" else int(operator == "C"))
    return stack[0]
