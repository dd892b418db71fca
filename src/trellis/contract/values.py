"""Who has the last word on a value: pydantic for Python types, jsonschema for JSON Schemas."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Protocol

from trellis.contract.base import Schema, Verdict
from trellis.errors import SchemaError, TrellisError, TypeNotSupportedError, UsageError, message_of, shown
from trellis.result import FieldError
from trellis.schema.aliases import core_parts, has_other_names
from trellis.schema.quick import quick_yes
from trellis.schema.types import adapter_of, json_schema_of, type_name
from trellis.schema.typescript import identifier

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema import ValidationError as JsonSchemaError
    from jsonschema.protocols import Validator
    from pydantic_core import ErrorDetails, ValidationError

MAX_MESSAGE = 200
"""Characters of one error message."""
MAX_SHOWN = 60
"""Characters of a value in an error message."""


_NO_JSON: Verdict[Any] = Verdict(None, (FieldError("", "a number is too large, or the value is nested too deeply"),))


class Values(Protocol):
    """The values of a type, as JSON data and as Python sees them."""

    @property
    def name(self) -> str: ...
    @property
    def schema(self) -> Schema: ...
    @property
    def accepted(self) -> Schema:
        """What answers are read by: the schema, with every name that a field may have."""
        ...
    def check(self, value: Any) -> Verdict[Any]: ...
    def plain(self, value: Any) -> Any:
        """JSON data of a value; raises UsageError when it is not of the type."""
        ...


class TypedValues:
    """A Python type, judged by pydantic in the type's own mode (a strict model stays strict)."""

    def __init__(self, output_type: Any) -> None:
        try:
            self.name = _name_in_prompt(output_type)
            self._adapter = adapter_of(output_type)
            self.schema = json_schema_of(self._adapter, type_name(output_type))
            _check_parts(self._adapter.core_schema, self.name)
            self.accepted = (json_schema_of(self._adapter, type_name(output_type), other_names=True)
                             if has_other_names(self._adapter.core_schema) else self.schema)
        except TrellisError:
            raise
        except Exception as error:  # code of the type's own runs here, and pydantic's core has errors of its own
            said = str(error).partition("\n  ")[2] or str(error)
            raise TypeNotSupportedError(f"no schema can be made of the type: {type(error).__name__}: {clip(said)}",
                                        hint="does pydantic.TypeAdapter(...).json_schema() work?") from error

    def check(self, value: Any) -> Verdict[Any]:
        from pydantic import ValidationError

        try:
            text = json_text(value)
        except UsageError:
            return _NO_JSON
        try:
            return Verdict(self._adapter.validate_json(text))
        except ValidationError as error:
            return Verdict(None, pydantic_errors(error, value))
        except Exception as error:  # a validator of the caller's model raised what no validator should
            raise UsageError(f"a validator of {self.name} raised {type(error).__name__}: {message_of(error)}",
                             hint="raise ValueError to refuse a value") from error

    def plain(self, value: Any) -> Any:
        from pydantic import ValidationError

        try:
            try:
                typed = self._adapter.validate_python(value)
            except ValidationError as refused:  # plain data for a strict model, or an Enum by its value
                try:
                    data = json_text(value)
                except UsageError:
                    raise refused from None
                typed = self._adapter.validate_json(data)
            return self._adapter.dump_python(typed, mode="json", by_alias=True, warnings="error")
        except ValidationError as error:
            said = "; ".join(map(str, pydantic_errors(error, value)[:3]))
            raise UsageError(f"{shown(value)} is no {self.name}: {said}") from error
        except Exception as error:
            raise UsageError(f"{shown(value)} is no {self.name}: {message_of(error)}") from error


_NOT_DATA = {
    "generator": "Iterable and Iterator are validated only while they are read; use list[...]",
    "call": "a function is no type; use the type that it returns",
    "is-subclass": "a class has no JSON form",
}


def _check_parts(core: Any, name: str) -> None:
    """Refuses parts of a pydantic schema that validate to something else than a value of the type."""
    for part in core_parts(core):
        kind = part.get("type")
        if isinstance(kind, str) and kind in _NOT_DATA:
            raise TypeNotSupportedError(f"{name}: {_NOT_DATA[kind]}")


class SchemaValues:
    """A JSON Schema, judged by jsonschema; formats are asserted, since who writes one means it."""

    def __init__(self, schema: Schema) -> None:
        from trellis.repair.validator import schema_text, validator_of

        self.schema: Schema = json.loads(schema_text(schema))  # a copy, and what a server will see
        self.accepted = self.schema
        title = self.schema.get("title")
        self.name = title if isinstance(title, str) and re.fullmatch(r"[A-Za-z_]\w{,63}", title) else "Answer"
        self._validator: Validator = validator_of(self.schema, _format_checker())
        self._surely = quick_yes(self.schema, formats=True)

    def check(self, value: Any) -> Verdict[Any]:
        import jsonschema

        try:
            json_text(value)
        except UsageError:
            return _NO_JSON
        if self._surely(value):
            return Verdict(value)
        try:
            found = sorted(self._validator.iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
        except RecursionError:
            return Verdict(None, (FieldError("", "nested too deeply to be checked"),))
        except Exception as error:  # an unresolvable reference, a pattern that Python does not take
            raise SchemaError(f"the schema cannot be applied: {clip(str(error))}") from error
        errors = []
        for outer in found:
            inner = jsonschema.exceptions.best_match([outer]) or outer  # of anyOf's branches, the one that came closest
            errors.append(FieldError(pointer(inner.absolute_path), clip(_in_json(inner))))
        return Verdict(None if errors else value, tuple(dict.fromkeys(errors)))

    def plain(self, value: Any) -> Any:
        verdict = self.check(value)
        if not verdict.ok:
            raise UsageError(f"{shown(value)} is no {self.name}: {verdict.errors[0]}")
        return value


@cache
def _format_checker() -> FormatChecker:
    """jsonschema's checks, and for the formats that masks enforce the very patterns that they enforce."""
    import jsonschema

    from trellis.schema.formats import ENFORCED, pattern_of

    def has(value: object, name: str) -> bool:
        pattern = pattern_of(name) if isinstance(value, str) else None
        return pattern is None or pattern.matches(str(value))

    checker = jsonschema.FormatChecker()
    for name in ENFORCED:
        checker.checks(name)(partial(has, name=name))
    return checker


_LITERAL = re.compile(r"'(?:[^'\\\n]|\\.)*'")  # what repr made of a text


def _in_json(error: JsonSchemaError) -> str:
    """jsonschema's message with values as the model writes them, not as Python does."""
    said, kept = error.message, list[str]()
    for value in (error.instance, error.validator_value):
        if (text := repr(value)) in said:
            said = said.replace(text, f"\0{len(kept)}\0", 1)
            kept.append(_as_json(value))
    said = _LITERAL.sub(lambda found: json.dumps(ast.literal_eval(found[0]), ensure_ascii=False), said)
    return re.sub(r"\0(\d)\0", lambda found: kept[int(found[1])], said)


def pydantic_errors(error: ValidationError, value: Any) -> tuple[FieldError, ...]:
    """pydantic's errors with JSON pointers into the value; its locations also name union members, which have none."""
    details = error.errors(include_url=False, include_context=False)
    return tuple(dict.fromkeys(FieldError(pointer(_path(detail, value)), _message(detail)) for detail in details))


def pointer(path: Sequence[str | int] | Any) -> str:
    """A path as JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def json_text(value: Any) -> str:
    """Minified JSON.

    Raises:
        UsageError: the value has no JSON form.
    """
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{shown(value)} has no JSON form: {error}") from error


def _path(detail: ErrorDetails, value: Any) -> list[str | int]:
    path: list[str | int] = []
    current = value
    for place, part in enumerate(detail["loc"]):
        inside = part in current if isinstance(current, dict) else (
            isinstance(current, list) and isinstance(part, int) and part < len(current))
        if inside:
            current = current[part]
        elif detail["type"] != "missing" or place < len(detail["loc"]) - 1:
            continue  # a member of a union, not a place
        path.append(part)
    return path


def _message(detail: ErrorDetails) -> str:
    said = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if detail["type"] in ("missing", "extra_forbidden", "value_error", "assertion_error"):
        return clip(said)
    return clip(f"{said}, got {_as_json(detail['input'])}")


def _as_json(value: Any) -> str:
    """What was found as the model wrote it: it is told, and does not write Python."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return shown(value)
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


def _name_in_prompt(output_type: Any) -> str:
    if isinstance(output_type, type) and not getattr(output_type, "__args__", None):
        name = output_type.__name__
        return "Answer" if output_type.__module__ == "builtins" else name if name.isidentifier() else identifier(name)
    item = getattr(output_type, "__args__", (None,))[0]
    if getattr(output_type, "__origin__", None) is list and isinstance(item, type) and item.__module__ != "builtins":
        return f"{_name_in_prompt(item)}List"
    return "Answer"


def clip(message: str) -> str:
    """A message, cut to ``MAX_MESSAGE`` characters."""
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 3] + "..."


def values_of(output_type: Any) -> Values:
    """The values of a Python type or of a JSON Schema.

    Raises:
        SchemaError, TypeNotSupportedError: there are none.
    """
    if isinstance(output_type, dict):
        return SchemaValues(output_type)
    if isinstance(output_type, str | bytes | int | float | list | tuple | set):
        raise TypeNotSupportedError(f"{shown(output_type)} is a value, not a type",
                                    hint="give a type, a JSON Schema as a dict, Choice([...]) or Regex(...)")
    return TypedValues(output_type)
