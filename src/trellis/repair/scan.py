"""Reading damaged text piece by piece: gaps between tokens, and the ways in which a string can begin and end.

Everything here looks ahead a bounded distance or uses an index of the text's quotes, so that the work of the search
stays linear in the text however it forks.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import dataclass, field
from functools import cached_property

from .edits import Change
from .rules import cost_of

WS = re.compile(r"[ \t\n\r]*")
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
_ZERO_WIDTH = "\ufeff\u200b\u200c\u200d\u2060"
_SPACES = (
    "\u00a0\u180e\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u202f\u205f\u3000\u1680\x0b\x0c\x85\u2028\u2029"
)
_ELLIPSIS = re.compile(r"(?:\.{3,}|…)(?=[ \t\r\n]*(?:[,}\]]|/[/*]|\Z))")
_MARKUP = re.compile(r"\*\*(?=[\"'{\[])|(?<=[\"'}\]])\*\*")
_COMMENT = re.compile(r"//[^\n]*|#[^\n]*|/\*.*?(?:\*/|\Z)", re.S)
_GAP_HEAD = frozenset("/#.…*\\" + _ZERO_WIDTH + _SPACES)
# What may follow the quote that closes a key, and the quote that closes a value.
_AFTER_KEY = re.compile(r"\s*(?:[:：]|=|[,}\]]\s*:)")
_AFTER_VALUE = re.compile(r"\s*(?:[,}\]]|\)\s*(?:[,}\])]|\Z)|\Z)")
_AFTER_LINE = re.compile(r"[ \t]*(?:;|，|//|#|/\*|\r?\n\s*[\"'“}\]]|\s+\"[^\"\n]{0,80}\"\s*[:,}\]]|\s*\+\s*[\"'])")
_LOST_OPEN = re.compile(r"\"(?=[ \t]*(?:[,:}\]]|\Z))")
_PLAIN_KEY = re.compile(r"[{,]\s*\"[^\"\n]+\"\s*:")
_RUN = re.compile(r"(?:[\s,\[\]{}]|(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|\b(?:true|false|null)\b)*\Z")
_ILLEGAL = re.compile(r"[\x00-\x1f]|\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})|\\x[0-9a-fA-F]{2}|\\[\s\S]?|\"")
_KEY_END = re.compile(r"[\"'”]\s*[,}\]]?\s*:\s*[\"'{\[\d]")
_PATH = re.compile(r"[A-Za-z]:\\")
_BAD_ESCAPE = re.compile(r"\\(?![\"\\/bfnrt]|u[0-9a-fA-F]{4})")
_CONTROL = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}


@dataclass(frozen=True, slots=True)
class Gap:
    """What lies between two tokens: its end, its changes, and the column of the next token if that starts a line."""

    end: int
    changes: tuple[Change, ...] = ()
    cost: float = 0.0
    column: int = -1


@dataclass(frozen=True, slots=True)
class StringReading:
    """One way to read a string: ``text[start:end]`` with its content at ``content_start:content_end``."""

    rule: str | None
    start: int
    content_start: int
    content_end: int
    end: int
    cost: float
    truncated: bool = False

    def changes(self, text: str) -> list[Change]:
        """The changes that make it a JSON string."""
        rule = self.rule or "quote_style"
        result = []
        if text[self.start : self.content_start] != '"':
            result.append(Change(rule, self.start, self.content_start, '"', self.cost))
        inner = "quote_style" if text[self.start] in CLOSING and text[self.start] != '"' else "inner_quote"
        result += content_changes(text, self.content_start, self.content_end, inner)
        if text[self.content_end : self.end] != '"':
            cost = self.cost if not result or result[0].start != self.start else 0.0
            result.append(Change(rule, self.content_end, self.end, '"', cost))
        return result


def content_changes(text: str, start: int, end: int, quote_rule: str = "inner_quote") -> list[Change]:
    """The changes that make a piece of text the inside of a JSON string; ``quote_rule`` escapes double quotes."""
    result = []
    if _PATH.match(text, start, end) and _BAD_ESCAPE.search(text, start, end) and text.find("\\\\", start, end) < 0:
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
        elif (len(found) == 2 and found[1] == "'") or found == "\\`":
            result.append(Change("bad_escape", a, b, found[1], 0.05))
        elif found == "\\\n":
            result.append(Change("bad_escape", a, b, "\\n", 0.05))
        elif found[:2] == "\\x" and len(found) == 4:
            result.append(Change("bad_escape", a, b, "\\u00" + found[2:], 0.05))
        elif len(found) == 1 or not re.fullmatch(r"\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})", found):
            result.append(Change("bad_escape", a, a + 1, "\\\\", 0.05))
            if len(found) == 2 and ord(found[1]) < 32:
                after = _CONTROL.get(found[1], f"\\u{ord(found[1]):04x}")
                result.append(Change("control_character", a + 1, b, after, 0.05))
    return result


class Quotes:
    """Offsets of the quotes of one kind, found chunk by chunk as far as they are asked for.

    Attributes:
        every: unescaped closing quotes.
        keys, values: those that are followed by what may follow a key, a value.
        escaped: quotes after a backslash.
    """

    _CHUNK = 16_384

    def __init__(self, text: str, end: int, closers: str, begin: int) -> None:
        self._text, self._end, self.begin, self._scanned = text, end, begin, begin
        self._pattern = re.compile(r"\\[\s\S]|[" + re.escape(closers) + "]")
        self._closers = closers
        self.every: list[int] = []
        self.keys: list[int] = []
        self.values: list[int] = []
        self.escaped: list[int] = []

    def reach(self, start: int, role: str) -> None:
        """Read on until some quotes fit for the role lie behind ``start``, or the text ends."""
        good = self.keys if role == "key" else self.values
        while self._scanned < self._end and (len(good) < 3 or good[-3] < start):
            self._read()

    def _read(self) -> None:
        text, end = self._text, self._end
        stop = min(end, self._scanned + self._CHUNK)
        at = stop
        for match in self._pattern.finditer(text, self._scanned, end):
            at = match.start()
            if at >= stop:
                break
            if text[at] == "\\":
                if text[at + 1] in self._closers:
                    self.escaped.append(at)
                at = match.end()
                continue
            self.every.append(at)
            if _AFTER_KEY.match(text, at + 1, end):
                self.keys.append(at)
            elif _AFTER_VALUE.match(text, at + 1, end) or _AFTER_LINE.match(text, at + 1, end):
                self.values.append(at)
            at += 1
        else:
            at = end
        self._scanned = max(at, stop) if at < end else end


@dataclass
class Scanner:
    """The text between two offsets, with indexes made on first use.

    Attributes:
        text: the whole input.
        end: where the region that is read ends.
    """

    text: str
    end: int
    _gaps: dict[int, Gap] = field(default_factory=dict)
    _quotes: dict[str, Quotes] = field(default_factory=dict)
    _newlines: list[int] | None = None

    def gap(self, position: int) -> Gap:
        """White space, comments and the like from a position on."""
        known = self._gaps.get(position)
        if known is None:
            known = self._gaps[position] = self._read_gap(position)
        return known

    def _read_gap(self, start: int) -> Gap:
        text, end = self.text, self.end
        changes: list[Change] = []
        position = start
        while True:
            position = WS.match(text, position, end).end()  # type: ignore[union-attr]
            if position >= end or text[position] not in _GAP_HEAD:
                break
            head = text[position]
            if head in _ZERO_WIDTH or head in _SPACES:
                stop = position + 1
                while stop < end and (text[stop] in _ZERO_WIDTH or text[stop] in _SPACES):
                    stop += 1
                changes.append(
                    Change("whitespace", position, stop, "" if head in _ZERO_WIDTH else " ", cost_of("whitespace"))
                )
            elif head == "\\":
                following = text[position + 1 : position + 2]
                if following not in ("n", "t", "r", "\n") or position + 1 >= end:
                    break
                stop = position + 2
                changes.append(Change("escaped_whitespace", position, stop, " ", cost_of("escaped_whitespace")))
            elif head in ".…":
                match = _ELLIPSIS.match(text, position, end)
                if not match:
                    break
                stop = match.end()
                changes.append(Change("ellipsis", position, stop, "", cost_of("ellipsis")))
            elif head == "*":
                match = _MARKUP.match(text, position, end)
                if not match:
                    break
                stop = match.end()
                changes.append(Change("markup", position, stop, "", cost_of("markup")))
            else:
                match = _COMMENT.match(text, position, end)
                if not match:
                    break
                stop = match.end()
                line = text[position : min(match.end(), position + 1000)]
                if not line.startswith("/*") and _LOST_OPEN.search(line) and line.replace('\\"', "").count('"') % 2:
                    break  # a string that lost its opening quote
                changes.append(Change("comment", position, stop, "", cost_of("comment")))
            position = stop
        newline = text.rfind("\n", start, position)
        column = -1
        if newline >= 0 and not text[newline + 1 : position].strip(" \t"):
            column = position - newline - 1
        return Gap(position, tuple(changes), sum(change.cost for change in changes), column)

    @cached_property
    def _plain_keys(self) -> bool:
        """Whether there are keys with a quote at each end: then quotes are not doubled, they are inside of strings."""
        return _PLAIN_KEY.search(self.text, 0, self.end) is not None

    def newlines(self, start: int, end: int) -> int:
        """How many line breaks lie in a span."""
        if end - start < 1000:
            return self.text.count("\n", start, end)
        if self._newlines is None:
            self._newlines = [m.start() for m in re.finditer("\n", self.text)]
        return bisect_left(self._newlines, end) - bisect_left(self._newlines, start)

    def quotes(self, closers: str, start: int, role: str) -> Quotes:
        """The index of closing quotes, read far enough to look on from ``start``."""
        index = self._quotes.get(closers)
        if index is None or index.begin > start:
            index = self._quotes[closers] = Quotes(self.text, self.end, closers, start)
        index.reach(start, role)
        return index

    def quoted(self, start: int, role: str) -> list[StringReading]:
        """Ways to read a string that starts with a quote, cheapest first by its own evidence.

        Args:
            start: offset of the opening quote.
            role: ``"key"`` or ``"value"``.
        """
        text, end = self.text, self.end
        quote = text[start]
        closers = CLOSING[quote]
        opened = start + 1
        if quote == '"' and text.startswith('""', start):
            doubled = self._doubled(start, role)
            if doubled and '"' not in text[doubled[0].content_start : doubled[0].content_end]:
                return doubled
        style = None if quote == '"' else "quote_style"
        base = 0.0 if quote == '"' else cost_of("quote_style")
        index = self.quotes(closers, opened, role)
        every, escaped = index.every, index.escaped
        good = index.keys if role == "key" else index.values
        first = bisect_left(every, opened)
        readings: list[StringReading] = []
        if first == len(every):
            readings.append(
                StringReading(
                    "truncated_string",
                    start,
                    opened,
                    self._trim_end(opened, end),
                    end,
                    base + cost_of("truncated_string"),
                    truncated=True,
                )
            )
            readings += self._early(start, opened, end, role, base)
            return readings
        stop = every[first]
        at = bisect_left(good, stop)
        is_good = at < len(good) and good[at] == stop
        breaks = self.newlines(opened, stop)
        if is_good:
            cost = base + (cost_of("control_character") + 0.2 * (breaks > 3) if breaks else 0.0)
            readings.append(StringReading(style, start, opened, stop, stop + 1, cost))
            if breaks or (role == "key" and text.find(":", opened, min(stop, opened + 200)) >= 0):
                readings += self._early(start, opened, stop, role, base)
            return readings
        broken = 1.0 if text[stop - 1] in "{[(" and stop > opened else 0.0  # a bracket that opens belongs to a text
        readings.append(StringReading(style, start, opened, stop, stop + 1, base + 0.3 + 0.5 * bool(breaks) + broken))
        readings += self._early(start, opened, stop, role, base)
        for candidate in good[at : at + 3]:
            inner = bisect_left(every, candidate) - first
            quotes = inner + bisect_left(escaped, candidate) - bisect_left(escaped, opened)
            lines = self.newlines(opened, candidate)
            apostrophes = quote != '"' and all(
                text[p - 1 : p].isalnum() and text[p + 1 : p + 2].isalnum()
                for p in every[first : first + min(inner, 8)]
            )
            odd = 0.6 if quotes % 2 and not apostrophes else 0.0
            cost = (
                base
                + cost_of("inner_quote")
                + min(0.02 * inner, 0.4)
                + odd
                + (0.3 + 0.1 * min(lines, 10) if lines else 0.0)
            )
            if apostrophes:
                cost -= 0.4
            else:
                cost += self._structure_inside(every[first : first + min(inner, 8)], opened, candidate) + 0.5 * (
                    role == "key"
                )
            readings.append(StringReading(style, start, opened, candidate, candidate + 1, cost))
        if at >= len(good):  # nothing later closes it: the text is cut off inside it
            readings.append(
                StringReading(
                    "truncated_string",
                    start,
                    opened,
                    end,
                    end,
                    base
                    + cost_of("truncated_string")
                    + cost_of("inner_quote")
                    + self._structure_inside(every[first : first + 8], opened, end),
                    truncated=True,
                )
            )
        return readings

    def _structure_inside(self, quotes: list[int], start: int, end: int) -> float:
        """How much the quotes inside a string look like the quotes of keys and values."""
        text, cost = self.text, 0.0
        for at in quotes:
            after = WS.match(text, at + 1, end).end()  # type: ignore[union-attr]
            before = at - 1
            while before >= start and before > at - 16 and text[before] in " \t\r\n":
                before -= 1
            if _KEY_END.match(text, at, end):
                cost += 1.2
            elif (after < end and text[after] in ",:") or (before >= start and text[before] in ",:{["):
                cost += 0.5
        return min(cost, 2.5)

    def _trim_end(self, opened: int, end: int) -> int:
        """End of the content of a string cut off by the end of the text: a half escape is left out."""
        match = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z").search(self.text, max(opened, end - 6), end)
        if match and (match.start() - len(self.text[opened : match.start()].rstrip("\\")) - opened) % 2 == 0:
            return match.start()
        return end

    def _doubled(self, start: int, role: str) -> list[StringReading]:
        """``""text""`` (CSV) and three quotes."""
        text, end = self.text, self.end
        width = 3 if text.startswith('"""', start) else 2
        opened = start + width
        if width == 2 and (
            opened >= end
            or WS.match(text, opened, end).end() != opened  # type: ignore[union-attr]
            or text[opened] in ",:}]"
        ):
            return []
        if width == 2 and (_AFTER_LINE.match(text, opened, end) or (role == "value" and self._plain_keys)):
            return []
        stop = text.find('"' * width, opened, end)
        after = _AFTER_KEY if role == "key" else _AFTER_VALUE
        if stop < 0 or not after.match(text, stop + width, end) or stop - opened > 100_000:
            return []
        return [StringReading("quote_style", start, opened, stop, stop + width, 2 * cost_of("quote_style"))]

    def _early(self, start: int, opened: int, stop: int, role: str, base: float) -> list[StringReading]:
        """Readings in which the closing quote was lost, so that the string ends before the next quote."""
        text = self.text
        cost = base + cost_of("missing_close_quote")
        ends: dict[int, float] = {}
        if role == "key":
            colon = text.find(":", opened, min(stop, opened + 200))
            if colon > opened:
                key = text[opened:colon]
                if "\n" not in key and not set(key) & set("{}[],"):
                    ends[opened + len(key.rstrip())] = cost - 0.1
        else:
            newline = text.find("\n", opened, stop)
            if newline >= 0:
                line = text[opened:newline].rstrip().rstrip(",").rstrip()
                ends[opened + len(line)] = cost - 0.2
                while line and line[-1] in "}]" and len(ends) < 5:
                    line = line[:-1].rstrip()
                    ends[opened + len(line)] = cost - 0.1
            else:
                tail = max(opened, stop - 200)
                run = _RUN.search(text, tail, stop)
                if (run and run.start() > tail) or tail == opened:
                    begin = run.start() if run else stop
                    for at in range(begin, stop):
                        if text[at] in ",}]" and len(ends) < 6:
                            ends.setdefault(opened + len(text[opened:at].rstrip()), cost)
        readings = []
        for end, price in ends.items():
            content = text[max(opened, end - 200) : end]
            if any(content.count(a) != content.count(b) for a, b in ("[]", "{}")):
                price += 0.3
            if end > opened or role == "value":
                readings.append(StringReading("missing_close_quote", start, opened, end, end, price))
        return readings
