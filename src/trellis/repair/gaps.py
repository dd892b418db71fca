"""What lies between two tokens of damaged text: white space, comments, and marks that mean nothing."""

from __future__ import annotations

import re
from typing import NamedTuple

from .edits import Change
from .rules import cost_of

WS = re.compile(r"[ \t\n\r]*")
_ZERO_WIDTH = "\ufeff\u200b\u200c\u200d\u2060"
_SPACES = (
    "\u00a0\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u202f\u205f\u3000\u1680\x0b\x0c\x85\u2028\u2029"
)
_ELLIPSIS = re.compile(r"(?:\.{3,}|…)(?:[ \t]*\([^()\n]{1,40}\))?(?=[ \t\r\n]*(?:[,}\]]|/[/*]|\Z)|[ \t]*\r?\n)")
_MARKUP = re.compile(r"\*\*(?=[\"'{\[]|-?\d|(?:true|false|null)\*\*)|(?<=[\w\"'}\]])\*\*")
_ESCAPED = re.compile(r"\\(?=[\[\]{}])")
REMARK = r"(?:\([^()\n\"{}\[\]:]{1,80}\)|(?<=[ \t])(?:\*{1,3}|\[[A-Za-z][A-Za-z ]{1,40}\]))"
"""Words in parentheses, or a mark of a footnote, behind a value."""
_REMARK = re.compile(REMARK + r"(?=[ \t]*(?:[,}\]]|\r?\n|\Z))")
_NUMBERED_ITEM = re.compile(r"#(?:\d+[ \t]*[,\]\n]|[^\W\d][\w-]*[ \t]*[,\]])")
# A comment and a word that is no literal and no key; one up to the end of the line before a key, which has no value.
_SPAN_AND_WORD = re.compile(
    r"/\*[^*\n]*\*/[ \t]*(?!(?:true|false|null|none)\b)[A-Za-z][\w ]*(?![\w ]*\"?[ \t]*[:=])", re.I
)
_LINE_AND_MEMBER = re.compile(r"(?:#|//|--[ ])[^\n]*\n\s*(?:\"[^\"\n]{1,60}\"[ \t]*:|\})")
_LETTER = re.compile(r"\\[ntr](?!(?:true|false|null)\b)[a-z]")
_VALUE_END = "\"'”’}]"
_BEHIND_COMMA = re.compile(  # a remark behind a comma, up to the end of the line
    r"(?:\([A-Za-z][^()\n\"{}\[\]:]{0,80}\)|\*{1,3}|(?:<--?|←|;)[ \t][^\n\"{}\[\]]{1,80})[ \t]*(?=\r?\n)"
)
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)|--(?=[ \t])[^\n]*|<!--.*?(?:-->|\Z)|<-[ \t][^\n]*", re.S)
_GAP_HEAD = frozenset("/#.…*\\([-<←;" + _ZERO_WIDTH + _SPACES)
_BESIDE = re.compile(  # a comment on a line on which the data go on
    r"(?://|#)[^\n\"{}\[\]]{0,120}?(?=[ \t]*(?:,[ \t]*\"[^\"\n]{1,80}\"[ \t]*:|[}\]][ \t]*(?:[,}\])]|\r?\n|\Z)))"
)
_LOST_OPEN = re.compile(r"\"(?=[ \t]*(?:[,:}\]]|\Z))")


class Gap(NamedTuple):
    """What lies between two tokens: its end, its changes, and the column of the next token if that starts a line."""

    end: int
    changes: tuple[Change, ...] = ()
    column: int = -1


def read_gap(text: str, start: int, end: int) -> Gap:
    """White space, comments and the like from an offset on, no further than ``end``."""
    changes: list[Change] = []
    position = start
    while True:
        position = WS.match(text, position, end).end()  # type: ignore[union-attr]
        if position >= end or text[position] not in _GAP_HEAD:
            break
        change = _read_one(text, position, end)
        if change is None:
            break
        changes.append(change)
        position = change.end
    newline = text.rfind("\n", start, position)
    column = -1
    if newline >= 0 and not text[newline + 1 : position].strip(" \t"):
        column = position - newline - 1
    return Gap(position, tuple(changes), column)


def _read_one(text: str, at: int, end: int) -> Change | None:
    """The change that takes out what begins here, or ``None`` if it is data."""
    head = text[at]
    if head in _ZERO_WIDTH or head in _SPACES:
        stop = at + 1
        while stop < end and (text[stop] in _ZERO_WIDTH or text[stop] in _SPACES):
            stop += 1
        return Change("whitespace", at, stop, "" if head in _ZERO_WIDTH else " ", cost_of("whitespace"))
    if head in "(*<←;" and text[at - 1 : at] in (" ", "\t"):
        before = text[max(0, at - 8) : at].rstrip(" \t")[-1:]
        match = _BEHIND_COMMA.match(text, at, end) if before and before in ',]}"[{' else None
        if match:
            return Change("comment", at, match.end(), "", cost_of("comment"))
    if head in "(*[":
        match = _REMARK.match(text, at, end) if at and _ends_value(text, at) else None
        if match:
            return Change("comment", at, match.end(), "", cost_of("comment"))
    if head in "([":
        return None
    if head == "\\":
        if _ESCAPED.match(text, at, end):
            return Change("markup", at, at + 1, "", cost_of("markup"))
        if at + 1 >= end or text[at + 1] not in "ntr\n" or (_LETTER.match(text, at, end) and _colon_before(text, at)):
            return None
        return Change("escaped_whitespace", at, at + 2, " ", cost_of("escaped_whitespace"))
    if head in ".…":
        match = _ELLIPSIS.match(text, at, end)
        return Change("ellipsis", at, match.end(), "", cost_of("ellipsis")) if match else None
    if head == "*":
        match = _MARKUP.match(text, at, end)
        return Change("markup", at, match.end(), "", cost_of("markup")) if match else None
    if (head == "#" and _is_text(text, at, end)) or _is_value(text, at, end):
        return None
    match = _BESIDE.match(text, at, end) or _COMMENT.match(text, at, end)
    if not match:
        return None
    line = text[at : min(match.end(), at + 1000)]
    if not line.startswith(("/*", "<!--")) and _LOST_OPEN.search(line) and line.replace('\\"', "").count('"') % 2:
        return None  # a string that lost its opening quote
    return Change("comment", at, match.end(), "", cost_of("comment"))


def _is_text(text: str, at: int, end: int) -> bool:
    """Whether a number sign where a value is due begins a text, and no comment: ``#1 Best Seller``, ``#urgent``."""
    if text[at - 1 : at] in ("'", '"') and text[at + 1 : at + 2].isalnum():
        return True
    if text[at + 1 : at + 2].isspace() or text.startswith("##", at):
        return False
    before = text[max(0, at - 200) : at].rstrip()
    if before[-1:] == ":" and _colon_before(text, at):
        return True
    return before[-1:] in ("[", ",") and _NUMBERED_ITEM.match(text, at, end) is not None


def _is_value(text: str, at: int, end: int) -> bool:
    """Whether what looks like a comment is the value that is due: bare words stand behind it, or another member."""
    if _SPAN_AND_WORD.match(text, at, end):
        return text[max(0, at - 200) : at].rstrip()[-1:] in (":", "[", ",")
    return _colon_before(text, at) and _LINE_AND_MEMBER.match(text, at, min(end, at + 500)) is not None


def _colon_before(text: str, at: int) -> bool:
    """Whether a value is due at an offset, on the same line."""
    return text[max(0, at - 8) : at].rstrip(" ")[-1:] == ":"


def _ends_value(text: str, at: int) -> bool:
    """Whether a value ends before an offset, on the same line."""
    before = text[max(0, at - 8) : at].rstrip(" \t")[-1:]
    return before.isalnum() or (before != "" and before in _VALUE_END)
