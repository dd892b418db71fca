"""Bare words: keys and values without quotes, literals of other languages, numbers in other forms."""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import NamedTuple

from .amounts import ascii_digits
from .edits import Change
from .gaps import REMARK
from .rules import cost_of
from .scan import Scanner
from .state import Piece
from .strings import StringReading, content_changes

_FOLLOW = (
    r"(?=(?:\*\*)?\s*(?:[,}\]){\[;，；、،]|[|·][ \t]*\r?\n|\Z|//|#|/\*|--[ \t]|<!--|\r?\n|\\[nrt}\]]"
    rf"|{REMARK}[ \t]*(?:[,}}\]]|\r?\n|\Z)|(?:\.\.\.|…)\s*\Z))"
)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?" + _FOLLOW)
_LOOSE_NUMBER = re.compile(r"([+-]?)(?:(0[xX][0-9a-fA-F]+)|((?:\d[\d_]*\.?[\d_]*|\.\d+)(?:[eE][+-]?\d+)?))" + _FOLLOW)
_CUT_NUMBER = re.compile(r"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)?(\.|[eE][+-]?|\.[0-9]*[eE][+-]?|-)\Z")
_WORD = re.compile(r"[A-Za-z]+" + _FOLLOW)
_SPACED_NUMBER = re.compile(
    r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)"
    r"(?=[ \t]+(?:[\"'“]|(?:[A-Za-z_]\w*|\d{4,}|\d{1,2}(?=:[^\d]))[\"']?:))"
)
_PLAIN = r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null)"
_BESIDE = re.compile(
    rf"{_PLAIN}(?=[ \t]+(?!\d{{3}}[ \t,\]]){_PLAIN}(?:[ \t]+{_PLAIN})?[ \t]*(?:[\r\n,\]]|\Z| -?\d))"
)  # not 1 000
_NEGATED = {"!0": "true", "!1": "false"}
_LITERALS = {"true": "true", "false": "false", "null": "null", "none": "null", "undefined": "null", "nil": "null"}
_NON_FINITE = {"nan", "infinity", "inf"}
_INFINITE = re.compile(r"[+-]?(?:Infinity|inf|NaN)" + _FOLLOW, re.I)
_CALL = re.compile(r"(?:new\s+)?[A-Za-z_][\w.]{0,60}\(\s*")
_CALL_END = re.compile(r"\s*\)")
_CALL_ARGUMENT = re.compile(r'"(?:[^"\\\n]|\\.){0,500}"|\'[^\'"\\\n]{0,500}\'|-?\d+(?:\.\d+)?')
_KEY = re.compile(r"[^\s\"'{}\[\],:=“”„‘：，；]+(?:[ \t]+[^\s\"'{}\[\],:=“”„‘：，；]+){0,5}")
_HALF_KEY = re.compile(r"([^\s\"{}\[\],:“][^\"\n{}\[\],:]{0,60})\"(?=\s*[:：=])")
# A key with its value behind it, and no colon.
_VALUED = re.compile(
    r"[A-Za-z_$][\w$-]*(?=[ \t]+(?:(?:-?\d[\d.]*|[Tt]rue|[Ff]alse|null|None)[ \t]*[,}\r\n]|[\"'“{\[]))"
)
_ARROWED = re.compile(r"[A-Za-z_$][\w$-]*(?=[ \t]*(?:->|=>|→|:=))(?<!-)")
# Text of several lines, up to the line before a key or a closer.
_LINES = re.compile(r"[^\n{}\[\]\"':]+(?:\n[^\n{}\[\]\"':]+){1,6}?(?=\n[ \t]*(?:[\w$]+[ \t]*:|[}\]]))")
_MEMBER = re.compile(r"[,{]\s*[\"']?\w{1,40}[\"']?\s*:")  # the beginning of another one
# A text up to the end of its line, or to what follows it on the line.
_TEXT_LINE = re.compile(r"([^\n]*?[^\s,])[ \t,]*\r?\n\s*[\"'“}\]\w]")
_TEXT_MEMBER = re.compile(r"([^\n]*?[^\s,])\s*(?:,+\s*\"[^\"\n]{1,60}\"\s*:|[}\]]+\s*(?:\Z|,\s*[{\"\[]))")
_TEXT_ITEM = re.compile(r"((?:\([^()\n]*\)|\{[^{}\n]*\}|[^\n,])*?[^\s,])\s*(?:,\s*\"|\]\s*[,}\]])")
_OPENER = {"}": "{", "]": "[", ")": "("}
_KEYED = re.compile(r"[\"'\w]\s*:\s*[\"'{\[\d]")
_ITEM = re.compile(r",\s*\"(?=[^\s,\"\]])")  # of another text
_STRAY = re.compile(r"[^\W\d][\w-]{0,40}(?=\s)")
_JUNK = re.compile(r"[^\s\"'{}\[\],:]+")
_MARK = re.compile(r"(?:\(?\d{1,3}[.)]|#\d{1,3}|[-*•·+>])[ \t]+(?=[\"'“\w*])|:(?=[A-Za-z_]\w*\s*=>)")
_LINE = re.compile(
    r"(?:-{3,}|\*{3,}|={3,}|\*\*[^*\n\"]{1,60}\*\*:?|\([^()\n\"]{1,60}\)"
    r"|[^\W\d_][\w']*(?:[ ][\w']+){1,9}[.:]?)[ \t]*(?=\r?\n)"
)
_DATE = re.compile(r"(?:datetime\.)?(?:date|datetime)\(((?:\s*\d{1,4}\s*,){2,5}\s*\d{1,2})\s*\)")
_GROUPED = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})*,\d{1,2}(?!\d)|\d{1,3}(?: \d{3})+(?:[.,]\d{1,2})?)"
_AMOUNT = re.compile(  # a number with separators that its currency or unit holds together
    rf"[+-]?(?:(?:[$€£¥]|[A-Z]{{3}} )\s?{_GROUPED}(?:[ ]?[A-Z]{{3}})?"
    rf"|{_GROUPED}[ ]?(?:[%€$£¥°]|[^\W\d_])[\w/°²³%]{{0,11}})" + _FOLLOW
)
_NOTHING = re.compile(r"(?:--?|—|–|[~%!?&@^$<>+*°€£¥§]{1,2})(?=[ \t]*(?:[,}\]]|\r?\n))")
_STOPPED = re.compile(r"(true|false|null|True|False|None)[.!](?=[ \t]*(?:[,}\]]|\r?\n))")
_SHOWN = re.compile(r"<[A-Za-z_][\w.]*: *(?:\"([^\"\\\n]*)\"|'([^'\"\\\n]*)')>")  # how Python shows a member of an enum
_PREFIXED = re.compile(r"[uUrRbBfF]{1,2}(?=[\"'])")


class Bare(NamedTuple):
    """One way to read a bare word: where it ends, its changes and cost."""

    end: int
    cost: float
    pieces: tuple[Piece, ...] = ()
    truncated: bool = False


def key(text: str, at: int, end: int) -> Bare | None:
    """A key without an opening quote, or without any."""
    half = _HALF_KEY.match(text, at, min(end, at + 100))
    if half is not None and any(letter.isalnum() for letter in half[1]):
        cost, stop = cost_of("missing_open_quote"), half.end(1)
        return Bare(stop + 1, cost, (StringReading("missing_open_quote", at, at, stop, stop + 1, cost),))
    match = _KEY.match(text, at, min(end, at + 200))
    if not match or not any(letter.isalnum() or letter in "_$" for letter in match.group()):
        return None
    stop = match.end()
    if text[stop : stop + 1] in ('"', "'") and stop < end:
        return Bare(
            stop + 1,
            cost_of("missing_open_quote"),
            (StringReading("missing_open_quote", at, at, stop, stop + 1, cost_of("missing_open_quote")),),
        )
    valued = _VALUED.match(text, at, end) or _ARROWED.match(text, at, end)
    if valued is not None:
        stop = valued.end()
        cost = cost_of("unquoted_key") + 0.2
        return Bare(stop, cost, (StringReading("unquoted_key", at, at, stop, stop, cost),))
    spaces = len(match.group().split()) - 1
    follows = re.compile(r"\s*[:=：]").match(text, stop, end) is not None
    if spaces and not follows:
        return None
    cost = cost_of("unquoted_key") + 0.2 * spaces + (0.0 if follows else 0.5)
    return Bare(stop, cost, (StringReading("unquoted_key", at, at, stop, stop, cost),))


def values(text: str, at: int, end: int, scanner: Scanner, in_array: bool = False) -> list[Bare]:
    """The ways to read a value that does not start with a quote; a literal or number is read in one way only."""
    found = _exact(text, at, end)
    if found is not None and (found.cost == 0 or not found.truncated):
        return [found]
    beside = _BESIDE.match(text, at, end) if in_array else None
    if beside:
        return [Bare(beside.end(), 0.0)]
    options = [found] if found is not None else []
    match = _SPACED_NUMBER.match(text, at, end)
    if match:
        options.append(Bare(match.end(), 0.0))
    prefixed = _PREFIXED.match(text, at, end)
    if prefixed:
        for string in scanner.quoted(prefixed.end(), "value")[:2]:
            whole = StringReading(
                "quote_style",
                at,
                string.content_start,
                string.content_end,
                string.end,
                string.cost + 0.3,
                string.truncated,
            )
            options.append(Bare(string.end, string.cost + 0.3, (whole,), string.truncated))
    call = _CALL.match(text, at, end)
    if call:
        argument = _CALL_ARGUMENT.match(text, call.end(), end)
        close = argument and _CALL_END.match(text, argument.end(), end)
        if argument and close:
            inside: list[Piece] = [Change("call", at, argument.start(), "", cost_of("call"))]
            if argument.group()[0] == "'":
                inside.append(
                    StringReading(
                        "quote_style", argument.start(), argument.start() + 1, argument.end() - 1, argument.end(), 0.2
                    )
                )
            inside.append(Change("call", argument.end(), close.end(), "", 0.0))
            return [Bare(close.end(), cost_of("call"), tuple(inside))]
    return options + _strings(text, at, end, scanner, in_array)


def _exact(text: str, at: int, end: int) -> Bare | None:
    """Literals and numbers, also of other languages or cut off."""
    if _NUMBER.match(text, at, end):
        return Bare(_NUMBER.match(text, at, end).end(), 0.0)  # type: ignore[union-attr]
    match = _INFINITE.match(text, at, end)
    if match:
        cost = cost_of("non_finite")
        return Bare(match.end(), cost, (Change("non_finite", at, match.end(), "null", cost),))
    match = _SHOWN.match(text, at, end)
    if match:
        cost, group = cost_of("call"), 1 if match[1] is not None else 2
        start, stop = match.span(group)
        return Bare(match.end(), cost, (StringReading("call", at, start, stop, match.end(), cost),))
    match = _STOPPED.match(text, at, end)
    if match:
        cost = cost_of("literal")
        return Bare(match.end(), cost, (Change("literal", at, match.end(), _LITERALS[match[1].lower()], cost),))
    if literal := _NEGATED.get(text[at : min(end, at + 2)]):
        cost = cost_of("literal")
        return Bare(at + 2, cost, (Change("literal", at, at + 2, literal, cost),))
    match = _NOTHING.match(text, at, end)
    if match:
        cost = cost_of("unquoted_string")
        return Bare(match.end(), cost, (StringReading("unquoted_string", at, at, match.end(), match.end(), cost),))
    if (grouped := amount(text, at, end)) is not None:
        return grouped
    match = _DATE.match(text, at, end)
    if match:
        cost = cost_of("call")
        return Bare(match.end(), cost, (Change("call", at, match.end(), f'"{_moment(match[1])}"', cost),))
    match = _WORD.match(text, at, end)
    if match:
        word = match.group()
        literal = _LITERALS.get(word.lower())
        if literal is not None:
            if literal == word:
                return Bare(match.end(), 0.0)
            return Bare(
                match.end(), cost_of("literal"), (Change("literal", at, match.end(), literal, cost_of("literal")),)
            )
        if match.end() == end:
            full = [name for name in ("true", "false", "null", "True", "False", "None") if name.startswith(word)]
            if full:
                cost = cost_of("truncated_literal") + 0.1 * (full[0][0].isupper())
                change = Change("truncated_literal", at, end, _LITERALS[full[0].lower()], cost)
                return Bare(end, cost, (change,), truncated=True)
        return None
    match = _LOOSE_NUMBER.match(text, at, end)
    if match and not (match.end() == end and text[end - 1] == "."):
        sign, hexadecimal, decimal = match.groups()
        if hexadecimal:
            after = str(int(hexadecimal, 16))
        else:
            digits = ascii_digits(decimal.replace("_", ""))
            if re.match(r"0\d", digits):
                cost = cost_of("leading_zero")
                return Bare(match.end(), cost, (StringReading("leading_zero", at, at, match.end(), match.end(), cost),))
            mantissa, mark, exponent = re.match(r"([\d.]*)([eE]?)(.*)", digits).groups()  # type: ignore[union-attr]
            mantissa = "0" + mantissa if mantissa.startswith(".") else mantissa
            mantissa = mantissa + "0" if mantissa.endswith(".") else mantissa
            after = mantissa + mark + exponent
        after = ("-" if sign == "-" else "") + after
        cost = cost_of("number_form")
        return Bare(match.end(), cost, (Change("number_form", at, match.end(), after, cost),))
    match = _CUT_NUMBER.match(text, at, end)
    if match and match.group(1):
        cost = cost_of("truncated_number")
        return Bare(end, cost, (Change("truncated_number", match.end(1), end, "", cost),), truncated=True)
    return None


def amount(text: str, at: int, end: int) -> Bare | None:
    """A number with separators and a currency or unit, which is text until somebody wants a number."""
    match = _AMOUNT.match(text, at, end)
    if match is None:
        return None
    cost = cost_of("unquoted_string")
    return Bare(match.end(), cost, (StringReading("unquoted_string", at, at, match.end(), match.end(), cost),))


def _moment(parts: str) -> str:
    """A date, or a date and time, from its numbers: ISO 8601."""
    numbers = [int(part) for part in parts.split(",")]
    date = "-".join(f"{number:02d}" for number in numbers[:3])
    time = ":".join(f"{number:02d}" for number in [*numbers[3:], 0, 0][: max(2, len(numbers) - 3)])
    return f"{date}T{time}" + ":00" * (len(numbers) < 6) if len(numbers) > 3 else date


def _strings(text: str, at: int, end: int, scanner: Scanner, in_array: bool) -> list[Bare]:
    """A string without an opening quote, or without both."""
    options: list[Bare] = []

    def add(rule: str, stop: int, after: int, cost: float, truncated: bool = False) -> None:
        if text[at] in "{[(" and any(text.count(a, at, stop) != text.count(b, at, stop) for a, b in ("{}", "[]", "()")):
            cost += 1.0
        said = any(letter.isalnum() or ord(letter) > 0x2190 for letter in text[at : min(stop, at + 100)])
        if stop > at and (said or rule == "missing_open_quote"):
            options.append(Bare(after, cost, (StringReading(rule, at, at, stop, after, cost, truncated),), truncated))

    index = scanner.quotes('"', at, "value")
    every, values_ = index.every, index.values
    first = bisect_left(every, at)
    quote = every[first] if first < len(every) else end
    structural = min(scanner.structural(at), end, quote)
    if quote < end:
        place_ = bisect_left(values_, quote)
        lines = scanner.newlines(at, quote)
        if place_ < len(values_) and values_[place_] == quote and lines == 0:
            add("missing_open_quote", quote, quote + 1, cost_of("missing_open_quote"))
        elif (
            lines == 0
            and place_ < len(values_)
            and values_[place_] - at < 2000
            and not scanner.newlines(at, values_[place_])
        ):
            stop = values_[place_]
            inner = bisect_left(every, stop) - first
            cost = cost_of("missing_open_quote") + cost_of("inner_quote") * inner
            cost += len(_MEMBER.findall(text, at, stop)) + len(_ITEM.findall(text, at, stop))
            add("missing_open_quote", stop, stop + 1, cost)
    stop = structural
    while stop > at and text[stop - 1] in " \t\r;，；、،":
        stop -= 1
    if text[at] not in "{[(" and (structural <= quote or quote >= end):
        cut = structural >= end
        cost = cost_of("unquoted_string") + 0.2 * cut
        if not cut and text[structural] in _OPENER:  # the closer of a bracket in the text?
            opener = _OPENER[text[structural]]
            cost += 0.6 * (text.count(opener, at, stop) > text.count(text[structural], at, stop))
        add("unquoted_string", stop, stop, cost, truncated=cut)
    if structural < end and text[structural] not in "\n]" and text[at] not in "{[(" and (
        not in_array or not text[text.rfind("\n", 0, at) + 1 : at].strip()
    ):
        newline = text.find("\n", structural, min(end, at + 2000))
        if 0 <= newline < quote:
            line = text[at:newline].rstrip(" \t\r,")
            if at + len(line) > stop:
                add("unquoted_string", at + len(line), at + len(line), cost_of("unquoted_string") + 0.4)
    several = None if in_array else _LINES.match(text, at, min(end, at + 4000))
    if several:
        stop = at + len(several.group().rstrip(" \t\r,"))
        add("unquoted_string", stop, stop, cost_of("unquoted_string") + 0.4)
    return options


def _balanced(text: str, end: int) -> int:
    """The end of a text, with the closers right behind it of brackets that were opened within."""
    while text[end : end + 1] in _OPENER and text.count(_OPENER[text[end]], 0, end) > text.count(text[end], 0, end):
        end += 1
    return end


def texts(text: str, at: int, end: int, in_array: bool) -> list[Bare]:
    """A text without quotes, where nothing but a text may stand: the line, or what comes before another member."""
    window = text[at : min(end, at + 2000)]
    patterns = [_TEXT_ITEM if in_array else _TEXT_MEMBER]
    if not in_array or not text[text.rfind("\n", max(0, at - 200), at) + 1 : at].strip():
        patterns.insert(0, _TEXT_LINE)
    ends = [match.end(1) for pattern in patterns if (match := pattern.match(window)) is not None]
    options = []
    for stop in dict.fromkeys(_balanced(window, end) for end in ends):
        content = window[:stop]
        said = any(letter.isalnum() or ord(letter) > 0x2190 for letter in content)
        if said and not (content[0] in "{[(" and _KEYED.search(content)):
            cost = cost_of("unquoted_string") + 0.4 + 0.3 * min(3, content.count('"')) + len(_MEMBER.findall(content))
            reading = StringReading("unquoted_string", at, at, at + stop, at + stop, cost)
            options.append(Bare(at + stop, cost, (reading,)))
    return options


def word(text: str, at: int, end: int) -> int:
    """Length of a bare word: letters, perhaps joined by hyphens or underscores."""
    match = _STRAY.match(text, at, end)
    return match.end() - at if match else 0


def mark(text: str, at: int, end: int) -> int:
    """Length of a number, a bullet or the like that stands before a member, with the blanks behind it."""
    match = _MARK.match(text, at, end)
    return match.end() - at if match else 0


def line(text: str, at: int, end: int) -> int:
    """Length of a line of words, or of a ruled line."""
    match = _LINE.match(text, at, end)
    return match.end() - at if match else 0


def junk(text: str, at: int, end: int) -> int:
    """Length of a run of characters with no place in the data."""
    match = _JUNK.match(text, at, end)
    return match.end() - at if match else 0


__all__ = ["Bare", "amount", "content_changes", "junk", "key", "line", "mark", "texts", "values", "word"]
