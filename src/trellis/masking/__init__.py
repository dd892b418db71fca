"""Layer 4: masks that allow exactly the tokens after which some completion exists.

``Grammar`` decides a language, ``Vocabulary`` spells tokens, ``Grammar.compile`` joins them, to be shared between
threads and requests, and a ``Matcher`` has the state of one sequence. ``reference`` has the same semantics in the
most obvious code: start reading there.
"""

from trellis.masking.batch import fill_bitmasks
from trellis.masking.bitmask import allocate_bitmask, allowed_mass, allowed_tokens, apply_bitmask
from trellis.masking.compiled import CompiledGrammar, Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

__all__ = [
    "CompiledGrammar",
    "Grammar",
    "Matcher",
    "Vocabulary",
    "allocate_bitmask",
    "allowed_mass",
    "allowed_tokens",
    "apply_bitmask",
    "fill_bitmasks",
]
