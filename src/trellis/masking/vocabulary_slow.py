"""Tokenizers that are Python objects around something that is read elsewhere: the slow ones of transformers, and those
of mistral-common.

Their own numbering counts, not that of what they stand on: some shift the ids of a SentencePiece model, or add tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trellis.errors import VocabularyError
from trellis.masking import vocabulary_sentencepiece as sentencepiece
from trellis.masking import vocabulary_tiktoken
from trellis.masking.token_table import TokenTable, table_of
from trellis.masking.vocabulary_files import read_path
from trellis.masking.vocabulary_hf import byte_level_bytes


def is_tokenizer(value: Any) -> bool:
    """Whether the value is a slow tokenizer of transformers, or one of mistral-common (by what it can do)."""
    return hasattr(value, "convert_ids_to_tokens") or hasattr(_inner(value), "file_path")


def read(value: Any, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a tokenizer object, with its encoder for the round trip.

    Raises:
        VocabularyError: its pieces do not tell their bytes.
    """
    inner = _inner(value)
    if hasattr(inner, "file_path"):
        return _read_mistral(inner, special_tokens)
    if vocabulary_tiktoken.is_encoding(inner):
        return vocabulary_tiktoken.read_encoding(inner, special_tokens)
    pieces = _pieces(value)
    processor = getattr(value, "sp_model", None)
    if processor is None and not getattr(value, "byte_decoder", None):
        raise VocabularyError(f"the tokens of {type(value).__name__} do not tell their bytes",
                              hint="give its fast form, its tokenizer.json or its SentencePiece model")
    kinds = {} if processor is None else sentencepiece.pieces_of(processor, pieces)
    added = {int(token_id): str(token) for token_id, token in getattr(value, "added_tokens_decoder", {}).items()}
    special = {pieces[token_id]: token_id for token_id in getattr(value, "all_special_ids", ()) if token_id in pieces}
    special |= {str(token): int(token_id) for token_id, token in getattr(value, "added_tokens_decoder", {}).items()
                if getattr(token, "special", False)}
    special |= {piece: token_id for token_id, (piece, kind) in kinds.items()
                if kind in (sentencepiece.CONTROL, sentencepiece.UNKNOWN) and token_id not in added}
    special |= special_tokens
    size = max([*pieces, *added, *special.values()], default=-1) + 1
    tokens = table_of(size)
    for token_id, piece in pieces.items():
        if token_id not in added and piece not in special:
            tokens[token_id] = (sentencepiece.spelled(*kinds[token_id], token_id) if kinds
                                else byte_level_bytes(piece, token_id))
    for token_id, content in added.items():
        tokens[token_id] = content.encode()
    for name, token_id in special.items():
        tokens[token_id] = name.encode()
    unused = set(range(size)) - set(pieces) - set(added)
    unused |= {token_id for token_id, (_, kind) in kinds.items() if kind == sentencepiece.UNUSED}
    declared = getattr(value, "eos_token_id", None)
    return TokenTable(tokens, special, frozenset(unused - set(special.values())),
                      (declared,) if isinstance(declared, int) else (),
                      encode=lambda text: list(value.encode(text, add_special_tokens=False)),
                      leading_space=processor is not None)


def _inner(value: Any) -> Any:
    """What a tokenizer stands on, where that says everything."""
    for attribute in ("tokenizer", "instruct_tokenizer", "tokenizer"):
        value = getattr(value, attribute, value)
    return value


def _pieces(value: Any) -> dict[int, str]:
    pieces = {}
    for token_id in range(len(value)):
        try:
            piece = value.convert_ids_to_tokens(token_id)
        except (IndexError, KeyError, ValueError):
            continue  # an id that no token has
        if isinstance(piece, str):
            pieces[token_id] = piece
    return pieces


def _read_mistral(tokenizer: Any, special_tokens: Mapping[str, int]) -> TokenTable:
    named = {tokenizer.id_to_piece(token_id): token_id for token_id in range(tokenizer.num_special_tokens)}
    table = read_path(Path(tokenizer.file_path), named | dict(special_tokens))
    return table._replace(eos_ids=(int(tokenizer.eos_id),),
                          encode=lambda text: list(tokenizer.encode(text, bos=False, eos=False)))
