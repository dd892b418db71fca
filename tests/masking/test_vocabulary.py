"""Vocabularies from every kind of tokenizer, and tokenizers that are refused because they do not map to bytes."""

from __future__ import annotations

import base64
import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trellis.errors import MaskError, VocabularyError
from trellis.masking.vocabulary import SAMPLES, Vocabulary

FIXTURES = Path(__file__).parents[2] / "fixtures" / "tokenizers"
BYTE_LEVEL = FIXTURES / "byte_level.json"
BYTE_FALLBACK = FIXTURES / "byte_fallback.json"
REAL = Path(os.environ.get("TOKENIZERS", Path.home() / ".cache/trellis-tokenizers"))


def real(path: str) -> Path:
    if not (REAL / path).exists():
        pytest.skip(f"{path} is not on this machine")
    return REAL / path


def changed(path: Path, change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text())
    change(data)
    return data


def spelled(vocabulary: Vocabulary, token_ids: list[int]) -> str:
    return b"".join(vocabulary.tokens[token_id] for token_id in token_ids).decode()


def test_byte_level_bpe() -> None:
    vocabulary = Vocabulary.from_tokenizer(BYTE_LEVEL)
    assert {bytes([byte]) for byte in range(256)} <= set(vocabulary.tokens)
    assert b" the" in vocabulary.tokens
    assert "é".encode() in vocabulary.tokens
    assert [vocabulary.tokens[token_id] for token_id in vocabulary.eos_ids] == [b"<|im_end|>", b"<|endoftext|>"][::-1]
    assert set(vocabulary.eos_ids) < vocabulary.special_ids


def test_an_added_token_that_is_not_special_is_text() -> None:
    vocabulary = Vocabulary.from_tokenizer(BYTE_LEVEL)
    assert vocabulary.tokens.index("<tool é>".encode()) not in vocabulary.special_ids


def test_pieces_with_byte_fallback() -> None:
    vocabulary = Vocabulary.from_tokenizer(BYTE_FALLBACK)
    assert vocabulary.tokens.index(b"\n") not in vocabulary.special_ids
    assert " né".encode() in vocabulary.tokens
    assert [vocabulary.tokens[token_id] for token_id in vocabulary.eos_ids] == [b"</s>"]
    assert vocabulary.tokens.index(b"<unk>") in vocabulary.special_ids


@pytest.mark.parametrize("path", [BYTE_LEVEL, BYTE_FALLBACK], ids=["byte level", "byte fallback"])
def test_a_tokenizer_object_gives_what_its_file_gives(path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(path))
    from_file, from_object = Vocabulary.from_tokenizer(str(path)), Vocabulary.from_tokenizer(tokenizer)
    assert from_object.tokens == from_file.tokens
    assert from_object.special_ids == from_file.special_ids
    for sample in SAMPLES:
        assert spelled(from_object, tokenizer.encode(sample, add_special_tokens=False).ids).lstrip() == sample


def test_a_fast_transformers_tokenizer_tells_its_end() -> None:
    tokenizers = pytest.importorskip("tokenizers")

    class Fast:
        backend_tokenizer = tokenizers.Tokenizer.from_file(str(BYTE_LEVEL))
        eos_token_id = backend_tokenizer.token_to_id("<|im_end|>")
        all_special_ids = (backend_tokenizer.token_to_id("<tool é>"),)

    vocabulary = Vocabulary.from_tokenizer(Fast())
    assert vocabulary.eos_ids == (Fast.eos_token_id,)
    assert Fast.all_special_ids[0] in vocabulary.special_ids


def test_tokens_that_do_not_spell_the_text_are_found_out() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    wrong = tokenizers.Tokenizer.from_str(BYTE_LEVEL.read_text())
    wrong.normalizer = tokenizers.normalizers.Lowercase()
    with pytest.raises(VocabularyError, match="spell"):
        Vocabulary.from_tokenizer(wrong)


def tiktoken_file(folder: Path, tokens: list[bytes]) -> Path:
    path = folder / "tokens.tiktoken"
    path.write_bytes(b"".join(base64.b64encode(token) + b" %d\n" % i for i, token in enumerate(tokens)))
    return path


def test_a_tiktoken_file(tmp_path: Path) -> None:
    tokens = [*(bytes([byte]) for byte in range(256)), b" the", b"ing"]
    vocabulary = Vocabulary.from_tokenizer(tiktoken_file(tmp_path, tokens), special_tokens={"<|endoftext|>": 300})
    assert vocabulary.tokens[:258] == tuple(tokens)
    assert vocabulary.eos_ids == (300,)
    assert set(range(258, 301)) == vocabulary.special_ids


def test_a_tiktoken_encoding() -> None:
    tiktoken = pytest.importorskip("tiktoken")
    ranks = {bytes([byte]): byte for byte in range(256)} | {b"th": 256, b"the": 257}
    encoding = tiktoken.Encoding("small", pat_str=r"\w+|\W", mergeable_ranks=ranks, special_tokens={"<|im_end|>": 260})
    vocabulary = Vocabulary.from_tokenizer(encoding)
    assert vocabulary.tokens[257] == b"the"
    assert vocabulary.eos_ids == (260,)


def test_a_tekken_file(tmp_path: Path) -> None:
    vocab = [{"rank": i, "token_bytes": base64.b64encode(bytes([i])).decode()} for i in range(256)]
    path = tmp_path / "tekken.json"
    config = {"default_vocab_size": 266, "default_num_special_tokens": 10}
    path.write_text(json.dumps({"config": config, "vocab": vocab}))
    vocabulary = Vocabulary.from_tokenizer(path)
    assert vocabulary.tokens[10] == b"\0"
    assert vocabulary.eos_ids == (2,)
    assert vocabulary.size == 266


@pytest.mark.parametrize(("change", "message"), [
    (lambda data: data.pop("model"), "no tokenizer"),
    (lambda data: data.update(decoder=None, pre_tokenizer=None), "do not map to bytes"),
    (lambda data: data["model"]["vocab"].update({"日本": 900}), "stands for no byte"),
    (lambda data: data["model"]["vocab"].update({"": 900}), "no bytes"),
    (lambda data: data["model"]["vocab"].pop("a"), "no token spells 1"),
    (lambda data: data["added_tokens"].clear(), "no token is known to end"),
], ids=["no model", "no bytes", "no byte of the alphabet", "an empty token", "a byte is missing", "no end"])
def test_what_does_not_map_to_bytes_is_an_error(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    with pytest.raises(VocabularyError, match=message):
        Vocabulary.from_tokenizer(changed(BYTE_LEVEL, change))


def test_missing_bytes_can_be_accepted() -> None:
    data = changed(BYTE_LEVEL, lambda data: data["model"]["vocab"].pop("a"))
    assert b"a" not in Vocabulary.from_tokenizer(data, allow_missing_bytes=True).tokens


@pytest.mark.parametrize("text", ["", "no base64\n", "QQ== x\n", "QQ== 0\nQg== 0\n", "{", '{"a": 1}'])
def test_other_files_are_no_tokenizers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer(path)


def test_other_things_are_no_tokenizers(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match="cannot read a vocabulary from int"):
        Vocabulary.from_tokenizer(3)
    with pytest.raises(VocabularyError, match="cannot read the tokenizer file"):
        Vocabulary.from_tokenizer(tmp_path / "missing.json")


def test_a_list_of_tokens() -> None:
    vocabulary = Vocabulary([b"a", b"b", b"", b"</s>"], special_ids=[3])
    assert vocabulary.eos_ids == (3,)
    assert Vocabulary([b"a", b"b"], eos_ids=[1]).special_ids == {1}
    with pytest.raises(VocabularyError, match="end an output"):
        Vocabulary([b"a"])
    with pytest.raises(VocabularyError, match="outside"):
        Vocabulary([b"a"], eos_ids=[1])


def test_logits_may_be_wider_and_never_narrower() -> None:
    vocabulary = Vocabulary([b"a", b"b"], eos_ids=[1], width=5)
    assert vocabulary.size == 5
    assert {1, 2, 3, 4} == vocabulary.special_ids
    with pytest.raises(VocabularyError, match="do not belong together"):
        Vocabulary([b"a", b"b"], eos_ids=[1], width=1)


def test_vocabularies_are_compared_by_identity() -> None:
    assert Vocabulary([b"a"], eos_ids=[0]) != Vocabulary([b"a"], eos_ids=[0])


def test_the_kernels_vocabulary_is_built_once_or_its_absence_is_an_error() -> None:
    vocabulary = Vocabulary([b"a", b"b", b"</s>"], special_ids=[2])
    if importlib.util.find_spec("trellis_kernel") is None:
        with pytest.raises(MaskError, match=r"pip install \./rust"):
            _ = vocabulary.kernel
    else:
        assert vocabulary.kernel is vocabulary.kernel
        assert vocabulary.kernel.size == 3


# Real tokenizers
# -------------------------------------------------------------------------------------------------------

def test_llama_3() -> None:
    path = real("llama_models/llama3/tokenizer.model")
    vocabulary = Vocabulary.from_tokenizer(path, special_tokens={"<|begin_of_text|>": 128000, "<|end_of_text|>": 128001,
                                                                 "<|eot_id|>": 128009}, width=128256)
    assert vocabulary.size == 128256
    assert vocabulary.eos_ids == (128001, 128009)
    assert vocabulary.tokens[0] == b"!"


@pytest.mark.parametrize(("path", "size", "eos"), [
    ("litellm/litellm_core_utils/tokenizers/deepseek_tokenizer.json", 129280, "<｜end▁of▁sentence｜>"),
    ("litellm/litellm_core_utils/tokenizers/anthropic_tokenizer.json", 65000, "<EOT>"),
    ("mistral_common/data/tekken_240911.json", 131072, "</s>"),
], ids=["deepseek", "anthropic", "tekken"])
def test_files_of_real_tokenizers(path: str, size: int, eos: str) -> None:
    vocabulary = Vocabulary.from_tokenizer(real(path))
    assert vocabulary.size == size
    assert [vocabulary.tokens[token_id].decode() for token_id in vocabulary.eos_ids] == [eos]


def test_qwen() -> None:
    path = real("dashscope/resources/qwen.tiktoken")
    vocabulary = Vocabulary.from_tokenizer(path, special_tokens={"<|endoftext|>": 151643, "<|im_end|>": 151645})
    assert vocabulary.eos_ids == (151643, 151645)


@pytest.mark.parametrize("name", ["deepseek_tokenizer", "anthropic_tokenizer"])
def test_real_tokenizer_objects_come_back_from_a_round_trip(name: str) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    tokenizer = tokenizers.Tokenizer.from_file(str(real(f"litellm/litellm_core_utils/tokenizers/{name}.json")))
    vocabulary = Vocabulary.from_tokenizer(tokenizer)
    assert spelled(vocabulary, tokenizer.encode(SAMPLES[0], add_special_tokens=False).ids) == SAMPLES[0]
