"""``stream_structured``: a call whose answer can be looked at while it is being written."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing, suppress
from dataclasses import replace
from itertools import islice
from typing import Any, Literal, TypeVar, Unpack, overload

from trellis.api import RETRY, SAMPLING, Call, Options, Prompt, prepare
from trellis.contract import Contract, RepairLevel
from trellis.deadline import GRACE, apieces_within, pieces_within
from trellis.drive import answer, answer_async, delay_of, late, typed
from trellis.errors import RepairError, TransportError, TrellisError
from trellis.models.base import Reply, Request, StreamingModel
from trellis.repair import Committed, StreamRepairer
from trellis.result import FieldError, Finish, Mode, Result, Sampling
from trellis.session import Session
from trellis.strategy import Strategy, Validator
from trellis.stream.hopeless import Hope
from trellis.stream.partial import Partial

T = TypeVar("T")

_NO_REPLY = "a model's stream ends with the whole trellis.Reply"


@overload
def stream_structured(prompt: Prompt, output_type: type[T], **options: Unpack[Options]) -> Iterator[Partial[T]]: ...
@overload
def stream_structured(prompt: Prompt, output_type: Any, **options: Unpack[Options]) -> Iterator[Partial[Any]]: ...
def stream_structured(
    prompt: Prompt,
    output_type: Any,
    *,
    model: Any = None,
    mode: Mode | Literal["auto"] = "auto",
    strategy: Strategy = RETRY,
    sampling: Sampling = SAMPLING,
    validators: Sequence[Validator] = (),
    repair: RepairLevel = "normal",
    session: Session | None = None,
) -> Iterator[Partial[Any]]:
    """``generate_structured``, with what the answer says so far; the last partial has the ``result``.

    An answer that can no longer become valid is not waited for: it ends as a failed attempt, and the strategy goes on.
    A model that does not stream, a cache, and strategies that ask for several answers at once give the last partial
    only.

    Raises:
        TrellisError: as ``generate_structured`` does.
    """
    call = prepare(prompt, output_type, model, mode, strategy, sampling, validators, repair, session)
    return _stream(call, output_type)


@overload
def astream_structured(
    prompt: Prompt, output_type: type[T], **options: Unpack[Options],
) -> AsyncIterator[Partial[T]]: ...
@overload
def astream_structured(prompt: Prompt, output_type: Any, **options: Unpack[Options]) -> AsyncIterator[Partial[Any]]: ...
def astream_structured(
    prompt: Prompt,
    output_type: Any,
    *,
    model: Any = None,
    mode: Mode | Literal["auto"] = "auto",
    strategy: Strategy = RETRY,
    sampling: Sampling = SAMPLING,
    validators: Sequence[Validator] = (),
    repair: RepairLevel = "normal",
    session: Session | None = None,
) -> AsyncIterator[Partial[Any]]:
    """``stream_structured`` for ``async for``."""
    call = prepare(prompt, output_type, model, mode, strategy, sampling, validators, repair, session)
    return _astream(call, output_type)


def _stream(call: Call, output_type: Any) -> Iterator[Partial[Any]]:
    flow, replies = call.flow, None
    with call.record:
        while True:
            try:
                requests = flow.send(replies)  # type: ignore[arg-type]
            except StopIteration as stop:
                yield _last(call, stop.value, output_type)
                return
            if (delay := delay_of(requests)) > 0:
                time.sleep(delay)
            if (model := _streams(call, requests)) is None:
                replies = answer(call.model, requests)
                continue
            reading = _Reading(call, requests[0], output_type)
            try:
                with closing(pieces_within(reading.limit, model.stream(requests[0]))) as pieces:
                    for piece in pieces:
                        yield from reading.partials(piece)
                        if reading.ended:
                            break
                replies = [reading.reply()]
            except TimeoutError as error:
                replies = [reading.late(error)]
            except Exception as error:
                replies = [typed(call.model, error)]


async def _astream(call: Call, output_type: Any) -> AsyncIterator[Partial[Any]]:
    flow, replies = call.flow, None
    with call.record:
        while True:
            try:
                requests = flow.send(replies)  # type: ignore[arg-type]
            except StopIteration as stop:
                yield _last(call, stop.value, output_type)
                return
            if (delay := delay_of(requests)) > 0:
                await asyncio.sleep(delay)
            if (model := _streams(call, requests)) is None:
                replies = await answer_async(call.model, requests)
                continue
            reading = _Reading(call, requests[0], output_type)
            try:
                async with aclosing(apieces_within(reading.limit, model.astream(requests[0]))) as pieces:
                    async for piece in pieces:
                        for partial in reading.partials(piece):
                            yield partial
                        if reading.ended:
                            break
                replies = [reading.reply()]
            except TimeoutError as error:
                replies = [reading.late(error)]
            except Exception as error:
                replies = [typed(call.model, error)]


def _streams(call: Call, requests: Sequence[Request]) -> StreamingModel | None:
    """The model, if this is one request for an answer, and it can be streamed."""
    if len(requests) != 1 or requests[0].model is not None or requests[0].schema is not call.task.contract.schema:
        return None
    return call.model if isinstance(call.model, StreamingModel) else None


def _last(call: Call, result: Result[Any], output_type: Any) -> Partial[Any]:
    result = call.record.kept(result)
    data = None if result.accepted is None else result.attempts[result.accepted].data
    return Partial(None, len(result.attempts) - 1, result, output_type, lambda: result.raw, lambda: data)


def _repairer(contract: Contract[Any], level: RepairLevel) -> StreamRepairer | None:
    """What reads the answer as it comes; ``None`` for text, of which nothing is complete before its end."""
    if contract.format == "json" and level == "off":
        return StreamRepairer(None, level="safe")  # as it is written
    for format in ("json", "yaml", "csv"):
        if contract.format == format:
            return StreamRepairer(contract.schema, format=format, level="safe" if level == "off" else level)
    return None


class _Reading:
    """One answer, as it comes.

    Attributes:
        ended: whether nothing more has to be read.
        limit: seconds that may be waited for all of it; ``None`` is no limit.
    """

    def __init__(self, call: Call, request: Request, output_type: Any) -> None:
        self.ended = False
        self.limit = None if request.timeout is None else request.timeout + GRACE
        self._call, self._request, self._output_type = call, request, output_type
        self._attempt = len(call.task.attempts)
        contract, level = call.task.contract, call.task.repair
        self._stream = _repairer(contract, level)
        self._pieces: list[str] = []
        self._hope = Hope(contract, level) if contract.format == "json" else None
        self._started = time.monotonic()
        self._reply: Reply | None = None

    def partials(self, piece: str | Reply) -> Iterator[Partial[Any]]:
        if isinstance(piece, Reply):
            self._reply, self.ended = piece, True
            return
        self._pieces.append(piece)
        stream, pieces, number = self._stream, self._pieces, len(self._pieces)
        completed: list[Committed] = []
        if stream is not None:
            with suppress(RepairError):  # of a limit: the whole answer will say so, when it is there
                completed = stream.feed(piece)
        data = stream.snapshot().value if stream is not None else lambda: None
        yield Partial(
            stream.open if stream is not None else None, self._attempt, None, self._output_type,
            lambda: "".join(islice(pieces, number)), data,
        )
        if self._hope is not None and stream is not None:
            self._hope.look(completed)
            if stream.misfit is not None:
                self._hope.look([stream.misfit])
            self.ended = self._hope.fault is not None

    def reply(self) -> Reply:
        """The reply, or what there is of one that was not waited for.

        Raises:
            TransportError: the stream ended without one.
        """
        if self._reply is not None:
            return self._reply
        if self._hope is None or self._hope.fault is None:
            raise TransportError("the stream of the answer ended before the answer did", hint=_NO_REPLY)
        return self._unfinished("stop", self._hope.fault)

    def late(self, error: TimeoutError) -> Reply | TrellisError:
        """What there is of an answer when its time is over."""
        if self.limit is None:
            return typed(self._call.model, error)
        if not any(self._pieces):
            return late(self._call.model, self.limit - GRACE)
        return self._unfinished("timeout")

    def _unfinished(self, finish: Finish, fault: FieldError | None = None) -> Reply:
        text = "".join(self._pieces)
        blank = Reply(text, finish, self._request.mode, hopeless=fault)
        # What was written is not counted by anybody: four characters a token is near enough for a budget.
        return replace(blank, usage=replace(blank.usage, completion_tokens=-(-len(text) // 4),
                                            seconds=time.monotonic() - self._started))
