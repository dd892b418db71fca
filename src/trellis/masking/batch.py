"""Masks for a whole batch of sequences."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Any

from trellis.errors import UsageError
from trellis.masking.compiled import Matcher, engine_errors


def fill_bitmasks(matchers: Sequence[Matcher], bitmask: Any, *, threads: int | None = None) -> None:
    """Fill row i of a bitmask with the mask of matcher i, as :meth:`Matcher.fill_bitmask` does.

    Masks that are not known yet are computed without the interpreter's lock, by several threads where that helps: the
    grammars of one vocabulary share tables, and share a thread while these serve them all.

    Args:
        matchers: sequences over one vocabulary, of any grammars.
        bitmask: C-contiguous int32, [rows, words], with a row for each matcher (``allocate_bitmask``).
        threads: at most so many; the machine's processors when not given.

    Raises:
        MaskError: no token is allowed for one of them, or a wrong buffer.
    """
    if len({id(matcher.compiled.vocabulary) for matcher in matchers}) > 1:
        raise UsageError("a batch has one vocabulary")
    if any(matcher.compiled.engine != "kernel" for matcher in matchers):
        for row, matcher in enumerate(matchers):
            matcher.fill_bitmask(bitmask, row)
        return
    with engine_errors():
        importlib.import_module("trellis_kernel").fill_bitmasks([matcher._raw for matcher in matchers], bitmask,
                                                                threads or os.cpu_count() or 1)
