"""Patterns that assert something in their midst, against CPython's ``re``."""

from __future__ import annotations

import json
import random
import re

import pytest

from trellis.errors import UnsupportedError
from trellis.masking.grammar import Grammar
from trellis.schema.pattern_reader import parse


def pattern(draw: random.Random, depth: int) -> str:
    """A random pattern that both languages write alike."""
    def inner() -> str:
        return pattern(draw, depth - 1)

    kind = draw.random() if depth else 0
    if kind < 0.3:
        return draw.choice(["a", "b", "1", " ", ".", r"\w", "[ab]", "[^a]", r"\d"])
    if kind < 0.5:
        return inner() + inner()
    if kind < 0.6:
        return f"(?:{inner()}|{inner()})"
    if kind < 0.72:
        return f"(?:{inner()}){draw.choice(['*', '+', '?', '{2}', '{1,2}'])}"
    if kind < 0.82:
        return f"(?{draw.choice('=!')}{inner()})" + draw.choice(["", inner()])
    if kind < 0.88:
        behind = draw.choice(["a", "[ab]", r"\w", "ab", r"\b", "^", "(?<!a)b"])
        return draw.choice(["", inner()]) + f"(?<{draw.choice('=!')}{behind})"
    if kind < 0.94:
        return inner() + draw.choice([r"\b", r"\B"]) + inner()
    return draw.choice(["^" + inner(), inner() + "$", "^" + inner() + "$"])


@pytest.mark.parametrize("seed", range(8))
def test_python_finds_the_same(seed: int) -> None:
    draw = random.Random(seed)
    known = 0
    for _ in range(150):
        source = pattern(draw, 4)
        try:
            read = parse(source)
        except UnsupportedError:  # what has no length is repeated
            continue
        known += read.automaton is not None
        python = re.compile(source.replace("$", r"\Z"), re.ASCII)
        low, high = read.lengths()
        for _ in range(30):
            text = "".join(draw.choices("ab1 ", k=draw.randint(0, 6)))
            found = python.search(text) is not None
            assert read.matches(text) == found, (source, text)
            assert not found or low <= len(text) <= (len(text) if high is None else high), (source, text)
    assert known > 50


@pytest.mark.parametrize(("source", "good", "bad"), [
    (r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$", ["abcdefG1", "1Aa00000"], ["abcdefgh", "Abcdef1", "ABCDEFG1"]),
    (r"^(?!.*--)[a-z][a-z0-9-]*[a-z0-9]$", ["a-b-c", "ab"], ["a--b", "a-", "-a"]),
    (r"^(?!000|666)[0-8]\d{2}-(?!00)\d{2}-(?!0000)\d{4}$", ["123-45-6789"],
     ["000-45-6789", "123-00-6789", "123-45-0000"]),
    (r"^((?!(c|C)(l|L)(y|Y)(d|D)(e|E)).)*$", ["bonnie", ""], ["clyde", "bonnie and Clyde"]),
    (r"\bfoo\b", ["foo", "a foo!", "foo-bar"], ["food", "_foo"]),
    (r"(?<!\\)\$\{", ["${", "a${b}"], [r"\${", "$"]),
    (r"^(\/?((\.{2})|([a-z0-9\-]*))($|\/))*$", ["../a", "", "/a/b/"], ["a//B", "A"]),
    (r"^(?=.{1,5}$)[a-z]+(-[a-z]+)*$", ["a-b", "abcde"], ["abcdef", "a-", ""]),
])
def test_masks_allow_what_has_such_a_pattern(source: str, good: list[str], bad: list[str]) -> None:
    for schema, keep in (({"type": "string", "pattern": source}, True),
                         ({"type": "string", "not": {"pattern": source}}, False),
                         ({"type": "string", "pattern": source, "minLength": 0, "maxLength": 20}, True)):
        grammar = Grammar.from_json_schema(schema)
        assert all(grammar.accepts(json.dumps(text)) is keep for text in good), schema
        assert all(grammar.accepts(json.dumps(text)) is not keep for text in bad), schema
    names = Grammar.from_json_schema({
        "type": "object", "properties": {good[0]: {"type": "integer"}}, "patternProperties": {source: {"const": 1}},
        "additionalProperties": {"const": 0}})
    for text in good:
        assert names.accepts(json.dumps({text: 1}))
        assert not names.accepts(json.dumps({text: 0}))
    for text in bad:
        assert names.accepts(json.dumps({text: 0}))
        assert not names.accepts(json.dumps({text: 1}))


@pytest.mark.parametrize("source", [r"(?=a)*", r"\b+", r"(?<=a(?=b))", r"(?=a", r"(?=" * 101 + ")" * 101,
                                    r"^(?=" + "|".join(f"(a|b){{{n}}}a(a|b){{{n}}}$" for n in range(60)) + r")"])
def test_what_is_too_much_is_refused(source: str) -> None:
    with pytest.raises(UnsupportedError):
        parse(source)
