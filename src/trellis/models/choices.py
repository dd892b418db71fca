"""The exact probability of each of some texts under a token model.

A text's probability is the sum over all ways to write it in tokens, each with the end after it. The tree of those ways
is walked best first: a prefix's probability bounds all that lies beyond it, so what is not walked yet is known, and the
walk ends when it no longer matters.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from trellis.masking.sampler import log_probabilities
from trellis.masking.vocabulary import Vocabulary
from trellis.models.base import TokenModel, TokenState

MAX_STEPS = 2_000
TOLERANCE = 1e-6
"""What the walk may leave open, as a share of what it has found."""


@dataclass(frozen=True)
class Scored:
    """Probabilities of texts.

    Attributes:
        probabilities: of each text, given that the answer is one of them; they sum to 1.
        logs: of each text, the logarithm of its probability among all answers whatever.
        missed: how much of the probability was not walked, as a share of what was: no probability is off by more.
        steps: how often the model was asked.
    """

    probabilities: tuple[float, ...]
    logs: tuple[float, ...]
    missed: float
    steps: int


@dataclass(order=True)
class _Way:
    """A way to write the beginning of a text: what it costs, its bytes, its tokens, the state before the last one."""

    cost: float
    begun: bytes = field(compare=False)
    tokens: tuple[int, ...]
    state: TokenState = field(compare=False)


def score_texts(model: TokenModel, state: TokenState, logits: npt.NDArray[np.float32], texts: Sequence[str],
                budget: int) -> Scored | None:
    """The probabilities of texts as the next answer.

    Args:
        model: the token model.
        state: after the prompt.
        logits: of the first token.
        texts: the answers to compare, all different.
        budget: tokens in an answer at most, the end counted.

    Returns:
        ``None`` where the budget, or the limit on steps, leaves a text without any probability.
    """
    wanted = [text.encode() for text in texts]
    continuations = _Continuations(model.vocabulary)
    found = dict.fromkeys(wanted, -math.inf)
    heap = [_Way(0.0, b"", (), state)]
    steps = 0
    while heap and steps < MAX_STEPS and (
            -math.inf in found.values() or _mass(heap) > TOLERANCE * sum(map(math.exp, found.values()))):
        way = heapq.heappop(heap)
        here = way.state
        if way.tokens:
            here = way.state.fork()
            logits = here.step([way.tokens[-1]])
            steps += 1
        logs = log_probabilities(logits)
        if way.begun in found:
            ends = [float(logs[token]) for token in model.vocabulary.eos_ids]
            found[way.begun] = float(np.logaddexp.reduce([found[way.begun], *(end - way.cost for end in ends)]))
        if len(way.tokens) + 1 < budget:
            for token, begun in continuations.of(way.begun, wanted):
                if (cost := way.cost - float(logs[token])) < math.inf:
                    heapq.heappush(heap, _Way(cost, begun, (*way.tokens, token), here))
    most = max(found.values())
    if -math.inf in found.values():
        return None
    weights = [math.exp(found[text] - most) for text in wanted]
    total = sum(weights)
    missed = _mass(heap, most) / total
    return Scored(tuple(weight / total for weight in weights), tuple(found[text] for text in wanted), missed, steps)


def _mass(heap: Sequence[_Way], most: float = 0.0) -> float:
    return sum(math.exp(-way.cost - most) for way in heap)


class _Continuations:
    """Which tokens write more of some texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._ids: dict[bytes, list[int]] = {}
        for token, data in enumerate(vocabulary.tokens):
            if data and token not in vocabulary.special_ids:
                self._ids.setdefault(data, []).append(token)
        self._longest = max(map(len, self._ids), default=0)

    def of(self, begun: bytes, texts: Sequence[bytes]) -> Iterator[tuple[int, bytes]]:
        """Tokens, and the text with each."""
        pieces = {text[len(begun) : end] for text in texts if text.startswith(begun)
                  for end in range(len(begun) + 1, min(len(text), len(begun) + self._longest) + 1)}
        for piece in sorted(pieces):
            for token in self._ids.get(piece, ()):
                yield token, begun + piece
