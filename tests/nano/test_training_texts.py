"""The training texts: pure functions of a seed, of many kinds, right, and apart from the held-out ones."""

from __future__ import annotations

import csv
import io
import json
from types import ModuleType
from typing import Any

import jsonschema
import yaml

COUNT = 400


def leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    if isinstance(value, list):
        return [leaf for member in value for leaf in leaves(member)]
    return [value]


def test_an_example_is_a_function_of_its_seed(examples: ModuleType) -> None:
    assert examples.example("a") == examples.example("a") != examples.example("b")


def test_answers_are_values_of_their_types_and_read_back(examples: ModuleType) -> None:
    kinds, formats = set(), set()
    for seed in range(COUNT):
        one = examples.example(f"check{seed}")
        kinds.add(one.kind)
        formats.add(one.shape.format)
        if one.shape.format == "csv":
            rows = list(csv.DictReader(io.StringIO(one.answer)))
            assert [list(row) for row in rows] == [list(row) for row in one.value]
            assert [["" if leaf is None else str(leaf).lower() for leaf in row.values()] for row in one.value] == \
                [[cell.lower() for cell in row.values()] for row in rows]
            continue
        assert (json.loads if one.shape.format == "json" else yaml.safe_load)(one.answer) == one.value
        jsonschema.validate(one.value, one.schema, cls=jsonschema.Draft202012Validator)
    assert len(kinds) >= 8
    assert formats == {"json", "yaml", "csv"}


def test_prompts_are_the_packages_own_and_hold_what_is_asked(examples: ModuleType) -> None:
    for seed in range(100):
        one = examples.example(f"prompt{seed}", plain=True)
        text = one.messages[-1].content
        assert one.shape.type_text() in text
        for leaf in leaves(one.value):
            if isinstance(leaf, int) and not isinstance(leaf, bool):
                assert str(leaf) in text.replace(",", "")


def test_held_out_names_and_numbers_are_never_trained_on(examples: ModuleType) -> None:
    trained, held_out = (drawn(examples, held_out) for held_out in (False, True))
    assert len(held_out) > COUNT
    assert not (trained & held_out) - CLOSED


def drawn(examples: ModuleType, held_out: bool) -> set[str]:
    """What is asked for in many texts, but for closed scales: words of an enum, truth values, ratings. Amounts with one
    decimal are left out, since 1.5 of one half can be the 1.50 of the other."""
    found: set[str] = set()
    for seed in range(COUNT):
        one = examples.example(f"split{seed}", held_out=held_out, plain=True)
        closed = enums(one.schema)
        for leaf in leaves(one.value):
            scale = isinstance(leaf, bool) or leaf is None or leaf in closed or (isinstance(leaf, int) and leaf <= 5)
            if not scale and not (isinstance(leaf, float) and leaf == round(leaf, 1)):
                found.add(str(leaf).lower())
    return found


CLOSED = {
    "account", "analyst", "arabic", "billing", "buyer", "card", "cash", "critical", "delivered", "designer", "dhl",
    "director", "dpd", "dutch", "engineer", "english", "eur", "fedex", "french", "full-time", "gbp", "german",
    "hermes", "high", "hindi", "internship", "invoice", "japanese", "korean", "lost", "low", "manager", "medium",
    "negative", "neutral", "nurse", "other", "part-time", "paypal", "pending", "polish", "positive", "postnord",
    "returned", "sek", "shipped", "shipping", "spanish", "swedish", "teacher", "technical", "temporary", "transfer",
    "turkish", "ups", "usd",
}
"""Words of closed lists that a type may also ask for as a plain string."""


def enums(schema: Any) -> list[Any]:
    if isinstance(schema, dict):
        return [*schema.get("enum", []), *(word for member in schema.values() for word in enums(member))]
    if isinstance(schema, list):
        return [word for member in schema for word in enums(member)]
    return []
