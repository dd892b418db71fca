"""The normal form: which values a schema admits, against jsonschema; what its cases have in common."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from trellis.errors import LimitError, SchemaError, UnsupportedError
from trellis.schema import shapes
from trellis.schema.check import check
from trellis.schema.normal import Normalizer
from trellis.schema.resolve import Document, Place

numbers = st.one_of(st.integers(-3, 6), st.sampled_from([0.5, 2.0, 1e-9, -2.5]))
scalars = st.one_of(st.none(), st.booleans(), numbers, st.text("ab", max_size=3))
values = st.recursive(scalars, lambda inner: st.one_of(st.lists(inner, max_size=3),
                                                       st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
                      max_leaves=5)
keywords = st.fixed_dictionaries({}, optional={
    "type": st.sampled_from(["integer", "number", "string", "object", "array", ["null", "boolean"],
                             ["integer", "array"]]),
    "minimum": numbers, "exclusiveMaximum": numbers, "minLength": st.integers(0, 2),
    "pattern": st.sampled_from(["a", "^b*$"]),
    "maxItems": st.integers(0, 2), "required": st.lists(st.sampled_from("abc"), unique=True, max_size=2),
    "minProperties": st.integers(0, 2), "uniqueItems": st.booleans(), "multipleOf": st.sampled_from([2, 1.5, 0.5]),
    "dependentRequired": st.dictionaries(st.sampled_from("ab"), st.lists(st.sampled_from("abc"), max_size=2,
                                                                         unique=True), max_size=2),
    "minContains": st.integers(0, 2), "maxContains": st.integers(0, 2),
    "enum": st.lists(values, min_size=1, max_size=3), "const": values,
})


def nested(inner: Any) -> Any:
    several = st.lists(inner, min_size=1, max_size=3)
    return st.tuples(keywords, st.fixed_dictionaries({}, optional={
        "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2), "additionalProperties": inner,
        "patternProperties": st.dictionaries(st.sampled_from(["^a", ".*", "[bc]$"]), inner, max_size=2),
        "items": inner, "prefixItems": several, "contains": inner, "propertyNames": inner,
        "anyOf": several, "allOf": several, "oneOf": several, "not": inner,
        "unevaluatedProperties": inner, "unevaluatedItems": inner, "if": inner, "then": inner, "else": inner,
        "dependentSchemas": st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    })).map(lambda parts: {**parts[0], **parts[1]})


schemas = st.recursive(st.one_of(st.booleans(), keywords), nested, max_leaves=6)


def normalizer(schema: Any, **options: Any) -> tuple[Normalizer, shapes.Conjunction]:
    return Normalizer(Document(schema), **options), (Place(schema, ""),)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(schemas, st.lists(values, min_size=1, max_size=6))
def test_a_shape_admits_exactly_what_is_valid(schema: Any, instances: list[Any]) -> None:
    normal, root = normalizer(schema)
    try:
        normal.shape(root)
    except UnsupportedError:
        return
    for value in instances:
        try:
            admitted = normal.algebra.questions.admits(root, value)
        except UnsupportedError:  # further down
            continue
        assert admitted == Draft202012Validator(schema).is_valid(value), value


@settings(max_examples=300, deadline=None, derandomize=True)
@given(schemas, st.lists(values, min_size=1, max_size=6))
def test_relaxed_shapes_admit_all_that_is_valid(schema: Any, instances: list[Any]) -> None:
    normal, root = normalizer(schema, relax=True)
    normal.shape(root)
    for value in instances:
        assert normal.algebra.questions.admits(root, value) or not Draft202012Validator(schema).is_valid(value), value


@settings(max_examples=200, deadline=None, derandomize=True)
@given(schemas, schemas, values)
def test_disjoint_shapes_share_no_value(left: Any, right: Any, value: Any) -> None:
    normal = Normalizer(Document([left, right]), relax=True)  # type: ignore[arg-type]
    one, other = (Place(left, "/0"),), (Place(right, "/1"),)
    if normal.algebra.questions.disjoint(normal.shape(one), normal.shape(other)):
        assert not (normal.algebra.questions.admits(one, value) and normal.algebra.questions.admits(other, value))


def test_literal_values_beside_recursion() -> None:
    schema = {"type": "object", "properties": {"a": {"$ref": "#"}},
              "patternProperties": {".*": {"enum": [{"a": None}, {}, None]}}}
    normal, root = normalizer(schema)
    assert normal.shape(normal.shape(root)[0].member("a")) == (shapes.Literals(({},), "/patternProperties/.*"),)
    assert normal.algebra.questions.admits(root, {"a": {}})
    assert not normal.algebra.questions.admits(root, {"a": {"a": None}})
    normal, root = normalizer({**schema, "enum": [{"a": {}}]})
    with pytest.raises(UnsupportedError, match="refers to itself"):
        normal.shape(root)


def test_a_wide_product_of_alternatives_is_an_error_and_no_wait() -> None:
    wide = {"anyOf": [{"properties": {f"p{i}": {"const": i}}, "type": "object"} for i in range(100)]}
    normal, root = normalizer({"allOf": [wide, {**wide}, {**wide}]})
    with pytest.raises(LimitError):
        normal.shape(root)


def test_equality_is_jsons() -> None:
    assert shapes.same(1, 1.0)
    assert not shapes.same(1, True)
    assert not shapes.same(0, False)
    assert shapes.same({"a": [1, None], "b": 2}, {"b": 2.0, "a": [1.0, None]})
    assert shapes.distinct([1, 1.0, True, "1", [1], [1.0], {}, {}]) == (1, True, "1", [1], {})


@pytest.mark.parametrize(("schema", "pointer"), [
    ({"type": "strin"}, "/type"), ({"properties": {"a/b": {"maxLength": -1}}}, "/properties/a~1b/maxLength"),
    ({"$schema": "http://json-schema.org/draft-07/schema#", "exclusiveMinimum": True}, "/exclusiveMinimum"), (3, ""),
])
def test_the_metaschema_finds_what_is_no_schema(schema: Any, pointer: str) -> None:
    with pytest.raises(SchemaError) as caught:
        check(schema)
    assert caught.value.pointer == pointer


def test_the_metaschema_of_the_draft_counts() -> None:
    check({"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 1, "exclusiveMinimum": True})
    check(True)
