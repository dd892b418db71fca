"""A model's vocabulary as byte strings: what masks know of a tokenizer.

A mask decides about bytes, so each token id must stand for exactly the bytes that it adds to the output. Tokenizer
files spell those bytes in several ways (``vocabulary_hf``, ``vocabulary_sentencepiece``, ``vocabulary_tiktoken``,
``vocabulary_tekken``); this module holds the result, finds the tokens that end an output, and checks itself: a
tokenizer that was read wrongly must be an error at load, never a wrong mask later.
"""

from __future__ import annotations

import importlib
import marshal
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from operator import index
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from trellis.errors import MaskError, UsageError, VocabularyError
from trellis.masking.token_table import MAX_IDS, TokenTable

DECODED = 2_000
"""Tokens, evenly spread, that are decoded for a check where the tokenizer can be run."""
#: Names of tokens that end an output, as public tokenizers spell them. A chat model ends its turn, a base model its
#: text.
EOS_NAMES = (
    "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|eot|>", "<|eom|>", "<|endoftext|>", "<|im_end|>", "<|end|>",
    "<|return|>", "</s>", "<eos>", "<|eos|>", "[EOS]", "<EOT>", "<end_of_turn>", "<turn|>", "<|END_OF_TURN_TOKEN|>",
    "<|end_of_turn|>", "<｜end▁of▁sentence｜>", "<|end▁of▁sentence|>",
)

#: Texts that a tokenizer must spell and unspell unchanged. Stable under NFKC, and rich in what JSON is made of.
SAMPLES = (
    'The {"name": "O\'Neil", "tags": ["a", "b"], "n": -12.5e+3, "ok": true, "none": null}',
    "line one\n\tline two  with two blanks\r\n\r\n    indented\\n",
    "déjà vu, Straße, русский, 日本語, ไทย, עברית, 😀🏽",
)


class Vocabulary:
    """Token ids and their bytes. Immutable; compared by identity, so that grammars can share one kernel vocabulary.

    Args:
        tokens: the bytes of each token id; ``b""`` for an id that nothing uses.
        special_ids: ids that never match text, whatever their bytes (their bytes serve as their names in messages).
        eos_ids: ids that end an output. When none are given they are looked up by name among the special tokens.
        width: length of a row of logits when it is larger than ``len(tokens)`` (padded embeddings); the ids above are
            never allowed.

    Raises:
        VocabularyError: an id out of range, a width below the number of tokens, or no way to end an output.
    """

    def __init__(self, tokens: Sequence[bytes], *, special_ids: Iterable[int] = (), eos_ids: Iterable[int] = (),
                 width: int | None = None) -> None:
        table = _byte_strings(tokens)
        special = {integer(token_id, "a token id") for token_id in listed(special_ids, "special_ids")}
        eos = list(dict.fromkeys(integer(token_id, "a token id") for token_id in listed(eos_ids, "eos_ids")))
        for token_id in (*special, *eos):
            if not 0 <= token_id < len(table):
                raise VocabularyError(f"token id {token_id} is outside the vocabulary of {len(table)} tokens",
                                      token_id=token_id)
        if not eos:
            names = {name.encode() for name in EOS_NAMES}
            eos = [token_id for token_id in sorted(special) if table[token_id] in names]
        if not eos:
            raise VocabularyError("no token is known to end an output", hint="name it: eos_ids=[...]")
        if width is not None:
            width = integer(width, "width")
            if width > MAX_IDS:
                raise VocabularyError(f"a width of {width} is more than any model has")
            if width < len(table):
                raise VocabularyError(f"the logits have {width} entries, but the vocabulary has {len(table)} tokens",
                                      hint="the tokenizer and the model do not belong together")
            special.update(range(len(table), width))
            table.extend([b""] * (width - len(table)))
        self._tokens = tuple(table)
        self._special_ids = frozenset(special | set(eos))
        self._eos_ids = tuple(eos)
        self._kernel: Any = None
        self._lock = threading.Lock()

    @classmethod
    def from_tokenizer(cls, tokenizer: Any, *, special_tokens: Mapping[str, int] | None = None,
                       eos_ids: Iterable[int] = (), width: int | None = None,
                       allow_missing_bytes: bool = False) -> Vocabulary:
        """The vocabulary of a tokenizer.

        Args:
            tokenizer: a path to, or the parsed contents of, a Hugging Face ``tokenizer.json``; a path to a tiktoken
                file (lines of base64 and rank), a tekken JSON file or a SentencePiece ``.model``; a
                ``tokenizers.Tokenizer``; a tokenizer of transformers, fast or slow; a ``tiktoken.Encoding``; a
                ``sentencepiece.SentencePieceProcessor``; a tokenizer of mistral-common; a ``llama_cpp.Llama``.
            special_tokens: names and ids that the file does not tell. tiktoken files hold none; those of the published
                ones (Llama 3 and 4, Qwen, OpenAI's) are known by the file's SHA-256 and need not be given.
            eos_ids: ids that end an output; looked up by their well-known names when not given.
            width: length of a row of logits, checked against the vocabulary.
            allow_missing_bytes: accept a tokenizer that cannot spell every byte. Texts with such bytes are then out of
                reach of the model, and a grammar that needs one has no mask.

        Raises:
            VocabularyError: the format is unknown, or a check failed: an id without bytes, a byte that no token spells,
                a sample text that does not come back, a token that is decoded to something else than its bytes, no
                token that ends an output, logits that are too narrow.
        """
        named = special_tokens or {}
        if not isinstance(named, Mapping) or not all(
                isinstance(name, str) and _is_id(token_id) for name, token_id in named.items()):
            raise VocabularyError("special_tokens must map names to token ids")
        try:
            table = _read(tokenizer, dict(named))
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            raise VocabularyError(f"the tokenizer is malformed: {type(error).__name__}: {error}",
                                  hint="is the file complete?") from error
        _check_special(table)
        given = tuple(listed(eos_ids, "eos_ids")) or table.eos_ids
        special = set(table.special.values()) | table.unused
        found = given or tuple(sorted(table.special[name] for name in EOS_NAMES if name in table.special))
        vocabulary = cls(table.tokens, special_ids=special, eos_ids=found, width=width)
        _check_bytes(vocabulary, allow_missing_bytes)
        try:
            if table.encode is not None:
                _check_round_trip(vocabulary, table.encode, table.leading_space, allow_missing_bytes)
            if table.decode is not None:
                _check_decoding(vocabulary, table.decode)
        except (TypeError, ValueError, LookupError, AttributeError, OverflowError, RuntimeError) as error:
            raise VocabularyError(f"the tokenizer breaks at its own tokens: {type(error).__name__}: {error}") from error
        return vocabulary

    @property
    def tokens(self) -> tuple[bytes, ...]:
        """The bytes of each token id; a special token's are its name, which never matches text."""
        return self._tokens

    @property
    def special_ids(self) -> frozenset[int]:
        """Ids that never match text: special tokens (the ends of outputs among them) and unused ids."""
        return self._special_ids

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Ids that end an output."""
        return self._eos_ids

    @property
    def size(self) -> int:
        """Number of ids, padding included: the width of a bitmask in bits."""
        return len(self._tokens)

    def __len__(self) -> int:
        return len(self._tokens)

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, (self._tokens, sorted(self._special_ids), self._eos_ids)

    def __deepcopy__(self, memo: Any) -> Vocabulary:
        return self

    def __repr__(self) -> str:
        return f"Vocabulary(size={self.size}, special={len(self._special_ids)}, eos_ids={list(self._eos_ids)})"

    @property
    def kernel(self) -> Any:
        """The kernel's vocabulary (``trellis_kernel.Vocabulary``), built once and shared by every grammar.

        Raises:
            MaskError: the kernel is not installed.
            VocabularyError: the kernel refuses the vocabulary.
        """
        with self._lock:
            if self._kernel is None:
                try:
                    module = importlib.import_module("trellis_kernel")
                except ImportError as error:
                    raise MaskError("fast masks need the kernel, which is not installed",
                                    hint='pip install ./rust, or name engine="reference"') from error
                try:
                    self._kernel = module.Vocabulary(self._tokens, sorted(self._special_ids), list(self._eos_ids))
                except module.KernelError as error:
                    raise VocabularyError(f"the kernel refuses the vocabulary: {error}") from error
            return self._kernel


_here: WeakValueDictionary[bytes, Vocabulary] = WeakValueDictionary()
"""What was unpickled in this process, by contents: a worker that gets a vocabulary with each task builds it once."""


def _unpickled(tokens: tuple[bytes, ...], special_ids: list[int], eos_ids: tuple[int, ...]) -> Vocabulary:
    digest = sha256(marshal.dumps((tokens, special_ids, eos_ids), 2)).digest()  # version 2: by values alone
    return _here.setdefault(digest, Vocabulary(tokens, special_ids=special_ids, eos_ids=eos_ids))


def integer(value: Any, what: str) -> int:
    """A whole number, also numpy's; anything else is a UsageError."""
    try:
        return index(value)
    except TypeError:
        raise UsageError(f"{what} must be an integer, not {type(value).__name__}") from None


def listed(values: Any, what: str) -> Iterable[Any]:
    """Something to iterate over; anything else is a UsageError."""
    if not isinstance(values, Iterable):
        raise UsageError(f"{what} must be a list of token ids, not {type(values).__name__}")
    return values


def _is_id(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _byte_strings(tokens: Any) -> list[bytes]:
    if isinstance(tokens, (str, bytes, Mapping)) or not isinstance(tokens, Iterable):
        raise UsageError(f"tokens must be a list of byte strings, not {type(tokens).__name__}",
                         hint="Vocabulary.from_tokenizer(...) reads tokenizers")
    table = list(tokens)
    for token_id, token in enumerate(table):
        if not isinstance(token, bytes):
            raise UsageError(f"token {token_id} must be bytes, not {type(token).__name__}")
    return table


def _read(tokenizer: Any, special_tokens: dict[str, int]) -> TokenTable:
    """Find out the format and read it."""
    from trellis.masking import (
        vocabulary_files,
        vocabulary_hf,
        vocabulary_llama,
        vocabulary_sentencepiece,
        vocabulary_slow,
        vocabulary_tiktoken,
    )

    if isinstance(tokenizer, (str, Path)):
        return vocabulary_files.read_path(Path(tokenizer), special_tokens)
    if isinstance(tokenizer, Mapping):
        return vocabulary_files.read_json(tokenizer, special_tokens)
    if vocabulary_tiktoken.is_encoding(tokenizer):
        return vocabulary_tiktoken.read_encoding(tokenizer, special_tokens)
    if vocabulary_llama.is_model(tokenizer):
        return vocabulary_llama.read(tokenizer, special_tokens)
    if vocabulary_hf.is_tokenizer(tokenizer):
        return vocabulary_hf.read_tokenizer(tokenizer, special_tokens)
    if vocabulary_sentencepiece.is_processor(tokenizer):
        return vocabulary_sentencepiece.read_processor(tokenizer, special_tokens)
    if vocabulary_slow.is_tokenizer(tokenizer):
        return vocabulary_slow.read(tokenizer, special_tokens)
    raise VocabularyError(f"cannot read a vocabulary from {type(tokenizer).__name__}",
                          hint="give a tokenizer.json, a tiktoken file, a tekken file, a SentencePiece model, a "
                               "tokenizer of tokenizers, transformers, tiktoken, sentencepiece or mistral-common, or "
                               "build Vocabulary(tokens=[...])")


def _check_special(table: TokenTable) -> None:
    special = set(table.special.values()) | table.unused
    for token_id, token in enumerate(table.tokens):
        if not token and token_id not in special:
            raise VocabularyError(f"token {token_id} has no bytes and is not special", token_id=token_id)


def _check_bytes(vocabulary: Vocabulary, allow_missing: bool) -> None:
    single = {token[0] for token_id, token in enumerate(vocabulary.tokens)
              if len(token) == 1 and token_id not in vocabulary.special_ids}
    # 0xC0, 0xC1 and 0xF5 to 0xFF never occur in UTF-8, and several tokenizers leave them out.
    missing = sorted({*range(0xC0), *range(0xC2, 0xF5)} - single)
    if missing and not allow_missing:
        named = ", ".join(f"0x{byte:02X}" for byte in missing[:8]) + (" ..." if len(missing) > 8 else "")
        raise VocabularyError(f"no token spells {len(missing)} of the bytes that texts are made of: {named}",
                              hint="the tokenizer has no byte fallback; allow_missing_bytes=True accepts that")


def _check_round_trip(vocabulary: Vocabulary, encode: Callable[[str], Sequence[int]], leading_space: bool,
                      allow_missing: bool) -> None:
    for sample in SAMPLES:
        ids = list(encode(sample))
        wide = next((token_id for token_id in ids if not 0 <= token_id < vocabulary.size), None)
        if wide is not None:
            raise VocabularyError(f"the tokenizer gives id {wide}, but its vocabulary has {vocabulary.size} tokens",
                                  token_id=wide)
        if allow_missing and not vocabulary.special_ids.isdisjoint(ids):
            continue  # it has no spelling for this sample
        spelled = b"".join(vocabulary.tokens[token_id] for token_id in ids)
        expected = sample.encode()
        if spelled != expected and not (leading_space and spelled == b" " + expected):
            raise VocabularyError(f"the tokenizer's tokens for {sample[:24]!r}... spell {spelled[:40]!r}...",
                                  hint="its tokens do not map to bytes one by one; report the tokenizer's name")


def _check_decoding(vocabulary: Vocabulary, decode: Callable[[Sequence[int]], str]) -> None:
    """Decodes tokens, each behind a letter: a decoder may treat the first token of a text otherwise than the rest."""
    ordinary = [token_id for token_id in range(vocabulary.size) if token_id not in vocabulary.special_ids]
    anchor = next((token_id for token_id in ordinary if vocabulary.tokens[token_id] == b"a"), None)
    if anchor is None:
        return
    for token_id in ordinary[:: -(-len(ordinary) // DECODED)]:
        token = vocabulary.tokens[token_id]
        try:
            expected = "a" + token.decode()
        except UnicodeDecodeError:
            continue  # part of a character: decoders differ in what they make of it
        if (found := decode([anchor, token_id])) != expected:
            raise VocabularyError(f"the tokenizer decodes token {token_id} after an 'a' to {found!r}, not {expected!r}",
                                  token_id=token_id, hint="its tokens do not map to bytes one by one")
