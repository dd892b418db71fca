"""No name comes twice in an object: masks, accept and the slow twin agree, and there always is a way on."""

from __future__ import annotations

import importlib.util
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from register_walks import OPTIONS, Walker

from trellis.masking.grammar import Grammar

pytestmark = pytest.mark.skipif(importlib.util.find_spec("trellis_kernel") is None,
                                reason="the kernel is not installed")

PIECES = ['":', '","', '"a":', '"b":1', ',"a":', ', "b', '{"', "}}", '"}', '"},', "ab", '"a', 'a"', 'b":1,"a":',
          '{"a":1,"a":2}', '{"a":1,"b":2}', ',"ab', '},"a":', '":0,"', '\\"', "1,", ',"', 'x"', '{"a":{"a":1},"',
          ',"a":1}', ", ", '",', "0", "false,"]
WALKER = Walker(PIECES, b'",:abx{}01')
VOCABULARY = WALKER.vocabulary
NINE = ["a", "b", "ab", "abc", "x", "y", "z", "aa", "bb"]
DIGIT = {"type": "integer", "minimum": 0, "maximum": 3}
ONE = {"const": 1}
SCHEMAS: dict[str, dict[str, Any]] = {
    "any names": {"type": "object", "additionalProperties": DIGIT},
    "names within names": {"additionalProperties": {"type": ["object", "boolean"]}},
    "at least two": {"type": "object", "minProperties": 2, "additionalProperties": DIGIT},
    "three or four": {"type": "object", "properties": {"a": {"type": "boolean"}}, "minProperties": 3,
                      "maxProperties": 4},
    "two names": {"type": "object", "patternProperties": {"^[ab]$": DIGIT}, "additionalProperties": False},
    "few names within few": {"type": "object", "additionalProperties": False, "patternProperties": {
        "^[ab]{1,2}$": {"type": "object", "patternProperties": {"^a?$": {"const": 1}}, "additionalProperties": False}}},
    "declared names": {"type": "object", "properties": dict.fromkeys(["a", "b", "ab", "abc", "x", "y", "z"], DIGIT),
                       "additionalProperties": False},
    "declared names and others like one": {
        "type": "object", "properties": dict.fromkeys(["a", "b", "ab", "abc", "x", "y", "z"], DIGIT),
        "required": ["a", "b"], "patternProperties": {"^aa*$": {"const": 1}}, "additionalProperties": False},
    "declared names and any others": {
        "type": "object", "properties": dict.fromkeys(["a", "b", "ab", "abc", "x", "y", "z"], DIGIT),
        "required": ["a"]},
    "many required names": {
        "type": "object", "properties": dict.fromkeys(NINE, DIGIT),
        "required": NINE[:-1], "additionalProperties": False},
    "many required names and a few more": {
        "type": "object", "properties": dict.fromkeys(NINE[:-2], DIGIT), "maxProperties": 9,
        "required": NINE[:-1]},
    "short names": {"type": "object", "propertyNames": {"maxLength": 1, "pattern": "^[abx]"},
                    "additionalProperties": {"enum": [0, "a", {}]}},
    "a clause over many names": {
        "type": "object", "properties": dict.fromkeys(NINE, DIGIT), "required": ["a"], "additionalProperties": False,
        "not": {"properties": dict.fromkeys(NINE[2:], ONE)}},
    "names that ask for others": {
        "type": "object", "properties": dict.fromkeys(NINE, DIGIT), "additionalProperties": False, "minProperties": 2,
        "dependentRequired": {"a": ["b"], "b": ["ab"], "x": ["y"], "y": ["x"]}},
    "a few names, of which two are there": {"type": "object", "patternProperties": {"^(a|ab|b)$": DIGIT},
                                            "additionalProperties": False, "minProperties": 2},
    "a name with an end, and some without": {"type": "object", "propertyNames": {"pattern": "^(ab|x.*)$"}},
}
CASES = [pytest.param(schema, options, id=f"{name}-{i}")
         for name, schema in SCHEMAS.items() for i, options in enumerate(OPTIONS)]


def names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    assert len(set(names)) == len(names), f"twice: {names}"
    return dict(pairs)


@pytest.mark.parametrize(("schema", "options"), CASES)
def test_walks_under_the_mask_say_no_name_twice_and_end(schema: dict[str, Any], options: dict[str, Any]) -> None:
    WALKER.walk(schema, options, [None, 15, 40], lambda text: json.loads(text, object_pairs_hook=names_once))


@pytest.mark.parametrize(("schema", "options"), CASES[::3])
def test_the_slow_twin_says_the_same(schema: dict[str, Any], options: dict[str, Any]) -> None:
    WALKER.compare(schema, options)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.dictionaries(st.text("ab\"\\é", max_size=3), st.one_of(st.integers(0, 3), st.just({})), max_size=4),
       st.randoms(use_true_random=False))
def test_every_prefix_of_a_valid_text_is_allowed_and_a_repeated_name_is_not(value: dict[str, Any],
                                                                           draw: random.Random) -> None:
    grammar = Grammar.from_json_schema({"additionalProperties": {"type": ["integer", "object"]}, "type": "object"})
    text = json.dumps(value, ensure_ascii=False).encode()
    WALKER.read(grammar.compile(VOCABULARY).matcher(), text, draw)
    if value:
        matcher = grammar.compile(VOCABULARY).matcher()
        name = json.dumps(draw.choice(sorted(value)), ensure_ascii=False).encode()
        again = text[:-1] + b", " + name
        assert matcher.accept_bytes(again) == len(again) - 1


def test_names_are_forgotten_by_rollback_and_kept_by_forks() -> None:
    matcher = Grammar.from_json_schema(SCHEMAS["any names"]).compile(VOCABULARY).matcher()
    assert matcher.accept_bytes(b'{"a":1,"b":2,') == 13
    fork = matcher.fork()
    assert fork.accept_bytes(b'"c":1,"c"') == 8
    assert matcher.accept_bytes(b'"c":1,"a"') == 8
    matcher.rollback(2)
    assert matcher.accept_bytes(b'{"b":2,"a":1}') == 13


def test_many_names_and_deep_texts() -> None:
    grammar = Grammar.from_json_schema({"type": "object"})
    matcher = grammar.compile(VOCABULARY).matcher()
    many = ",".join(f'"{i}":0' for i in range(3000)).encode()
    assert matcher.accept_bytes(b"{" + many) == len(many) + 1
    assert matcher.accept_bytes(b',"2999"') == 6
    deep = b'{"a":' * 5000
    assert grammar.compile(VOCABULARY).matcher().accept_bytes(deep + b"1" + b"}" * 5000) == 6 * 5000 + 1


def test_many_required_names_come_in_any_order_and_all_of_them() -> None:
    names = [f"name{i}" for i in range(60)]
    schema = {"type": "object", "properties": dict.fromkeys([*names, "more"], DIGIT), "required": names,
              "additionalProperties": False}
    compiled = Grammar.from_json_schema(schema, property_order="any").compile(VOCABULARY)
    random.Random(0).shuffle(names)
    text = json.dumps(dict.fromkeys([*names, "more"], 1)).encode()
    matcher = compiled.matcher()
    assert matcher.accept_bytes(text) == len(text)
    missing = json.dumps(dict.fromkeys(names[:-1], 1)).encode()
    matcher = compiled.matcher()
    assert matcher.accept_bytes(missing) == len(missing) - 1
    assert set(json.loads(missing[:-1] + matcher.witness())) == set(names)
    assert compiled.matcher(compiled.min_tokens()).witness().startswith(b'{"name')
