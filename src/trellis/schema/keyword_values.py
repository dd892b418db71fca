"""Values of keywords: read with their types checked, so that a malformed schema is an error with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from trellis.errors import LimitError, SchemaError
from trellis.schema.resolve import Place, join
from trellis.schema.shapes import UNRESTRICTED, Conjunction, distinct, exact

MAX_DIGITS = 20_000  # before or behind the point of a bound
MAX_BITS = 66_000  # about as many digits


def types_of(value: Any, pointer: str) -> tuple[str, ...]:
    """The types that the value of ``type`` names, each once."""
    if isinstance(value, str) and value in UNRESTRICTED:
        return (value,)
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not names or not all(isinstance(name, str) for name in names):
        raise SchemaError("type must be a name or an array of names", pointer=join(pointer, "type"))
    for name in names:
        if name not in UNRESTRICTED:
            raise SchemaError(f"there is no type {name!r}", pointer=join(pointer, "type"),
                              hint="types are " + ", ".join(UNRESTRICTED))
    return tuple(name for name in dict.fromkeys(names) if not (name == "integer" and "number" in names))


def members_of(schema: Mapping[str, Any], keyword: str, pointer: str) -> list[Place]:
    """The schemas of a list of alternatives, with their places."""
    members = schema[keyword]
    if not isinstance(members, list) or not members:
        raise SchemaError(f"{keyword} must be a non-empty array of schemas", pointer=join(pointer, keyword))
    at = join(pointer, keyword)
    return [Place(member, f"{at}/{i}") for i, member in enumerate(members)]


def names_of(value: Any, pointer: str) -> tuple[str, ...]:
    """The names in an array of names, each once."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise SchemaError(f"{pointer.rsplit('/', 1)[-1]} must be an array of strings", pointer=pointer)
    return tuple(dict.fromkeys(value))


def place_of(schema: Any, pointer: str) -> Conjunction:
    """A schema as a conjunction; ``true`` is the empty one."""
    return () if schema is True else (Place(schema, pointer),)


def count_of(schema: Mapping[str, Any], keyword: str, pointer: str) -> int | None:
    """A length or a number of things, or None when the keyword is not there."""
    value = schema.get(keyword)
    if value is None and keyword not in schema:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or (
            not isinstance(value, int) and not exact(value).is_finite()) or value < 0 or value != int(value):
        raise SchemaError(f"{keyword} must be a non-negative integer", pointer=join(pointer, keyword))
    return int(value)


def number_of(schema: Mapping[str, Any], keyword: str, pointer: str) -> Decimal | None:
    """A number as it is written, or None when the keyword is not there."""
    value = schema.get(keyword)
    if value is None and keyword not in schema:
        return None
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise _too_large(keyword, pointer)
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)) or not exact(value).is_finite():
        raise SchemaError(f"{keyword} must be a number", pointer=join(pointer, keyword))
    number = exact(value)
    if number and not -MAX_DIGITS < number.adjusted() < MAX_DIGITS:
        raise _too_large(keyword, pointer)
    return number


def _too_large(keyword: str, pointer: str) -> LimitError:
    return LimitError(f"{keyword} has too many digits for a mask (at {join(pointer, keyword)})", limit="digits")


def type_name(value: Any) -> str:
    """What a value is, for messages."""
    names: dict[type, str] = {type(None): "null", str: "a string", list: "an array", int: "a number", float: "a number"}
    return names.get(type(value), type(value).__name__)


def literals_of(values: Iterable[Any], pointer: str) -> tuple[Any, ...]:
    """Values that are given one by one, each once."""
    try:
        return distinct(values)
    except ValueError as error:
        raise SchemaError(str(error), pointer=pointer) from None


def dependent_schemas(schema: Mapping[str, Any], general: set[str], pointer: str) -> Iterator[tuple[str, Place]]:
    """The schemas in dependentSchemas and dependencies, by the names that ask for them."""
    for keyword in ("dependentSchemas", "dependencies"):
        if keyword in general:
            dependent = schema[keyword]
            if not isinstance(dependent, Mapping):
                raise SchemaError(f"{keyword} must be an object", pointer=join(pointer, keyword))
            for name, inner in dependent.items():
                if isinstance(inner, (Mapping, bool)) and inner is not True:
                    yield name, Place(inner, join(pointer, keyword, name))
                elif keyword == "dependentSchemas" and inner is not True:
                    raise SchemaError("a schema must be an object or a boolean", pointer=join(pointer, keyword, name))
