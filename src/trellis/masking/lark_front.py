"""Lark grammars, lowered to programs. This is the only file that sees Lark.

Lark itself loads the grammar: imports, templates, ``%extend``, ``%override``, aliases, repetitions and priorities are
resolved by its own loader, so they mean what they mean to Lark. Here its result is read: compiled rules for the Earley
parser, the finished parse table and the contextual lexers for LALR.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, NoReturn

from lark import Lark
from lark.exceptions import LarkError, UnexpectedInput
from lark.lexer import PatternStr, TerminalDef, UnlessCallback
from lark.parsers.lalr_analysis import Shift

from trellis.errors import GrammarError, LimitError, TrellisError, UnsupportedError, UsageError
from trellis.masking import regex_front, terminals
from trellis.masking.program import AutomatonBuilder, GeneralProgram, LalrProgram, Program, Scanner, pack

LEXERS = {"earley": "dynamic", "lalr": "contextual"}
MAX_KEYWORD_SPELLINGS = 50_000  # of case-insensitive keywords, in one grammar


@dataclass(frozen=True, slots=True)
class LarkSource:
    """A loaded grammar.

    Attributes:
        program: what the engines walk.
        parser: Lark's parser.
        name: the file, or ``text``.
    """

    program: Program
    parser: Lark
    name: str

    def parse(self, text: str) -> Any:
        """Lark's tree; a text that Lark does not parse is a GrammarError with its place."""
        try:
            return self.parser.parse(text)
        except UnexpectedInput as error:
            place = (error.line, error.column) if isinstance(error.line, int) and error.line > 0 else (None, None)
            raise GrammarError("the text does not belong to the grammar", line=place[0], column=place[1],
                               source=text) from error
        except RecursionError as error:
            raise LimitError("Lark's tree of this text is too deep", limit="tree depth") from error
        except (LarkError, RuntimeError) as error:
            raise GrammarError(f"Lark failed on the text: {error}") from error


def load(text_or_path: str | os.PathLike[str], start: str, parser: str) -> LarkSource:
    """Load a grammar with Lark and lower it.

    Raises:
        GrammarError, UnsupportedError: with the rule or terminal, and line and column where they can be found.
        UsageError: no such parser, or the file cannot be read.
    """
    if parser not in LEXERS:
        raise UsageError(f"no parser is called {parser!r}", hint='"earley" (Lark\'s default) or "lalr"')
    path = _path(text_or_path)
    try:
        text = path.read_text(encoding="utf-8") if path else str(text_or_path)
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the grammar file {path}: {error}") from error
    place = _Places(text)
    try:
        # Lark looks for relative imports next to the file it was given.
        if path:
            with path.open(encoding="utf-8") as file:
                loaded = Lark(file, start=start, parser=parser, lexer=LEXERS[parser])
        else:
            loaded = Lark(text, start=start, parser=parser, lexer=LEXERS[parser])
    except RecursionError as error:
        raise LimitError("the grammar is nested too deeply for Lark", limit="grammar depth") from error
    except Exception as error:  # Lark's loader also lets AssertionError, KeyError and re.error through
        place.reraise(error)
    lowering = _Lowering(loaded, place)
    program = lowering.lalr(start) if parser == "lalr" else lowering.general(start)
    return LarkSource(program, loaded, path.name if path else "text")


def _path(text_or_path: str | os.PathLike[str]) -> Path | None:
    if isinstance(text_or_path, str) and ("\n" in text_or_path or not text_or_path.endswith(".lark")):
        return None
    return Path(text_or_path)


class _Lowering:
    """A loaded grammar -> a program."""

    def __init__(self, loaded: Lark, place: _Places) -> None:
        self.loaded = loaded
        self.place = place
        self.definitions: Mapping[str, TerminalDef] = {terminal.name: terminal for terminal in loaded.terminals}
        self.codes: dict[str, bytes] = {}

    def code(self, name: str) -> bytes:
        """The terminal code of a terminal."""
        if name not in self.codes:
            if name not in self.definitions:
                raise self.place.error(UnsupportedError, f"terminal {name} is declared, but has no pattern", name,
                                       hint="give it a pattern; masks cannot follow a postlex")
            self.codes[name] = self._code(self.definitions[name])
        return self.codes[name]

    def _code(self, terminal: TerminalDef) -> bytes:
        pattern = terminal.pattern
        try:
            if isinstance(pattern, PatternStr) and not pattern.flags:
                return terminals.literal(pattern.value.encode())
            return terminals.regex_first(regex_front.to_code(pattern.to_regexp(), self.loaded.options.g_regex_flags))
        except (GrammarError, LimitError) as error:
            raise self.place.error(type(error), f"terminal {terminal.name}: {_bare(error)}",
                                   terminal.name, pattern=pattern, hint=error.hint) from error
        except UnicodeEncodeError as error:
            raise self.place.error(GrammarError, f"terminal {terminal.name} has a lone surrogate, which no UTF-8 text "
                                   "contains", terminal.name, pattern=pattern) from error

    def general(self, start: str) -> GeneralProgram:
        """Rules as automata."""
        builder = AutomatonBuilder()
        expansions: dict[str, list[tuple[Any, ...]]] = {}
        for rule in self.loaded.rules:
            expansions.setdefault(rule.origin.name, []).append(tuple(rule.expansion))
        rules = {name: builder.rule(name) for name in expansions}
        for name, alternatives in expansions.items():
            self._rule(builder, rules, name, alternatives)
        for name in self.loaded.ignore_tokens:
            builder.ignore(self.code(name), name)
        try:
            return builder.build(rules[start])
        except GrammarError as error:
            raise self.place.error(type(error), error.message, error.rule or start, hint=error.hint) from error

    def _rule(self, builder: AutomatonBuilder, rules: Mapping[str, int], name: str,
              alternatives: Iterable[tuple[Any, ...]]) -> None:
        """The alternatives of a rule as one deterministic automaton: a state is what may still follow."""
        begin = tuple(alternatives)
        states = {frozenset(begin): builder.state()}
        builder.set_start(rules[name], states[frozenset(begin)])
        work = [begin]
        for rest in work:
            state = states[frozenset(rest)]
            after: dict[Any, dict[tuple[Any, ...], None]] = {}
            for expansion in rest:
                if expansion:
                    after.setdefault(expansion[0], {})[expansion[1:]] = None
                else:
                    builder.final(state)
            for symbol, tails in after.items():
                key = frozenset(tails)
                if key not in states:
                    states[key] = builder.state()
                    work.append(tuple(tails))
                if symbol.is_term:
                    builder.terminal(state, self.code(symbol.name), states[key], symbol.name)
                else:
                    builder.call(state, rules[symbol.name], states[key])

    def lalr(self, start: str) -> LalrProgram:
        """Lark's parse table and contextual lexers."""
        frontend: Any = self.loaded.parser
        table, lexers = frontend.parser._parse_table, frontend.lexer.lexers
        self._check_rules(start)
        names = sorted({name for lexer in lexers.values() for name in _scanner_names(lexer)})
        index = {name: number for number, name in enumerate(names)}
        states = _numbered(table, table.start_states[start])
        symbols: dict[str, int] = {}
        rules: dict[Any, int] = {}
        actions: list[int] = []
        gotos: list[int] = []
        for state, number in states.items():
            for name, (action, argument) in sorted(table.states[state].items(), key=lambda item: item[0]):
                if action is not Shift:
                    rule = rules.setdefault(argument, len(rules))
                    actions += (number, len(names) if name == "$END" else index[name], 1, rule)
                elif name in index:
                    actions += (number, index[name], 0, states[argument])
                elif name != "$END":
                    gotos += (number, symbols.setdefault(name, len(symbols)), states[argument])
        scanners: dict[int, int] = {}
        scanner_of = []
        built: list[Scanner] = []
        spellings = 0
        for state in states:
            lexer = lexers[state]
            if id(lexer) not in scanners:
                scanners[id(lexer)] = len(built)
                built.append(self._scanner(lexer, index))
                spellings += len(built[-1][2])
                if spellings > MAX_KEYWORD_SPELLINGS:
                    raise LimitError(f"case-insensitive keywords have more than {MAX_KEYWORD_SPELLINGS} spellings",
                                     limit="keywords", hint='use parser="earley"')
            scanner_of.append(scanners[id(lexer)])
        return LalrProgram(
            terminals=tuple(self.code(name) for name in names), names=tuple(names), actions=pack(actions),
            gotos=pack(gotos),
            rules=pack(value for rule in rules
                       for value in (symbols.setdefault(rule.origin.name, len(symbols)), len(rule.expansion))),
            start=states[table.start_states[start]], end=states[table.end_states[start]], scanners=tuple(built),
            scanner_of=pack(scanner_of))

    def _check_rules(self, start: str) -> None:
        """Each terminal has a code, and each rule can end (a parse table would lead into it all the same)."""
        endless = {rule.origin.name for rule in self.loaded.rules}
        before = len(endless) + 1
        while len(endless) < before:
            before = len(endless)
            for rule in self.loaded.rules:
                if all(symbol.is_term or symbol.name not in endless for symbol in rule.expansion):
                    endless.discard(rule.origin.name)
        for rule in self.loaded.rules:
            for symbol in rule.expansion:
                if symbol.is_term:
                    self.code(symbol.name)
        name = start if start in endless else min(endless, default=None)
        if name is not None:
            raise self.place.error(GrammarError, f"no text at all belongs to {name}: each way through it recurses for "
                                   "ever", name)

    def _scanner(self, lexer: Any, index: Mapping[str, int]) -> Scanner:
        order = [index[terminal.name] for terminal in lexer.scanner.terminals]
        ignored = set(lexer.ignore_types)
        keywords: dict[tuple[int, bytes], int] = {}
        for name, callback in lexer.callback.items():
            if name in ignored:
                continue  # Lark drops the lexeme whatever its new type
            if not isinstance(callback, UnlessCallback):
                raise self.place.error(UnsupportedError, f"terminal {name} has a lexer callback", name)
            for keyword in callback.scanner.terminals:
                if keyword.name in ignored:
                    raise self.place.error(UnsupportedError, f"terminal {name} may also be {keyword.name}, which is "
                                           "ignored: with LALR, Lark then fails", name)
                for spelling in self._spellings(keyword):
                    keywords.setdefault((index[name], spelling), index[keyword.name])
        return (order, [index[name] for name in sorted(ignored & index.keys())],
                [(label, word, instead) for (label, word), instead in keywords.items()])

    def _spellings(self, keyword: TerminalDef) -> Iterable[bytes]:
        """The lexemes of a string terminal: several when it is case-insensitive."""
        pattern: Any = keyword.pattern
        if not pattern.flags:
            return [pattern.value.encode()]
        letters = [regex_front.spellings(char, re.IGNORECASE | re.UNICODE) for char in pattern.value]
        count = prod(map(len, letters))
        if count > MAX_KEYWORD_SPELLINGS:
            raise self.place.error(LimitError, f"the case-insensitive keyword {keyword.name} has {count} spellings",
                                   keyword.name, hint='use parser="earley", or match it with a terminal of its own')
        return ["".join(spelling).encode() for spelling in product(*letters)]


def _numbered(table: Any, start: Any) -> dict[Any, int]:
    """The states of a parse table, numbered from the start state in the order of names: Lark's own order varies."""
    numbers = {start: 0}
    for state in (work := [start]):
        for _, (action, argument) in sorted(table.states[state].items(), key=lambda item: item[0]):
            if action is Shift and argument not in numbers:
                numbers[argument] = len(work)
                work.append(argument)
    return numbers


def _scanner_names(lexer: Any) -> set[str]:
    """All terminals that a contextual lexer may yield, keywords included."""
    return {terminal.name for terminal in lexer.terminals} | {terminal.name for terminal in lexer.scanner.terminals}


def _bare(error: TrellisError) -> str:
    """The message without the place in the pattern, which is not the place in the grammar."""
    return re.sub(r" at line \d+, column \d+$", "", error.message.splitlines()[0])


_NAMED = r"(?:(?:rule|terminal|terminals|token|used for)[ ({'\"]+|TerminalDef\('|\(|<)(?!in\b)([A-Za-z_]\w*)"


class _Places:
    """Finds rules and terminals in the text of a grammar, for messages."""

    def __init__(self, text: str) -> None:
        self.text = text

    def definition(self, name: str, number: int = 0) -> int | None:
        """Offset of the ``number``-th definition of a rule or terminal."""
        head = rf"^[ \t]*(?:%(?:override|extend|declare)[ \t]+)?[?!]*({re.escape(name)})\b"
        found = list(re.finditer(head, self.text, re.MULTILINE))
        return found[number].start(1) if len(found) > number else None

    def use(self, name: str) -> int | None:
        """Offset of the first use of a name, outside strings and comments as far as a regex can tell."""
        for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/(?:\\.|[^/\\\n])+/|([A-Za-z_]\w*)', self.text):
            if match.group(1) == name:
                return match.start()
        return None

    def line_column(self, offset: int | None) -> tuple[int | None, int | None]:
        """1-based."""
        if offset is None:
            return None, None
        return self.text.count("\n", 0, offset) + 1, offset - self.text.rfind("\n", 0, offset)

    def error(self, kind: type[TrellisError], message: str, name: str, *, pattern: Any = None,
              hint: str = "") -> TrellisError:
        """An error about a rule or terminal, with its place."""
        if issubclass(kind, LimitError):
            return LimitError(message, limit="grammar", hint=hint)
        offset = self.definition(name)
        raw = getattr(pattern, "raw", None)
        if offset is None and raw and raw in self.text:  # an anonymous terminal: find how it is written
            offset = self.text.index(raw)
        if offset is None:
            offset = self.use(name)
        line, column = self.line_column(offset)
        made = kind if issubclass(kind, GrammarError) else GrammarError
        return made(message, line=line, column=column, source=self.text, rule=name, hint=hint)

    def reraise(self, error: Exception) -> NoReturn:
        """Lark's error as ours."""
        message = str(error).strip() or type(error).__name__
        first = message.splitlines()[0].rstrip(" :")
        stated = re.search(r",? (?:at|in)? ?line (\d+),? column (\d+)", message)
        if stated:
            elsewhere = re.search(r"line \d+ column \d+ in (\S+?):?\s", message)
            line, column = int(stated[1]), int(stated[2])
            first = re.sub(r"Unexpected token Token\('\w+', (.*?)\)\.?", r"unexpected \1", first)
            expected = re.findall(r"^\s*\* (\w+)", message, re.MULTILINE)
            own = not elsewhere or elsewhere[1] in ("<string>", "GRAMMAR") or line <= self.text.count("\n") + 1
            hint = f"Lark expects {' or '.join(expected)}" if expected else ""
            raise GrammarError(f"not a Lark grammar: {first.replace(stated[0], '')}", line=line, column=column,
                               source=self.text if own else None, hint=hint) from error
        if "at position" in first or first.startswith("Cannot compile token"):
            self._bad_regex(error)
        if first.startswith("Using an undefined rule"):
            name = re.sub(r".*'(.*)'.*", r"\1", first)
            raise GrammarError(f"the start rule {name} is not defined", rule=name,
                               hint='name another rule: Grammar.from_lark(..., start="...")') from error
        if "zero-width" in first:
            first = "a terminal may match the empty string, which Lark's lexers do not allow"
        names = re.findall(_NAMED, message, re.IGNORECASE) + re.findall(r"'([A-Za-z_]\w*)'", message)
        concerned = next((name for name in names if self.use(name) is not None), None)
        offset = None
        if concerned is not None:
            offset = self.definition(concerned, 1 if "more than once" in message else 0)
            if offset is None or "not defined" in message:
                offset = self.use(concerned)
        at = self.line_column(offset)
        raise GrammarError(f"Lark refuses the grammar: {first}", line=at[0], column=at[1], source=self.text,
                           rule=concerned) from error

    def _bad_regex(self, error: Exception) -> None:
        """Find the regex that CPython does not compile."""
        for match in re.finditer(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/((?:\\.|[^/\\\n])+)/[imslux]*', self.text):
            try:
                re.compile(match.group(1) or "")
            except re.error as wrong:
                line, column = self.line_column(match.start(1) + (wrong.pos or 0))
                raise GrammarError(f"not a regular expression: {wrong.msg}", line=line, column=column, source=self.text,
                                   rule=self._defined_at(match.start())) from error

    def _defined_at(self, offset: int) -> str | None:
        """The rule or terminal in whose definition an offset lies."""
        heads = list(re.finditer(r"^[?!]*([A-Za-z_]\w*)[^:\n]*:", self.text[:offset], re.MULTILINE))
        return heads[-1][1] if heads else None
