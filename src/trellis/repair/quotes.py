"""An index of the quotes of a text: which of them may close a key or a value."""

from __future__ import annotations

import re

from .gaps import REMARK

# What may follow the quote that closes a key, and the quote that closes a value.
AFTER_KEY = re.compile(r"(?:\*\*)?\s*(?:[:：]|=|->|[,}\]]\s*:)")
_REMARKED = rf"{REMARK}[ \t]*(?:[,}}\]]|\r?\n|\Z)"
AFTER_VALUE = re.compile(rf"(?:\*\*)?\s*(?:[,}}\]]|\\[}}\]]|\)\s*(?:[,}}\])]|\Z)|\Z|{_REMARKED})")
_NEXT_LINE = r"\r?\n\s*(?:[}\]]|[\"'“„«`](?!\s*[,}\]])|[A-Za-z_$][\w$-]{0,60}[ \t]*:(?!//))"
_PLUS = r"\s*(?:/\*[^*]*\*/\s*)?\+\s*(?:/\*[^*]*\*/\s*)?[\"']"
_STOP = r"[.|][ \t]*(?:\r?\n|\"[^\"\n]{1,80}\"[ \t]*:)"  # written for a comma
_CONTINUED = r"\\\r?\n\s*[\"']"
AFTER_LINE = re.compile(
    rf"[ \t]*(?:[;，、；،]|{_STOP}|{_CONTINUED}"
    rf"|//|#|/\*|--[ \t]|<!--|{_NEXT_LINE}|\s+\"[^\"\n]{{0,80}}\"\s*[:,}}\]]|{_PLUS}"
    r"|[ \t]+[A-Za-z_]\w{0,60}[ \t]*:[ \t]*(?:[\"'\[{]|-?\d|true\b|false\b|null\b))"
)
_AHEAD = 8  # quotes that are looked at beyond the first


class Quotes:
    """Offsets of the quotes of one kind, found chunk by chunk as far as they are asked for.

    Attributes:
        every: unescaped closing quotes.
        keys, values: those that are followed by what may follow a key, a value.
        escaped: quotes after a backslash.
    """

    _CHUNK = 2_048
    _APART = 65_536  # characters behind which another index is begun

    def __init__(self, text: str, end: int, closers: str, begin: int) -> None:
        self._text, self._end, self._begin, self._scanned = text, end, begin, begin
        self._pattern = re.compile(r"[\\" + re.escape(closers) + "]")
        self._closers = closers
        self.every: list[int] = []
        self.keys: list[int] = []
        self.values: list[int] = []
        self.escaped: list[int] = []

    def covers(self, start: int) -> bool:
        """Whether to go on with this index, instead of beginning another at ``start``."""
        return self._begin <= start <= self._scanned + self._APART

    def reach(self, start: int, role: str) -> None:
        """Read on until some quotes fit for the role lie behind ``start``, or the text ends."""
        good = self.keys if role == "key" else self.values
        while self._scanned < self._end and (len(good) < _AHEAD or good[-_AHEAD] < start):
            self._read()

    def _read(self) -> None:
        text, end, at = self._text, self._end, self._scanned
        stop = min(end, at + self._CHUNK)
        if text.find(self._closers[0], at, stop) < 0 and text.find("\\", at, stop) < 0:  # the inside of a long string
            far = min(end, at + self._APART)
            at = min([found for mark in "\\" + self._closers if (found := text.find(mark, at, far)) >= 0], default=far)
            stop = min(end, max(stop, at + self._CHUNK)) if at < far else far
        for match in self._pattern.finditer(text, at, stop):
            if match.start() < at:
                continue  # behind a backslash
            at = match.start()
            if text[at] == "\\":
                at += 2
                if at <= end and text[at - 1] in self._closers:
                    self.escaped.append(at - 2)
                continue
            self.every.append(at)
            if AFTER_KEY.match(text, at + 1, end):
                self.keys.append(at)
            elif AFTER_VALUE.match(text, at + 1, end) or AFTER_LINE.match(text, at + 1, end):
                self.values.append(at)
            at += 1
        self._scanned = min(max(at, stop), end)
