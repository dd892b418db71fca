"""JSON that is read while it is written, each part once.

A part of the value is *committed* when nothing that may follow can change it: a number at the comma behind it, a string
at the quote, comma and so on behind it. What is committed stays. Where the text is damaged in a way that more than one
reading could mend, nothing more is committed.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ..errors import RepairError
from .coerce import Coercer
from .edits import apply_edits
from .nodes import Node
from .schema_view import SchemaView
from .search import Limits
from .stream_text import GrowingText
from .words import meant

_WS = re.compile(r"[ \t\r\n]*")
_STRING = {'"': re.compile(r'[^"\\\x00-\x1f]+'), "'": re.compile(r"[^'\\\x00-\x1f]+")}
_ESCAPE = re.compile(r"\\(?:([\"\\/bfnrt'])|u([0-9a-fA-F]{4}))")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORD = re.compile(r"[^\s,\]}{\[:\"']+")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_NAME = re.compile(r"[A-Za-z_$][\w$-]*")
_LITERALS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_COMMENT = re.compile(r"//[^\n]*\n|/\*.*?\*/", re.S)
_ROOT = re.compile(r"\{(?=\s*[\"'}])|\[(?=\s*(?:[\"'{\[\]\-\d]|(?:true|false|null|True|False|None)\b))")
_REASONING = re.compile(r"\s*<(think|thinking|reasoning)>")
_HOLD = 64  # characters of prose that are looked at again with the next chunk
_LONGEST = 4096  # characters of a word, number or comment without an end, after which there is none


@dataclass(frozen=True, slots=True)
class Committed:
    """A part of the value that stays as it is.

    Attributes:
        pointer: JSON pointer of its place.
        value: the part; for a collection, all of it.
    """

    pointer: str
    value: Any


class _Open:
    """A collection that is not closed yet."""

    __slots__ = ("data", "expects", "key", "pointer", "view")

    def __init__(self, data: Any, pointer: str, view: SchemaView) -> None:
        self.data, self.pointer, self.view = data, pointer, view
        self.key = ""
        self.expects = "first"  # first | member | colon | value | after


class Snapshot:
    """What a stream says at one moment; made when it is asked for, since what is complete only grows.

    Args:
        opened: the collections that are open, the outermost first, each with the number of its members.
        written: the pieces of the string that is being written, behind the last of them, with their number and its key.
        root: the whole value, when nothing is open.
    """

    def __init__(
        self,
        opened: list[tuple[Any, int]],
        written: tuple[GrowingText, int, str] | None,
        root: Any,
    ) -> None:
        self._opened, self._written, self._root = opened, written, root

    def value(self) -> Any:
        """The value; what is complete is shared with other snapshots, and not to be changed."""
        if not self._opened:
            return self._root
        inner: Any = None
        for depth, (data, length) in enumerate(reversed(self._opened)):
            copied: Any = list(islice(data, length)) if isinstance(data, list) else dict(islice(data.items(), length))
            if depth:  # the member that is open itself
                copied[length - 1 if isinstance(data, list) else next(reversed(copied))] = inner
            elif self._written is not None:
                pieces, number, key = self._written
                text = pieces.first(number)
                if isinstance(data, list):
                    copied.append(text)
                else:
                    copied[key] = text
            inner = copied
        return inner


class JsonStream:
    """Reads JSON chunk by chunk; each character is looked at once.

    Args:
        schema: JSON Schema that the value should satisfy, or ``None``; scalars and keys are coerced.
        limits: bounds on depth.

    Attributes:
        stalled: the text is damaged, and nothing more is committed before its end.
        done: the value is complete.
        misfit: a part that is complete and that its place does not allow; nothing is committed behind it.
    """

    def __init__(self, schema: Any, limits: Limits) -> None:
        self._limits = limits
        self._view = SchemaView.of(schema if schema is not None else {})
        self._rest = ""
        self._stack: list[_Open] = []
        self._root: Any = None
        self._string: GrowingText | None = None  # what was read of the string that is open
        self._quote = ""
        self._closed: str | None = None  # a string whose quote was read, and nothing behind it
        self._reasoning = ""  # the tag that ends the reasoning block that is open
        self._events: list[Committed] = []
        self._strange: tuple[str, JsonStream] | None = None  # a collection of the wrong kind: where, and its reader
        self.misfit: Committed | None = None
        self._started = self.stalled = self.done = False

    @property
    def open(self) -> str | None:
        """JSON pointer of the innermost value that is being written; ``None`` when there is none."""
        if self.done or not self._stack:
            return None
        top = self._stack[-1]
        return self._pointer(top) if self._shown() is not None else top.pointer

    def _shown(self) -> GrowingText | None:
        """The pieces of the string value that is being written, if it may be shown."""
        top = self._stack[-1] if self._stack else None
        if top is None or top.expects != "value" or (self._string is None and self._closed is None):
            return None
        view = self._member_view(top)
        if view.types() and ("string" not in view.types() or view.values()):
            return None
        return GrowingText(self._closed) if self._closed is not None else self._string

    def snapshot(self) -> Snapshot:
        """What the stream says now, with the string that is being written."""
        shown = self._shown()
        written = None if shown is None else (shown, len(shown), self._stack[-1].key)
        return Snapshot([(frame.data, len(frame.data)) for frame in self._stack], written, self._root)

    def feed(self, chunk: str) -> list[Committed]:
        """Read on; returns what this chunk committed, the inner parts first."""
        self._events = []
        if self._strange is not None:
            self._watch(chunk)
        if not self.stalled and not self.done:
            text = self._rest + chunk
            at = self._read(text)
            self._rest = text[at:]
            if self._strange is not None:
                self._watch(self._rest)
            if len(self._rest) > _LONGEST:
                self.stalled, self._rest = True, ""
        return self._events

    def _watch(self, chunk: str) -> None:
        """Read a collection that may not stand where it does: to say what it is, once it is complete."""
        assert self._strange is not None
        pointer, reader = self._strange
        reader.feed(chunk)
        if reader.done:
            self.misfit = Committed(pointer, reader.snapshot().value())
        if reader.done or reader.stalled:
            self._strange = None

    # Reading: each method returns the offset up to which the text is used up, or the same offset to wait for more.

    def _read(self, text: str) -> int:
        at = 0 if self._started else self._find(text)
        while not (self.stalled or self.done) and self._started:
            before, state = at, self._state()
            at = self._more(text, at)
            if at == before and state == self._state():
                break
        return at

    def _state(self) -> tuple[Any, ...]:
        top = self._stack[-1] if self._stack else None
        return len(self._stack), top.expects if top else "", self._string is None, self._closed is None

    def _find(self, text: str) -> int:
        """The bracket that the value begins with."""
        if not self._reasoning and (match := _REASONING.match(text)):
            self._reasoning = f"</{match.group(1)}>"
        if mark := self._reasoning:
            end = text.find(mark)
            if end < 0:
                return max(0, len(text) - len(mark))
            self._reasoning = ""
            text = " " * (end + len(mark)) + text[end + len(mark) :]
        found = _ROOT.search(text)
        types = self._view.types()
        wanted = {"{": "object", "[": "array"}
        while found and types and wanted[found.group()] not in types:
            found = _ROOT.search(text, found.end())
        if found is None:
            return max(0, len(text) - _HOLD)
        self._started = True
        return self._open(text, found.start(), "", self._view)

    def _open(self, text: str, at: int, pointer: str, view: SchemaView) -> int:
        data: Any = {} if text[at] == "{" else []
        kind = "object" if text[at] == "{" else "array"
        if len(self._stack) >= self._limits.depth:
            raise RepairError(f"more than {self._limits.depth} brackets are open at once", limit="depth")
        if view.types() and kind not in view.types():
            self._strange = pointer, JsonStream(None, self._limits)
            return self._stall(at)
        if self._stack:
            self._add(data)
        else:
            self._root = data
        self._stack.append(_Open(data, pointer, view))
        return at + 1

    def _stall(self, at: int) -> int:
        self.stalled = True
        return at

    def _more(self, text: str, at: int) -> int:
        """One token."""
        if self._string is not None:
            return self._in_string(text, at)
        at = _WS.match(text, at).end()  # type: ignore[union-attr]
        if at >= len(text):
            return at
        head, top = text[at], self._stack[-1]
        if head == "/" and self._closed is None:
            match = _COMMENT.match(text, at)
            return match.end() if match else at
        if self._closed is not None:
            return self._behind_string(head, top, at)
        if top.expects == "colon":
            if head != ":":
                return self._stall(at)
            top.expects = "value"
            return at + 1
        if top.expects == "after":
            if head == ",":
                top.expects = "member"
                return at + 1
            return self._close(text, top, at) if head in "}]" else self._stall(at)
        if head in "}]" and top.expects in ("first", "member"):
            return self._close(text, top, at)
        if isinstance(top.data, dict) and top.expects != "value":
            return self._key(text, at, head, top)
        top.expects = "value"
        return self._value(text, at, head, top)

    def _key(self, text: str, at: int, head: str, top: _Open) -> int:
        if head in "\"'":
            self._string, self._quote = GrowingText(), head
            return at + 1
        match = _NAME.match(text, at)
        if match is None:
            return self._stall(at)
        if match.end() == len(text):
            return at
        return self._named(match.group(), top, match.end())

    def _named(self, name: str, top: _Open, at: int) -> int:
        missing = top.view.names() - set(top.data)
        if name not in top.view.names() and missing:
            name = meant(name, missing) or name
        if name in top.data:
            return self._stall(at)
        top.key, top.expects = name, "colon"
        return at

    def _value(self, text: str, at: int, head: str, top: _Open) -> int:
        if head in "\"'":
            self._string, self._quote = GrowingText(), head
            return at + 1
        if head in "{[":
            return self._open(text, at, self._pointer(top), self._member_view(top))
        match = _WORD.match(text, at)
        if match is None:
            return self._stall(at)
        if match.end() == len(text):
            return at  # it may go on
        word = match.group()
        after = _WS.match(text, match.end()).end()  # type: ignore[union-attr]
        if after == len(text):
            return at
        if text[after] not in ",}]":
            return self._stall(at)
        if word in _LITERALS:
            return self._scalar(_LITERALS[word], word, top, match.end())
        if _NUMBER.fullmatch(word):
            return self._scalar(json.loads(word), word, top, match.end())
        return self._stall(at)

    def _in_string(self, text: str, at: int) -> int:
        assert self._string is not None
        plain = _STRING[self._quote]
        while at < len(text):
            if match := plain.match(text, at):
                self._string.append(match.group())
                at = match.end()
            elif text[at] == self._quote:
                self._closed, self._string = self._string.first(len(self._string)), None
                return at + 1
            elif text[at] == "\\":
                pair = text[at : at + 12]
                match = _ESCAPE.match(pair)
                if match is None:
                    short = len(pair) < 2 or (pair[1] == "u" and len(pair) < 6)
                    return at if short else self._stall(at)
                letter, code = match.groups()
                if code and "d800" <= code.lower() < "dc00":
                    if len(pair) < 12:
                        return at
                    whole = json.loads(f'"{pair}"') if re.fullmatch(r"(?:\\u[0-9a-fA-F]{4}){2}", pair) else None
                    if whole is None:
                        return self._stall(at)
                    self._string.append(whole)
                    at += 12
                    continue
                self._string.append(chr(int(code, 16)) if code else _PLAIN.get(letter, letter))
                at += match.end()
            else:
                return self._stall(at)  # a raw line break: the string may end here, or go on
        return at

    def _behind_string(self, head: str, top: _Open, at: int) -> int:
        """What stands behind a string tells whether its quote was one."""
        text = self._closed
        assert text is not None
        if top.expects != "value":
            if head != ":":
                return self._stall(at)
            self._closed = None
            return self._named(text, top, at)
        if head not in ",}]":
            return self._stall(at)
        self._closed = None
        return self._scalar(text, json.dumps(text, ensure_ascii=False), top, at)

    def _scalar(self, value: Any, written: str, top: _Open, at: int) -> int:
        view = self._member_view(top)
        kind = view.types()
        if kind and (not view.allows(value) or view.values()):
            literal = json.dumps(value, ensure_ascii=False)
            node = Node("scalar", 0, len(literal), value)
            coercer = Coercer(literal, lambda start, end: written)
            changes = coercer.run(node, view)
            try:
                read = json.loads(apply_edits(literal, changes))
            except ValueError:
                return self._stall(at)
            if not view.allows(read):
                self.misfit = Committed(self._pointer(top), value)
                return self._stall(at)
            value = read
        pointer = self._pointer(top)
        self._add(value)
        self._commit(pointer, value)
        return at

    def _add(self, value: Any) -> None:
        top = self._stack[-1]
        if isinstance(top.data, list):
            top.data.append(value)
        else:
            top.data[top.key] = value
        top.expects = "after"

    def _commit(self, pointer: str, value: Any) -> None:
        self._events.append(Committed(pointer, value))

    def _close(self, text: str, top: _Open, at: int) -> int:
        if (text[at] == "}") != isinstance(top.data, dict):
            return self._stall(at)
        self._stack.pop()
        self._commit(top.pointer, top.data)
        self.done = not self._stack
        return at + 1

    def _pointer(self, top: _Open) -> str:
        """The pointer of the value that is read next in a collection."""
        step = str(len(top.data)) if isinstance(top.data, list) else top.key.replace("~", "~0").replace("/", "~1")
        return f"{top.pointer}/{step}"

    def _member_view(self, top: _Open) -> SchemaView:
        return top.view.item(len(top.data)) if isinstance(top.data, list) else top.view.member(top.key)
