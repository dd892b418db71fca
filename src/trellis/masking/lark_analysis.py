"""Lark's LALR analysis, with a limit (the states of a table may be exponentially many), and what it found out.

Lark lets a parser be put in place of its own; this one is its own but for the two.
"""

from __future__ import annotations

import time
from typing import Any

from lark.common import ParserConf
from lark.exceptions import LarkError
from lark.parsers.lalr_analysis import LALR_Analyzer
from lark.parsers.lalr_parser import LALR_Parser, _Parser

from trellis.masking.lark_size import TooLarge

# In the closures of all states, about: 15 seconds of Lark's time. Python's grammar has 17,000; the largest that is in
# use and that we know (HCL, python-hcl2) 234,000.
MAX_ITEMS = 500_000
MAX_SECONDS = 30.0  # of the thread's time


class _Analyzer(LALR_Analyzer):
    items = 0

    def __init__(self, parser_conf: ParserConf, debug: bool, strict: bool) -> None:
        self.begun = time.thread_time()
        super().__init__(parser_conf, debug, strict)

    def expand_rule(self, source_rule: Any, rules_by_origin: Any = None) -> Any:
        """The items that a nonterminal adds to a state."""
        expanded = super().expand_rule(source_rule, rules_by_origin)
        self.items += len(expanded)
        if self.items > MAX_ITEMS:
            raise TooLarge(source_rule.name, f"the parse table of the grammar has more than {MAX_ITEMS:,} items: rules "
                           f"such as {source_rule.name} begin each other in too many ways", 'use parser="earley"')
        late = time.thread_time() - self.begun > MAX_SECONDS
        if late and not source_rule.name.startswith("$"):  # Lark's own rule above the grammar's
            raise TooLarge(source_rule.name, f"Lark has worked on the parse table of the grammar for {MAX_SECONDS:g} "
                           f"seconds, at last on {source_rule.name}", 'use parser="earley"')
        return expanded


class TableParser(LALR_Parser):
    """Lark's LALR parser, which knows whether its table is the whole grammar or prefers one action to another.

    Raises:
        TooLarge: the table would be.
    """

    def __init__(self, parser_conf: ParserConf, debug: bool = False, strict: bool = False) -> None:
        self.conflict_free = not any(rule.options.priority for rule in parser_conf.rules)
        try:
            analysis = self._analysed(parser_conf, debug, True)
        except LarkError:
            analysis = self._analysed(parser_conf, debug, strict)
            self.conflict_free = False
        self._parse_table = analysis.parse_table
        self.parser_conf = parser_conf
        self.parser = _Parser(analysis.parse_table, parser_conf.callbacks, debug)

    @staticmethod
    def _analysed(parser_conf: ParserConf, debug: bool, strict: bool) -> Any:
        analysis: Any = _Analyzer(parser_conf, debug=debug, strict=strict)
        analysis.compute_lalr()
        return analysis
