"""What callers may give as ``schema``: a JSON Schema, or a Python type, which has one."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from functools import lru_cache
from types import UnionType
from typing import Any, TypeAlias, cast, get_origin

from ..errors import SchemaError, TypeNotSupportedError

SchemaLike: TypeAlias = Mapping[str, Any] | bool | type[Any] | UnionType | None
"""A JSON Schema as data, or a type that ``generate_structured`` takes: a pydantic model, dataclass, TypedDict, ..."""


def json_schema(schema: SchemaLike) -> Any:
    """The JSON Schema of a type; anything else as it is.

    Raises:
        SchemaError: the type has no JSON Schema.
    """
    if not isinstance(schema, type) and get_origin(schema) is None:
        return schema
    try:
        return _of_type(cast(Hashable, schema))
    except TypeNotSupportedError as error:
        raise SchemaError(f"the type has no JSON Schema: {error.message}", hint=error.hint) from error


@lru_cache(maxsize=128)
def _of_type(output_type: Any) -> Any:
    from ..schema.types import adapter_of, json_schema_of, type_name  # with pydantic

    return json_schema_of(adapter_of(output_type), type_name(output_type))
