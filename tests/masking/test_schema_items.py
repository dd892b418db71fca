"""No item comes twice where items differ: masks, accept and the slow twin agree, and there always is a way on."""

from __future__ import annotations

import importlib.util
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from register_walks import OPTIONS, Walker

from trellis.errors import SchemaError, UnsupportedError
from trellis.masking.grammar import Grammar

pytestmark = pytest.mark.skipif(importlib.util.find_spec("trellis_kernel") is None,
                                reason="the kernel is not installed")

PIECES = ['","', '"]', '["', '",', ',"', "a", '"a"', '"a",', 'a"', ',"a"', '["a","a"]', '["a","b"]', "1,1", "1,2",
          "[1,", ",1", ", 1", "1]", "10", "1.0", "1e0", "[[", "]]", "],[", ",[1", "[1]", '{"a":', "},{", '{"a":1}',
          ',{"a":1}',
          '{"a":1},{"a":1}', '"b":', '1,"b":', "true", ",true", "null,", "\\u0061", "\\", ", ", "]", "0", "-0"]
WALKER = Walker(PIECES, b'",:ab{}[]01')
VOCABULARY = WALKER.vocabulary
DIGIT = {"type": "integer", "minimum": 0, "maximum": 3}
PAIR = {"type": "object", "properties": {"a": DIGIT, "b": {"type": "boolean"}}, "required": ["a"],
        "additionalProperties": False}


def unique(items: Any = True, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, "uniqueItems": True, **more}


SCHEMAS: dict[str, dict[str, Any]] = {
    "anything": unique(),
    "strings": unique({"type": "string"}),
    "short strings": unique({"type": "string", "maxLength": 1}),
    "strings with few ends": unique({"type": "string", "pattern": "^a?[ab]{1,2}$"}),
    "integers": unique({"type": "integer"}),
    "numbers": unique({"type": "number"}),
    "few integers": unique({"type": "integer", "minimum": 0, "maximum": 13}),
    "all of few integers": unique({"type": "integer", "minimum": -3, "maximum": 10}, minItems=14),
    "numbers up to one": unique({"type": "number", "minimum": 0, "maximum": 1}),
    "many words": unique({"enum": [f"{one}{two}" for one in "aab" for two in ("", "a", "b", "ab", "ba", "aa")]}),
    "objects": unique({"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}),
    "few objects": unique(PAIR),
    "three of few objects": unique(PAIR, minItems=3, maxItems=4),
    "one of two arrays": {"anyOf": [unique({"type": "integer"}), {"type": "array", "items": {"enum": [1, 2, "a"]}}]},
    "unique beside not": {"anyOf": [
        {"type": "object", "properties": {"a": unique(DIGIT)}, "required": ["a"]},
        {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"const": 1}},
         "required": ["a", "b"]}]},
    "arrays within arrays": unique(unique({"type": ["integer", "array"]})),
    "pairs": unique({"type": "array", "prefixItems": [{"enum": [1, 10]}, {"type": "boolean"}], "minItems": 2,
                     "items": False}),
    "tags in objects": unique({"type": "object", "properties": {"a": unique({"type": "string"})},
                               "required": ["a"], "additionalProperties": False}),
    "a tree": {"$ref": "#/$defs/tree", "$defs": {"tree": {
        "type": "object", "properties": {"a": unique({"$ref": "#/$defs/tree"})}, "additionalProperties": False}}},
    "positions": unique({"type": "integer"}, prefixItems=[{"enum": [1, 2]}, {"type": "integer"}], minItems=2),
    "one kind": unique({"type": "integer"}, contains={"const": 1}),
    "two arrays of few arrays": unique(contains=unique(unique({"enum": [True, {"a": 1}, None]}, minItems=2)),
                                       minContains=2),
    "four of any objects": unique({"type": "object", "properties": {"a": unique(), "b": {"const": 1}}}, minItems=4),
    "few of a kind": unique({"type": ["integer", "string"]}, contains={"type": "string"}, minContains=2, maxContains=3),
}
CASES = [pytest.param(schema, options, id=f"{name}-{i}")
         for name, schema in SCHEMAS.items() for i, options in enumerate(OPTIONS)]


@pytest.mark.parametrize(("schema", "options"), CASES)
def test_walks_under_the_mask_say_no_item_twice_and_end(schema: dict[str, Any], options: dict[str, Any]) -> None:
    WALKER.walk(schema, options, [None, 12, 40])


@pytest.mark.parametrize(("schema", "options"), CASES[::3])
def test_the_slow_twin_says_the_same(schema: dict[str, Any], options: dict[str, Any]) -> None:
    WALKER.compare(schema, options)


words = st.text("ab\"\\é", max_size=2)
fractions = st.sampled_from([0.5, 1.5, -0.25, 1e-7, 1e30])
scalars = st.one_of(st.integers(-1, 12), st.booleans(), st.none(), words, fractions)
items = st.one_of(scalars, st.lists(scalars, max_size=2), st.dictionaries(st.sampled_from("ab"), scalars, max_size=2))


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.lists(items, max_size=5), st.sampled_from(["anything", "objects", "arrays within arrays", "integers",
                                                     "strings"]), st.randoms(use_true_random=False))
def test_a_valid_array_is_allowed_token_by_token_and_no_other_one(value: list[Any], name: str,
                                                                  draw: random.Random) -> None:
    schema, text = SCHEMAS[name], json.dumps(value, ensure_ascii=False).encode()
    grammar = Grammar.from_json_schema(schema, property_order="any")
    valid = Draft202012Validator(schema).is_valid(value)
    assert grammar.accepts(text) == grammar.accepts(text, engine="reference") == valid
    if not valid:
        return
    WALKER.read(grammar.compile(VOCABULARY).matcher(), text, draw)
    if value:  # any of the items again, its properties the other way round
        again = draw.choice(value)
        again = dict(reversed(again.items())) if isinstance(again, dict) else again
        assert not grammar.accepts(json.dumps([*value, again], ensure_ascii=False))


def test_items_are_forgotten_by_rollback_and_kept_by_forks() -> None:
    matcher = Grammar.from_json_schema(SCHEMAS["strings"]).compile(VOCABULARY).matcher()
    assert matcher.accept_bytes(b'["a","b') == 7
    fork = matcher.fork()
    assert fork.accept_bytes(b'","a"') == 4
    matcher.rollback(1)
    assert matcher.accept_bytes(b'["b","a"') == 8


@pytest.mark.parametrize(("schema", "error"), [
    (unique({"type": "integer", "minimum": 0, "maximum": 12}, minItems=14), SchemaError),
    (unique({"type": "string", "pattern": "^[a-z]$"}, minItems=27), SchemaError),
    (unique({"type": "string"}, contains={"const": "a"}, minContains=2), SchemaError),
    (unique(PAIR, minItems=13), UnsupportedError),
    ({"not": unique()}, UnsupportedError),
])
def test_too_few_values_are_seen_ahead(schema: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        Grammar.from_json_schema(schema)


def test_long_arrays_of_items_are_no_burden() -> None:
    matcher = Grammar.from_json_schema(SCHEMAS["objects"]).compile(VOCABULARY).matcher()
    text = b"[" + b",".join(b'{"a":%d,"b":"x"}' % i for i in range(20_000))
    assert matcher.accept_bytes(text) == len(text)
    assert matcher.accept_bytes(b',{"a":4711,"b":"x"}') == 18
