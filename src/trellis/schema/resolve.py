"""References within one schema document: ``$ref``, JSON pointers, anchors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote, urldefrag, urljoin

from trellis.errors import SchemaError, UnsupportedError

Schema = Mapping[str, Any] | bool


class Place(NamedTuple):
    """A schema and the JSON pointer to it within its document."""

    schema: Schema
    pointer: str


def join(pointer: str, *tokens: str | int) -> str:
    """A JSON pointer, some steps further down (RFC 6901 escapes)."""
    return pointer + "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def split(pointer: str) -> list[str]:
    """The steps of a JSON pointer."""
    return [token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:]]


class Document:
    """A schema document whose references are followed without leaving it.

    Args:
        root: the whole document.
    """

    def __init__(self, root: Schema) -> None:
        self.root = root
        self._found: dict[str, Place] = {}
        self._anchors: dict[str, Place] | None = None
        self._base = _identifier(root)

    @property
    def dialect(self) -> int:
        """The draft that ``$schema`` names: 3, 4, 6, 7, 2019 or 2020 (also when it names none)."""
        named = self.root.get("$schema") if isinstance(self.root, Mapping) else None
        found = re.search(r"draft[-/]0?(\d+)|/(2019|2020)-", named) if isinstance(named, str) else None
        return int(found[1] or found[2]) if found else 2020

    def resolve(self, reference: str, pointer: str) -> Place:
        """The schema that a reference means.

        Args:
            reference: the value of ``$ref``.
            pointer: where it stands.

        Raises:
            SchemaError: it leads nowhere.
            UnsupportedError: it leads out of the document, or stands below an ``$id`` that changes its meaning.
        """
        if not isinstance(reference, str):
            raise SchemaError("$ref must be a string", pointer=join(pointer, "$ref"))
        inner = self._embedded(pointer)
        if inner:
            raise UnsupportedError(f"the reference {reference!r} stands below the $id at {inner}, which changes its "
                                   f"meaning (at {pointer})", pointer=pointer)
        place = self._found.get(reference)
        if place is None:
            place = self._found[reference] = self._resolve(reference, join(pointer, "$ref"))
        return place

    def _resolve(self, reference: str, pointer: str) -> Place:
        try:
            address, fragment = urldefrag(reference)
            leaves = address and urldefrag(urljoin(self._base, address))[0] != (urldefrag(self._base)[0] or None)
        except ValueError as error:
            raise SchemaError(f"the reference {reference!r} is no URI: {error}", pointer=pointer) from error
        if leaves:
            raise UnsupportedError(f"the reference {reference!r} leads out of the document (at {pointer})",
                                   pointer=pointer, hint="put what it refers to under $defs, and refer to that")
        fragment = unquote(fragment)
        place = self._at(fragment) if fragment[:1] in ("", "/") else self._anchor(fragment)
        if place is None or not isinstance(place.schema, (Mapping, bool)):
            raise SchemaError(f"the reference {reference!r} leads to no schema", pointer=pointer)
        return place

    def _at(self, pointer: str) -> Place | None:
        value: Any = self.root
        for token in split(pointer):
            if isinstance(value, Mapping) and token in value:
                value = value[token]
            elif isinstance(value, list) and re.fullmatch("0|[1-9][0-9]{0,9}", token) and int(token) < len(value):
                value = value[int(token)]
            else:
                return None
        return Place(value, pointer)

    def _anchor(self, name: str) -> Place | None:
        if self._anchors is None:
            self._anchors = {}
            work: list[Place] = [Place(self.root, "")]
            while work:
                value, pointer = work.pop()
                if isinstance(value, Mapping):
                    identifier = _identifier(value)
                    if pointer and identifier and not identifier.startswith("#"):
                        continue  # a resource of its own, with anchors of its own
                    anchors = (value.get("$anchor"), value.get("$dynamicAnchor"), identifier[1:] if pointer else "")
                    for anchor in anchors:
                        if isinstance(anchor, str) and anchor:
                            self._anchors.setdefault(anchor, Place(value, pointer))
                    work.extend(Place(inner, join(pointer, key)) for key, inner in value.items()
                                if key not in ("enum", "const", "default", "examples"))
                elif isinstance(value, list):
                    work.extend(Place(inner, join(pointer, i)) for i, inner in enumerate(value))
        return self._anchors.get(name)

    def _embedded(self, pointer: str) -> str:
        """The pointer of an ``$id`` between the root and a place, or an empty string."""
        value: Any = self.root
        walked = ""
        for token in split(pointer):
            value = value[int(token)] if isinstance(value, list) else value[token]
            walked = join(walked, token)
            if isinstance(value, Mapping) and ("$id" in value or "id" in value):
                identifier = _identifier(value)
                if identifier and not identifier.startswith("#"):
                    return walked
        return ""


def _identifier(schema: Any) -> str:
    """``$id`` (``id`` in draft 4) of a schema, or an empty string. A property may have that name; its value is no
    string."""
    if not isinstance(schema, Mapping):
        return ""
    for key in ("$id", "id"):
        if isinstance(schema.get(key), str):
            return str(schema[key])
    return ""
