"""Data that is asked for as JSON and written in another notation: TOML, YAML, lines of names and values."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ..errors import TrellisError
from .candidates import Candidate
from .edits import Change
from .extract import answer_start, fences
from .judge import Judge
from .rules import cost_of

_LONGEST = 20_000  # characters of a text that is tried
_NAMED = re.compile(r"(?:[-*•]\s+)?[*_`]{0,3}[^\W\d][\w .-]{0,60}[*_`]{0,3}\s*[:=]|\[")  # how its first line begins
_PROSE = re.compile(r"\A(?:[^\n]*[.:!]\s*\n\s*\n)?\s*")


def in_other_notation(text: str, schema: Any, judge: Judge) -> Candidate | None:
    """The text as one value that another notation makes of it, if the schema accepts that."""
    if len(text) > _LONGEST:
        return None
    for start, end in _spans(text):
        for value in _values(text[start:end], schema):
            if judge.accepts(value):
                written = json.dumps(value, ensure_ascii=False)
                cost = cost_of("notation")
                return Candidate(start, end, (Change("notation", start, end, written, cost),), cost, doubtful=True)
    return None


def notation(written: str) -> str:
    """The name of the notation of a text that is data in one."""
    with suppress(ValueError, RecursionError):
        return "toml" if tomllib.loads(written) else "yaml"
    return "yaml"


def _spans(text: str) -> Iterator[tuple[int, int]]:
    begin = answer_start(text)
    for start, end, _ in fences(text, begin):
        yield start, end
    prose = _PROSE.match(text, begin)
    for start in {begin, prose.end() if prose is not None else begin}:
        yield start, len(text)


def _values(inner: str, schema: Any) -> Iterator[Any]:
    if _NAMED.match(inner.strip()) is None:
        return
    with suppress(ValueError, RecursionError):
        yield json.loads(json.dumps(tomllib.loads(inner), default=str, allow_nan=False))
    if "\n" in inner.strip():
        from .yaml import repair_yaml  # which reads JSON, too

        try:
            yield repair_yaml(inner, schema).value
        except TrellisError:
            return
