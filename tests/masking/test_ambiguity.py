"""Very ambiguous grammars: every text has more readings than can be counted, and masks are still exact and quick."""

from __future__ import annotations

import importlib.util
from itertools import pairwise

import pytest

from trellis.masking import Vocabulary, allocate_bitmask
from trellis.masking.bitmask import allowed_tokens
from trellis.masking.grammar import Grammar

pytestmark = pytest.mark.skipif(importlib.util.find_spec("trellis_kernel") is None, reason="needs the kernel")

CIRCLES = """
start: T | r1 r0 r0 | "a"
r0: "b" | r2 r3 r1 | r1 T r1
r1: "b" r0 | start r2 | r0*
r2: r0 r3 "b" | "b"?
r3: start start
T: /a+/
%ignore " "
"""
EMPTY = """
start:  | r1 r3 T0 | T0?
r0: T0 r0 | r0 start r3 |  | r3*
r1: "a" |  | r0*
r2: "a" |
r3: start r3 | r2 | "a" |
T0: /c/
%ignore /[ ,]/
"""
SUMS = 'start: e\ne: e e | "-" e | e "-" | "-" e "-" e | "n"'
NESTED = 'start: e\ne: e e | "(" e ")" | "(" e "]" | "(" e ")" e | "[" e "]" | e "+" | "n" | "-" e'
CASES = {"circles": (CIRCLES, "aab aabab"), "empty": (EMPTY, "ac,ca cc"), "sums": (SUMS, "n-n--nn-n-"),
         "nested": (NESTED, "((n+n]-(n))n")}


@pytest.mark.parametrize("name", CASES)
def test_masks_agree_with_reading_byte_by_byte(name: str) -> None:
    text, beginning = CASES[name]
    alphabet = sorted({*beginning, "x"})
    words = [first + second + third for first in alphabet for second in alphabet for third in alphabet]
    tokens = list(dict.fromkeys([*alphabet, *words, *(word + other for word in words[::3] for other in words[::7]),
                                 *(char * length for char in alphabet for length in (5, 8, 13)), "<end>"]))
    end = len(tokens) - 1
    vocabulary = Vocabulary([token.encode() for token in tokens], special_ids=[end], eos_ids=[end])
    grammar = Grammar.from_lark(text)
    for budget in (None, len(beginning) + 4) if name in ("sums", "nested") else (None,):
        matcher, bitmask = grammar.compile(vocabulary).matcher(budget), allocate_bitmask(1, vocabulary.size)
        for char in beginning:
            matcher.fill_bitmask(bitmask)
            allowed = set(allowed_tokens(bitmask[0]))
            assert 1 < len(allowed) < vocabulary.size
            asked = range(0, vocabulary.size, 1 + vocabulary.size // 200)
            assert allowed.intersection(asked) == {token for token in asked if matcher.fork().accept(token)}
            assert matcher.accept(tokens.index(char))


@pytest.mark.parametrize("name", CASES)
def test_what_is_kept_grows_with_the_text_and_not_with_its_readings(name: str) -> None:
    text, beginning = CASES[name]
    vocabulary = Vocabulary([*(bytes([byte]) for byte in range(256)), b"<end>"], special_ids=[256], eos_ids=[256])
    compiled = Grammar.from_lark(text).compile(vocabulary)
    matcher, kept = compiled.matcher(), []
    for _ in range(4):
        for _ in range(5):
            assert matcher.accept_bytes(beginning.encode()) == len(beginning)
        kept.append(compiled.stats()["continuations"])
    steps = [after - before for before, after in pairwise(kept)]
    assert max(steps) <= 2 * min(steps) + 100
