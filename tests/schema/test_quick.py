"""The quick yes is never wrong: jsonschema is the oracle."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trellis.repair.validator import validator_of
from trellis.schema.quick import quick_yes

NAMES = st.sampled_from(["a", "b", "c"])
SCALARS = st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, -1, "", "a", "ab", float("inf"), Decimal(1)])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
                      max_leaves=4)
SIZES = st.integers(0, 2)
KINDS = ["string", "integer", "number", "boolean", "null", "object", "array"]


def schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=2)
    return st.fixed_dictionaries({}, optional={
        "type": st.sampled_from(KINDS) | st.lists(st.sampled_from(KINDS), min_size=1, max_size=3, unique=True),
        "enum": st.lists(SCALARS.filter(lambda one: one not in (float("inf"),) and not isinstance(one, Decimal)),
                         min_size=1, max_size=3),
        "const": st.sampled_from([1, True, "a", None, [1]]),
        "properties": st.dictionaries(NAMES, inner, max_size=2),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": inner,
        "patternProperties": st.dictionaries(NAMES, inner, max_size=1),
        "items": inner, "prefixItems": lists, "anyOf": lists, "allOf": lists, "oneOf": lists, "not": inner,
        "$ref": st.sampled_from(["#/$defs/x", "#/$defs/y", "#/$defs/none", "#"]),
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
                         "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), SIZES),
        "format": st.just("date"), "title": st.just("T"), "pattern": st.just("^a"),
    })


SCHEMAS = st.recursive(st.booleans() | st.sampled_from(KINDS).map(lambda kind: {"type": kind}), schemas, max_leaves=4)


@given(schemas(SCHEMAS), SCHEMAS, VALUES)
def test_a_yes_is_never_wrong(schema: dict[str, Any], part: Any, value: Any) -> None:
    schema = {**schema, "$defs": {"x": part, "y": {"type": "object", "properties": {"a": {"$ref": "#/$defs/x"}}}}}
    surely = quick_yes(schema, formats=True)
    if surely(value):
        checker = jsonschema.FormatChecker()
        assert jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(value)


@given(SCHEMAS, st.lists(st.dictionaries(NAMES, VALUES, max_size=2), min_size=1, max_size=2), st.integers(0, 19))
def test_a_yes_is_never_wrong_of_many_objects(part: Any, rows: list[Any], place: int) -> None:
    value = [rows[0]] * 20
    value[place] = rows[-1]
    schema = {"items": {"$ref": "#/$defs/x"}, "$defs": {"x": part, "y": True}}
    if quick_yes(schema)(value):
        assert jsonschema.Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("odd", [
    {"a": "1", "b": 1}, {"a": 1}, {"a": 1, "b": 1, "c": 1}, {"a": 1, "c": 1}, {"a": True, "b": 1}, 1,
])
def test_one_odd_object_of_many_is_seen(odd: Any) -> None:
    integer = {"type": "integer"}
    surely = quick_yes({"type": "array", "items": {"type": "object", "properties": {"a": integer, "b": integer},
                                                   "required": ["a", "b"], "additionalProperties": False}})
    rows: list[Any] = [{"a": 1, "b": 2}] * 20
    assert surely(rows)
    assert not surely([*rows, odd])
    assert not surely([odd, *rows])


@pytest.mark.parametrize(("schema", "value"), [
    ({"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"],
      "additionalProperties": False}, {"a": 1}),
    ({"type": "array", "items": {"anyOf": [{"type": "string", "maxLength": 2}, {"type": "null"}]}}, ["ab", None]),
    ({"$ref": "#/$defs/t", "$defs": {"t": {"type": "object", "properties": {
        "kids": {"type": "array", "items": {"$ref": "#/$defs/t"}}}}}}, {"kids": [{"kids": []}]}),
    ({"enum": ["a", 1, None]}, 1),
    ({"type": "string", "format": "date"}, "not a date"),
])
def test_what_is_usual_is_quick(schema: dict[str, Any], value: Any) -> None:
    assert quick_yes(schema)(value)


@pytest.mark.parametrize(("schema", "value"), [
    ({"const": 1}, True),
    ({"enum": [1]}, 1.0),
    ({"type": "integer"}, True),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "type": "string"}, "a"),
    ({"minLength": 2}, type("Text", (str,), {})("a")),
    ({"$id": "http://a/", "type": "string"}, "a"),
    ({"$ref": "#/$defs/t", "$defs": {"t": {"items": {"$ref": "#/$defs/t"}}}}, "deep"),
])
def test_what_is_not_sure(schema: dict[str, Any], value: Any) -> None:
    if value == "deep":
        for _ in range(100_000):
            value = [value]
    assert not quick_yes(schema)(value)


def test_a_schema_that_jsonschema_takes_is_taken() -> None:
    for schema in ({"properties": {}}, {"type": ["string", "null"]}, {"required": []}, {"minLength": 1.0}):
        validator_of(schema)
        quick_yes(schema)("a")
