"""A limit on the processor time that goes into one schema, looked at where the work is done.

Every kind of work has a limit of its own, which ends it in the same way on any machine. The clock is behind them all:
many works that are each within their limits end too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

from trellis.errors import LimitError

STEPS = 64  # between two looks at the clock


class _Clock:
    def __init__(self, seconds: float) -> None:
        self.seconds, self.end, self.steps = seconds, thread_time() + seconds, 0


_clock: ContextVar[_Clock | None] = ContextVar("clock", default=None)


def is_over(error: LimitError) -> bool:
    """Whether an error says that the time is over: then nothing else can be tried."""
    return error.limit == "seconds"


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """What is done inside may take so much time of this thread's processor."""
    token = _clock.set(_Clock(seconds))
    try:
        yield
    finally:
        _clock.reset(token)


def spend(steps: int = 1) -> None:
    """Some steps of about ten microseconds are done.

    Raises:
        LimitError: the time is over.
    """
    clock = _clock.get()
    if clock is None:
        return
    clock.steps += steps
    if clock.steps >= STEPS:
        clock.steps = 0
        if thread_time() > clock.end:
            raise LimitError(f"the schema takes more than {clock.seconds:.1f} s to lower", limit="seconds",
                             hint="simplify it, or allow more with max_seconds")
