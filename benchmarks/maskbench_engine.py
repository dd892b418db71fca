"""Trellis as an engine of MaskBench's harness: ``maskbench.py run benchmarks/maskbench_engine.py:Trellis ...``.

An engine has ``name``, ``__init__(tokenizer)``, ``compile(schema)``, ``reset()``, ``mask()``, ``commit(token)`` and
``can_end()``. The tokenizer is a tuple (encode, vocabulary, special ids, EOS id).
"""

from __future__ import annotations

from typing import Any

from trellis.masking.bitmask import allocate_bitmask
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary


class Trellis:
    """Everything enforced, or an error; properties in any order, as the instances have them."""

    name = "trellis"

    def __init__(self, tokenizer: tuple[Any, list[bytes], set[int], int]) -> None:
        _, tokens, special, eos = tokenizer
        self.vocabulary = Vocabulary(tokens, special_ids=sorted(special), eos_ids=[eos])
        self.bits = allocate_bitmask(1, len(tokens))
        self.words = memoryview(self.bits[0])  # numpy takes a third of a microsecond to look up one word

    def compile(self, schema: Any) -> None:
        self.compiled = Grammar.from_json_schema(schema, property_order="any").compile(self.vocabulary)
        self.reset()

    def reset(self) -> None:
        self.matcher = self.compiled.matcher()

    def mask(self) -> None:
        self.matcher.fill_bitmask(self.bits)

    def commit(self, token: int) -> bool:
        return bool(self.words[token >> 5] >> (token & 31) & 1) and self.matcher.accept(token)

    def can_end(self) -> bool:
        return self.matcher.can_end
