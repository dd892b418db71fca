"""A model that says what it is told to: the test double for conversations."""

from __future__ import annotations

import threading
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from uuid import uuid4

from trellis.errors import ModelError, UsageError, shown
from trellis.models.base import Reply, Request, checked_modes
from trellis.result import Mode

CHUNK = 4
"""Characters of an answer in one piece of a stream."""


class ScriptedModel:
    """Answers from a list, in order; an exception in the list is what comes instead of an answer.

    Args:
        script: answers as text, ``Reply`` or exception.
        modes: what it says that it can enforce. It enforces nothing: that is what the script is for.
        name: how it calls itself; scripts of one name share what a cache keeps.

    Attributes:
        requests: every request so far, for assertions.

    Raises:
        UsageError: the script is no list of those, or the modes are none.
    """

    def __init__(self, script: Iterable[str | Reply | Exception], *, modes: Sequence[Mode] = ("prompt",),
                 name: str = "") -> None:
        self.name = name or "scripted"
        self.identity = name or f"scripted {uuid4().hex}"  # a cache keeps replies of scripts without a name apart
        self.modes = checked_modes(modes)
        self.requests: list[Request] = []
        self._script = _checked(script)
        self._lock = threading.Lock()

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        return [self._next(request) for request in requests]

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        return self.complete(requests)

    def stream(self, request: Request) -> Generator[str | Reply, None, None]:
        """The answer in pieces of ``CHUNK`` characters."""
        said = self._next(request)
        if isinstance(said, Exception):
            raise said
        for place in range(0, len(said.text), CHUNK):
            yield said.text[place : place + CHUNK]
        yield said

    async def astream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        for piece in self.stream(request):
            yield piece

    def _next(self, request: Request) -> Reply | Exception:
        with self._lock:
            place = len(self.requests)
            self.requests.append(request)
        if place >= len(self._script):
            answers = "1 answer" if len(self._script) == 1 else f"{len(self._script)} answers"
            return ModelError(f"the script has {answers}, and this is request {place + 1}",
                              hint="a run asks again after a bad answer; give more answers, or strategy=Retry(0)")
        said = self._script[place]
        return Reply(said, enforced=request.mode, model=self.name) if isinstance(said, str) else said


def _checked(script: Iterable[str | Reply | Exception]) -> list[str | Reply | Exception]:
    if isinstance(script, str) or not isinstance(script, Iterable):
        raise UsageError(f"a script is a list of answers, not {shown(script)}", hint='ScriptedModel(["..."])')
    answers = list(script)
    for answer in answers:
        if not isinstance(answer, str | Reply | Exception):
            raise UsageError(f"{shown(answer)} in a script is no answer", hint="a str, a Reply, or an exception")
    return answers
