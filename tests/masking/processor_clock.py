"""A limit on the processor's time of one case, in the main thread."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class TimeIsUp(BaseException):
    """Raised inside the case; no handler of ordinary exceptions takes it."""


def _stop(*_: Any) -> None:
    raise TimeIsUp


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raises ``TimeIsUp`` after so many seconds of the processor; 0 is no limit."""
    signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
