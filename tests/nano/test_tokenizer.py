"""The pure-Python tokenizer gives the ids of the tokenizers package."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.models.nano.model import FOLDER, NanoModel
from trellis.result import Message

SPECIAL = ("<|pad|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>")


@pytest.fixture(scope="module")
def package() -> Any:
    tokenizers = pytest.importorskip("tokenizers")
    return tokenizers.Tokenizer.from_file(str(FOLDER / "tokenizer.json"))


def encode(nano: NanoModel, text: str) -> list[int]:
    """The ids of a user's text."""
    ids = nano.encode([Message("user", text)])
    assert (ids[0], ids[-2], ids[-1]) == (SPECIAL.index("<|user|>"), SPECIAL.index("<|end|>"),
                                          SPECIAL.index("<|assistant|>"))
    return ids[1:-2]


def decode(nano: NanoModel, ids: list[int]) -> str:
    return b"".join(nano.vocabulary.tokens[token] for token in ids).decode()


pieces = st.one_of(st.text(max_size=30), st.sampled_from(["Extract the order: ", '{"a":1}', "\n  - ", "naïve Straße",
                                                          "日本語", "𝔘", "e\u0301", "7"]))


@given(st.lists(pieces, max_size=6).map("".join))
@settings(max_examples=300, deadline=None)
def test_same_ids_as_the_package(nano: NanoModel, package: Any, text: str) -> None:
    if any(name in text for name in SPECIAL):
        return
    ids = encode(nano, text)
    assert ids == package.encode(text).ids
    assert decode(nano, ids) == text


def test_same_ids_on_training_prompts(nano: NanoModel, package: Any, examples: ModuleType) -> None:
    for seed in range(60):
        for message in examples.example(seed).messages:
            assert encode(nano, message.content) == package.encode(message.content).ids


@pytest.mark.parametrize("name", SPECIAL)
def test_text_is_never_a_special_token(nano: NanoModel, name: str) -> None:
    ids = encode(nano, f"say {name}{name} now")
    assert not set(ids) & nano.vocabulary.special_ids
    assert decode(nano, ids) == f"say {name}{name} now"


def test_digits_stand_alone_and_words_hold_no_space(nano: NanoModel) -> None:
    assert len(encode(nano, "20412")) == 5
    for token_id, token in enumerate(nano.vocabulary.tokens):
        if token_id not in nano.vocabulary.special_ids and len(token) > 1:
            assert not any(0x30 <= byte <= 0x39 for byte in token), token
            assert not (b" " in token and any(chr(byte).isalpha() for byte in token if byte < 128)), token


def test_all_bytes_are_tokens(nano: NanoModel) -> None:
    single = {token for token_id, token in enumerate(nano.vocabulary.tokens)
              if token_id not in nano.vocabulary.special_ids}
    assert {bytes([byte]) for byte in range(256)} <= single
    assert nano.vocabulary.size == 1024
