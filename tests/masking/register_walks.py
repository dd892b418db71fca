"""Walks under the masks of JSON Schema programs with a register beside them, and how the slow twin is compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from jsonschema import Draft202012Validator

from trellis.masking.bitmask import allocate_bitmask, allowed_tokens
from trellis.masking.compiled import Matcher
from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary

OPTIONS: list[dict[str, Any]] = [{}, {"property_order": "any"}, {"whitespace": "indented"},
                                 {"property_order": "any", "whitespace": "flexible"}]


class Walker:
    """A vocabulary of some pieces and all bytes; ``marks`` are the bytes that walks take most of the others."""

    def __init__(self, pieces: list[str], marks: bytes) -> None:
        self.pieces, self.marks = pieces, marks
        self.end = len(pieces) + 256
        tokens = [*(piece.encode() for piece in pieces), *(bytes([byte]) for byte in range(256)), b""]
        self.vocabulary = Vocabulary(tokens, special_ids=[], eos_ids=[self.end])

    def masked(self, matcher: Matcher) -> set[int]:
        row = allocate_bitmask(1, self.vocabulary.size)
        matcher.fill_bitmask(row)
        return set(allowed_tokens(row[0]).tolist())

    def likely(self, tokens: set[int], draw: random.Random) -> int:
        pieces = sorted(token for token in tokens if token < len(self.pieces))
        if pieces and draw.random() < 0.7:
            return draw.choice(pieces)
        marks = sorted(tokens & {len(self.pieces) + byte for byte in self.marks})
        return draw.choice(marks or sorted(tokens))

    def walk(self, schema: dict[str, Any], options: dict[str, Any], budgets: list[int | None],
             loads: Callable[[bytes], Any] = json.loads) -> None:
        """Masks are what forks accept, and what comes of them is valid, with a budget too."""
        compiled = Grammar.from_json_schema(schema, **options).compile(self.vocabulary)
        draw = random.Random(str(schema))
        for budget in budgets:
            matcher = compiled.matcher(budget and max(budget, compiled.min_tokens()))
            text = b""
            while not matcher.finished and len(text) < 60:
                tokens = self.masked(matcher)
                assert tokens == {token for token in range(self.vocabulary.size) if matcher.fork().accept(token)}, text
                token = self.likely(tokens, draw)
                assert matcher.accept(token)
                text += self.vocabulary.tokens[token]
            if not matcher.finished:
                ending = matcher.witness()
                assert budget or matcher.accept_bytes(ending) == len(ending), (text, ending)
                text += ending
            Draft202012Validator(schema).validate(loads(text))

    def compare(self, schema: dict[str, Any], options: dict[str, Any]) -> None:
        """The slow twin has the same masks."""
        grammar = Grammar.from_json_schema(schema, **options)
        draw = random.Random(str(schema))
        matcher = grammar.compile(self.vocabulary).matcher()
        twin = grammar.compile(self.vocabulary, engine="reference").matcher()
        text = b""
        for _ in range(8):
            tokens = self.masked(matcher)
            assert tokens == self.masked(twin), text
            token = self.likely(tokens, draw)
            assert matcher.accept(token)
            assert twin.accept(token)
            text += self.vocabulary.tokens[token]

    def read(self, matcher: Matcher, text: bytes, draw: random.Random) -> None:
        """Reads a text in tokens of any length, all of which are allowed; it may end there."""
        at = 0
        while at < len(text):
            tokens = [token for token in self.masked(matcher)
                      if token != self.end and text.startswith(self.vocabulary.tokens[token], at)]
            assert len(self.pieces) + text[at] in tokens, text[:at]
            token = draw.choice(sorted(tokens))
            assert matcher.accept(token)
            at += len(self.vocabulary.tokens[token])
        assert matcher.can_end
