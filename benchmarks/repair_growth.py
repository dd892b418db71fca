"""How the time of repair grows with long and hostile texts: doubled from 1 kB to 1 MB, with and without a schema.

    python benchmarks/repair_growth.py [--kind json|stream|yaml|csv] [--only WORD] [--foreign] [--most CHARACTERS]
    python benchmarks/repair_growth.py --kind yaml --table benchmarks/results/repair_growth_yaml.md

For each family: seconds for each MB at the largest size, and the exponent that fits the upper half of the sizes (1 is
linear). The time is this thread's own. A text that is refused counts as well: refusing takes time, too. ``--foreign``
takes the families of JSON for YAML and CSV as well.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from repair_families import CSV, JSON, YAML
from trellis.errors import RepairError
from trellis.repair import StreamRepairer, repair_csv, repair_json, repair_yaml

SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "array", "items": {"$ref": "#"}},
        "k": {"type": ["string", "integer"]},
        "b": {"anyOf": [{"$ref": "#"}, {"type": "string"}]},
    },
}
ROWS = {"type": "array", "items": {"type": "object", "properties": {name: {"type": "string"} for name in "xy"}}}
RATE, EXPONENT = 2.0, 1.1  # what is over either is marked


class Growth(NamedTuple):
    """What a family takes.

    Attributes:
        length: characters of the largest text that was read.
        rate: seconds for each MB of it.
        exponent: of the growth, 0 where all is too quick to tell.
        outcome: ``read``, ``raised``, or the limit that was hit.
    """

    length: int
    rate: float
    exponent: float
    outcome: str

    @property
    def over(self) -> bool:
        """It takes longer than it may."""
        return self.rate > RATE or self.exponent > EXPONENT

    def cells(self) -> str:
        """The cells of a table."""
        bold = "**" if self.over else ""
        shown = "" if self.outcome == "read" else self.outcome
        return f"{bold}{self.rate:.2f}{bold} | {bold}{self.exponent:.2f}{bold} | {shown}"


def seconds(read: Callable[[str], Any], text: str) -> tuple[float, str]:
    """Seconds of this thread for one text, and what came of it."""
    start = time.thread_time()
    try:
        read(text)
        outcome = "read"
    except RepairError as error:
        outcome = error.limit or "raised"
    return time.thread_time() - start, outcome


def stream(text: str, schema: Any) -> None:
    """Feed a text in pieces of 16 characters, as a model gives it, and ask for the value now and then."""
    repairer = StreamRepairer(schema)
    for at in range(0, len(text), 16):
        repairer.feed(text[at : at + 16])
    repairer.finish()


KINDS: dict[str, tuple[Callable[[str, Any], Any], Any, dict[str, Callable[[int], str]]]] = {
    "json": (repair_json, SCHEMA, JSON),
    "stream": (stream, SCHEMA, JSON),
    "yaml": (repair_yaml, SCHEMA, YAML),
    "csv": (repair_csv, ROWS, CSV),
}


def measure(make: Callable[[int], str], read: Callable[[str], Any], most: int, patience: float) -> Growth:
    """Read texts of a family, each twice as long as the one before."""
    points: list[tuple[int, float]] = []
    outcome, size = "", 1_000
    while size <= most:
        text = make(size)
        taken, outcome = seconds(read, text)
        points.append((len(text), max(taken, 1e-6)))
        if taken > patience:
            break
        size *= 2
    length, taken = points[-1]
    upper = [(math.log(a), math.log(b)) for a, b in points[len(points) // 2 :] if b > 2e-3]
    exponent = 0.0
    if len(upper) > 1:
        middle = sum(x for x, _ in upper) / len(upper), sum(y for _, y in upper) / len(upper)
        rise = sum((x - middle[0]) * (y - middle[1]) for x, y in upper)
        exponent = rise / sum((x - middle[0]) ** 2 for x, _ in upper)
    return Growth(length, taken / length * 1e6, exponent, outcome)


def rows(options: argparse.Namespace) -> Iterator[tuple[str, list[Growth]]]:
    """The families of a kind, each without a schema and, unless that is not wanted, with one."""
    read, schema, families = KINDS[options.kind]
    for name, make in {**(JSON if options.foreign else {}), **families}.items():
        if options.only in name:
            plain = measure(make, lambda text: read(text, None), options.most, options.patience)
            if options.plain:
                yield name, [plain]
                continue
            yield name, [plain, measure(make, lambda text: read(text, schema), options.most, options.patience)]


def main() -> None:
    """Read the command line and report; what is over the bar is marked."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])  # type: ignore[union-attr]
    parser.add_argument("--only", default="", help="families whose name has this word")
    parser.add_argument("--most", type=int, default=1_024_000, help="characters of the largest text")
    parser.add_argument("--kind", choices=KINDS, default="json")
    parser.add_argument("--foreign", action="store_true", help="also the families of JSON")
    parser.add_argument("--plain", action="store_true", help="without a schema only")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds after which a family is not doubled again")
    parser.add_argument("--json", action="store_true", help="print lines of JSON")
    parser.add_argument("--table", type=Path, help="also write a table to this file")
    options = parser.parse_args()
    about = f"{platform.machine()}, Python {platform.python_version()}, {time.strftime('%Y-%m-%d')}"
    lines = [
        f"# How repair of {options.kind} grows",
        "",
        f"`python benchmarks/repair_growth.py {' '.join(sys.argv[1:])}`: {about}.",
        "",
        "Seconds for each MB at the largest size, and the exponent over the upper half of the sizes; bold where it is",
        "over 2 s/MB, or over 1.1. " + ("Without a schema." if options.plain else "Without a schema, and with one."),
        "",
        "| family | characters | s/MB | exponent | |" + ("" if options.plain else " s/MB, schema | exponent | |"),
        "|---|--:|--:|--:|---|" + ("" if options.plain else "--:|--:|---|"),
    ]
    for name, found in rows(options):
        if options.json:
            print(json.dumps({"family": name, "growth": [one._asdict() for one in found]}), flush=True)
        else:
            cells = "  ".join(f"{one.rate:7.2f} s/MB {one.exponent:5.2f} {one.outcome:7}" for one in found)
            print(f"{name:34} {cells}{'  OVER' if any(one.over for one in found) else ''}", flush=True)
        lines.append(f"| {name} | {found[0].length:,} | {' | '.join(one.cells() for one in found)} |")
        if options.table is not None:
            options.table.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
