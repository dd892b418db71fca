"""A string as it stands in damaged text: how it begins and ends, and the changes that make it a JSON string."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from .edits import Change
from .standard import DECODER

CLOSING = {
    '"': '"',
    "'": "'",
    "`": "`'´",
    "“": '”"“',
    "”": '”"',
    "„": '”“"',
    "‘": "’'",
    "’": "’'",
    "«": "»",
    "»": "«",
    "´": "´'`",
    "＂": "＂",
    "「": "」",
}
_NO_ESCAPE = "'`´“”„‘’«»"  # quotes that need no backslash
_ILLEGAL = re.compile(
    r"[\x00-\x1f\\\"](?:(?<=\\)(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|u\{[0-9a-fA-F]{1,6}\}"
    r"|U[0-9a-fA-F]{8}|[\s\S]))?"
)
_PATH = re.compile(r"[A-Za-z]:\\|\\\\[\w.-]+\\(?!\\)")  # of a drive, or of a server
_PATHS = re.compile(r"(?<![A-Za-z])[A-Za-z]:(?:\\[\w .-]+)+")
_STEP = re.compile(r"\\(?:[bf]\w|[nrt][a-z0-9])")
_NO_CONTROL = re.compile(r"\\[bf][a-z]")
_BAD_ESCAPE = re.compile(r"\\(?![\"\\/bfnrt]|u[0-9a-fA-F]{4})")
_LATEX = re.compile(r"(?<!\\)(?:\\\\)*\\(?:[ac-eg-mo-qsv-zA-Z][a-zA-Z]+|[()\[\]{},;!%&_])")  # no escape of JSON
_COMMAND = re.compile(  # those of LaTeX that begin like an escape
    r"\\(?:b(?:ar|eta|egin|ig\w*|inom|m?od|oxed|ullet|ackslash|ecause|f|m)|f(?:rac|orall|lat|box)"
    r"|n(?:abla|u|eq?|ot|otin|eg|i|mid|earrow|ewline|subseteq|exists)|r(?:ight\w*|ho|m|angle|brace|brack|ceil|floor|Vert|vert)"
    r"|t(?:ext\w*|imes|heta|au|o|an|anh|op|riangle\w*|frac|ilde|herefore|t|op))(?![a-zA-Z])"
)
_CONTROL = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}


_LONG = 500  # characters of a string that is worth a look on its own


def long_string_end(text: str, start: int) -> int:
    """Where a string of JSON ends that is opened at an offset, behind its closing quote; -1 if it is none.

    As the regular expressions of the search have it, but at the speed of the standard decoder.
    """
    try:
        end: int = DECODER.scan_once(text, start)[1]  # type: ignore[attr-defined]
    except (ValueError, StopIteration):
        return -1
    return end


class StringReading(NamedTuple):
    """One way to read a string: ``text[start:end]`` with its content at ``content_start:content_end``.

    ``joins`` the string before it, or is ``joined`` by the one after it: the quote there is for that change.
    """

    rule: str | None
    start: int
    content_start: int
    content_end: int
    end: int
    cost: float
    truncated: bool = False
    joins: bool = False
    joined: bool = False

    def changes(self, text: str) -> list[Change]:
        """The changes that make it a JSON string."""
        rule = self.rule or "quote_style"
        result = []
        if text[self.start : self.content_start] != '"' and not self.joins:
            result.append(Change(rule, self.start, self.content_start, '"', self.cost))
        inner = "quote_style" if text[self.start] in CLOSING and text[self.start] != '"' else "inner_quote"
        begin = self.content_start
        if self.rule == "unquoted_string" and text[begin] == "\\" and text[begin + 1 : begin + 2].isalpha():
            result.append(Change("bad_escape", begin, begin + 1, "\\\\", 0.05))  # a text, not an escape
            begin += 1
        result += content_changes(text, begin, self.content_end, inner)
        if text[self.content_end : self.end] != '"' and not self.joined:
            cost = self.cost if not result or result[0].start != self.start else 0.0
            result.append(Change(rule, self.content_end, self.end, '"', cost))
        return result


def _in_path(text: str, start: int, at: int, end: int) -> bool:
    """Whether an offset lies in a Windows path in which a backslash is no escape."""
    paths = (m for m in _PATHS.finditer(text, start, end) if m.start() < at < m.end())
    return any(_BAD_ESCAPE.search(path.group()) or _NO_CONTROL.search(path.group()) for path in paths)


def content_changes(text: str, start: int, end: int, quote_rule: str = "inner_quote") -> list[Change]:
    """The changes that make a piece of text the inside of a JSON string; ``quote_rule`` escapes double quotes."""
    result: list[Change] = []
    if text.find("\\", start, end) >= 0:
        latex = _LATEX.search(text, start, end) is not None
    elif end - start > _LONG and text[end : end + 1] == '"' and long_string_end(text, start - 1) == end + 1:
        return result
    else:
        latex = False
    if _PATH.match(text, start, end) and _BAD_ESCAPE.search(text, start, end) and (
        text.find("\\\\", start + 2, end) < 0
    ):
        for match in re.compile(r"\\(?!\")").finditer(text, start, end):  # a Windows path: no backslash is an escape
            result.append(Change("bad_escape", match.start(), match.end(), "\\\\", 0.05))
        return result
    for match in _ILLEGAL.finditer(text, start, end):
        found = match.group()
        a, b = match.span()
        if found == '"':
            result.append(Change(quote_rule, a, b, '\\"', 0.05))
        elif found[0] != "\\":
            result.append(Change("control_character", a, b, _CONTROL.get(found, f"\\u{ord(found):04x}"), 0.05))
        elif len(found) == 2 and found[1] in _NO_ESCAPE:
            result.append(Change("bad_escape", a, b, found[1], 0.05))
        elif found == "\\\n":
            result.append(Change("bad_escape", a, b, "\\n", 0.05))
        elif found[:2] == "\\x" and len(found) == 4:
            result.append(Change("bad_escape", a, b, "\\u00" + found[2:], 0.05))
        elif len(found) > 2 and found[1] in "uU" and (point := int(found[2:].strip("{}"), 16)) <= 0x10FFFF and (
            found[1] == "U" or found[2] == "{"
        ):
            result.append(Change("bad_escape", a, b, json.dumps(chr(point))[1:-1], 0.05))
        elif (latex and _COMMAND.match(text, a, end)) or (_STEP.match(text, a) and _in_path(text, start, a, end)):
            result.append(Change("bad_escape", a, a + 1, "\\\\", 0.05))
        elif len(found) == 1 or not re.fullmatch(r"\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})", found):
            result.append(Change("bad_escape", a, a + 1, "\\\\", 0.05))
            if len(found) == 2 and ord(found[1]) < 32:
                after = _CONTROL.get(found[1], f"\\u{ord(found[1]):04x}")
                result.append(Change("control_character", a + 1, b, after, 0.05))
    return result
