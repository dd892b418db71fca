"""References within a document."""

from __future__ import annotations

from typing import Any

import pytest

from trellis.errors import SchemaError, UnsupportedError
from trellis.schema.resolve import Document, join, split

SCHEMA: dict[str, Any] = {
    "$id": "https://example.org/root.json",
    "$defs": {"a/b~c%": {"title": "odd"}, "list": [{"title": "item"}],
              "anchored": {"$anchor": "here", "title": "anchored"}, "old": {"$id": "#old", "title": "old"},
              "yes": True,
              "other": {"$id": "other.json", "items": {"$ref": "#/$defs/yes"}}},
    "properties": {"$id": {"$ref": "#/$defs/yes"}, "enum": {"enum": [{"$anchor": "trap"}]}},
}


@pytest.mark.parametrize(("reference", "title", "pointer"), [
    ("#/$defs/a~1b~0c%25", "odd", "/$defs/a~1b~0c%25"),
    ("#/$defs/list/0", "item", "/$defs/list/0"),
    ("#here", "anchored", "/$defs/anchored"),
    ("#old", "old", "/$defs/old"),
    ("https://example.org/root.json#here", "anchored", "/$defs/anchored"),
    ("root.json#/$defs/list/0", "item", "/$defs/list/0"),
])
def test_references_that_lead_to_a_schema(reference: str, title: str, pointer: str) -> None:
    place = Document(SCHEMA).resolve(reference, "/properties/enum")
    assert place.schema["title"] == title  # type: ignore[index]
    assert place.pointer.replace("%", "%25") == pointer


def test_the_root() -> None:
    assert Document(SCHEMA).resolve("#", "").schema is SCHEMA
    assert Document(SCHEMA).resolve("#/$defs/yes", "").schema is True


@pytest.mark.parametrize("reference", ["#/$defs/none", "#/$defs/list/1", "#/$defs/list/00", "#nowhere", "#trap",
                                       "#/$defs/list", "#/$defs/yes/x"])
def test_references_to_nothing(reference: str) -> None:
    with pytest.raises(SchemaError, match="leads to no schema") as caught:
        Document(SCHEMA).resolve(reference, "/properties/enum")
    assert caught.value.pointer == "/properties/enum/$ref"


@pytest.mark.parametrize("reference", ["https://example.org/else.json", "else.json#/a",
                                       "https://json-schema.org/draft-07/none#"])
def test_references_out_of_the_document(reference: str) -> None:
    with pytest.raises(UnsupportedError, match="leads out of the document"):
        Document(SCHEMA).resolve(reference, "/properties/enum")


def test_the_schemas_of_schemas_are_known() -> None:
    place = Document(SCHEMA).resolve("http://json-schema.org/draft-07/schema#/definitions/simpleTypes", "")
    assert "integer" in place.schema["enum"]  # type: ignore[index]
    assert place.pointer == "http://json-schema.org/draft-07/schema#/definitions/simpleTypes"


def test_a_reference_below_another_id_is_relative_to_it() -> None:
    with pytest.raises(SchemaError, match="leads to no schema"):
        Document(SCHEMA).resolve("#/$defs/yes", "/$defs/other/items")
    assert Document(SCHEMA).resolve("#", "/$defs/other/items").pointer == "/$defs/other"


def test_other_documents_are_those_of_the_registry() -> None:
    other = {"$defs": {"a": {"$anchor": "here", "$ref": "#/$defs/b"}, "b": {"type": "null"}}}
    document = Document({"$id": "https://example.org/root.json"}, {"https://example.org/other.json": other})
    place = document.resolve("other.json#here", "/properties/a")
    assert place.schema is other["$defs"]["a"]
    assert document.resolve("#/$defs/b", place.pointer).schema is other["$defs"]["b"]
    with pytest.raises(UnsupportedError, match="leads out of the document"):
        document.resolve("third.json", "")


def test_a_dynamic_reference_is_plain_where_there_is_one_way() -> None:
    inner = {"$dynamicAnchor": "x"}
    document = Document({"$defs": {"a": inner}})
    assert document.resolve("#x", "", "$dynamicRef").schema is inner
    twice = Document({"$defs": {"a": inner, "b": {"$id": "b", "$dynamicAnchor": "x"}}})
    with pytest.raises(UnsupportedError, match="depends on the way"):
        twice.resolve("#x", "", "$dynamicRef")


def test_a_property_may_be_called_id() -> None:
    assert Document(SCHEMA).resolve("#/$defs/yes", "/properties/$id").schema is True


def test_what_is_no_string() -> None:
    with pytest.raises(SchemaError, match="must be a string"):
        Document({}).resolve(3, "")  # type: ignore[arg-type]


@pytest.mark.parametrize(("uri", "draft"), [
    ("http://json-schema.org/draft-04/schema#", 4), ("https://json-schema.org/draft-07/schema", 7),
    ("https://json-schema.org/draft/2019-09/schema", 2019), ("https://json-schema.org/draft/2020-12/schema", 2020),
    ("http://json-schema.org/schema#", 2020), (None, 2020)])
def test_the_draft(uri: str | None, draft: int) -> None:
    assert Document({"$schema": uri} if uri else {}).dialect == draft


def test_pointers() -> None:
    assert join("/a", "b/c", 0, "~") == "/a/b~1c/0/~0"
    assert split(join("", "b/c", 0, "~")) == ["b/c", "0", "~"]
