"""Edits and the result of a repair: what was changed, where, by which rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

from ..errors import UsageError

T = TypeVar("T")


class Edit(NamedTuple):
    """One change of the input.

    Attributes:
        rule: name of the rule, a key of ``trellis.repair.RULES``.
        start, end: character offsets in the input, end exclusive; equal for an insertion.
        line, column: 1-based place of ``start``.
        before: the input's text between ``start`` and ``end``.
        after: what stands there instead.
        cost: what this edit added to the cost of the reading.
    """

    rule: str
    start: int
    end: int
    line: int
    column: int
    before: str
    after: str
    cost: float


@dataclass(frozen=True)
class Repaired(Generic[T]):
    """A reading of a text.

    Attributes:
        value: the data.
        text: the repaired text; ``apply_edits(input, edits) == text`` and the standard reader reads it as ``value``.
        edits: in order of place, without overlap; empty when the standard reading holds.
        confidence: 0 to 1, from the cost of the edits and the margin to the second-best reading; 1.0 without edits.
        complete: false when the end of the text cut something off.
        candidates: the other readings, best first, themselves without candidates.
        ambiguous: another reading with another value costs about as much.
        format: ``"json"``, ``"yaml"``, ``"csv"``, ``"toml"``, ``"sql"`` or ``"html"``, where it had to be found out;
            else ``None``.
    """

    value: T
    text: str
    edits: tuple[Edit, ...] = ()
    confidence: float = 1.0
    complete: bool = True
    candidates: tuple[Repaired[Any], ...] = ()
    ambiguous: bool = False
    format: str | None = None

    @property
    def cost(self) -> float:
        """Sum of the costs of the edits."""
        return sum(edit.cost for edit in self.edits)


class Change(NamedTuple):
    """An edit whose place is not yet counted in lines: ``text[start:end]`` becomes ``after``."""

    rule: str
    start: int
    end: int
    after: str
    cost: float = 0.0


def apply_edits(text: str, edits: Iterable[Edit | Change]) -> str:
    """The text with the edits applied; insertions at the same offset keep their order.

    Raises:
        UsageError: edits out of order, overlapping, or outside the text.
    """
    return applied(text, edits, 0, len(text))


def applied(text: str, edits: Iterable[Edit | Change], first: int, last: int) -> str:
    """The piece of the text between two offsets with the edits applied, which lie in it."""
    parts: list[str] = []
    position = first
    for edit in edits:
        start, end = edit.start, edit.end
        if not position <= start <= end <= last:
            raise UsageError(f"edit {edit.rule!r} at {start}:{end} overlaps another or is outside the text")
        parts += (text[position:start], edit.after)
        position = end
    parts.append(text[position:last])
    return "".join(parts)


def locate(text: str, changes: Sequence[Change]) -> tuple[Edit, ...]:
    """Changes as edits with line and column."""
    if not changes:
        return ()
    edits = []
    line, line_start, line_end = 1, 0, text.find("\n")
    make = tuple.__new__  # a text may have an error at each character
    for rule, start, end, after, cost in changes:
        if -1 < line_end < start:
            line += text.count("\n", line_end, start)
            line_start = text.rfind("\n", line_end, start) + 1
            line_end = text.find("\n", start)
        column = start - line_start + 1
        edits.append(make(Edit, (rule, start, end, line, column, text[start:end], after, _rounded(cost))))
    return tuple(edits)


@lru_cache(maxsize=1024)
def _rounded(cost: float) -> float:
    return round(cost, 3)


def place(text: str, offset: int) -> tuple[int, int]:
    """1-based line and column of an offset."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def compose(text: str, first: Sequence[Change], second: Sequence[Change]) -> list[Change]:
    """One list of changes of ``text`` that does what ``first``, and then ``second`` on its result, do.

    Where changes of ``second`` meet what ``first`` put in, they become one change, under the name of the later rule.
    """
    if not first or not second:
        return list(first or second)
    middle = apply_edits(text, first)
    spans: list[tuple[int, int, Change]] = []  # what ``first`` put in, by its place in the middle text
    shift = 0
    for change in first:
        start = change.start + shift
        spans.append((start, start + len(change.after), change))
        shift += len(change.after) - (change.end - change.start)
    result: list[Change] = []
    at = shift = 0  # next span; middle minus input offset before it
    queue = list(second)[::-1]
    while queue:
        group = [queue.pop()]
        start, end = group[0].start, group[0].end
        while at < len(spans) and spans[at][1] <= start and not (spans[at][0] == spans[at][1] == start < end):
            change = spans[at][2]
            result.append(change)
            shift += len(change.after) - (change.end - change.start)
            at += 1
        before, cost = shift, 0.0
        while True:  # take in the spans that the group reaches into, and the changes that reach into those
            if at < len(spans) and spans[at][0] < end:
                change = spans[at][2]
                start, end = min(start, spans[at][0]), max(end, spans[at][1])
                cost += change.cost
                shift += len(change.after) - (change.end - change.start)
                at += 1
            elif queue and queue[-1].start < end:
                group.append(queue.pop())
                end = max(end, group[-1].end)
            else:
                break
        if len(group) == 1 and start == group[0].start and end == group[0].end:
            after = group[0].after
        else:
            inner = [Change(c.rule, c.start - start, c.end - start, c.after) for c in group]
            after = apply_edits(middle[start:end], inner)
        result.append(Change(group[0].rule, start - before, end - shift, after, cost + sum(c.cost for c in group)))
    result += [change for _, _, change in spans[at:]]
    return result
