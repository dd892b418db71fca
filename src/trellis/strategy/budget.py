"""Budgets: what may be spent, checked before each call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from trellis.errors import UsageError
from trellis.result import Usage


@dataclass(frozen=True, slots=True)
class Budget:
    """What all calls of a session may spend together; ``None`` is no bound.

    A call is not made when nothing is left for it. One that is under way is not cut off for its tokens, so ``tokens``
    can be overshot by what is in flight; ``seconds`` are wall-clock time from the first call, and bound each request.
    """

    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name, kinds in (("calls", (int,)), ("tokens", (int,)), ("seconds", (int, float))):
            value = getattr(self, name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kinds) or not value >= 0:
                raise UsageError(f"Budget({name}={value!r:.60}): a budget is a number, and not negative")


class Meter:
    """Counts spending against a budget. Shared by the calls of a session, also between threads.

    Args:
        budget: the bounds.
        clock: seconds that only grow.
    """

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.budget = budget or Budget()
        self._clock = clock
        self._lock = threading.Lock()
        self._started: float | None = None
        self._calls = 0
        self._usage = Usage()

    @property
    def usage(self) -> Usage:
        """What was spent so far."""
        return self._usage

    def seconds_left(self) -> float | None:
        """Seconds until the budget ends, ``None`` without a bound."""
        if self.budget.seconds is None:
            return None
        return self.budget.seconds - (0.0 if self._started is None else self._clock() - self._started)

    def admit(self, calls: int, delay: float = 0.0) -> str:
        """Takes the calls off the budget, to be made after ``delay`` seconds; or says which bound forbids them."""
        with self._lock:
            if self._started is None:
                self._started = self._clock()
            left = self.seconds_left()
            if left is not None and (left <= 0 or delay >= left):
                return f"{self.budget.seconds:g} seconds"
            if self.budget.calls is not None and self._calls + calls > self.budget.calls:
                return f"{self.budget.calls} calls"
            if self.budget.tokens is not None and self._usage.total_tokens >= self.budget.tokens:
                return f"{self.budget.tokens} tokens"
            self._calls += calls
            return ""

    def add(self, usage: Usage) -> None:
        """Notes what calls have cost."""
        with self._lock:
            self._usage += usage
