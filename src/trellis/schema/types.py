"""Python types to JSON Schema, through pydantic.

One route for every type: ``pydantic.TypeAdapter`` says what it takes. Two things are changed on the way, both
because the schema is used to make output and not only to judge it: generated titles are dropped (they cost tokens and
say nothing), and objects with named fields are closed, since a field that the type does not have could only be lost.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
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
    except ImportError as error:  # pydantic takes email addresses with a package of their own
        raise TypeNotSupportedError(f"{type_name(output_type)}: {error}", hint="install that package") from error
    except (NameError, TypeError, RecursionError) as error:  # a name that is not defined, an argument that is no type
        raise TypeNotSupportedError(f"{type_name(output_type)}: {error}", hint=_HINT) from error


def json_schema_of(adapter: TypeAdapter[Any], name: str, *, other_names: bool = False) -> Schema:
    """The JSON Schema (2020-12) of what the adapter takes, without generated titles and with closed objects.

    Args:
        adapter: the type.
        name: how messages call it.
        other_names: whether the further names that a field may have (``AliasChoices``, ``populate_by_name``) are
            properties, too; pydantic then says whether it was there under one of them.

    Raises:
        TypeNotSupportedError: some part of the type has no JSON form.
    """
    from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUserError
    from pydantic.json_schema import GenerateJsonSchema

    from trellis.schema.aliases import with_other_names

    class Exact(GenerateJsonSchema):
        """What validation demands is in the schema as well. A default without a JSON form is left out, and no warning
        is printed for it: it is never sent."""

        ignored_warning_kinds = {"skipped-choice", "non-serializable-default"}  # noqa: RUF012

        def decimal_schema(self, schema: Any) -> Schema:
            """Numbers, or texts of them; digits are counted in both, bounds hold for numbers alone."""
            found: Schema = super().decimal_schema(schema)
            return _decimal(next(it for it in found.get("anyOf", [found]) if it.get("type") == "number"), schema)

        def datetime_schema(self, schema: Any) -> Schema:
            """With a zone, without one, or both, as the type has it."""
            return _zoned(super().datetime_schema(schema), schema)

        def time_schema(self, schema: Any) -> Schema:
            return _zoned(super().time_schema(schema), schema)

        def timedelta_schema(self, schema: Any) -> Schema:
            """Unlike the format ``duration``, Python's may be negative and have fractions of seconds."""
            found: Schema = super().timedelta_schema(schema)
            return found | {"format": "iso8601-duration"} if found.get("format") == "duration" else found

        def url_schema(self, schema: Any) -> Schema:
            """Of addresses with given schemes those whose host is a plain name or an IPv4 address."""
            found: Schema = super().url_schema(schema)
            schemes = schema.get("allowed_schemes")
            return found | {"pattern": f"^(?:{'|'.join(schemes)})://{_HOST}"} if schemes else found

        def set_schema(self, schema: Any) -> Schema:
            """Items that come twice are one in a set: they are forbidden where that counts, or masks can do it."""
            return self._without_unique(super().set_schema(schema), schema)

        def frozenset_schema(self, schema: Any) -> Schema:
            return self._without_unique(super().frozenset_schema(schema), schema)

        def _without_unique(self, found: Schema, schema: Any) -> Schema:
            items = self._plain(found.get("items", {}))
            if (schema.get("min_length") or 0) < 2 and len(items.get("enum", _MANY)) > MAX_DIFFERENT:
                del found["uniqueItems"]
            return found

        def _plain(self, schema: Schema) -> Schema:
            """A schema, or the one that it refers to."""
            while "$ref" in schema:
                schema = self.get_schema_from_definitions(schema["$ref"]) or {}
            return schema

        def dict_schema(self, schema: Any) -> Schema:
            """Names in JSON are strings: where keys are of another type, the strings that spell them."""
            found: Schema = super().dict_schema(schema)
            inner = schema.get("keys_schema")
            if inner is not None and inner["type"] == "literal":  # these are compared as they are, numbers never match
                return found | {"propertyNames": {"enum": [it for it in inner["expected"] if isinstance(it, str)]}}
            keys = self._plain({} if inner is None else self.generate_inner(inner))
            if "patternProperties" in found:  # pydantic leaves open what other keys have, and how long they are
                lengths = {name: keys[name] for name in ("minLength", "maxLength") if name in keys}
                return found | {"additionalProperties": False} | ({"propertyNames": lengths} if lengths else {})
            names = _names_of(keys)
            return found if names is None else found | {"propertyNames": names}

    try:
        generator = with_other_names(Exact) if other_names else Exact
        schema = adapter.json_schema(mode="validation", schema_generator=generator)
    except PydanticInvalidForJsonSchema as error:
        raise TypeNotSupportedError(f"{name} has a part without a JSON form: {error.message}", hint=_HINT) from error
    except PydanticUserError as error:
        raise TypeNotSupportedError(f"{name}: {error.message}", hint=_HINT) from error
    tidy: Schema = _tidy(schema)
    return tidy


MAX_DIFFERENT = 11  # values of which masks remember each
_MANY = range(MAX_DIFFERENT + 1)
_INTEGER = r"-?(?:0|[1-9][0-9]*)"
_SPELLED: dict[str, Schema] = {
    "integer": {"pattern": f"^{_INTEGER}$"},
    "number": {"pattern": rf"^{_INTEGER}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"},
    "boolean": {"enum": ["true", "false"]},
}


_LABEL = "(?:-[a-z0-9]+)*"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_HOST = (rf"(?:(?:[a-z0-9]+{_LABEL}[.])*[a-z][a-z0-9]*{_LABEL}|{_OCTET}(?:[.]{_OCTET}){{3}})"
         r"(?::(?:[1-5]\d{4}|\d{1,4}))?(?:[/?#]|$)")


def _zoned(found: Schema, constraints: Mapping[str, Any]) -> Schema:
    """The schema of a date and time, or of a time.

    Args:
        found: as pydantic says it: with a zone.
        constraints: ``tz_constraint`` among them.
    """
    zone, name = constraints.get("tz_constraint"), found.get("format")
    local = found | {"format": f"{name}-local"}
    if name not in ("date-time", "time") or zone == "aware" or isinstance(zone, int):
        return found
    return local if zone == "naive" else {"anyOf": [found, local]}


def _decimal(number: Schema, constraints: Mapping[str, Any]) -> Schema:
    """The schema of a Decimal.

    Args:
        number: what numbers have to be, as pydantic says it.
        constraints: ``max_digits`` and ``decimal_places`` among them.
    """
    places, digits = constraints.get("decimal_places"), constraints.get("max_digits")
    bounded = len(number) > 1
    if places is not None:
        number = number | {"multipleOf": float(f"1e-{places}")} if "multipleOf" not in number else number
        if digits is not None and digits >= places:
            limit = 10 ** (digits - places)
            number = {"exclusiveMinimum": -limit, "exclusiveMaximum": limit} | number
    if bounded:
        return number  # no pattern holds a text to a bound
    if digits is None:
        fraction = r"(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]{1,6})?" if places is None else _up_to(places)
        return {"anyOf": [number, {"type": "string", "pattern": f"^{_INTEGER}{fraction}$"}]}
    splits = range(1, digits + 1) if places is None else [max(digits - places, 1)]
    most = digits if places is None else places
    ways = [rf"(?:0|[1-9][0-9]{{0,{whole - 1}}}){_up_to(min(digits - whole, most))}" for whole in splits]
    text = {"type": "string", "pattern": f"^-?(?:{'|'.join(ways)})$"}
    return text if places is None else {"anyOf": [number, text]}


def _up_to(places: int) -> str:
    return rf"(?:\.[0-9]{{1,{places}}})?" if places else ""


def _names_of(keys: Schema) -> Schema | None:
    """What names have to be for keys of a schema; None where the keys are strings."""
    if "enum" in keys or "const" in keys:
        values = keys["enum"] if "enum" in keys else [keys["const"]]
        return {"enum": [value if isinstance(value, str) else json.dumps(value) for value in values]}
    if "anyOf" in keys:
        members = [_names_of(member) for member in keys["anyOf"]]
        return None if None in members else {"anyOf": members}
    kind = keys.get("type")
    least = keys.get("minimum", keys.get("exclusiveMinimum"))
    if kind == "integer" and least is not None and least >= 0:
        return {"pattern": _SPELLED["integer"]["pattern"].replace("-?", "")}
    return _SPELLED.get(kind) if isinstance(kind, str) else None


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
