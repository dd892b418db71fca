"""The standard reading of JSON, and what all readers share: checks of arguments, errors, confidence."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

from ..errors import RepairError, UsageError, shown
from .edits import Change, apply_edits, place
from .rules import LEVELS


class _NotStandard(ValueError):
    pass


def _constant(name: str) -> Any:
    raise _NotStandard(name)


DECODER = json.JSONDecoder(parse_constant=_constant)


def read_standard(text: str) -> Any:
    """The standard reading; ``NaN`` and ``Infinity`` are not JSON.

    Raises:
        ValueError: the text is not JSON.
        RepairError: it is nested too deeply for the standard reader, or holds a number with more digits than Python
            reads.
    """
    try:
        return DECODER.decode(text)
    except (json.JSONDecodeError, _NotStandard):
        raise
    except ValueError:
        raise RepairError("a number has more digits than Python reads", limit="digits") from None
    except RecursionError:
        raise RepairError(
            "the text is nested too deeply for the standard reader", line=1, column=1, source=text, limit="depth"
        ) from None


def repeated_name(text: str) -> str | None:
    """A name that comes twice in an object of a JSON text; None where there is none, or no JSON."""
    found: list[str] = []

    def members(pairs: list[tuple[str, Any]]) -> None:
        names = set[str]()
        for name, _ in pairs:
            if name in names:
                found.append(name)
            names.add(name)

    try:
        json.loads(text, object_pairs_hook=members)
    except (ValueError, RecursionError):
        return None
    return found[0] if found else None


def check_arguments(text: object, level: str) -> None:
    """Raise ``UsageError`` for a text that is no string or a level that is none."""
    if not isinstance(text, str):
        raise UsageError(f"text must be a string, not {type(text).__name__}", hint="decode bytes first")
    if not isinstance(level, str) or level not in LEVELS:
        raise UsageError(f"no such level: {shown(level)}", hint=f"one of {', '.join(LEVELS)}")


def unreadable(text: str, level: str) -> RepairError:
    try:
        DECODER.decode(text)
        offset, what = 0, "no reading is accepted"
    except json.JSONDecodeError as error:
        offset, what = error.pos, error.msg if text.strip() else "it is empty"
    except (ValueError, RecursionError) as error:
        offset, what = 0, str(error)
    line, column = place(text, offset)
    return RepairError(
        f"no repair at level {level!r} reads this as JSON ({what})",
        line=line,
        column=column,
        source=text,
        hint=_way_out(level, has_data=any(mark in text for mark in "{[\"'")),
    )


def unreadable_as(name: str, text: str, level: str, line: int, column: int, why: str = "") -> RepairError:
    has_data = name != "CSV" and any(mark in text for mark in ":-{[")  # the levels of CSV are one
    why = why if text.strip() else "it is empty"
    return RepairError(
        f"no repair at level {level!r} reads this as {name}" + (f" ({why})" if why else ""),
        line=line,
        column=column,
        source=text,
        hint=_way_out(level, has_data),
    )


def _way_out(level: str, has_data: bool) -> str:
    """What may help: a higher level where it has something to work on, else another answer."""
    higher = LEVELS[LEVELS.index(level) + 1 :]
    return f"level={higher[0]!r} allows more" if higher and has_data else "ask the model again"


def confidence(cost: float, margin: float) -> float:
    """1 without cost; falls with the cost of the edits and with a thin margin to the second-best reading."""
    sure = 1.0 / (1.0 + 0.08 * max(0.0, cost))
    return round(sure * (1.0 - 0.5 * math.exp(-2.0 * max(0.0, margin))), 4)


def lexemes(text: str, changes: Sequence[Change]) -> Callable[[int, int], str]:
    """For spans of the repaired text: how they were written."""
    spans: dict[tuple[int, int], str] = {}
    shift = 0
    for change in changes:
        start = change.start + shift
        spans[start, start + len(change.after)] = text[change.start : change.end]
        shift += len(change.after) - (change.end - change.start)
    repaired = apply_edits(text, changes)
    return lambda start, end: spans.get((start, end), repaired[start:end])
