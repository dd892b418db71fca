"""SentencePiece: ``.model`` files, processors, and what is slow in transformers because it stands on one.

A ``.model`` file is a Protocol Buffers message; the few fields that tell a token's bytes are read here, so that no
package is needed. Fields: https://github.com/google/sentencepiece/blob/master/src/sentencepiece_model.proto, wire
format: https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from trellis.errors import VocabularyError
from trellis.masking.token_table import TokenTable, table_of

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
_KINDS = range(NORMAL, BYTE + 1)
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PIECES, _TRAINER, _NORMALIZER = 1, 2, 3  # fields of the model
_PIECE, _KIND = 1, 3  # of a piece
_UNKNOWN_ID, _EOS_ID, _WHITESPACE_AS_SUFFIX = 40, 42, 24  # of the trainer's specification
_ADD_DUMMY_PREFIX, _ESCAPE_WHITESPACES = 3, 5  # of the normaliser's
_UNDERLINE = "\u2581"
_BYTE_PIECE = re.compile(r"<0x([0-9A-Fa-f]{2})>\Z")


def is_model(data: bytes) -> bool:
    """Whether a file's contents look like a model: its first field is a piece, and neither JSON nor base64 lines."""
    return data[:1] == b"\n" and len(data) > 2 and data[2:3] == b"\n" and data[1] > 2


def is_processor(value: Any) -> bool:
    """Whether the value is a ``sentencepiece.SentencePieceProcessor`` (by what it can do)."""
    return hasattr(value, "serialized_model_proto") and hasattr(value, "id_to_piece")


def read(data: bytes, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a model file's contents.

    Raises:
        VocabularyError: the message is cut short or no model, or its pieces carry blanks at their ends.
    """
    pieces: list[tuple[str, int]] = []
    trainer: dict[int, int] = {}
    normalizer: dict[int, int] = {}
    for field, value in _fields(data):
        if field == _PIECES and isinstance(value, bytes):
            inner = dict(_fields(value))
            piece, kind = inner.get(_PIECE), inner.get(_KIND, NORMAL)
            if not isinstance(piece, bytes) or kind not in _KINDS:
                raise VocabularyError(f"piece {len(pieces)} of the SentencePiece model is malformed")
            pieces.append((piece.decode(), int(kind)))
        elif field in (_TRAINER, _NORMALIZER) and isinstance(value, bytes):
            found = {key: number for key, number in _fields(value) if isinstance(number, int)}
            (trainer if field == _TRAINER else normalizer).update(found)
    if not pieces or not trainer or not normalizer:
        raise VocabularyError("the file is no whole SentencePiece model: it lacks its pieces or its specifications",
                              hint="is the file complete?")
    if trainer.get(_WHITESPACE_AS_SUFFIX) or not normalizer.get(_ESCAPE_WHITESPACES, 1):
        raise VocabularyError("the SentencePiece model writes blanks otherwise than as a leading \u2581",
                              hint="its tokens do not map to bytes one by one")
    table = _table(pieces, special_tokens)
    eos = trainer.get(_EOS_ID, 2)
    declared = (eos,) if 0 <= eos < len(pieces) and pieces[eos][1] == CONTROL else ()
    return table._replace(eos_ids=declared, leading_space=bool(normalizer.get(_ADD_DUMMY_PREFIX, 1)))


def read_processor(processor: Any, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a processor, with its encoder and decoder for the checks."""
    table = read(processor.serialized_model_proto(), special_tokens)
    return table._replace(encode=lambda text: list(processor.encode(text)),
                          decode=lambda ids: str(processor.decode(list(ids))))


def pieces_of(processor: Any, pieces: Mapping[int, str]) -> dict[int, tuple[str, int]]:
    """The kinds of pieces that a tokenizer on top of a processor may number otherwise than the processor does."""
    kinds = ((UNKNOWN, processor.is_unknown), (CONTROL, processor.is_control), (UNUSED, processor.is_unused),
             (BYTE, processor.is_byte))
    found = {}
    for token_id, piece in pieces.items():
        inner = processor.piece_to_id(piece)
        known = processor.id_to_piece(inner) == piece
        found[token_id] = piece, next((kind for kind, holds in kinds if known and holds(inner)), NORMAL)
    return found


def spelled(piece: str, kind: int, token_id: int) -> bytes:
    """The bytes that a piece adds to a text, of a special one its name.

    Raises:
        VocabularyError: a byte piece that names no byte.
    """
    if kind == BYTE:
        byte = _BYTE_PIECE.match(piece)
        if byte is None:
            raise VocabularyError(f"token {token_id} ({piece!r}) should be one byte, and names none", token_id=token_id)
        return bytes([int(byte[1], 16)])
    return piece.encode() if kind in (CONTROL, UNKNOWN, UNUSED) else piece.replace(_UNDERLINE, " ").encode()


def _table(pieces: list[tuple[str, int]], special_tokens: Mapping[str, int]) -> TokenTable:
    special = {piece: token_id for token_id, (piece, kind) in enumerate(pieces) if kind in (CONTROL, UNKNOWN)}
    special |= special_tokens
    size = max([len(pieces) - 1, *special.values()]) + 1
    tokens = table_of(size)
    for token_id, (piece, kind) in enumerate(pieces):
        tokens[token_id] = spelled(piece, kind, token_id)
    for name, token_id in special.items():
        tokens[token_id] = name.encode()
    named = set(special.values())
    unused = {token_id for token_id, (_, kind) in enumerate(pieces) if kind == UNUSED}
    return TokenTable(tokens, special, frozenset((unused | set(range(len(pieces), size))) - named))


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of a message: whole numbers (signed, 64 bits) and byte strings; floats as their bytes."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            number, at = _varint(message, at)
            yield field, number - (number >> 63 << 64)
            continue
        if kind == _BYTES:
            size, at = _varint(message, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise VocabularyError(f"byte {at} of the SentencePiece model is no field of a message")
        if size > len(message) - at:
            raise VocabularyError("the SentencePiece model is cut short", hint="is the file complete?")
        yield field, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number & (1 << 64) - 1, at
    raise VocabularyError("the SentencePiece model is cut short", hint="is the file complete?")
