"""Long texts: what is right in a short one is right in a long one, wherever the damage lies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from trellis.repair import repair_json

RECORD = {
    "name": "Ada Lovelace",
    "note": "three words here",
    "tags": ["a", "b"],
    "ok": True,
    "address": {"street": "12 High St", "zip": None},
}
ROWS = [{"id": number, **RECORD} for number in range(250)]
VALUES: dict[str, Any] = {
    "rows": ROWS,
    "object": {f"key{number}": row for number, row in enumerate(ROWS)},
    "wrapped": {"data": ROWS, "total": 250},
    "flat": {f"key{number}": "some words" for number in range(1500)},
    "words": [f"word {number}" for number in range(4000)],
    "numbers": [number * 1.5 for number in range(6000)],
}


def without(text: str, part: str, share: float) -> str:
    """The text without the part's first occurrence behind a share of it."""
    at = text.find(part, int(len(text) * share))
    assert at >= 0
    return text[:at] + text[at + len(part) :]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("rows", "}"),
        ("rows", "]"),
        ("rows", ":"),
        ("object", ","),
        ("wrapped", "}"),
        ("wrapped", ","),
        ("flat", ","),
        ("flat", ":"),
        ("words", ","),
        ("words", '"'),
        ("numbers", ","),
    ],
)
def test_one_lost_character(name: str, part: str, indent: int | None, share: float) -> None:
    value = VALUES[name]
    result = repair_json(without(json.dumps(value, indent=indent), part, share))
    assert result.value == value
    assert len(result.edits) == 1


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["rows", "wrapped", "flat", "words", "numbers"])
def test_the_end_is_lost(name: str, indent: int | None) -> None:
    value = VALUES[name]
    result = repair_json(json.dumps(value, indent=indent)[:-1])
    assert result.value == value
    assert [edit.rule for edit in result.edits] == ["missing_closer"]


def test_damage_far_apart() -> None:
    text = without(without(json.dumps(ROWS), ",", 0.2), "}", 0.8).replace('"ok": true', '"ok": NaN', 1)
    result = repair_json(text)
    assert result.value == [{**ROWS[0], "ok": None}, *ROWS[1:]]
    assert sorted(edit.rule for edit in result.edits) == ["missing_closer", "missing_comma", "non_finite"]
