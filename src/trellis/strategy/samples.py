"""Several samples of one prompt: what best-of-n and voting share."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace

from trellis.errors import (
    AuthenticationError,
    BudgetError,
    GenerationError,
    TransportError,
    TrellisError,
    UsageError,
    looking_at_arguments,
    shown,
)
from trellis.models.base import Request
from trellis.result import Result, Sampling
from trellis.strategy.retry import Retry
from trellis.strategy.task import Replies, Strategy, T, Task, together

SAMPLING_TEMPERATURE = 1.0
"""Where the caller names none: samples that are all alike would be money for nothing."""

MAX_SAMPLES = 1_000

ONCE: Strategy = Retry(0)
"""One attempt for each sample."""


def checked_count(whose: str, count: object) -> None:
    """Raises UsageError for what is no number of samples."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_SAMPLES:
        raise UsageError(f"{whose}({shown(count)}): a number of samples, from 1 to {MAX_SAMPLES:,}")


def checked_inner(whose: str, inner: object) -> None:
    """Raises UsageError for what is no strategy."""
    with looking_at_arguments():
        runs = not isinstance(inner, type) and callable(getattr(inner, "run", None))
    if not runs:
        raise UsageError(f"{whose}(of={shown(inner)}) is no strategy", hint=f"{whose}(..., of=Retry(1))")


def draw(task: Task[T], strategy: Strategy, places: Sequence[int], count: int,
         sampling: Sampling) -> Generator[list[Request], Replies, list[Result[T] | TrellisError]]:
    """Samples ``places`` out of ``count``, side by side.

    Where a budget of tokens or money is fresh, the first is drawn alone, to know what they cost. A sample that fails is
    no reason to lose the others; what would fail for all of them is.

    Returns:
        for each its result, or the error that it ended with.

    Raises:
        UsageError, AuthenticationError ...: the call is wrong, or the model takes nothing.
    """
    branches = [task.branch(place, count, sampling=sampling) for place in places]
    for branch in branches:
        branch.fresh = task.fresh or (count > 1 and sampling.seed is None)
    alone = 1 if len(branches) > 1 and task.meter.costs_are_unknown else len(branches)
    outcomes = yield from together([strategy.run(branch) for branch in branches[:alone]])
    outcomes += yield from together([strategy.run(branch) for branch in branches[alone:]])
    for outcome in outcomes:
        lost = isinstance(outcome, GenerationError | TransportError)
        if isinstance(outcome, TrellisError) and (not lost or isinstance(outcome, AuthenticationError)):
            raise task.ended(outcome)
    return outcomes


def split(task: Task[T], outcomes: Sequence[Result[T] | TrellisError], count: int) -> list[Result[T]]:
    """The samples that there are; when a budget left some out, the caller is told.

    Raises:
        TrellisError: there is none: the error of the last one.
    """
    results = [outcome for outcome in outcomes if isinstance(outcome, Result)]
    failures = [outcome for outcome in outcomes if isinstance(outcome, TrellisError)]
    if not results:
        raise task.ended(failures[-1])
    if any(isinstance(failure, BudgetError) for failure in failures):
        task.warn(f"the budget ended after {len(results)} of {count} samples")
    return results


def sampling_of(task: Task[T], *, logprobs: bool = False) -> Sampling:
    """The task's sampling, at a temperature where samples differ if the caller named none."""
    given = task.sampling
    if given.temperature == 0:
        task.warn("at temperature 0 all samples are alike; Sampling(temperature=1), or none, makes them differ")
    return replace(given, temperature=SAMPLING_TEMPERATURE if given.temperature is None else given.temperature,
                   logprobs=given.logprobs or logprobs)
