"""``StreamRepairer``: an answer that is read while it is written.

What is committed stays. Where the text is damaged so that more than one reading could mend it, nothing more is
committed, and the whole text is read at the end; what was committed is kept then, and where the whole text would have
been read otherwise the result says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from ..errors import RepairError, UsageError, shown
from .csv import repair_csv
from .edits import Repaired
from .json import repair_json
from .rules import Level
from .schema_argument import SchemaLike, json_schema
from .search import Limits, checked_limits
from .standard import check_arguments
from .stream_json import Committed, JsonStream, Snapshot
from .stream_parts import MemberStream, PartStream, RowStream
from .yaml import repair_yaml


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


class StreamRepairer:
    """Reads JSON, YAML or CSV chunk by chunk: JSON as it comes, YAML by the members of its root, CSV by rows.

    Args:
        schema: JSON Schema that the value should satisfy, a type that has one, or ``None``; scalars and keys are
            coerced as in ``repair_json``, ``repair_yaml`` and ``repair_csv``.
        format: ``json``, ``yaml`` or ``csv``.
        level: ``safe``, ``normal`` or ``salvage``, for the end of the stream.
        limits: bounds on size, depth and steps.
    """

    def __init__(
        self,
        schema: SchemaLike = None,
        *,
        format: Literal["json", "yaml", "csv"] = "json",
        level: Level = "normal",
        limits: Limits | None = None,
    ) -> None:
        check_arguments("", level)
        schema = json_schema(schema)
        self._schema, self._format, self._level, self._limits = schema, format, level, checked_limits(limits)
        self._reader = self._made()
        self._chunks: list[str] = []
        self._size = 0
        self._committed: dict[str, Any] = {}
        self._finished = False

    def _made(self) -> JsonStream | PartStream:
        match self._format:
            case "json":
                return JsonStream(self._schema, self._limits)
            case "yaml":
                return MemberStream(self._schema, self._level)
            case "csv":
                return RowStream(self._schema, self._level)
        raise UsageError(f"no such format: {shown(self._format)}", hint="json, yaml or csv")

    def _whole(self, text: str) -> Repaired[Any]:
        if self._format == "yaml":
            return repair_yaml(text, self._schema, level=self._level)
        if self._format == "csv":
            return repair_csv(text, self._schema, level=self._level)
        return repair_json(text, self._schema, level=self._level, limits=self._limits)

    @property
    def stalled(self) -> bool:
        """The text is damaged, and nothing more is committed before its end."""
        return self._reader.stalled

    @property
    def done(self) -> bool:
        """The value is complete."""
        return self._reader.done

    @property
    def open(self) -> str | None:
        """JSON pointer of the innermost value that is being written; ``None`` when there is none. What is on the way to
        it is incomplete, all else in ``value`` is complete."""
        return self._reader.open

    @property
    def misfit(self) -> Committed | None:
        """A part that is complete, of a type that its place does not allow; nothing is committed behind it."""
        return self._reader.misfit

    @property
    def value(self) -> Any:
        """The value so far, with the string that is being written; ``None`` before it begins. Not to be changed."""
        return self._reader.snapshot().value()

    def snapshot(self) -> Snapshot:
        """The value so far, to be made when it is asked for: what comes later does not change it."""
        return self._reader.snapshot()

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
        events = self._reader.feed(chunk)
        self._committed.update((event.pointer, event.value) for event in events)
        return events

    def finish(self) -> StreamResult:
        """The end of the text.

        Raises:
            RepairError: the text cannot be read (as ``repair_json``); ``value`` still has what was committed.
        """
        self._finished = True
        repaired = self._whole("".join(self._chunks))
        deep = isinstance(self._reader, PartStream)  # what is in a part was not committed before it
        differs = tuple(
            pointer
            for pointer, value in self._committed.items()
            if not _equal(_at(repaired.value, pointer), value, deep)
        )
        value = repaired.value
        for pointer in differs:
            value = _put(value, pointer, self._committed[pointer])
        return StreamResult(value, repaired, differs)


def _equal(one: Any, other: Any, deep: bool) -> bool:
    """Whether two parts are the same; not ``deep``: but for what is in them, which was compared before."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, dict):
            if one.keys() != other.keys():
                return False
            pairs += [(one[key], other[key]) for key in one] if deep else []
        elif isinstance(one, list):
            if len(one) != len(other):
                return False
            pairs += list(zip(one, other, strict=True)) if deep else []
        elif one != other:
            return False
    return True


_MISSING = object()


def _steps(pointer: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def _at(value: Any, pointer: str) -> Any:
    """The part of a value at a pointer."""
    for step in _steps(pointer):
        if isinstance(value, dict) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
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
    if isinstance(value, list) and head.isdecimal():
        items = [*value, *([None] * (int(head) + 1 - len(value)))]
        items[int(head)] = _put(items[int(head)], rest, part)
        return items
    members = dict(value) if isinstance(value, dict) else {}
    members[head] = _put(members.get(head), rest, part)
    return members
