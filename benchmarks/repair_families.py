"""How the time of YAML and CSV repair grows: families of valid, damaged and hostile texts, doubled in size.

Usage: python benchmarks/repair_families.py [yaml] [csv] [--largest 1000000] [--only NAME]

For each family: seconds for a megabyte at the largest size, and the exponent of the growth from 32 kB on (1 is
linear). ``limit`` is an error at a typed limit, ``raised`` an error without a reading. Processor time, one thread.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

from trellis.errors import RepairError
from trellis.repair import repair_csv, repair_yaml

RECORD = """- id: 12345
  name: Ada Lovelace
  note: "She said \\"hello\\", then left."
  tags: [a, b, c]
  price: 12.5
  text: |
    First line: of two.
    Second line # no comment
  address:
    street: 12 High St
    city: London
"""
ROW = '12345,Ada Lovelace,"She said ""hello"", then left",12.5,true\n'


def repeated(piece: str, before: str = "", after: str = "") -> Callable[[int], str]:
    """A text of some size out of one piece."""
    return lambda size: before + piece * max(1, (size - len(before) - len(after)) // len(piece)) + after


def numbered(line: Callable[[int], str], before: str = "", after: str = "") -> Callable[[int], str]:
    """A text of some size out of numbered lines."""

    def make(size: int) -> str:
        parts, length, at = [before], len(before), 0
        while length < size:
            parts.append(line(at))
            length += len(parts[-1])
            at += 1
        return "".join(parts) + after

    return make


YAML = {
    "valid records": repeated(RECORD),
    "one error at the end": repeated(RECORD, after="- id: a: b\n"),
    "one error at the start": repeated(RECORD, before="- id: a: b\n"),
    "unclosed bracket at the end": repeated(RECORD, after="- id: [1, 2\n"),
    "unclosed bracket at the start": repeated(RECORD, before="- id: [1, 2\n"),
    "fence and prose": repeated(RECORD, "Here it is:\n```yaml\n", "```\nDone.\n"),
    "valid keys": numbered(lambda n: f"key{n}: value {n}\n"),
    "colons in every value": repeated("- title: Node: the API\n  b: x # y\n"),
    "colons under numbered keys": numbered(lambda n: f"key{n}: Node: the API\n"),
    "the same key": repeated("a: 1\n"),
    "bold": repeated("- a: **bold** text\n  b: @ada\n"),
    "tabs": repeated("- a: 1\n\tb: 2\n"),
    "bullets": repeated("* one: two\n\u2022 three\n"),
    "numbers": numbered(lambda n: f"{n + 1}. item: {n}\n", "list:\n"),
    "unclosed lists": repeated("- a: [1, 2\n  b: 3\n"),
    "unclosed quotes": repeated('- a: "text\n  b: 3\n'),
    "quotes in quotes": repeated('- a: "he said "no" to it"\n'),
    "one long unclosed list": repeated("1, ", "a: ["),
    "one long unclosed list over lines": repeated("  1,\n", "a: [\n"),
    "objects in a list, unclosed": repeated("{x: 1}, ", "a: ["),
    "one long unclosed quote": repeated("text ", 'a: "'),
    "quoted lines, unclosed": repeated("  text\n", 'a: "\n'),
    "opening brackets": repeated("["),
    "opening braces": repeated("{"),
    "opening braces on lines": repeated("{\n"),
    "closing brackets": repeated("]"),
    "dashes": repeated("- "),
    "dashes on lines": repeated("-\n"),
    "colons": repeated(":"),
    "colons and spaces": repeated(": "),
    "quotes": repeated('"'),
    "apostrophes": repeated("'"),
    "spaces": repeated(" ", "a: b", "c"),
    "blank lines": repeated("\n", "a: b", "c"),
    "hashes": repeated("#"),
    "comments": repeated("# comment\n", "a: 1\n", "b: c: d\n"),
    "pipes": repeated("|\n"),
    "backslashes": repeated("\\", 'a: "', '"'),
    "stars": repeated("*"),
    "ampersands": repeated("&a "),
    "anchors": numbered(lambda n: f"- &a{n} x\n- *a{n}\n"),
    "aliases of one": repeated("- *a\n", "- &a [1, 2]\n"),
    "own tags": repeated("- !x y\n"),
    "tags": repeated("- !!str y\n"),
    "explicit keys": numbered(lambda n: f"? k{n}\n: v\n"),
    "documents": repeated("---\na: 1\n"),
    "document ends": repeated("a: 1\n...\n"),
    "deeper and deeper": lambda size: "".join(" " * n + "a:\n" for n in range(int(math.sqrt(2 * size)))),
    "stairs": repeated("a:\n  b:\n    c:\n      d: x: y\n"),
    "one column off": repeated("- a: 1\n   b: 2\n  c: 3\n"),
    "lines of text": repeated("some words of text\n", "a: x: y\nb:\n"),
    "lines of text at the margin": repeated("some words: of text\nand more\n"),
    "prose": repeated("This is a sentence, nothing else. ", "a: 1\n"),
    "prose in lines": repeated("This is a sentence, nothing else.\n", "a: b: 1\n"),
    "text in block, dedented": repeated("text of the block\n", "a: |\n  first\n", "b: 1\n"),
    "literal of long lines": repeated("  line: of text\n", "a: |\n", "b: c: d\n"),
    "JSON in one line": repeated('{"a": 1, "b": "x"}, ', "[", "{}]"),
    "JSON in lines": repeated('{"a": 1}\n'),
    "JSON, Python": repeated("{'a': True}, ", "[", "{}]"),
    "carriage returns": lambda size: repeated(RECORD)(size).replace("\n", "\r\n"),
    "no-break spaces": repeated("\u00a0\u00a0a: 1\n"),
    "control characters": repeated("a\x00: 1\n"),
    "Markdown table": repeated("| a | b |\n"),
    "assignments": numbered(lambda n: f"k{n} = v\n"),
    "keys without space": numbered(lambda n: f"k{n}:v\n"),
}
CSV = {
    "valid": repeated(ROW, "id,name,note,price,ok\n"),
    "one row too long": repeated(ROW, "id,name,note,price,ok\n", "1,2,3,4,5,6\n"),
    "one row too short": repeated(ROW, "id,name,note,price,ok\n1,2\n"),
    "rows too long": repeated("a,b,c\n", "x,y\n"),
    "rows too short": repeated("a\n", "x,y\n"),
    "open quotes": repeated('"a,b\n', "x,y\n"),
    "one open quote": repeated("a,b\n", 'x,y\n"'),
    "quotes": repeated('"'),
    "quotes and commas": repeated('",'),
    "commas": repeated(","),
    "commas on lines": repeated(",\n"),
    "inner quotes": repeated('"he said "no"",1\n', "x,y\n"),
    "prose with commas": repeated("Well, this is prose, nothing else.\n"),
    "prose": repeated("This is prose.\n"),
    "fences": repeated("```\n"),
    "fences with tables": repeated("```csv\na,b\n1,2,3\n```\n"),
    "Markdown table": repeated("| a | b |\n", "| x | y |\n|---|---|\n"),
    "pipes": repeated("|"),
    "tabs": repeated("a\tb\n"),
    "blank lines": repeated("\n", "a,b\n1,2\n", "3,4\n"),
    "long cells": repeated("x", "a,b\n1,", "\n"),
}


def seconds(call: Callable[[str], object], text: str) -> tuple[float, str]:
    """Processor time of one reading, and what came of it."""
    start = time.process_time()
    try:
        call(text)
        outcome = ""
    except RepairError as error:
        outcome = "limit" if error.limit else "raised"
    return time.process_time() - start, outcome


def report(name: str, call: Callable[[str], object], make: Callable[[int], str], largest: int) -> None:
    """Print the figures of one family; sizes that would take more than half a minute are left out."""
    sizes = [size for at in range(11) if (size := 1000 * 2**at) <= largest]
    times: list[tuple[int, float]] = []
    outcome = ""
    for size in sizes:
        text = make(size)
        took, outcome = seconds(call, text)
        times.append((len(text), took))
        if took > 15:
            break
    length, took = times[-1]
    first = next(((size, t) for size, t in times if size >= 30_000), times[0])
    grown = length > first[0] and took > 0.02 and first[1] > 0
    exponent = f"{math.log(took / first[1]) / math.log(length / first[0]):5.2f}" if grown else "    -"
    mark = " <--" if took / length * 1e6 > 2 or (grown and took > 0.1 and float(exponent) > 1.15) else ""
    print(f"  {name:36} {took / length * 1e6:8.2f} s/MB  {exponent}  {length:9} {outcome}{mark}", flush=True)


def main() -> None:
    """Read the command line and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("formats", nargs="*")
    parser.add_argument("--largest", type=int, default=1_024_000)
    parser.add_argument("--only", default="", help="families whose name holds this")
    options = parser.parse_args()
    families = {"yaml": (YAML, repair_yaml), "csv": (CSV, repair_csv)}
    for form in options.formats or families:
        print(form)
        for name, make in families[form][0].items():
            if options.only in name:
                report(name, families[form][1], make, options.largest)


if __name__ == "__main__":
    main()
