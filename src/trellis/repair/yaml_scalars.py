"""The scalars of YAML 1.2 as ruamel.yaml reads them: what plain text means, what quotes and block marks enclose."""

from __future__ import annotations

import math
import re
from typing import Any

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLEAN = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_TELLING = frozenset("~nNtTfF+-.0123456789")
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[-+]?[0-9][0-9_]*[eE][-+]?[0-9]+"
    r"|[-+]?\.[0-9_]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_WHOLE = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|[0-9_]+|0x[0-9a-fA-F_]+)")
_FEW = 16  # digits that are surely no more than that
_DIGITS = 4000  # more than Python turns into a number is text

_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_DOUBLE = re.compile(
    r"\\(?:\n[ \t]*(?P<blank>(?:\n[ \t]*)*)|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})"
    r"|(?P<one>[^\n]|\Z))|(?<![ \t])[ \t]*+\n(?P<fold>[ \t]*(?:\n[ \t]*)*)"
)
_SINGLE = re.compile(r"(?P<quote>'')|(?<![ \t])[ \t]*+\n(?P<fold>[ \t]*(?:\n[ \t]*)*)")
BLOCK_HEADER = re.compile(r"([|>])([+-]?)([1-9]?)([+-]?)[ ]*(?:(?<=[ ])#[^\n]*)?(?=\n|\Z)")


class BadEscape(ValueError):
    """A backslash in double quotes that starts no escape of YAML."""


def is_null(text: str) -> bool:
    """Whether a plain scalar is null."""
    return text in _NULL


def plain_value(text: str) -> Any:
    """The JSON value of a plain scalar under the YAML 1.2 core schema; numbers that are not finite are null."""
    if text and text[0] not in _TELLING:
        return text
    if text.isdigit() and len(text) < _FEW and text.isascii():
        return int(text)
    if text in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _FLOAT.fullmatch(text):
        return float_value(text)
    return int_value(text) if _WHOLE.fullmatch(text) else text


def float_value(text: str) -> Any:
    """The number that a text of the float kind is; null when it is not finite; the text when it is none."""
    try:
        number = float(text.replace("_", "").lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return number if math.isfinite(number) else None


def int_value(text: str) -> Any:
    """The whole number that a text of the int kind is; the text when it is none."""
    bare = text.replace("_", "")
    if len(bare) > _DIGITS:
        return text
    try:
        return int(bare, 0) if bare.lstrip("+-")[:2] in ("0x", "0o", "0b") else int(bare)
    except ValueError:
        return text


def _breaks(gap: str) -> str:
    """What a run of line breaks in flowing text stands for: one is a space, of more the first is left out."""
    return "\n" * gap.count("\n") or " "


def _escape(match: re.Match[str]) -> str:
    one, fold = match["one"], match["fold"]
    if one is not None:
        if one not in _ESCAPES:
            raise BadEscape(f"no escape of YAML: \\{one}")
        return _ESCAPES[one]
    if fold is not None:
        return _breaks(fold)
    code = match["x"] or match["u"] or match["U"]
    if code:
        return chr(int(code, 16)) if int(code, 16) < 0x110000 else "\ufffd"
    return "\n" * match["blank"].count("\n")


def double_quoted(inner: str) -> str:
    """What stands between double quotes.

    Raises:
        BadEscape: a backslash starts no escape.
    """
    return _DOUBLE.sub(_escape, inner) if "\\" in inner or "\n" in inner else inner


def single_quoted(inner: str) -> str:
    """What stands between single quotes."""
    if "'" not in inner and "\n" not in inner:
        return inner
    return _SINGLE.sub(lambda found: "'" if found["quote"] else _breaks(found["fold"]), inner)


def block_text(lines: list[str], style: str, chomp: str, ended: bool) -> str:
    """What a block scalar says.

    Args:
        lines: its lines without their indentation, blank ones empty.
        style: ``|`` or ``>``.
        chomp: ``+``, ``-`` or an empty string.
        ended: whether the last line that is not blank has a line break.
    """
    shown = len(lines)
    while shown and not lines[shown - 1]:
        shown -= 1
    if not shown:
        return "\n" * len(lines) if chomp == "+" else ""
    text = "\n".join(lines[:shown]) if style == "|" else _folded(lines[:shown])
    if chomp != "-" and ended:
        text += "\n"
    return text + "\n" * (len(lines) - shown) if chomp == "+" else text


def _folded(lines: list[str]) -> str:
    parts: list[str] = []
    blank, before = 0, ""
    for line in lines:
        if not line:
            blank += 1
            continue
        if not before:
            parts.append("\n" * blank)
        elif before[0] in " \t" or line[0] in " \t":
            parts.append("\n" * (blank + 1))
        else:
            parts.append("\n" * blank or " ")
        parts.append(line)
        blank, before = 0, line
    return "".join(parts)
