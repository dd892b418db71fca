"""A JSON Schema as TypeScript-like interfaces: the cheapest rendering that keeps names, options and enums.

For a nested invoice it takes 176 tokens where indented JSON Schema takes 879. Objects are named once and referred to by
name, so a type that is used twice, or that contains itself, costs nothing extra. What TypeScript cannot say (bounds,
patterns, formats, descriptions) stands in a comment at the end of the field's line, or behind the item or member of a
union that it is said of; what a class says of itself stands above it. Conditions (``if``, ``not`` and the like) stand
there as JSON Schema.
"""

from __future__ import annotations

import json
import re
from typing import Any

from trellis.errors import SchemaError

Schema = dict[str, Any]

_BOUNDS = (
    ("minimum", ">= {}"),
    ("exclusiveMinimum", "> {}"),
    ("maximum", "<= {}"),
    ("exclusiveMaximum", "< {}"),
    ("multipleOf", "multiple of {}"),
    ("uniqueItems", "no item twice"),
    ("pattern", "matches /{}/"),
    ("format", "{}"),
)
_COUNTS = (("minLength", "maxLength", "character"), ("minItems", "maxItems", "item"),
           ("minProperties", "maxProperties", "member"))
_CONDITIONS = ("not", "if", "then", "else", "dependentRequired", "dependentSchemas", "contains", "minContains",
               "maxContains")
_UNIONS = ("anyOf", "oneOf", "allOf")
_SCALARS = {"string": "string", "integer": "integer", "number": "number", "boolean": "boolean", "null": "null"}


def render(schema: Schema | bool, name: str = "Answer") -> str:
    """Interfaces for every object in the schema, the root last, or one ``type`` line when the root is no object.

    Args:
        schema: a JSON Schema whose references stay within it.
        name: the name of the root type.

    Raises:
        SchemaError: a reference leads nowhere.
    """
    try:
        return _Renderer(schema, name).text()
    except RecursionError:
        raise SchemaError("the schema is nested too deeply") from None


class _Renderer:
    def __init__(self, schema: Schema | bool, name: str) -> None:
        self.root = schema
        self.name = name
        self.blocks: dict[str, str] = {}  # name -> text, in the order of print
        self.sources: dict[str, Schema] = {}  # name -> the schema that it was given to
        self.open: dict[int, str] = {}  # references that are being written out, by the identity of what they mean
        self.recursive: set[int] = set()
        self.written: dict[int, str] = {}
        self.told: set[int] = set()  # objects whose description stands at a field's line, by their identity

    def text(self) -> str:
        root, _ = self._follow(self.root, self.name) if isinstance(self.root, dict) else (self.root, self.name)
        if isinstance(root, dict) and _is_record(root):
            self._interface(root, self.name)
        else:
            comment = ""
            if isinstance(root, dict):
                self.sources[self.name] = root  # no part of it may take its name
                comment = _comment(root)
                self.open[id(root)] = self.name
            text = self._expression(root, self.name) if isinstance(root, dict) else self._type(root, self.name)
            self.blocks[self.name] = f"type {self.name} = {text}{comment}"
        return "\n".join(self.blocks.values())

    def _follow(self, schema: Schema, name: str) -> tuple[Schema | bool, str]:
        """The schema behind a chain of references, and the name of the last one."""
        seen: set[str] = set()
        current: Schema | bool = schema
        while isinstance(current, dict) and isinstance(current.get("$ref"), str):
            reference: str = current["$ref"]
            if reference in seen:
                raise SchemaError(f"reference {reference!r} refers to itself")
            seen.add(reference)
            current = self._resolve(reference)
            name = identifier(reference.rsplit("/", 1)[-1]) if reference != "#" else self.name
        return current, name

    def _resolve(self, reference: str) -> Schema | bool:
        target: Any = self.root
        if not reference.startswith("#"):
            raise SchemaError(f"reference {reference!r} leaves the document")
        for part in reference[1:].split("/")[1:]:
            part = part.replace("~1", "/").replace("~0", "~")
            try:
                target = target[int(part)] if isinstance(target, list) else target[part]
            except (KeyError, IndexError, ValueError, TypeError):
                raise SchemaError(f"reference {reference!r} leads nowhere", pointer=reference[1:]) from None
        if not isinstance(target, (dict, bool)):
            raise SchemaError(f"reference {reference!r} leads to no schema", pointer=reference[1:])
        return target

    def _free(self, name: str, schema: Schema) -> str:
        """The name, with a mark if something else has it already."""
        while name in self.sources and self.sources[name] is not schema:
            name += "_"
        return name

    def _interface(self, schema: Schema, name: str) -> str:
        name = self._free(name, schema)
        if name in self.sources:
            return name  # named before, or being named: a recursive mention
        self.sources[name] = schema
        required = schema.get("required", [])
        lines = []
        for key, member in schema.get("properties", {}).items():
            mark = "" if key in required else "?"
            label = key if re.fullmatch(r"[A-Za-z_$][\w$]*", key) else json.dumps(key, ensure_ascii=False)
            if isinstance(member, dict) and "$ref" not in member:
                self.told |= {id(member), id(_only_member(member))}
            kind = self._type(member, identifier(f"{name}_{key}"))
            lines.append(f"  {label}{mark}: {kind}{_comment(member)}")
        for key, value in self._others(schema, name):
            lines.append(f"  [key: {key}]: {value}")
        said = ["" if id(schema) in self.told else _description(schema), _conditions(schema)]
        self.blocks[name] = "\n".join([*(f"// {one}" for one in said if one), f"interface {name} {{", *lines, "}"])
        return name

    def _others(self, schema: Schema, name: str) -> list[tuple[str, str]]:
        """The names that are not declared, and their values: by pattern, then all others if they are mentioned."""
        found = []
        value_name = identifier(f"{name}_value")
        patterns = schema.get("patternProperties")
        for pattern, value in patterns.items() if isinstance(patterns, dict) else ():
            if value is not False:
                found.append((f"string /* matches /{pattern}/ */", self._noted(value, value_name)))
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) or extra is True:
            found.append((self._noted(schema.get("propertyNames", {"type": "string"}), identifier(f"{name}_key")),
                          self._noted(extra, value_name)))
        return found

    def _noted(self, schema: Any, name: str) -> str:
        """A type within another, with what TypeScript cannot say of it."""
        kind = self._type(schema, name)
        notes = "" if isinstance(schema, dict) and _is_record(schema) else _notes(schema)
        return f"{kind} /* {notes} */" if notes else kind

    def _type(self, schema: Any, name: str) -> str:
        if not isinstance(schema, dict):
            return "any" if schema is not False else "never"
        target, name = self._follow(schema, name)
        if not isinstance(target, dict):
            return self._type(target, name)
        if target is not schema and not _is_record(target):
            return self._reference(target, name)
        return self._expression(target, name)

    def _reference(self, schema: Schema, name: str) -> str:
        """A type that is no record is written out where it is referred to; one that contains itself gets a name."""
        key = id(schema)
        if key in self.open:
            self.recursive.add(key)
            return self.open[key]
        if key not in self.written:
            self.open[key] = name = self._free(name, schema)
            text = self._expression(schema, name)
            del self.open[key]
            if key in self.recursive:
                self.sources[name] = schema
                self.blocks[name] = f"type {name} = {text}"
            self.written[key] = name if key in self.recursive else text
        return self.written[key]

    def _expression(self, schema: Schema, name: str) -> str:
        if "const" in schema:
            return _literal(schema["const"])
        if "enum" in schema:
            return " | ".join(map(_literal, schema["enum"]))
        if _is_record(schema):
            return self._interface(schema, name)
        for key in ("anyOf", "oneOf"):
            if key in schema:
                write = self._type if _only_member(schema) is not None else self._noted
                members = [write(member, f"{name}_{i}" if i else name) for i, member in enumerate(schema[key])]
                return " | ".join(dict.fromkeys(members))
        if "allOf" in schema:
            return " & ".join(
                dict.fromkeys(
                    self._type(member, f"{name}_{i}" if i else name) for i, member in enumerate(schema["allOf"])
                )
            )
        kinds = schema.get("type")
        if isinstance(kinds, list):
            return " | ".join(self._type({**schema, "type": kind}, name) for kind in kinds)
        if kinds == "object":
            others = self._others(schema, name) or [("string", "never" if _is_closed(schema) else "any")]
            return " & ".join(f"Record<{key}, {value}>" for key, value in others)
        if kinds == "array" or (kinds is None and ("items" in schema or "prefixItems" in schema)):
            return self._array(schema, name)
        return _SCALARS.get(kinds or "", "any")

    def _array(self, schema: Schema, name: str) -> str:
        fixed = [self._noted(member, f"{name}_{i}") for i, member in enumerate(schema.get("prefixItems", []))]
        rest = schema.get("items", True)
        if fixed:
            closed = rest is False or schema.get("maxItems") == len(fixed)
            return f"[{', '.join(fixed)}{'' if closed else f', ...{self._items(rest, name)}'}]"
        return self._items(rest, identifier(f"{name}_item"))

    def _items(self, schema: Any, name: str) -> str:
        kind = self._noted(schema, name)
        return f"({kind})[]" if " " in kind else f"{kind}[]"


def _is_record(schema: Schema) -> bool:
    return bool(schema.get("properties")) and schema.get("type", "object") == "object"


def _is_closed(schema: Schema) -> bool:
    return schema.get("additionalProperties") is False


def _only_member(schema: Schema) -> Schema | None:
    """What may be null, in a union of that and null: its notes are those of the whole."""
    union: list[Any] = schema.get("anyOf") or schema.get("oneOf") or []
    members = [member for member in union if member != {"type": "null"}]
    return members[0] if len(members) == 1 and isinstance(members[0], dict) else None


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def identifier(name: str) -> str:
    """A name as TypeScript takes it, from the words of another."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "".join(word[:1].upper() + word[1:] for word in words)
    return joined if joined and not joined[0].isdigit() else f"T{joined}"


def _count(least: float | None, most: float | None, noun: str) -> str:
    least, most = (None if bound is None else int(bound) for bound in (least, most))  # 3.0 is a count as well
    nouns = noun if (least if most is None else most) == 1 else f"{noun}s"
    if least == most:
        return f"exactly {most} {nouns}"
    if least and most is not None:
        return f"{least} to {most} {nouns}"
    return f"at least {least} {nouns}" if least else f"at most {most} {nouns}"


def _comment(schema: Any) -> str:
    notes = _notes(schema)
    return f" // {notes}" if notes else ""


def _description(schema: Schema) -> str:
    said = schema.get("description")
    return " ".join(said.split()) if isinstance(said, str) else ""


def _conditions(schema: Schema) -> str:
    """What TypeScript has no word for, as it stands."""
    said = [*_CONDITIONS, *(_UNIONS if _is_record(schema) else ())]
    if "additionalProperties" not in schema:
        said.append("propertyNames")
    conditions = {key: schema[key] for key in said if key in schema}
    return f"valid against JSON Schema {_small(conditions)}" if conditions else ""


def _small(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _notes(schema: Any) -> str:
    """What TypeScript cannot say of a schema, in a few words."""
    if not isinstance(schema, dict):
        return ""
    told = ((text, schema.get(key)) for key, text in _BOUNDS)
    notes = [_count(schema.get(least), schema.get(most), noun) for least, most, noun in _COUNTS
             if schema.get(least) or schema.get(most) is not None]
    notes += [text.format(value) for text, value in told if value is not None and value is not False]
    notes.append("" if _is_record(schema) else _conditions(schema))
    inner = _only_member(schema)
    return ", ".join(filter(None, [_description(schema), *notes, _notes(inner)]))
