"""Rows of a file as prompts: lines of text, JSON Lines, or CSV with a header.

Rows are read as they are needed. One that cannot be read becomes a prompt that says so when its turn comes: it is
reported with the others, and stops nothing.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, Any

from trellis.errors import UsageError, shown

LONGEST = 10_000_000
"""Characters of a cell; the csv module's own bound is 131,072."""


class From(StrEnum):
    auto = "auto"
    text = "text"
    jsonl = "jsonl"
    csv = "csv"


@dataclass(frozen=True)
class Source:
    """A row of a file.

    Attributes:
        line: where it begins, from 1.
        fields: by name; of a line of text or a JSON string, ``text``.
        fault: why there are none.
    """

    line: int
    fields: dict[str, Any]
    fault: str = ""


def kind_of(path: Path, given: From) -> From:
    """How a file's rows are written: as it is said, or as its name ends."""
    if given is not From.auto:
        return given
    ends = {".jsonl": From.jsonl, ".ndjson": From.jsonl, ".csv": From.csv, ".tsv": From.csv}
    return ends.get(path.suffix.lower(), From.text)


def count_of(path: Path, kind: From) -> int | None:
    """How many rows there are, for the progress bar; ``None`` if only reading them can tell."""
    if kind is From.csv or str(path) == "-" or not path.is_file():
        return None
    with suppress(OSError), path.open("rb") as file:
        return sum(not line.isspace() for line in file)
    return None


def sources(path: Path, kind: From) -> Iterator[Source]:
    """The rows, one after the other; blank lines are none.

    Raises:
        UsageError: the file cannot be read, or has no header.
    """
    try:
        with _opened(path) as file:
            yield from _table(file, path) if kind is From.csv else _lines(file, kind)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error


def _opened(path: Path) -> IO[str]:
    if str(path) != "-":
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    if sys.stdin is None:
        raise UsageError("standard input is closed")
    return open(sys.stdin.fileno(), encoding="utf-8-sig", errors="surrogateescape", newline="", closefd=False)


def _lines(file: IO[str], kind: From) -> Iterator[Source]:
    for number, line in enumerate(file, 1):
        line = line.rstrip("\r\n")
        if not line.strip():
            continue
        yield _fault(number, line) or (Source(number, {"text": line}) if kind is From.text else _json(number, line))


def _json(number: int, line: str) -> Source:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Source(number, {}, f"line {number} holds no JSON: {error}")
    if isinstance(data, str):
        return Source(number, {"text": data})
    if not isinstance(data, dict):
        return Source(number, {}, f"line {number} holds {shown(data)}, not an object or a text")
    return Source(number, data)


def _table(file: IO[str], path: Path) -> Iterator[Source]:
    csv.field_size_limit(LONGEST)
    reader = csv.DictReader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ",")
    if not reader.fieldnames:
        raise UsageError(f"{path} has no header", hint="the first line of CSV names its columns")
    number = reader.line_num + 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield Source(number, {}, f"line {number}: {error}")
            number = reader.line_num + 1
            continue
        if cells is None:
            return
        more, missing = cells.pop(None, None), [name for name, cell in cells.items() if cell is None]
        fault = (f"line {number} has more cells than the header" if more else
                 f"line {number} has no {', '.join(missing)}" if missing else "")
        yield _fault(number, "".join(map(str, cells.values()))) or Source(number, {} if fault else dict(cells), fault)
        number = reader.line_num + 1


def _fault(number: int, text: str) -> Source | None:
    if any("\udc80" <= character <= "\udcff" for character in text):
        return Source(number, {}, f"line {number} is not UTF-8")
    return None
