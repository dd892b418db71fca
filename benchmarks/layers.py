"""What each layer is worth on the built-in model, at temperature 1, on prompts that it has not seen.

    python benchmarks/layers.py                    # 200 held-out prompts, answers in JSON
    python benchmarks/layers.py --count 50 --seed 3

*Valid*: the call returned a value (with no layer: ``json.loads`` reads the answer as it stands and the schema accepts
it). *Fields right*: the share of the right answer's leaves that the value has; a call that returned nothing has none.
The rows add one layer each; the last one is on types of a kind that no training text has, where only validity counts.
Intervals are 95% (Wilson).
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

import trellis

sys.path.insert(0, str(Path(__file__).parent.parent / "training" / "nano"))
from evaluate import leaves
from examples import example

ARMS: dict[str, dict[str, Any]] = {
    "prompt only": {"mode": "prompt", "repair": "off", "strategy": trellis.Retry(0)},
    "+ repair": {"mode": "prompt", "repair": "normal", "strategy": trellis.Retry(0)},
    "+ retry (2 more)": {"mode": "prompt", "repair": "normal", "strategy": trellis.Retry(2)},
    "+ mask": {"mode": "mask", "repair": "normal", "strategy": trellis.Retry(2)},
}


@dataclass(frozen=True)
class Case:
    prompt: str
    schema: dict[str, Any]
    value: Any


@dataclass
class Row:
    """Sums over the cases of one arm."""

    calls: int = 0
    tokens: int = 0
    valid: int = 0
    leaves: int = 0
    right: int = 0
    seconds: float = 0.0

    def add(self, case: Case, value: Any, usage: trellis.Usage, seconds: float) -> None:
        expected = leaves(case.value)
        found = leaves(value)
        self.calls += usage.calls
        self.tokens += usage.completion_tokens
        self.seconds += seconds
        self.leaves += len(expected)
        self.right += sum(found.get(pointer, self) == leaf for pointer, leaf in expected.items())


def held_out(count: int, seed: int) -> Iterator[Case]:
    """Prompts with names and numbers that no training text has, and the right values."""
    for i in range(count):
        one = example(f"layers-{seed}-{i}", held_out=True, output_format="json", plain=True)
        prompt = one.messages[-1].content.rsplit("\n\nAnswer with", 1)[0]
        yield Case(prompt, {"title": one.shape.name, **one.schema}, one.value)


def unknown_types(count: int, seed: int) -> Iterator[Case]:
    """Types made at random of JSON Schema's parts, with names that mean nothing."""
    rng = random.Random(f"unknown-{seed}")
    for _ in range(count):
        yield Case("Make something up.", {"title": "Thing", **random_object(rng, 2)}, None)


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


def run(cases: list[Case], settings: dict[str, Any], session: trellis.Session, seed: int, label: str) -> Row:
    row = Row()
    for i, case in enumerate(track(cases, label, console=Console(stderr=True))):
        sampling = trellis.Sampling(temperature=1, seed=seed * 100_003 + i, max_tokens=400)
        start = time.perf_counter()
        try:
            result = trellis.generate_structured(
                case.prompt, case.schema, session=session, sampling=sampling, **settings
            )
        except trellis.GenerationError as error:
            row.add(case, None, error.usage, time.perf_counter() - start)
        else:
            row.valid += 1
            row.add(case, result.value, result.usage, time.perf_counter() - start)
    return row


def interval(hits: int, of: int) -> str:
    """A share with its 95% Wilson interval, in percent."""
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return f"{100 * share:.1f}% ({100 * (middle - half):.0f}-{100 * (middle + half):.0f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="prompts in each row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--model", default="trellis/nano")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", UserWarning)
    session = trellis.Session(model=arguments.model)
    known = list(held_out(arguments.count, arguments.seed))
    rows = {name: run(known, settings, session, arguments.seed, name) for name, settings in ARMS.items()}
    strange = list(unknown_types(arguments.count, arguments.seed))
    name = "mask, unknown types"
    rows[name] = run(strange, {**ARMS["+ mask"], "strategy": trellis.Retry(0)}, session, arguments.seed, name)
    table = Table("layers", "valid", "fields right", "calls", "tokens", "s / prompt", box=None)
    for name, row in rows.items():
        fields = f"{100 * row.right / row.leaves:.1f}%" if "unknown" not in name else "-"
        table.add_row(name, interval(row.valid, arguments.count), fields, str(row.calls), str(row.tokens),
                      f"{row.seconds / arguments.count:.2f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
