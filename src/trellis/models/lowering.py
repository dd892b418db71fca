"""A JSON Schema as a provider's strict mode takes it, and its answers read back.

Strict modes know a part of JSON Schema, a ``Subset``: objects are closed, often all their properties are required, a
root is an object. What can be said in that part is rewritten (an optional property becomes one that may be null, a root
that is no object is wrapped in ``{"value": ...}``); constraints that cannot are dropped and reported, since they are
checked here anyway; a shape that cannot (free keys, tuples, "anything") is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from trellis.errors import UnsupportedError

Schema = dict[str, Any]

_CONSTRAINTS = ("pattern", "format", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
                "minItems", "maxItems", "minLength", "maxLength")
_VALUES = ("description", "enum", "const", "type")
_NOTES = ("title", "default", "examples", "$schema", "$id", "$comment", "deprecated", "readOnly", "writeOnly",
          "$defs", "definitions")
_SHAPE = ("properties", "required", "additionalProperties", "items", "anyOf", "oneOf", "allOf", "$ref")
_JSON_TYPES = ((bool, "boolean"), (str, "string"), (int, "integer"), (float, "number"), (type(None), "null"))


@dataclass(frozen=True)
class Subset:
    """What a strict mode takes of JSON Schema.

    Attributes:
        name: whose it is, for messages.
        constraints: the keywords it enforces beside types, values and shapes.
        formats: the values of ``format`` that it enforces.
        all_required: whether it wants every property required.
        recursive: whether a definition may lead to itself.
        most_min_items: the largest ``minItems`` that it takes, ``None`` for any.
    """

    name: str
    constraints: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    all_required: bool = True
    recursive: bool = True
    most_min_items: int | None = None

    @property
    def kept(self) -> tuple[str, ...]:
        return (*_VALUES, *self.constraints)


_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")
ANY = Subset("any", _CONSTRAINTS)
"""A server that takes a schema as it is: nothing is lowered."""
OPENAI = Subset("OpenAI's strict mode", tuple(name for name in _CONSTRAINTS if "Length" not in name), _FORMATS)
ANTHROPIC = Subset("Anthropic's schema mode", ("format", "minItems"), (*_FORMATS, "uri"), all_required=False,
                   recursive=False, most_min_items=1)


@dataclass(frozen=True)
class Lowered:
    """A schema to send.

    Attributes:
        schema: what the server is given.
        dropped: JSON pointers of the keywords that it is not given.
        wrapped: whether the answer stands under ``value``.
        original: the schema that the answer is for, where optional properties were made nullable, else ``None``.
    """

    schema: Schema
    dropped: tuple[str, ...] = ()
    wrapped: bool = False
    original: Schema | None = None

    @property
    def changes_answers(self) -> bool:
        """Whether something has to be taken out of an answer again, which is not shown before."""
        return self.wrapped or self.original is not None

    def restore(self, text: str) -> str:
        """The answer that was asked for; verbatim where nothing has to be taken away."""
        if self.wrapped:
            text = _unwrap(text)
        if self.original is None:
            return text
        try:
            value = json.loads(text)
            return json.dumps(value, ensure_ascii=False, separators=(",", ":")) if _drop_nulls(
                value, self.original, self.original) else text
        except (ValueError, RecursionError):
            return text


def wrapped(schema: Schema) -> Lowered:
    """An object around a schema, for servers that want one at the root."""
    definitions = {key: schema[key] for key in ("$defs", "definitions") if key in schema}
    inner = {key: value for key, value in schema.items() if key not in definitions}
    moved = json.loads(re.sub(r'"\$ref": "#(?!/(?:\$defs|definitions)/)', '"$ref": "#/properties/value',
                              json.dumps({**definitions, "value": inner})))
    root = {"type": "object", "properties": {"value": moved.pop("value")}, "required": ["value"],
            "additionalProperties": False, **moved}
    return Lowered(root, wrapped=True)


def lower(schema: Schema, subset: Subset = OPENAI) -> Lowered:
    """The schema in a provider's subset.

    Raises:
        UnsupportedError: its shape has no form there (JSON pointer).
    """
    if subset is ANY:
        return Lowered(schema)
    lowering = _Lowering(schema, subset)
    body = lowering.schema(_followed(schema, schema), "")  # a root that is a reference is written out
    definitions = {name: lowering.schema(member, f"/{key}/{name}")
                   for key in ("$defs", "definitions") for name, member in schema.get(key, {}).items()}
    if definitions:
        body["$defs"] = definitions
    original = schema if lowering.nullable else None
    if body.get("type") == "object":
        return Lowered(body, tuple(lowering.dropped), original=original)
    outer = wrapped(body)
    return Lowered(outer.schema, tuple(lowering.dropped), wrapped=True, original=original)


class _Lowering:
    def __init__(self, root: Schema, subset: Subset) -> None:
        self.root, self.subset = root, subset
        self.dropped: list[str] = []
        self.nullable = False

    def schema(self, schema: Any, pointer: str) -> Schema:
        if not isinstance(schema, dict):
            raise self.refused("a boolean schema", pointer)
        if len(schema.get("allOf", ())) == 1:
            schema = {**{key: value for key, value in schema.items() if key != "allOf"}, **schema["allOf"][0]}
        if "allOf" in schema:
            raise self.refused("allOf", pointer)
        kept = self.subset.kept
        self.dropped += [f"{pointer}/{key}" for key in schema if key not in (*kept, *_SHAPE, *_NOTES)]
        if "$ref" in schema:
            self.dropped += [f"{pointer}/{key}" for key in schema if key in (*kept, *_SHAPE) and key != "$ref"
                             and key != "description"]
            return {"$ref": self.reference(schema["$ref"], pointer)}
        out = {key: schema[key] for key in kept if key in schema}
        self._known_values(out, pointer)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                out["anyOf"] = [self.schema(member, f"{pointer}/{key}/{i}") for i, member in enumerate(schema[key])]
        if "oneOf" in schema:
            self.dropped.append(f"{pointer}/oneOf (sent as anyOf)")
        self._type(out, pointer)
        kinds = out.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        if "enum" in out or "const" in out:
            return out
        if "object" in kinds:
            out.update(self._object(schema, pointer))
        if "array" in kinds:
            if "items" not in schema:
                raise self.refused("an array whose items may be anything", pointer)
            out["items"] = self.schema(schema["items"], f"{pointer}/items")
        return out

    def _known_values(self, out: Schema, pointer: str) -> None:
        """Drops what the subset knows the keyword of, but not this value."""
        most = self.subset.most_min_items
        too_many = most is not None and isinstance(out.get("minItems"), int) and out["minItems"] > most
        for key, unknown in (("format", out.get("format") not in self.subset.formats), ("minItems", too_many)):
            if key in out and unknown:
                self.dropped.append(f"{pointer}/{key}")
                del out[key]

    def _type(self, out: Schema, pointer: str) -> None:
        if "type" in out or "anyOf" in out:
            return
        values = out["enum"] if "enum" in out else [out["const"]] if "const" in out else None
        if values is None:
            raise self.refused("a value of any type", pointer)
        kinds = {next((name for kind, name in _JSON_TYPES if isinstance(value, kind)), "") for value in values}
        if "" in kinds:
            raise self.refused("an enum of objects or arrays", pointer)
        out["type"] = kinds.pop() if len(kinds) == 1 else sorted(kinds)

    def _object(self, schema: Schema, pointer: str) -> Schema:
        properties = schema.get("properties")
        if not properties or isinstance(schema.get("additionalProperties"), dict):
            raise self.refused("an object with free keys", pointer)
        required = schema.get("required", ())
        out = {}
        for name, member in properties.items():
            out[name] = self.schema(member, f"{pointer}/properties/{name}")
            if self.subset.all_required and name not in required and not _takes_null(member, self.root):
                out[name] = {"anyOf": [out[name], {"type": "null"}]}
                self.nullable = True
        return {"properties": out, "required": list(out) if self.subset.all_required else list(required),
                "additionalProperties": False}

    def reference(self, reference: str, pointer: str) -> str:
        if reference != "#" and not re.fullmatch(r"#/(\$defs|definitions)/[^/]+", reference):
            raise self.refused(f"the reference {reference}", pointer)
        if not self.subset.recursive and _leads_to_itself(self.root, reference):
            raise self.refused("a type that holds itself", pointer)
        return reference.replace("#/definitions/", "#/$defs/")

    def refused(self, what: str, pointer: str) -> UnsupportedError:
        return UnsupportedError(f"{self.subset.name} has no form for {what} (at {pointer or 'the root'})",
                                pointer=pointer,
                                hint='mode="json" or mode="prompt" take it')


def _leads_to_itself(root: Schema, reference: str) -> bool:
    seen: set[str] = set()
    left = [reference]
    while left:
        for found in set(re.findall(r'"\$ref": "([^"]*)"', json.dumps(_target(root, left.pop())))):
            if found == reference:
                return True
            if found not in seen:
                seen.add(found)
                left.append(found)
    return False


def _target(root: Schema, reference: str) -> Any:
    target: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        target = target.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(target, dict) else None
    return target


def _followed(schema: Any, root: Schema) -> Any:
    """The schema behind references; one that leads round in a circle ends as it is."""
    for _ in range(20):
        if not isinstance(schema, dict) or not isinstance(schema.get("$ref"), str):
            break
        schema = _target(root, schema["$ref"])
    return schema


def _takes_null(schema: Any, root: Schema) -> bool:
    schema = _followed(schema, root)
    if not isinstance(schema, dict):
        return schema is True
    kinds = schema.get("type", ())
    return ("null" in ([kinds] if isinstance(kinds, str) else kinds) or None in schema.get("enum", ())
            or any(_takes_null(member, root) for key in ("anyOf", "oneOf") for member in schema.get(key, ())))


def _unwrap(text: str) -> str:
    """What stands under ``value``, character by character; also of an answer that was cut off."""
    opening = re.match(r'\s*\{\s*"value"\s*:\s*', text)
    if not opening:
        return text
    rest = text[opening.end() :].rstrip()
    return rest[:-1].rstrip() if rest.endswith("}") and not _reads(rest) else rest


def _reads(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _drop_nulls(value: Any, schema: Any, root: Schema) -> bool:
    """Takes out, in place, the nulls of optional properties that do not take null; whether there were any."""
    schema = _followed(schema, root)
    if not isinstance(schema, dict):
        return False
    changed = False
    for key in ("anyOf", "oneOf", "allOf"):
        for member in schema.get(key, ()):
            changed = (_fits(value, member, root) and _drop_nulls(value, member, root)) or changed
    if isinstance(value, list):
        return sum(_drop_nulls(item, schema.get("items"), root) for item in value) > 0 or changed
    if isinstance(value, dict):
        for name, member in schema.get("properties", {}).items():
            if name not in value:
                continue
            if value[name] is None and name not in schema.get("required", ()) and not _takes_null(member, root):
                del value[name]
                changed = True
            else:
                changed = _drop_nulls(value[name], member, root) or changed
    return changed


def _fits(value: Any, schema: Any, root: Schema) -> bool:
    """Whether a branch may be the one that a value was written for, by its keys."""
    schema = _followed(schema, root)
    if not isinstance(schema, dict):
        return False
    return set(value) == set(schema.get("properties", ())) if isinstance(value, dict) else isinstance(value, list)
