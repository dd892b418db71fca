"""Budgets: what may be spent, checked before each call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from trellis.errors import UsageError, shown
from trellis.result import LARGEST, Usage


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs for a million tokens, in any one currency.

    Attributes:
        prompt: of tokens that are read.
        completion: of tokens that are written.
    """

    prompt: float
    completion: float

    def __post_init__(self) -> None:
        for name in ("prompt", "completion"):
            _check(f"Price({name}={shown(getattr(self, name))})", getattr(self, name), (int, float))

    def of(self, usage: Usage) -> float:
        return (self.prompt * usage.prompt_tokens + self.completion * usage.completion_tokens) / 1_000_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What all calls of a session may spend together; ``None`` is no bound.

    A call is not made when nothing is left for it, where calls under way are taken to cost what calls have cost so far
    on average. One that is under way is not cut off, so ``tokens`` and ``money`` can be overshot by what it costs more
    than that; ``seconds`` are wall-clock time from the first call, and bound each request. ``money`` is counted with
    the session's ``prices``; a model without a price is then an error before it is asked.
    """

    calls: int | None = None
    tokens: int | None = None
    seconds: float | None = None
    money: float | None = None

    def __post_init__(self) -> None:
        for name, kinds in (("calls", (int,)), ("tokens", (int,)), ("seconds", (int, float)), ("money", (int, float))):
            if (value := getattr(self, name)) is not None:
                _check(f"Budget({name}={shown(value)})", value, kinds, "None, the default, is no bound")


def _check(said: str, value: Any, kinds: tuple[type, ...], hint: str = "") -> None:
    is_number = isinstance(value, kinds) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= LARGEST:
        wanted = "number" if float in kinds else "whole number"
        raise UsageError(f"{said}: a {wanted}, 0 or more, and finite", hint=hint)


class Meter:
    """Counts spending against a budget. Shared by the calls of a session, also between threads.

    Args:
        budget: the bounds.
        clock: seconds that only grow.
        prices: of models, by their names.
    """

    def __init__(self, budget: Budget | None = None, clock: Callable[[], float] = time.monotonic,
                 prices: Mapping[str, Price] | None = None) -> None:
        self.budget = budget or Budget()
        self._clock = clock
        self._prices = dict(prices or {})
        self._lock = threading.Lock()
        self._started: float | None = None
        self._calls = 0
        self._under_way = 0
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

    @property
    def needs_tokens(self) -> bool:
        """Whether tokens or money are bounded, so that tokens have to be counted."""
        return self.budget.tokens is not None or self.budget.money is not None

    @property
    def costs_are_unknown(self) -> bool:
        """Whether tokens or money are bounded, and no call has told yet what calls cost: others had better wait."""
        return self.needs_tokens and self._usage.calls == 0

    def priced(self, usage: Usage, model: str) -> Usage:
        """The usage with what it cost at this model's price.

        Raises:
            UsageError: money is bounded, and the model has no price.
        """
        price = self._prices.get(model) or self._prices.get(model.partition("/")[2])
        if price is None:
            if self.budget.money is not None:
                raise UsageError(f"a budget of money needs the price of {model}",
                                 hint=f'Session(prices={{"{model}": Price(prompt=..., completion=...)}})')
            return usage
        return replace(usage, money=price.of(usage))

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
            others = (self._under_way + calls - 1) / max(1, self._usage.calls)
            if self.budget.tokens is not None and self._usage.total_tokens * (1 + others) >= self.budget.tokens:
                return f"{self.budget.tokens} tokens"
            if self.budget.money is not None and self._usage.money * (1 + others) >= self.budget.money:
                return f"{self.budget.money:g} in money"
            self._calls += calls
            self._under_way += calls
            return ""

    def add(self, usage: Usage, calls: int, unpaid: int = 0) -> None:
        """Notes what so many admitted calls have cost; ``unpaid`` of them turned out to be no calls."""
        with self._lock:
            self._under_way -= calls
            self._calls -= unpaid
            self._usage += usage
