"""What a reader of one tokenizer format hands over: the bytes of each token, and what the tokenizer says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from trellis.errors import VocabularyError

MAX_IDS = 20_000_000


class TokenTable(NamedTuple):
    """What a reader of one tokenizer format found.

    ``tokens[i]`` are the bytes of token ``i``; for a special token, its name. ``special`` maps names to ids. ``unused``
    are ids that no token has. ``eos_ids`` are those the tokenizer itself declares, possibly none. ``encode`` turns
    text into ids without adding special tokens, ``decode`` ids into text; None where only a file was given and nothing
    on this machine runs it. ``leading_space``: encoding puts a blank before a text that has none.
    """

    tokens: list[bytes]
    special: dict[str, int]
    unused: frozenset[int] = frozenset()
    eos_ids: tuple[int, ...] = ()
    encode: Callable[[str], Sequence[int]] | None = None
    decode: Callable[[Sequence[int]], str] | None = None
    leading_space: bool = False


def table_of(size: int) -> list[bytes]:
    """Room for so many tokens; an absurd id in a damaged file is an error before it costs the memory."""
    if size > MAX_IDS:
        raise VocabularyError(f"token id {size - 1} is larger than in any tokenizer", token_id=size - 1)
    return [b""] * size
