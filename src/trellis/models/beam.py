"""Beam search over a token model, inside a mask where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trellis.errors import MaskError
from trellis.masking.bitmask import allocate_bitmask, apply_bitmask
from trellis.masking.sampler import log_probabilities
from trellis.models.base import TokenModel, TokenState

Logits = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Found:
    """An answer that a beam ended with.

    Attributes:
        tokens: its tokens, without the end.
        logprob: the sum of their log-probabilities, that of the end included.
        ended: whether it ended by itself, not at the budget.
    """

    tokens: tuple[int, ...]
    logprob: float
    ended: bool


@dataclass(frozen=True)
class _Beam:
    tokens: tuple[int, ...]
    logprob: float
    state: TokenState
    logits: Logits
    matcher: Any


def beam_search(model: TokenModel, state: TokenState, logits: Logits, width: int, budget: int,
                matcher: Any = None) -> tuple[list[Found], int]:
    """The best answers that beams of a width find, the likeliest first, and how often the model was asked.

    Log-probabilities are the model's own; a mask only takes tokens away. Beams that have ended are kept, and the search
    ends when no open one can still overtake the ``width`` best of them (log-probabilities only fall).

    Args:
        model: the token model.
        state: after the prompt.
        logits: of the first token.
        width: open beams at most.
        budget: tokens in an answer at most, the end counted.
        matcher: of the grammar that the answers keep to, made for this budget; ``None`` without one.
    """
    eos = frozenset(model.vocabulary.eos_ids)
    forbidden = np.array(sorted(model.vocabulary.special_ids - eos), dtype=np.intp)
    row = allocate_bitmask(1, model.vocabulary.size)
    open_ = [_Beam((), 0.0, state, logits, matcher)]
    done: list[Found] = []
    steps = 0
    for drawn in range(1, budget + 1):
        candidates: list[tuple[float, int, int]] = []
        for place, beam in enumerate(open_):
            logs = np.array(log_probabilities(beam.logits)[: model.vocabulary.size], dtype=np.float32)
            logs[forbidden] = -np.inf
            if beam.matcher is not None:
                beam.matcher.fill_bitmask(row)
                apply_bitmask(logs, row[0])
            best = np.argpartition(-logs, min(width, len(logs) - 1))[: width + 1]
            candidates += [(beam.logprob + float(logs[token]), place, int(token)) for token in best
                           if np.isfinite(logs[token])]
        candidates.sort(key=lambda one: (-one[0], one[1], one[2]))  # of equals, the lower token: the same every time
        following: list[_Beam] = []
        for logprob, place, token in candidates:
            beam = open_[place]
            if token in eos:
                done.append(Found(beam.tokens, logprob, True))
            elif drawn == budget:
                done.append(Found((*beam.tokens, token), logprob, False))
            elif len(following) < width:
                following.append(_extended(beam, token, logprob))
                steps += 1
        done = sorted(done, key=lambda one: (not one.ended, -one.logprob))[:width]
        open_ = following
        ended = [one for one in done if one.ended]
        if not open_ or (len(ended) >= width and open_[0].logprob <= ended[-1].logprob):
            break
    if not done:
        raise MaskError("no beam ended within its budget", hint="a larger Sampling(max_tokens=...)")
    return done, steps


def _extended(beam: _Beam, token: int, logprob: float) -> _Beam:
    matcher = None if beam.matcher is None else beam.matcher.fork()
    if matcher is not None and not matcher.accept(token):
        raise MaskError(f"the matcher refuses token {token}, which its mask allowed", hint="please report this")
    state = beam.state.fork()
    return _Beam((*beam.tokens, token), logprob, state, state.step([token]), matcher)


def texts_of(model: TokenModel, found: Sequence[Found]) -> list[str]:
    """What the answers say."""
    return [b"".join(model.vocabulary.tokens[token] for token in one.tokens).decode("utf-8", "replace")
            for one in found]
