"""A stream of answers, a tenth of them damaged: how many are right before repair, and after it.

Usage: python benchmarks/repair_stream.py [--answers 20000] [--seed 1]

The mistakes are made up (``mistakes.py``), the schema is at hand. Counted apart are damaged answers that the standard
reader reads, that the schema accepts, and that are not what was meant: nobody can know. Nine in ten are taken as
right without a look; what the repair does to valid answers is held by the property tests.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import jsonschema

from careless import careless_answer
from mistakes import Answer, Schema, json_answer, yaml_answer
from repair import peer, same
from tables import table_answer
from trellis.errors import TrellisError
from trellis.repair import read_csv, read_yaml, repair_csv, repair_json, repair_yaml


def verdict(answer: Answer, read: Callable[..., Any]) -> str:
    """Right, flagged, wrong or raised."""
    try:
        result = read(answer.text, answer.schema)
    except TrellisError:
        return "raised"
    if same(result.value, answer.meant):
        return "right"
    return "flagged" if result.ambiguous else "wrong"


def damaged(
    make: Callable[[random.Random], Answer], standard: Callable[[Answer], Any], r: random.Random
) -> Answer | None:
    """An answer whose standard reading is none, or against the schema; ``None`` for one that counts apart."""
    while True:
        answer = make(r)
        try:
            value = standard(answer)
        except (ValueError, TrellisError):
            return answer
        if not jsonschema.Draft202012Validator(answer.schema).is_valid(value):
            return answer
        if not same(value, answer.meant):
            return None


def csv_module(text: str, schema: Schema) -> tuple[Any]:
    """What Python's csv makes of a text, with the dialect that it sniffs and numbers read as JSON."""
    rows = list(csv.DictReader(io.StringIO(text.strip()), dialect=csv.Sniffer().sniff(text)))
    members = schema["items"]["properties"]
    return ([{key: _typed(cell, members[key]) for key, cell in row.items()} for row in rows],)


def _typed(cell: str, schema: Schema) -> Any:
    return cell if schema.get("type") == "string" or "enum" in schema else json.loads(cell or "null")


def report(
    name: str, make: Callable[..., Answer], standard: Any, read: Any, answers: int, seed: int, other: Any
) -> None:
    """Print the figures of one format."""
    r, count, apart = random.Random(seed), Counter[str](), 0
    others: Counter[str] = Counter()
    start, total = time.perf_counter(), answers // 10
    while sum(count.values()) < total:
        answer = damaged(make, standard, r)
        if answer is None:
            apart += 1
            continue
        count[verdict(answer, read)] += 1
        if other is not None:
            try:
                others["right" if same(other(answer.text, answer.schema)[0], answer.meant) else "wrong"] += 1
            except Exception:
                others["raised"] += 1
    shown = ", ".join(f"{kind} {100 * count[kind] / answers:.3f}%" for kind in ("wrong", "flagged", "raised"))
    right = 100 * (answers - total + count["right"]) / answers
    print(
        f"{name}: {answers} answers, {total} damaged: right 90% -> {right:.3f}%; {shown}; apart {apart}; "
        f"{1000 * (time.perf_counter() - start) / total:.1f} ms an answer"
    )
    if other is not None:
        peer_name = "csv" if name == "CSV" else "json_repair with the schema"
        print(
            f"  {peer_name}: right {100 * (answers - total + others['right']) / answers:.3f}%, "
            f"wrong {100 * others['wrong'] / answers:.3f}%, raised {100 * others['raised'] / answers:.3f}%"
        )


def main() -> None:
    """Read the command line and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--answers", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    runs: list[tuple[Any, ...]] = [
        ("JSON", json_answer, lambda answer: json.loads(answer.text), repair_json, peer()),
        ("YAML", yaml_answer, lambda answer: read_yaml(answer.text), repair_yaml, None),
        ("YAML, careless", careless_answer, lambda answer: read_yaml(answer.text), repair_yaml, None),
        ("CSV", table_answer, lambda answer: read_csv(answer.text, answer.schema), repair_csv, csv_module),
    ]
    for name, make, standard, read, other in runs:
        report(name, make, standard, read, options.answers, options.seed, other)


if __name__ == "__main__":
    main()
