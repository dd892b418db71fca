"""The mask of one answer that is decoded here: which token is drawn, and what the caller should hear about it."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from trellis.errors import LimitError, MaskError
from trellis.masking.bitmask import allocate_bitmask, apply_bitmask
from trellis.masking.sampler import Sampler
from trellis.models.base import Request, TokenModel

Logits = npt.NDArray[np.float32]

ASKED = 1_000  # tokens that are drawn and refused, one after the other, before a step without a mask is given up


class LocalMask:
    """A matcher with its buffer and a clock.

    Attributes:
        matcher: follows the answer.
        seconds: spent on masks.
        steered: whether the model would have gone on where the budget left only tokens that end the answer in time.
        asked: steps whose mask was beyond a limit; their token was drawn first, and the grammar asked about it.
    """

    def __init__(self, request: Request, model: TokenModel, engine: str, budget: int) -> None:
        started = time.perf_counter()
        assert request.grammar is not None
        compiled = request.grammar.compile(model.vocabulary, engine=engine)
        self.matcher = compiled.matcher(budget)
        self._free = compiled.matcher()  # knows no budget: what the grammar alone allows
        self._row, self._free_row = allocate_bitmask(2, model.vocabulary.size)
        self._budget = budget
        self.steered = False
        self.asked = 0
        self.seconds = time.perf_counter() - started

    def draw(self, logits: Logits, sampler: Sampler, generator: np.random.Generator) -> int:
        """A token that the grammar allows, which the matcher then has taken; ``logits`` are masked.

        Where the mask is beyond a limit, tokens are drawn without it until the grammar takes one: the distribution is
        the same as far as the sampler cuts nothing off.

        Raises:
            LimitError: nothing that was drawn without a mask is allowed.
            MaskError: no token is allowed.
        """
        if self._apply(logits):
            token = sampler.draw(logits, generator)
            if not self._accept(token):
                raise MaskError(f"the matcher refuses token {token}, which its mask allowed", hint="please report this")
            return token
        self.asked += 1
        asked = min(ASKED, int(np.isfinite(logits).sum()))
        for _ in range(asked):
            token = sampler.draw(logits, generator)
            if self._accept(token):
                return token
            logits[token] = -np.inf
        raise LimitError(f"a mask was beyond a limit, and none of the {asked} tokens that were drawn instead is "
                         "allowed", limit="fuel", hint="a simpler grammar, or a model that knows the format better")

    def warnings(self) -> tuple[str, ...]:
        """What the caller should hear of the answer."""
        told = []
        if self.steered:
            told.append(f"the answer was ended early, within its {self._budget} tokens: look at its last values, or "
                        "allow more (max_tokens)")
        if self.asked:
            told.append(f"{self.asked} of its tokens were drawn without a mask and then checked: the grammar was "
                        "beyond a limit there")
        return tuple(told)

    def _apply(self, logits: Logits) -> bool:
        """Mask the logits; False when the mask is beyond a limit."""
        started = time.perf_counter()
        try:
            self.matcher.fill_bitmask(self._row)
            if not self.steered:
                self._free.fill_bitmask(self._free_row)
        except LimitError:
            return False
        finally:
            self.seconds += time.perf_counter() - started
        if not self.steered and not np.array_equal(self._row, self._free_row):
            free = logits.copy()
            apply_bitmask(free, self._free_row)
            liked = int(free.argmax())
            self.steered = not self._row[liked // 32] >> liked % 32 & 1
        apply_bitmask(logits, self._row)
        return True

    def _accept(self, token: int) -> bool:
        started = time.perf_counter()
        try:
            taken = self.matcher.accept(token)
        except LimitError:
            taken = False  # nothing is known of it
        if taken and not self.steered:
            self._free.accept(token)
        self.seconds += time.perf_counter() - started
        return taken
