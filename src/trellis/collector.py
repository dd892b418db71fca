"""Pausing Python's garbage collector during work that makes many objects and leaves no cycles.

The collector would look through all of them again and again as they grow, and through the heap of a large process:
up to half of the time of reading a text that is full of errors, and a tenth of a second of lowering a schema.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_LONG = 20_000  # characters of a text for which it is worth it


@contextmanager
def collector_paused(characters: int = _LONG) -> Iterator[None]:
    """No collection of cycles meanwhile.

    Args:
        characters: of the text that is read; nothing is paused for a short one.
    """
    if characters < _LONG or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
