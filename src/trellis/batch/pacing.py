"""Rate limits: a gate that requests wait at before they are sent."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from trellis.errors import RateLimitError, UsageError, shown
from trellis.models.base import Model, Reply, Request, WrappedModel

SHORTEST_WAIT = 0.005


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What may be sent in any window of ``seconds``; ``None`` is no limit.

    Attributes:
        requests: how many requests may begin.
        tokens: how many tokens, prompt and answer; those of requests in flight are taken to be like the others.
        seconds: the length of the window.
    """

    requests: int | None = None
    tokens: int | None = None
    seconds: float = 60.0

    def __post_init__(self) -> None:
        for name in ("requests", "tokens"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise UsageError(f"RateLimit({name}={shown(value)}): a whole number, 1 or more")
        if isinstance(self.seconds, bool) or not isinstance(self.seconds, int | float) or not self.seconds > 0:
            raise UsageError(f"RateLimit(seconds={shown(self.seconds)}): a number of seconds")


class PacedModel(WrappedModel):
    """A model behind a gate. When the server asks one request to wait, all wait.

    Args:
        inner: the model.
        limit: what may be sent.
        clock: seconds that only grow.
        sleep: waits for so many of them.
    """

    def __init__(self, inner: Model, limit: RateLimit, clock: Callable[[], float] = time.monotonic,
                 sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self.inner, self._limit, self._clock, self._sleep = inner, limit, clock, sleep
        self._begun: deque[float] = deque()
        self._spent: deque[tuple[float, int]] = deque()
        self._in_flight = 0
        self._closed_until = 0.0

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        return asyncio.run(self.acomplete(requests))

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        return list(await asyncio.gather(*map(self._one, requests)))

    async def _one(self, request: Request) -> Reply | Exception:
        while (wait := self._wait(self._clock())) > 0:
            await self._sleep(max(wait, SHORTEST_WAIT))
        self._begun.append(self._clock())
        self._in_flight += 1
        try:
            [reply] = await self.inner.acomplete([request])
        finally:
            self._in_flight -= 1
        now = self._clock()
        if isinstance(reply, RateLimitError) and reply.retry_after is not None:
            self._closed_until = max(self._closed_until, now + reply.retry_after)
        if isinstance(reply, Reply) and self._limit.tokens is not None:
            self._spent.append((now, reply.usage.total_tokens))
        return reply

    def _wait(self, now: float) -> float:
        """Seconds until the gate may be open; 0 if it is."""
        limit, since = self._limit, now - self._limit.seconds
        while self._begun and self._begun[0] <= since:
            self._begun.popleft()
        while self._spent and self._spent[0][0] <= since:
            self._spent.popleft()
        waits = [self._closed_until - now]
        if limit.requests is not None and len(self._begun) >= limit.requests:
            waits.append(self._begun[-limit.requests] + limit.seconds - now)
        if limit.tokens is not None and (self._spent or self._in_flight):
            spent = sum(tokens for _, tokens in self._spent)
            each = spent / len(self._spent) if self._spent else 0.0
            if not self._spent or spent + each * (self._in_flight + 1) > limit.tokens:
                waits.append(self._spent[0][0] + limit.seconds - now if self._spent and not self._in_flight
                             else SHORTEST_WAIT)
        return max(0.0, *waits)
