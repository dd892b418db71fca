"""Draws a token from logits: temperature, top-k, top-p, min-p, greedy.

The order is that of transformers: the logits are divided by the temperature, then top-k keeps the k best tokens, then
top-p the smallest set of best tokens whose probability reaches p, then min-p those with at least p times the best one's
probability; each cut renormalises what it leaves. Masks come before all of this: a token at minus infinity has
probability 0 everywhere. Ties are broken towards the lower id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trellis.errors import MaskError, UsageError

Logits = npt.NDArray[np.floating]
Probabilities = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Sampler:
    """How to draw.

    Attributes:
        temperature: 0 is greedy.
        top_k: at most so many tokens, at least 1.
        top_p: of the probability, so much is kept, in (0, 1].
        min_p: share of the best token's probability that a token needs, in [0, 1].

    Raises:
        UsageError: a setting is out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < float("inf"):
            raise UsageError(f"temperature is {self.temperature}, but must be 0 (greedy) or more")
        if self.top_k is not None and self.top_k < 1:
            raise UsageError(f"top_k is {self.top_k}, but must be at least 1", hint="None keeps all tokens")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UsageError(f"top_p is {self.top_p}, but must be above 0 and at most 1")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise UsageError(f"min_p is {self.min_p}, but must be between 0 and 1")

    @property
    def greedy(self) -> bool:
        return self.temperature == 0 or self.top_k == 1

    def probabilities(self, logits: Logits) -> Probabilities:
        """The distribution that is drawn from, float64 (V,), of logits (V,); the argument is not changed.

        Raises:
            MaskError: every token is at minus infinity, or a logit is infinite or not a number.
        """
        best = _best(logits)
        if self.greedy:
            certain = np.zeros(len(logits))
            certain[best] = 1.0
            return certain
        scaled = logits.astype(np.float64)
        p = _softmax((scaled - scaled[best]) / self.temperature)
        if self.top_k is not None and self.top_k < len(p):
            p = _keep(p, _ranked(p)[: self.top_k])
        if self.top_p is not None and self.top_p < 1:
            ranked = _ranked(p)
            before = np.cumsum(p[ranked]) - p[ranked]
            p = _keep(p, ranked[before < self.top_p])
        if self.min_p:
            p = _keep(p, np.flatnonzero(p >= self.min_p * p.max()))
        return p

    def draw(self, logits: Logits, generator: np.random.Generator) -> int:
        """A token id. Uses one number of the generator, none when greedy.

        Raises:
            MaskError: every token is at minus infinity, or a logit is infinite or not a number.
        """
        if self.greedy:
            return _best(logits)
        p = self.probabilities(logits)
        sums = np.cumsum(p)
        token = int(np.searchsorted(sums, generator.random() * sums[-1], side="right"))
        return min(token, int(np.flatnonzero(p)[-1]))  # rounding may carry the draw past the last token


def log_probabilities(logits: Logits) -> npt.NDArray[np.float64]:
    """Log-softmax of logits (V,), float64: the model's own distribution when neither masked nor filtered."""
    shifted = logits.astype(np.float64) - float(logits[_best(logits)])
    result: npt.NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum())
    return result


def generator_of(seed: int | None, sample: int = 0) -> np.random.Generator:
    """The source of randomness of one sample: with a seed, the same for the same (seed, sample) everywhere."""
    return np.random.default_rng() if seed is None else np.random.default_rng([seed & 0xFFFF_FFFF_FFFF_FFFF, sample])


def _best(logits: Logits) -> int:
    """The id of the highest logit (``argmax`` returns a NaN's place when there is one)."""
    best = int(np.argmax(logits))
    if not np.isfinite(logits[best]):
        reason = "all are masked" if logits[best] < 0 else f"a logit is {logits[best]}"
        raise MaskError(f"no token can be drawn: {reason}")
    return best


def _softmax(shifted: npt.NDArray[np.float64]) -> Probabilities:
    weights = np.exp(shifted)
    result: Probabilities = weights / weights.sum()
    return result


def _ranked(p: Probabilities) -> npt.NDArray[np.intp]:
    """Ids from the most to the least probable; equal ones by id."""
    return np.argsort(-p, kind="stable")


def _keep(p: Probabilities, ids: npt.NDArray[np.intp]) -> Probabilities:
    kept = np.zeros_like(p)
    kept[ids] = p[ids]
    result: Probabilities = kept / kept.sum()
    return result
