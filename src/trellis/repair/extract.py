"""Finding the data in a reply: fences, tags, reasoning blocks and prose around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from .edits import Change
from .rules import cost_of

_OPEN_FENCE = re.compile(r"(?:^[ \t>]{0,8}|(?<=[.:!?)] ))(`{3,}|~{3,})[ \t]*([\w+.-]*)(?=[ \t]*(\r?\n|\Z|[{\[]))", re.M)
_CLOSE_FENCE = {"`": re.compile(r"```+(?=[ \t]*\r?$)", re.M), "~": re.compile(r"~~~+(?=[ \t]*\r?$)", re.M)}
_BRACKET = re.compile(r"[{\[]")
_MARKS = re.compile("`+|~+")
_REASONING = re.compile(r"<(think|thinking|reasoning|scratchpad|analysis)>[\s\S]*?(?:</\1>|\Z)", re.I)
_OPEN_THOUGHT = re.compile(r"\s*<(?:think|thinking|reasoning|scratchpad|analysis)>", re.I)
_REASONING_END = re.compile(r"</(?:think|thinking|reasoning|scratchpad|analysis)>", re.I)
_AROUND = re.compile(
    r"(?P<reasoning><(think|thinking|reasoning|scratchpad|analysis)>[\s\S]*?</\2>)"
    r"|(?P<fence>^[ \t>]{0,8}(?:`{3,}|~{3,})[ \t]*[\w+.-]*|`{3,})"
    r"|(?P<tag></?[A-Za-z_][\w.:-]*(?:[ \t][^<>\n]*)?>|<\|[\w ]+\|>)",
    re.M | re.I,
)

_PARAGRAPH = re.compile(r"\n[ \t]*\r?\n\s*(?=\S)")
_SENTENCE = re.compile(
    r"\(?(?:[*_]{1,2})?[^\W\d_][\w'’-]*[:,!.]?[*_]{0,2}[ \t]+[^\W\d_][\w'’-]*|[^\W\d_]+!"
    r"|[^\W\d_]+:[*_]{0,2}\s*\n\s*(?:[-*•]|\d+\.)[ \t]"
)
_RULED = re.compile(r"(?:-{3,}|\*{3,}|_{3,})[ \t]*(?:\r?\n|\Z)")
_LAST_TAG = re.compile(r"\s*</([A-Za-z_][\w.-]*)>\s*\Z")
_BLANK = " \t\r\n\ufeff\u200b\u200c\u200d\u2060\u00a0"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the text in which data may lie.

    Attributes:
        start, end: character offsets, end exclusive.
        source: ``whole``, ``fence`` or ``reasoning``.
        label: language named by a fence, in lower case, or an empty string.
    """

    start: int
    end: int
    source: str
    label: str = ""


def answer_start(text: str) -> int:
    """Where the answer starts: after the last reasoning block that ends before any of it."""
    if "<" not in text:
        return 0
    stripped = len(text) - len(text.lstrip())
    first = re.compile(r"[{\[]").search(text)
    match = _REASONING.match(text, stripped)
    if match and match.end() < len(text):
        return match.end()
    if not first or not match:
        ends = [m.end() for m in _REASONING_END.finditer(text)]
        if ends and ends[-1] < len(text) and "<think" not in text[: ends[0]].lower():
            return ends[-1]
    return 0


def within_thought(text: str) -> bool:
    """Whether the text is a reasoning block that does not end: what stands in it is no answer yet."""
    return bool(_OPEN_THOUGHT.match(text)) and not _REASONING_END.search(text)


def regions(text: str) -> list[Region]:
    """Parts of the text to look at, the most telling first; the whole text is always among them."""
    begin = answer_start(text)
    found = [Region(a, b, "fence", label) for a, b, label in fences(text, begin)]
    found.append(Region(begin, len(text) if found else min(_before_fence(text), _before_tag(text, begin)), "whole"))
    if begin and text[:begin].strip():
        found.append(Region(0, begin, "reasoning"))
    return found


def sign_off(text: str, begin: int) -> int | None:
    """Where sentences begin that stand behind the data, after an empty line or a fence alone, or ``None``."""
    cut = None
    if "`" in text and text.count("```") == 1 and (fence := _CLOSE_FENCE["`"].search(text, begin)):
        return fence.start()
    for match in reversed(list(islice(_PARAGRAPH.finditer(text, max(begin, len(text) - 5_000)), 64))):
        if not (_SENTENCE.match(text, match.end()) or _RULED.match(text, match.end())):
            break
        cut = match.start()
    return cut


def _before_fence(text: str) -> int:
    """Where a closing fence at the end of a text begins that has no opening one."""
    bare = text.rstrip()
    end = len(bare.rstrip("`"))
    return end if len(bare) - end >= 3 and "```" not in text[:end] else len(text)


def _before_tag(text: str, begin: int) -> int:
    """Where the closing tag at the end of a text begins that was opened before the data."""
    tag = _LAST_TAG.search(text, max(begin, len(text.rstrip()) - 80)) if text.rstrip().endswith(">") else None
    if tag is None:
        return len(text)
    line = text.rfind("\n", 0, text.rindex("</")) + 1
    if text[line] in " \t" and text[begin:line].strip():
        return len(text)  # within the data
    if text[begin:line].strip() and re.match(rf"[ \t]*<{re.escape(tag[1])}>[ \t]*[^\s{{\[]", text[line:]):
        return len(text)  # one member of several, each in its tags
    opening = rf"(?m)^[ \t]*<{re.escape(tag[1])}\b|<{re.escape(tag[1])}\b[^<>]*>\s*(?:\n|\[|\Z)"
    opened = re.search(opening, text[begin : begin + 1000].split("{")[0])
    return tag.start() if opened else len(text)


def fences(text: str, begin: int = 0) -> Iterator[tuple[int, int, str]]:
    """Contents of Markdown code fences: start, end, language.

    A fence is a line of its own, so backticks inside a JSON string do not end it; a fence line inside a string with raw
    line breaks may, so the content up to the last closing line is given as well.
    """
    if ("`" not in text or "```" not in text) and ("~" not in text or "~~~" not in text):
        return
    position, bracket = begin, _BRACKET.search(text, begin)
    first = bracket.start() if bracket is not None else len(text)
    spans: list[tuple[int, int, str]] = []
    while len(spans) < 32:
        match = _opening(text, position)
        if match is None:
            break
        if text[match.start() - 1 : match.start()] == " " and match.start() > first:
            position = match.end()  # within the data
            continue
        mark = match.group(1)
        start = match.end()
        closes = list(islice(_closes(text, start, mark), 64))
        if not closes:
            spans.append((start, len(text), match.group(2).lower()))
            break
        spans.append((start, closes[0].start(), match.group(2).lower()))
        if len(closes) > 1 and not spans[:-1]:
            spans.append((start, closes[-1].start(), match.group(2).lower()))
        position = closes[0].end()
    yield from spans


def _opening(text: str, position: int) -> re.Match[str] | None:
    """The first fence from an offset on that opens: ``_OPEN_FENCE.search``, but quick where there are few."""
    ahead = dict.fromkeys(("```", "~~~"), -1)
    begin = position
    while True:
        for mark, at in ahead.items():
            if at < position:
                found = text.find(mark, position)
                ahead[mark] = found if found >= 0 else len(text)
        at = min(ahead.values())
        if at == len(text):
            return None
        line = text.rfind("\n", max(0, at - 9), at) + 1
        for start in (line, at):
            if start >= begin and (match := _OPEN_FENCE.match(text, start)) is not None:
                return match
        position = _MARKS.match(text, at).end()  # type: ignore[union-attr]


def _closes(text: str, start: int, mark: str) -> Iterator[re.Match[str]]:
    """Fences that may close one: on a line of their own, or right behind what may end the data."""
    for match in _CLOSE_FENCE[mark[0]].finditer(text, start):
        line = text[max(text.rfind("\n", 0, match.start()) + 1, match.start() - 9) : match.start()]
        alone = len(line) <= 8 and not line.strip(" \t>")
        if len(match.group()) >= len(mark) and (alone or (mark[0] == "`" and line[-1:] in ("}", "]", '"'))):
            yield match


def removal(text: str, start: int, end: int) -> list[Change]:
    """The changes that remove what stands around the data, named for what it is. White space alone stays."""
    if not text[start:end].strip(" \t\r\n"):
        return []
    result: list[Change] = []

    def prose(a: int, b: int) -> None:
        piece = text[a:b].strip(_BLANK)
        if piece and not piece.strip("}] \t\r\n"):
            result.append(Change("surplus_closer", a, b, "", cost_of("surplus_closer")))
        elif piece:
            result.append(Change("prose", a, b, "", cost_of("prose")))
        elif a < b and text[a:b].strip(" \t\r\n"):
            result.append(Change("whitespace", a, b, "", cost_of("whitespace")))
        elif a < b and result:
            last = result.pop()
            result.append(Change(last.rule, last.start, b, "", last.cost))

    position = start
    for match in _AROUND.finditer(text, start, end):
        rule = match.lastgroup
        assert rule is not None
        prose(position, match.start())
        if result and result[-1].rule == rule and result[-1].end == match.start():
            result.append(Change(rule, result.pop().start, match.end(), "", cost_of(rule)))
        else:
            result.append(Change(rule, match.start(), match.end(), "", cost_of(rule)))
        position = match.end()
    prose(position, end)
    return result
