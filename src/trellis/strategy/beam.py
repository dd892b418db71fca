"""Beam search: the likeliest answers of a model in this process, tried in turn."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trellis.errors import CapabilityError, UsageError, shown
from trellis.models.base import token_model_of
from trellis.strategy.task import Flow, T, Task

MAX_WIDTH = 64


@dataclass(frozen=True)
class Beam:
    """The likeliest answer among those of ``width`` beams that is accepted. Needs a ``TokenModel``.

    Attributes:
        width: open beams; 1 is greedy decoding.
    """

    width: int = 4

    def __post_init__(self) -> None:
        if isinstance(self.width, bool) or not isinstance(self.width, int) or not 1 <= self.width <= MAX_WIDTH:
            raise UsageError(f"Beam({shown(self.width)}): a number of beams, from 1 to {MAX_WIDTH}")

    def run(self, task: Task[T]) -> Flow[T]:
        """
        Raises:
            CapabilityError: the model's tokens cannot be seen.
        """
        if token_model_of(task.model) is None:
            raise CapabilityError(f"{task.model.name if task.model else 'the model'} does not let its tokens be seen, "
                                  "which beams need", hint='a model in this process ("trellis/nano"), or BestOf(n)')
        [attempt] = yield from task.ask(replace(task.request(), beams=self.width))
        while attempt.failure is not None:
            following = task.alternative()
            if following is None:
                raise task.failed(attempt, "a larger Beam(width), or Retry")
            attempt = following
        return task.result(attempt)
