"""The validator of a JSON Schema: the ``jsonschema`` package, told early what it would stumble over late.

Two keywords are judged in our way: ``multipleOf`` on the numbers as they are written (0.3 is a multiple of 0.1), and
``pattern`` with an end (see ``trellis.repair.patterns``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import jsonschema
import jsonschema.validators

from ..errors import SchemaError
from .patterns import TooSlow, search

_DEEP = "the schema is nested too deeply"


def schema_text(schema: Any) -> str:
    """A schema as JSON, which is what a schema is.

    Raises:
        SchemaError: it has no JSON form, or is neither an object nor a boolean.
    """
    if isinstance(schema, type) and hasattr(schema, "model_json_schema"):
        raise SchemaError(f"{schema.__name__} is a type, not a schema", hint=f"{schema.__name__}.model_json_schema()")
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
        kind.check_schema(schema)
        validator = _extended(kind)(schema, format_checker=format_checker)
    except jsonschema.SchemaError as error:
        raise SchemaError(error.message[:200], pointer="".join(f"/{part}" for part in error.absolute_path)) from error
    except RecursionError as error:
        raise SchemaError(_DEEP) from error
    simple: tuple[Any, ...] = (None, 0, "", [], {})
    for value in simple:  # no value is so simple that a loop of references would end
        try:
            validator.is_valid(value)
        except RecursionError as error:
            raise SchemaError("the schema refers to itself without end",
                              hint="a $ref back to its own place needs a property or an item in between") from error
        except Exception:
            break  # a reference that leads nowhere is told by who applies the schema
    return validator


@lru_cache(maxsize=16)
def _extended(kind: Any) -> Any:
    own = {"multipleOf": _multiple_of, "pattern": _pattern}
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
    if not validator.is_type(value, "string"):
        return
    try:
        if not search(pattern, value):
            yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")
    except TooSlow as error:
        yield jsonschema.ValidationError(f"pattern {pattern!r}: {error}")
