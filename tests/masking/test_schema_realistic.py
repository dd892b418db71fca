"""Schemas as people write them (tools, OpenAPI, configurations, records): masks and jsonschema judge alike."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.masking.portable_readers import TOKENS

from trellis.masking.grammar import Grammar
from trellis.masking.vocabulary import Vocabulary
from trellis.masking.walk import Walker

pytest.importorskip("trellis_kernel")

FIXTURE = Path(__file__).parents[2] / "fixtures" / "masking" / "realistic_schemas.jsonl"
CASES = [json.loads(line) for line in FIXTURE.read_text(encoding="utf-8").splitlines()]
VOCABULARY = Vocabulary(TOKENS, special_ids=[256], eos_ids=[256])
VALUES: list[Any] = [None, True, 0, -1, 1.5, 101, "", "x", 'é"', [], {}, [1], {"x": 1}]
MUTATIONS = 60  # of each schema's instances

named = pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])


def judge_of(schema: Any, **options: Any) -> Any:
    return jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)(schema, **options)


def mutations(value: Any) -> Iterator[Any]:
    """A value with one thing in it changed: another value, one less, one more, another name."""
    yield from VALUES
    if isinstance(value, dict):
        yield {**value, "other": 1}
        for name, member in value.items():
            rest = {key: inner for key, inner in value.items() if key != name}
            yield from (rest, {**rest, f"{name}_": member})
            yield from ({**value, name: changed} for changed in mutations(member))
    elif isinstance(value, list):
        yield from ([*value, extra] for extra in VALUES[:4])
        for i, item in enumerate(value):
            yield from (value[:i] + value[i + 1 :], [*value[:i], item, *value[i:]])
            yield from ([*value[:i], changed, *value[i + 1 :]] for changed in mutations(item))
    elif isinstance(value, str):
        yield from (f"{value}x", value[:-1], value.upper(), f"1{value}")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from (value + 1, -value, value * 1000, value + 0.3)


@named
def test_instances_with_one_thing_changed(case: dict[str, Any]) -> None:
    schema = case["schema"]
    grammar = Grammar.from_json_schema(schema, property_order="any")
    without_formats = Grammar.from_json_schema(schema, property_order="any", formats="annotate")
    judge, strict = judge_of(schema), judge_of(schema, format_checker=jsonschema.FormatChecker())
    assert all(strict.is_valid(value) and grammar.accepts(json.dumps(value)) for value in case["valid"])
    changed = [value for instance in case["valid"] for value in mutations(instance)]
    for value in random.Random(1).sample(changed, min(MUTATIONS, len(changed))):
        text = json.dumps(value, ensure_ascii=False)
        assert without_formats.accepts(text) == judge.is_valid(value), text
        assert not grammar.accepts(text) or strict.is_valid(value), text


@named
def test_what_masks_allow_is_valid(case: dict[str, Any]) -> None:
    judge = judge_of(case["schema"], format_checker=jsonschema.FormatChecker())
    walker = Walker(Grammar.from_json_schema(case["schema"]).compile(VOCABULARY), 7)
    for _ in range(2):
        text = walker.text(150)
        assert judge.is_valid(json.loads(text)), text
