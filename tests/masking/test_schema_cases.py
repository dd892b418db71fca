"""JSON Schemas with texts that belong to them and texts that do not; schemas that are refused, and where."""

from __future__ import annotations

import copy
import gc
import json
from collections import ChainMap
from pathlib import Path
from typing import Any

import pytest

from trellis.errors import SchemaError, UnsupportedError
from trellis.masking.grammar import Grammar
from trellis.masking.schema_front import compile_schema

FIXTURES = Path(__file__).parents[2] / "fixtures" / "masking"
CASES = json.loads((FIXTURES / "json_schema.json").read_text())


def named(kind: str) -> Any:
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES[kind]])


@named("exact")
def test_exactly_the_valid_texts_are_accepted(case: dict[str, Any]) -> None:
    grammar = Grammar.from_json_schema(case["schema"], **case.get("options", {}))
    wrong = [text for text in case["accept"] if not grammar.accepts(text, engine="reference")]
    assert not wrong, f"should be accepted: {wrong}"
    wrong = [text for text in case["refuse"] if grammar.accepts(text, engine="reference")]
    assert not wrong, f"should be refused: {wrong}"


@named("unsupported")
def test_what_cannot_be_enforced_is_refused_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedError) as caught:
        Grammar.from_json_schema(case["schema"])
    assert caught.value.pointer == case["pointer"]


@named("unsupported")
def test_relaxing_leaves_it_out_and_says_so(case: dict[str, Any]) -> None:
    grammar = Grammar.from_json_schema(case["schema"], on_unsupported="relax")
    assert case["pointer"] in [relaxation.pointer for relaxation in grammar.relaxations]


@named("annotations")
@pytest.mark.parametrize("mode", ["error", "relax"])
def test_what_restricts_nothing_though_it_seems_to_is_listed(case: dict[str, Any], mode: Any) -> None:
    grammar = Grammar.from_json_schema(case["schema"], on_unsupported=mode)
    assert [it.pointer for it in grammar.relaxations] == [case["pointer"]]
    assert all(grammar.accepts(text, engine="reference") for text in case["accept"])


@named("wrong")
def test_what_is_no_schema_or_has_no_value_is_an_error_with_its_place(case: dict[str, Any]) -> None:
    with pytest.raises(SchemaError) as caught:
        Grammar.from_json_schema(case["schema"])
    assert caught.value.pointer == case["pointer"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES["exact"]
                                  if not case.get("options")])
def test_relaxing_changes_nothing_where_all_is_enforced(case: dict[str, Any]) -> None:
    assert not Grammar.from_json_schema(case["schema"], on_unsupported="relax").relaxations


def test_a_pattern_under_patternproperties_is_no_additional_property_when_relaxed() -> None:
    schema = {"type": "object", "patternProperties": {"^x": {}, "y": {"type": "null"}}, "additionalProperties": False}
    grammar = Grammar.from_json_schema(schema, on_unsupported="relax")
    assert grammar.accepts('{"x1":2}', engine="reference")


def test_a_schema_seen_before_is_not_lowered_again() -> None:
    schema = {"type": "object", "properties": {"a": {"const": 1}, "b": {"const": True}}, "additionalProperties": False}
    first = Grammar.from_json_schema(schema)
    assert Grammar.from_json_schema(copy.deepcopy(schema)) is first
    assert Grammar.from_json_schema(schema, property_order="any") is not first
    turned = {**schema, "properties": dict(reversed(schema["properties"].items()))}
    assert Grammar.from_json_schema(turned).accepts('{"b":true,"a":1}')
    assert not first.accepts('{"b":true,"a":1}')
    schema["properties"]["a"]["const"] = 1.0
    assert Grammar.from_json_schema(schema) is not first
    schema["properties"]["a"]["const"] = 2
    assert first.accepts('{"a":1}')
    assert first.schema["properties"]["a"]["const"] == 1
    assert Grammar.from_json_schema(schema).accepts('{"a":2}')


def test_a_mapping_that_is_no_dict_is_read_each_time() -> None:
    schema = ChainMap({"const": 1})
    assert Grammar.from_json_schema(schema).accepts("1", engine="reference")
    schema["const"] = 2
    assert Grammar.from_json_schema(schema).accepts("2", engine="reference")


def test_a_schema_whose_parts_are_one_object_is_known_by_its_size_in_memory() -> None:
    schema: dict[str, Any] = {"type": "object"}
    for _ in range(60):
        schema = {"allOf": [schema, schema]}
    assert Grammar.from_json_schema(schema) is Grammar.from_json_schema(schema)


def test_thousands_of_optional_properties_come_in_any_order() -> None:
    pytest.importorskip("trellis_kernel")
    schema = {"type": "object", "properties": {f"p{i}": {"type": "integer"} for i in range(1_600)},
              "patternProperties": {"^x": {"type": "null"}}}
    grammar = Grammar.from_json_schema(schema, property_order="any")
    assert grammar.accepts('{"p1599":1,"p3":2,"other":"y"}')
    assert not grammar.accepts('{"p1599":1,"p3":"2"}')


def test_lowering_leaves_nothing_to_the_garbage_collector() -> None:
    schema = {"properties": {"a": {"oneOf": [{"type": "string"}, {"required": ["b"]}]}}, "minProperties": 1}
    compile_schema(schema)
    gc.collect()
    assert gc.isenabled()
    compile_schema(schema)
    assert gc.isenabled()
    assert gc.collect() < 10
    with pytest.raises(SchemaError):
        compile_schema({"type": "nothing"})
    assert gc.isenabled()


def test_an_enum_of_thousands_of_long_values_is_no_burden() -> None:
    pytest.importorskip("trellis_kernel")
    values = [f"value {i * 7919 % 20_000:06d} of many" for i in range(20_000)]
    grammar = Grammar.from_json_schema({"enum": values})
    assert grammar.accepts('"value 019999 of many"')
    assert not grammar.accepts('"value 020000 of many"')
