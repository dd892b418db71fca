"""Waiting no longer than there is time for, also where a model does not keep to its time itself.

A call that is late is left alone, not ended: Python cannot end a thread. Its thread does not hold the program up.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import TypeVar

T = TypeVar("T")

GRACE = 0.25
"""Seconds more than a model was told, for those that keep to their time and then say what they have."""

_END = object()


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call returns, or raises.

    Raises:
        TimeoutError: it has not returned in time.
    """

    def once() -> Generator[T, None, None]:
        yield call()

    return next(pieces_within(seconds, once()))


def pieces_within(seconds: float | None, pieces: Generator[T, None, None]) -> Generator[T, None, None]:
    """What a generator yields; ``None`` is all the time that it takes.

    Raises:
        TimeoutError: the next piece has not come in time.
    """
    if seconds is None:
        with closing(pieces):
            yield from pieces
        return
    import time

    end = time.monotonic() + seconds
    line: queue.SimpleQueue[tuple[object, T | BaseException | None]] = queue.SimpleQueue()
    given_up = threading.Event()

    def read() -> None:
        try:
            with closing(pieces):
                for piece in pieces:
                    line.put((None, piece))
                    if given_up.is_set():
                        break
            line.put((_END, None))
        except BaseException as error:
            line.put((_END, error))

    threading.Thread(target=contextvars.copy_context().run, args=(read,), daemon=True, name="trellis").start()
    try:
        while True:
            try:
                mark, item = line.get(timeout=max(0.0, min(end - time.monotonic(), threading.TIMEOUT_MAX)))
            except queue.Empty:
                raise TimeoutError from None
            if mark is _END:
                if isinstance(item, BaseException):
                    raise item
                return
            yield item  # type: ignore[misc]
    finally:
        given_up.set()


async def apieces_within(seconds: float | None, pieces: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """``pieces_within`` for an asynchronous generator."""
    import asyncio

    end = None if seconds is None else asyncio.get_running_loop().time() + seconds
    async with aclosing(pieces):
        while True:
            try:
                async with asyncio.timeout_at(end):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            yield piece
