"""SentencePiece, slow tokenizers, known files, and the self-check: each against the package that runs the format."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from trellis.errors import VocabularyError
from trellis.masking import Grammar
from trellis.masking.vocabulary import SAMPLES, Vocabulary

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures" / "tokenizers"
MODEL = FIXTURES / "byte_fallback.model"
BYTE_LEVEL = FIXTURES / "byte_level.json"
REAL = Path(os.environ.get("TOKENIZERS", Path.home() / ".cache/trellis-tokenizers"))


def real(path: str) -> Path:
    if not (REAL / path).exists():
        pytest.skip(f"{path} is not on this machine")
    return REAL / path


def spelled(vocabulary: Vocabulary, token_ids: list[int]) -> bytes:
    return b"".join(vocabulary.tokens[token_id] for token_id in token_ids)


def named(vocabulary: Vocabulary, ids: Any) -> set[str]:
    return {vocabulary.tokens[token_id].decode() for token_id in ids}


def test_a_sentencepiece_model_is_read_without_the_package() -> None:
    vocabulary = Vocabulary.from_tokenizer(MODEL)
    assert vocabulary.size == 640
    assert named(vocabulary, vocabulary.eos_ids) == {"</s>"}
    assert named(vocabulary, vocabulary.special_ids) == {"<unk>", "<s>", "</s>", "<turn>"}
    assert {bytes([byte]) for byte in range(256)} <= set(vocabulary.tokens)
    assert b" the" in vocabulary.tokens
    assert vocabulary.tokens.index(b"<tool>") not in vocabulary.special_ids  # user-defined: it is written as it stands


def test_a_sentencepiece_processor_spells_and_decodes_as_its_file_says() -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(MODEL))
    vocabulary = Vocabulary.from_tokenizer(processor)
    from_file = Vocabulary.from_tokenizer(str(MODEL))
    assert (vocabulary.tokens, vocabulary.special_ids) == (from_file.tokens, from_file.special_ids)
    for sample in SAMPLES:
        assert spelled(vocabulary, processor.encode(sample)) == b" " + sample.encode()
    letter = processor.piece_to_id("a")
    for token_id in set(range(vocabulary.size)) - vocabulary.special_ids:
        token = vocabulary.tokens[token_id]
        if len(token) > 1 or token < b"\x80":
            assert processor.decode([letter, token_id]) == "a" + token.decode()


def test_a_model_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    data = MODEL.read_bytes()
    for size in range(3, len(data) - 60, 97):
        (tmp_path / "cut.model").write_bytes(data[:size])
        with pytest.raises(VocabularyError):
            Vocabulary.from_tokenizer(tmp_path / "cut.model")


def test_a_model_that_writes_blanks_behind_words_is_an_error(tmp_path: Path) -> None:
    model = pytest.importorskip("sentencepiece.sentencepiece_model_pb2").ModelProto.FromString(MODEL.read_bytes())
    model.trainer_spec.treat_whitespace_as_suffix = True
    (tmp_path / "suffix.model").write_bytes(model.SerializeToString())
    with pytest.raises(VocabularyError, match="blanks"):
        Vocabulary.from_tokenizer(tmp_path / "suffix.model")


def test_a_model_without_byte_fallback_is_an_error_and_unused_pieces_are_never_text(tmp_path: Path) -> None:
    model = pytest.importorskip("sentencepiece.sentencepiece_model_pb2").ModelProto.FromString(MODEL.read_bytes())
    for piece in model.pieces:
        if piece.type == piece.BYTE:
            piece.type = piece.UNUSED
    (tmp_path / "pieces.model").write_bytes(model.SerializeToString())
    with pytest.raises(VocabularyError, match="no byte fallback"):
        Vocabulary.from_tokenizer(tmp_path / "pieces.model")
    vocabulary = Vocabulary.from_tokenizer(tmp_path / "pieces.model", allow_missing_bytes=True)
    assert vocabulary.tokens.index(b"<0x41>") in vocabulary.special_ids


class Shifted:
    """A slow tokenizer as transformers has them on top of SentencePiece: its own numbering, and an added token."""

    eos_token_id = 2

    def __init__(self, processor: Any, shift: int) -> None:
        self.sp_model, self.shift = processor, shift
        self.all_special_ids = range(3 + shift)
        self.added_tokens_decoder = {len(self) - 1: "<call>"}

    def __len__(self) -> int:
        return int(self.sp_model.get_piece_size()) + self.shift + 1

    def convert_ids_to_tokens(self, token_id: int) -> str:
        if token_id == len(self) - 1:
            return "<call>"
        if 3 <= token_id < 3 + self.shift:
            return "<pad>"
        return str(self.sp_model.id_to_piece(token_id - self.shift if token_id > 2 else token_id))

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        return [token_id + self.shift for token_id in self.sp_model.encode(text)]


@pytest.mark.parametrize("shift", [0, 1])
def test_a_slow_tokenizer_counts_by_its_own_ids(shift: int) -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    slow = Shifted(sentencepiece.SentencePieceProcessor(model_file=str(MODEL)), shift)
    vocabulary = Vocabulary.from_tokenizer(slow)
    plain = Vocabulary.from_tokenizer(MODEL)
    assert vocabulary.tokens[10 + shift: 640 + shift] == plain.tokens[10:]
    assert vocabulary.tokens[-1] == b"<call>"
    assert vocabulary.size - 1 not in vocabulary.special_ids
    assert vocabulary.eos_ids == (2,)


def test_a_slow_tokenizer_whose_ids_are_others_than_it_says_is_an_error() -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    slow = Shifted(sentencepiece.SentencePieceProcessor(model_file=str(MODEL)), 1)
    slow.encode = lambda text, add_special_tokens: slow.sp_model.encode(text)  # type: ignore[method-assign]
    with pytest.raises(VocabularyError, match="spell"):
        Vocabulary.from_tokenizer(slow)


def test_a_slow_tokenizer_of_transformers() -> None:
    backend = pytest.importorskip("transformers.tokenization_utils_sentencepiece")
    pytest.importorskip("sentencepiece")
    slow = backend.SentencePieceBackend(vocab_file=str(MODEL), unk_token="<unk>", bos_token="<s>", eos_token="</s>")
    assert not slow.is_fast
    vocabulary, plain = Vocabulary.from_tokenizer(slow), Vocabulary.from_tokenizer(MODEL)
    assert (vocabulary.tokens, vocabulary.special_ids) == (plain.tokens, plain.special_ids)


def test_a_fast_tokenizer_of_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    fast = transformers.PreTrainedTokenizerFast(tokenizer_file=str(BYTE_LEVEL), eos_token="<|im_end|>")
    vocabulary = Vocabulary.from_tokenizer(fast)
    assert vocabulary.tokens == Vocabulary.from_tokenizer(BYTE_LEVEL).tokens
    assert named(vocabulary, vocabulary.eos_ids) == {"<|im_end|>"}


class ByteLevelSlow:
    """A slow byte-level tokenizer, as transformers before version 5 has them."""

    eos_token_id = 300
    all_special_ids = (300,)

    def __init__(self, pieces: dict[int, str]) -> None:
        self.pieces = pieces
        self.byte_decoder = {"a": 97}  # that there is one says: byte-level

    def __len__(self) -> int:
        return 302

    def convert_ids_to_tokens(self, token_id: int) -> str:
        return self.pieces[token_id]

    def encode(self, text: str, add_special_tokens: bool) -> list[int]:
        return [self._of(byte) for byte in text.encode()]

    def _of(self, byte: int) -> int:
        letters = {ord(piece): token_id for token_id, piece in self.pieces.items() if len(piece) == 1}
        printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
        others = [value for value in range(256) if value not in printing]
        return letters[byte if byte in printing else 0x100 + others.index(byte)]


def test_a_slow_byte_level_tokenizer_with_a_gap() -> None:
    alphabet = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100), *range(0x100, 0x144)]
    slow = ByteLevelSlow({i: chr(letter) for i, letter in enumerate(alphabet)} | {300: "<end>", 301: "\u0120a"})
    vocabulary = Vocabulary.from_tokenizer(slow)
    assert vocabulary.tokens[301] == b" a"
    assert vocabulary.special_ids == set(range(256, 301))
    slow.pieces[5], slow.pieces[6] = slow.pieces[6], "x" + slow.pieces[5]
    with pytest.raises(VocabularyError):
        Vocabulary.from_tokenizer(slow)


@pytest.mark.parametrize("key", ["end_of_word_suffix", "continuing_subword_prefix"])
def test_tokens_that_carry_marks_are_an_error(key: str) -> None:
    data = json.loads(BYTE_LEVEL.read_text())
    data["model"][key] = "</w>"
    with pytest.raises(VocabularyError, match="</w>"):
        Vocabulary.from_tokenizer(data)


def test_tokens_that_are_decoded_to_something_else_are_an_error() -> None:
    tokenizers = pytest.importorskip("tokenizers")
    wrong = tokenizers.Tokenizer.from_file(str(BYTE_LEVEL))
    wrong.decoder = tokenizers.decoders.Sequence([tokenizers.decoders.ByteLevel(),
                                                  tokenizers.decoders.Replace("the", "teh")])
    with pytest.raises(VocabularyError, match="decodes"):
        Vocabulary.from_tokenizer(wrong)


def test_a_file_is_checked_as_an_object_is_where_tokenizers_is_installed() -> None:
    pytest.importorskip("tokenizers")
    data = json.loads(BYTE_LEVEL.read_text())
    data["normalizer"] = {"type": "Lowercase"}
    with pytest.raises(VocabularyError, match="spell"):
        Vocabulary.from_tokenizer(data)


# Real tokenizers
# -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("path", "size", "ends"), [
    ("llama_models/llama3/tokenizer.model", 128256, {"<|end_of_text|>", "<|eom_id|>", "<|eot_id|>"}),
    ("llama_models/llama4/tokenizer.model", 202048, {"<|end_of_text|>", "<|eom|>", "<|eot|>"}),
    ("dashscope/resources/qwen.tiktoken", 151851, {"<|endoftext|>", "<|im_end|>"}),
    ("litellm/litellm_core_utils/tokenizers/9b5ad71b2ce5302211f9c61530b329a4922fc6a4", 100277, {"<|endoftext|>"}),
    ("litellm/litellm_core_utils/tokenizers/fb374d419588a4632f3f557e76b4b70aebbca790", 200019, {"<|endoftext|>"}),
    ("mistral_common/data/mistral_instruct_tokenizer_240323.model.v3", 32768, {"</s>"}),
], ids=["llama 3", "llama 4", "qwen", "cl100k", "o200k", "mistral 7b"])
def test_published_files_need_no_more_than_their_path(path: str, size: int, ends: set[str]) -> None:
    vocabulary = Vocabulary.from_tokenizer(real(path))
    assert vocabulary.size == size
    assert named(vocabulary, vocabulary.eos_ids) == ends
    assert {bytes([byte]) for byte in range(0xC0)} <= set(vocabulary.tokens)


def test_llama_3_names_its_special_tokens_as_published() -> None:
    vocabulary = Vocabulary.from_tokenizer(real("llama_models/llama3/tokenizer.model"))
    assert vocabulary.tokens[128_006:128_010] == (b"<|start_header_id|>", b"<|end_header_id|>", b"<|eom_id|>",
                                                  b"<|eot_id|>")
    assert vocabulary.tokens[-1] == b"<|reserved_special_token_245|>"


def test_tokenizers_of_mistral_common() -> None:
    path = real("mistral_common/data/mistral_instruct_tokenizer_240323.model.v3")
    mistral = pytest.importorskip("mistral_common.tokens.tokenizers.mistral").MistralTokenizer.from_file(str(path))
    vocabulary = Vocabulary.from_tokenizer(mistral)
    inner = mistral.instruct_tokenizer.tokenizer
    assert vocabulary.size == inner.n_words
    assert vocabulary.eos_ids == (inner.eos_id,)
    assert spelled(vocabulary, inner.encode(SAMPLES[0], bos=False, eos=False)).strip() == SAMPLES[0].encode()


def test_masks_over_a_real_sentencepiece_vocabulary() -> None:
    sentencepiece = pytest.importorskip("sentencepiece")
    path = real("mistral_common/data/mistral_instruct_tokenizer_240323.model.v3")
    processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
    vocabulary = Vocabulary.from_tokenizer(processor)
    pytest.importorskip("trellis_kernel")
    matcher = Grammar.from_lark(ROOT / "grammars" / "json.lark").compile(vocabulary).matcher()
    for token_id in processor.encode('{"né": [1, "日本 \\u00e9"], "z": null}'):
        assert matcher.accept(token_id), matcher.explain(token_id)
    assert matcher.accept(vocabulary.eos_ids[0])
