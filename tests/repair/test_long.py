"""Long texts: what is right in a short one is right in a long one, wherever the damage lies."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
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


def _strings(text: str, change: Callable[[str], str]) -> str:
    """The text with another form of each of its strings."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: change(found.group(1)), text)


def _outside(text: str, part: str, other: str) -> str:
    """The text with something else for a mark between its strings."""
    return re.sub(rf'("(?:[^"\\]|\\.)*")|{part}', lambda found: found.group(1) or other, text)


EVERYWHERE: dict[str, Callable[[str], str]] = {
    "no commas at line ends": lambda text: text.replace(",\n", "\n"),
    "no colons": lambda text: text.replace('":', '" '),
    "equals signs": lambda text: text.replace('":', '" ='),
    "semicolons": lambda text: _outside(text, ",", ";"),
    "typographic quotes": lambda text: _strings(text, lambda inner: f"“{inner}”"),
    "bare keys": lambda text: re.sub(r'"(\w+)":', r"\1:", text),
    "bare words": lambda text: re.sub(r'"([A-Za-z ]+)"', r"\1", text),
    "trailing commas": lambda text: _outside(text, r"(?=\s*[}\]])(?<=[^\[{,\s])", ","),
    "no closing quotes at line ends": lambda text: re.sub(r'("(?:[^"\\]|\\.)*)"(?=,?\n)', r"\1", text),
    "comments": lambda text: text.replace(",", ", /* c */ ").replace("\n", " // more\n"),
    "missing values": lambda text: text.replace(": null", ": "),
    "lost closers at line ends": lambda text: text.replace("},\n", ",\n"),
    "quotes in strings": lambda text: text.replace("words here", 'so-called "words" here'),
}
"""Damage all over a text, and the value is the same for those who can see that it is."""


LEAVES_A_CHOICE = {
    ("no colons", None),
    ("bare words", None),
    ("no closing quotes at line ends", 2),
    ("missing values", 2),
}
"""Damage that one record alone does not show either, or that takes more readings than are kept."""


@pytest.mark.parametrize(
    ("damage", "indent"),
    [(damage, indent) for damage in EVERYWHERE for indent in (None, 2) if (damage, indent) not in LEAVES_A_CHOICE],
)
def test_the_same_mistake_everywhere(damage: str, indent: int | None) -> None:
    meant = ROWS
    if damage == "quotes in strings":
        meant = [{**row, "note": 'three so-called "words" here'} for row in ROWS]
    assert repair_json(EVERYWHERE[damage](json.dumps(ROWS, indent=indent))).value == meant


def test_a_text_that_ends_behind_a_comma_after_much_that_was_passed_over() -> None:
    text = '{"items": "' + '[{\\"id\\": 1, \\"name\\": \\"x\\"}], ' * 1000
    result = repair_json(text, {"type": "object", "properties": {"items": {"type": "array"}}})
    assert len(result.value["items"]) == 1000
    assert result.value["items"][-1] == [{"id": 1, "name": "x"}]
