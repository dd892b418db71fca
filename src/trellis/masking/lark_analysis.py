"""Lark's own analysis of a grammar, under a clock and with a limit, and what it found out.

Lark lets a parser be put in place of its own, and goes through its rules again and again: here the rules themselves
look at the clock. With Earley all of the analysis serves trees alone, which are made later, if at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from typing import Any

from lark import Lark
from lark.common import ParserConf
from lark.exceptions import GrammarError as LarkGrammarError
from lark.exceptions import LarkError
from lark.lexer import BasicLexer, ContextualLexer
from lark.parser_frontends import EarleyRegexpMatcher
from lark.parsers.lalr_analysis import LALR_Analyzer
from lark.parsers.lalr_parser import LALR_Parser, _Parser

from trellis.errors import LimitError
from trellis.masking.lark_size import TooLarge
from trellis.schema import clock

# In the closures of all states, about: 15 seconds of Lark's time. Python's grammar has 17,000; the largest that is in
# use and that we know (HCL, python-hcl2) 234,000.
MAX_ITEMS = 500_000
MAX_COLLISIONS = 20_000  # Lark's message has them all
_MADE = re.compile(r"^__(\w+?)_(?:star|plus|repeat)_.*$|\{.*$")
LEXERS = {"earley": "dynamic", "lalr": "contextual"}


def look(name: str, steps: int = clock.STEPS) -> None:
    """Look at the clock while working on a rule or terminal (maybe one that Lark made: of a loop, of a template).

    Raises:
        TooLarge: the time is over.
    """
    try:
        clock.spend(steps)
    except LimitError as error:
        name = _MADE.sub(r"\1", name)
        raise TooLarge(name, f"{error.message}, at last on {name}", error.hint, limit=error.limit) from None


class _Watched(list[Any]):
    """A list that looks at the clock whenever it is gone through."""

    def __iter__(self) -> Iterator[Any]:
        for begin in range(0, len(self), clock.STEPS):
            some = self[begin : begin + clock.STEPS]
            look(str(getattr(getattr(some[0], "origin", some[0]), "name", some[0])))
            yield from some

    def __add__(self, other: Any) -> Any:
        return _Watched([*self, *other])


def loaded(grammar: Any, start: str, parser: str, *, trees: bool = True) -> Lark:
    """Lark with a grammar (``lark.load_grammar.Grammar``).

    Args:
        trees: whether it has to parse. Without, an Earley parser is not made, only its terminals are checked.

    Raises:
        TooLarge: it takes too long.
    """
    kind = _WithTrees if trees or parser == "lalr" else _WithoutTrees
    return kind(grammar, start=_Watched([start]), parser=parser, lexer=LEXERS[parser],
                _plugins={"LALR_Parser": TableParser, "ContextualLexer": _Lexers})


class _WithTrees(Lark):
    def _build_parser(self) -> Any:
        self.rules = _Watched(self.rules)
        return super()._build_parser()


class _WithoutTrees(Lark):
    def _build_parser(self) -> Any:
        """What Lark checks when it makes an Earley parser."""
        for terminal in self.terminals:
            look(terminal.name)
            alone = copy(self.lexer_conf)
            alone.terminals = [terminal]
            matcher: Any = EarleyRegexpMatcher
            matcher(alone)
        defined = {rule.origin for rule in self.rules}
        used = (symbol for rule in self.rules for symbol in rule.expansion if not symbol.is_term)
        missing = next((symbol for symbol in used if symbol not in defined), None)
        if missing is not None:
            raise LarkGrammarError(f"Using an undefined rule: {missing}")
        (start,) = self.options.start
        if not any(symbol.name == start for symbol in defined):
            raise LarkGrammarError(f"Using an undefined rule: {start!r}")


class _Lexer(BasicLexer):
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        look(next((terminal.name for terminal in self.terminals), ""))


class _Lexers(ContextualLexer):
    BasicLexer = _Lexer


class _Analyzer(LALR_Analyzer):
    items = 0

    def expand_rule(self, source_rule: Any, rules_by_origin: Any = None) -> Any:
        """The items that a nonterminal adds to a state."""
        expanded = super().expand_rule(source_rule, rules_by_origin)
        self.items += len(expanded)
        if self.items > MAX_ITEMS:
            raise TooLarge(source_rule.name, f"the parse table of the grammar has more than {MAX_ITEMS:,} items: rules "
                           f"such as {source_rule.name} begin each other in too many ways", 'use parser="earley"')
        if not source_rule.name.startswith("$"):  # Lark's own rule above the grammar's
            look(source_rule.name)
        return expanded

    def compute_lalr1_states(self) -> None:
        """The table, out of all that may follow each reduction."""
        collisions = 0
        for itemset in self.lr0_itemsets:
            for rules in itemset.lookaheads.values():
                decided = len(rules) == 1 or any(rule.options.priority for rule in rules)  # or maybe so
                collisions += 0 if decided else len(rules)
                if collisions > MAX_COLLISIONS:
                    name = min(rule.origin.name for rule in rules)
                    raise TooLarge(name, f"the grammar has more than {MAX_COLLISIONS:,} reduce/reduce collisions, as "
                                   f"in rule {name}", 'use parser="earley"')
        look(next(iter(self.rules_by_origin)).name)
        super().compute_lalr1_states()


class TableParser(LALR_Parser):
    """Lark's LALR parser, which knows whether its table is the whole grammar or prefers one action to another.

    Raises:
        TooLarge: the table would be.
    """

    def __init__(self, parser_conf: ParserConf, debug: bool = False, strict: bool = False) -> None:
        self.conflict_free = not any(rule.options.priority for rule in parser_conf.rules)
        analysis: Any = _Analyzer(parser_conf, debug=debug, strict=True)
        try:
            analysis.compute_lalr()
        except LarkError:
            analysis.strict = strict
            analysis.compute_lalr1_states()  # again, the last of its steps
            self.conflict_free = False
        self._parse_table = analysis.parse_table
        self.parser_conf = parser_conf
        self.parser = _Parser(analysis.parse_table, parser_conf.callbacks, debug)
