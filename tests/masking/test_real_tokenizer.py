"""The shipped grammars over the vocabulary of Llama 3: the kernel's masks against the reference, token by token."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from trellis.masking import Grammar, Vocabulary, allocate_bitmask, allowed_tokens

ROOT = Path(__file__).parents[2]
FOLDER = Path(os.environ.get("TOKENIZERS", Path.home() / ".cache" / "trellis-tokenizers"))
FILE = FOLDER / "llama_models" / "llama3" / "tokenizer.model"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    if not FILE.exists():
        pytest.skip(f"{FILE} is not there")
    return Vocabulary.from_tokenizer(FILE, special_tokens={"<|end_of_text|>": 128000})


@pytest.mark.parametrize("parser", ["earley", "lalr"])
@pytest.mark.parametrize("name", ["json", "arithmetic", "csv"])
def test_masks_over_a_real_vocabulary(name: str, parser: str, vocabulary: Vocabulary) -> None:
    grammar = Grammar.from_lark(ROOT / "grammars" / f"{name}.lark", parser=parser)
    choose = random.Random(3)
    by_length = sorted(range(vocabulary.size), key=lambda token: len(vocabulary.tokens[token]))
    bitmask = allocate_bitmask(1, vocabulary.size)
    for _ in range(2):
        kernel, reference = (grammar.compile(vocabulary, engine=engine).matcher() for engine in ("kernel", "reference"))
        for _ in range(8):
            kernel.fill_bitmask(bitmask)
            allowed = [int(token) for token in allowed_tokens(bitmask[0])]
            permitted = set(allowed)
            tried = choose.sample(allowed, min(30, len(allowed))) + choose.sample(by_length[:5000], 60)
            for token in tried + choose.sample(by_length, 30):
                assert reference.fork().accept(token) == (token in permitted), vocabulary.tokens[token]
            allowed.sort(key=lambda token: (len(vocabulary.tokens[token]), token))
            token = choose.choice(allowed[:40])  # short tokens build more structure
            if token in vocabulary.eos_ids:
                break
            assert kernel.accept(token)
            assert reference.accept(token)
