"""Marks around every line of JSON: comments, bars and numbers before it, backslashes behind it."""

from __future__ import annotations

import re
from itertools import islice, pairwise

from .edits import Change
from .rules import cost_of

_BEFORE = re.compile(r"[ \t]*(?://|#|\||;|--)(?:[ ]|$)", re.M)
_NUMBER = re.compile(r"[ \t]*(\d{1,5})(?:[ ]{2}|[.:|)][ ]?|$)", re.M)
_BEHIND = re.compile(r"[ \t]+\\[ \t]*$", re.M)
_DATA = re.compile(r"[{\[]")
_MOST = 5_000  # lines


def unmarked_lines(text: str) -> list[Change]:
    """The changes that take a mark off that each line of data has, from the first that begins with a bracket on."""
    every = (match for match in re.finditer(r"[^\n]+", text) if match[0].strip())
    lines = list(islice(every, 1))
    marked = any(mark.match(text, line.start(), line.end()) for line in lines for mark in (_BEFORE, _NUMBER))
    if not marked and "\\" not in text:
        return []
    lines += islice(every, _MOST)
    if not 2 < len(lines) <= _MOST:
        return []
    for mark in (_BEFORE, _NUMBER):
        begins = [mark.match(text, line.start(), line.end()) for line in lines]
        found = [match for match in begins if match is not None]
        if len(found) < len(lines) or _DATA.match(text, found[0].end()) is None:
            continue
        if mark is _NUMBER and any(int(b[1]) != int(a[1]) + 1 for a, b in pairwise(found)):
            continue
        return _removed(found)
    ends = [_BEHIND.search(text, line.start(), line.end()) for line in lines]
    found = [match for match in ends if match is not None]
    return _removed(found) if len(found) >= len(lines) - 1 else []


def _removed(found: list[re.Match[str]]) -> list[Change]:
    first, *others = (Change("line_mark", match.start(), match.end(), "") for match in found)
    return [first._replace(cost=cost_of("line_mark")), *others]
