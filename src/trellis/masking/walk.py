"""Texts of a grammar by random walks under its mask: for people who want to see what they allow, and for tests.

A walk draws from the mask alone, with no model behind it. Its budget makes it end inside the grammar, whichever way it
takes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from trellis.errors import UsageError
from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.compiled import CompiledGrammar, Matcher
from trellis.masking.vocabulary import Vocabulary

_WEIGHTS = {"end": 1.0, "mark": 4.0, "letter": 3.0, "digit": 2.0, "blank": 1.0, "other": 0.05}
"""How often each kind of token is drawn where all are allowed: enough structure, readable text, sometimes the rest."""


class Walker:
    """Draws texts over one vocabulary.

    Args:
        compiled: the grammar over the vocabulary.
        seed: the same seed draws the same texts.

    Raises:
        UsageError: a seed that is negative.
    """

    def __init__(self, compiled: CompiledGrammar, seed: int = 0) -> None:
        if seed < 0:
            raise UsageError(f"the seed is {seed}, but must be 0 or more")
        self._compiled = compiled
        self._random = np.random.default_rng(seed)
        self._row = allocate_bitmask(1, compiled.vocabulary.size)
        self._kinds = _kinds(compiled.vocabulary)

    def text(self, max_tokens: int = 60) -> bytes:
        """One whole text of the grammar.

        Args:
            max_tokens: the walk's budget, EOS included; raised to the grammar's minimum where that is more.

        Raises:
            MaskError: the vocabulary cannot spell what the grammar wants.
        """
        matcher = self._compiled.matcher(max(max_tokens, self._compiled.min_tokens()))
        text = bytearray()
        while True:
            token = self._draw(matcher)
            matcher.accept(token)
            if matcher.finished:
                return bytes(text)
            text += self._compiled.vocabulary.tokens[token]

    def _draw(self, matcher: Matcher) -> int:
        matcher.fill_bitmask(self._row)
        allowed = allowed_tokens(self._row[0])
        kinds = self._kinds[allowed]
        weights = list(_WEIGHTS.values())
        present = np.flatnonzero(np.bincount(kinds, minlength=len(weights)))
        chances = np.array([weights[kind] for kind in present])
        kind = self._random.choice(present, p=chances / chances.sum())
        return int(self._random.choice(allowed[kinds == kind]))


def _kinds(vocabulary: Vocabulary) -> npt.NDArray[np.int8]:
    names = list(_WEIGHTS)
    kinds = np.full(vocabulary.size, names.index("other"), dtype=np.int8)
    for token_id, token in enumerate(vocabulary.tokens):
        word = token.strip(b" ")
        if token_id in vocabulary.eos_ids:
            kind = "end"
        elif not token.isascii() or not (token.decode().isprintable() or token == b"\n"):
            kind = "other"
        elif not word or token == b"\n":
            kind = "blank"
        else:
            kind = "letter" if word.isalpha() else "digit" if word.isdigit() else "mark"
        kinds[token_id] = names.index(kind)
    return kinds
