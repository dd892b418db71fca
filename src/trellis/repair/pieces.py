"""What a reading makes of a piece of a text, and of the whole text around it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from ..errors import UsageError
from .backslash import doubtful_escapes
from .candidates import Candidate
from .coerce import DOUBTFUL
from .edits import Change, Repaired, applied, apply_edits, locate
from .extract import removal
from .standard import confidence, read_standard


class Found(NamedTuple):
    """A reading, the piece of the text that it is of, and from where to where that goes.

    Where it is not ``whole``, the result is the text and value of the piece alone; its edits are not told yet.
    """

    result: Repaired[Any]
    candidate: Candidate
    start: int
    end: int
    whole: bool = True


def in_text(text: str, found: Found) -> Found:
    """A reading of a piece as one of the whole text, with what removes the rest of it."""
    if found.whole:
        return found
    result, candidate = found.result, found.candidate
    left, right = removal(text, 0, candidate.start), removal(text, candidate.end, len(text))
    before = applied(text, left, 0, candidate.start)
    after = applied(text, right, candidate.end, len(text))
    if (before + after).strip(" \t\r\n"):
        raise ValueError("what stands around the data is not removed")
    changes = [*left, *candidate.changes, *right]
    placed = Repaired(result.value, before + result.text + after, locate(text, changes),
                      confidence(candidate.cost, math.inf), candidate.complete, (),
                      candidate.doubtful or doubtful_escapes(text, changes))  # fmt: skip
    return found._replace(result=placed, whole=True)


def moved(candidate: Candidate, by: int) -> Candidate:
    """A candidate whose text begins elsewhere."""
    if not by:
        return candidate
    changes = tuple([Change(rule, a + by, b + by, after, cost) for rule, a, b, after, cost in candidate.changes])
    return replace(candidate, start=candidate.start + by, end=candidate.end + by, changes=changes)


def around(text: str, candidate: Candidate) -> list[Change]:
    """The changes of a reading, with those that remove what stands around it."""
    return [*removal(text, 0, candidate.start), *candidate.changes, *removal(text, candidate.end, len(text))]


def rewritten(text: str, candidate: Candidate, base: Sequence[Change], changes: Sequence[Change]) -> Candidate:
    """A candidate for the whole of a text, with other changes than it had with what stands around it."""
    extra = sum(change.cost for change in changes) - sum(change.cost for change in base)
    doubtful = candidate.doubtful or any(change.rule in DOUBTFUL for change in changes)
    return replace(
        candidate, start=0, end=len(text), changes=tuple(changes), cost=candidate.cost + extra, doubtful=doubtful
    )


def read_alone(text: str, candidate: Candidate) -> Repaired[Any]:
    """What the piece says that a candidate is of, without its edits.

    Raises:
        ValueError: it is no reading.
    """
    try:
        repaired = applied(text, candidate.changes, candidate.start, candidate.end)
    except UsageError as error:
        raise ValueError(str(error)) from None  # changes that meet
    return Repaired(read_standard(repaired), repaired)


def read_piece(text: str, candidate: Candidate) -> Repaired[Any]:
    """What the text says in which a candidate is read, with its edits.

    Raises:
        ValueError: it is no reading.
    """
    changes = around(text, candidate)
    try:
        repaired = apply_edits(text, changes)
    except UsageError as error:
        raise ValueError(str(error)) from None  # changes that meet: no reading
    value = read_standard(repaired)
    edits = locate(text, changes)
    doubtful = candidate.doubtful or doubtful_escapes(text, changes)
    return Repaired(value, repaired, edits, confidence(candidate.cost, math.inf), candidate.complete, (), doubtful)
