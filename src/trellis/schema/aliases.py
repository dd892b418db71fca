"""The further names under which pydantic takes a field: ``AliasChoices``, and the field's own beside its alias.

A prompt and a mask tell one name, the first. What a model writes all the same is read by any of them: a member that
would be dropped as unknown, and its field left at a default, would be lost in silence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic.json_schema import GenerateJsonSchema

Schema = dict[str, Any]
_KINDS = frozenset({"model", "dataclass", "typed-dict"})


def core_parts(core: Any) -> Iterator[dict[str, Any]]:
    """The parts of a pydantic core schema; not the data in it."""
    todo = [core]
    while todo:
        part = todo.pop()
        if isinstance(part, list | tuple):
            todo += part
        elif isinstance(part, dict):
            yield part
            todo += [inner for key, inner in part.items() if key not in ("metadata", "default", "expected")]


def has_other_names(core: Any) -> bool:
    """Whether a field somewhere in a pydantic core schema has more names than one."""
    return any(isinstance(part.get("validation_alias"), list) or (part.get("type") in _KINDS and _by_name(part))
               for part in core_parts(core))


def with_other_names(base: type[GenerateJsonSchema]) -> type[GenerateJsonSchema]:
    """A generator whose objects have every name of a field as a property; none of several is required."""

    class WithOtherNames(base):  # type: ignore[misc, valid-type]
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._by_name: list[bool] = [False]

        def model_schema(self, schema: Any) -> Schema:
            return self._within(schema, super().model_schema)

        def dataclass_schema(self, schema: Any) -> Schema:
            return self._within(schema, super().dataclass_schema)

        def _within(self, schema: Any, write: Any) -> Schema:
            self._by_name.append(_by_name(schema))
            found: Schema = write(schema)
            self._by_name.pop()
            return found

        def model_fields_schema(self, schema: Any) -> Schema:
            return _renamed(super().model_fields_schema(schema), schema["fields"].items(), self._by_name[-1])

        def typed_dict_schema(self, schema: Any) -> Schema:
            return _renamed(super().typed_dict_schema(schema), schema["fields"].items(), _by_name(schema))

        def dataclass_args_schema(self, schema: Any) -> Schema:
            fields = ((field["name"], field) for field in schema["fields"])
            return _renamed(super().dataclass_args_schema(schema), fields, self._by_name[-1])

    return WithOtherNames


def _by_name(schema: Any) -> bool:
    config = schema.get("config") or {}
    return bool(config.get("validate_by_name") or config.get("populate_by_name"))  # the latter before pydantic 2.11


def _renamed(found: Schema, fields: Iterable[tuple[str, Any]], by_name: bool) -> Schema:
    properties = dict(found.get("properties", {}))
    required = list(found.get("required", ()))
    for name, field in fields:
        alias = field.get("validation_alias")
        paths = [[alias]] if isinstance(alias, str) else alias or []
        if paths and by_name:
            paths = [*paths, [name]]
        told = next((path[0] for path in paths if path[0] in properties), None)
        if len(paths) < 2 or told is None:
            continue
        for path in paths:
            properties.setdefault(path[0], properties[told] if len(path) == 1 else {})
        required = [one for one in required if one != told]
    return {**found, "properties": properties, **({"required": required} if "required" in found else {})}
