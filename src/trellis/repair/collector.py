"""Pausing Python's garbage collector while a long text is read.

A text that is full of errors becomes some objects for each of them, all of which stay until the text is read, and no
cycles. The collector would look through all of them again and again as they grow: up to half of the time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_LONG = 20_000  # characters of a text for which it is worth it


@contextmanager
def collector_paused(size: int) -> Iterator[None]:
    """No collection of cycles while a text of that many characters is read, if that is long."""
    if size < _LONG or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
