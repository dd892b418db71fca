"""YAML: what is valid stays as it is, what models write is read, and only Trellis's errors come out."""

from __future__ import annotations

import importlib.util
import io
import json
import random
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from trellis.errors import RepairError, TrellisError
from trellis.repair import apply_edits, read_yaml, repair_csv, repair_json, repair_yaml

ROOT = Path(__file__).resolve().parents[2]
CASES = [json.loads(line) for line in (ROOT / "fixtures/repair/repairs.jsonl").read_text(encoding="utf-8").splitlines()]
YAML_CASES = [case for case in CASES if case.get("format") == "yaml"]
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["a: b", "- x", "it's", "#1", "no", "1.10", "x", "a b\nc\n"])
    | st.text(alphabet="ab :-#'\"é", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "long key"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def benchmark(name: str) -> Any:
    """A file of the benchmarks, which is in no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def check(text: str, schema: Any = None) -> None:
    """What holds for any text."""
    try:
        result = repair_yaml(text, schema)
    except TrellisError:
        return
    assert apply_edits(text, result.edits) == result.text
    assert read_yaml(result.text) == result.value
    again = repair_yaml(result.text, schema)
    assert not again.edits
    assert again.value == result.value


@settings(max_examples=60, deadline=None)
@given(VALUES, st.booleans())
def test_valid_yaml_is_unchanged(value: Any, flow: bool) -> None:
    out = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = flow
    writer.dump(value, out)
    try:
        assume(YAML(typ="safe", pure=True).load(out.getvalue()) == value)
    except YAMLError:
        reject()  # ruamel.yaml writes [: a], and does not read it
    result = repair_yaml(out.getvalue())
    assert result.value == value
    assert result.edits == ()
    assert result.text == out.getvalue()


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab:-#'\"|>[]{}*&!%@ \n\t", max_size=40))
def test_any_text(text: str) -> None:
    check(text)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(YAML_CASES), st.data())
def test_prefixes_and_lost_characters(case: dict[str, Any], data: st.DataObject) -> None:
    text = case["input"]
    at = data.draw(st.integers(0, len(text)))
    check(text[:at], case.get("schema"))
    check(text[:at] + text[at + 1 :], case.get("schema"))


@pytest.mark.parametrize("style", ["yaml", "json", "table", "careless"])
def test_made_up_answers(style: str) -> None:
    """A sample of the benchmark: with the schema at hand, nearly nothing is wrong, and nothing in silence."""
    module = benchmark("mistakes")
    if style in ("table", "careless"):
        module = benchmark({"table": "tables"}.get(style, style))
    read: Any = {"json": repair_json, "table": repair_csv}.get(style, repair_yaml)
    r = random.Random(7)
    wrong = []
    for _ in range(40):
        answer = getattr(module, f"{style}_answer")(r)
        try:
            result = read(answer.text, answer.schema)
        except RepairError:
            wrong.append(answer)
            continue
        if result.edits and result.value != answer.meant and not result.ambiguous:
            wrong.append(answer)
    assert wrong == []


def test_a_tag_that_runs_code_is_refused_with_a_schema_too() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "array"}}}
    with pytest.raises(RepairError, match="is refused"):
        repair_yaml('a: !!python/object/apply:os.system ["x"]', schema)


def test_an_anchor_that_nothing_refers_to_is_text_where_the_schema_wants_text() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    assert repair_yaml("a: &co and sons", schema).value == {"a": "&co and sons"}


def test_prose_is_refused_where_data_is_wanted() -> None:
    with pytest.raises(RepairError):
        repair_yaml("I cannot help with that.", {"type": "object"})


@pytest.mark.parametrize("count", [3, 70])
@pytest.mark.parametrize("listed", [True, False])
def test_many_damaged_documents_are_read_as_few_are(count: int, listed: bool) -> None:
    item = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}}, "required": ["a", "b"]}
    text = "".join(f"---\na: {number}\nb: x: y {number}\n" for number in range(count))
    found = repair_yaml(text, {"type": "array", "items": item} if listed else item)
    wanted = [{"a": number, "b": f"x: y {number}"} for number in range(count)]
    assert found.value == (wanted if listed else wanted[-1])


NEAR = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "b": {"type": "object", "additionalProperties": {"type": "string"}}},
}


@pytest.mark.parametrize(
    ("text", "ambiguous"),
    [
        ("a: plain: text\n", False),
        ("a: ends: so,\n", True),
        ("a: [x: y]\n", True),
        ("a: x: y\\: z\n", True),
        ("a: <x: y</a\n", False),
        ("a: *x*\nb:\n  c: d: e\n", True),
        ("b:\n  c: d: e\n  a: f\n", True),
        ("a: |\n x\n y: z\n b: w\nb: {c: d: e}\n", True),
    ],
)
def test_what_was_perhaps_meant_otherwise_is_flagged(text: str, ambiguous: bool) -> None:
    assert repair_yaml(text, NEAR).ambiguous == ambiguous
