"""The cases of a benchmark, and how an answer compares with the right one."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

import trellis
from trellis.errors import UsageError, shown

MARKERS = {"json": lambda schema: schema, "yaml": trellis.Yaml, "csv": trellis.Csv}
NOT_THERE = object()


@dataclass(frozen=True)
class Case:
    """A prompt with its type and the right answer.

    Attributes:
        prompt: the text, without the type, which is told by the template.
        schema: the JSON Schema of the answer; for CSV, of a row.
        value: the right answer, ``None`` where there is none and only validity counts.
        format: ``"json"``, ``"yaml"`` or ``"csv"``.
        kind: what group it belongs to.
        paraphrases: the same prompt in other words.
    """

    prompt: str
    schema: dict[str, Any]
    value: Any = None
    format: str = "json"
    kind: str = "known"
    paraphrases: tuple[str, ...] = ()

    @cached_property
    def output_type(self) -> Any:
        return MARKERS[self.format](self.schema)

    def fields(self, value: Any) -> tuple[int, int]:
        """How many leaves of the right answer a value has right, and how many there are; no value has none right."""
        expected, found = leaves(self.value), leaves(value)
        if value is None and self.value is not None:
            return 0, len(expected)
        return sum(same(right, found.get(place)) for place, right in expected.items()), len(expected)


def read_cases(path: str | os.PathLike[str] | None = None) -> list[Case]:
    """Cases of a file of JSON Lines with the fields of ``Case``; of the built-in one without a path.

    Raises:
        UsageError: the file cannot be read, or a line is no case.
    """
    try:
        if path is None:
            text = files("trellis").joinpath("bench", "cases.jsonl").read_text(encoding="utf-8")
        else:
            with open(path, encoding="utf-8-sig") as file:
                text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the cases in {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return [_case(line, number) for number, line in enumerate(text.splitlines(), 1) if line.strip()]


def _case(line: str, number: int) -> Case:
    try:
        given = json.loads(line)
        case = Case(**{**given, "paraphrases": tuple(given.get("paraphrases", ()))})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"line {number} of the cases is none: {error}",
                         hint='{"prompt": "...", "schema": {...}, "value": ...}') from error
    right = isinstance(case.prompt, str) and isinstance(case.schema, dict) and all(
        isinstance(text, str) for text in case.paraphrases)
    if not right or case.format not in MARKERS:
        raise UsageError(f"line {number} of the cases is none: {shown(given, 100)}",
                         hint=f"prompt is text, schema a JSON Schema, format one of {', '.join(MARKERS)}")
    return case


def leaves(value: Any, pointer: str = "") -> dict[str, Any]:
    """Everything in a value that is no list or object, by JSON pointer."""
    return dict(_leaves(value, pointer))


def _leaves(value: Any, pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        members = value.items() if isinstance(value, dict) else enumerate(value)
        for key, member in members:
            yield from _leaves(member, f"{pointer}/{key}")
    else:
        yield pointer, value


def same(right: Any, found: Any) -> bool:
    """Equal, and not a number for a truth value; null and nothing are one."""
    return bool(right == found) and isinstance(right, bool) == isinstance(found, bool)
