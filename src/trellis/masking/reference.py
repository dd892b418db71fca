"""The slow twin of the kernel: the same semantics, written to be read.

The text that was generated so far may be in several *configurations* at once: a lexeme in progress, the parser's stack
behind it, and the guards of lexemes that ended earlier (``reference_lexer``). One more byte moves each of them; where a
lexeme may end, the parser takes its terminal and the lexemes that can follow begin. A configuration from which no text
ends the output is dropped, which is found out by searching for such a text. A token is allowed if, byte by byte, some
configuration is left; a mask tries every token.

Nothing here is fast. Property tests hold the kernel against it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trellis.errors import GrammarError, LimitError, MaskError
from trellis.masking import terminals
from trellis.masking.program import GeneralProgram, LalrProgram, Program
from trellis.masking.reference_lexer import Guard, Lexeme, Lexer
from trellis.masking.reference_parser import STACK_LIMIT, GeneralParser, LalrParser, Stack
from trellis.masking.reference_register import Register

SPECIAL = 256
Symbols = tuple[int, ...]  # bytes; special tokens as SPECIAL + id
SEARCH_LIMIT = 1_000  # configurations looked at for an ending
AWAY_LIMIT = 5_000  # for a name or an item that was not said


class Configuration(NamedTuple):
    """A lexeme in progress, what the parser will do with it, and what must not come true."""

    lexeme: Lexeme
    stack: Stack
    guards: frozenset[Guard]
    text: bytes  # the last bytes read, as many as lookbehinds reach
    register: Register | None  # where names come once


@dataclass(frozen=True, slots=True)
class State:
    """All that may be going on after some text."""

    configurations: frozenset[Configuration]
    can_end: bool


class Machine:
    """Moves states of a program by bytes."""

    def __init__(self, program: Program) -> None:
        scanners = program.scanners if isinstance(program, LalrProgram) else ()
        self.parser: GeneralParser | LalrParser = (
            LalrParser(program) if isinstance(program, LalrProgram) else GeneralParser(program))
        self.lexer = Lexer(program.terminals, scanners)
        self.names = program.names
        self.bytes = self.lexer.byte_classes()
        # Lexemes that may end wherever they match can always be ended; with others, one has to look.
        self.certain = not scanners and all(code[0] != terminals.REGEX_FIRST for code in program.terminals)
        self.alive: dict[Configuration, bool] = {}
        self.steps: dict[tuple[State, int], State | None] = {}
        once = isinstance(program, GeneralProgram) and program.names_once
        self.opens = program.unique_opens if isinstance(program, GeneralProgram) else ()
        self.ends = program.unique_ends if isinstance(program, GeneralProgram) else ()
        configurations, can_end = self._begin(self.parser.start, frozenset(), b"", Register() if once else None)
        self.start = self._state(configurations, can_end)
        if self.start is None:
            raise GrammarError("no text at all belongs to the grammar: its terminals never fit together")

    def step(self, state: State, byte: int) -> State | None:
        """The state after one more byte, or None when no text that goes on so belongs to the grammar."""
        key = (state, byte)
        if key not in self.steps:
            moved = [self._move(configuration, byte) for configuration in state.configurations]
            self.steps[key] = self._state((new for configurations, _ in moved for new in configurations),
                                          any(can_end for _, can_end in moved))
        return self.steps[key]

    def take(self, state: State, token_id: int) -> State | None:
        """The state after a special token, or None when it does not stand in the grammar here."""
        moved = [self._take(configuration) for configuration in state.configurations
                 if self.lexer.special(configuration.lexeme.label) == token_id]
        return self._state((new for configurations, _ in moved for new in configurations),
                           any(can_end for _, can_end in moved))

    def _take(self, configuration: Configuration) -> tuple[list[Configuration], bool]:
        """Nothing looks across a special token: for what came before, the text ends here, and it begins anew."""
        stack = self.parser.take(configuration.stack, configuration.lexeme.label)
        if stack is None or any(map(self.lexer.fires_at_end, configuration.guards)):
            return [], False
        return self._begin(stack, frozenset(), b"", configuration.register)

    def _state(self, configurations: Iterable[Configuration], can_end: bool) -> State | None:
        reached = set(configurations)
        if len(reached) > STACK_LIMIT:
            raise LimitError("the grammar is too ambiguous for the reference engine", limit="stacks")
        alive = frozenset(configuration for configuration in reached if self._is_alive(configuration))
        return State(alive, can_end) if alive or can_end else None

    def _begin(self, stack: Stack, guards: frozenset[Guard], text: bytes,
               register: Register | None) -> tuple[list[Configuration], bool]:
        """The configurations before the next lexeme, and whether the text can end here."""
        starts, can_end = self.parser.closure(stack)
        configurations = [Configuration(self.lexer.start(label, text), after, guards, text, register)
                          for label, after in starts]
        return configurations, can_end and not any(map(self.lexer.fires_at_end, guards))

    def _move(self, configuration: Configuration, byte: int) -> tuple[list[Configuration], bool]:
        text = (configuration.text + bytes([byte]))[-self.lexer.reach:] if self.lexer.reach else b""
        guards = [self.lexer.step_guard(guard, byte, text) for guard in configuration.guards]
        lexeme = self.lexer.step(configuration.lexeme, byte, text)
        watched = byte == ord("[") and configuration.lexeme.label in self.opens
        register = configuration.register and configuration.register.step(byte, watched)
        if None in guards or lexeme is None or (register is None) != (configuration.register is None):
            return [], False
        alive = frozenset(guard for guard in guards if guard)
        reached, can_end = [], False
        if lexeme.threads or not lexeme.ends or lexeme.phase:
            reached.append(Configuration(lexeme, configuration.stack, alive, text, register))
        for label, guard in lexeme.ends:
            stack = self.parser.take(configuration.stack, label)
            if stack is not None:
                following, ends = self._begin(stack, alive | {guard} if guard else alive, text, register)
                if register is not None and register.ends_again:
                    following = [new for new in following if new.lexeme.label not in self.ends]
                reached += following
                can_end |= ends
        return reached, can_end

    def _is_alive(self, configuration: Configuration) -> bool:
        if self.certain:
            return configuration.register is None or self._has_another(configuration, configuration.register)
        if configuration not in self.alive:
            found = self._search([configuration], lambda symbols, at: len(symbols) + 4 * len(at.stack), self.alive)
            if found is None:
                self.alive[configuration] = False
        return self.alive[configuration]

    def _has_another(self, configuration: Configuration, register: Register) -> bool:
        """Whether a name that was not said can come, or end, here, and items that were not: some text leads away from
        those that were."""
        if configuration not in self.alive:
            # Bytes of one class are not alike along what was said, but mostly one of each, and the digits, will do.
            self.alive[configuration] = register.is_free or any(
                self._leads_away(configuration, ways) for ways in ({*self.bytes, *b"0123456789"}, set(range(256))))
        return self.alive[configuration]

    def _leads_away(self, configuration: Configuration, ways: set[int]) -> bool:
        order = count()
        queue = [(0, next(order), 0, configuration)]
        seen = {configuration}
        while queue:
            _, _, length, at = heapq.heappop(queue)
            moved = [(byte, *self._move(at, byte)) for byte in ways]
            if any(can_end for *_, can_end in moved):
                return True
            for byte, new in [(byte, new) for byte, following, _ in moved for new in following]:
                label = new.lexeme.label  # of what comes behind items: a number was another one
                behind = label in self.ends and new.lexeme == self.lexer.start(label)
                if new.register is None or new.register.is_free or (behind and new.register.is_free_around):
                    return True
                if new not in seen:
                    seen.add(new)
                    cost = 4 * len(new.stack) - min(length, 8) + (100 if byte in b" \t" else 0)
                    heapq.heappush(queue, (cost, next(order), length + 1, new))
            if len(seen) > AWAY_LIMIT:
                raise LimitError("the reference engine gave up looking for an item", limit="search")
        return False

    def witness(self, state: State) -> Symbols:
        """The shortest symbols that end the output from here."""
        if state.can_end:
            return ()
        found = self._search(state.configurations, lambda symbols, at: len(symbols), {})
        if found is None:
            raise MaskError("no text ends the output from here")
        return found

    def _search(self, starts: Iterable[Configuration], cost: Callable[[Symbols, Configuration], int],
                known: dict[Configuration, bool]) -> Symbols | None:
        """Symbols that end the output, cheapest first. ``known`` is used and extended: are there any?"""
        order = count()
        parent: dict[Configuration, Configuration | None] = {}
        queue: list[tuple[int, int, Symbols, Configuration]] = []

        def reach(symbols: Symbols, configuration: Configuration, origin: Configuration | None) -> None:
            if configuration not in parent:
                parent[configuration] = origin
                heapq.heappush(queue, (cost(symbols, configuration), next(order), symbols, configuration))

        for configuration in starts:
            reach((), configuration, None)
        while queue:
            _, _, symbols, configuration = heapq.heappop(queue)
            if known.get(configuration) is False:
                continue
            found = known.get(configuration, False)
            special = self.lexer.special(configuration.lexeme.label)
            # Bytes of one class are not alike where one of them leads along a name that was said.
            alike = configuration.register is None or configuration.register.is_free
            symbols_on: Iterable[int] = (SPECIAL + special,) if special is not None else (
                self.bytes if alike else range(256))
            for symbol in () if found else symbols_on:
                following, can_end = (self._move(configuration, symbol) if special is None else
                                      self._take(configuration))
                if can_end:
                    found, symbols = True, (*symbols, symbol)
                    break
                for new in following:
                    reach((*symbols, symbol), new, configuration)
            if found:
                at: Configuration | None = configuration
                while at is not None:
                    known[at] = True
                    at = parent[at]
                return symbols
            if len(parent) > SEARCH_LIMIT:
                raise LimitError("the reference engine gave up looking for an ending", limit="search")
        known.update(dict.fromkeys(parent, False))
        return None


class ReferenceGrammar:
    """A program and a vocabulary; the same surface as the kernel's ``Grammar``."""

    def __init__(self, program: Program, tokens: Sequence[bytes], special_ids: Iterable[int],
                 eos_ids: Iterable[int]) -> None:
        self.machine = Machine(program)
        self.tokens = tokens
        self.special_ids, self.eos_ids = frozenset(special_ids), frozenset(eos_ids)
        self.longest = max(map(len, tokens), default=0)
        self.ids = {token: token_id for token_id, token in reversed(list(enumerate(tokens)))
                    if token and token_id not in self.special_ids and token_id not in self.eos_ids}

    def matcher(self, max_tokens: int | None = None, step_seconds: float | None = None) -> ReferenceMatcher:
        """A matcher before the first token. There is no clock: ``step_seconds`` is the kernel's."""
        if max_tokens is not None and max_tokens < self.min_tokens():
            raise LimitError(f"max_tokens is {max_tokens}, but an output takes at least {self.min_tokens()} tokens",
                             limit="max_tokens")
        assert self.machine.start is not None
        return ReferenceMatcher(self, [self.machine.start], max_tokens)

    def min_tokens(self) -> int:
        """Tokens of a shortest output, EOS included."""
        assert self.machine.start is not None
        return self.need(self.machine.start)

    def stats(self) -> dict[str, int]:
        """How much was remembered."""
        return {"states": len(self.machine.steps)}

    def need(self, state: State) -> int:
        """Tokens that are enough to end the output from here, EOS included."""
        return len(self.tokenize(self.machine.witness(state))) + 1

    def tokenize(self, symbols: Symbols) -> list[int]:
        """Special tokens as they are; else always the longest token that fits."""
        special = next((at for at, symbol in enumerate(symbols) if symbol >= SPECIAL), None)
        if special is not None:
            return [*self.tokenize(symbols[:special]), symbols[special] - SPECIAL,
                    *self.tokenize(symbols[special + 1:])]
        text, tokens, at = bytes(symbols), [], 0
        while at < len(text):
            for size in range(min(self.longest, len(text) - at), 0, -1):
                if text[at : at + size] in self.ids:
                    tokens.append(self.ids[text[at : at + size]])
                    at += size
                    break
            else:
                raise MaskError(f"no token spells the byte {text[at]:#04x}")
        return tokens


class ReferenceMatcher:
    """One output in the making; the same surface as the kernel's ``Matcher``."""

    def __init__(self, grammar: ReferenceGrammar, history: list[State], max_tokens: int | None,
                 finished_at: int | None = None, spent: list[int] | None = None) -> None:
        self.grammar, self.history, self.max_tokens = grammar, history, max_tokens
        self.spent = spent or [0]  # of the budget, beside each state of the history
        self._finished_at = finished_at  # how long the history was with the first EOS

    @property
    def can_end(self) -> bool:
        """Whether the text so far is complete."""
        return self.history[-1].can_end

    @property
    def finished(self) -> bool:
        """Whether EOS was accepted."""
        return self._finished_at is not None

    def accept(self, token_id: int) -> bool:
        """Take a token; False when it is refused (the state is then unchanged)."""
        if not 0 <= token_id < len(self.grammar.tokens):
            return False
        is_end = token_id in self.grammar.eos_ids
        if is_end and self.can_end:
            self._push(self.history[-1], 1)
            self._finished_at = self._finished_at or len(self.history)
            return True
        if self.finished:
            return False
        special = is_end or token_id in self.grammar.special_ids
        state = self.grammar.machine.take(self.history[-1], token_id) if special else self._read(
            self.history[-1], self.grammar.tokens[token_id])
        if state is None or not self._affordable(token_id, state):
            return False
        self._push(state, 1)
        if is_end and state.can_end:  # an end token may also stand in the grammar
            self._finished_at = len(self.history)
        return True

    def accept_bytes(self, data: bytes) -> int:
        """Take text; how many bytes of it some completion follows, in time. One step of history."""
        states = [self.history[-1]]
        for byte in data:
            following = None if self.finished else self.grammar.machine.step(states[-1], byte)
            if following is None:
                break
            states.append(following)
        taken, tokens = len(states) - 1, 0
        if self.max_tokens is not None:
            ids = self.grammar.tokenize(tuple(data[:taken]))
            ends = [0, *accumulate(len(self.grammar.tokens[token_id]) for token_id in ids)]
            left = self.max_tokens - self.spent[-1]
            plan = self.grammar.tokenize(self.grammar.machine.witness(states[0]))

            def fits(n: int) -> bool:
                planned = plan[:n] == ids[:n] and len(plan) < left
                return planned or self.grammar.need(states[ends[n]]) <= left - n

            tokens = next((n for n in range(len(ids), 0, -1) if fits(n)), 0)
            taken = ends[tokens]
        self._push(states[taken], tokens)
        return taken

    def _push(self, state: State, tokens: int) -> None:
        self.history.append(state)
        self.spent.append(self.spent[-1] + tokens)

    def _read(self, state: State, data: bytes) -> State | None:
        if not data:
            return None
        for byte in data:
            following = self.grammar.machine.step(state, byte)
            if following is None:
                return None
            state = following
        return state

    def _affordable(self, token_id: int, state: State) -> bool:
        """Whether the output can still end in time after a token."""
        if self.max_tokens is None:
            return True
        left = self.max_tokens - self.spent[-1] - 1  # the token itself is paid for
        if self.grammar.need(state) <= left:
            return True
        plan = self.grammar.tokenize(self.grammar.machine.witness(self.history[-1]))
        return plan[:1] == [token_id] and len(plan) <= left

    def fill_bitmask(self, bitmask: Any, row: int = 0) -> None:
        """Set the bit of each token that :meth:`accept` would take, clear all others."""
        words = self._words(bitmask, row)
        words[:] = 0
        for token_id in range(len(self.grammar.tokens)):
            if self.fork().accept(token_id):
                bit = 1 << (token_id % 32)
                words[token_id // 32] |= bit - (1 << 32) if bit >> 31 else bit
        if not any(words):
            raise MaskError(f"no token of the vocabulary goes on from here: expected {', '.join(self.expected())}")

    def _words(self, bitmask: Any, row: int) -> NDArray[np.int32]:
        """The row of a bitmask, when it is one; a ValueError when it is not, as from the kernel."""
        count = -(-len(self.grammar.tokens) // 32)
        if not isinstance(bitmask, np.ndarray) or bitmask.dtype != np.int32 or bitmask.ndim not in (1, 2) or (
                not bitmask.flags.c_contiguous or not bitmask.flags.writeable):
            raise ValueError("bitmask: a writable, contiguous array of int32 is needed, [words] or [rows, words]")
        rows = bitmask if bitmask.ndim == 2 else bitmask[None]
        if rows.shape[1] != count or not 0 <= row < len(rows):
            raise ValueError(f"bitmask: {count} words a row are needed, and row {row}")
        return rows[row]  # type: ignore[no-any-return]

    def rollback(self, n: int) -> None:
        """Undo the last ``n`` accepted tokens."""
        if not 0 <= n < len(self.history):
            raise MaskError(f"cannot roll back {n} tokens of {len(self.history) - 1}")
        del self.history[len(self.history) - n:], self.spent[len(self.spent) - n:]
        if self._finished_at is not None and len(self.history) < self._finished_at:
            self._finished_at = None

    def fork(self) -> ReferenceMatcher:
        """An independent copy."""
        return ReferenceMatcher(self.grammar, list(self.history), self.max_tokens, self._finished_at,
                                list(self.spent))

    def unlimited(self) -> ReferenceMatcher:
        """A copy without a budget."""
        return ReferenceMatcher(self.grammar, list(self.history), None, self._finished_at, list(self.spent))

    def expected(self) -> list[str]:
        """The names of the terminals that are being read or can come next."""
        if self.finished:
            return []
        machine = self.grammar.machine
        labels: set[int] = set()
        for configuration in self.history[-1].configurations:
            labels |= {label for label in machine.lexer.labels(configuration.lexeme)
                       if machine.parser.take(configuration.stack, label) is not None}
        return list(dict.fromkeys(machine.names[label] for label in sorted(labels)))

    def witness(self) -> bytes:
        """The text of a shortest ending, special tokens left out."""
        symbols = () if self.finished else self.grammar.machine.witness(self.history[-1])
        return bytes(symbol for symbol in symbols if symbol < SPECIAL)

    def forced_bytes(self, limit: int) -> bytes:
        """The bytes that every completion starts with."""
        machine, forced, state = self.grammar.machine, b"", self.history[-1]
        while len(forced) < limit and not state.can_end and not self.finished:
            ways = [(byte, after) for byte in range(256) if (after := machine.step(state, byte)) is not None]
            special = any(machine.lexer.special(at.lexeme.label) is not None for at in state.configurations)
            if len(ways) != 1 or special:
                break
            forced, state = forced + bytes([ways[0][0]]), ways[0][1]
        return forced

    def tokens_needed(self) -> int:
        """Tokens that are enough to end the output, EOS included."""
        return 0 if self.finished else self.grammar.need(self.history[-1])

