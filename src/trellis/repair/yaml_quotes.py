"""Scalars on one line of YAML: whether plain text is safe, and what quotes were meant to enclose."""

from __future__ import annotations

import re

from .edits import Change
from .rules import cost_of
from .yaml_habits import WRAPS
from .yaml_lines import quoted

_PLAIN = re.compile(r"(?![,\[\]{}#&*!|>'\"%@`]|[-?:](?:[ \t]|$)|(?:---|\.\.\.)(?:[ \t]|$))")
_INSIDE = re.compile(
    r":(?:[ \t]|$)|[ \t]#|\t|[^\t\x20-\x7e\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]|[\u2028\u2029]"
)
_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"[ \t]*([,;]?)[ \t]*(?:(?<=[ \t])#(?:[ \t#!].*)?)?$")
_SINGLE = re.compile(r"'((?:[^']|'')*)'[ \t]*([,;]?)[ \t]*(?:(?<=[ \t])#(?:[ \t#!].*)?)?$")
_TAILED = re.compile(r"(\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\n]|'')*')[ \t]*[.;,\\]{1,2}[ \t]*")  # with a mark behind
_PAIRED = re.compile(  # marks at both ends that are no pair, or doubled
    r"(\"\"|''|``|\\\"|[\"'\u201c\u201d\u201e\u2018`])(?=\S)([^\"`\u201c\u201d\u201e\\]*[^\s\"'`\u201c\u201d\\])"
    r"(\"\"|''|``|\\\"|[\"'\u201c\u201d\u2019`])[,;]?"
)
_ESCAPE = re.compile(r"\\(?:([0abtnvfre \"/\\N_LP\t])|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})")
_CONTROL = re.compile(r"(?<!\\)(?:\\\\)*\\[abefv](?=\w)")  # control characters before words, which nobody means
_BACKSLASH = re.compile(r"\\(.?)")
_PATH = re.compile(r"(?<![\w\\])[A-Za-z]:\\(?![\\\"])")
_INCHES = re.compile(r"(?:^|[\s'])\d+(?:[.,/]\d+)?\"$")
_INNER = {"'": r"(?<!\\)'", '"': r"(?<!\\)(?<!\d'\d)(?<!\d'\d\d)\""}  # quotes, but for those of feet and inches
_SHARE = re.compile(r"\\\\\w[^\\\"]*(?:\\[^\\\"]+)+")
_PYTHON = re.compile(r"[\[{,:] ?(?:None\b|'(?:[^'\\\n]|\\.)*\\(?:[^'\\\n]|\\.)*'(?= ?[,:\]}]))")  # None, '..\\n..'


def python_inside(text: str) -> bool:
    """Whether brackets hold what Python means otherwise than YAML: None, and escapes in single quotes."""
    return _PYTHON.search(text) is not None


def read_wrapped(text: str, at: int, end: int) -> list[Change] | None:
    """The changes that put double quotes where such marks stand."""
    if end - at < 2 or text[end - 1] != WRAPS[text[at]]:
        return None
    return [Change("quote_style", at, end, quoted(text[at + 1 : end - 1]), 0.01)]


def read_mismatched(text: str, at: int, end: int) -> list[Change] | None:
    """The changes that put double quotes where marks stand that are no pair: ``"text'``, ``''text''``."""
    match = _PAIRED.fullmatch(text, at, end)
    if match is None or (match[1] == match[3] and len(match[1]) == 1):
        return None
    if (match[1], match[3]) in (("\u201c", "\u201d"), ("\u201e", "\u201c"), ("\u2018", "\u2019"), ("``", "``")):
        return None  # a pair, which may belong to the text
    if match[3] == "'" and re.search(r"(?<!\w)'", match[2]):
        return None  # a pair within the text
    doubled = len(match[1]) > 1 or len(match[3]) > 1
    if doubled and match[1] != match[3] and (match[1], match[3]) != ("``", "''"):
        return None
    if match[1] == "''" and re.search(r"(?<!\w)'|'(?!\w)", match[2]):
        return None
    if "'" in (match[1], match[3]) and not {match[1], match[3]} & {'"', "\u201c", "\u201d", '""'}:
        return None
    return [Change("quote_style", at, end, quoted(match[2]), cost_of("quote_style"))]


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
            if path or _CONTROL.search(content) or _BACKSLASH.search(_ESCAPE.sub("", content)):
                after = _unescaped(content, path)
                changes.append(Change("bad_escape", at, match.end(1) + 1, quoted(after), cost_of("bad_escape")))
        if match.group(2):
            changes.append(Change("trailing_comma", match.start(2), match.end(2), "", cost_of("trailing_comma")))
        return changes
    tailed = _TAILED.fullmatch(text, at, end)
    if tailed is not None:
        changes = read_quoted(text, at, tailed.end(1)) or []
        return [*changes, Change("trailing_comma", tailed.end(1), end, "", cost_of("trailing_comma"))]
    stop = end - (text[end - 1] in ",;")
    if stop - at < 3 or text[stop - 1] != quote:
        return None
    inner = text[at + 1 : stop - 1]
    if not encloses(inner, quote):
        return None
    content = inner.replace('\\"', '"') if quote == '"' else inner.replace("''", "'").replace("\\'", "'")
    return [Change("inner_quote", at, end, quoted(content), cost_of("inner_quote"))]


def encloses(inner: str, quote: str) -> bool:
    """Whether the outer quotes belong together, seen by the first quote between them: does it open or close?"""
    places = [m.start() for m in re.finditer(_INNER[quote], inner)]
    if not places:
        return True
    first = places[0]
    before, after = inner[first - 1 : first], inner[first + 1 : first + 2]
    if before.isalnum() and after.isalnum():  # an apostrophe
        return True
    if first in (0, len(inner) - 1) or before in " \t([{-/=" or (after.isalnum() and not before.isalnum()):
        return True
    return sum(not (inner[at - 1].isalnum() and inner[at + 1 : at + 2].isalnum()) for at in places) % 2 == 1


def _unescaped(content: str, path: bool) -> str:
    """The text of a double-quoted scalar in which backslashes were meant as they stand."""
    if path or "\\\\" not in content:
        known = {'"': '"'} if path else {'"': '"', "n": "\n", "t": "\t", "/": "/"}
        return _BACKSLASH.sub(lambda m: known.get(m.group(1), m.group()), content)
    return _BACKSLASH.sub(lambda m: {"\\": "\\", '"': '"', "n": "\n", "t": "\t"}.get(m.group(1), m.group()), content)


def measured(text: str) -> bool:
    """Whether a text ends in a length in inches: a number and a quote."""
    return _INCHES.search(text) is not None
