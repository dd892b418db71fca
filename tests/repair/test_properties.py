"""What holds for any text: edits applied are the text, the text is the value, and only Trellis's errors come out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import RepairError, TrellisError
from trellis.repair import apply_edits, read_csv, read_yaml, repair, repair_csv, repair_json, repair_yaml

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**6), 10**6)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=12)
    | st.sampled_from(
        ["it's fine", 'The "best" one', "C:\\temp", "a, b: c", "[draft] note", "{name}", "https://x.io/a?b=1"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
CONTAINERS = st.lists(VALUES, max_size=4) | st.dictionaries(
    st.sampled_from(["name", "id", "tags", "note", "url"]), VALUES, max_size=5
)
NOISE = st.text(alphabet="{}[](),:;\"'`\\/#*<>+-.…\n\t abtrue019“”\u00a0\x07|=", max_size=60)
LEVEL = st.sampled_from(["safe", "normal", "salvage"])


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A document with some characters deleted, inserted or cut off."""
    text = json.dumps(draw(CONTAINERS), indent=draw(st.sampled_from([None, 2])), ensure_ascii=False)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["delete", "insert", "cut"]))
        if kind == "delete":
            text = text[:at] + text[at + 1 :]
        elif kind == "insert":
            text = text[:at] + draw(st.sampled_from(list("{}[],:\"'\\ \n"))) + text[at:]
        else:
            text = text[:at]
    return text


def check(text: str, level: str = "normal") -> None:
    try:
        result = repair_json(text, level=level)  # type: ignore[arg-type]
    except TrellisError:
        return
    assert apply_edits(text, result.edits) == result.text
    assert json.dumps(json.loads(result.text)) == json.dumps(result.value)
    assert all(edit.before == text[edit.start : edit.end] for edit in result.edits)
    lines = text.split("\n")
    assert all(
        sum(len(line) + 1 for line in lines[: edit.line - 1]) + edit.column - 1 == edit.start for edit in result.edits
    )
    assert 0.0 <= result.confidence <= 1.0
    again = repair_json(result.text, level=level)  # type: ignore[arg-type]
    assert not again.edits
    assert json.dumps(again.value) == json.dumps(result.value)


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from([None, 1, 4]), st.booleans())
def test_valid_json_is_unchanged(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    result = repair_json(text)
    assert result.text is text
    assert result.edits == ()
    assert result.confidence == 1.0 or "\\" in text  # an escape may be a backslash that was lost: that is said
    assert result.complete
    assert json.dumps(result.value) == json.dumps(value)


@settings(max_examples=300, deadline=None)
@given(damaged(), LEVEL)
def test_damaged_documents(text: str, level: str) -> None:
    check(text, level)


@settings(max_examples=300, deadline=None)
@given(NOISE | st.text(max_size=40), LEVEL)
def test_any_text(text: str, level: str) -> None:
    check(text, level)


@settings(max_examples=40, deadline=None)
@given(CONTAINERS, st.sampled_from([None, 2]))
def test_every_prefix(value: Any, indent: int | None) -> None:
    text = json.dumps(value, indent=indent)
    for end in range(len(text)):
        check(text[:end])


@settings(max_examples=60, deadline=None)
@given(NOISE | st.text(max_size=40) | damaged())
def test_other_formats_raise_only_our_errors(text: str) -> None:
    for call in (repair_yaml, repair_csv, repair):
        try:
            result = call(text)
        except TrellisError:
            continue
        assert apply_edits(text, result.edits) == result.text
    try:
        yaml = repair_yaml(text)
    except TrellisError:
        return
    assert read_yaml(yaml.text) == yaml.value


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 99), st.text(alphabet="ab ,\"'\n", min_size=1, max_size=8)), min_size=1, max_size=5
    )
)
def test_csv_round_trip(rows: list[tuple[int, str]]) -> None:
    table = "n,s\n" + "".join(f'{n},"{s.replace(chr(34), chr(34) * 2)}"\n' for n, s in rows)
    schema = {
        "type": "array",
        "items": {"type": "object", "properties": {"n": {"type": "integer"}, "s": {"type": "string"}}},
    }
    result = repair_csv(f"Here:\n```csv\n{table}```\n", schema)
    assert result.value == [{"n": n, "s": s} for n, s in rows]
    assert read_csv(result.text, schema) == result.value


@settings(max_examples=150, deadline=None)
@given(damaged())
def test_safe_needs_no_other_rule(text: str) -> None:
    from trellis.repair import RULES

    try:
        result = repair_json(text, level="safe")
    except TrellisError:
        return
    assert {RULES[edit.rule].level for edit in result.edits} <= {"safe"}


def test_a_schema_holds_for_what_comes_back() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    for text in ('{"a": "x"}', '{"b": 1}', "[1]", "See [1].", "nothing"):
        with pytest.raises(RepairError):
            repair_json(text, schema)


@pytest.mark.parametrize("kind", ["integer", "number", "boolean", "string", ["integer", "null"], ["boolean", "number"]])
def test_a_column_is_typed_as_its_cells_are(kind: Any) -> None:
    """The reading of a column as a whole is the one of each of its cells alone."""
    schema = {"items": {"properties": {"x": {"type": kind}}}}
    words = ["1", " 2 ", "1.5", "-0", "1e3", "1.5e999", "nan", "inf", "1_0", "true", "False", " true", "a", '""', "."]

    def read(*cells: str) -> list[Any]:
        return [row["x"] for row in read_csv("x,y\n" + "".join(f"{cell},.\n" for cell in cells), schema)]

    alone = {word: read(word)[0] for word in words}
    for one in words:
        for other in words:
            assert [*map(repr, read(one, other))] == [repr(alone[one]), repr(alone[other])]
