"""Masks of automata that count, with tokens longer than what their states share: each token as `accept` has it."""

from __future__ import annotations

import random

import pytest

from trellis.masking.bitmask import allocate_bitmask
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

PATTERNS = [r"^(\S+\s+){0,40}\S+$", r"^(ab?)*$", r"^[ab\u00e9 ]+(b{3}|a)$", r"^((a|bb)+\u4e16?)+$"]


def vocabulary(rng: random.Random) -> Vocabulary:
    words = {b'"', b"}", b" ", b'": "', b"\xe4", b"\xb8\x96", b"\xa9", b'{"s": "'}
    words |= {bytes([byte]) for byte in b'ab\\unse:{0123456789'}
    while len(words) < 600:
        letters = rng.choice(["a", "ab", "ab ", "a\u00e9 ", "a\u4e16b", "ab\n "])
        text = "".join(rng.choice(letters) for _ in range(rng.choice((2, 5, 23, 24, 25, 26, 40, 70))))
        words.add((text + rng.choice(["", "", "", '"', '"}'])).encode())
    return Vocabulary([b"", *sorted(words)], eos_ids=[0])


@pytest.mark.parametrize("pattern", PATTERNS)
def test_masks_agree_with_accept(pattern: str) -> None:
    rng = random.Random(pattern)
    words = vocabulary(rng)
    schema = {"type": "object", "properties": {"s": {"type": "string", "pattern": pattern, "minLength": 30,
                                                     "maxLength": 100}}, "required": ["s"]}
    compiled = Grammar.from_json_schema(schema | {"additionalProperties": False}).compile(words)
    bits = allocate_bitmask(1, words.size)
    checked = 0
    for _ in range(5):
        matcher = compiled.matcher()
        while not matcher.finished:
            matcher.fill_bitmask(bits)
            allowed = [token for token in range(words.size) if int(bits[0, token // 32]) >> (token % 32) & 1]
            assert allowed == [token for token in range(words.size) if matcher.fork().accept(token)]
            checked += 1
            # Short steps, so that many counts are seen.
            short = sorted(allowed, key=lambda token: (len(words.tokens[token]), rng.random()))
            matcher.accept(rng.choice(short[:6]))
    assert checked > 40
