"""The slow twin's lexemes: explicit threads of nondeterministic automata, one byte at a time.

A lexeme in progress is a small immutable value. ``step`` gives the lexeme after one more byte, or None; its ``ends``
are the ways in which it may end exactly here. For a leftmost-first regex the threads are ordered by preference. Where a
thread matches, less preferred ones are given up; the lexeme may then end only if the more preferred ones that are still
alive never match: these are the *guard* of that end (they are also what the lexeme goes on as).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trellis.errors import UnsupportedError
from trellis.masking import terminals
from trellis.masking.program import Scanner

Guard = frozenset[int]  # threads that must never match
End = tuple[int, Guard]  # (terminal, guard)
NO_GUARD: Guard = frozenset()
PREFIX, UNITS, SUFFIX = range(3)


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A lexeme in progress. Which fields matter depends on the kind of its terminal."""

    label: int  # terminal, or -1 - scanner
    threads: tuple[int, ...] = ()  # nodes of the automaton, in order of preference
    ends: tuple[End, ...] = ()  # how the lexeme may end here
    text: bytes | None = b""  # what was read, as long as that matters
    left: tuple[int, int | None] = (0, None)  # COUNTED: units still needed, units still possible
    phase: int = 0  # COUNTED: in its prefix, units or suffix


class Lexer:
    """All terminals and scanners of one program.

    Automata share one table: node i is ``("byte", set of bytes, next)``, ``("either", nexts)`` or ``("match", label)``.
    """

    def __init__(self, codes: Sequence[bytes], scanners: Sequence[Scanner]) -> None:
        self.codes = codes
        self.nodes: list[tuple[Any, ...]] = []
        self.starts: dict[int, int] = {}
        self.keywords: list[dict[tuple[int, bytes], int]] = []
        for label, code in enumerate(codes):
            kind, body = code[0], code[1:]
            if kind == terminals.SPECIAL:
                raise UnsupportedError("the reference engine does not know special tokens in grammars")
            if kind == terminals.LITERAL:
                body = terminals.text(body)
            elif kind == terminals.COUNTED:
                body = _counted(body).unit
            elif kind == terminals.EXCEPT:
                body = _except(body)[1]
            self.starts[label] = self._compile(body, self._node("match", label))
        self.scanners = scanners
        for number, (order, _, keywords) in enumerate(scanners):
            self.starts[-1 - number] = self._node("either", tuple(self.starts[label] for label in order))
            self.keywords.append({})
            for label, word, instead in keywords:
                self.keywords[-1].setdefault((label, word), instead)

    def _node(self, *node: Any) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _compile(self, code: bytes, following: int) -> int:
        stack: list[tuple[Any, ...]] = []
        for operator, operand in terminals.operations(code):
            if operator in ".|":
                count: int = operand  # type: ignore[assignment]
                stack[-count:] = [(operator, tuple(stack[-count:]))]
            elif operator in "{U":
                stack[-1] = ("{", stack[-1], operand or (0, None, True))
            else:
                stack.append((operator, operand))
        return self._thread(stack[0], following)

    def _thread(self, tree: tuple[Any, ...], following: int) -> int:
        """The node where a match of the tree begins that then goes on with ``following``."""
        match tree:
            case ("E", _):
                return following
            case ("L", data):
                for byte in reversed(data):
                    following = self._node("byte", 1 << byte, following)
                return following
            case ("C", members):
                return self._node("byte", members, following)
            case (".", parts):
                for part in reversed(parts):
                    following = self._thread(part, following)
                return following
            case ("|", parts):
                return self._node("either", tuple(self._thread(part, following) for part in parts))
            case ("{", body, (minimum, maximum, greedy)):
                if maximum is None:
                    loop = self._node("either", ())
                    again = self._thread(body, loop)
                    self.nodes[loop] = ("either", (again, following) if greedy else (following, again))
                    at = loop
                else:
                    at = following
                    for _ in range(maximum - minimum):
                        again = self._thread(body, at)
                        at = self._node("either", (again, following) if greedy else (following, again))
                for _ in range(minimum):
                    at = self._thread(body, at)
                return at
        raise AssertionError(tree)

    def _follow(self, entries: Iterable[int]) -> list[int]:
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

    def _advance(self, threads: Iterable[int], byte: int) -> list[int]:
        return self._follow(self.nodes[thread][2] for thread in threads if self.nodes[thread][1] >> byte & 1)

    def start(self, label: int) -> Lexeme:
        """The lexeme of a terminal (or of scanner -1 - label) before its first byte."""
        threads = [node for node in self._follow([self.starts[label]]) if self.nodes[node][0] == "byte"]
        if label >= 0 and self.codes[label][0] == terminals.COUNTED:
            counted = _counted(self.codes[label][1:])
            left = (counted.minimum, counted.maximum)
            return Lexeme(label, left=left, phase=PREFIX if counted.prefix else UNITS)
        return Lexeme(label, tuple(threads))

    def step(self, lexeme: Lexeme, byte: int) -> Lexeme | None:
        """The lexeme after one more byte, or None when it can neither go on nor end."""
        kind = self.codes[lexeme.label][0] if lexeme.label >= 0 else terminals.REGEX_FIRST
        if kind == terminals.COUNTED:
            return self._step_counted(lexeme, byte)
        after = self._step_first(lexeme, byte) if kind == terminals.REGEX_FIRST else self._step_set(lexeme, byte)
        return after if after.threads or after.ends else None

    def _step_set(self, lexeme: Lexeme, byte: int) -> Lexeme:
        reached = self._advance(lexeme.threads, byte)
        threads = tuple(sorted(node for node in reached if self.nodes[node][0] == "byte"))
        ended = len(threads) < len(reached)
        if self.codes[lexeme.label][0] != terminals.EXCEPT:
            return Lexeme(lexeme.label, threads, ((lexeme.label, NO_GUARD),) if ended else ())
        words = _except(self.codes[lexeme.label][1:])[0]
        text = None if lexeme.text is None else lexeme.text + bytes([byte])
        if text is not None and not any(word.startswith(text) for word in words):
            text = None
        return Lexeme(lexeme.label, threads, ((lexeme.label, NO_GUARD),) if ended and text not in words else (), text)

    def _step_first(self, lexeme: Lexeme, byte: int) -> Lexeme:
        text = lexeme.text
        if lexeme.label < 0 and text is not None:
            text += bytes([byte])
            if not any(word.startswith(text) for _, word in self.keywords[-1 - lexeme.label]):
                text = None
        else:
            text = None
        threads: list[int] = []
        for node in self._advance(lexeme.threads, byte):
            if self.nodes[node][0] == "match":
                label = self.nodes[node][1]
                if text is not None:
                    label = self.keywords[-1 - lexeme.label].get((label, text), label)
                return Lexeme(lexeme.label, tuple(threads), ((label, frozenset(threads)),), text)
            threads.append(node)
        return Lexeme(lexeme.label, tuple(threads), (), text)

    def _step_counted(self, lexeme: Lexeme, byte: int) -> Lexeme | None:
        counted, label, left = _counted(self.codes[lexeme.label][1:]), lexeme.label, lexeme.left
        text = (lexeme.text or b"") + bytes([byte])
        if lexeme.phase == PREFIX:
            if not counted.prefix.startswith(text):
                return None
            if text == counted.prefix:
                return self._between(counted, label, left)
            return Lexeme(label, text=text, left=left)
        if lexeme.phase == UNITS and not lexeme.threads and left[0] == 0 and counted.suffix.startswith(text):
            lexeme = Lexeme(label, phase=SUFFIX)
        if lexeme.phase == SUFFIX:
            if not counted.suffix.startswith(text):
                return None
            return Lexeme(label, ends=((label, NO_GUARD),)) if text == counted.suffix else Lexeme(label, text=text,
                                                                                                 phase=SUFFIX)
        if not lexeme.threads and left[1] == 0:
            return None
        reached = self._advance(lexeme.threads or self._unit(label), byte)
        threads = tuple(sorted(node for node in reached if self.nodes[node][0] == "byte"))
        if not reached:
            return None
        if len(threads) == len(reached):
            return Lexeme(label, threads, left=left, phase=UNITS)
        if threads:
            raise UnsupportedError("a unit of a counted terminal is a prefix of another unit")
        return self._between(counted, label, (max(left[0] - 1, 0), None if left[1] is None else left[1] - 1))

    def _between(self, counted: _Counted, label: int, left: tuple[int, int | None]) -> Lexeme:
        """Between two units."""
        ends = ((label, NO_GUARD),) if not counted.suffix and left[0] == 0 else ()
        return Lexeme(label, (), ends, left=left, phase=PREFIX if ends and left[1] == 0 else UNITS)

    def _unit(self, label: int) -> list[int]:
        return [node for node in self._follow([self.starts[label]]) if self.nodes[node][0] == "byte"]

    def labels(self, lexeme: Lexeme) -> set[int]:
        """The terminals that a lexeme may become."""
        if lexeme.label >= 0:
            return {lexeme.label}
        found: set[int] = set()
        seen, work = set(lexeme.threads), list(lexeme.threads)
        for node in work:
            kind, *values = self.nodes[node]
            if kind == "match":
                found.add(values[0])
            for following in values[0] if kind == "either" else values[1:]:
                if following not in seen:
                    seen.add(following)
                    work.append(following)
        text = lexeme.text
        return found | {instead for (label, word), instead in self.keywords[-1 - lexeme.label].items()
                        if label in found and text is not None and word.startswith(text)}

    def step_guard(self, guard: Guard, byte: int) -> Guard | None:
        """The guard after one more byte: None when it fires, empty when it can never fire any more."""
        reached = self._advance(guard, byte)
        return None if any(self.nodes[node][0] == "match" for node in reached) else frozenset(reached)

    def byte_classes(self) -> list[int]:
        """One byte for each set of bytes that no terminal tells apart, printable where possible."""
        sets = {node[1] for node in self.nodes if node[0] == "byte"}
        words = [word for table in self.keywords for _, word in table]
        for code in self.codes:
            if code[0] == terminals.COUNTED:
                counted = _counted(code[1:])
                words += [counted.prefix, counted.suffix]
            elif code[0] == terminals.EXCEPT:
                words += _except(code[1:])[0]
        sets |= {1 << byte for word in words for byte in word}
        ordered = sorted(sets)
        found: dict[tuple[int, ...], int] = {}
        for byte in sorted(range(256), key=lambda byte: (not 32 < byte < 127, byte)):
            found.setdefault(tuple(members >> byte & 1 for members in ordered), byte)
        return list(found.values())


@dataclass(frozen=True, slots=True)
class _Counted:
    minimum: int
    maximum: int | None
    prefix: bytes
    suffix: bytes
    unit: bytes


def _counted(body: bytes) -> _Counted:
    minimum, maximum = struct.unpack_from("<II", body)
    prefix, at = _sized(body, 8)
    suffix, at = _sized(body, at)
    return _Counted(minimum, None if maximum == terminals.UNBOUNDED else maximum, prefix, suffix, body[at:])


def _except(body: bytes) -> tuple[list[bytes], bytes]:
    """(words, regex code of the base)"""
    (count,) = struct.unpack_from("<I", body)
    words, at = [], 4
    for _ in range(count):
        word, at = _sized(body, at)
        words.append(word)
    return words, body[at + 1:]


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    (size,) = struct.unpack_from("<H", data, at)
    return data[at + 2 : at + 2 + size], at + 2 + size
