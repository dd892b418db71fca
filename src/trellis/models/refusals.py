"""What a server refused: which modes it does not take, so that nothing is asked for in vain a second time.

A server may refuse a mode itself (it has no tool calls) or what one type makes of it (its schema mode does not know a
keyword); the words of the error do not tell reliably. So a mode is given up for a type when a request in it was
refused and the same conversation was then answered in another mode; and for the server when that has happened with
two different types and never was the mode answered.
"""

from __future__ import annotations

import json
import threading
from functools import lru_cache
from typing import Any

from trellis.errors import RequestRejectedError
from trellis.models.base import Reply, Request
from trellis.result import Mode

REFUSED = (400, 404, 405, 415, 422, 501)
"""HTTP statuses with which servers answer to a parameter that they do not know."""
ENOUGH = 2
"""So many different types have to be refused before a mode is given up for all."""
MAX_SUSPECTS = 1_000


class Refusals:
    """The memory of one server and model. May be shared between threads."""

    def __init__(self, server: str) -> None:
        self.server = server
        self._lock = threading.Lock()
        self._suspects: dict[tuple[Any, ...], tuple[Mode, str]] = {}
        self._refused: dict[Mode, set[str]] = {}
        self._answered: set[Mode] = set()
        self._ignored: set[Mode] = set()

    def note(self, request: Request, came: Reply | Exception) -> None:
        """Takes in what came of a request."""
        if not self._suspects and (request.mode == "prompt" or (
                isinstance(came, Reply) and (came.enforced != request.mode or request.mode in self._answered))):
            return  # there is nothing to learn
        of_type = _type_of(request.schema)
        with self._lock:
            if isinstance(came, RequestRejectedError) and came.status in REFUSED:
                if request.mode != "prompt" and len(self._suspects) < MAX_SUSPECTS:
                    self._suspects[request.messages, of_type, request.mode] = (request.mode, of_type)
            elif isinstance(came, Reply):
                if came.enforced == request.mode:
                    self._answered.add(request.mode)
                for key in [key for key in self._suspects if key[:2] == (request.messages, of_type)]:
                    mode, refused_type = self._suspects.pop(key)
                    if mode != request.mode:
                        self._refused.setdefault(mode, set()).add(refused_type)

    def ignored(self, mode: Mode) -> None:
        """Notes that the server takes a mode and does not keep to it."""
        with self._lock:
            self._ignored.add(mode)

    def left_of(self, modes: tuple[Mode, ...], schema: Any = None) -> tuple[Mode, ...]:
        """The modes without those that were given up, also for a type where its schema is given."""
        of_type = _type_of(schema) if self._refused else ""
        with self._lock:
            return tuple(mode for mode in modes if mode == "prompt" or not (
                mode in self._ignored or of_type in self._refused.get(mode, ()) or
                (len(self._refused.get(mode, ())) >= ENOUGH and mode not in self._answered)))


@lru_cache(maxsize=256)
def refusals_of(server: str, model: str) -> Refusals:
    """The memory of a model on a server, the same for every object that stands for it in this process."""
    return Refusals(server)


def _type_of(schema: Any) -> str:
    return "" if schema is None else json.dumps(schema, sort_keys=True, default=repr)
