"""Python types to JSON Schema, through pydantic.

One route for every type: ``pydantic.TypeAdapter`` says what it takes. Two things are changed on the way, both
because the schema is used to make output and not only to judge it: generated titles are dropped (they cost tokens and
say nothing), and objects with named fields are closed, since a field that the type does not have could only be lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trellis.errors import TypeNotSupportedError

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Schema = dict[str, Any]

_HINT = "use a pydantic model, dataclass, TypedDict, Enum, Literal, a scalar, list, dict or Union of those"
_TYPED_DICT = "in the fields of a class, before Python 3.12: from typing_extensions import TypedDict"


def adapter_of(output_type: Any) -> TypeAdapter[Any]:
    """The pydantic adapter of a type.

    Raises:
        TypeNotSupportedError: pydantic has no schema for the type.
    """
    from pydantic import TypeAdapter
    from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

    from trellis.schema.typed_dicts import with_pydantics_typed_dicts

    try:
        return TypeAdapter(with_pydantics_typed_dicts(output_type))
    except PydanticSchemaGenerationError as error:
        raise TypeNotSupportedError(
            f"{type_name(output_type)} is no type that a value can be made of",
            hint=_HINT,
        ) from error
    except PydanticUserError as error:
        hint = _TYPED_DICT if error.code == "typed-dict-version" else _HINT
        raise TypeNotSupportedError(f"{type_name(output_type)}: {error.message}", hint=hint) from error
    except (NameError, TypeError, RecursionError) as error:  # a name that is not defined, an argument that is no type
        raise TypeNotSupportedError(f"{type_name(output_type)}: {error}", hint=_HINT) from error


def json_schema_of(adapter: TypeAdapter[Any], name: str) -> Schema:
    """The JSON Schema (2020-12) of what the adapter takes, without generated titles and with closed objects.

    Raises:
        TypeNotSupportedError: some part of the type has no JSON form.
    """
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
    from pydantic.json_schema import GenerateJsonSchema

    class Quiet(GenerateJsonSchema):
        """A default without a JSON form is left out, and no warning is printed for it: it is never sent."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

    try:
        schema = adapter.json_schema(mode="validation", schema_generator=Quiet)
    except PydanticInvalidForJsonSchema as error:
        raise TypeNotSupportedError(f"{name} has a part without a JSON form: {error.message}", hint=_HINT) from error
    except PydanticUserError as error:
        raise TypeNotSupportedError(f"{name}: {error.message}", hint=_HINT) from error
    tidy: Schema = _tidy(schema)
    return tidy


def type_name(output_type: Any) -> str:
    """A short name for a type, for prompts and messages."""
    name = getattr(output_type, "__name__", None)
    return name if isinstance(name, str) and not getattr(output_type, "__args__", None) else str(output_type)


_SUBSCHEMA = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else")
_SUBSCHEMA_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SUBSCHEMA_MAPS = ("properties", "$defs", "patternProperties")


def _tidy(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return schema
    out = {key: value for key, value in schema.items() if key != "title"}
    for key in _SUBSCHEMA:
        if key in out:
            out[key] = _tidy(out[key])
    for key in _SUBSCHEMA_LISTS:
        if key in out:
            out[key] = [_tidy(member) for member in out[key]]
    for key in _SUBSCHEMA_MAPS:
        if key in out:
            out[key] = {name: _tidy(member) for name, member in out[key].items()}
    if "properties" in out and "additionalProperties" not in out and "patternProperties" not in out:
        out["additionalProperties"] = False
    return out
