"""Verifiers: checks with a degree, for validating, for scoring and for weighing votes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from trellis.errors import TrellisError, UsageError, message_of, shown
from trellis.result import FieldError


class RefusedByVerifier(ValueError):
    """A verifier's refusal, with what is wrong and where."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(map(str, errors)))
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Check:
    """What a verifier finds.

    Attributes:
        score: from 0 (wrong) to 1 (right).
        errors: what is wrong, and where.
    """

    score: float
    errors: tuple[FieldError, ...] = ()


@dataclass(frozen=True)
class Verifier:
    """A check with a degree.

    In ``validators=[...]`` it refuses values that score below ``threshold``, and what is wrong is told to the model;
    as ``BestOf(n, score=...)`` it picks the best sample; as ``Vote(n, weight=...)`` it weighs the votes.

    Attributes:
        check: takes a value; returns a ``Check``, a score from 0 to 1, or whether the value is right.
        threshold: the least score that is accepted.
        name: how errors call it; the function's name if empty.
    """

    check: Callable[[Any], Check | float | bool]
    threshold: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        if not callable(self.check):
            raise UsageError(f"Verifier({shown(self.check)}) is no function", hint="Verifier(lambda value: ...)")
        if not isinstance(self.threshold, int | float) or not 0 <= self.threshold <= 1:
            raise UsageError(f"Verifier(threshold={shown(self.threshold)}): a score from 0 to 1")

    @property
    def __name__(self) -> str:
        return self.name or getattr(self.check, "__name__", type(self.check).__name__)

    def examine(self, value: Any) -> Check:
        """What it finds.

        Raises:
            UsageError: the check itself is broken.
        """
        return score_of(self.check, value, f"verifier {self.__name__}")

    def __call__(self, value: Any) -> None:
        """As a validator.

        Raises:
            ValueError: the value scores below the threshold.
        """
        found = self.examine(value)
        if found.score < self.threshold:
            said = f"refused by {self.__name__}: its score is {found.score:.2f}, and {self.threshold:g} is needed"
            raise RefusedByVerifier(found.errors or (FieldError("", said),))


def score_of(function: Callable[[Any], Any], value: Any, name: str) -> Check:
    """What a function of the caller's makes of a value.

    Raises:
        UsageError: it raised, or returned no number.
    """
    try:
        found = function.examine(value) if isinstance(function, Verifier) else function(value)
    except TrellisError:
        raise
    except (ValueError, AssertionError) as error:  # as a validator refuses
        return Check(0.0, (FieldError("", str(error)[:500] or f"refused by {name}"),))
    except Exception as error:
        raise UsageError(f"{name} raised {type(error).__name__}: {message_of(error)}",
                         hint="return a number; raise ValueError for the lowest score") from error
    if isinstance(found, Check):
        return found
    if not isinstance(found, int | float) or math.isnan(found):
        raise UsageError(f"{name} returned {shown(found)}, not a number")
    return Check(float(found))
