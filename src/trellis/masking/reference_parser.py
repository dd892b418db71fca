"""The slow twin's parsers: what may come next at a stack, and the stack after a lexeme."""

from __future__ import annotations

from trellis.errors import LimitError
from trellis.masking import terminals
from trellis.masking.left_corner import CALL, EPSILON
from trellis.masking.program import GeneralProgram, LalrProgram, unpack

Stack = tuple[int, ...]  # states of the parser, the current one last
MAX_REDUCTIONS = 10_000  # before one shift
STACK_LIMIT = 2_000  # stacks, or configurations, at one place: ambiguous grammars have exponentially many


class GeneralParser:
    """A recursive transition network: the stack holds the states to return to and, last, the current one."""

    def __init__(self, program: GeneralProgram) -> None:
        self.finals = program.finals
        self.rule_starts = [start for (start,) in unpack(program.rule_starts)]
        self.edges: list[list[tuple[int, int, int]]] = [[] for _ in program.finals]
        for source, kind, argument, target in unpack(program.edges, 4):
            self.edges[source].append((kind, argument, target))
        self.ignore = program.ignore
        self.start: Stack = (self.rule_starts[program.start],)

    def closure(self, stack: Stack) -> tuple[list[tuple[int, Stack]], bool]:
        """(the terminals that can come next, each with the stack before it is taken; whether the text can end)."""
        found: list[tuple[int, Stack]] = [(terminal, stack) for terminal in self.ignore]
        can_end = False
        # A called rule has to consume something (calls of rules that may be empty have an epsilon edge beside them),
        # so a rule that was entered only now does not return.
        work = [(stack, False)]
        seen = set(work)
        for (*below, state), entered in work:
            reached: list[tuple[Stack, bool]] = []
            if self.finals[state]:
                can_end |= not below
                reached += [(tuple(below), False)] if below and not entered else []
            for kind, argument, target in self.edges[state]:
                if kind == EPSILON:
                    reached.append(((*below, target), entered))
                elif kind == CALL:
                    returns = () if self.finals[target] and not self.edges[target] else (target,)
                    reached.append(((*below, *returns, self.rule_starts[argument]), True))
                else:
                    found.append((argument, (*below, target)))
            for new in reached:
                if new not in seen:
                    seen.add(new)
                    work.append(new)
            if len(work) > STACK_LIMIT:
                raise LimitError("the grammar is too ambiguous for the reference engine", limit="stacks")
        return found, can_end

    def take(self, stack: Stack, label: int) -> Stack | None:
        """The stack after a lexeme: ``closure`` has already gone over the edge."""
        return stack


class LalrParser:
    """A parse table: the stack holds its states."""

    def __init__(self, program: LalrProgram) -> None:
        self.actions = {(state, terminal): (kind, argument)
                        for state, terminal, kind, argument in unpack(program.actions, 4)}
        self.gotos = {(state, symbol): target for state, symbol, target in unpack(program.gotos, 3)}
        self.rules = unpack(program.rules, 2)
        self.end = program.end
        self.end_of_text = len(program.terminals)
        self.scanner_of = [scanner for (scanner,) in unpack(program.scanner_of)]
        self.ignored = [set(ignore) for _, ignore, _ in program.scanners]
        self.special = [label for label, code in enumerate(program.terminals) if code[0] == terminals.SPECIAL]
        self.start: Stack = (program.start,)

    def closure(self, stack: Stack) -> tuple[list[tuple[int, Stack]], bool]:
        """(the scanner that reads on and the special tokens that fit, whether the text can end)"""
        special = [(label, stack) for label in self.special if self._shift(stack, label) is not None]
        return [(-1 - self.scanner_of[stack[-1]], stack), *special], self._shift(stack, self.end_of_text) is not None

    def take(self, stack: Stack, label: int) -> Stack | None:
        """The stack after a lexeme; None when the terminal does not fit."""
        return stack if label in self.ignored[self.scanner_of[stack[-1]]] else self._shift(stack, label)

    def _shift(self, stack: Stack, terminal: int) -> Stack | None:
        states = list(stack)
        for _ in range(MAX_REDUCTIONS):
            if (action := self.actions.get((states[-1], terminal))) is None:
                return None
            kind, argument = action
            if kind == 0:
                return (*states, argument)
            symbol, length = self.rules[argument]
            del states[len(states) - length:]
            states.append(self.gotos[states[-1], symbol])
            if terminal == self.end_of_text and states[-1] == self.end:
                return tuple(states)
        return None  # the table reduces what is empty for ever, and so does Lark
