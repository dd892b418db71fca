"""Writes the cases of ``trellis bench``: held-out texts in each format, and types that no training text is of.

    python bench_cases.py > ../../src/trellis/bench/cases.jsonl
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from examples import example

COUNTS = {"json": 200, "yaml": 100, "csv": 100}
UNKNOWN = 100


def held_out(output_format: str, count: int) -> Iterator[dict[str, Any]]:
    """Texts with names and numbers that no training text has, and the right values."""
    for i in range(count):
        one = example(f"bench-{i}", held_out=True, output_format=output_format, plain=True)
        prompt = one.messages[-1].content.rsplit("\n\nAnswer with", 1)[0]
        yield {"format": output_format, "prompt": prompt, "schema": {"title": one.shape.name, **one.shape.schema},
               "value": one.value}


def unknown_types(count: int) -> Iterator[dict[str, Any]]:
    """Types made at random of JSON Schema's parts, with names that mean nothing: only validity counts."""
    rng = random.Random("unknown")
    for _ in range(count):
        yield {"kind": "unknown", "prompt": "Make something up.", "schema": {"title": "Thing", **random_object(rng, 2)}}


def random_object(rng: random.Random, depth: int) -> dict[str, Any]:
    names = rng.sample(["zeb", "quom", "frel", "tiv", "norg", "plim", "daxo", "wuff"], rng.randint(1, 4))
    return {
        "type": "object",
        "properties": {name: random_schema(rng, depth) for name in names},
        "required": [name for name in names if rng.random() < 0.8],
        "additionalProperties": False,
    }


def random_schema(rng: random.Random, depth: int) -> dict[str, Any]:
    low = rng.randint(-50, 50)
    parts: list[Any] = [
        lambda: {"type": "string", "maxLength": rng.randint(1, 12)},
        lambda: {"type": "integer", "minimum": low, "maximum": low + rng.randint(0, 500)},
        lambda: {"type": "number", "exclusiveMinimum": low},
        lambda: {"enum": rng.sample(["north", "south", 1, 2.5, None, True, ["a", {"b": 0}]], 3)},
        lambda: {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
        lambda: {"type": "array", "items": random_schema(rng, depth - 1), "minItems": 1, "maxItems": rng.randint(1, 4)},
        lambda: random_object(rng, depth - 1),
    ]
    return rng.choice(parts if depth > 0 else parts[:5])()


if __name__ == "__main__":
    for output_format, count in COUNTS.items():
        for case in held_out(output_format, count):
            print(json.dumps(case, ensure_ascii=False, separators=(",", ":")))
    for case in unknown_types(UNKNOWN):
        print(json.dumps(case, ensure_ascii=False, separators=(",", ":")))
