"""tiktoken: files of base64 and rank lines (Llama 3, Qwen, OpenAI), and ``tiktoken.Encoding`` objects."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from trellis.errors import VocabularyError
from trellis.masking.token_table import TokenTable, table_of
from trellis.masking.vocabulary_known import special_tokens_of


def read_ranks(data: bytes, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a tiktoken file's contents. Such files hold no special tokens: where the file is not a published
    one, these must be given.

    Raises:
        VocabularyError: a line that is not "base64 rank", a rank given twice, no special tokens.
    """
    ranks: dict[int, bytes] = {}
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            token_id = int(rank)
            ranks_token = base64.b64decode(token, validate=True)
        except (ValueError, binascii.Error):
            raise VocabularyError(f"line {number} of the file is not a base64 token and its rank",
                                  hint="expected a tiktoken file, a tokenizer.json, a tekken JSON file or a "
                                       "SentencePiece model") from None
        if token_id in ranks or token_id < 0:
            raise VocabularyError(f"line {number} gives token {token_id} a second time", token_id=token_id)
        ranks[token_id] = ranks_token
    special_tokens = special_tokens or special_tokens_of(data)
    if not special_tokens:
        raise VocabularyError("a tiktoken file holds no special tokens, so nothing can end an output",
                              hint='give them: from_tokenizer(path, special_tokens={"<|eot_id|>": 128009, ...})')
    return _table(ranks, special_tokens)


def is_encoding(value: Any) -> bool:
    """Whether the value is a ``tiktoken.Encoding`` (by what it can do)."""
    return hasattr(value, "decode_single_token_bytes") and hasattr(value, "n_vocab")


def read_encoding(encoding: Any, special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of an encoding, with its encoder for the round trip."""
    special = {name: int(encoding.encode_single_token(name)) for name in encoding.special_tokens_set}
    special |= special_tokens
    ids = set(special.values())
    ranks: dict[int, bytes] = {}
    for token_id in range(encoding.n_vocab):
        if token_id not in ids:
            try:
                ranks[token_id] = encoding.decode_single_token_bytes(token_id)
            except KeyError:
                continue
    return _table(ranks, special)._replace(encode=lambda text: list(encoding.encode(text, disallowed_special=())))


def _table(ranks: Mapping[int, bytes], special: Mapping[str, int]) -> TokenTable:
    size = max([*ranks, *special.values()], default=-1) + 1
    tokens = table_of(size)
    for token_id, token in ranks.items():
        tokens[token_id] = token
    for name, token_id in special.items():
        if token_id in ranks:
            raise VocabularyError(f"the special token {name!r} has the id of an ordinary token", token_id=token_id)
        tokens[token_id] = name.encode()
    unused = frozenset(set(range(size)) - set(ranks) - set(special.values()))
    return TokenTable(tokens, dict(special), unused)
