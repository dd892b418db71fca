"""Brackets that lack what is around them, or have too much: members without braces, data in quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .edits import Change
from .extract import answer_start, sign_off
from .rules import cost_of

_NAME = r"(?:\"[^\"\n]{1,60}\"|'[^'\n]{1,60}'|[“„][^“”„\n]{1,60}[”“]|[A-Za-z_]\w{0,60})"
_COLON = r"[ \t]*(?::|=>?|：|->)[ \t]*"
_VALUE = r"(?:[\[{\"'“„`]|-?\d|(?i:true|false|null|none)\b)"
_MEMBER = re.compile(
    rf"^[ \t\ufeff\u200b]*(?=\"[^\"\n]{{1,60}}\"{_COLON}\S"
    rf"|{_NAME}(?:{_COLON}{_VALUE}|[ \t]+(?:-?\d|[\[{{\"]|true|false)))",
    re.M,
)
_TOKEN = re.compile(
    rf"(?P<next>(?:[,，;]\s*|\n[ \t]*(?=[\"'“„])){_NAME}(?:{_COLON}|[ \t]+(?=-?\d|[\[{{\"])))"
    r"|\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*'(?=\s*[,\]}:=])|“[^”\n]*”|[{\[\]}]"
)
_FENCE = re.compile(r"\n[ \t]*(?:`{3,}|~{3,})[ \t]*(?:\n|\Z)")
_BRACKETS = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|[{}]")
_BRACKET_LINE = re.compile(r"^[ \t]*[{\[]", re.M)
_LONGEST = 20_000  # characters of members that are looked at
_TRIES = 4
# A quote before brackets and the same quote: data in quotes.
_QUOTED_DATA = re.compile(r"(?<=[:\s])([\"'])(?=[\[{]\s*(?:[\[{]\s*)?\1)")
_IN_DOUBLE, _IN_SINGLE = re.compile(r"\"(?:[^\"\\\n]|\\.)*\"|[{\[\]}]"), re.compile(r"'(?:[^'\\\n]|\\.)*'|[{\[\]}]")
_ENDS = re.compile(r"\s*(?:[,}\]]|\Z)")
_QUOTED_MOST = 50


def braced(text: str) -> Iterator[list[Change]]:
    """The changes that put braces around members that have none."""
    begin = answer_start(text)
    bracket = _BRACKET_LINE.search(text[begin:])
    members = _MEMBER.finditer(text, begin, begin + bracket.end() if bracket is not None else len(text))
    for tries, member in enumerate(members):
        start = member.end()
        if tries == _TRIES:
            return
        fence = _FENCE.search(text, start)
        end = fence.start() if fence is not None else sign_off(text, start) or len(text)
        end = start + len(text[start:end].rstrip(" \t\r\n,"))
        marks = [match[0] for match in _BRACKETS.finditer(text, start, end)]
        if not _several(text, start) and marks.count("{") >= marks.count("}"):
            continue
        changes = [Change("missing_opener", start, start, "{", cost_of("missing_opener"))]
        if marks.count("{") >= marks.count("}"):
            changes.append(Change("missing_closer", end, end, "}"))
        yield changes
        return


def unquoted(text: str) -> list[Change]:
    """The changes that take off the quotes around data with quotes of their own: ``"items": "[{"a": 1}]"``."""
    changes: list[Change] = []
    if not any(quote in text and (quote + "[" in text or quote + "{" in text) for quote in "\"'"):
        return changes
    for tries, match in enumerate(_QUOTED_DATA.finditer(text)):
        if tries == _QUOTED_MOST:
            break
        start = match.start(1)
        if changes and start < changes[-1].end:
            continue
        depth, strings = 0, _IN_DOUBLE if match[1] == '"' else _IN_SINGLE
        for token in strings.finditer(text, start + 1, min(len(text), start + _LONGEST)):
            depth += (token[0] in "{[") - (token[0] in "}]")
            if depth == 0:
                end = token.end()
                if text[end : end + 1] == match[1] and _ENDS.match(text, end + 1):
                    cost = 0.0 if changes else cost_of("double_encoded")
                    changes += [Change("double_encoded", start, start + 1, "", cost)]
                    changes += [Change("double_encoded", end, end + 1, "")]
                break
    return changes


def _several(text: str, start: int) -> bool:
    """Whether another name stands behind the first, outside of all brackets and strings."""
    depth = 0
    for match in _TOKEN.finditer(text, start, min(len(text), start + _LONGEST)):
        if match["next"]:
            if depth == 0:
                return True
        else:
            depth += (match[0] in "{[") - (match[0] in "}]")
            if depth < 0:
                return False
    return False
