"""Hugging Face ``tokenizer.json``: byte-level BPE (GPT-2's byte alphabet) and SentencePiece pieces with byte
fallback."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from trellis.errors import VocabularyError
from trellis.masking import vocabulary_sentencepiece as sentencepiece
from trellis.masking.token_table import TokenTable, table_of

_BYTE_PIECE = re.compile(r"<0x[0-9A-Fa-f]{2}>\Z")
_UNDERLINE = "\u2581"  # SentencePiece writes a blank as this


def is_tokenizer(value: Any) -> bool:
    """Whether the value is a ``tokenizers.Tokenizer`` or a fast tokenizer of transformers (by what it can do)."""
    return hasattr(getattr(value, "backend_tokenizer", value), "to_str")


def read_tokenizer(value: Any, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a tokenizer object, with its encoder for the round trip."""
    backend = getattr(value, "backend_tokenizer", value)
    table = read(json.loads(backend.to_str()), special_tokens)
    declared = getattr(value, "eos_token_id", None)
    eos = (declared,) if isinstance(declared, int) else ()
    known = set(table.special.values())
    special = dict(table.special)
    for token_id in getattr(value, "all_special_ids", ()):
        if token_id not in known and token_id < len(table.tokens):
            special[table.tokens[token_id].decode("utf-8", "replace")] = token_id
    return _with_checks(table, backend)._replace(special=special, eos_ids=eos)


def read_file(data: Mapping[str, Any], special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a parsed ``tokenizer.json``; where ``tokenizers`` is installed and takes the file, with an encoder
    and a decoder, so that the file is checked as an object would be."""
    table = read(data, special_tokens)
    try:
        backend = importlib.import_module("tokenizers").Tokenizer.from_str(json.dumps(data))
    except ImportError:
        return table
    except Exception:  # the package knows no narrower class; the file itself was read, and is checked by its bytes
        return table
    return _with_checks(table, backend)


def _with_checks(table: TokenTable, backend: Any) -> TokenTable:
    return table._replace(encode=lambda text: list(backend.encode(text, add_special_tokens=False).ids),
                          decode=lambda ids: str(backend.decode(list(ids), skip_special_tokens=False)))


def read(data: Mapping[str, Any], special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a parsed ``tokenizer.json``.

    Raises:
        VocabularyError: the model type has no bytes to its tokens (WordPiece, WordLevel), or a token does not read as
            the format says.
    """
    model = data.get("model")
    if not isinstance(model, Mapping) or "vocab" not in model:
        raise VocabularyError("the JSON is no tokenizer: it has no model with a vocabulary",
                              hint='expected the contents of a Hugging Face "tokenizer.json"')
    vocab = model["vocab"]
    pieces: dict[int, str] = ({i: entry[0] for i, entry in enumerate(vocab)} if isinstance(vocab, list)
                              else {token_id: piece for piece, token_id in vocab.items()})
    for token_id, piece in pieces.items():
        if not isinstance(token_id, int) or token_id < 0 or not isinstance(piece, str):
            raise VocabularyError(f"the token {piece!r} has the id {token_id!r}")
    parts = [part for key in ("pre_tokenizer", "decoder", "normalizer") for part in _components(data.get(key))]
    byte_level = any(part.get("type") == "ByteLevel" for part in parts)
    underline = any(part.get("type") == "Metaspace" or _writes_underline(part) for part in parts)
    if not byte_level and not underline and not model.get("byte_fallback"):
        raise VocabularyError(f"tokens of a {model.get('type', 'tokenizer')} model do not map to bytes",
                              hint="masks need byte-level BPE, or SentencePiece pieces")
    for key in ("end_of_word_suffix", "continuing_subword_prefix"):
        if model.get(key):
            raise VocabularyError(f"the tokens carry {model[key]!r}, which is no text ({key})",
                                  hint="masks need tokens that map to bytes one by one")
    fallback = bool(model.get("byte_fallback")) or any(part.get("type") == "ByteFallback" for part in parts)

    added: dict[int, str] = {}
    special = dict(special_tokens)
    for entry in data.get("added_tokens") or ():
        if not isinstance(entry["id"], int) or entry["id"] < 0:
            raise VocabularyError(f"the added token {entry['content']!r} has the id {entry['id']!r}")
        added[entry["id"]] = entry["content"]
        if entry.get("special"):
            special[entry["content"]] = entry["id"]
    size = max([*pieces, *added, *special.values()], default=-1) + 1
    tokens = table_of(size)
    for token_id, piece in pieces.items():
        if token_id not in added:
            tokens[token_id] = (byte_level_bytes(piece, token_id) if byte_level
                                else _piece(piece, token_id, fallback))
    for token_id, content in added.items():
        tokens[token_id] = content.encode()
    for name, token_id in special.items():
        tokens[token_id] = name.encode()
    unknown = model.get("unk_token") or pieces.get(model.get("unk_id", -1) or 0)
    if isinstance(unknown, str) and unknown not in special:  # it stands for what has no spelling
        special.update({piece: token_id for token_id, piece in (pieces | added).items() if piece == unknown})
    used = {*pieces, *added, *special.values()}
    unused = frozenset(token_id for token_id in range(size) if token_id not in used)
    return TokenTable(tokens, special, unused, leading_space=underline)


def _components(part: Any) -> Iterator[Mapping[str, Any]]:
    """A pre-tokenizer, decoder or normaliser and what a sequence of them holds."""
    if isinstance(part, Mapping):
        yield part
        for key in ("pretokenizers", "decoders", "normalizers"):
            for inner in part.get(key) or ():
                yield from _components(inner)


def _writes_underline(part: Mapping[str, Any]) -> bool:
    replaced = (part.get("pattern") or {}).get("String") if part.get("type") == "Replace" else None
    return _UNDERLINE in (replaced, part.get("content"))


@lru_cache(maxsize=1)
def _byte_alphabet() -> dict[str, int]:
    """GPT-2's alphabet: bytes that print stand for themselves, the other 68 for the characters from U+0100 on."""
    printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = sorted(set(range(256)) - set(printing))
    return {chr(byte): byte for byte in printing} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


def byte_level_bytes(piece: str, token_id: int) -> bytes:
    """The bytes of a piece in GPT-2's alphabet.

    Raises:
        VocabularyError: a character is not of the alphabet.
    """
    alphabet = _byte_alphabet()
    try:
        return bytes([alphabet[character] for character in piece])
    except KeyError as error:
        raise VocabularyError(f"token {token_id} ({piece!r}) has the character {error.args[0]!r}, which stands for no "
                              "byte", token_id=token_id, hint="the tokenizer says byte-level, it is not") from None


def _piece(piece: str, token_id: int, fallback: bool) -> bytes:
    kind = sentencepiece.BYTE if fallback and _BYTE_PIECE.match(piece) else sentencepiece.NORMAL
    return sentencepiece.spelled(piece, kind, token_id)
