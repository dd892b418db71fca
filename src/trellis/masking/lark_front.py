"""Lark grammars, lowered to programs. This file and ``lark_analysis`` are the only ones that see Lark.

Lark itself loads the grammar: imports, templates, ``%extend``, ``%override``, aliases, repetitions and priorities are
resolved by its own loader, so they mean what they mean to Lark. Here its result is read: compiled rules for the Earley
parser, the finished parse table and the contextual lexers for LALR.
"""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from lark import Lark, logger
from lark.exceptions import LarkError, UnexpectedInput
from lark.lexer import PatternStr, TerminalDef, UnlessCallback
from lark.load_grammar import GrammarBuilder
from lark.parsers.lalr_analysis import Shift
from lark.tree import Tree

from trellis.errors import GrammarError, LimitError, TrellisError, UnsupportedError, UsageError
from trellis.masking import lark_size, regex_front, terminals
from trellis.masking.lark_analysis import LEXERS, loaded, look
from trellis.masking.lark_places import Places
from trellis.masking.lark_size import TooLarge
from trellis.masking.program import AutomatonBuilder, GeneralProgram, LalrProgram, Program, Scanner, Spelled, pack
from trellis.masking.regex_tree import Node
from trellis.schema import clock

MAX_SECONDS = 30.0
_WORK = "the grammar takes more than {} to load"


class LarkSource:
    """A loaded grammar.

    Attributes:
        program: what the engines walk.
        name: the file, or ``text``.
        text: the grammar as it was written.
    """

    def __init__(self, program: Program, lark: Lark, start: str, name: str, text: str) -> None:
        self.program, self.name, self.text = program, name, text
        self._grammar, self._start, self._kind = lark.grammar, start, str(lark.options.parser)
        self._parser: Lark | None = lark if self._kind == "lalr" else None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_parser": None}

    @property
    def parser(self) -> Lark:
        """Lark's parser; made when it is first needed.

        Raises:
            LimitError: that takes too long.
        """
        if self._parser is None:
            with clock.limited(MAX_SECONDS, "Lark's parser of the grammar takes more than {} to make"):
                try:
                    self._parser = loaded(self._grammar, self._start, self._kind)
                except TooLarge as error:
                    raise LimitError(str(error), limit=error.limit) from error
        return self._parser

    def parse(self, text: str) -> Any:
        """Lark's tree; a text that Lark does not parse is a GrammarError with its place."""
        try:
            return self.parser.parse(text)
        except UnexpectedInput as error:
            what, line, column = "the text does not belong to the grammar", error.line, error.column
            if not (isinstance(line, int) and line > 0):  # Lark has no place for the text's end
                what, line, column = "the text stops too early", text.count("\n") + 1, len(text) - text.rfind("\n")
            raise GrammarError(what, line=line, column=column, source=text,
                               hint="`trellis mask GRAMMAR --text ...` shows what may come where") from error
        except RecursionError:
            raise LimitError("Lark's tree of this text is too deep", limit="tree depth") from None
        except (LarkError, RuntimeError) as error:
            raise GrammarError(f"Lark failed on the text: {error}") from error

    def about(self, name: str, message: str, hint: str, limit: str) -> TrellisError:
        """A LimitError about a rule or terminal, with its place."""
        return Places(self.text).error(LimitError, message, name, hint=hint, limit=limit)

    def ambiguous_rule(self, text: str) -> str | None:
        """A rule that reads a part of a text in more than one way, as Lark's Earley parser finds it; None if none does.

        Raises:
            GrammarError: Lark does not parse the text.
            LimitError: there are too many readings.
        """
        try:
            tree = Lark(self._grammar, parser="earley", start=self._start, lexer="dynamic",
                        ambiguity="explicit").parse(text)
        except RecursionError:
            raise LimitError("Lark's tree of this text is too deep", limit="tree depth") from None
        except (LarkError, RuntimeError) as error:  # also where it finds two ends of the text, over what is ignored
            raise GrammarError(f"Lark failed on the text: {error}") from error
        several = [node for node in _nodes(tree) if node.data == "_ambig"]
        rules = (getattr(reading, "data", "_ambig") for node in several for reading in node.children)
        named = next((str(rule) for rule in rules if rule != "_ambig"), None)
        return named or (self._start if several else None)

    def conflicts(self) -> list[str]:
        """The shift/reduce conflicts that Lark's LALR resolves by reading on, in Lark's words; none with Earley."""
        if self._kind != "lalr":
            return []
        found: list[str] = []
        handler = logging.Handler()
        handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
        before, handlers = logger.level, logger.handlers
        logger.handlers = [handler]
        logger.setLevel(logging.DEBUG)
        try:
            Lark(self._grammar, parser="lalr", start=self._start, debug=True)
        finally:
            logger.handlers = handlers
            logger.setLevel(before)
        return [line for line in found if line.startswith("Shift/Reduce")]

    def network(self) -> Network:
        """Rules as automata, whatever the parser, and terminals as trees, for other notations of grammars.

        Raises:
            GrammarError, UnsupportedError: a terminal is a special token.
        """
        light = loaded(self._grammar, self._start, self._kind, trees=False)
        lowering = _Lowering(light, Places(self.text, self.name), ())
        program = lowering.general(self._start)
        flags = light.options.g_regex_flags
        patterns = [lowering.definitions[name].pattern.to_regexp() for name in program.names]
        return Network(program, tuple(regex_front.fullmatch_tree(_PLAINER.get(one, one), flags) for one in patterns))


_PLAINER = {r'".*?(?<!\\)(\\\\)*?"': r'"(?:[^"\\\n]|\\[^\n])*"'}
"""Of ``common.ESCAPED_STRING``, whose laziness alone says that no quote stands within."""


def _nodes(tree: Any) -> list[Tree[Any]]:
    """The nodes of Lark's tree, the deepest first. Readings share nodes, and a walk that comes to them again and again
    (as ``Tree.iter_subtrees`` does while they wait) takes exponential time."""
    found: dict[int, Tree[Any]] = {id(tree): tree}
    queue = [tree]
    for node in queue:
        for child in reversed(node.children):
            if isinstance(child, Tree) and id(child) not in found:
                found[id(child)] = child
                queue.append(child)
    return queue[::-1]


class Network(NamedTuple):
    """The rules of a grammar, and for each terminal of them the tree of its regular expression."""

    program: GeneralProgram
    trees: tuple[Node, ...]


def load(text_or_path: str | os.PathLike[str], start: str, parser: str, special: Sequence[str] = (),
         max_seconds: float = MAX_SECONDS) -> LarkSource:
    """Load a grammar with Lark and lower it.

    Args:
        special: declared terminals that are special tokens, by number.
        max_seconds: of processor time.

    Raises:
        GrammarError, UnsupportedError: with the rule or terminal, and line and column where they can be found.
        LimitError: Lark would write the grammar out at too great a length, it is nested too deeply, or takes too long.
        UsageError: an argument of the wrong type, no such parser, or the file cannot be read.
    """
    if not isinstance(parser, str) or parser not in LEXERS:
        raise UsageError(f"no parser is called {parser!r}", hint='"earley" (Lark\'s default) or "lalr"')
    if not isinstance(start, str):
        raise UsageError(f"start has to be the name of one rule, not {start!r}")
    path = _path(text_or_path)
    text = _read(path) if path else str(text_or_path)
    place = Places(text.removeprefix(_BYTE_ORDER_MARK), str(path) if path else "<string>")
    place.check_characters()
    with warnings.catch_warnings(), clock.limited(max_seconds, _WORK):
        warnings.simplefilter("ignore", FutureWarning)  # CPython's, about "[[" in a class
        try:
            made = _loaded(place, start, parser)
            lowering = _Lowering(made, place, special)
            program = lowering.lalr(start) if parser == "lalr" else lowering.general(start)
        except TooLarge as error:
            raise place.error(LimitError, str(error), error.name, hint=error.hint, limit=error.limit) from error
        program = replace(program, names=tuple(map(lowering.shown, program.names)))
    return LarkSource(program, made, start, path.name if path else "text", place.text)


_BYTE_ORDER_MARK = "\ufeff"


def _path(text_or_path: Any) -> Path | None:
    if isinstance(text_or_path, str):
        return Path(text_or_path) if "\n" not in text_or_path and text_or_path.endswith(".lark") else None
    try:
        return Path(text_or_path)
    except TypeError as error:
        raise UsageError(f"a grammar is a text or a path, not {type(text_or_path).__name__}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot read the grammar file {str(path)[:200]!r}: {reason}",
                         hint="grammar files are UTF-8" if isinstance(error, UnicodeDecodeError) else "") from error


def _loaded(place: Places, start: str, parser: str) -> Lark:
    try:
        # Relative imports are looked for next to the file.
        lark_size.check_terminals(place.text)
        builder = GrammarBuilder()
        builder.load_grammar(place.text, place.source)
        look(start)
        lark_size.check_rules(builder._definitions)
        return loaded(builder.build(), start, parser, trees=False)
    except TooLarge:
        raise
    except RecursionError as error:
        name, line, column = place.deepest()
        where = f"; rule {name} (line {line}, column {column}) is nested the deepest" if name else ""
        raise LimitError(f"the grammar is nested too deeply for Lark, or imports itself{where}", limit="grammar depth",
                         hint="give parts of it rules of their own" if name else "") from error
    except Exception as error:  # Lark's loader also lets AssertionError, KeyError and re.error through
        place.reraise(error)


class _Lowering:
    """A loaded grammar -> a program."""

    def __init__(self, loaded: Lark, place: Places, special: Sequence[str]) -> None:
        self.loaded = loaded
        self.place = place
        self.definitions: Mapping[str, TerminalDef] = {terminal.name: terminal for terminal in loaded.terminals}
        self.codes = {name: terminals.special(number) for number, name in enumerate(special)}
        used = {symbol.name for rule in loaded.rules for symbol in rule.expansion if symbol.is_term}
        for name in special:
            if name in self.definitions or name not in used:
                raise place.error(GrammarError, f"{name} is to be a special token, but is no declared terminal that a "
                                  "rule uses", name, hint=f"%declare {name}")

    def code(self, name: str) -> bytes:
        """The terminal code of a terminal."""
        if name not in self.codes:
            look(name)
            if name not in self.definitions:
                raise self.place.error(UnsupportedError, f"terminal {name} is declared, but has no pattern", name,
                                       hint="say which special token it is: Grammar.from_lark(..., special_tokens="
                                       f"{{{name!r}: ...}}); masks cannot follow an indenter or another postlex")
            self.codes[name] = self._code(self.definitions[name])
        return self.codes[name]

    def _code(self, terminal: TerminalDef) -> bytes:
        pattern = terminal.pattern
        try:
            if isinstance(pattern, PatternStr) and not pattern.flags:
                return terminals.literal(pattern.value.encode())
            return terminals.regex_first(regex_front.to_code(pattern.to_regexp(), self.loaded.options.g_regex_flags))
        except (GrammarError, LimitError) as error:
            raise self.place.error(type(error), f"terminal {self.shown(terminal.name)}: {_bare(error)}",
                                   terminal.name, pattern=pattern, hint=error.hint) from error
        except UnicodeEncodeError as error:
            raise self.place.error(GrammarError, f"terminal {terminal.name} has a lone surrogate, which no UTF-8 text "
                                   "contains", terminal.name, pattern=pattern) from error

    def shown(self, name: str) -> str:
        """A terminal as people know it: by its name, or as it is written where Lark gave it a name like __ANON_3."""
        pattern: Any = self.definitions[name].pattern if name in self.definitions else None
        if pattern is None or not name.startswith(("__ANON_", "__IGNORE_")):
            return name
        return str(pattern.raw or pattern.to_regexp())

    def _rules(self, start: str) -> list[Any]:
        """The rules that can be reached from one of them; Lark keeps others that only call each other."""
        called: dict[str, set[str]] = {}
        for rule in self.loaded.rules:
            called.setdefault(rule.origin.name, set()).update(
                symbol.name for symbol in rule.expansion if not symbol.is_term)
        reached, work = {start}, [start]
        while work:
            new = called.get(work.pop(), set()) - reached
            reached |= new
            work += new
        return [rule for rule in self.loaded.rules if rule.origin.name in reached]

    def general(self, start: str) -> GeneralProgram:
        """Rules as automata."""
        builder = AutomatonBuilder()
        expansions: dict[str, list[tuple[Any, ...]]] = {}
        for rule in self._rules(start):
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
            look(name, len(rest))
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
        endless = self._endless(start)
        try:
            names = sorted({name for lexer in lexers.values() for name in self._scanner_names(lexer)}
                           | self._special(start))
            unlike = sorted({name for lexer in lexers.values() for name in _not_dropped(lexer)})
        except re.error as error:  # Lark makes one regex of a scanner's terminals when it first needs it
            self.place.reraise(error)
        index = {name: number for number, name in enumerate(names)}
        instead = {**index, **{name: number for number, name in enumerate(unlike, len(names))}}
        names += unlike
        states = _numbered(table, table.start_states[start])
        symbols: dict[str, int] = {}
        rules: dict[Any, int] = {}
        actions: list[int] = []
        gotos: list[int] = []
        for state, number in states.items():
            for name, (action, argument) in sorted(table.states[state].items(), key=lambda item: item[0]):
                labels = sorted({index[name], instead[name]}) if name in index else ()
                if action is not Shift:
                    rule = rules.setdefault(argument, len(rules))
                    for label in labels or (len(names),):
                        actions += (number, label, 1, rule)
                elif labels:
                    for label in labels:
                        actions += (number, label, 0, states[argument])
                elif name != "$END":
                    gotos += (number, symbols.setdefault(name, len(symbols)), states[argument])
        scanners: dict[int, int] = {}
        scanner_of = []
        built: list[Scanner] = []
        for state in states:
            lexer = lexers[state]
            if id(lexer) not in scanners:
                look(start)
                scanners[id(lexer)] = len(built)
                built.append(self._scanner(lexer, index, instead))
            scanner_of.append(scanners[id(lexer)])
        return LalrProgram(
            terminals=tuple(self.code(name) for name in names), names=tuple(names), actions=pack(actions),
            gotos=pack(gotos),
            rules=pack(value for rule in rules
                       for value in (symbols.setdefault(rule.origin.name, len(symbols)), len(rule.expansion))),
            start=states[table.start_states[start]], end=states[table.end_states[start]], scanners=tuple(built),
            scanner_of=pack(scanner_of), conflict_free=frontend.parser.conflict_free and not endless)

    def _endless(self, start: str) -> set[str]:
        """The rules that never end; an error where it is the start rule, or a terminal has no code."""
        rules = self._rules(start)
        endless = {rule.origin.name for rule in rules}
        before = len(endless) + 1
        while len(endless) < before:
            before = len(endless)
            for rule in rules:
                if all(symbol.is_term or symbol.name not in endless for symbol in rule.expansion):
                    endless.discard(rule.origin.name)
        for rule in rules:
            for symbol in rule.expansion:
                if symbol.is_term:
                    self.code(symbol.name)
        if start in endless:
            raise self.place.error(GrammarError, f"no text at all belongs to {start}: each way through it recurses for "
                                   "ever", start)
        return endless

    def _special(self, start: str) -> set[str]:
        """The declared terminals that rules use."""
        return {symbol.name for rule in self._rules(start) for symbol in rule.expansion
                if symbol.is_term and symbol.name not in self.definitions}

    @staticmethod
    def _scanner_names(lexer: Any) -> set[str]:
        """All terminals that a contextual lexer may yield, keywords included."""
        names = {terminal.name for terminal in lexer.terminals}
        look(min(names, default="start"))
        return names | {terminal.name for terminal in lexer.scanner.terminals}

    def _scanner(self, lexer: Any, index: Mapping[str, int], instead: Mapping[str, int]) -> Scanner:
        order = [index[terminal.name] for terminal in lexer.scanner.terminals]
        ignored = set(lexer.ignore_types)
        keywords: dict[tuple[int, Spelled], int] = {}
        for name, callback in lexer.callback.items():
            if name in ignored:
                continue  # Lark drops the lexeme whatever its new type
            if not isinstance(callback, UnlessCallback):
                raise self.place.error(UnsupportedError, f"terminal {name} has a lexer callback", name)
            for keyword in callback.scanner.terminals:
                keywords.setdefault((index[name], _spelled(keyword.pattern)), instead[keyword.name])
        return (order, [index[name] for name in sorted(ignored & index.keys())],
                [(label, word, keyword) for (label, word), keyword in keywords.items()])


def _spelled(pattern: Any) -> Spelled:
    """The lexemes of a string terminal: several when it is case-insensitive."""
    if not pattern.flags:
        return ((pattern.value.encode(),),)
    letters = (regex_front.spellings(char, re.IGNORECASE | re.UNICODE) for char in pattern.value)
    return tuple(tuple(spelling.encode() for spelling in letter) for letter in letters)


def _numbered(table: Any, start: Any) -> dict[Any, int]:
    """The states of a parse table, numbered from the start state in the order of names: Lark's own order varies."""
    numbers = {start: 0}
    for state in (work := [start]):
        for _, (action, argument) in sorted(table.states[state].items(), key=lambda item: item[0]):
            if action is Shift and argument not in numbers:
                numbers[argument] = len(work)
                work.append(argument)
    return numbers


def _not_dropped(lexer: Any) -> set[str]:
    """The ignored terminals that a lexeme of another terminal turns into, by their text: Lark does not drop it then.

    The parser gets it, as in ``TEXT: /[^,]+/`` with ``%ignore " "``, where a text of one blank is an error. So these
    are terminals of their own beside the ignored ones.
    """
    ignored = set(lexer.ignore_types)
    return {keyword.name for name, callback in lexer.callback.items()
            if name not in ignored and isinstance(callback, UnlessCallback)
            for keyword in callback.scanner.terminals if keyword.name in ignored}


def _bare(error: TrellisError) -> str:
    """The message without the place in the pattern, which is not the place in the grammar."""
    return re.sub(r" at line \d+, column \d+$", "", error.message.splitlines()[0])
