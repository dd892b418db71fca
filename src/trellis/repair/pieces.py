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
from .edits import Change, Repaired, apply_edits, locate
from .extract import removal
from .standard import confidence, read_standard


class Found(NamedTuple):
    """A reading, the piece of the text that it is of, and from where to where that goes.

    Where it is not ``whole``, the result is that of the piece alone.
    """

    result: Repaired[Any]
    candidate: Candidate
    start: int
    end: int
    whole: bool = True


def in_text(text: str, found: Found) -> Found:
    """A reading of a piece as one of the whole text, with what removes the rest of it."""
    return found if found.whole else found._replace(result=read_piece(text, found.candidate), whole=True)


def moved(candidate: Candidate, by: int) -> Candidate:
    """A candidate whose text begins elsewhere."""
    changes = tuple(change._replace(start=change.start + by, end=change.end + by) for change in candidate.changes)
    return replace(candidate, start=candidate.start + by, end=candidate.end + by, changes=changes)


def around(text: str, candidate: Candidate) -> list[Change]:
    """The changes of a reading, with those that remove what stands around it."""
    return [*removal(text, 0, candidate.start), *candidate.changes, *removal(text, candidate.end, len(text))]


def changed(text: str, found: Found, base: Sequence[Change], changes: Sequence[Change]) -> Found:
    """A reading with other changes than it had."""
    candidate = found.candidate
    extra = sum(change.cost for change in changes) - sum(change.cost for change in base)
    doubtful = candidate.doubtful or any(change.rule in DOUBTFUL for change in changes)
    inner = replace(
        candidate, start=0, end=len(text), changes=tuple(changes), cost=candidate.cost + extra, doubtful=doubtful
    )
    return Found(read_piece(text, inner), inner, found.start, found.end)


def read_piece(text: str, candidate: Candidate) -> Repaired[Any]:
    changes = around(text, candidate)
    try:
        repaired = apply_edits(text, changes)
    except UsageError as error:
        raise ValueError(str(error)) from None  # changes that meet: no reading
    value = read_standard(repaired)
    edits = locate(text, changes)
    doubtful = candidate.doubtful or doubtful_escapes(text, changes)
    return Repaired(value, repaired, edits, confidence(candidate.cost, math.inf), candidate.complete, (), doubtful)
