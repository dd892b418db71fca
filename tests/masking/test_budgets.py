"""Walks that never end of their own accord end inside the grammar with their budget, in all that we ship."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random

import pytest

from trellis.masking import Vocabulary, allocate_bitmask
from trellis.masking.bitmask import allowed_tokens
from trellis.masking.grammar import Grammar

pytestmark = pytest.mark.skipif(importlib.util.find_spec("trellis_kernel") is None, reason="needs the kernel")

WORDS = ["not", "in", "is", "lambda", "for", "(((", ")))", "[[", '{ "a', '" (a', ")+(", "select", "from", "where",
         "---", "==**", "aa", "3.5", "true", "null", ",,", "00"]
TOKENS = list(dict.fromkeys([*(bytes([byte]) for byte in range(256)), *(word.encode() for word in WORDS)]))
END = len(TOKENS)
GRAMMARS = sorted((Path(__file__).parents[2] / "grammars").glob("*.lark"), key=lambda path: path.name)


@pytest.mark.parametrize("parser", ["earley", "lalr"])
@pytest.mark.parametrize("path", GRAMMARS, ids=lambda path: path.stem)
def test_a_walk_that_takes_the_longest_way_ends_in_time(path: Path, parser: str) -> None:
    grammar = Grammar.from_lark(path, parser=parser)
    compiled = grammar.compile(Vocabulary([*TOKENS, b"<end>"], special_ids=[END], eos_ids=[END]))
    bitmask = allocate_bitmask(1, compiled.vocabulary.size)
    for seed in range(2):
        choose, budget, taken = Random(seed), compiled.min_tokens() + 30, list[int]()
        matcher = compiled.matcher(budget)
        while True:
            matcher.fill_bitmask(bitmask)
            onward = [token for token in allowed_tokens(bitmask[0]) if token != END]
            if not onward:
                break
            taken.append(choose.choice(onward))
            assert matcher.accept(taken[-1])
        assert matcher.accept(END)
        assert len(taken) < budget
        grammar.parse(b"".join(TOKENS[token] for token in taken).decode())
