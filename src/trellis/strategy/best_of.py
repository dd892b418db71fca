"""Several samples, and the best one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from trellis.errors import CapabilityError, UsageError, VerifierError, shown
from trellis.result import Result
from trellis.strategy.samples import ONCE, checked_count, checked_inner, draw, sampling_of, split
from trellis.strategy.task import Flow, Strategy, T, Task
from trellis.strategy.verify import Verifier, score_of

Score = Literal["logprob", "shortest"] | Callable[[Any], Any]


@dataclass(frozen=True)
class BestOf:
    """The best of ``n`` samples; of equals, the one that came first.

    Attributes:
        n: how many samples.
        score: ``"logprob"``: the log-probability that the model gives to the whole answer (the model has to report it);
            ``"shortest"``: the fewest characters; a function from value to number; or a ``Verifier``, whose threshold
            the winner then has to reach.
        of: how each sample is made.
    """

    n: int
    score: Score = "logprob"
    of: Strategy = ONCE

    def __post_init__(self) -> None:
        checked_count("BestOf", self.n)
        checked_inner("BestOf", self.of)
        if not callable(self.score) and not (isinstance(self.score, str) and self.score in ("logprob", "shortest")):
            raise UsageError(f"BestOf(score={shown(self.score)})",
                             hint='"logprob", "shortest", a function or a Verifier')

    def run(self, task: Task[T]) -> Flow[T]:
        sampling = sampling_of(task, logprobs=self.score == "logprob")
        results = split(task, (yield from draw(task, self.of, range(self.n), self.n, sampling)), self.n)
        scores = [self._score(task, result) for result in results]
        best = results[max(range(len(results)), key=scores.__getitem__)]
        if isinstance(self.score, Verifier) and max(scores) < self.score.threshold:
            errors = self.score.examine(best.value).errors
            said = errors[0] if errors else f"the best score is {max(scores):.2f}"
            raise task.ended(VerifierError(f"none of {len(results)} samples passes {self.score.__name__}: {said}",
                                           hint="a larger n, or a lower threshold"))
        return task.up_to_date(best)

    def _score(self, task: Task[T], result: Result[T]) -> float:
        if self.score == "shortest":
            return -len(result.raw)
        if self.score == "logprob":
            logprob = None if result.accepted is None else task.attempts[result.accepted].logprob
            if logprob is None:
                raise task.ended(CapabilityError("the model reports no log-probabilities to score by",
                                                 hint='BestOf(n, score="shortest"), a function, or a Verifier'))
            return logprob
        try:
            assert callable(self.score)
            return score_of(self.score, result.value, "score").score
        except UsageError as error:
            raise task.ended(error) from error.__cause__
