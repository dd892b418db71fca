"""A function as a model: any client library, a heuristic, a test double."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from trellis.errors import CapabilityError, ModelError, TrellisError, UsageError, message_of, shown
from trellis.models.base import Reply, Request, checked_modes
from trellis.models.threads import apart, each
from trellis.result import Mode, Usage

MAX_PARALLEL = 64
"""Calls of a function at the same time."""


class FunctionModel:
    """Calls a function for each answer; for several answers at the same time, from several threads.

    Args:
        function: takes the prompt as text, or the ``Request`` when its first parameter is annotated as one; returns the
            answer as text or ``Reply``. May be a coroutine function, for ``agenerate_structured``.
        modes: what it can enforce; a function that takes text enforces nothing.
        name: how it calls itself, the function's name if not given. Models of one name that was given share what a
            cache keeps; without one, functions of a module do, and lambdas, methods and partials are apart.

    Raises:
        UsageError: the function is none, or the modes are none.
    """

    def __init__(self, function: Callable[..., Any], *, modes: Sequence[Mode] = ("prompt",), name: str = "") -> None:
        if not callable(function):
            raise UsageError(f"{shown(function)} is no function", hint="FunctionModel(lambda prompt: ...)")
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.modes = checked_modes(modes)
        self.identity = name or _identity(function, self.name)
        self._function = function
        self._takes_request = _takes_request(function)
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None))  # noqa: B004  an object with an async __call__

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        if self._is_async:
            raise CapabilityError(f"{self.name} is a coroutine function", hint="await agenerate_structured(...)")
        if len(requests) == 1:
            return [self._one(requests[0])]
        return each(self._one, requests, MAX_PARALLEL)

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        import asyncio

        if self._is_async:
            return list(await asyncio.gather(*map(self._aone, requests)))
        return list(await asyncio.gather(*(apart(self._one, request) for request in requests)))

    def _one(self, request: Request) -> Reply | Exception:
        started = time.monotonic()
        try:
            said = self._function(request if self._takes_request else prompt_text(request))
        except Exception as error:
            return self._failed(error)
        return self._reply(request, said, time.monotonic() - started)

    async def _aone(self, request: Request) -> Reply | Exception:
        started = time.monotonic()
        try:
            said = await self._function(request if self._takes_request else prompt_text(request))
        except Exception as error:
            return self._failed(error)
        return self._reply(request, said, time.monotonic() - started)

    def _failed(self, error: Exception) -> TrellisError:
        if isinstance(error, TrellisError):
            return error
        wrapped = ModelError(f"{self.name} raised {type(error).__name__}: {message_of(error)}",
                             hint="raise trellis.TransportError for what may work later")
        wrapped.__cause__ = error
        return wrapped

    def _reply(self, request: Request, said: Any, seconds: float) -> Reply | Exception:
        if isinstance(said, Reply):
            return said
        if isinstance(said, str):
            enforced: Mode = request.mode if self._takes_request else "prompt"
            return replace(Reply(said, enforced=enforced, model=self.name), usage=Usage(calls=1, seconds=seconds))
        return ModelError(f"{self.name} returned {type(said).__name__}, not text", hint="return a str or a Reply")


def prompt_text(request: Request) -> str:
    """A request's messages as one text: the message itself if there is one, else each under its role."""
    if len(request.messages) == 1:
        return request.messages[0].content
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in request.messages)


def _takes_request(function: Callable[..., Any]) -> bool:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    wanted = parameters[0].annotation if parameters else None
    return wanted is Request or (isinstance(wanted, str) and wanted.rsplit(".", 1)[-1] == "Request")


def _identity(function: Any, name: str) -> str:
    """A function of a module by its name; what has none of its own (a lambda, a method, a partial) is only itself."""
    module, path = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    if inspect.isfunction(function) and module and not set("<>") & set(path) and not function.__closure__:
        return f"{name} {module}.{path}"
    return f"{name} {uuid4().hex}"
