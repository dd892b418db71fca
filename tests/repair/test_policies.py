"""Policies: each choice does what its line says, other choices are refused, and what comes back is held to the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trellis.errors import RepairError, UsageError
from trellis.repair import Policies, apply_edits, repair, repair_csv, repair_json, repair_yaml
from trellis.repair.policies import CHOICES

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "fixtures" / "repair" / "policies.jsonl"
FORMATS = [json.loads(line) for line in (FILE.parent / "formats.jsonl").read_text(encoding="utf-8").splitlines()]
CASES = [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['policies']} {case['input'][:20]}")
def test_choices(case: dict[str, Any]) -> None:
    policies = Policies(**case["policies"])
    if "raises" in case:
        with pytest.raises(RepairError, match=case["raises"]):
            repair_json(case["input"], case.get("schema"), policies=policies)
        return
    result = repair_json(case["input"], case.get("schema"), policies=policies)
    assert json.dumps(result.value) == json.dumps(case["expected"])
    assert apply_edits(case["input"], result.edits) == result.text
    assert json.loads(result.text) == result.value


def test_every_choice_has_a_case_and_a_line_in_the_documentation() -> None:
    used = {(name, choice) for case in CASES for name, choice in case["policies"].items()}
    others = {(name, choice) for name, choices in CHOICES.items() for choice in choices[1:]}
    assert used == others
    page = (ROOT / "docs" / "repair.md").read_text(encoding="utf-8")
    rows = {tuple(row.split(" | ")[:2]) for row in page.splitlines() if row.startswith("| `")}
    told = {(row[0].strip("| `"), row[1]) for row in rows if len(row) == 2}
    assert {(name, ", ".join(f"`{choice}`" for choice in choices)) for name, choices in CHOICES.items()} <= told


@pytest.mark.parametrize("case", FORMATS, ids=lambda case: f"{case['policy']} {case['format']}")
def test_our_choices_in_each_format(case: dict[str, Any]) -> None:
    read: Any = {"json": repair_json, "yaml": repair_yaml, "csv": repair_csv}[case["format"]]
    if "raises" in case:
        with pytest.raises(RepairError, match=case["raises"]):
            read(case["input"], case["schema"])
        return
    assert json.dumps(read(case["input"], case["schema"]).value) == json.dumps(case["expected"])


def test_our_choices_are_the_first() -> None:
    assert Policies(**{name: choices[0] for name, choices in CHOICES.items()}) == Policies()  # type: ignore[arg-type]


def test_what_is_no_choice() -> None:
    with pytest.raises(UsageError, match="no such choice: 'frist'"):
        Policies(several="frist")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="no such policy"):
        Policies.parse(["sevral=first"])
    with pytest.raises(UsageError, match="no such policy"):
        Policies.parse(["several"])
    with pytest.raises(UsageError, match="is no Policies"):
        repair_json("{}", policies={"several": "first"})  # type: ignore[arg-type]


def test_other_formats_have_no_choices() -> None:
    assert repair("a: 1\nb: 2\n").value == {"a": 1, "b": 2}
    for text, name in (("a: 1\nb: 2\n", "YAML"), ("a,b\n1,2\n3,4\n", "CSV")):
        with pytest.raises(UsageError, match=f"{name} has no other choice for policy 'several'"):
            repair(text, policies=Policies(several="first"))


def test_data_of_any_format_are_data() -> None:
    policies = Policies(no_data="empty")
    assert repair("a: 1\nb: 2\n", policies=policies).value == {"a": 1, "b": 2}
    assert repair("a,b\n1,2\n3,4\n", policies=policies).value == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]
    assert repair("I cannot do that, sorry.", policies=policies).value == ""
    assert repair("I cannot do that, sorry.", policies=Policies(no_data="text")).value == "I cannot do that, sorry."


@st.composite
def _policies(draw: st.DrawFn) -> Policies:
    return Policies(**{name: draw(st.sampled_from(choices)) for name, choices in CHOICES.items()})  # type: ignore[arg-type]


SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "array", "items": {"type": "integer"}}, "b": {"type": ["string", "null"]}},
    "required": ["a"],
}


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}[]\",:ab1N\n '", max_size=30), _policies(), st.sampled_from([None, SCHEMA]))
def test_with_any_choice_the_edits_give_the_text(text: str, policies: Policies, schema: Any) -> None:
    try:
        result = repair_json(text, schema, policies=policies)
    except RepairError:
        return
    assert apply_edits(text, result.edits) == result.text
    assert json.loads(result.text) == result.value
