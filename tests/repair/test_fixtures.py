"""Every rule has cases, every case gives the value and names the rules, and the documentation lists the same rules."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from trellis.errors import RepairError
from trellis.repair import RULES, Policies, apply_edits, repair_csv, repair_json, repair_yaml

ROOT = Path(__file__).resolve().parents[2]
FIXTURES = ROOT / "fixtures" / "repair"
REPAIR = {"json": repair_json, "yaml": repair_yaml, "csv": repair_csv}


def load(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FIXTURES / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("case", load("repairs.jsonl"), ids=lambda case: case["id"])
def test_repairs(case: dict[str, Any]) -> None:
    repair = REPAIR[case.get("format", "json")]
    options = {"policies": Policies(**case["policies"])} if "policies" in case else {}
    result = repair(case["input"], case.get("schema"), level=case.get("level", "normal"), **options)
    assert json.dumps(result.value) == json.dumps(case["expected"])
    assert sorted({edit.rule for edit in result.edits}) == case["rules"]
    assert result.ambiguous == case.get("ambiguous", result.ambiguous)
    assert apply_edits(case["input"], result.edits) == result.text
    if case.get("format", "json") == "json":
        assert json.loads(result.text) == result.value


@pytest.mark.parametrize("case", load("refused.jsonl"), ids=lambda case: case["id"])
def test_refused(case: dict[str, Any]) -> None:
    with pytest.raises(RepairError) as caught:
        REPAIR[case["format"]](case["input"], case.get("schema"), level=case["level"])
    assert caught.value.line is not None
    assert caught.value.column is not None


def test_every_rule_has_a_case() -> None:
    used = {rule for case in load("repairs.jsonl") for rule in case["rules"]}
    assert used == set(RULES)


def test_the_documentation_has_the_same_table() -> None:
    text = (ROOT / "docs" / "repair.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| ([\d.]+) \| (\w+) \| (.+) \|$", text, re.M)
    assert rows == [(rule.name, str(rule.cost), rule.level, rule.does.replace("|", "\\|")) for rule in RULES.values()]


def test_rule_names_in_code_are_rules() -> None:
    """Each rule is named outside the table, and code names no rule that the table does not have."""
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in sorted((ROOT / "src/trellis/repair").glob("*.py"))
        if path.name != "rules.py"
    )
    assert [rule for rule in RULES if f'"{rule}"' not in source and f"<{rule}>" not in source] == []
    named = re.findall(r'(?:Change|StringReading|cost_of|change|_delete|_change)\(\s*"(\w+)"', source)
    assert set(named) <= set(RULES)
