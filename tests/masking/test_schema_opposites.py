"""What ``not``, ``if`` and ``oneOf`` leave over, where masks take something narrower than it is; malformed values."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trellis.errors import SchemaError, TrellisError, UsageError
from trellis.masking.grammar import Grammar
from trellis.masking.schema_explain import explain

#: Strings that have a format by its specification, though masks never write them.
BEYOND = {
    "email": '"a b"@x.org', "idn-email": '"é"@x.org', "time": "23:59:60Z", "date-time": "1998-12-31T23:59:60Z",
    "date": "0000-01-01", "duration": "P1234567890123D", "regex": "(a)\\1", "idn-hostname": "א",
    "hostname": ".".join(["a" * 20] * 9), "time-local": "23:59:60",
}


def spelled(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(("name", "value"), BEYOND.items())
def test_a_format_that_masks_take_narrower_is_not_taken_narrower_by_its_opposite(name: str, value: str) -> None:
    outside = "*"  # has none of the formats
    fmt = {"format": name}
    assert not Grammar.from_json_schema({"type": "string", **fmt}).accepts(spelled(value), engine="reference")
    for schema, one in (
        ({"type": "string", "not": fmt}, value),
        ({"type": "string", "oneOf": [fmt, {"minLength": 1}]}, value),
        ({"type": "string", "if": fmt, "then": {"const": "x"}}, value),
        ({"enum": [value, "*"], "not": fmt}, value),
        ({"type": "array", "items": {"enum": [value, "*"]}, "contains": {"not": fmt}}, [value]),
    ):
        grammar = Grammar.from_json_schema(schema)
        assert not grammar.accepts(spelled(one), engine="reference"), schema
        assert grammar.accepts(spelled([outside] if isinstance(one, list) else outside), engine="reference"), schema
    twice = Grammar.from_json_schema({"type": "string", "not": {"not": fmt}})
    assert not twice.accepts(spelled(value), engine="reference")


def test_names_with_a_format() -> None:
    quoted = {'"a"@b': 1}
    for schema, right, wrong in (
        ({"propertyNames": {"format": "email"}}, {"a@b": 1}, {"c": 1}),
        ({"propertyNames": {"not": {"format": "email"}}}, {"c": 1}, {"a@b": 1}),
        ({"not": {"propertyNames": {"format": "email"}}}, {"c": 1}, {"a@b": 1}),
    ):
        grammar = Grammar.from_json_schema({"type": "object", **schema})
        assert grammar.accepts(spelled(right), engine="reference")
        assert not grammar.accepts(spelled(wrong), engine="reference")
        assert not grammar.accepts(spelled(quoted), engine="reference")


def test_regular_expressions_with_a_length_or_a_pattern() -> None:
    names = Grammar.from_json_schema({"type": "object", "propertyNames": {"format": "regex"}})
    assert names.accepts('{"[a-z]+":1}')
    assert not names.accepts('{"(":1}')
    grammar = Grammar.from_json_schema({"format": "regex", "type": "string", "minLength": 2, "pattern": "^[^*]"})
    assert [text for text in ("ab", "a", "[a]+", "(a", "*a") if grammar.accepts(spelled(text))] == ["ab", "[a]+"]


def test_names_that_cannot_be_enforced_are_left_to_a_validator() -> None:
    for names in ({"pattern": "(a)\\1"}, {"not": {"pattern": "(a)\\1"}}):
        schema = {"type": "object", "propertyNames": names}
        with pytest.raises(TrellisError):
            Grammar.from_json_schema(schema)
        grammar = Grammar.from_json_schema(schema, on_unsupported="relax")
        assert grammar.relaxations
        assert grammar.accepts('{"aa":1}', engine="reference")
        assert grammar.accepts('{"b":1}', engine="reference")


@pytest.mark.parametrize(("schema", "pointer"), [
    ({"type": "array", "uniqueItems": "yes"}, "/uniqueItems"),
    ({"type": "array", "uniqueItems": 1}, "/uniqueItems"),
    ({"type": "array", "minItems": 10**400, "uniqueItems": None}, "/uniqueItems"),
    ({"type": "number", "const": float("nan")}, "/const"),
    ({"type": "number", "enum": [1, float("inf")]}, "/enum"),
    ({"enum": [{1: 2}], "type": "object"}, "/enum"),
    ({"patternProperties": {1: True}}, "/patternProperties/1"),
    ({"properties": {"a": {"if": {"$ref": "#/properties/a"}, "then": {}, "unevaluatedItems": False}}}, "/properties/a"),
])
def test_what_is_malformed_is_said_with_its_place(schema: Any, pointer: str) -> None:
    with pytest.raises(SchemaError) as caught:
        Grammar.from_json_schema(schema)
    assert caught.value.pointer == pointer
    error = explain(schema).error
    assert isinstance(error, SchemaError)


@pytest.mark.parametrize("schema", [{"type": [["array"]], "minItems": 1}, {"type": {"a": 1}, "minItems": 1},
                                    {1: 2}, {"properties": {1: {}}}])
def test_malformed_schemas_are_explained(schema: Any) -> None:
    assert isinstance(explain(schema).error, SchemaError)


def test_items_that_differ_by_their_positions_do_not_run_out() -> None:
    schema = {"type": "array", "prefixItems": [{"const": True}, {"const": {}}], "minItems": 3, "uniqueItems": True}
    grammar = Grammar.from_json_schema(schema)
    assert grammar.accepts("[true,{},1]")
    assert not grammar.accepts("[true,{},{}]")
    assert not grammar.accepts("[true,{}]")


@pytest.mark.parametrize("kind", ["integer", "number"])
def test_multiples_of_some_numbers_and_of_no_others(kind: str) -> None:
    rules = [{"anyOf": [{"multipleOf": 3}, {"multipleOf": 5}, {"multipleOf": 7}]}, {"not": {"multipleOf": 8}},
             {"anyOf": [{"not": {"multipleOf": 8}}, {"multipleOf": 11}]}, {"multipleOf": 0.5}]
    grammar = Grammar.from_json_schema({"type": kind, "allOf": rules, "minimum": 1})
    for half in range(-40, 2_000, 7):
        value = half // 2 if half % 2 == 0 else half / 2
        wanted = value >= 1 and any(value % it == 0 for it in (3, 5, 7)) and value % 8 != 0
        assert grammar.accepts(str(value)) == (wanted and (kind == "number" or half % 2 == 0)), value


DRAFT_7, DRAFT_2020 = "http://json-schema.org/draft-07/schema#", "https://json-schema.org/draft/2020-12/schema"


def test_a_document_of_the_registry_is_read_by_its_own_draft() -> None:
    registry = {"urn:new": {"$schema": DRAFT_2020, "prefixItems": [{"type": "integer"}], "items": False},
                "urn:old": {"$schema": DRAFT_7, "items": [{"type": "integer"}], "additionalItems": False}}
    for schema in ({"$schema": DRAFT_7, "allOf": [{"type": "array"}, {"$ref": "urn:new"}]},
                   {"$schema": DRAFT_2020, "type": "array", "$ref": "urn:old"}):
        grammar = Grammar.from_json_schema(schema, registry=registry)
        assert grammar.accepts("[1]")
        assert not grammar.accepts("[true]")
        assert not grammar.accepts("[1,1]")
        assert not grammar.relaxations


@pytest.mark.parametrize(("keyword", "schema", "text"), [
    ("prefixItems", {"prefixItems": [{"type": "null"}]}, "[1]"),
    ("minContains", {"contains": {"type": "null"}, "minContains": 2}, "[null]"),
    ("maxContains", {"contains": {"type": "null"}, "maxContains": 1}, "[null,null]"),
])
def test_what_a_draft_does_not_know_is_listed(keyword: str, schema: dict[str, Any], text: str) -> None:
    old = Grammar.from_json_schema({"$schema": DRAFT_7, "type": "array", **schema})
    assert old.accepts(text)
    assert [it.pointer for it in old.relaxations] == [f"/{keyword}"]
    new = Grammar.from_json_schema({"type": "array", **schema})
    assert not new.accepts(text)
    assert not new.relaxations


def test_a_registry_is_a_mapping() -> None:
    with pytest.raises(UsageError):
        Grammar.from_json_schema({"$ref": "urn:a"}, registry=5)  # type: ignore[arg-type]
