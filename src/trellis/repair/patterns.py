"""Regular expressions that come to an end.

Python's ``re`` may need longer than anybody waits for a short text that a model chose (``(a+)+b`` on forty ``a``). The
``regex`` package reads the same patterns in the same way and can be told to stop.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import regex

from ..errors import UnsupportedError
from ..schema.pattern_reader import parse

MAX_SECONDS = 1.0
"""Of CPU time, for one match."""
_given_up: set[tuple[str, str]] = set()
"""Patterns and texts that took longer: an answer is looked at many times."""
_FUZZY = re.compile(r"\{[^}\d,]")


class TooSlow(ValueError):
    """A match was given up after ``MAX_SECONDS``."""


def has_pattern(text: str, pattern: str) -> bool:
    """Whether a text has a pattern of JSON Schema, which is ECMA's: ``\\d`` is ASCII and ``$`` is the very end.

    Raises:
        TooSlow: it takes too long to say.
        ValueError: it is no regular expression.
    """
    return _run(pattern, _of_schema(pattern).search, text)


def is_pattern(pattern: object) -> bool:
    """Whether JSON Schema's ``pattern`` may have this value."""
    try:
        return not isinstance(pattern, str) or bool(_of_schema(pattern))
    except ValueError:
        return False


def fullmatch(pattern: str, text: str) -> bool:
    """Whether the pattern matches the whole text.

    Raises:
        TooSlow: it takes too long to say.
    """
    return _run(pattern, _compiled(pattern).fullmatch, text)


def _run(pattern: str, match: Any, text: str) -> bool:
    if (pattern, text) not in _given_up:
        try:
            return match(text, timeout=MAX_SECONDS) is not None
        except TimeoutError:
            if len(_given_up) >= 64:
                _given_up.clear()
            _given_up.add((pattern, text))
    raise TooSlow(f"it takes more than {MAX_SECONDS:g} seconds to match this")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    # What `regex` takes for fuzzy matching is text to `re`: {e<=1} after an item.
    return regex.compile(_FUZZY.sub(lambda found: "\\" + found[0], pattern) if _FUZZY.search(pattern) else pattern)


@lru_cache(maxsize=256)
def _of_schema(pattern: str) -> Any:
    try:
        found = parse(pattern)
        if found.automaton is None:
            return regex.compile(found.python())
    except UnsupportedError:  # back-references; as lookaround and \b, both languages write and mean them alike
        pass
    try:
        return regex.compile(pattern, regex.ASCII)
    except regex.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
