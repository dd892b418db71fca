"""``StreamRepairer``: JSON that is read while it is written, each part once.

A part of the value is *committed* when nothing that may follow can change it: a number at the comma behind it, a string
at the quote, comma and so on behind it. What is committed stays. Where the text is damaged in a way that more than one
reading could mend, nothing more is committed, and the whole text is read at the end; what was committed is kept then,
and where the whole text would have been read otherwise the result says so. Each character is looked at once.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ..errors import RepairError, UsageError
from .coerce import Coercer
from .edits import Repaired, apply_edits
from .json import repair_json
from .nodes import Node
from .rules import Level
from .schema_argument import SchemaLike, json_schema
from .schema_view import SchemaView
from .search import Limits
from .standard import check_arguments

_WS = re.compile(r"[ \t\r\n]*")
_STRING = {'"': re.compile(r'[^"\\\x00-\x1f]+'), "'": re.compile(r"[^'\\\x00-\x1f]+")}
_ESCAPE = re.compile(r"\\(?:([\"\\/bfnrt'])|u([0-9a-fA-F]{4}))")
_PLAIN = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_WORD = re.compile(r"[^\s,\]}{\[:\"']+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
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


@dataclass(frozen=True)
class StreamResult:
    """The end of a stream.

    Attributes:
        value: the whole value; what was committed is in it.
        repaired: the reading of the whole text.
        differs: JSON pointers where that reading is another than what was committed; empty as a rule.
    """

    value: Any
    repaired: Repaired[Any]
    differs: tuple[str, ...] = ()


class _Open:
    """A collection that is not closed yet."""

    __slots__ = ("data", "expects", "key", "pointer", "view")

    def __init__(self, data: Any, pointer: str, view: SchemaView) -> None:
        self.data, self.pointer, self.view = data, pointer, view
        self.key = ""
        self.expects = "first"  # first | member | colon | value | after


class StreamRepairer:
    """Reads JSON chunk by chunk.

    Args:
        schema: JSON Schema that the value should satisfy, a type that has one, or ``None``; scalars and keys are
            coerced as in ``repair_json``.
        level: ``safe``, ``normal`` or ``salvage``, for the end of the stream.
        limits: bounds on size, depth and steps.

    Attributes:
        stalled: the text is damaged, and nothing more is committed before its end.
        done: the value is complete.
    """

    def __init__(
        self, schema: SchemaLike = None, *, level: Level = "normal", limits: Limits | None = None
    ) -> None:
        check_arguments("", level)
        schema = json_schema(schema)
        self._schema, self._level, self._limits = schema, level, limits or Limits()
        self._view = SchemaView.of(schema if schema is not None else {})
        self._chunks: list[str] = []
        self._size = 0
        self._rest = ""
        self._stack: list[_Open] = []
        self._root: Any = None
        self._string: list[str] | None = None  # what was read of the string that is open
        self._quote = ""
        self._closed: str | None = None  # a string whose quote was read, and nothing behind it
        self._reasoning = ""  # the tag that ends the reasoning block that is open
        self._events: list[Committed] = []
        self._committed: dict[str, Any] = {}
        self._started = self.stalled = self.done = self._finished = False

    @property
    def value(self) -> Any:
        """The value so far, with the string that is being written; ``None`` before it begins. Not to be changed."""
        top = self._stack[-1] if self._stack else None
        if top is not None and top.expects == "value" and (self._string is not None or self._closed is not None):
            view = self._member_view(top)
            if not view.types() or ("string" in view.types() and not view.values()):
                text = self._closed if self._closed is not None else "".join(self._string or ())
                if isinstance(top.data, list):
                    return self._with(top, [*top.data, text])
                return self._with(top, {**top.data, top.key: text})
        return self._root

    def _with(self, top: _Open, data: Any) -> Any:
        """The root with one open collection as ``data``; the rest is shared."""
        for parent in self._stack[-2::-1]:
            at_end = isinstance(parent.data, list)
            data = [*parent.data[:-1], data] if at_end else {**parent.data, parent.key: data}
        return data

    def feed(self, chunk: str) -> list[Committed]:
        """Read on; returns what this chunk committed, the inner parts first.

        Raises:
            RepairError: a limit was hit.
            UsageError: the chunk is no string, or the stream is finished.
        """
        if not isinstance(chunk, str):
            raise UsageError(f"a chunk is a string, not {type(chunk).__name__}", hint="decode bytes first")
        if self._finished:
            raise UsageError("the stream is finished", hint="make a new StreamRepairer")
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self._limits.size:
            raise RepairError(f"the text has more than {self._limits.size} characters", limit="size")
        self._events = []
        if not self.stalled and not self.done:
            text = self._rest + chunk
            self._rest = text[self._read(text) :]
            if len(self._rest) > _LONGEST:
                self.stalled, self._rest = True, ""
        return self._events

    def finish(self) -> StreamResult:
        """The end of the text.

        Raises:
            RepairError: the text cannot be read (as ``repair_json``); ``value`` still has what was committed.
        """
        self._finished = True
        repaired = repair_json("".join(self._chunks), self._schema, level=self._level, limits=self._limits)
        differs = tuple(
            pointer for pointer, value in self._committed.items() if not _equal(_at(repaired.value, pointer), value)
        )
        value = repaired.value
        for pointer in differs:
            value = _put(value, pointer, self._committed[pointer])
        return StreamResult(value, repaired, differs)

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
            self._string, self._quote = [], head
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
            name = Coercer._key(name, missing) or name
        if name in top.data:
            return self._stall(at)
        top.key, top.expects = name, "colon"
        return at

    def _value(self, text: str, at: int, head: str, top: _Open) -> int:
        if head in "\"'":
            self._string, self._quote = [], head
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
                self._closed, self._string = "".join(self._string), None
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
                value = json.loads(apply_edits(literal, changes))
            except ValueError:
                return self._stall(at)
            if not view.allows(value):
                return self._stall(at)
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
        self._committed[pointer] = value

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


def _equal(one: Any, other: Any) -> bool:
    """Whether two parts are the same, but for what is in them, which was compared before."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return bool(one.keys() == other.keys())
    return len(one) == len(other) if isinstance(one, list) else bool(one == other)


_MISSING = object()


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(value: Any, pointer: str) -> Any:
    """The part of a value at a pointer."""
    for step in _steps(pointer):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return _MISSING
    return value


def _put(value: Any, pointer: str, part: Any) -> Any:
    """A value with a part in its place; collections that are not there are made."""
    steps = _steps(pointer)
    if not steps:
        return part
    head, rest = steps[0], "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps[1:])
    if isinstance(value, list) and head.isdigit():
        items = [*value, *([None] * (int(head) + 1 - len(value)))]
        items[int(head)] = _put(items[int(head)], rest, part)
        return items
    members = dict(value) if isinstance(value, dict) else {}
    members[head] = _put(members.get(head), rest, part)
    return members
