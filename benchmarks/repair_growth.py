"""How the time of repair grows with adversarial texts: doubled from 1 kB to 1 MB, with and without a schema.

Usage: python benchmarks/repair_growth.py [--only WORD] [--most CHARACTERS] [--kind json|stream|yaml|csv]

For each family: seconds for the largest text, seconds for each MB, and the exponent that fits the upper half of the
sizes (1 is linear). The time is this process's own. A text that is refused counts as well: refusing takes time, too.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import time
from collections.abc import Callable
from typing import Any

from trellis.errors import TrellisError
from trellis.repair import StreamRepairer, repair_csv, repair_json, repair_yaml

SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"$ref": "#"}},
        "k": {"type": ["string", "integer"]},
        "b": {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
    },
}

REPEATED = {
    "opening brackets": "[",
    "opening braces": "{",
    "parentheses": "(",
    "brackets and braces": "[{",
    "keys that open": '{"a":',
    "bare keys that open": "{a: [",
    "closing brackets": "]",
    "closing braces": "}",
    "closed, opened": "}{",
    "words and closers": "x}",
    "quotes": '"',
    "apostrophes": "'",
    "braces and quotes": '{"',
    "quotes and braces": '"}',
    "backticks": "`",
    "backslashes": "\\",
    "broken escapes": "\\u",
    "commas": ",",
    "colons": ":",
    "signs": "-",
    "digits": "1",
    "numbers": "1 ",
    "grouped numbers": "1,234,",
    "words": "word ",
    "lines of words": "some words\n",
    "literals": "True ",
    "empty objects": "{}",
    "doubled braces": "{{}}",
    "brackets in prose": "(see {x} and [y]) ",
    "bare members in prose": "{k: v} ",
    "strings": '"a" ',
    "typographic quotes": "“a” ",
    "slashes": "/",
    "comment marks": "/*",
    "line comments": "// {\n",
    "hashes": "#",
    "stars": "*",
    "dots": "...",
    "fences": "```\n",
    "labelled fences": "```json\n{\n",
    "fences in a line": "```json {",
    "tildes": "~~~\n",
    "reasoning blocks": "<think>{",
    "closed reasoning": "<think>{}</think>",
    "tags": "<a>",
    "open tags": "<a ",
    "spaces": " ",
    "lines": "\n",
    "no-break spaces": "\u00a0",
    "BOMs": "\ufeff",
    "calls": "f(",
    "calls of numbers": "f(1) ",
    "plus": '"a" + ',
    "records by line": '{"k": 1}\n',
    "records cut off": '{"k": 1, ',
    "half strings": '{"k": "v, ',
    "bullets": "- a: [\n",
    "dashes": "---\n",
    "anchors": "&a *a ",
    "pipes": "|a|",
    "surrogates": "\\ud83d",
}
"""Families that are one piece many times."""

FRAMED = {
    "bare members": ("{", "k{i}: some value,\n", "}"),
    "members without commas": ("{", '"k{i}": 1\n', "}"),
    "members without colons": ("{", '"k{i}" 1,\n', "}"),
    "inner quotes": ('{"a": "', 'she said "no" and ', '"}'),
    "inner quotes and commas": ('{"a": "', 'she said "no", "yes", ', '"}'),
    "objects with inner quotes": ("[", '{"k": "a "b" c"},', "]"),
    "joined strings": ('{"k": "a"', ' + "b"', "}"),
    "adjacent strings": ("[", '"a" "b" ', "]"),
    "strings without a closing quote": ("[", '{"k": "v, "b": "w"},\n', "]"),
    "strings without an opening quote": ("[", '{"k": v", "b": w"},\n', "]"),
    "keys without quotes and values": ("{", "k{i},", "}"),
    "trailing commas": ("[", '{"k": 1,},', "]"),
    "lost closers": ("[", '{"k": [1, 2},\n', "]"),
    "lost closers by line": ("{\n", ' "k{i}": {\n  "a": 1,\n', "}"),
    "surplus closers": ("[", '{"k": 1}},\n', "]"),
    "lost openers": ("[", '"k": 1},\n', "]"),
    "wrong closers": ("[", '{"k": [1, 2}], ', "]"),
    "Python": ("[", "{'k': None, 'b': 'it\\'s'}, ", "]"),
    "comments everywhere": ("[", '/* c */ {"k": 1 // d\n},', "]"),
    "the same key": ("{", '"k": 1,', "}"),
    "the same key without commas": ("{", '"k": 1 ', "}"),
    "raw line breaks": ('{"a": "', "line\n", '"}'),
    "control characters": ('{"a": "', "\x01\x02", '"}'),
    "Windows paths": ("[", '"C:\\Users\\new",', "]"),
    "words before keys": ("{", 'WORD "k{i}": 1, ', "}"),
    "objects in strings": ("[", '"a {"k": 1} b", ', "]"),
    "unclosed objects in strings": ("[", '"a {"k": ', "]"),
    "regular expressions in strings": ("[", """"^['"]([^'"]+)['"]", """, "]"),
    "deep indentation": ("", "{sp}- k:\n", ""),
    "nested and cut off": ("", '{"b": {"a": [', ""),
    "nested and closed": ("[", "[" * 400 + "1" + "]" * 400 + ",", "]"),
    "a fence in every string": ('{"a": "', "```json\n{}\n```\n", '"}'),
    "long numbers": ("[", "1234567890" * 3 + ".", "]"),
    "rows": ("a,b\n", '1,"x, y"\n', ""),
    "rows with inner quotes": ("a,b\n", '1,"x "y" z"\n', ""),
    "rows too long": ("a,b\n", "1,2,3\n", ""),
}
"""Families of a beginning, a piece many times (``{i}`` counts, ``{sp}`` indents), and an end."""


def text_of(family: str, size: int) -> str:
    """A text of a family of about ``size`` characters."""
    if family in REPEATED:
        piece = REPEATED[family]
        return piece * max(1, size // len(piece))
    begin, piece, end = FRAMED[family]
    parts, length, number = [begin], len(begin), 0
    while length < size:
        part = piece.replace("{i}", str(number)).replace("{sp}", " " * (number % 200))
        parts.append(part)
        length, number = length + len(part), number + 1
    return "".join([*parts, end])


def seconds(read: Callable[[str], Any], text: str) -> float:
    """Seconds of this process for one text."""
    start = time.process_time()
    with contextlib.suppress(TrellisError):
        read(text)
    return time.process_time() - start


def stream(text: str, schema: Any) -> None:
    """Feed a text in pieces of 16 characters, as a model gives it, and ask for the value now and then."""
    repairer = StreamRepairer(schema)
    for at in range(0, len(text), 16):
        repairer.feed(text[at : at + 16])
    repairer.finish()


READERS: dict[str, Callable[[str, Any], Any]] = {
    "json": repair_json,
    "stream": stream,
    "yaml": repair_yaml,
    "csv": repair_csv,
}


def measure(family: str, schema: Any, kind: str, most: int, patience: float) -> tuple[float, float, float]:
    """Seconds for the largest text, for each MB, and the exponent."""
    read = READERS[kind]
    points: list[tuple[int, float]] = []
    size = 1_000
    while size <= most:
        text = text_of(family, size)
        taken = seconds(lambda source: read(source, schema), text)
        points.append((len(text), max(taken, 1e-6)))
        if taken > patience:
            break
        size *= 2
    upper = [point for point in points[len(points) // 2 :] if point[1] > 2e-3]
    length, taken = points[-1]
    exponent = 0.0
    if len(upper) > 1:
        xs, ys = [math.log(point[0]) for point in upper], [math.log(point[1]) for point in upper]
        mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
        top = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
        exponent = top / sum((x - mean_x) ** 2 for x in xs)
    return taken, taken / length * 1e6, exponent


def main() -> None:
    """Read the command line and report; what is over the bar is marked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--only", default="", help="families whose name has this word")
    parser.add_argument("--most", type=int, default=1_000_000, help="characters of the largest text")
    parser.add_argument("--kind", choices=READERS, default="json")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds after which a family is not doubled again")
    parser.add_argument("--json", action="store_true", help="print lines of JSON")
    options = parser.parse_args()
    for family in [*REPEATED, *FRAMED]:
        if options.only not in family:
            continue
        row: dict[str, Any] = {"family": family}
        for name, schema in (("plain", None), ("schema", SCHEMA)):
            schema = {"type": "array", "items": SCHEMA} if schema and options.kind == "csv" else schema
            taken, rate, exponent = measure(family, schema, options.kind, options.most, options.patience)
            row[name] = {"seconds": round(taken, 3), "seconds_per_mb": round(rate, 2), "exponent": round(exponent, 2)}
        if options.json:
            print(json.dumps(row), flush=True)
            continue
        over = any(row[name]["seconds_per_mb"] > 2 or row[name]["exponent"] > 1.1 for name in ("plain", "schema"))
        cells = "  ".join(
            f"{name} {row[name]['seconds']:6.2f} s {row[name]['seconds_per_mb']:6.2f} s/MB {row[name]['exponent']:5.2f}"
            for name in ("plain", "schema")
        )
        print(f"{family:34} {cells}{'  OVER' if over else ''}", flush=True)


if __name__ == "__main__":
    main()
