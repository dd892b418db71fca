"""References within a schema document and to others that were given: JSON pointers, anchors, ``$id``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from trellis.errors import SchemaError, UnsupportedError

Schema = Mapping[str, Any] | bool
#: Keywords whose values are schemas or arrays of them, and those whose values hold schemas by name.
SCHEMAS = frozenset({
    "items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "additionalProperties", "propertyNames",
    "unevaluatedProperties", "not", "if", "then", "else", "allOf", "anyOf", "oneOf", "contentSchema"})
_ANCHORS = frozenset({"$anchor", "$dynamicAnchor", "$recursiveAnchor"})
MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})


class Place(NamedTuple):
    """A schema and the JSON pointer to it within its document; or what does not satisfy that schema."""

    schema: Schema
    pointer: str
    negated: bool = False

    @property
    def key(self) -> int:
        """What makes two places the same, while their document is alive."""
        return ~id(self.schema) if self.negated else id(self.schema)


def negate(place: Place) -> Place:
    """The place of all that does not satisfy a place's schema."""
    if isinstance(place.schema, bool):
        return Place(not place.schema, place.pointer)
    return place._replace(negated=not place.negated)


def join(pointer: str, *tokens: str | int) -> str:
    """A JSON pointer, some steps further down (RFC 6901 escapes)."""
    return pointer + "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def split(pointer: str) -> list[str]:
    """The steps of a JSON pointer."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


class DynamicScopeError(UnsupportedError):
    """What a reference means depends on the way to it; ``ScopedDocument`` tells the ways apart."""


class _Target(NamedTuple):
    """Where a reference leads, and the dynamic anchor by which another schema may take that one's place."""

    place: Place
    anchor: str | None


class _Resource(NamedTuple):
    """A schema with an address of its own, and its anchors."""

    place: Place
    anchors: dict[str, Place]
    dynamic: set[str]  # which of them are dynamic; "" when it is one by $recursiveAnchor


class Document:
    """A schema document whose references are followed, never over a network.

    Args:
        root: the whole document.
        registry: other documents by their addresses.
    """

    def __init__(self, root: Schema, registry: Mapping[str, Schema] | None = None) -> None:
        self.root = self._source = root
        self._registry = {_address(uri): schema for uri, schema in (registry or {}).items()}
        self._found: dict[tuple[str, str, str], _Target] = {}
        self._settled: set[str] = set()  # dynamic anchors that something was found by
        self._resources: dict[str, _Resource] = {}
        self._bases: dict[str, str] | None = None  # of pointers where an address begins

    @property
    def dialect(self) -> int:
        """The draft that ``$schema`` names: 3, 4, 6, 7, 2019 or 2020 (also when it names none)."""
        return _dialect(self.root)

    def dialect_at(self, pointer: str) -> int:
        """The draft that the schema at a place is written for: what the document that it is in names, or else the
        root."""
        if pointer[:1] in ("", "/"):
            return self.dialect
        address = pointer.partition("#")[0]
        document = self._registry.get(address, _metaschema(address))
        return _dialect(document) if isinstance(document, Mapping) and "$schema" in document else self.dialect

    def resolve(self, reference: str, pointer: str, keyword: str = "$ref", holder: Schema = True) -> Place:
        """The schema that a reference means.

        Args:
            reference: the value of ``$ref``, ``$dynamicRef`` or ``$recursiveRef``.
            pointer: where it stands.
            keyword: which of them it is.
            holder: the schema that it stands in.

        Raises:
            SchemaError: it leads nowhere.
            UnsupportedError: it leads to a document that was not given.
            DynamicScopeError: its meaning depends on the way there.
        """
        target = self._target(reference, pointer, keyword)
        if target.anchor is not None:
            if sum(target.anchor in other.dynamic for other in self._resources.values()) > 1:
                raise DynamicScopeError(f"what {keyword} {reference!r} means depends on the way there",
                                        pointer=join(pointer, keyword), hint="refer to the schema itself with $ref")
            self._settled.add(target.anchor)
        return target.place

    def _target(self, reference: str, pointer: str, keyword: str) -> _Target:
        """Where a reference leads, whatever the way to it."""
        at = join(pointer, keyword)
        if not isinstance(reference, str):
            raise SchemaError(f"{keyword} must be a string", pointer=at)
        base = self._base_of(pointer)
        target = self._found.get((base, reference, keyword))
        if target is None:
            target = self._found[base, reference, keyword] = self._follow(reference, base, keyword, at)
        return target

    def _follow(self, reference: str, base: str, keyword: str, pointer: str) -> _Target:
        try:
            address, fragment = urldefrag(reference)
            address = urldefrag(urljoin(base, address))[0] if address else base
        except ValueError as error:
            raise SchemaError(f"the reference {reference!r} is no URI: {error}", pointer=pointer) from error
        resource = self._resource(address)
        if resource is None:
            raise UnsupportedError(f"the reference {reference!r} leads out of the document (at {pointer})",
                                   pointer=pointer,
                                   hint="put what it refers to under $defs, or give that document in registry")
        fragment = unquote(fragment)
        if fragment[:1] in ("", "/"):
            place = _at(resource.place, fragment)
            dynamic = keyword == "$recursiveRef" and "" in resource.dynamic and not fragment
        else:
            place = resource.anchors.get(fragment)
            dynamic = keyword == "$dynamicRef" and fragment in resource.dynamic
        if place is None or not isinstance(place.schema, (Mapping, bool)):
            raise SchemaError(f"the reference {reference!r} leads to no schema", pointer=pointer)
        return _Target(place, fragment if dynamic else None)

    @property
    def is_one_resource(self) -> bool:
        """Whether nothing below the root has an address of its own, and no other document was referred to."""
        self._base_of("")
        return len(self._bases or ()) == 1

    def at(self, pointer: str) -> Any:
        """What a pointer within the document leads to; None when it leads out of it or nowhere."""
        place = _at(Place(self.root, ""), pointer) if pointer[:1] in ("", "/") else None
        return None if place is None else place.schema

    def _base_of(self, pointer: str) -> str:
        """The address that references at a place are relative to."""
        if self._bases is None:
            self._bases = {}
            self._load("", self._source, "")
        while pointer and pointer not in self._bases:
            pointer = pointer[: pointer.rfind("/")] if "/" in pointer.rpartition("#")[2] else ""
        return self._bases[pointer]

    def _resource(self, address: str) -> _Resource | None:
        known = self._resources.get(address)
        if known is None and (document := self._registry.get(address, _metaschema(address))) is not None:
            self._load(address, document, f"{address}#")
            known = self._resources.get(address)
            names = [name for resource in self._resources.values() for name in resource.dynamic]
            if any(names.count(name) > 1 for name in self._settled):
                raise DynamicScopeError("what a $dynamicRef means depends on the way there", pointer=f"{address}#",
                                        hint="refer to the schema itself with $ref")
        return known

    def _load(self, address: str, root: Schema, at: str) -> None:
        """Find every address and anchor in a document."""
        assert self._bases is not None
        dialect = _dialect(root) if isinstance(root, Mapping) and "$schema" in root else self.dialect
        bases = self._bases
        bases[at] = address
        resource = self._resources[address] = _Resource(Place(root, at), {}, set())
        below = _speaks_of_addresses(root, dialect)
        work: list[tuple[Any, str, str, _Resource]] = [(root, at, address, resource)]
        while work:
            value, pointer, base, resource = work.pop()
            if isinstance(value, list):
                work += [(item, f"{pointer}/{i}", base, resource) for i, item in enumerate(value)
                         if isinstance(item, (Mapping, list))]
            elif isinstance(value, Mapping):
                identifier = _identifier(value, dialect)
                if identifier.startswith("#"):
                    resource.anchors.setdefault(identifier[1:], Place(value, pointer))
                elif identifier:
                    base = _joined(base, identifier)
                    bases[pointer] = base
                    resource = self._resources.setdefault(base, _Resource(Place(value, pointer), {}, set()))
                for keyword in ("$anchor", "$dynamicAnchor"):
                    if isinstance(name := value.get(keyword), str):
                        resource.anchors.setdefault(name, Place(value, pointer))
                        if keyword == "$dynamicAnchor":
                            resource.dynamic.add(name)
                if value.get("$recursiveAnchor") is True:
                    resource.dynamic.add("")
                if below:
                    work += [(inner, at, base, resource) for inner, at in inner_schemas(value, pointer)]


def _speaks_of_addresses(root: Any, dialect: int) -> bool:
    """Whether something below a document's root may have an address or anchor of its own: a quick look at all of it."""
    work = list(root.values()) if isinstance(root, Mapping) else []
    seen: set[int] = set()  # one object may stand at many places
    while work:
        value = work.pop()
        if isinstance(value, dict | Mapping):  # a dict is told at once
            if id(value) in seen:
                continue
            seen.add(id(value))
            if _identifier(value, dialect) or not _ANCHORS.isdisjoint(value):
                return True
            work += value.values()
        elif isinstance(value, list):
            work += value
    return False


def inner_schemas(schema: Mapping[str, Any], pointer: str) -> Iterator[tuple[Any, str]]:
    """The schemas in a schema."""
    for key, value in schema.items():
        if key in MAPS and isinstance(value, Mapping):
            yield from ((inner, join(pointer, key, name)) for name, inner in value.items())
        elif key in SCHEMAS and isinstance(value, (Mapping, list)):
            yield value, join(pointer, key)


def _at(place: Place, pointer: str) -> Place | None:
    value: Any = place.schema
    for token in split(pointer):
        if isinstance(value, Mapping) and token in value:
            value = value[token]
        elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]{0,9}", token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return Place(value, place.pointer + pointer)


def _address(uri: str) -> str:
    return uri.removesuffix("#")


def _metaschema(address: str) -> Schema | None:
    """The schema of schemas that an address names, or a part of one."""
    if not re.match("https?://json-schema[.]org/", address):
        return None
    from jsonschema_specifications import REGISTRY

    found: Any = REGISTRY.get(address) or REGISTRY.get(address + "#")
    return None if found is None else found.contents


def _joined(base: str, identifier: str) -> str:
    try:
        return _address(urljoin(base, identifier))
    except ValueError:  # no URI; then nothing can refer to it
        return identifier


def _dialect(root: Schema) -> int:
    named = root.get("$schema") if isinstance(root, Mapping) else None
    found = re.search(r"draft[-/]0?(\d+)|/(2019|2020)-", named) if isinstance(named, str) else None
    return int(found[1] or found[2]) if found else 2020


def _identifier(schema: Mapping[str, Any], dialect: int) -> str:
    """``$id`` (``id`` in draft 4) of a schema, or an empty string. A property may have that name; its value is no
    string."""
    identifier = schema.get("id" if dialect <= 4 else "$id")
    return identifier if isinstance(identifier, str) and not (dialect <= 7 and "$ref" in schema) else ""
