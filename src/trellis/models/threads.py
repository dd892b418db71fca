"""Threads for models that block, which hold nothing up at the end: Ctrl-C does not wait for a call that hangs."""

from __future__ import annotations

import contextvars
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")
U = TypeVar("U")

PATIENCE = 2.0
"""Seconds that calls under way have to end when the batch ends early."""


class Threads(ThreadPoolExecutor):
    """A pool of daemon threads; those of the standard library are waited for, however long it takes.

    Args:
        most: threads at the same time.
    """

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self._most = most
        self._line: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._line.put((future, lambda: function(*arguments, **named)))
        if len(self._workers) < self._most:
            worker = threading.Thread(target=self._work, daemon=True, name="trellis")
            self._workers.append(worker)
            worker.start()
        return future

    def _work(self) -> None:
        while (item := self._line.get()) is not None:
            future, call = item
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends the threads; those that are in a call get ``PATIENCE`` seconds for it."""
        for _ in self._workers:
            self._line.put(None)
        end = time.monotonic() + PATIENCE
        for worker in self._workers if wait else ():
            worker.join(max(0.0, end - time.monotonic()))


def each(function: Callable[[T], U], items: Sequence[T], most: int) -> list[U]:
    """What a function makes of each item, several at the same time. What has not begun when this ends early (Ctrl-C)
    never does; what is under way is left alone."""
    pool = Threads(min(most, max(1, len(items))))
    futures = [pool.submit(contextvars.copy_context().run, function, item) for item in items]
    try:
        return [future.result() for future in futures]
    finally:
        for future in futures:
            future.cancel()
        pool.shutdown(wait=False)


_SHARED: WeakKeyDictionary[asyncio.AbstractEventLoop, Threads] = WeakKeyDictionary()


def share(loop: asyncio.AbstractEventLoop, pool: Threads) -> None:
    """Has all calls of ``apart`` in a loop made by one pool, so many at the same time as it has threads."""
    _SHARED[loop] = pool


async def apart(function: Callable[..., U], *arguments: Any) -> U:
    """``asyncio.to_thread``, but for a thread that nobody waits for when the task is cancelled, or the loop ends."""
    import asyncio

    loop = asyncio.get_running_loop()
    pool = _SHARED.get(loop)
    own = Threads(1) if pool is None else pool
    call = contextvars.copy_context().run
    try:
        return await asyncio.wrap_future(own.submit(call, function, *arguments), loop=loop)
    finally:
        if pool is None:
            own.shutdown(wait=False)
