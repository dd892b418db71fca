"""Byte-level BPE in plain Python, for small vocabularies.

Reads the tokenizers JSON that ``training/nano/bpe.py`` wrote: text is cut into words by one pattern, a word's UTF-8
bytes are merged by rank (Sennrich et al., 2016), and special tokens are never made from text.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import regex

from trellis.errors import VocabularyError


class Tokenizer:
    """Text to token ids.

    Args:
        data: the parsed tokenizers JSON.

    Raises:
        VocabularyError: the JSON is not a byte-level BPE split by one pattern.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        try:
            split = data["pre_tokenizer"]["pretokenizers"][0]
            self._pattern = regex.compile(split["pattern"]["Regex"])
            model = data["model"]
            merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]
            self._ids: dict[str, int] = dict(model["vocab"])
            self.special = {token["content"]: int(token["id"]) for token in data["added_tokens"] if token["special"]}
        except (KeyError, IndexError, TypeError, ValueError, regex.error) as error:
            raise VocabularyError(f"not the tokenizer of a nano model: {error!r}") from error
        self._ranks = {merge: rank for rank, merge in enumerate(merges)}
        self._letters = _byte_letters()
        self._cache: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> list[int]:
        """The ids of a text; what looks like a special token is spelled out like any other text."""
        ids: list[int] = []
        for match in self._pattern.finditer(text):
            ids.extend(self._word(match.group()))
        return ids

    def _word(self, word: str) -> tuple[int, ...]:
        known = self._cache.get(word)
        if known is not None:
            return known
        pieces = [self._letters[byte] for byte in word.encode()]
        while len(pieces) > 1:
            pairs = list(pairwise(pieces))
            best = min(pairs, key=lambda pair: self._ranks.get(pair, len(self._ranks)))
            if best not in self._ranks:
                break
            merged: list[str] = []
            i = 0
            while i < len(pieces):
                if i + 1 < len(pieces) and (pieces[i], pieces[i + 1]) == best:
                    merged.append(pieces[i] + pieces[i + 1])
                    i += 2
                else:
                    merged.append(pieces[i])
                    i += 1
            pieces = merged
        found = tuple(self._ids[piece] for piece in pieces)
        if len(self._cache) < 10_000 and len(word) < 40:
            self._cache[word] = found
        return found


def _byte_letters() -> list[str]:
    """The printable letter that byte-level vocabularies (GPT-2's convention) write for each byte."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {byte: chr(byte) for byte in printable}
    rest = (byte for byte in range(256) if byte not in letters)
    letters.update({byte: chr(0x100 + i) for i, byte in enumerate(rest)})
    return [letters[byte] for byte in range(256)]
