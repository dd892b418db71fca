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
_TABLE, _ASSIGNED = re.compile(r"^\[\[?[\w.-]+\]\]?[ \t]*$", re.M), re.compile(r"^[\w-]+ = \S", re.M)
_PROSE = re.compile(r"(?:[^\n=]*[.:!][ \t]*\r?\n\s*)?\s*")


def in_other_notation(text: str, schema: Any, judge: Judge) -> Candidate | None:
    """The text as one value that another notation makes of it, if the schema accepts that."""
    if len(text) > _LONGEST:
        return None
    spans = list(_spans(text))
    for read in (_toml, _yaml):
        for start, end in spans:
            value = read(text[start:end], schema) if _NAMED.match(text[start:end].strip()) else None
            if value is not None and judge.accepts(value):
                written = json.dumps(value, ensure_ascii=False)
                cost = cost_of("notation")
                return Candidate(start, end, (Change("notation", start, end, written, cost),), cost, doubtful=True)
    return None


def has_tables(text: str) -> bool:
    """Whether lines of a text name tables, as in TOML: no piece of such a text is the whole of it."""
    return _TABLE.search(text) is not None and _ASSIGNED.search(text) is not None


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


def _toml(inner: str, schema: Any) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(json.dumps(tomllib.loads(inner), default=str, allow_nan=False))
    return None


def _yaml(inner: str, schema: Any) -> Any:
    if "\n" not in inner.strip():
        return None
    from .yaml import repair_yaml  # which reads JSON, too

    with suppress(TrellisError):
        return repair_yaml(inner, schema).value
    return None
