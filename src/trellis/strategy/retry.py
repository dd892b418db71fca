"""Ask again, with what was wrong, until an answer is accepted.

What is done after a failed attempt depends on what failed, and is decided before any more money is spent:

==============  ======================================================================================================
rate_limit      wait as long as the server says (or back off), send the same request; stop if that is too long
transport       back off, send the same request
truncated       the same request with twice the ``max_tokens``; stop where there is no limit to raise
refused         stop: asking again is no argument
empty           the same request with another seed
syntax, schema  the prompt, the bad answer and its errors (see ``Retry.feedback``); the same errors twice in a row: back
and validators  to the bare prompt with another seed and more temperature (a model that repeats a mistake that it was
                shown is stuck)
rejected        stop (a wrong key, a request that the server does not take)
==============  ======================================================================================================

All of them count: ``Retry(2)`` makes three calls at most, whatever fails; only a mode that a server refuses when none
was named is not counted, the next one is tried at once. This is the one owner of retries.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from trellis.contract.patch import patch_of
from trellis.errors import RateLimitError, RefusedError, UsageError, shown
from trellis.prompt import correction, patch_wanted
from trellis.result import Attempt, Message, Sampling
from trellis.strategy.task import Flow, T, Task

BACKOFF = 0.5
"""Seconds before the first request that is sent again after a transport error; doubled each time."""
RESAMPLING_TEMPERATURE = 0.7
"""At least this warm when a stuck model is asked afresh and the caller has set a temperature."""


Feedback = Literal["last", "patch", "none"]


@dataclass(frozen=True, slots=True)
class Retry:
    """Up to ``n`` extra attempts.

    Attributes:
        n: extra attempts, as ``max_retries`` of the openai client: 2 means three calls at most.
        feedback: what a model is told of a bad answer. ``"last"``: the prompt, that answer and its errors; ``"patch"``:
            the same, but only the wrong fields are asked for (where the errors name fields of JSON or YAML; else as
            ``"last"``); ``"none"``: nothing, another sample of the prompt.
        max_wait: seconds to wait for a server at most, each time.
        max_tokens: how far a ``max_tokens`` that cut an answer off may be raised; ``None`` is four times the caller's.
    """

    n: int = 2
    feedback: Feedback = "last"
    max_wait: float = 60.0
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 0:
            raise UsageError(f"Retry({shown(self.n)}): the number of extra attempts is 0 or more")
        if not isinstance(self.feedback, str) or self.feedback not in get_args(Feedback):
            raise UsageError(f"Retry(feedback={shown(self.feedback)})", hint=f"one of {', '.join(get_args(Feedback))}")
        if not isinstance(self.max_wait, int | float) or not self.max_wait >= 0:
            raise UsageError(f"Retry(max_wait={shown(self.max_wait)}): seconds to wait, 0 or more")
        if self.max_tokens is not None and (not isinstance(self.max_tokens, int) or self.max_tokens < 1):
            raise UsageError(f"Retry(max_tokens={shown(self.max_tokens)}): a number of tokens, 1 or more")

    def run(self, task: Task[T]) -> Flow[T]:
        """See the table of this module."""
        plan = _Plan(task, task.messages, task.sampling)
        previous: Attempt | None = None
        for left in range(self.n, -1, -1):
            request = plan.task.request(plan.messages, sampling=plan.sampling, sample=plan.sample, delay=plan.delay)
            [attempt] = yield from plan.task.ask(request)
            if attempt.failure is None:
                return task.result(attempt)
            following = self._after(task, plan, attempt, previous)
            if isinstance(following, str) or left == 0:
                raise task.failed(attempt, following if isinstance(following, str) else "")
            plan, previous = following, attempt
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _after(self, task: Task[T], plan: _Plan, attempt: Attempt, previous: Attempt | None) -> _Plan | str:
        """What to do after a failed attempt, or a hint why nothing more is done."""
        if attempt.raw is None:
            wait = self._wait(plan, attempt)
            if wait > self.max_wait:
                return f"the server asks to wait {wait:g} seconds; Retry(max_wait={self.max_wait:g}) does not"
            return replace(plan, delay=wait, waits=plan.waits + 1)
        plan = replace(plan, delay=0.0, sample=plan.sample + 1)
        if attempt.failure == "refused":
            return RefusedError.usual_hint
        if attempt.failure == "truncated":
            return plan if attempt.finish == "timeout" else self._longer(task, plan)
        stuck = previous is not None and (previous.failure, previous.errors) == (attempt.failure, attempt.errors)
        if attempt.failure == "empty" or self.feedback == "none" or (stuck and plan.corrected):
            return replace(plan, task=task, messages=task.messages, sampling=_warmer(plan.sampling), corrected=False)
        return self._corrected(task, plan, attempt)

    def _corrected(self, task: Task[T], plan: _Plan, attempt: Attempt) -> _Plan:
        shown = (attempt.raw or "") if attempt.purpose == "answer" or attempt.data is None else _json(attempt.data)
        if self.feedback == "patch" and attempt.data is not None:
            contract = patch_of(task.contract, attempt.data, attempt.errors)
            if contract is not None:
                messages = correction(task.messages, shown, attempt.errors, patch_wanted(contract.type_text()))
                patch = task.aside(contract, messages, "patch", validators=task.validators)
                return replace(plan, task=patch, messages=messages, corrected=True)
        messages = correction(task.messages, shown, attempt.errors)
        return replace(plan, task=task, messages=messages, corrected=True)

    def _wait(self, plan: _Plan, attempt: Attempt) -> float:
        asked = attempt.error.retry_after if isinstance(attempt.error, RateLimitError) else None
        return asked if isinstance(asked, int | float) else min(BACKOFF * 2.0 ** min(plan.waits, 64), self.max_wait)

    def _longer(self, task: Task[T], plan: _Plan) -> _Plan | str:
        given, now = task.sampling.max_tokens, plan.sampling.max_tokens
        if given is None or now is None:
            return "the model's own limit on tokens; set Sampling(max_tokens=...) if it takes more, or ask for less"
        ceiling = self.max_tokens if self.max_tokens is not None else 4 * given
        if now >= ceiling:
            return f"more than {now} tokens are needed: a larger Sampling(max_tokens=...), or ask for less"
        return replace(plan, sampling=replace(plan.sampling, max_tokens=min(2 * now, ceiling)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """The next request: what it is for, what to say, how to draw, how long to wait before."""

    task: Task[Any]
    messages: tuple[Message, ...]
    sampling: Sampling
    sample: int = 0
    delay: float = 0.0
    waits: int = 0
    corrected: bool = False


def _warmer(sampling: Sampling) -> Sampling:
    if sampling.temperature is None:
        return sampling
    return replace(sampling, temperature=max(sampling.temperature, RESAMPLING_TEMPERATURE))


def _json(data: Any) -> str:
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))
