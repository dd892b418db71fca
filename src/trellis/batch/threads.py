"""Threads for models that block, which hold nothing up at the end: Ctrl-C does not wait for a call that hangs."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

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
            worker = threading.Thread(target=self._work, daemon=True, name="generate_many")
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
