"""The quick yes: whether a value is surely valid, by functions that a schema is compiled to.

``jsonschema`` interprets a schema anew for each value; on a usual answer that takes ten times as long as reading it.
Most answers are valid against plain keywords, and to say so needs neither errors nor paths. ``True`` is never wrong;
``False`` is no verdict: ``jsonschema`` is asked then, as it is for every keyword that is not known here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sized
from operator import itemgetter
from typing import Any

Test = Callable[[Any], bool]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SAYS_NOTHING = frozenset({
    "$schema", "$defs", "definitions", "$comment", "title", "description", "default", "examples", "deprecated",
    "readOnly", "writeOnly", "discriminator",
})
_TYPES: dict[str, Test] = {
    "string": lambda value: type(value) is str,
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) is int or type(value) is float,
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
}
_REFERENCE = re.compile(r"#/(\$defs|definitions)/(\w+)")
_JSON = frozenset({str, int, float, bool, type(None), dict, list})
"""Of a value of another kind (a ``Decimal``, a subclass) nothing is said."""
_PLAIN = frozenset({str, int, bool, type(None)})
_KINDS: dict[str, frozenset[type]] = {
    "string": frozenset({str}), "integer": frozenset({int}), "number": frozenset({int, float}),
    "boolean": frozenset({bool}), "null": frozenset({type(None)}), "object": frozenset({dict}),
    "array": frozenset({list}),
}
_MANY = 16  # objects in a list, from which on it is quicker to look at all values of a name together
_OBJECT = frozenset({"properties", "required", "additionalProperties"})


def quick_yes(schema: Any, *, formats: bool = False) -> Test:
    """A function that is true only of values that are valid against the schema.

    Args:
        schema: a JSON Schema that is one, of draft 2020-12.
        formats: whether ``format`` is asserted; if so, a schema with one is not known here.
    """
    tests = _Tests(schema, formats)
    root = tests.of(schema)

    def surely(value: Any) -> bool:
        try:
            return root(value)
        except RecursionError:  # too deep for this
            return False

    return surely


def _unsure(value: Any) -> bool:
    return False


class _Tests:
    """Tests of subschemas; those of references are made once, when they are first needed."""

    def __init__(self, root: Any, formats: bool) -> None:
        self._root = root
        self._ignored = _SAYS_NOTHING if formats else _SAYS_NOTHING | {"format"}
        self._of_references: dict[str, Test] = {}

    def of(self, schema: Any) -> Test:
        if schema is True:
            return lambda value: True
        if not isinstance(schema, dict) or schema.get("$schema", _DIALECT) != _DIALECT:
            return _unsure
        said = schema.keys() - self._ignored
        if not said <= _OBJECT | _PARTS.keys():
            return _unsure
        tests = [_PARTS[keyword](self, schema[keyword]) for keyword in schema if keyword in said and keyword in _PARTS]
        if said & _OBJECT:
            tests.append(self._object(schema))
        if len(tests) == 1:
            return tests[0]
        return lambda value: all(test(value) for test in tests)

    def _object(self, schema: dict[str, Any]) -> Test:
        members = {name: self.of(member) for name, member in schema.get("properties", {}).items()}
        required = frozenset(schema.get("required", ()))
        more = schema.get("additionalProperties", True)
        other = None if more is True else self.of(more)

        def test(value: Any) -> bool:
            if type(value) is not dict:
                return type(value) in _JSON
            for name, member in value.items():
                found = members.get(name, other)
                if found is not None and not found(member):
                    return False
            return required <= value.keys()

        return test

    def reference(self, reference: str) -> Test:
        def test(value: Any) -> bool:
            known = self._of_references.get(reference)
            if known is None:
                known = self._of_references[reference] = self._followed(reference)
            return known(value)

        return test

    def _followed(self, reference: str) -> Test:
        """Of ``#/$defs/NAME``, which needs neither base URIs nor escapes."""
        found = _REFERENCE.fullmatch(reference)
        return _unsure if found is None else self.of(self._root.get(found[1], {}).get(found[2]))

    def types(self, kinds: Any) -> Test:
        tests = [_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)]
        return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)

    def items(self, schema: Any) -> Test:
        item, table = self.of(schema), None

        def test(value: Any) -> bool:
            nonlocal table
            if type(value) is not list:
                return type(value) in _JSON
            if len(value) >= _MANY and type(value[0]) is dict:
                table = table or self._table(schema)
                if table(value):
                    return True
            return all(map(item, value))

        return test

    def _table(self, schema: Any) -> Test:
        """Of a list of flat objects that all have the same names: by column, not by object."""
        if isinstance(schema, dict) and schema.keys() - self._ignored == {"$ref"}:
            found = _REFERENCE.fullmatch(schema["$ref"])
            schema = None if found is None else self._root.get(found[1], {}).get(found[2])
        if not isinstance(schema, dict) or not schema.keys() - self._ignored <= _OBJECT | {"type"}:
            return _unsure
        if schema.get("$schema", _DIALECT) != _DIALECT or schema.get("type", "object") != "object":
            return _unsure
        columns = {name: self._column(member) for name, member in schema.get("properties", {}).items()}
        required, more = frozenset(schema.get("required", ())), schema.get("additionalProperties", True)
        other = None if more is True else self._column(more)

        def test(rows: Any) -> bool:
            if set(map(type, rows)) != {dict} or not required <= rows[0].keys():
                return False
            if set(map(len, rows)) != {len(rows[0])}:
                return False
            try:
                for name in rows[0]:
                    column = columns.get(name, other)
                    if column is not None and not column(list(map(itemgetter(name), rows))):
                        return False
            except KeyError:  # an object has other names
                return False
            return True

        return test

    def _column(self, schema: Any) -> Test:
        """Of all values of a list."""
        if isinstance(schema, dict) and schema.keys() - self._ignored == {"type"}:
            named = schema["type"]
            kinds = frozenset().union(*(_KINDS[name] for name in ([named] if isinstance(named, str) else named)))
            return lambda values: kinds.issuperset(map(type, values))
        one = self.of(schema)
        return lambda values: all(map(one, values))

    def any_of(self, schemas: Any) -> Test:
        tests = [self.of(one) for one in schemas]
        return lambda value: any(test(value) for test in tests)

    def all_of(self, schemas: Any) -> Test:
        tests = [self.of(one) for one in schemas]
        return lambda value: all(test(value) for test in tests)


def _listed(values: Any) -> Test:
    """``1``, ``1.0`` and ``True`` are equal in Python: kinds must be, too."""
    known = {(type(value), value) for value in values if type(value) in _PLAIN}
    return lambda value: type(value) in _PLAIN and (type(value), value) in known


def _sized(kind: type[Sized], fits: Callable[[int], bool]) -> Test:
    return lambda value: fits(len(value)) if type(value) is kind else type(value) in _JSON


def _number(fits: Test) -> Test:
    return lambda value: fits(value) if type(value) in (int, float) else type(value) in _JSON


_PARTS: dict[str, Callable[[_Tests, Any], Test]] = {
    "type": _Tests.types,
    "$ref": _Tests.reference,
    "items": _Tests.items,
    "anyOf": _Tests.any_of,
    "allOf": _Tests.all_of,
    "enum": lambda tests, values: _listed(values),
    "const": lambda tests, value: _listed([value]),
    "minLength": lambda tests, least: _sized(str, lambda size: size >= least),
    "maxLength": lambda tests, most: _sized(str, lambda size: size <= most),
    "minItems": lambda tests, least: _sized(list, lambda size: size >= least),
    "maxItems": lambda tests, most: _sized(list, lambda size: size <= most),
    "minProperties": lambda tests, least: _sized(dict, lambda size: size >= least),
    "maxProperties": lambda tests, most: _sized(dict, lambda size: size <= most),
    "minimum": lambda tests, least: _number(lambda value: value >= least),
    "maximum": lambda tests, most: _number(lambda value: value <= most),
    "exclusiveMinimum": lambda tests, least: _number(lambda value: value > least),
    "exclusiveMaximum": lambda tests, most: _number(lambda value: value < most),
}
