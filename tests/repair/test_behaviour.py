"""Candidates, ambiguity, limits and errors, as a caller sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from trellis.errors import RepairError, SchemaError, UsageError
from trellis.repair import Limits, Repaired, apply_edits, repair, repair_csv, repair_json, repair_yaml
from trellis.repair.scan import Scanner
from trellis.repair.search import Search


def test_the_schema_chooses_among_candidates() -> None:
    text = 'Input: {"q": 1}\nAnswer: {"a": 2}\nExample: {"q": 3}'
    schema = {"type": "object", "required": ["a"]}
    result = repair_json(text, schema)
    assert result.value == {"a": 2}
    assert {"q": 3} in [candidate.value for candidate in result.candidates]


def test_candidates_hold_the_invariants_too() -> None:
    text = 'Draft: {"a": 0,}\nFinal: {"a": 1}'
    for candidate in repair_json(text).candidates:
        assert apply_edits(text, candidate.edits) == candidate.text
        assert json.loads(candidate.text) == candidate.value


def test_a_guess_is_flagged() -> None:
    assert repair_json('{"a": {"b": 1, "c": 2}').ambiguous  # which brace was lost?
    assert not repair_json('{"a": {"b": 1}').ambiguous
    assert not repair_json("{'a': 1}").ambiguous


def test_cut_off_is_not_complete() -> None:
    assert not repair_json('{"a": "hel').complete
    assert not repair_json("[1, 2").complete
    assert repair_json("[1, 2,]").complete


def test_confidence_falls_with_cost() -> None:
    assert (
        1.0
        == repair_json('{"a": 1}').confidence
        > repair_json("{'a': 1}").confidence
        > repair_json("{'a': [x, y").confidence
    )


def test_a_fence_inside_a_string_is_text() -> None:
    text = '{\n"a": "\n```{}```\n",\n"b": "x",\n}'
    assert repair_json(text).value == {"a": "\n```{}```\n", "b": "x"}


def test_errors_have_a_place() -> None:
    with pytest.raises(RepairError) as caught:
        repair_json('{"a": 1,\n "b": @@@}')
    assert (caught.value.line, caught.value.column) == (2, 7)
    assert caught.value.context.endswith("^")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "[1, " * 5_000, "{'a': [" * 5_000]
)
def test_depth_is_a_limit(text: str) -> None:
    with pytest.raises(RepairError) as caught:
        repair_json(text)
    assert caught.value.limit == "depth"


def test_size_and_steps_are_limits() -> None:
    with pytest.raises(RepairError) as caught:
        repair_json("[1]", limits=Limits(size=2))
    assert caught.value.limit == "size"


def test_wrong_arguments() -> None:
    with pytest.raises(UsageError):
        repair_json(b"{}")  # type: ignore[arg-type]
    with pytest.raises(UsageError):
        repair_json("{}", level="hard")  # type: ignore[arg-type]
    with pytest.raises(SchemaError):
        repair_json("{}", {"type": "nothing"})
    with pytest.raises(SchemaError):
        repair_json('{"a": 1}', {"$ref": "#/$defs/missing"})
    with pytest.raises(UsageError):
        apply_edits("ab", [*repair_json("[1,]").edits])


@pytest.mark.parametrize("number", ["1" * 5000, "[" + "1" * 5000 + ",]"])
def test_a_number_too_long_for_the_standard_reader(number: str) -> None:
    with pytest.raises(RepairError):
        repair_json(number)


FAMILIES: dict[str, Callable[[int], str]] = {
    "openers": lambda n: "{" * n,
    "mixed openers": lambda n: "[{" * n,
    "closers": lambda n: '{"a": 1' + "}" * n,
    "quotes": lambda n: '"' * n,
    "open strings": lambda n: '["a, ' * n,
    "words in quotes": lambda n: '{"a": ' + '"x ' * n,
    "inner quotes": lambda n: '{"a": "' + 'he said "hi" and ' * n + '"}',
    "commas": lambda n: "[1" + "," * n,
    "backslashes": lambda n: '["' + "\\" * n,
    "comments": lambda n: "[1, " + "// x\n" * n,
    "open comments": lambda n: "[/*" * n,
    "prose": lambda n: "(see {x} and [y]) " * n,
    "bare": lambda n: "{" + "key: some value,\n" * n + "}",
    "no commas": lambda n: "[" + '{"a": 1} ' * n + "]",
    "trailing": lambda n: "[" + "[1,]," * n + "]",
    "lines": lambda n: '{"a": 1, "b": "x"}\n' * n,
    "swapped": lambda n: "[{]}" * n,
    "joined": lambda n: "[" + '"a" + ' * n + '"b"]',
    "line breaks": lambda n: '{"a": "x' + "\n" * n + '"}',
    "spaces": lambda n: '{"a": "x"' + " " * n + '"b": 1}',
    "half keys": lambda n: "{" + '"a: 1, ' * n + "}",
    "python": lambda n: repr([{"a": None, "b": "it's"}] * n),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_steps_are_linear(family: str) -> None:
    """Doubling the text doubles the steps of a search, at most (with a constant to start from)."""
    counts = []
    for n in (200, 400, 800):
        text = FAMILIES[family](n)
        search = Search(Scanner(text, len(text)), 0, "normal", Limits(depth=10**6, steps=10**6))
        search.run()
        counts.append(search.steps)
    assert counts[2] - counts[1] <= 2.2 * (counts[1] - counts[0]) + 200


@pytest.mark.parametrize("family", FAMILIES)
def test_no_family_breaks_the_reader(family: str) -> None:
    text = FAMILIES[family](300)
    try:
        result = repair_json(text)
    except RepairError:
        return
    assert apply_edits(text, result.edits) == result.text
    assert json.loads(result.text) == result.value


def test_lines_of_json_become_a_list() -> None:
    text = '{"a": 1}\n' * 500
    assert repair_json(text).value == [{"a": 1}] * 500
    assert repair_json(text, {"type": "object"}).value == {"a": 1}


def test_repair_finds_the_format() -> None:
    assert repair("a: 1\nb:\n  - x\n").value == {"a": 1, "b": ["x"]}
    assert repair("a,b\n1,2\n3,4\n").value == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert repair("{a: 1}").value == {"a": 1}
    assert repair("Sure:\n```yaml\na: {b: 1}\n```\n").value == {"a": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('no,note\n1,"yes: twice"\n2,"Q: an answer"\n', "normal"),
        ("Example:\n```csv\nno,note\n1,x\n```\nAnswer:\n```csv\nno,note\n1,A: x\n2,Q: y\n```\n", "normal"),
        ("V,(\x070sg\x1c.k\r>CQ!}T\x11+H~\x03|\x1d", "salvage"),
    ],
)
def test_what_was_found_out_to_be_a_table_is_one_again(text: str, level: Any) -> None:
    first = repair(text, level=level)
    again = repair(first.text, level=level)
    assert (first.format, again.format) == ("csv", "csv")
    assert again.value == first.value
    assert again.edits == ()


@pytest.mark.parametrize(
    ("text", "schema"),
    [
        ('("a": "b", %)', {"type": "object"}),
        ('```yaml\nObjectId("x")\ufeff', {"type": "string"}),
        ('|---|---|\n```yaml\n\n```\n...1\x85\t"a": "b", anull[1, 2]true\xa0---', {"type": "string"}),
        ('{"a": 1}“x\ny? \n #```yaml\n```yaml\n1_000@? ~a,b\n1,2\n,,007', {"type": "string"}),
    ],
)
def test_what_was_found_out_is_found_out_again(text: str, schema: Any) -> None:
    first = repair(text, schema)
    assert repair(first.text, schema).value == first.value


def test_yaml_keys_and_types() -> None:
    assert repair_yaml("on: 2024-01-01\n1: .inf\n").value == {"on": "2024-01-01", "1": None}
    assert repair_yaml("a: 1\na: 2\n").value == {"a": 2}


def test_csv_without_schema_is_text() -> None:
    result: Repaired[list[dict[str, object]]] = repair_csv('a;b\n1;"x;y"\n')
    assert result.value == [{"a": "1", "b": "x;y"}]
    assert not result.edits


def test_yaml_does_not_take_a_damaged_key_for_prose() -> None:
    assert repair_yaml("a:1\nb: 2\n").value == {"a": 1, "b": 2}
    assert repair_yaml("Here is what you wanted.\n\nb: 2\n").value == {"b": 2}


def test_many_comments_are_cheap() -> None:
    assert repair_json("[1, " + "// x\n" * 500).value == [1]


@pytest.mark.parametrize("text", [r'{"a": "C:\temp"}', r'{"a": "\frac{1}{2}"}'])
def test_a_backslash_that_may_be_lost_is_said(text: str) -> None:
    result = repair_json(text)
    assert result.value == json.loads(text)
    assert result.edits == ()
    assert result.ambiguous
    assert result.confidence < 1.0
    assert "\\" in result.candidates[0].value["a"]
    assert apply_edits(text, result.candidates[0].edits) == result.candidates[0].text


def test_what_a_schema_loses_is_said() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    assert repair_json('{"a": 3.7}', schema).ambiguous


def test_a_record_left_out_is_a_doubt() -> None:
    result = repair_json('{"a": 1,}\n{"a": "x" "b": 2}\nnothing')
    assert result.ambiguous
    assert [{"a": 1}, {"a": "x", "b": 2}] in [other.value for other in result.candidates]
    assert not repair_json('Draft: {"a": 1}\nFinal: {"a": 2, "b": 3}').ambiguous


@pytest.mark.parametrize("text", ['{"a": 1}\n{"a": 2}', '{"a": 1}, {"a": 2}'])
def test_a_value_that_is_left_out_for_another_is_told(text: str) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    assert repair_json(text, schema).ambiguous


def test_what_stands_in_a_thought_without_end_is_no_sure_answer() -> None:
    result = repair_json('<think>maybe {"a": 9}? no, wait', {"type": "object", "required": ["a"]})
    assert (result.value, result.ambiguous, result.complete) == ({"a": 9}, True, False)
    assert repair_json('<think>maybe {"a": 9}</think>{"a": 1}', {"type": "object", "required": ["a"]}).complete
