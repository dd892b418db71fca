"""What stands before every line of an answer and is no part of it: quote marks, line numbers, the plus of a diff."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from itertools import pairwise

from .edits import Change
from .rules import cost_of
from .yaml_frames import known
from .yaml_lines import Line, split

_MARKS = (
    re.compile("\ufeff?>[ ]?"),
    re.compile("\ufeff?\\+"),
    re.compile("\ufeff?" r"\|(?:[ ]|$)(?!.*(?<!: )\|[ \t]*$)", re.M),  # and no table
    re.compile("\ufeff?" r"[ \t]*\d{1,5}[ \t]*[|\u2502\u2192:\t][ ]?"),
)
_WHOLE = re.compile(r'\s*"((?:[^"\\\n]|\\.)*)"\s*')
_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{4}|.)")
_CELLS = re.compile(r"\|[ \t]*([^|\n]*?)[ \t]*\|[ \t]*((?:[^|\n]|(?<=\\)\|)*?)[ \t]*\|?")
_RULE = re.compile(r"\|(?:[ \t]*:?-{2,}:?[ \t]*\|?)+")
_BAR = re.compile(r"\\\|")
_PLUS, _COUNTED = _MARKS[1], _MARKS[-1]
_ITEM = re.compile(r"\+[ ](?![ -])")
_ANY = re.compile("|".join(f"^{mark.pattern}" for mark in _MARKS), re.M)
_ADDED = re.compile(r"^\+(?=[ \t]{2,}\S)", re.M)


def unprefixed(text: str, listed: bool = False) -> Iterator[list[Change]]:
    """The changes that take a mark off from before every line of a part of the text; the rest is prose.

    ``listed``: the whole is a list, whose items may have a plus for a dash.
    """
    if _ANY.search(text) is None:
        return
    shown = [line for line in split(text) if not line.blank]
    for mark in _MARKS:
        marked = [line for line in shown if mark.match(text, line.start, line.end)]
        if len(marked) < 2 or 2 * len(marked) < len(shown):
            continue
        first, last = shown.index(marked[0]), shown.index(marked[-1])
        if last - first + 1 != len(marked) or (mark is _COUNTED and not _counts(text, marked)):
            continue
        if listed and mark is _PLUS and all(_ITEM.match(text, line.start) for line in marked):
            continue
        changes = _prose(text, 0, marked[0].start)
        cost = cost_of("line_mark")
        for line in marked:
            found = mark.match(text, line.start, line.end)
            assert found is not None
            changes.append(Change("line_mark", line.start, found.end(), "", cost))
            cost = 0.0
        yield changes + _prose(text, marked[-1].end, len(text))
    added = list(_ADDED.finditer(text))
    if 0 < 2 * len(added) < len(shown):  # in the texts of an answer only
        cost = cost_of("line_mark")
        yield [Change("line_mark", m.start(), m.end(), " ", 0.0 if at else cost) for at, m in enumerate(added)]


_NUMBER = re.compile(
    r"(\(?(\d{1,2})(?:[.)]|[ ]-|:)[ ]+)[*_`\"']{0,3}([A-Za-z_][\w -]*?)[*_`\"']{0,3}[ ]*(?:[:=]|$)", re.M
)


def unnumbered(text: str, names: set[str]) -> list[Change]:
    """The changes that take numbers off from before the keys of the whole: all are names, and counted."""
    if not names:
        return []
    found = [match for line in split(text) if (match := _NUMBER.match(text, line.start, line.end)) is not None]
    counts = [int(match[2]) for match in found]
    if len(found) < 2 or counts != list(range(1, len(found) + 1)) or not all(known(names, match[3]) for match in found):
        return []
    cost = cost_of("bullet")
    return [Change("bullet", match.start(1), match.end(1), "", 0.0 if at else cost) for at, match in enumerate(found)]


def _counts(text: str, lines: list[Line]) -> bool:
    """Whether the numbers before lines grow by one."""
    numbers = [int(re.findall(r"\d+", text[line.start : line.end])[0]) for line in lines]
    return all(after == before + 1 for before, after in pairwise(numbers))


def _prose(text: str, start: int, end: int) -> list[Change]:
    return [Change("prose", start, end, "", cost_of("prose"))] if text[start:end].strip() else []


_TAGGED = re.compile(r"\s*<([A-Za-z_][\w.-]*)>[ \t]*(?=[^\s<])")


def untagged(text: str) -> list[Change]:
    """The changes that take a pair of tags off of which the first stands right before the data, on its line."""
    opened = _TAGGED.match(text)
    if opened is None:
        return []
    closed = re.compile(rf"\s*</{re.escape(opened[1])}>\s*\Z").search(text, opened.end())
    changes = [Change("tag", 0, opened.end(), "", cost_of("tag"))]
    if closed is not None:
        changes.append(Change("tag", closed.start(), len(text), "\n", 0.0))
    return changes


def unescaped_html(text: str) -> list[Change]:
    """The changes that make characters of HTML entities where all quotes are such."""
    if "&quot;" not in text or '"' in text:
        return []
    found = re.finditer(r"&(?:quot|amp|lt|gt|apos|#39|#x27);", text)
    return [
        Change("html_entity", m.start(), m.end(), html.unescape(m[0]), 0.0 if at else cost_of("html_entity"))
        for at, m in enumerate(found)
    ]


def unescaped_quotes(text: str) -> list[Change]:
    """The changes that take the backslash off from every quote where all quotes have one."""
    if text.count('\\"') < 4 or re.search(r'(?<!\\)"', text):
        return []
    found = re.finditer(r'\\"', text)
    cost = cost_of("escaped_quotes")
    return [Change("escaped_quotes", m.start(), m.end(), '"', 0.0 if at else cost) for at, m in enumerate(found)]


def unquoted_whole(text: str) -> list[Change]:
    """The changes that take the quotes off from around a whole text, and the escapes within them."""
    whole = _WHOLE.fullmatch(text)
    if whole is None or "\\n" not in whole[1]:
        return []
    changes = [Change("double_encoded", 0, whole.start(1), "", cost_of("double_encoded"))]
    for match in _ESCAPE.finditer(text, whole.start(1), whole.end(1)):
        try:
            changes.append(Change("double_encoded", match.start(), match.end(), json.loads(f'"{match[0]}"'), 0.0))
        except ValueError:
            continue
    return [*changes, Change("double_encoded", whole.end(1), len(text), "\n", 0.0)]


def untabled(text: str, names: set[str]) -> list[Change]:
    """The changes that make keys and values of a Markdown table whose first column has the names of the whole."""
    rows = [line for line in split(text) if text.startswith("|", line.at)] if names else []
    found = [_CELLS.fullmatch(text, line.at, line.end) for line in rows]
    ruled = next((at for at, line in enumerate(rows) if _RULE.fullmatch(text, line.at, line.end)), 0)
    first = ruled + 1 if ruled else 0
    pairs = [(line, match) for line, match in zip(rows[first:], found[first:], strict=True) if match is not None]
    told = sum(known(names, match[1].strip("*`")) for _, match in pairs)
    if told < 2 or 2 * told <= len(pairs) or len(pairs) < len(rows) - first:
        return []
    changes = _prose(text, 0, rows[0].start)
    for line in rows[:first]:
        changes.append(Change("table_mark", line.start, min(line.end + 1, len(text)), "", 0.0))
    cost = cost_of("table_mark")
    for line, match in pairs:
        changes.append(Change("table_mark", line.start, match.start(2), match[1].strip("*`") + ": ", cost))
        changes += [Change("table_mark", m.start(), m.end(), "|", 0.0) for m in _BAR.finditer(text, *match.span(2))]
        changes.append(Change("table_mark", match.end(2), line.end, "", 0.0))
        cost = 0.0
    return changes + _prose(text, rows[-1].end, len(text))


def unescaped_lines(text: str) -> list[Change]:
    r"""The changes that make line breaks of ``\n`` where the text has none; with them escaped quotes lose the mark."""
    if "\n" in text.strip() or "\\n" not in text:
        return []
    whole = '\\"' in text and not re.search(r'(?<!\\)"', text)
    found = re.finditer(r'\\n|\\"' if whole else r"\\n", text)
    return [
        Change("escaped_whitespace", m.start(), m.end(), "\n" if m[0][-1] == "n" else '"', 0.0 if at else 0.3)
        for at, m in enumerate(found)
    ]
