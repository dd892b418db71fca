"""Mistral's tekken JSON: base64 tokens by rank, behind a block of special ids."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from trellis.errors import VocabularyError
from trellis.masking.token_table import TokenTable, table_of

#: Names of the first special ids, for files that do not list them (tekken before version 7).
_FIRST_SPECIAL = ("<unk>", "<s>", "</s>")


def is_tekken(data: Mapping[str, Any]) -> bool:
    """Whether parsed JSON is a tekken file."""
    return "config" in data and isinstance(data.get("vocab"), list)


def read(data: Mapping[str, Any], special_tokens: Mapping[str, int]) -> TokenTable:
    """The table of a parsed tekken file: special ids first, then tokens by rank, as many as the configuration says.

    Raises:
        VocabularyError: the file does not hold what its configuration says.
    """
    try:
        size = int(data["config"]["default_vocab_size"])
        reserved = int(data["config"]["default_num_special_tokens"])
        listed = {str(entry["token_str"]): int(entry["rank"]) for entry in data.get("special_tokens") or ()}
        ordinary = {int(entry["rank"]): base64.b64decode(entry["token_bytes"])
                    for entry in data["vocab"][: size - reserved]}
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise VocabularyError(f"the tekken file is malformed: {error!r}") from error
    if not 0 <= reserved <= size or sorted(ordinary) != list(range(len(ordinary))) or len(ordinary) != size - reserved:
        raise VocabularyError(f"the tekken file lists {len(ordinary)} tokens, its configuration says {size - reserved}")
    special = (listed or {name: i for i, name in enumerate(_FIRST_SPECIAL)}) | dict(special_tokens)
    tokens = table_of(reserved) + [ordinary[rank] for rank in range(size - reserved)]
    for name, token_id in special.items():
        if not 0 <= token_id < size:
            raise VocabularyError(f"the special token {name!r} has the id {token_id}, beyond {size} tokens",
                                  token_id=token_id)
        tokens[token_id] = name.encode()
    unused = frozenset(range(reserved)) - frozenset(special.values())
    return TokenTable(tokens, special, unused)
