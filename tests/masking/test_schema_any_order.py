"""Properties in any order: every order of a valid object is allowed, also where clauses or other names ask for some."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from trellis.masking.grammar import Grammar

NAMES = ["a", "b", "ab", "abc", "x", "y", "z", "aa", "bb", "bc", "c"]
BIT, ZERO, ONE = {"enum": [0, 1]}, {"const": 0}, {"const": 1}
BITS: dict[str, Any] = {"type": "object", "properties": dict.fromkeys(NAMES, BIT), "additionalProperties": False}
SCHEMAS: dict[str, dict[str, Any]] = {
    "not all zero": {**BITS, "not": {"properties": dict.fromkeys(NAMES[:7], ZERO)}},
    "not all there and zero": {**BITS, "not": {"properties": dict.fromkeys(NAMES[:7], ZERO),
                                              "required": NAMES[2:9]}},
    "required names and a clause": {**BITS, "required": NAMES[:8],
                                    "not": {"properties": dict.fromkeys(NAMES[4:], ZERO)}},
    "two clauses": {**BITS, "allOf": [{"not": {"properties": dict.fromkeys(NAMES[:5], ZERO)}},
                                      {"not": {"properties": dict.fromkeys(NAMES[3:8], ONE)}}]},
    "a clause that other names can satisfy": {
        "type": "object", "properties": dict.fromkeys(NAMES[:8], BIT), "additionalProperties": {"enum": [0, 2]},
        "not": {"properties": dict.fromkeys(NAMES[:8], ZERO), "additionalProperties": {"const": 2}}},
    "names that ask for others": {**BITS, "required": ["a"], "dependentRequired": {
        "b": ["ab", "abc"], "x": ["b"], "z": ["aa"], "aa": ["z"], "bb": ["no"]}},
    "at most four, with a clause": {**BITS, "maxProperties": 4, "minProperties": 2,
                                    "not": {"properties": dict.fromkeys(NAMES, ZERO)}},
    "names that exclude each other": {**BITS, "oneOf": [{"required": ["a"]}, {"required": ["b"]}, {"required": ["c"]}]},
    "few names that are not declared": {
        "type": "object", "properties": {"a": BIT}, "patternProperties": {"^[xy]$": BIT}, "minProperties": 2,
        "additionalProperties": False, "not": {"patternProperties": {"": {"const": 0}}}},
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_any_order_is_allowed_and_what_is_invalid_in_none(name: str) -> None:
    schema, draw = SCHEMAS[name], random.Random(name)
    grammar, validator = Grammar.from_json_schema(schema, property_order="any"), Draft202012Validator(schema)
    assert grammar.in_order == ()
    outcomes = []
    for _ in range(250):
        few = draw.sample(["a", "x", "y"], draw.randint(0, 3))
        names = draw.choice([few, draw.sample(NAMES, draw.choice([0, 1, 2, 3, 4, 7, 9, 10, 11]))])
        names += draw.choice([[], [], [name for name in schema.get("required", ()) if name not in names], ["w"]])
        draw.shuffle(names)
        odds, wrong = draw.random(), draw.choice([0, 0, 0, 0.1])
        value = {name: 2 if draw.random() < wrong else int(draw.random() < odds) for name in names}
        outcomes.append(validator.is_valid(value))
        assert grammar.accepts(json.dumps(value)) is outcomes[-1], value
    assert outcomes.count(True) > 3


def test_objects_that_keep_the_schemas_order_are_listed() -> None:
    subsets = [[name for i, name in enumerate(NAMES) if (i + 1) >> bit & 1] for bit in range(4)]
    inner = {**BITS, "allOf": [{"not": {"properties": dict.fromkeys(names, ZERO)}} for names in subsets]}
    schema = {"properties": {"inner": inner}}
    grammar = Grammar.from_json_schema(schema, property_order="any")
    assert grammar.in_order == ("/properties/inner",)
    assert Grammar.from_json_schema(schema).in_order == ()
    value = {"inner": dict.fromkeys(NAMES, 1)}
    assert grammar.accepts(json.dumps(value))
