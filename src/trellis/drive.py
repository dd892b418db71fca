"""The two drivers of strategies: a flow yields requests, a driver has them answered.

Only ``flow.send()`` stands inside ``try ... except StopIteration``: a StopIteration that escapes from a model would
otherwise be taken for the flow's answer, in silence.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from trellis.deadline import GRACE, within
from trellis.errors import ModelError, TransportError, TrellisError, message_of
from trellis.models.base import Model, Reply, Request
from trellis.result import Result
from trellis.strategy.task import Flow, Replies, T

_HINT = "Model.complete returns one trellis.Reply, or an exception, for each request"


def drive(flow: Flow[T], model: Model, sleep: Callable[[float], object] = time.sleep) -> Result[T]:
    """Runs a strategy to its result."""
    replies: Any = None
    while True:
        try:
            requests = flow.send(replies)
        except StopIteration as stop:
            result: Result[T] = stop.value
            return result
        if (delay := delay_of(requests)) > 0:
            sleep(delay)
        parts = _by_model(requests, model)
        replies = _in_order(requests, parts, [answer(asked, [requests[i] for i in places]) for asked, places in parts])


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
        if (delay := delay_of(requests)) > 0:
            await asyncio.sleep(delay)
        parts = _by_model(requests, model)
        if len(parts) == 1:
            replies = await answer_async(parts[0][0], requests)
            continue
        answers = (answer_async(asked, [requests[i] for i in places]) for asked, places in parts)
        replies = _in_order(requests, parts, await asyncio.gather(*answers))


def answer(model: Model, requests: Sequence[Request]) -> Replies:
    """What a model says to requests, no later than their timeouts; never an exception, but in the place of a reply."""
    limit = _limit(requests)
    try:
        said = model.complete(requests) if limit is None else within(limit + GRACE, lambda: model.complete(requests))
        return _checked(model, requests, said)
    except TimeoutError as error:
        return [typed(model, error) if limit is None else late(model, limit)] * len(requests)
    except Exception as error:
        return [typed(model, error)] * len(requests)


async def answer_async(model: Model, requests: Sequence[Request]) -> Replies:
    """``answer``, awaitable."""
    import asyncio

    limit = _limit(requests)
    if limit is None:
        try:
            return _checked(model, requests, await model.acomplete(requests))
        except Exception as error:
            return [typed(model, error)] * len(requests)
    clock = asyncio.timeout(limit + GRACE)
    try:
        async with clock:
            return _checked(model, requests, await model.acomplete(requests))
    except Exception as error:
        return [late(model, limit) if clock.expired() else typed(model, error)] * len(requests)


def _limit(requests: Sequence[Request]) -> float | None:
    return max((request.timeout for request in requests if request.timeout is not None), default=None)


def late(model: Model, limit: float) -> TransportError:
    """The error in the place of a reply that has not come while there was time for it."""
    return TransportError(f"{model.name} did not answer in the {limit:.3g} seconds that the budget left")


def delay_of(requests: Sequence[Request]) -> float:
    """Seconds to wait before requests are sent."""
    return max((request.delay for request in requests), default=0.0)


def _by_model(requests: Sequence[Request], own: Model) -> list[tuple[Model, list[int]]]:
    """Who is asked, and the places of what it is asked."""
    parts: list[tuple[Model, list[int]]] = []
    for place, request in enumerate(requests):
        asked = own if request.model is None else request.model
        found = next((places for model, places in parts if model is asked), None)
        if found is None:
            parts.append((asked, [place]))
        else:
            found.append(place)
    return parts


def _in_order(requests: Sequence[Request], parts: list[tuple[Model, list[int]]], answers: Sequence[Replies]) -> Replies:
    replies: dict[int, Reply | Exception] = {}
    for (_, places), answered in zip(parts, answers, strict=True):
        replies.update(zip(places, answered, strict=True))
    return [replies[place] for place in range(len(requests))]


def _checked(model: Model, requests: Sequence[Request], replies: Replies) -> Replies:
    if not isinstance(replies, list | tuple):
        raise ModelError(f"{model.name} gave {type(replies).__name__}, not a list of replies", hint=_HINT)
    for reply in replies:
        if not isinstance(reply, Reply | Exception):
            raise ModelError(f"{model.name} gave {type(reply).__name__} in the place of a Reply",
                             hint=_HINT)
    if len(replies) != len(requests):
        raise ModelError(f"{model.name} gave {len(replies)} replies to {len(requests)} requests", hint=_HINT)
    return [typed(model, reply) if isinstance(reply, Exception) else reply for reply in replies]


def typed(model: Model, error: Exception) -> TrellisError:
    """The error in the place of a reply; what is not ours is a bug in the model, and is told as such."""
    if isinstance(error, TrellisError):
        return error
    wrapped = ModelError(f"{model.name} raised {type(error).__name__}: {message_of(error)}",
                         hint="error.__cause__ has the traceback; TransportError is for what may work later")
    wrapped.__cause__ = error
    return wrapped
