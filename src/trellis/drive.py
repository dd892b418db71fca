"""The two drivers of strategies: a flow yields requests, a driver has them answered.

Only ``flow.send()`` stands inside ``try ... except StopIteration``: a StopIteration that escapes from a model would
otherwise be taken for the flow's answer, in silence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from trellis.errors import ModelError, TransportError, TrellisError
from trellis.models.base import Model, Reply, Request
from trellis.result import Result
from trellis.strategy.task import Flow, Replies, T


def drive(flow: Flow[T], model: Model, sleep: Callable[[float], object] = time.sleep) -> Result[T]:
    """Runs a strategy to its result."""
    replies: Any = None
    while True:
        try:
            requests = flow.send(replies)
        except StopIteration as stop:
            result: Result[T] = stop.value
            return result
        if (delay := _delay(requests)) > 0:
            sleep(delay)
        try:
            replies = _checked(model, requests, model.complete(requests))
        except Exception as error:
            replies = [_typed(model, error)] * len(requests)


async def adrive(flow: Flow[T], model: Model) -> Result[T]:
    """Runs a strategy to its result, awaiting the model no longer than a budget of seconds allows."""
    import asyncio

    replies: Any = None
    while True:
        try:
            requests = flow.send(replies)
        except StopIteration as stop:
            result: Result[T] = stop.value
            return result
        if (delay := _delay(requests)) > 0:
            await asyncio.sleep(delay)
        limit = max((request.timeout for request in requests if request.timeout is not None), default=None)
        clock = asyncio.timeout(limit)
        try:
            async with clock:
                replies = _checked(model, requests, await model.acomplete(requests))
        except Exception as error:
            late = TransportError(f"{model.name} did not answer in the {limit or 0:.3g} seconds that the budget left")
            replies = [late if clock.expired() else _typed(model, error)] * len(requests)


def _delay(requests: Sequence[Request]) -> float:
    return max((request.delay for request in requests), default=0.0)


def _checked(model: Model, requests: Sequence[Request], replies: Replies) -> Replies:
    if not isinstance(replies, list | tuple):
        raise ModelError(f"{model.name} gave {type(replies).__name__}, not a list of replies")
    for reply in replies:
        if not isinstance(reply, Reply | Exception):
            raise ModelError(f"{model.name} gave {type(reply).__name__} in the place of a Reply",
                             hint="Model.complete returns one trellis.Reply, or an exception, for each request")
    if len(replies) != len(requests):
        raise ModelError(f"{model.name} gave {len(replies)} replies to {len(requests)} requests")
    return [_typed(model, reply) if isinstance(reply, Exception) else reply for reply in replies]


def _typed(model: Model, error: Exception) -> TrellisError:
    """The error in the place of a reply; what is not ours is a bug in the model, and is told as such."""
    if isinstance(error, TrellisError):
        return error
    wrapped = ModelError(f"{model.name} raised {type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped
