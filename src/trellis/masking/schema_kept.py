"""Grammars of schemas that were seen before: asking again costs a look-up.

A schema is known by its bytes in ``pickle``'s format: they keep the order of properties, tell 1 from 1.0 and true, and
say what is shared once, so that they are no longer than what they are of. A schema that holds anything but JSON's
types (a mapping that is no dict may read as it likes) is lowered each time.
"""

from __future__ import annotations

import pickle
import threading
from collections import OrderedDict
from hashlib import blake2b
from io import BytesIO
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from trellis.masking.grammar import Grammar

KEPT = 64  # grammars, with what they were compiled to

_grammars: OrderedDict[bytes, Grammar] = OrderedDict()
_lock = threading.Lock()


class _Plain(pickle.Pickler):
    """Writes Python's own types only."""

    def reducer_override(self, value: object) -> NoReturn:
        raise pickle.PicklingError(f"{type(value).__name__} is no JSON")


def bytes_of(schema: Any, options: tuple[Any, ...]) -> bytes | None:
    """The same bytes only for schemas that say the same in the same order, with the same options."""
    written = BytesIO()
    try:
        _Plain(written, pickle.HIGHEST_PROTOCOL).dump((schema, options))
    except (pickle.PicklingError, RecursionError):
        return None
    return written.getvalue()


def schema_of(written: bytes) -> Any:
    """A copy of the schema, which nobody else can change; bytes in its place cost the garbage collector nothing."""
    return pickle.loads(written)[0]


def find(written: bytes) -> Grammar | None:
    """The grammar that was kept for these bytes, if it still is."""
    key = blake2b(written).digest()
    with _lock:
        if key not in _grammars:
            return None
        _grammars.move_to_end(key)
        return _grammars[key]


def keep(written: bytes, grammar: Grammar) -> None:
    """Keep a grammar; the one that was not asked for the longest is let go."""
    with _lock:
        _grammars[blake2b(written).digest()] = grammar
        if len(_grammars) > KEPT:
            _grammars.popitem(last=False)
