"""How a damaged YAML text is written, all of it: what stands around every text, and behind every value.

What one line cannot tell, the others do: typographic quotes around one text of ten belong to it, around every text they
are quotes; a semicolon behind every value is none of the values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .schema_view import SchemaView
from .yaml_lines import plain_key, read_assigned, read_key, read_tight, split

WRAPS = {"\u201c": "\u201d", "`": "`", "\u00ab": "\u00bb", "\u201e": "\u201c", "\u2018": "\u2019", "\u300c": "\u300d"}
_BULLETS = re.compile(r"[ \t]*(?:(?:[-*+\u2022\u2013]|\d{1,3}[.)])[ \t]+)*")
_NO_TEXT = re.compile(
    r"[-+.\d,_%$\u20ac]+|[Tt]rue|[Ff]alse|null|None|~|yes|no|[|>].{0,2}|[\[{#].*|.*:|-+|`{3,}.*|~{3,}.*|(?:<[^<>]*>)+|"
)
_HEAD = r"^[ \t]*+(?:[-*+\u2022][ \t]++)?+[\"'`*]{0,2}+[A-Za-z_][\w-]*+(?: \([^():\n]{1,30}\))?+[\"'`*]{0,2}+:"
_TIGHT = re.compile(_HEAD + r"(?=[^\s:/\\]|/(?!/))", re.M)
_SPACED = re.compile(_HEAD + r"(?=[ \t]+\S)", re.M)
_OPENED = re.compile(r"(?::|[\[{|>-]|`{3,}.*|~{3,}.*)$")  # lines that end in no value
_SURE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|-?\d+(?:\.\d+)?|true|false|null")  # values that end
_LISTED = re.compile(r"[ \t]*[-*+\u2022][ \t]+(?!\w[\w ]*:[ \t])")  # an item that is a text
_SEPARATED = 0.8  # values with a separator behind them, of all
_SEPARATED_SURELY = 0.5  # the same, where a number or a quoted text has one
_WRAPPED = 2  # texts with marks around them to one without, from which on the marks are quotes
_TICKED = 4  # the same for backticks, which may be there for code, and for quotes
_LEAST = {"`": 1, "\u300c": 2}  # texts that have marks around them in truth, too


@dataclass(frozen=True, slots=True)
class Habits:
    """What every value of a text has.

    Attributes:
        wraps: marks that stand around every text, as quotes would.
        quote: the quote around every text, or nothing.
        separator: the comma or semicolon behind every value, as JSON and programs have it, or nothing.
        tight: no space stands behind the colons of keys.
        halves: texts that have a double quote at one end alone.
        quoted: texts in quotes.
    """

    wraps: frozenset[str] = frozenset()
    quote: str = ""
    separator: str = ""
    tight: bool = False
    halves: int = 0
    quoted: int = 0


def habits(text: str, view: SchemaView) -> Habits:
    """The habits of a text; the schema tells which of its values are texts."""
    separator, tight = _separator(text), _is_tight(text)
    count = {mark: 0 for mark in (*WRAPS, '"', "'") if mark in text}
    if not count:
        return Habits(separator=separator, tight=tight)
    without_text, with_text = view.without_text(), view.with_text()
    bare, halves, block, name = 0, 0, -1, ""  # texts without marks; the column of a block scalar's key; the last key
    for line in split(text):
        if line.blank or line.column > block >= 0:
            continue
        at = _BULLETS.match(text, line.start, line.end).end()  # type: ignore[union-attr]
        value = text[at : line.end].rstrip(",;")
        if not _is_wrapped(value) and (key := _key(text, at, line.end, tight)) is not None:
            name, value = key[0], text[key[1] : line.end].rstrip(",;")
        elif at == line.at:
            continue
        below = not value and name in with_text  # a text in lines of its own, without a mark
        block = line.column if below or (value[:1] in ("|", ">") and len(value) < 4) else -1
        halves += '"' in (value[:1], value[-1:]) and value.count('"') == 1
        if _is_wrapped(value):
            count[value[0]] += 1
        elif name not in without_text and not _NO_TEXT.fullmatch(value) and not {value[0], value[-1]} & count.keys():
            bare += 1
    wraps = frozenset(
        mark
        for mark in WRAPS
        if mark in count and count[mark] > max(_LEAST.get(mark, 0), (_TICKED if mark == "`" else _WRAPPED) * bare)
    )
    quote = next((mark for mark in "\"'" if count.get(mark, 0) > _TICKED * bare), "")
    return Habits(wraps, quote, separator, tight, halves, count.get('"', 0) + count.get("'", 0))


def _key(text: str, at: int, end: int, tight: bool) -> tuple[str, int] | None:
    """The shortest key that a line may begin with, and where its value stands."""
    match = plain_key(text, at, end)
    if match is not None and not tight:
        return match[1], match.end()
    found = (read_tight(text, at, end, True) if tight else None, read_key(text, at, end), read_assigned(text, at, end))
    keys = ((key.name or "", key.value) for key in found if key is not None)
    return min(keys, key=lambda key: len(key[0]), default=None)


def _is_wrapped(value: str) -> bool:
    """Whether a pair of marks stands around a text, and none of them in it."""
    mark = value[:1]
    if len(value) < 2 or (mark not in WRAPS and mark not in "\"'"):
        return False
    close = WRAPS.get(mark, mark)
    return value[-1] == close and value.count(close) == 1 + (close == mark)


def _is_tight(text: str) -> bool:
    """Whether keys have no space behind their colon: the first colon of a line tells."""
    if _TIGHT.search(text) is None:
        return False
    tight = sum(1 for _ in _TIGHT.finditer(text))
    return tight > 1 and tight > 2 * sum(1 for _ in _SPACED.finditer(text))


def _separator(text: str) -> str:
    for mark in (",", ";"):
        if text.count(mark + "\n") < 2:
            continue
        rows = [line.rstrip() for line in text.split("\n")]
        values = [row for row in rows if row.strip() and not _OPENED.search(row)]
        keys = ((row, _SPACED.match(row)) for row in values)  # as JSON has them: lists may have none
        keyed = [(row, key.end()) for row, key in keys if key is not None]
        sure = any(_SURE.fullmatch(row[at:-1].strip()) for row, at in keyed if row.endswith(mark))
        for among in (values, [row for row, _ in keyed] if sure else []):
            ended = sum(row.endswith(mark) for row in among)
            share = _SEPARATED if among is values else _SEPARATED_SURELY
            if ended > (2 if among is values else 1) and ended >= share * (len(among) - 1):
                return mark
        items = [row for row in values if _LISTED.match(row)]
        if len(items) > 1 and all(row.endswith(mark) for row in items):
            return mark
    return ""
