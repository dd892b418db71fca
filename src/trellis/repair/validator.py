"""The validator of a JSON Schema: the ``jsonschema`` package, told early what it would stumble over late.

Some keywords are judged in our way: ``multipleOf`` on the numbers as they are written (0.3 is a multiple of 0.1), and
those that have patterns in ECMA's language and with an end (see ``trellis.repair.patterns``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any

import jsonschema
import jsonschema.validators

from ..errors import SchemaError
from ..schema.check import check
from .patterns import TooSlow, has_pattern, is_pattern

_DEEP = "the schema is nested too deeply"


def schema_text(schema: Any) -> str:
    """A schema as JSON, which is what a schema is.

    Raises:
        SchemaError: it has no JSON form, or is neither an object nor a boolean.
    """
    if not isinstance(schema, dict | bool):
        raise SchemaError(f"a schema is an object or a boolean, not {type(schema).__name__}")
    try:
        return json.dumps(schema, allow_nan=False)
    except RecursionError:
        raise SchemaError(_DEEP) from None
    except (TypeError, ValueError) as error:
        raise SchemaError(f"the schema is not JSON: {error}") from None


def validator_of(schema: Any, format_checker: jsonschema.FormatChecker | None = None) -> Any:
    """The validator (``jsonschema.protocols.Validator``) of a schema that is JSON data.

    Args:
        schema: the schema.
        format_checker: asserts ``format``; without one it is not asserted.

    Raises:
        SchemaError: the schema is none, or refers to itself without end.
    """
    named = schema.get("$schema", "") if isinstance(schema, dict) else ""
    if not isinstance(named, str):
        raise SchemaError("$schema must be a string", pointer="/$schema")
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        check(schema, _regular_expressions())
        validator = _extended(kind)(schema, format_checker=format_checker)
    except RecursionError as error:
        raise SchemaError(_DEEP) from error
    simple: tuple[Any, ...] = (None, 0, "", [], {})
    for value in simple:  # no value is so simple that a loop of references would end
        try:
            validator.is_valid(value)
        except RecursionError as error:
            raise SchemaError(
                "the schema refers to itself without end",
                hint="a $ref back to its own place needs a property or an item in between",
            ) from error
        except Exception:
            break  # a reference that leads nowhere is told by who applies the schema
    return validator


@cache
def _regular_expressions() -> jsonschema.FormatChecker:
    checker = jsonschema.FormatChecker(())
    checker.checks("regex")(is_pattern)
    return checker


@lru_cache(maxsize=16)
def _extended(kind: Any) -> Any:
    own = {
        "multipleOf": _multiple_of,
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    extend: Any = jsonschema.validators.extend
    return extend(kind, {name: check for name, check in own.items() if name in kind.VALIDATORS})


def _multiple_of(validator: Any, step: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if not validator.is_type(value, "number"):
        return
    try:
        whole = (Fraction(str(value)) / Fraction(str(step))).denominator == 1
    except ValueError:  # infinity
        whole = False
    if not whole:
        yield jsonschema.ValidationError(f"{value!r} is not a multiple of {step}")


def _pattern(validator: Any, pattern: str, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if validator.is_type(value, "string"):
        try:
            if not has_pattern(value, pattern):
                yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")
        except TooSlow as error:
            yield jsonschema.ValidationError(f"pattern {pattern!r}: {error}")


def _pattern_properties(validator: Any, patterns: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if validator.is_type(value, "object"):
        for pattern, inner in patterns.items():
            for name in value:
                if has_pattern(name, pattern):
                    yield from validator.descend(value[name], inner, path=name, schema_path=pattern)


def _additional_properties(validator: Any, rest: Any, value: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
    if not validator.is_type(value, "object"):
        return
    patterns = schema.get("patternProperties", {})
    extra = [
        name
        for name in value
        if name not in schema.get("properties", {}) and not any(has_pattern(name, pattern) for pattern in patterns)
    ]
    if rest is False and extra:
        names = ", ".join(map(repr, extra))
        yield jsonschema.ValidationError(f"additional properties are not allowed: {names}")
    elif rest is not False:
        for name in extra:
            yield from validator.descend(value[name], rest, path=name)
