"""Hostile JSON Schemas, and what each of them has to end in: a mask, or an error of this type.

Small schemas that mean much work (alternatives that multiply, references that double, huge counts and repetitions), and
schemas that are none. ``tests/masking/test_schema_bombs.py`` holds the outcomes, ``json_schema_stress.py`` the times.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from trellis.errors import LimitError, SchemaError, TrellisError, UnsupportedError

Schema = Any


class Bomb(NamedTuple):
    """A schema, and the error that it ends in (None: a mask); the pointer of the error, if it is of one place."""

    name: str
    schema: Schema
    outcome: type[TrellisError] | None
    pointer: str | None = None


def wrapped(keyword: str, levels: int, schema: Schema) -> Schema:
    """A schema in a keyword, and that again."""
    beside = {"then": {"type": "object"}, "else": {"type": "string"}} if keyword == "if" else {}
    for _ in range(levels):
        schema = {keyword: schema, **beside}
    return schema


def nested(keyword: str, levels: int) -> Schema:
    """Each level has two ways, and both of them again: 2 to the power of the levels."""
    schema: Schema = {"type": "object"}
    for i in range(levels):
        schema = {keyword: [{"properties": {f"a{i}": {"const": 1}}, "required": [f"a{i}"], "allOf": [schema]},
                            {"properties": {f"b{i}": {"const": 1}}, "required": [f"b{i}"], "allOf": [schema]}]}
    return schema


def product(n: int, keyword: str = "anyOf") -> Schema:
    """n choices of two beside each other."""
    return {"type": "object", "allOf": [{keyword: [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]}
                                        for i in range(n)]}


def doubling(levels: int, inner: Schema) -> Schema:
    """Definitions that refer to the next one twice (a schema of a billion laughs)."""
    defs: Schema = {f"d{i}": {"type": "array", "prefixItems": [{"$ref": f"#/$defs/d{i + 1}"}] * 2, "items": False}
                    for i in range(levels)}
    return {"$defs": {**defs, f"d{levels}": inner}, "$ref": "#/$defs/d0"}


def doubling_alternatives(levels: int, keyword: str) -> Schema:
    """The same with alternatives: every level means two of the next."""
    defs: Schema = {f"d{i}": {keyword: [{"$ref": f"#/$defs/d{i + 1}"},
                                        {"$ref": f"#/$defs/d{i + 1}", "required": [f"p{i}"]}]} for i in range(levels)}
    return {"$defs": {**defs, f"d{levels}": {"type": "object"}}, "$ref": "#/$defs/d0"}


def deep(n: int, keyword: str) -> Schema:
    schema: Schema = {"type": "integer"}
    for _ in range(n):
        schema = {keyword: [schema] if keyword.endswith("Of") else schema}
    return schema


def conditions(n: int) -> Schema:
    """Conditions that each depend on another property."""
    return {"type": "object", "allOf": [
        {"if": {"properties": {f"p{i}": {"const": 1}}, "required": [f"p{i}"]},
         "then": {"required": [f"q{i}"]}, "else": {"required": [f"r{i}"]}} for i in range(n)]}


def dynamic(n: int) -> Schema:
    """Resources that lead to each other, so that each order in which two anchors are passed is a scope of its own."""
    return {"$id": "https://example.org/0", "properties": {"a": {"$ref": "1"}}, "$defs": {
        str(i): {"$id": str(i), "properties": {str(j): {"$ref": str(j)} for j in range(1, n)},
                 "additionalProperties": {"$dynamicRef": f"#x{i // 2}"},
                 "$defs": {"x": {"$dynamicAnchor": f"x{i // 2}", "type": "integer", "minimum": i}}}
        for i in range(1, n)}}


def names(n: int) -> list[str]:
    return [f"name {i}" for i in range(n)]


BOMBS = [
    # alternatives that multiply
    Bomb("anyOf in anyOf, 40 levels", nested("anyOf", 40), LimitError),
    Bomb("oneOf in oneOf, 16 levels", nested("oneOf", 16), LimitError),
    Bomb("allOf of 30 anyOf", product(30), LimitError),
    Bomb("allOf of 30 oneOf", product(30, "oneOf"), LimitError),
    Bomb("not of 30 anyOf", {"not": product(30)}, None),
    Bomb("not of not, 40 levels of anyOf", {"not": {"not": nested("anyOf", 40)}}, LimitError),
    Bomb("30 conditions", conditions(30), LimitError),
    Bomb("oneOf of 300 objects with nothing in common but optional names", {"oneOf": [
        {"type": "object", "properties": {name: {"type": "integer"}}} for name in names(300)]}, LimitError),
    Bomb("references that double, 60 levels", doubling(60, {"type": "integer"}), None),
    Bomb("references that double in anyOf, 30 levels", doubling_alternatives(30, "anyOf"), None),
    Bomb("references that double in oneOf, 12 levels", doubling_alternatives(12, "oneOf"), None),
    Bomb("30 dependent schemas with alternatives", {"type": "object", "dependentSchemas": {
        name: {"anyOf": [{"required": ["x"]}, {"required": ["y"]}]} for name in names(30)}}, LimitError),
    Bomb("unevaluatedProperties beside 30 anyOf", {**product(30), "unevaluatedProperties": False}, LimitError),
    Bomb("41 resources that lead to each other, two with each dynamic anchor", dynamic(41), LimitError),
    # nesting
    Bomb("allOf in allOf, 5,000 levels", deep(5_000, "allOf"), LimitError),
    Bomb("not in not, 5,000 levels", deep(5_000, "not"), LimitError),
    Bomb("items in items, 5,000 levels", deep(5_000, "items"), LimitError),
    # counts
    Bomb("a million items", {"type": "array", "minItems": 1_000_000}, LimitError),
    Bomb("between 9,000 and 10**30 items", {"type": "array", "minItems": 9_000, "maxItems": 10**30}, LimitError),
    Bomb("a string of 10**12 characters", {"type": "string", "minLength": 10**12}, UnsupportedError, ""),
    Bomb("20 unique ones of 1,000", {"type": "array", "items": {"enum": list(range(1000))}, "uniqueItems": True,
                                     "minItems": 20}, None),
    Bomb("500 of 1,000 properties", {"type": "object", "properties": dict.fromkeys(names(1000), True),
                                     "additionalProperties": False, "minProperties": 500}, LimitError),
    Bomb("six contains that overlap, 50 times each", {"type": "array", "allOf": [
        {"contains": {"multipleOf": n}, "minContains": 50, "maxContains": 60} for n in (2, 3, 5, 7, 11)]},
        UnsupportedError),
    Bomb("a bound of 100,000 digits", {"type": "integer", "minimum": 10**100_000}, LimitError),
    Bomb("multiples of many primes", {"type": "integer", "allOf": [
        {"multipleOf": n} for n in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)]}, UnsupportedError),
    # patterns
    Bomb("12 patterns at once", {"type": "string", "allOf": [
        {"pattern": f"[a-z]{{{i}}}x.*y{i}"} for i in range(3, 15)]}, UnsupportedError),
    Bomb("a pattern of 1,000 x 1,000", {"type": "string", "pattern": "^([a-z]{1000}){1000}$"}, UnsupportedError),
    Bomb("a pattern with a state for each subset", {"type": "string", "pattern": "^[ab]*a[ab]{40}$", "maxLength": 100},
         None),
    Bomb("names with 20 patterns that overlap", {"type": "object", "patternProperties": {
        f"[a-m]{{{i}}}.*[n-z]{{{i}}}": {"minimum": i} for i in range(1, 21)}}, None),
    Bomb("brackets 5,000 deep", {"type": "string", "pattern": "(" * 5_000 + "a" + ")" * 5_000}, UnsupportedError),
    Bomb("a number of repetitions with 5,000 digits", {"type": "string", "pattern": f"a{{{'9' * 5_000}}}"},
         UnsupportedError),
    # what is no schema, or has no value
    Bomb("a reference to itself", {"$ref": "#"}, SchemaError, ""),
    Bomb("references in a circle", {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}},
                                    "properties": {"x": {"$ref": "#/$defs/a"}}}, SchemaError, "/properties/x"),
    Bomb("a schema that is what it is not", {"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"},
         SchemaError, ""),
    Bomb("a reference to nothing", {"properties": {"a": {"$ref": "#/$defs/none"}}}, SchemaError, "/properties/a/$ref"),
    Bomb("a reference elsewhere", {"$ref": "https://example.org/none"}, UnsupportedError, "/$ref"),
    Bomb("recursion without a base", {"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
         SchemaError, "/properties/a"),
    Bomb("contradictory bounds", {"properties": {"n": {"type": "integer", "minimum": 2, "maximum": 1}},
                                  "required": ["n"], "type": "object"}, SchemaError, "/properties/n"),
    Bomb("contradictory lengths", {"type": "array", "minItems": 3, "maxItems": 2}, SchemaError, ""),
    Bomb("a pattern that is none", {"type": "string", "pattern": "("}, UnsupportedError, "/pattern"),
    Bomb("a pattern outside the dialect", {"type": "string", "pattern": r"(a)\1"}, UnsupportedError, "/pattern"),
    Bomb("a keyword of the wrong type", {"properties": {"a": {"minLength": "3"}}}, SchemaError,
         "/properties/a/minLength"),
    Bomb("a list", [], SchemaError, ""),
    Bomb("a schema that is a string", {"items": "integer"}, SchemaError, "/items"),
    Bomb("a type that there is not", {"type": "text"}, SchemaError, "/type"),
    Bomb("a keyword in another case", {"minlength": 3}, None),
    Bomb("not in not, 201 levels", wrapped("not", 201, {"anyOf": [{"properties": {"a": {"type": "integer"}}}]}), None),
    Bomb("conditions in conditions, 40 levels", wrapped("if", 40, {"required": ["a"]}), None),
    Bomb("references of references, 3,000 of them", {"$ref": "#/$defs/d0", "$defs": {
        **{f"d{i}": {"$ref": f"#/$defs/d{i + 1}"} for i in range(3000)}, "d3000": {"type": "integer"}}}, None),
    Bomb("names with 13 lengths that overlap", {"type": "object", "patternProperties": {
        f"^.{{{i}}}[a-m]": {"maximum": i} for i in range(1, 14)}}, UnsupportedError),
    Bomb("unevaluatedProperties beside 40 references", {
        "anyOf": [{"$ref": f"#/$defs/{name}"} for name in names(40)], "unevaluatedProperties": False,
        "$defs": {name: {"properties": {name: {"type": "integer"}}} for name in names(40)}}, LimitError),
    Bomb("from 40 to 60 of 200 items", {"type": "array", "contains": {"type": "integer"}, "minContains": 40,
                                        "maxContains": 60, "minItems": 100, "maxItems": 200}, LimitError),
    Bomb("multiples of an awkward decimal", {"type": "number", "multipleOf": 0.000123457}, UnsupportedError, ""),
    Bomb("bounds of 15,000 digits", {"type": "number", "minimum": 10**15000, "maximum": 10**15000 + 3}, None),
    Bomb("any of 2,000 objects", {"anyOf": [{"properties": {name: {"type": "integer"}}, "required": [name]}
                                            for name in names(2000)]}, None),
    Bomb("names that ask for others in a circle of 25", {"properties": {f"p{i}": {} for i in range(25)},
         "dependentRequired": {f"p{i}": [f"p{(i * 7 + 1) % 25}", f"p{(i + 11) % 25}"] for i in range(25)}}, None),
]
