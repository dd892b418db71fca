"""Tokenizer files: which of the known formats one is in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trellis.errors import VocabularyError
from trellis.masking import vocabulary_hf, vocabulary_sentencepiece, vocabulary_tekken, vocabulary_tiktoken
from trellis.masking.token_table import TokenTable


def read_path(path: Path, special_tokens: dict[str, int]) -> TokenTable:
    """The table of a tokenizer file of any known format.

    Raises:
        VocabularyError: the file cannot be read, or is none of them.
    """
    try:
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise VocabularyError(f"cannot read the tokenizer file {str(path)!r}: {reason}",
                              hint="give a path to the model's tokenizer.json, or a tokenizer that is loaded; names of "
                                   "models are not looked up") from error
    if vocabulary_sentencepiece.is_model(data):
        return vocabulary_sentencepiece.read(data, special_tokens)
    if not data.lstrip().startswith(b"{"):
        return vocabulary_tiktoken.read_ranks(data, special_tokens)
    try:
        return read_json(json.loads(data), special_tokens)
    except json.JSONDecodeError as error:
        raise VocabularyError(f"the tokenizer file is neither JSON nor a tiktoken file or SentencePiece model: {error}"
                              ) from error


def read_json(data: Mapping[str, Any], special_tokens: dict[str, int]) -> TokenTable:
    """The table of a tokenizer file in JSON that is already read.

    Raises:
        VocabularyError: it is no tokenizer.
    """
    if vocabulary_tekken.is_tekken(data):
        return vocabulary_tekken.read(data, special_tokens)
    return vocabulary_hf.read_file(data, special_tokens)
