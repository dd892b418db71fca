"""Scalars on one line of YAML: whether plain text is safe, and what quotes were meant to enclose."""

from __future__ import annotations

import re

from .edits import Change
from .rules import cost_of
from .schema_view import SchemaView
from .yaml_lines import quoted, read_key, split

_PLAIN = re.compile(r"(?![,\[\]{}#&*!|>'\"%@`]|[-?:](?:[ \t]|$)|(?:---|\.\.\.)(?:[ \t]|$))")
_INSIDE = re.compile(
    r":(?:[ \t]|$)|[ \t]#|\t|[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]"
)
_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"[ \t]*(,?)[ \t]*(?:(?<=[ \t])#(?:[ \t#!].*)?)?$")
_SINGLE = re.compile(r"'((?:[^']|'')*)'[ \t]*(,?)[ \t]*(?:(?<=[ \t])#(?:[ \t#!].*)?)?$")
_ESCAPE = re.compile(r"\\(?:([0abtnvfre \"/\\N_LP\t])|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_BACKSLASH = re.compile(r"\\(.?)")
_PATH = re.compile(r"(?<![\w\\])[A-Za-z]:\\(?![\\\"])")
_SHARE = re.compile(r"\\\\\w[^\\]*(?:\\[^\\]+)+")
_BULLETS = re.compile(r"[ \t]*(?:(?:[-*+\u2022\u2013]|\d{1,3}[.)])[ \t]+)*")
_NO_TEXT = re.compile(
    r"[-+.\d,_%$\u20ac]+|[Tt]rue|[Ff]alse|null|None|~|yes|no|[|>].{0,2}|[\[{#].*|.*:|-+|`{3,}.*|~{3,}.*|(?:<[^<>]*>)+|"
)
_PYTHON = re.compile(r"[\[{,:] ?(?:None\b|'(?:[^'\\\n]|\\.)*\\(?:[^'\\\n]|\\.)*'(?= ?[,:\]}]))")  # None, '..\\n..'
_OPENED = re.compile(r"(?::|[\[{|>-]|`{3,}.*|~{3,}.*)$")  # lines that end in no value
_HABIT = 0.8  # values with a separator behind them, of all
_WRAPPED = 2  # texts with marks around them to one without, from which on the marks are quotes
_TICKED = 4  # the same for backticks, which may be there for code
_ENCLOSED = frozenset("\"'`\u201c\u201e\u2018\u00ab")
_WRAPS = {"\u201c": "\u201d", "`": "`", "\u00ab": "\u00bb", "\u201e": "\u201c", "\u2018": "\u2019"}


def separator_habit(text: str) -> str:
    """The comma or semicolon that stands behind nearly every value, as JSON and programs have it; else empty."""
    for mark in (",", ";"):
        if text.count(mark + "\n") < 2:
            continue
        rows = [line.rstrip() for line in text.split("\n")]
        values = [row for row in rows if row.strip() and not _OPENED.search(row)]
        ended = sum(row.endswith(mark) for row in values)
        if ended > 2 and ended >= _HABIT * (len(values) - 1):
            return mark
    return ""


def wrapping(text: str, view: SchemaView) -> frozenset[str]:
    """The marks that stand around every text of a document, as quotes would."""
    count = {mark: 0 for mark in _WRAPS if mark in text}
    if not count:
        return frozenset()
    bare = view.without_text()
    others, block, name = 0, -1, ""  # texts without marks; the column of the key of a block scalar; the last key
    for line in split(text):
        if line.blank or (line.column > block >= 0):
            continue
        at = _BULLETS.match(text, line.start, line.end).end()  # type: ignore[union-attr]
        value = text[at : line.end]
        if not _is_wrapped(value) and (key := read_key(text, at, line.end)) is not None:
            value, name = text[key.value : line.end], key.name or ""
        elif at == line.at:
            continue
        block = line.column if value[:1] in ("|", ">") and len(value) < 4 else -1
        if _is_wrapped(value):
            count[value[0]] += value[0] in count
        elif name not in bare and not _NO_TEXT.fullmatch(value) and value[0] not in _ENCLOSED:
            others += 1
    return frozenset(
        mark for mark, times in count.items() if times > (max(1, _TICKED * others) if mark == "`" else _WRAPPED * others)
    )


def _is_wrapped(value: str) -> bool:
    """Whether a pair of marks stands around a text, and none of them in it."""
    mark = value[:1]
    if len(value) < 2 or value[-1] != _WRAPS.get(mark):
        return False
    return value.count(value[-1]) == 1 + (mark == "`")


def python_inside(text: str) -> bool:
    """Whether brackets hold what Python means otherwise than YAML: None, and escapes in single quotes."""
    return _PYTHON.search(text) is not None


def read_wrapped(text: str, at: int, end: int) -> list[Change] | None:
    """The changes that put double quotes where such marks stand."""
    if end - at < 2 or text[end - 1] != _WRAPS[text[at]]:
        return None
    return [Change("quote_style", at, end, quoted(text[at + 1 : end - 1]), 0.01)]


def plain_is_safe(text: str) -> bool:
    """Whether YAML reads a text of one line as a plain scalar, all of it."""
    return bool(text) and _PLAIN.match(text) is not None and _INSIDE.search(text) is None


def read_quoted(text: str, at: int, end: int) -> list[Change] | None:
    """The changes that make YAML of a scalar that starts with a quote and ends on the line; ``None`` if it does not."""
    quote = text[at]
    match = (_DOUBLE if quote == '"' else _SINGLE).match(text, at, end)
    if match:
        changes = []
        if quote == '"':
            content = match.group(1)
            path = _PATH.search(content) is not None or _SHARE.fullmatch(content) is not None
            if path or _BACKSLASH.search(_ESCAPE.sub("", content)):
                after = _unescaped(content, path)
                changes.append(Change("bad_escape", at, match.end(1) + 1, quoted(after), cost_of("bad_escape")))
        if match.group(2):
            changes.append(Change("trailing_comma", match.start(2), match.end(2), "", cost_of("trailing_comma")))
        return changes
    stop = end - (text[end - 1] == ",")
    if stop - at < 3 or text[stop - 1] != quote:
        return None
    inner = text[at + 1 : stop - 1]
    if not _encloses(inner, quote):
        return None
    content = inner.replace('\\"', '"') if quote == '"' else inner.replace("''", "'").replace("\\'", "'")
    return [Change("inner_quote", at, end, quoted(content), cost_of("inner_quote"))]


def _encloses(inner: str, quote: str) -> bool:
    """Whether the outer quotes belong together, seen by the first quote between them: does it open or close?"""
    places = [m.start() for m in re.finditer(rf"(?<!\\){quote}", inner)]
    if not places:
        return True
    first = places[0]
    before, after = inner[first - 1 : first], inner[first + 1 : first + 2]
    if before.isalnum() and after.isalnum():  # an apostrophe
        return True
    if first in (0, len(inner) - 1) or before in " \t([{-/=":
        return True
    return len(places) % 2 == 1 and quote == "'"


def _unescaped(content: str, path: bool) -> str:
    """The text of a double-quoted scalar in which backslashes were meant as they stand."""
    if path or "\\\\" not in content:
        known = {'"': '"'} if path else {'"': '"', "n": "\n", "t": "\t", "/": "/"}
        return _BACKSLASH.sub(lambda m: known.get(m.group(1), m.group()), content)
    return _BACKSLASH.sub(lambda m: {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}.get(m.group(1), m.group()), content)
