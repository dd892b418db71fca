"""Grammars in GBNF, the notation of llama.cpp, which is also the EBNF that xgrammar (vLLM, SGLang) reads.

GBNF is context-free: it knows neither the priority of alternatives and terminals nor lazy loops, which tell how a text
is read, and mostly not whether it may be written; nor lookaround. So a Lark grammar in GBNF may allow more than Lark
does, never less; ``dropped`` says where, and answers are checked here in any case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trellis.errors import UnsupportedError
from trellis.models.gbnf_text import Written, expression, literal

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar


def gbnf_of(grammar: Grammar) -> Written:
    """The grammar in GBNF.

    Raises:
        UnsupportedError: it was made neither of choices nor of a regular expression without lookaround, and is not
            Lark's.
    """
    if grammar.choices is not None:
        return Written(f"root ::= {' | '.join(map(literal, grammar.choices))}\n")
    if grammar.pattern is not None:
        from trellis.masking.regex_front import fullmatch_tree

        return Written(f"root ::= {expression(fullmatch_tree(grammar.pattern))}\n")
    if grammar.text is not None:
        from trellis.models.gbnf_rules import written  # with all that reads Lark

        return written(grammar.network())
    raise UnsupportedError(f"a {grammar.description} has no form in GBNF",
                           hint="choices, regular expressions and Lark grammars have one; others mask local models")
