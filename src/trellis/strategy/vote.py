"""Self-consistency over typed values: several samples, and what most of them say (Wang et al. 2022, for fields)."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trellis.contract.merge import Ballot, Merged, Merger, canonical
from trellis.errors import TrellisError, UsageError, message_of, shown
from trellis.models.base import Request
from trellis.result import Result
from trellis.strategy.samples import ONCE, checked_count, checked_inner, draw, sampling_of, split
from trellis.strategy.task import Flow, Replies, Strategy, T, Task
from trellis.strategy.verify import score_of


@dataclass(frozen=True)
class Vote:
    """What most of ``n`` samples say.

    Per field, each field is decided for itself by the rule of ``trellis.contract.merge``; the merged value is validated
    again, and if it fails (a check across fields, say), the sample that agrees with it most is taken, with a warning.
    Otherwise whole values are counted. Ties go to what came first.

    Attributes:
        n: how many samples at most.
        per_field: whether fields are decided one by one.
        key: what counts as the same: per field, a function of each scalar; else of the whole value.
        match_items: the property by which objects in lists are matched; without one, by position.
        weight: what a sample's vote weighs, from 0 to 1: a function of its value, or a ``Verifier``.
        early_stop: asks in waves, and stops once no further sample could change the outcome.
        of: how each sample is made.
    """

    n: int
    per_field: bool = True
    key: Callable[[Any], Hashable] | None = None
    match_items: str = ""
    weight: Callable[[Any], Any] | None = None
    early_stop: bool = True
    of: Strategy = ONCE

    def __post_init__(self) -> None:
        checked_count("Vote", self.n)
        checked_inner("Vote", self.of)
        for name, function in (("key", self.key), ("weight", self.weight)):
            if function is not None and not callable(function):
                raise UsageError(f"Vote({name}={shown(function)}) is no function")
        if not isinstance(self.match_items, str):
            raise UsageError(f"Vote(match_items={shown(self.match_items)}) is no name of a property")

    def run(self, task: Task[T]) -> Flow[T]:
        votes = yield from self._votes(task)
        merged, results = self._merged(task, votes), [result for result, _ in votes]
        closest = max(range(len(votes)), key=lambda place: _likeness(merged.data, votes[place][1].data))
        best = replace(results[closest], agreement=merged.agreement,
                       field_agreement=merged.support if self.per_field else {})
        if canonical(votes[closest][1].data) == canonical(merged.data):
            return task.up_to_date(best)
        checked = task.check(merged.data)
        if checked.failure is not None:
            task.warn(f"the merged value failed ({checked.errors[0]}); the sample that agrees with it most was taken")
            return task.up_to_date(best)
        return task.up_to_date(replace(best, value=checked.value, accepted=None,
                                       abstained=task.abstained(merged.data)))

    def _votes(self, task: Task[T]) -> Generator[list[Request], Replies, list[tuple[Result[T], Ballot]]]:
        sampling = sampling_of(task)
        outcomes: list[Result[T] | TrellisError] = []
        votes: list[tuple[Result[T], Ballot]] = []
        size = self.n // 2 + 1 if self.early_stop else self.n
        while size > 0:
            wave = yield from draw(task, self.of, range(len(outcomes), len(outcomes) + size), self.n, sampling)
            outcomes += wave
            votes += [(result, self._ballot(task, result)) for result in wave if isinstance(result, Result)]
            left = self.n - len(outcomes)
            margin = self._merged(task, votes).margin if votes else 0.0
            # Decided if the lead is more than all that are left; else as many as could decide it, if they agree.
            size = 0 if margin > left else min(left, max(1, int((left - margin) // 2) + 1))
        split(task, outcomes, self.n)
        return votes

    def _ballot(self, task: Task[T], result: Result[T]) -> Ballot:
        try:
            data = task.contract.plain(self._source(task, result))
            weight = 1.0 if self.weight is None else score_of(self.weight, result.value, "weight").score
            if not 0 <= weight <= 1:
                raise UsageError(f"weight returned {weight:g}, which is not from 0 to 1")
        except UsageError as error:
            raise task.ended(error) from error.__cause__
        return Ballot(data, weight)

    def _source(self, task: Task[T], result: Result[T]) -> Any:
        """The value of the type, before validators made something else of it."""
        if result.accepted is None:
            return result.value
        return task.contract.validate(task.attempts[result.accepted].data).value

    def _merged(self, task: Task[T], votes: Sequence[tuple[Result[T], Ballot]]) -> Merged:
        ballots = [ballot for _, ballot in votes]
        try:
            if self.per_field:
                key = None if self.key is None else _guarded(self.key)
                return Merger(task.contract.schema, key, self.match_items).merge(ballots)
            keys = [canonical(ballot.data) if self.key is None else _guarded(self.key)(result.value)
                    for result, ballot in votes]
        except UsageError as error:
            raise task.ended(error) from error.__cause__
        except RecursionError:  # nested too deeply to be merged
            keys = [str(ballot.data) for ballot in ballots]
        return _plurality(ballots, keys)


def _plurality(ballots: Sequence[Ballot], keys: Sequence[Hashable]) -> Merged:
    weights: dict[Hashable, float] = {}
    for ballot, key in zip(ballots, keys, strict=True):
        weights[key] = weights.get(key, 0.0) + ballot.weight
    winner = max(weights, key=lambda key: weights[key])
    total = sum(weights.values())
    second = max((weight for key, weight in weights.items() if key != winner), default=0.0)
    share = weights[winner] / total if total else 0.0
    return Merged(ballots[keys.index(winner)].data, {"": share}, weights[winner] - second)


def _guarded(key: Callable[[Any], Hashable]) -> Callable[[Any], Hashable]:
    def call(data: Any) -> Hashable:
        try:
            found = key(data)
            hash(found)
        except Exception as error:
            raise UsageError(f"key raised {type(error).__name__} for {shown(data)}: {message_of(error)}",
                             hint="key=... is called with every scalar, or with the whole value if per_field=False"
                             ) from error
        return found
    return call


def _likeness(merged: Any, data: Any) -> int:
    """How many of the merged value's scalars the data has at the same places."""
    if isinstance(merged, dict) and isinstance(data, dict):
        return sum(_likeness(value, data[name]) for name, value in merged.items() if name in data)
    if isinstance(merged, list) and isinstance(data, list):
        return sum(map(_likeness, merged, data))
    return int(canonical(merged) == canonical(data))
