"""Alternatives that overlap in many ways: objects of which exactly one, none, or some schemas have to hold."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from trellis.errors import LimitError, SchemaError, UnsupportedError
from trellis.masking.grammar import Grammar

jsonschema = pytest.importorskip("jsonschema")

NAMES = ["a", "b", "c"]
members = st.sampled_from([True, {"type": "integer"}, {"type": "string"}, {"enum": ["x"]}, {"enum": ["x", "y"]},
                           {"const": 1}, {"type": ["integer", "string"]}, False,
                           {"type": "array", "items": {"const": 1}}, {"type": "array", "items": {"type": "integer"}}])
values = st.sampled_from(["x", "y", 1, 2, None, [], [1], [2]])


@st.composite
def objects(draw: Any) -> dict[str, Any]:
    schema: dict[str, Any] = {"properties": draw(st.dictionaries(st.sampled_from(NAMES), members, max_size=3))}
    if draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from(NAMES), max_size=2, unique=True))
    if draw(st.integers(0, 2)) == 0:
        schema["additionalProperties"] = draw(members)
    if draw(st.integers(0, 4)) == 0:
        schema["patternProperties"] = {draw(st.sampled_from(["^[bc]", "^d"])): draw(members)}
    return schema


@st.composite
def alternatives(draw: Any) -> dict[str, Any]:
    """Schemas of the kinds that multiply where alternatives are taken apart."""
    some = draw(st.lists(objects(), min_size=2, max_size=7))
    kind = draw(st.sampled_from(["oneOf", "not anyOf", "not oneOf", "if"]))
    base = {"type": "object", **draw(objects())} if draw(st.booleans()) else {"type": "object"}
    if kind == "oneOf":
        return {**base, "oneOf": some}
    if kind.startswith("not"):
        return {**base, "not": {kind[4:]: some}}
    return {**base, "allOf": [{"if": one, "then": {"properties": {"c": draw(members)}}} for one in some]}


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(schema=alternatives(), instances=st.lists(st.dictionaries(st.sampled_from([*NAMES, "d"]), values, max_size=3),
                                                 min_size=6, max_size=6))
def test_what_is_accepted_is_valid_and_what_is_valid_has_a_spelling(schema: Any, instances: list[Any]) -> None:
    try:
        grammar = Grammar.from_json_schema(schema)
    except (SchemaError, UnsupportedError):
        assume(False)
    judge = jsonschema.Draft202012Validator(schema)
    for instance in instances:
        spellings = [json.dumps(dict(order)) for order in permutations(instance.items())]
        assert any(map(grammar.accepts, spellings)) == judge.is_valid(instance), (schema, instance)


def chain(count: int) -> dict[str, Any]:
    """What else has to hold hangs on a name that is among many."""
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": [f"k{i}" for i in range(count)]}},
            "allOf": [{"if": {"properties": {"kind": {"const": f"k{i}"}}},
                       "then": {"properties": {f"p{i}": {"type": "integer"}}, "required": [f"p{i}"]}}
                      for i in range(count)]}


def test_many_conditions_on_one_name_do_not_multiply() -> None:
    grammar = Grammar.from_json_schema(chain(40))
    assert grammar.accepts('{"kind":"k7","p7":1}')
    assert grammar.accepts('{"kind":"k7","p7":1,"p6":"x"}')
    assert not grammar.accepts('{"kind":"k7","p6":1}')
    assert not grammar.accepts('{"kind":"k7","p7":"x"}')


def test_many_alternatives_that_differ_in_optional_names_do_not_multiply() -> None:
    kinds = [{"properties": {"type": {"const": f"k{i}"}, "size": {"type": "integer"}, f"p{i}": {"type": "string"},
                             "tags": {"type": "array", "items": {"type": "string"}}},
              "required": ["size"], "additionalProperties": False} for i in range(12)]
    grammar = Grammar.from_json_schema({"oneOf": kinds})
    assert grammar.accepts('{"type":"k3","size":1,"tags":["a"]}')
    assert grammar.accepts('{"size":1,"p3":"a"}')
    assert not grammar.accepts('{"size":1}')  # all of them
    assert not grammar.accepts('{"type":"k3","size":1,"p4":"a"}')  # none


def test_the_clock_ends_what_takes_too_long() -> None:
    schema = {"oneOf": [{"properties": {f"p{i}": {"type": "integer"}}} for i in range(20)]}
    with pytest.raises(LimitError) as caught:
        Grammar.from_json_schema(schema, max_seconds=0.001)
    assert caught.value.limit == "seconds"
    assert Grammar.from_json_schema(schema, max_seconds=60).accepts('{"p1":"x"}') is False


def test_objects_that_are_given_whole_come_in_any_order() -> None:
    grammar = Grammar.from_json_schema({"enum": [{"a": 1, "b": {"c": 2, "d": [3]}}]}, property_order="any")
    assert grammar.accepts('{"b":{"d":[3],"c":2},"a":1}')
    assert not grammar.accepts('{"b":{"d":[3],"c":2}}')
    assert not grammar.accepts('{"b":{"d":[3],"c":2},"a":1,"a":1}')


def test_a_clock_that_ran_out_is_no_keyword_that_is_left_out() -> None:
    schema = {"type": "string", "pattern": "(a|b)*a(a|b){9}", "minLength": 3, "maxLength": 333}
    with pytest.raises(LimitError) as caught:
        Grammar.from_json_schema(schema, on_unsupported="relax", max_seconds=1e-9)
    assert caught.value.limit == "seconds"


def test_a_property_can_be_asked_for_where_there_is_a_last_name() -> None:
    letters = {"^[a-z]{1,9}$": {"type": ["integer", "string"]}}
    grammar = Grammar.from_json_schema({"type": "object", "patternProperties": letters, "additionalProperties": False,
                                        "not": {"additionalProperties": {"type": "string"}}})
    assert grammar.accepts('{"a":1,"b":"x"}')
    assert grammar.accepts('{"b":"x","a":1}')
    assert not grammar.accepts('{"a":"x","b":"x"}')
    assert not grammar.accepts("{}")
