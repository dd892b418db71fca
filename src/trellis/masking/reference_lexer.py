"""The slow twin's lexemes: explicit threads of nondeterministic automata, one byte at a time.

A lexeme in progress is a small immutable value. ``step`` gives the lexeme after one more byte, or None; its ``ends``
are the ways in which it may end exactly here. For a leftmost-first regex the threads are ordered by preference, each
with a condition on the text ahead (``reference_regex``). Where a thread matches, the lexeme ends only if its condition
comes true and no more preferred thread matches; the opposite of that is the *guard* of the end, a condition that must
not come true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trellis.errors import UnsupportedError
from trellis.masking import terminals
from trellis.masking.program import Scanner, Spelled
from trellis.masking.reference_conditions import FALSE, TRUE
from trellis.masking.reference_regex import Automata, Thread, ended

Guard = int  # a condition that must not come true
End = tuple[int, Guard]  # (terminal, guard)
NO_GUARD = FALSE
PREFIX, UNITS, SUFFIX = range(3)


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A lexeme in progress. Which fields matter depends on the kind of its terminal."""

    label: int  # terminal, or -1 - scanner
    threads: tuple[int, ...] = ()  # nodes of the automaton that read on
    ends: tuple[End, ...] = ()  # how the lexeme may end here
    text: bytes | None = b""  # what was read, as long as that matters
    left: tuple[int, int | None] = (0, None)  # COUNTED: units still needed, units still possible
    phase: int = 0  # COUNTED: in its prefix, units or suffix
    ordered: tuple[Thread, ...] = ()  # leftmost-first: threads in order of preference


class Lexer:
    """All terminals and scanners of one program.

    Attributes:
        reach: how many bytes lookbehinds look back at most.
    """

    def __init__(self, codes: Sequence[bytes], scanners: Sequence[Scanner]) -> None:
        self.codes = codes
        self.automata = Automata()
        self.nodes, self.conditions = self.automata.nodes, self.automata.conditions
        self.starts: dict[int, int] = {}
        for label, code in enumerate(codes):
            kind, body = code[0], code[1:]
            if kind == terminals.SPECIAL:
                continue  # no text
            if kind == terminals.LITERAL:
                body = terminals.text(body)
            elif kind == terminals.COUNTED:
                body = terminals.counted_parts(code).unit
            elif kind == terminals.EXCEPT:
                body = terminals.except_parts(code)[1][1:]
            elif kind == terminals.AUTOMATON:
                self.starts[label] = self._automaton(code, label)
                continue
            self.starts[label] = self.automata.compile(body, self.automata.node("match", label))
        self.reach = self.automata.reach
        self.scanners = scanners
        for number, (order, _, _) in enumerate(scanners):
            self.starts[-1 - number] = self.automata.node("either", tuple(self.starts[label] for label in order))

    def _automaton(self, code: bytes, label: int) -> int:
        """The node of an automaton's first state; each edge is a copy of its character's automaton."""
        characters, accepting, edges, start = terminals.automaton_parts(code)
        states = [self.automata.node("either", ()) for _ in accepting]
        ways: list[list[int]] = [[] for _ in states]
        for source, character, target in edges:
            ways[source].append(self.automata.compile(characters[character], states[target]))
        for state, accepts in enumerate(accepting):
            ends = [self.automata.node("match", label)] if accepts else []
            self.nodes[states[state]] = ("either", (*ways[state], *ends))
        return states[start]

    def start(self, label: int, text: bytes = b"") -> Lexeme:
        """The lexeme of a terminal (or of scanner -1 - label) before its first byte.

        Args:
            text: the last ``reach`` bytes before it.
        """
        if self.special(label) is not None:
            return Lexeme(label)
        if self._is_ordered(label):
            ordered: list[Thread] = []
            self.automata.explore(self.starts[label], TRUE, text, ordered, {})
            return Lexeme(label, ordered=tuple(Thread(*thread[:2], fresh=False) for thread in ordered))
        threads = [node for node in self.automata.follow([self.starts[label]]) if self.nodes[node][0] == "byte"]
        if label >= 0 and self.codes[label][0] == terminals.COUNTED:
            counted = terminals.counted_parts(self.codes[label])
            left = (counted.minimum, counted.maximum)
            return Lexeme(label, left=left, phase=PREFIX if counted.prefix else UNITS)
        return Lexeme(label, tuple(threads))

    def special(self, label: int) -> int | None:
        """The id of the special token that a terminal is."""
        is_special = label >= 0 and self.codes[label][0] == terminals.SPECIAL
        return terminals.special_number(self.codes[label]) if is_special else None

    def _is_ordered(self, label: int) -> bool:
        return label < 0 or self.codes[label][0] == terminals.REGEX_FIRST

    def step(self, lexeme: Lexeme, byte: int, text: bytes = b"") -> Lexeme | None:
        """The lexeme after one more byte, or None when it can neither go on nor end.

        Args:
            text: the last ``reach`` bytes, the new one included.
        """
        if self.special(lexeme.label) is not None:
            return None
        if self._is_ordered(lexeme.label):
            after = self._step_first(lexeme, byte, text)
        elif self.codes[lexeme.label][0] == terminals.COUNTED:
            return self._step_counted(lexeme, byte)
        else:
            after = self._step_set(lexeme, byte)
        return after if after.threads or after.ends else None

    def _step_set(self, lexeme: Lexeme, byte: int) -> Lexeme:
        reached = self.automata.advance(lexeme.threads, byte)
        threads = tuple(sorted(node for node in reached if self.nodes[node][0] == "byte"))
        ended = len(threads) < len(reached)
        if self.codes[lexeme.label][0] != terminals.EXCEPT:
            return Lexeme(lexeme.label, threads, ((lexeme.label, NO_GUARD),) if ended else ())
        words = terminals.except_parts(self.codes[lexeme.label])[0]
        text = None if lexeme.text is None else lexeme.text + bytes([byte])
        if text is not None and not any(word.startswith(text) for word in words):
            text = None
        return Lexeme(lexeme.label, threads, ((lexeme.label, NO_GUARD),) if ended and text not in words else (), text)

    def _step_first(self, lexeme: Lexeme, byte: int, text: bytes) -> Lexeme:
        word = lexeme.text
        if lexeme.label < 0 and word is not None:
            word += bytes([byte])
            if not any(_begins(word, keyword) for _, keyword, _ in self.scanners[-1 - lexeme.label][2]):
                word = None
        else:
            word = None
        ordered, seen = list[Thread](), dict[int, int]()
        for thread in lexeme.ordered:
            condition = self.automata.step_condition(thread.condition, byte, text)
            kind, *values = self.nodes[thread.node]
            if condition == FALSE:
                continue
            if kind == "match":
                if condition == TRUE:
                    break  # the lexeme ended there, whatever is less preferred
                ordered.append(Thread(thread.node, condition, fresh=False))
            elif values[0] >> byte & 1:
                self.automata.explore(values[1], condition, text, ordered, seen)
            if ended(ordered):
                break
        while ordered and self.nodes[ordered[-1].node][0] == "match" and not ordered[-1].fresh:
            ordered.pop()  # an earlier end matters only to the threads below it
        readers = tuple(thread.node for thread in ordered if self.nodes[thread.node][0] == "byte")
        return Lexeme(lexeme.label, readers, self._ends(lexeme.label, ordered, word), word, ordered=tuple(ordered))

    def _ends(self, label: int, ordered: list[Thread], word: bytes | None) -> tuple[End, ...]:
        """The ends of a leftmost-first lexeme, each with its guard."""
        both, either, opposite = self.conditions.both, self.conditions.either, self.conditions.opposite
        good: dict[int, int] = {}
        above = FALSE  # a more preferred thread matches
        for node, condition, fresh in ordered:
            matched = condition
            if self.nodes[node][0] == "byte":
                matched = both(condition, self.conditions.variable((node, 0)))
            elif fresh:
                terminal = self.nodes[node][1]
                if word is not None:
                    terminal = next((instead for regex, keyword, instead in self.scanners[-1 - label][2]
                                     if regex == terminal and _is(word, keyword)), terminal)
                good[terminal] = either(good.get(terminal, FALSE), both(condition, opposite(above)))
            above = either(above, matched)
        return tuple((terminal, opposite(condition)) for terminal, condition in good.items() if condition != FALSE)

    def _step_counted(self, lexeme: Lexeme, byte: int) -> Lexeme | None:
        counted, label, left = terminals.counted_parts(self.codes[lexeme.label]), lexeme.label, lexeme.left
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
        reached = self.automata.advance(lexeme.threads or self._unit(label), byte)
        threads = tuple(sorted(node for node in reached if self.nodes[node][0] == "byte"))
        if not reached:
            return None
        if len(threads) == len(reached):
            return Lexeme(label, threads, left=left, phase=UNITS)
        if threads:
            raise UnsupportedError("a unit of a counted terminal is a prefix of another unit")
        return self._between(counted, label, (max(left[0] - 1, 0), None if left[1] is None else left[1] - 1))

    def _between(self, counted: terminals.Counted, label: int, left: tuple[int, int | None]) -> Lexeme:
        """Between two units."""
        ends = ((label, NO_GUARD),) if not counted.suffix and left[0] == 0 else ()
        return Lexeme(label, (), ends, left=left, phase=PREFIX if ends and left[1] == 0 else UNITS)

    def _unit(self, label: int) -> list[int]:
        return [node for node in self.automata.follow([self.starts[label]]) if self.nodes[node][0] == "byte"]

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
            for following in values[0] if kind in ("either", "pick") else values[-1:] if kind != "match" else ():
                if following not in seen:
                    seen.add(following)
                    work.append(following)
        text = lexeme.text
        return found | {instead for label, word, instead in self.scanners[-1 - lexeme.label][2]
                        if label in found and text is not None and _begins(text, word)}

    def step_guard(self, guard: Guard, byte: int, text: bytes = b"") -> Guard | None:
        """The guard after one more byte: None when it fires, NO_GUARD when it can never fire any more."""
        after = self.automata.step_condition(guard, byte, text)
        return None if after == TRUE else after

    def fires_at_end(self, guard: Guard) -> bool:
        """Whether a guard fires if the text ends here: threads match nothing any more."""
        return self.conditions.replace(guard, lambda _: FALSE) == TRUE

    def byte_classes(self) -> list[int]:
        """One byte for each set of bytes that no terminal tells apart, printable where possible."""
        sets = {node[1] for node in self.nodes if node[0] == "byte"}
        words = [spelling for _, _, keywords in self.scanners for _, word, _ in keywords for letter in word
                 for spelling in letter]
        for code in self.codes:
            if code[0] == terminals.COUNTED:
                counted = terminals.counted_parts(code)
                words += [counted.prefix, counted.suffix]
            elif code[0] == terminals.EXCEPT:
                words += terminals.except_parts(code)[0]
        sets |= {1 << byte for word in words for byte in word}
        ordered = sorted(sets)
        found: dict[tuple[int, ...], int] = {}
        for byte in sorted(range(256), key=lambda byte: (not 32 < byte < 127, byte)):
            found.setdefault(tuple(members >> byte & 1 for members in ordered), byte)
        return list(found.values())


def _is(text: bytes, word: Spelled) -> bool:
    """Whether a text is a keyword in one of its spellings."""
    if not word:
        return not text
    return any(text.startswith(spelling) and _is(text[len(spelling):], word[1:]) for spelling in word[0])


def _begins(text: bytes, word: Spelled) -> bool:
    """Whether a keyword begins with a text in one of its spellings."""
    if not text or not word:
        return not text
    return any(spelling.startswith(text) or (text.startswith(spelling) and _begins(text[len(spelling):], word[1:]))
               for spelling in word[0])
