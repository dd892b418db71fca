"""Layer 4: masks that allow exactly the tokens after which some completion exists.

``Grammar`` decides a language, ``Vocabulary`` spells tokens, ``Grammar.compile`` brings both together, and a ``Matcher``
follows one output. Names are loaded when they are first used: they bring numpy and, for some, Lark.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trellis.masking.bitmask import allocate_bitmask, allowed_tokens, apply_bitmask
    from trellis.masking.grammar import CompiledGrammar, Grammar, Matcher
    from trellis.masking.vocabulary import Vocabulary

_ON_DEMAND = {
    "CompiledGrammar": "grammar",
    "Grammar": "grammar",
    "Matcher": "grammar",
    "Vocabulary": "vocabulary",
    "allocate_bitmask": "bitmask",
    "allowed_tokens": "bitmask",
    "apply_bitmask": "bitmask",
}

__all__ = ["CompiledGrammar", "Grammar", "Matcher", "Vocabulary", "allocate_bitmask", "allowed_tokens", "apply_bitmask"]


def __getattr__(name: str) -> Any:
    if name not in _ON_DEMAND:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_ON_DEMAND[name]}"), name)
