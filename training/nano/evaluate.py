"""How often the model is right on held-out texts: names and numbers that no training text has.

    python evaluate.py --model ../../src/trellis/models/nano --count 200 --samples 200

Fields are leaves of the right answer, by JSON pointer. A field is right when the answer, read by the format's standard
parser, has an equal value there (numbers as numbers; nothing, null and an empty CSV cell are one); an answer that
cannot be read has no right field. A sample at temperature 1 is valid when ``json.loads`` reads it and the schema
accepts it; nothing is masked, repaired or stripped.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
from examples import FORMATS, Example, example
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from trellis.masking.sampler import Sampler
from trellis.models.nano import NanoModel

MOST_TOKENS = 400


def answer(model: NanoModel, one: Example, sampler: Sampler, generator: np.random.Generator) -> tuple[str, int]:
    """The text of an answer, without any layer of Trellis, and its number of tokens."""
    state = model.start()
    logits = state.step(model.encode(one.messages))
    end = model.vocabulary.eos_ids[0]
    said = bytearray()
    drawn = 0
    while drawn < MOST_TOKENS:
        token = sampler.draw(logits, generator)
        drawn += 1
        if token == end:
            break
        said += model.vocabulary.tokens[token]
        logits = state.step([token])
    return said.decode("utf-8", "replace"), drawn


def read(text: str, output_format: str) -> Any:
    """What the standard parser reads, or None."""
    try:
        if output_format == "json":
            return json.loads(text)
        if output_format == "yaml":
            return YAML(typ="safe", pure=True).load(text)
        return list(csv.DictReader(io.StringIO(text)))
    except (ValueError, YAMLError, csv.Error):
        return None


def leaves(value: Any, pointer: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {place: leaf for key, member in value.items() for place,
                leaf in leaves(member, f"{pointer}/{key}").items()}
    if isinstance(value, list):
        return {place: leaf for i, member in enumerate(value) for place,
                leaf in leaves(member, f"{pointer}/{i}").items()}
    return {pointer: value}


def same(right: Any, found: Any, output_format: str) -> bool:
    if output_format != "csv":
        return bool(right == found) and isinstance(right, bool) == isinstance(found, bool)
    if right is None:
        return found in (None, "")
    if isinstance(right, (bool, str)):
        return bool(found == (right if isinstance(right, str) else json.dumps(right)))
    try:
        return float(found) == float(right)
    except (TypeError, ValueError):
        return False


def field_score(one: Example, text: str) -> tuple[int, int]:
    """Right fields, and fields."""
    expected = leaves(one.value)
    found = leaves(read(text, one.shape.format))
    return sum(same(value, found.get(place), one.shape.format) for place, value in expected.items()), len(expected)


def valid(one: Example, text: str) -> bool:
    try:
        jsonschema.validate(json.loads(text), one.schema, cls=jsonschema.Draft202012Validator)
    except (ValueError, jsonschema.ValidationError):
        return False
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--count", type=int, default=200, help="texts of each format, greedy")
    parser.add_argument("--samples", type=int, default=200, help="JSON texts at temperature 1")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=0)
    arguments = parser.parse_args()
    model = NanoModel(arguments.model)
    generator = np.random.default_rng(arguments.seed)
    for output_format in FORMATS if arguments.count else ():
        right = total = whole = drawn = read_ok = 0
        started = time.perf_counter()
        for i in range(arguments.count):
            one = example(f"held/{arguments.seed}/{i}", held_out=True, output_format=output_format, plain=True)
            text, tokens = answer(model, one, Sampler(temperature=0), generator)
            score, fields = field_score(one, text)
            right, total, whole, drawn = right + score, total + fields, whole + (score == fields), drawn + tokens
            read_ok += valid(one, text) if output_format == "json" else read(text, output_format) is not None
            if i < arguments.show:
                print(f"--- {score}/{fields}\n{one.messages[-1].content}\n>>> {text}\n=== {one.answer}")
        seconds = time.perf_counter() - started
        print(json.dumps({"format": output_format, "texts": arguments.count, "fields": total,
                          "fields_right": round(right / max(1, total), 4),
                          "texts_all_right": round(whole / arguments.count, 4),
                          "valid" if output_format == "json" else "readable": round(read_ok / arguments.count, 4),
                          "answer_tokens_per_second": round(drawn / seconds)}), flush=True)
    if arguments.samples:
        count = 0
        for i in range(arguments.samples):
            one = example(f"warm/{arguments.seed}/{i}", held_out=True, output_format="json", plain=True)
            text, _ = answer(model, one, Sampler(temperature=1), generator)
            count += valid(one, text)
            if not valid(one, text) and i < arguments.show * 5:
                print(f"--- invalid\n{one.shape.type_text()}\n>>> {text}\n=== {one.answer}")
        print(json.dumps({"format": "json", "temperature": 1, "texts": arguments.samples,
                          "valid": round(count / arguments.samples, 4)}))


if __name__ == "__main__":
    main()
