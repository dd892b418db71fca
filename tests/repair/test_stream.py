"""Streams: what is committed stays, and the end is the reading of the whole text wherever that can be."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import RepairError, TrellisError, UsageError
from trellis.repair import Limits, StreamRepairer, repair_json

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
VALUES = st.recursive(
    SCALARS | st.sampled_from(['say "hi"', "a\\b", "😀", "x, y: {z}", "it's"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
ROOTS = st.lists(VALUES, max_size=3) | st.dictionaries(st.text(max_size=5), VALUES, min_size=1, max_size=4)
PERSON = {
    "type": "object",
    "properties": {"first_name": {"type": "string"}, "age": {"type": "integer"}, "tags": {"type": "array"}},
    "required": ["first_name", "age"],
}


def chunks(text: str, cuts: list[int]) -> list[str]:
    """A text in pieces."""
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[a:b] for a, b in itertools.pairwise(places)]


def grows(old: Any, new: Any) -> bool:
    """Whether a partial value became another one without taking anything back."""
    if old is None:
        return True
    if isinstance(old, dict):
        return isinstance(new, dict) and all(key in new and grows(old[key], new[key]) for key in old)
    if isinstance(old, list):
        return isinstance(new, list) and len(old) <= len(new) and all(map(grows, old, new))
    if isinstance(old, str):
        return isinstance(new, str) and new.startswith(old)
    return bool(old == new) and type(old) is type(new)


def at(value: Any, pointer: str) -> Any:
    """The part of a value at a JSON pointer."""
    for step in pointer.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        value = value[int(step)] if isinstance(value, list) else value[step]
    return value


def follow(text: str, cuts: list[int], schema: Any = None) -> StreamRepairer:
    """Feed a text in pieces, and hold that nothing is taken back."""
    stream, last = StreamRepairer(schema), None
    events = []
    for chunk in chunks(text, cuts):
        events += [(event.pointer, json.dumps(event.value)) for event in stream.feed(chunk)]
        value = json.loads(json.dumps(stream.value))
        assert grows(last, value), (last, value)
        last = value
    try:
        result = stream.finish()
    except TrellisError:
        return stream
    for pointer, written in events:
        assert json.dumps(at(result.value, pointer)) == written or result.differs
    if not result.differs:
        assert json.dumps(result.value) == json.dumps(repair_json(text, schema).value)
    return stream


@settings(max_examples=60, deadline=None)
@given(ROOTS, st.sampled_from([None, 2]), st.booleans(), st.lists(st.integers(0, 400), max_size=12))
def test_valid_json_is_read_to_its_end(value: Any, indent: int | None, ascii_only: bool, cuts: list[int]) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    stream = follow(text, cuts)
    if value:
        assert stream.done
        assert json.dumps(stream.value) == json.dumps(value)


@settings(max_examples=60, deadline=None)
@given(ROOTS, st.sampled_from([None, 2]), st.lists(st.integers(0, 400), max_size=8), st.data())
def test_damaged_json_is_never_taken_back(value: Any, indent: int | None, cuts: list[int], data: st.DataObject) -> None:
    text = json.dumps(value, indent=indent)
    place = data.draw(st.integers(0, len(text)))
    text = text[:place] + data.draw(st.sampled_from(["", '"', ",", "}", "'", "\n", " x "])) + text[place + 1 :]
    follow(text, cuts)
    follow(f"Sure:\n```json\n{text}\n```\nDone.", cuts)


def test_values_come_as_the_schema_wants_them() -> None:
    stream = StreamRepairer(PERSON)
    assert stream.feed('Here: {"firstName": "Ad') == []
    assert stream.value == {"first_name": "Ad"}
    assert [(e.pointer, e.value) for e in stream.feed('a", "age": "3')] == [("/first_name", "Ada")]
    assert stream.value == {"first_name": "Ada"}
    assert [(e.pointer, e.value) for e in stream.feed('6"}')] == [
        ("/age", 36),
        ("", {"first_name": "Ada", "age": 36}),
    ]
    assert stream.finish().differs == ()


def test_where_the_text_is_damaged_the_end_decides() -> None:
    stream = StreamRepairer()
    stream.feed('{"a": 1, "b": "he said "hi" to me", "c": 2}')
    assert stream.stalled
    assert stream.value == {"a": 1, "b": "he said "}
    assert stream.finish().value == {"a": 1, "b": 'he said "hi" to me', "c": 2}


def test_what_was_committed_is_kept_and_the_difference_said() -> None:
    stream = StreamRepairer()
    stream.feed('{"a": "draft", "n": 1}')
    stream.feed('\nNo, this is right:\n{"a": "final", "n": 1}')
    result = stream.finish()
    assert result.value == {"a": "draft", "n": 1}
    assert result.repaired.value == {"a": "final", "n": 1}
    assert result.differs == ("/a",)


def test_wrong_use_and_limits() -> None:
    stream = StreamRepairer()
    with pytest.raises(UsageError):
        stream.feed(b"{}")  # type: ignore[arg-type]
    with pytest.raises(RepairError):
        stream.finish()
    with pytest.raises(UsageError):
        stream.feed("{}")
    with pytest.raises(RepairError):
        StreamRepairer(limits=Limits(size=3)).feed("[1, 2]")
    with pytest.raises(RepairError):
        StreamRepairer(limits=Limits(depth=3)).feed("[" * 9 + "1")
    with pytest.raises(UsageError):
        StreamRepairer(level="hard")  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        StreamRepairer(format="xml")  # type: ignore[arg-type]


ROWS = {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}}}


@pytest.mark.parametrize(
    ("format", "schema", "text", "committed"),
    [
        ("csv", ROWS, "Here:\na,b\n1,x\n2,\"y\nz\"\n3,", [("/0", {"a": 1, "b": "x"}), ("/1", {"a": 2, "b": "y\nz"})]),
        ("csv", None, "a,b\n1,x\n2,y", [("/0", {"a": "1", "b": "x"})]),
        ("yaml", ROWS, "- a: 1\n  b: no\n- a: 2\n", [("/0", {"a": 1, "b": "no"})]),
        ("yaml", PERSON, "first_name: Ann\nage: 36\ntags:\n- x\n", [("/first_name", "Ann"), ("/age", 36)]),
        ("yaml", None, "a: 1\nb:\n  c: x\nd: 2\n", [("/a", 1), ("/b", {"c": "x"})]),
    ],
)
def test_parts_of_yaml_and_csv(format: Any, schema: Any, text: str, committed: list[Any]) -> None:
    stream = StreamRepairer(schema, format=format)
    found = [(part.pointer, part.value) for character in text for part in stream.feed(character)]
    assert found == committed
    assert stream.finish().differs == ()


@pytest.mark.parametrize(
    ("format", "text", "committed", "differs"),
    [
        ("yaml", "id: no-3\nhome:\n  street: L\n  postcode: 01234\nfees: true\n", ["/id", "/home"], ()),
        ("yaml", "a: 5E6\nc: d: e\nd: e\n", ["/a", "/c"], ()),
        ("yaml", "a: x\ny goes on\nc: d\nd: e\n", [], ()),
        ("yaml", "a: x\nb:\n    c: y\n    |---|---|\nd: z\n", ["/a"], ()),
        ("csv", "Ex:\n```csv\na,b\n1,2\n```\nAnswer:\n```csv\na,b\n3,4\n```\n", ["/0"], ("/0",)),
        ("csv", "b,a\nrow 1: x,2\nrow 2: y,3\n", [], ()),
    ],
)
def test_what_is_within_a_part_is_kept_or_said_to_differ(
    format: Any, text: str, committed: list[str], differs: tuple[str, ...]
) -> None:
    stream = StreamRepairer(ROWS if format == "csv" else None, format=format)
    parts = [part for character in text for part in stream.feed(character)]
    result = stream.finish()
    assert [part.pointer for part in parts] == committed
    assert all(at(result.value, part.pointer) == part.value for part in parts)
    assert result.differs == differs
    assert bool(differs) or result.value == result.repaired.value


def test_what_is_open_and_what_its_place_does_not_allow() -> None:
    stream = StreamRepairer(PERSON)
    assert stream.open is None
    stream.feed('{"first_name": "An')
    assert stream.open == "/first_name"
    early = stream.snapshot()
    stream.feed('n", "age": ')
    assert stream.open == ""
    assert stream.misfit is None
    stream.feed('{"years": [1, 2]}, "tags": [')
    assert stream.misfit is not None
    assert (stream.misfit.pointer, stream.misfit.value) == ("/age", {"years": [1, 2]})
    assert early.value() == {"first_name": "An"}
    scalar = StreamRepairer(PERSON)
    scalar.feed('{"first_name": "Ann", "age": "many", "tags": []}')
    assert scalar.misfit is not None
    assert scalar.misfit.value == "many"
    assert scalar.value == {"first_name": "Ann"}
