"""A limit on the processor time that goes into one schema or grammar, looked at where the work is done.

Every kind of work has a limit of its own, which ends it in the same way on any machine. The clock is behind them all:
many works that are each within their limits end too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import thread_time

from trellis.errors import LimitError, UsageError, shown

STEPS = 64  # between two looks at the clock
MAX_SECONDS = 1e9


class _Clock:
    def __init__(self, seconds: float, work: str) -> None:
        self.seconds, self.work, self.end, self.steps = seconds, work, thread_time() + seconds, 0


_clock: ContextVar[_Clock | None] = ContextVar("clock", default=None)


def is_over(error: LimitError) -> bool:
    """Whether an error says that the time is over: then nothing else can be tried."""
    return error.limit == "seconds"


@contextmanager
def limited(seconds: float, work: str = "the schema takes more than {} to lower") -> Iterator[None]:
    """What is done inside may take so much time of this thread's processor.

    Args:
        work: the message where it is over, with a place for the time.

    Raises:
        UsageError: no time of that length.
    """
    if not isinstance(seconds, int | float) or not 0 < seconds <= MAX_SECONDS:
        raise UsageError(f"max_seconds is {shown(seconds)}, which is no time that work may take",
                         hint="seconds, more than 0")
    token = _clock.set(_Clock(seconds, work))
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
            raise LimitError(clock.work.format(f"{clock.seconds:g} s"), limit="seconds",
                             hint="simplify it, or allow more with max_seconds")
