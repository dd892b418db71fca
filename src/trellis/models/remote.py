"""Models behind a server: requests sent by an official client, at once and at the same time, sync or async.

What is particular to a protocol is a ``Call``: one request in the protocol's words, and its answer in ours. The sync
and the async client of an SDK take the same arguments, so a call is written once: ``send`` returns the answer of the
one, and of the other what there is to await.
"""

from __future__ import annotations

import asyncio
import re
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, runtime_checkable

from trellis.errors import TrellisError
from trellis.models.base import Reply, Request
from trellis.models.refusals import Refusals
from trellis.models.threads import apart, each
from trellis.result import Mode

MAX_PARALLEL = 64
"""Requests of one ``complete`` that are under way at the same time."""


class Call(Protocol):
    """One request in a protocol's words."""

    def send(self, client: Any) -> Any:
        """The answer, or what to await for it, whichever the client gives."""
        ...

    def reply(self, answer: Any) -> Reply:
        """The answer in our words.

        Raises:
            TransportError: it is not what the protocol says.
        """
        ...


@runtime_checkable
class StreamedCall(Call, Protocol):
    """A call whose answer can be read while it is written."""

    def open(self, client: Any) -> Any:
        """The events, to iterate over; with an asynchronous client, what to await for them."""
        ...

    def take(self, event: Any) -> str:
        """The text that an event adds to the answer."""
        ...

    def end(self) -> Reply:
        """The reply that all events make.

        Raises:
            TransportError: they ended before the answer did.
        """
        ...


class RemoteModel(ABC):
    """A model behind a server."""

    _modes: tuple[Mode, ...]
    _refusals: Refusals

    @property
    @abstractmethod
    def name(self) -> str: ...

    @property
    def identity(self) -> str:
        """The name and the server, for caches: two servers may call two models by one name."""
        return f"{self.name} {self._refusals.server}"

    @property
    def modes(self) -> tuple[Mode, ...]:
        """What the server can enforce, the best first; without what it has refused for every type so far, or was
        found to ignore by ``probe``."""
        return self._refusals.left_of(self._modes)

    def modes_of(self, schema: Any) -> tuple[Mode, ...]:
        """``modes`` without those that the server has refused for a type with this JSON Schema."""
        return self._refusals.left_of(self._modes, schema)

    def ignores(self, mode: Mode) -> None:
        """Notes that the server takes a mode and does not keep to it: it is not among the modes any more."""
        self._refusals.ignored(mode)

    @abstractmethod
    def call(self, request: Request) -> Call:
        """A request in the protocol's words.

        Raises:
            UnsupportedError: the mode has no form for the type.
        """

    @abstractmethod
    def client(self) -> Any:
        """The synchronous client."""

    @abstractmethod
    def async_client(self) -> Any:
        """The asynchronous client of this event loop; ``None`` if only a synchronous one was given."""

    @abstractmethod
    def errors(self) -> AbstractContextManager[None]:
        """Turns the client's errors into ours."""

    def named(self, client: Any) -> Any:
        """Finds out the model's name with a client, where none was given; what to await, with an asynchronous one."""
        return None

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        client = self.client()
        if len(requests) == 1:
            return [self._complete(client, requests[0])]
        return each(lambda request: self._complete(client, request), requests, MAX_PARALLEL)

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        client = self.async_client()
        if client is None:
            return await apart(self.complete, requests)
        if len(requests) == 1:  # a task of its own would cost more than the rest of this
            return [await self._acomplete(client, requests[0])]
        return list(await asyncio.gather(*(self._acomplete(client, request) for request in requests)))

    def _complete(self, client: Any, request: Request) -> Reply | Exception:
        try:
            with self.errors():
                self.named(client)
                call = self.call(request)
                return self._noted(request, call.reply(call.send(client)))
        except TrellisError as error:
            return self._noted(request, error)

    async def _acomplete(self, client: Any, request: Request) -> Reply | Exception:
        try:
            with self.errors():
                if (naming := self.named(client)) is not None:
                    await naming
                call = self.call(request)
                return self._noted(request, call.reply(await call.send(client)))
        except TrellisError as error:
            return self._noted(request, error)

    def stream(self, request: Request) -> Generator[str | Reply, None, None]:
        """Pieces of the answer as they come, then the reply; a protocol without streams gives it in one piece.

        Raises:
            ModelError: no answer came, or it broke off.
        """
        client = self.client()
        try:
            with self.errors():
                self.named(client)
                call = self.call(request)
                if isinstance(call, StreamedCall):
                    with closing(call.open(client)) as events:
                        for event in events:
                            if piece := call.take(event):
                                yield piece
                    reply = call.end()
                else:
                    reply = call.reply(call.send(client))
                    yield reply.text
        except TrellisError as error:
            self._noted(request, error)
            raise
        self._noted(request, reply)
        yield reply

    async def astream(self, request: Request) -> AsyncGenerator[str | Reply, None]:
        """``stream``, asynchronous."""
        client = self.async_client()
        if client is None:
            pieces = self.stream(request)
            while (piece := await apart(next, pieces, None)) is not None:
                yield piece
            return
        try:
            with self.errors():
                if (naming := self.named(client)) is not None:
                    await naming
                call = self.call(request)
                if isinstance(call, StreamedCall):
                    async with await call.open(client) as events:
                        async for event in events:
                            if piece := call.take(event):
                                yield piece
                    reply = call.end()
                else:
                    reply = call.reply(await call.send(client))
                    yield reply.text
        except TrellisError as error:
            self._noted(request, error)
            raise
        self._noted(request, reply)
        yield reply

    def _noted(self, request: Request, came: Reply | Exception) -> Reply | Exception:
        self._refusals.note(request, came)
        return came


class Clients:
    """The clients of an SDK that Stainless generates (``openai``, ``anthropic``): made once, an asynchronous one for
    each event loop, or the one that was given.

    Args:
        given: a client of the caller's, or ``None``.
        sync_kind, async_kind: the SDK's classes.
        make: makes a client of one of them.
    """

    def __init__(self, given: Any, sync_kind: type, async_kind: type, make: Callable[[type], Any]) -> None:
        from weakref import WeakKeyDictionary

        self.given, self.sync_kind, self.async_kind, self._make = given, sync_kind, async_kind, make
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._sync = make(sync_kind) if given is None else given
        self.base_url = str(self._sync.base_url)
        if given is not None:  # the strategy owns retries; the caller's client is not changed
            self.given = given.with_options(max_retries=0)

    def sync(self) -> Any:
        """The synchronous client; ``None`` if an asynchronous one was given."""
        if self.given is None:
            return self._sync
        return None if isinstance(self.given, self.async_kind) else self.given

    def of_loop(self) -> Any:
        """The asynchronous client of this loop (connections belong to one); ``None`` if a synchronous was given."""
        if self.given is not None:
            return self.given if isinstance(self.given, self.async_kind) else None
        loop = asyncio.get_running_loop()
        if loop not in self._async:
            self._async[loop] = self._make(self.async_kind)
        return self._async[loop]

    async def release(self) -> None:
        """Closes the asynchronous client of this loop, if it is ours."""
        client = self._async.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()


def transport_of(sdk: Any, kind: type) -> dict[str, Any]:
    """The HTTP client of an asynchronous client of an SDK. Its own kind, when it is collected, closes itself in a loop
    of that time, which is not that of its connections, and leaves an error on standard error."""
    default = getattr(sdk, "DefaultAsyncHttpxClient", None)
    return {"http_client": default()} if default is not None and kind.__name__.startswith("Async") else {}


def retry_after(headers: Any) -> float | None:
    """Seconds, from ``retry-after-ms`` or ``Retry-After`` (a number or a date)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after")
        if value is None:
            return None
        if re.fullmatch(r"\s*\d+(\.\d+)?\s*", value):
            return float(value)
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def identifier(name: str) -> str:
    """A type's name as servers take it: ASCII letters, digits and underscores, 64 at most."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)[:64] or "Answer"


def count(usage: Any, name: str) -> int:
    """A number of tokens; 0 where the server says nothing that can be."""
    number = getattr(usage, name, None)
    return number if isinstance(number, int) and number > 0 else 0
