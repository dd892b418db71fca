"""Rules of the user's own."""

from __future__ import annotations

import pytest

from trellis.errors import RepairError, UsageError
from trellis.repair import UserRule, apply_edits, repair, repair_csv, repair_json, repair_yaml

NONE = UserRule.substitute("our_null", r"<none>", "null")


def test_a_rule_is_in_the_edits_beside_the_others() -> None:
    text = "Sure: {'a': <none>, 'b': 1,}"
    result = repair_json(text, rules=[NONE])
    assert result.value == {"a": None, "b": 1}
    assert [edit.rule for edit in result.edits if edit.before == "<none>"] == ["our_null"]
    assert {"prose", "quote_style", "trailing_comma"} <= {edit.rule for edit in result.edits}
    assert apply_edits(text, result.edits) == result.text


def test_the_standard_reading_comes_first() -> None:
    assert repair_json('{"a": "<none>"}', rules=[NONE]).value == {"a": "<none>"}


def test_every_format_has_them() -> None:
    percent = UserRule.substitute("our_list", r"%(\w+)%", r"[\1]")
    assert repair_yaml("a: %x%\nb: 1\n", rules=[percent]).value == {"a": ["x"], "b": 1}
    assert repair("a: %x%\nb: 1\n", rules=[percent]).value == {"a": ["x"], "b": 1}
    lost = UserRule.substitute("our_line", r"\n---+", "")
    assert repair_csv("a,b\n-----\n1,2\n", rules=[lost]).value == [{"a": "1", "b": "2"}]


def test_a_rule_above_the_level_is_not_used() -> None:
    bold = UserRule("bold", lambda text: [(0, 1, "")], level="salvage")
    with pytest.raises(RepairError):
        repair_json("@", rules=[bold])


def test_of_rules_that_meet_the_first_counts() -> None:
    wide = UserRule.substitute("wide", r"<none>", "0")
    narrow = UserRule.substitute("narrow", r"none", "1")
    result = repair_json("[<none>,]", rules=[narrow, wide])
    assert result.value == [0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: UserRule("prose", lambda text: []),
        lambda: UserRule("x", None),  # type: ignore[arg-type]
        lambda: UserRule("x", lambda text: [], level="hard"),  # type: ignore[arg-type]
        lambda: UserRule.substitute("x", "(", ""),
        lambda: UserRule.substitute("x", 5, "x"),  # type: ignore[arg-type]
        lambda: UserRule.substitute("x", "a", None),  # type: ignore[arg-type]
        lambda: UserRule.substitute("x", "a", r"\2"),
        lambda: UserRule.substitute("x", "a", r"\g<name>"),
        lambda: repair_json("@", rules=[UserRule("x", lambda text: [(0, 9, "")])]),
        lambda: repair_json("@", rules=[UserRule("x", lambda text: 1 / 0)]),  # type: ignore[arg-type, return-value]
        lambda: repair_json("@", rules=["x"]),  # type: ignore[list-item]
        lambda: repair_json("1", rules=5),  # type: ignore[arg-type]
        lambda: repair_yaml("a: 1", rules=NONE),  # type: ignore[arg-type]
        lambda: repair_csv("a,b", rules=5),  # type: ignore[arg-type]
    ],
)
def test_wrong_rules(wrong: object) -> None:
    with pytest.raises(UsageError):
        wrong()  # type: ignore[operator]


def test_none_is_no_rules() -> None:
    assert repair_json("{'a': 1}", rules=None).value == {"a": 1}
