"""Our matchers as logits processors of other decoders: ``generate()`` of transformers, and llama-cpp-python.

A decoder hands over all tokens so far and the logits of the next. Which row is which sequence changes from step to step
in a beam search, so a matcher is found by the tokens that lead to it, forked from that of one token less.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from trellis.errors import MaskError, UsageError
from trellis.masking.bitmask import allocate_bitmask, apply_bitmask

if TYPE_CHECKING:
    from trellis.masking.compiled import CompiledGrammar, Matcher

Tokens = tuple[int, ...]


class Sequences:
    """The matchers of sequences that grow from the same grammar.

    Args:
        compiled: the grammar, for the decoder's vocabulary.
        max_tokens: so many tokens at most, EOS included; the masks then end the answer in time.
        forgiving: whether a sequence may hold a token that its mask forbade, as beams of score minus infinity do; it
            then has no way on but its end.
    """

    def __init__(self, compiled: CompiledGrammar, max_tokens: int | None = None, forgiving: bool = False) -> None:
        self.compiled = compiled
        self._start = compiled.matcher(max_tokens)
        self._forgiving = forgiving
        self._now: dict[Tokens, Matcher | None] = {(): self._start}
        self._eos = compiled.vocabulary.eos_ids[0]

    def masks(self, rows: Sequence[Tokens]) -> Any:
        """A row of int32 words for each sequence.

        Raises:
            MaskError: a sequence holds a token that the grammar refuses, or no token is left.
        """
        found = {row: self._matcher(row) for row in dict.fromkeys(rows)}
        self._now = {(): self._start, **found}
        bitmask = allocate_bitmask(len(rows), self.compiled.vocabulary.size)
        for place, row in enumerate(rows):
            matcher = found[row]
            if matcher is None or matcher.finished:
                bitmask[place] = 0
                bitmask[place, self._eos // 32] = np.array(1 << self._eos % 32, dtype=np.uint32).view(np.int32)
            else:
                matcher.fill_bitmask(bitmask, place)
        return bitmask

    def _matcher(self, tokens: Tokens) -> Matcher | None:
        """The matcher after some tokens; ``None`` when they are not of the language."""
        if tokens in self._now:
            return self._now[tokens]
        known = len(tokens) - 1 if tokens[:-1] in self._now else 0
        parent = self._now[tokens[:known]]
        if parent is None:
            return None
        matcher = parent.fork()
        for token in tokens[known:]:
            if matcher.finished:  # padding after the end
                break
            if not matcher.accept(token):
                if self._forgiving:
                    return None
                raise MaskError(f"token {token} was chosen against its mask: {matcher.explain(token)}",
                                hint="another processor, or a setting such as min_length, overrides the mask; for a "
                                     "beam search say num_beams")
        return matcher


class GrammarLogitsProcessor:
    """A logits processor for ``model.generate(..., logits_processor=[...])`` of transformers.

    Greedy decoding, sampling, beams, several return sequences, left-padded batches and logits that are wider than the
    tokenizer all work. One processor is for one call of ``generate``.

    Args:
        compiled: the grammar for the tokenizer's vocabulary; or one for each prompt of the batch.
        max_new_tokens: as in ``generate``: every answer then ends in time.
        num_beams: as in ``generate``: beams may hold sequences of no probability, which are no error there.

    Raises:
        LimitError: no answer is as short as ``max_new_tokens``.
        UsageError: no grammar is given.
    """

    def __init__(self, compiled: CompiledGrammar | Sequence[CompiledGrammar], *, max_new_tokens: int | None = None,
                 num_beams: int = 1) -> None:
        given: list[Any] = list(compiled) if isinstance(compiled, list | tuple) else [compiled]
        if not given or any(not hasattr(one, "matcher") for one in given):
            raise UsageError("a logits processor takes compiled grammars", hint="grammar.compile(vocabulary)")
        self._sequences = [Sequences(one, max_new_tokens, num_beams > 1) for one in given]
        self._prompt: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``input_ids`` of shape (rows, tokens), the prompt among them; ``scores`` of shape (rows, V), not changed.

        Raises:
            MaskError: a sequence holds a token that its grammar refuses.
        """
        if self._prompt is None:
            self._prompt = input_ids.shape[1]
        if input_ids.shape[1] < self._prompt:
            raise MaskError("a logits processor was used for a second generate()", hint="make one for each call")
        rows = [tuple(row) for row in input_ids[:, self._prompt :].tolist()]
        if len(rows) % len(self._sequences):
            raise MaskError(f"{len(rows)} sequences cannot be shared among {len(self._sequences)} grammars",
                            hint="one grammar, or one for each prompt of the batch")
        each = len(rows) // len(self._sequences)
        masks = [sequences.masks(rows[place * each : (place + 1) * each])
                 for place, sequences in enumerate(self._sequences)]
        masked = scores.clone() if hasattr(scores, "clone") else scores.copy()
        bitmask: Any = np.concatenate(masks)
        if hasattr(scores, "clone"):
            import torch

            bitmask = torch.from_numpy(bitmask)
        apply_bitmask(masked, bitmask)
        return masked


class LlamaLogitsProcessor:
    """A logits processor for ``Llama.create_completion(..., logits_processor=LogitsProcessorList([...]))``.

    Give no ``logit_bias`` beside it: llama-cpp-python (up to 0.3.36) drops the processors then. One is for one call.

    Args:
        compiled: the grammar for the model's vocabulary.
        max_tokens: as in ``create_completion``.
    """

    def __init__(self, compiled: CompiledGrammar, *, max_tokens: int | None = None) -> None:
        self._sequences = Sequences(compiled, max_tokens)
        self._prompt: int | None = None

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``input_ids`` int32 (tokens,), the prompt among them; ``scores`` float32 (V,), not changed.

        Raises:
            MaskError: the sequence holds a token that the grammar refuses.
        """
        if self._prompt is None:
            self._prompt = len(input_ids)
        masked = np.array(scores, dtype=np.float32)
        rows = [tuple(int(token) for token in input_ids[self._prompt :])]
        apply_bitmask(masked, self._sequences.masks(rows)[0])
        return masked
