"""Passing over what needs no repair: what the standard decoder reads is not read token by token.

What the decoder reads is whole, but evidence on brackets lost elsewhere may lie in it (its indentation, its keys).
A bracket that was lost makes its value take the closer of the one around it, so that evidence lies in values that end
where the text breaks; around those places nothing is passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .standard import DECODER
from .state import CLOSER, Frame

AROUND = 8_192  # characters before and after a break in which everything is read
_RUN = 4_096  # characters that a run of members has at least
_WINDOW = 1_500  # at its end, where the comma is looked for that ends it
_FOLLOWED = re.compile(r"[ \t\n\r]*[,}\]]")
_CLOSERS = re.compile(r"[}\]]*\Z")
_KEY = r"\"[^\"\\\n]{0,200}\"[ \t]*:"
_MEMBER = re.compile(r"[ \t\n\r]*,[ \t\n\r]*")

scan_once: Callable[[str, int], tuple[Any, int]] = DECODER.scan_once  # type: ignore[attr-defined]


class Run(NamedTuple):
    """Members that were passed over: the comma behind them, their keys if they have any, their number."""

    end: int
    keys: Sequence[str]
    members: int


class Skipper:
    """What may be passed over between two offsets.

    Args:
        text, start, end: the text, and the part of it that is read.
        breaks: offsets around which everything is to be read.
    """

    def __init__(self, text: str, start: int, end: int, breaks: Sequence[int]) -> None:
        self._text, self._end, self._breaks = text, end, breaks
        self._most = 6 * (end - start) + 1000  # characters that may be read in vain
        self._wasted = 0
        self._length = _RUN
        self.next_run = start

    def value(self, start: int) -> int:
        """Where a bracket ends that the decoder reads, or -1."""
        if self._wasted > self._most:
            return -1
        for at in self._breaks:
            if at - AROUND <= start < at + AROUND:
                return -1
        try:
            stop: int = scan_once(self._text, start)[1]
        except json.JSONDecodeError as error:
            self._wasted += error.pos - start + error.pos // 4  # the error counts the lines before it
            return -1
        except (ValueError, StopIteration, RecursionError):
            self._wasted += (self._end - start) // 4
            return -1
        for at in self._breaks:
            if start < at and stop > at - AROUND:
                self._wasted += stop - start
                return -1
        if stop <= self._end and _FOLLOWED.match(self._text, stop, self._end):
            return stop
        self._wasted += max(0, stop - start)
        return -1

    def members(self, frame: Frame, position: int) -> Run | None:
        """Members from the comma at ``position`` on that the decoder reads; ``None`` if they are not many.

        The next run is looked for no earlier than ``next_run``.
        """
        text = self._text
        stop = min(position + self._length, self._end)
        for at in self._breaks:
            if position < at + AROUND and stop > at - AROUND:
                stop = at - AROUND
                if stop - position < _RUN // 2:
                    self.next_run = at + AROUND
                    return None
        self.next_run = stop
        member = _MEMBER.match(text, position, stop)
        if member is None or member.end() >= stop or (frame.kind == "{" and frame.watched) or self._wasted > self._most:
            return None
        comma = self._last_comma(frame, position, member.end(), stop)
        if comma < 0:
            return None
        inside = text[member.end() : comma]
        indent = frame.member_indent
        if indent and re.search(rf"\n[ \t]{{0,{indent - 1}}}[^ \t\n]", inside):
            return None
        piece = f"{frame.kind}{inside}{CLOSER[frame.kind]}"
        try:
            value, end = scan_once(piece, 0)
        except (ValueError, StopIteration, RecursionError) as error:
            self._wasted += getattr(error, "pos", len(piece)) + 500
            self._length = max(_RUN, self._length // 8)
            return None
        keys = [f'"{key}"' for key in value] if frame.kind == "{" else []
        if end != len(piece) or not frame.keys.keys().isdisjoint(keys):
            self._wasted += len(piece)
            return None
        self._length *= 2
        self.next_run = comma
        return Run(comma, keys, len(value))

    def _last_comma(self, frame: Frame, position: int, start: int, stop: int) -> int:
        """Where the last comma before ``stop`` may be that stands between members as the one at ``position``, or -1."""
        text = self._text
        if frame.member_indent is not None:
            pattern = _line_comma(frame.member_indent)
        else:
            closers = _CLOSERS.search(text, max(0, position - 8), position).group()  # type: ignore[union-attr]
            head = text[start]
            pattern = _inline_comma(closers, "key" if frame.kind == "{" else "-" if head.isdigit() else head)
        found = -1
        for match in pattern.finditer(text, max(start, stop - _WINDOW), stop):
            found = match.end(1)
        return found


@lru_cache(maxsize=64)
def _line_comma(indent: int) -> re.Pattern[str]:
    return re.compile(rf"(),\r?\n[ \t]{{{indent}}}(?=[^ \t\r\n])")


@lru_cache(maxsize=64)
def _inline_comma(closers: str, head: str) -> re.Pattern[str]:
    """A comma behind just these closers (or another value), before a key or an item that begins so."""
    before = rf"(?<![}}\]]){re.escape(closers)}" if closers else r"(?<=[\"\del])"
    after = {"key": _KEY, "-": r"-?\d"}.get(head, re.escape(head))
    return re.compile(rf"({before})[ \t\n\r]*,[ \t\n\r]*(?={after})")
