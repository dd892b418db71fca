"""A reader of JSON that comes in pieces: O(piece) for each, and what is complete never changes.

It reads standard JSON, with anything before it (prose, a fence). Where the text leaves the standard it stops, and what
it has read stays: the whole text is read again, and mended, when it is there.
"""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"[ \t\r\n]*")
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_WORD = re.compile(r"[-+.\w]*")
_UNSET: Any = object()


class _Open:
    """An array or object that is being written."""

    __slots__ = ("key", "state", "value")

    def __init__(self, value: dict[str, Any] | list[Any]) -> None:
        self.value = value
        self.key: Any = None  # an object's: where the next value goes
        self.state = "first"  # first | item | colon | value | comma

    def put(self, value: Any) -> None:
        if isinstance(self.value, list):
            self.value.append(value)
        else:
            self.value[self.key] = value

    def last(self) -> str | int:
        return len(self.value) - 1 if isinstance(self.value, list) else self.key


class JsonReader:
    """Reads JSON piece by piece.

    Attributes:
        text: everything so far.
        done: whether the value is complete.
        stopped: whether the text is not standard JSON, so that no more is read from it before the end.
    """

    def __init__(self) -> None:
        self.done = False
        self.stopped = False
        self._parts: list[str] = []
        self._rest = ""  # what was not read yet: a token that may go on
        self._stack: list[_Open] = []
        self._root: Any = _UNSET
        self._string: list[str] | None = None  # a string value that is being written
        self._completed: list[tuple[str | int, ...]] = []

    @property
    def text(self) -> str:
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""

    @property
    def started(self) -> bool:
        """Whether there is something of a value."""
        return self._root is not _UNSET or self._string is not None

    @property
    def open(self) -> tuple[str | int, ...] | None:
        """The path of the innermost value that is being written; ``None`` when nothing is. What is on the way to it is
        not complete, everything else that there is is."""
        if self.done or not self.started:
            return None
        path = [frame.last() for frame in self._stack[:-1]]
        if self._stack and (self._string is not None):
            frame = self._stack[-1]
            path.append(len(frame.value) if isinstance(frame.value, list) else frame.key)
        return tuple(path)

    def feed(self, piece: str) -> list[tuple[str | int, ...]]:
        """Reads on; returns the paths of the values that are complete now, inner ones first."""
        self._parts.append(piece)
        if self.done or self.stopped:
            return []
        self._completed = []
        self._rest += piece
        place = 0
        while place < len(self._rest) and not self.done and not self.stopped:
            after = self._string_on(place) if self._string is not None else self._token(place)
            if after == place:
                break
            place = after
        self._rest = self._rest[place:]
        return self._completed

    def snapshot(self) -> Any:
        """The value so far; what is open is copied, what is complete is shared."""
        if not self.started:
            return None
        if not self._stack:
            return "".join(self._string) if self._string is not None else self._root
        inner: Any = _UNSET if self._string is None else "".join(self._string)
        for frame in reversed(self._stack):
            copied: Any = frame.value.copy()
            if inner is not _UNSET:
                if isinstance(copied, list):
                    if frame is self._stack[-1]:
                        copied.append(inner)
                    else:
                        copied[-1] = inner
                else:
                    copied[frame.key] = inner
            inner = copied
        return inner

    def _token(self, place: int) -> int:
        """Reads one token that starts at ``place``; the same place if it may not be all there."""
        found = _SPACE.match(self._rest, place)
        place = found.end() if found else place
        if place == len(self._rest):
            return place
        character = self._rest[place]
        frame = self._stack[-1] if self._stack else None
        if frame is None:
            return self._begin(place)
        if character in "}]":
            return self._close(frame, character, place)
        if frame.state == "comma":
            return self._expect(character == ",", frame, "item", place)
        if frame.state == "colon":
            return self._expect(character == ":", frame, "value", place)
        if isinstance(frame.value, dict) and frame.state in ("first", "item"):
            return self._key(frame, place)
        return self._value(place)

    def _begin(self, place: int) -> int:
        """The value starts at the first bracket, or at once if the text starts with a scalar."""
        if self._rest[place] in '{["' or (len(self._parts) == 1 and not self.text[:place].strip() and (
                self._rest[place] in "-0123456789tfn") and not re.match(r"[A-Za-z]+[ ,!.]", self._rest[place:])):
            return self._value(place)
        found = re.compile(r"[{\[]").search(self._rest, place)
        return self._value(found.start()) if found else len(self._rest)

    def _value(self, place: int) -> int:
        character = self._rest[place]
        if character in "{[":
            new = _Open({} if character == "{" else [])
            self._place(new.value)
            self._stack.append(new)
            return place + 1
        if character == '"':
            self._string = []
            return place + 1
        found = _WORD.match(self._rest, place)
        end = found.end() if found else place
        if end == len(self._rest):
            return place  # it may go on
        try:
            value = json.loads(self._rest[place:end])
        except ValueError:
            return self._stop(place)
        if not isinstance(value, int | float | None):
            return self._stop(place)
        self._place(value)
        self._finish()
        return end

    def _string_on(self, place: int) -> int:
        assert self._string is not None
        found = _PLAIN.match(self._rest, place)
        end = found.end() if found else place
        if end > place:
            self._string.append(self._rest[place:end])
        if end == len(self._rest):
            return end
        if self._rest[end] == '"':
            value = "".join(self._string)
            self._string = None
            self._place(value)
            self._finish()
            return end + 1
        if self._rest[end] != "\\":
            return self._stop(end)
        length = _escape_length(self._rest, end)
        if length == 0:
            return end if end > place else place  # an escape that is not all there
        try:
            self._string.append(json.loads(f'"{self._rest[end : end + length]}"'))
        except ValueError:
            return self._stop(end)
        return end + length

    def _key(self, frame: _Open, place: int) -> int:
        if self._rest[place] != '"':
            return self._stop(place)
        found = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"').match(self._rest, place)
        if found is None:
            return place if '"' not in self._rest[place + 1 :] or "\\" in self._rest[place:] else self._stop(place)
        try:
            key = json.loads(found[0])
        except ValueError:
            return self._stop(place)
        if key in frame.value:
            return self._stop(place)  # written twice: which one counts is for the whole text to say
        frame.key, frame.state = key, "colon"
        return found.end()

    def _close(self, frame: _Open, character: str, place: int) -> int:
        right = character == ("}" if isinstance(frame.value, dict) else "]")
        if not right or frame.state not in ("first", "comma"):
            return self._stop(place)
        self._stack.pop()
        self._finish()
        return place + 1

    def _expect(self, right: bool, frame: _Open, state: str, place: int) -> int:
        if not right:
            return self._stop(place)
        frame.state = state
        return place + 1

    def _place(self, value: Any) -> None:
        if self._stack:
            self._stack[-1].put(value)
        else:
            self._root = value

    def _finish(self) -> None:
        """A value is complete: its bracket, quote or word has ended."""
        self._completed.append(tuple(frame.last() for frame in self._stack))
        if self._stack:
            self._stack[-1].state = "comma"
        else:
            self.done = True

    def _stop(self, place: int) -> int:
        self.stopped = True
        return place


def _escape_length(text: str, place: int) -> int:
    """The length of the escape at a place, both halves of a surrogate pair; 0 if it may not be all there."""
    if place + 1 >= len(text):
        return 0
    if text[place + 1] != "u":
        return 2
    length = 12 if re.match(r"\\u[dD][89abAB]", text[place : place + 4] + "0") else 6
    if length == 12 and len(text) > place + 6 and text[place + 6 : place + 8] != "\\u"[: len(text) - place - 6]:
        length = 6
    return length if len(text) >= place + length else 0
