"""Ollama's own chat protocol, through the official ``ollama`` client (extra ``ollama``).

Of the modes, ``native`` is its ``format`` with a JSON Schema, which becomes a grammar of llama.cpp there, and ``json``
its ``format="json"``; tools cannot be forced there. The chat-completions protocol that Ollama speaks as well
(``OpenAIModel(dialect="ollama")``) has no ``top_k``, ``min_p`` or size of the context, beyond which prompts are cut;
here ``options={"num_ctx": 16384}`` says it.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from trellis.errors import (
    CapabilityError,
    MissingExtraError,
    TransportError,
    TrellisError,
    UnsupportedError,
    UsageError,
    shown,
)
from trellis.models.base import Reply, Request
from trellis.models.chat_events import ASKED_AGAIN
from trellis.models.openai_chat import with_schema
from trellis.models.refusals import refusals_of
from trellis.models.remote import Call, RemoteModel, count
from trellis.models.stainless import error_of
from trellis.result import Mode, Usage

MODES: tuple[Mode, ...] = ("native", "json", "prompt")
LOCAL = "http://localhost:11434"


class OllamaModel(RemoteModel):
    """A model that an Ollama server runs.

    Args:
        model: its name there.
        client: an ``ollama.Client`` or ``ollama.AsyncClient`` to use.
        host: the server, when no client is given (default: ``$OLLAMA_HOST``, else this machine).
        timeout: seconds for one request, when no client is given.
        options: Ollama's own options (``num_ctx``), sent with each request.

    Raises:
        MissingExtraError: the ``ollama`` package is not installed.
        UsageError: a client, timeout or option that is none, or no model.
    """

    _modes = MODES

    def __init__(self, model: str, *, client: Any = None, host: str | None = None, timeout: float = 600.0,
                 options: Mapping[str, Any] | None = None) -> None:
        self._sdk = _import_sdk()
        if client is not None and not isinstance(client, self._sdk.Client | self._sdk.AsyncClient):
            raise UsageError(f"client={shown(client)} is no ollama client", hint="client=ollama.Client(...)")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise UsageError(f"timeout={shown(timeout)} is no number of seconds")
        if not isinstance(model, str) or not model:
            raise UsageError(f"model={shown(model)} is no name of a model")
        if options is not None and not isinstance(options, Mapping):
            raise UsageError(f"options={shown(options)} are no options", hint='options={"num_ctx": 16384}')
        self.model = model
        self._options = dict(options or {})
        self._host = (host or os.environ.get("OLLAMA_HOST", "")).rstrip("/").removesuffix("/v1") or LOCAL
        self._timeout, self._given = timeout, client
        self._async: WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = WeakKeyDictionary()
        self._sync = self._make(self._sdk.Client) if client is None else client
        self._refusals = refusals_of(f"ollama {self._host}", model)

    @property
    def name(self) -> str:
        return f"ollama/{self.model}"

    def call(self, request: Request) -> Call:
        return _ChatCall(self.model, request, self._options)

    def client(self) -> Any:
        if isinstance(self._given, self._sdk.AsyncClient):
            raise CapabilityError("an AsyncClient cannot answer a synchronous call",
                                  hint="await agenerate_structured(...), or pass ollama.Client(...)")
        return self._sync

    def async_client(self) -> Any:
        if self._given is not None:
            return self._given if isinstance(self._given, self._sdk.AsyncClient) else None
        loop = asyncio.get_running_loop()
        if loop not in self._async:
            self._async[loop] = self._make(self._sdk.AsyncClient)
        return self._async[loop]

    def errors(self) -> AbstractContextManager[None]:
        return _errors(self._sdk, "" if self._given is not None else f" at {_public(self._host)}")

    def _make(self, kind: Any) -> Any:
        try:
            return kind(self._host, timeout=self._timeout)
        except Exception as error:  # the HTTP library's own, for an address that cannot be one
            raise UsageError(f"no client can be made for {_public(self._host)}: {error}",
                             hint='host is like "http://localhost:11434"') from error


class _ChatCall:
    """One request, and its answer."""

    def __init__(self, model: str, request: Request, options: Mapping[str, Any]) -> None:
        self.request = request
        self._started = time.monotonic()
        self._said: list[str] = []
        self._logprobs: list[Any] = []
        self._last: Any = None
        if request.mode not in MODES:
            raise UnsupportedError(f"Ollama's protocol has no mode {request.mode!r}", hint=", ".join(MODES))
        sampling = request.sampling
        drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k,
                 "min_p": sampling.min_p, "seed": sampling.seed, "stop": list(sampling.stop) or None,
                 "num_predict": sampling.max_tokens}
        form: Any = {"native": request.schema, "json": "json"}.get(request.mode)
        if request.mode == "native":
            with_schema(request)
        arguments = {
            "model": model, "messages": [{"role": one.role, "content": one.content} for one in request.messages],
            "format": form, "logprobs": sampling.logprobs or None,
            "options": {**options, **{name: value for name, value in drawn.items() if value is not None}} or None,
        }
        self.arguments = {name: value for name, value in arguments.items() if value is not None}

    def send(self, client: Any) -> Any:
        return client.chat(**self.arguments)

    def open(self, client: Any) -> Any:
        opened = client.chat(**self.arguments, stream=True)
        return _Lines(opened) if hasattr(opened, "__next__") else _opened(opened)

    def take(self, event: Any) -> str:
        piece = _content(event)
        self._said.append(piece)
        self._logprobs += event.logprobs or ()
        self._last = event if event.done else self._last
        return piece

    def end(self) -> Reply:
        if self._last is None:
            raise TransportError("the server broke off in the middle of an answer", hint=ASKED_AGAIN)
        return self._reply(self._last, "".join(self._said), self._logprobs)

    def reply(self, answer: Any) -> Reply:
        return self._reply(answer, _content(answer), answer.logprobs)

    def _reply(self, answer: Any, text: str, logprobs: Any) -> Reply:
        return Reply(text, "length" if answer.done_reason == "length" else "stop", self.request.mode,
                     Usage(1, count(answer, "prompt_eval_count"), count(answer, "eval_count"),
                           time.monotonic() - self._started),
                     answer.model or "", token_logprobs=tuple(one.logprob for one in logprobs or ()) or None)


def _content(answer: Any) -> str:
    """The text of a message; the client checks its form, but lets it be left out."""
    message = getattr(answer, "message", None)
    if message is None:
        raise TransportError("the server's reply cannot be read: it is no message",
                             hint="does host lead to an Ollama server?")
    return str(message.content or "")


class _Lines:
    """A stream, which can be left as those of other clients can."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[Any]:
        return iter(self._lines)

    def __aiter__(self) -> AsyncIterator[Any]:
        return aiter(self._lines)

    def close(self) -> None:
        self._lines.close()

    async def __aenter__(self) -> _Lines:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._lines.aclose()


async def _opened(opening: Any) -> _Lines:
    return _Lines(await opening)


@contextmanager
def _errors(sdk: Any, place: str) -> Iterator[None]:
    """Turns the client's errors, of a server at some place, into ours."""
    try:
        yield
    except TrellisError:
        raise
    except sdk.ResponseError as error:
        if error.status_code < 0:  # in the middle of a stream
            raise TransportError(f"the server broke off with an error: {error.error[:300]}") from error
        raise error_of(error.status_code, str(error.error), hint="ollama list has the models") from error
    except Exception as error:  # of the HTTP library; or the body is no JSON, or not what the protocol says
        late = "timeout" in type(error).__name__.lower()
        raise TransportError(f"the server{place} did not answer in time" if late else
                             f"the server{place} could not be reached, or not be read: {str(error)[:300]}",
                             hint="a longer timeout=" if late else "is Ollama running, and host right?") from error


def _public(host: str) -> str:
    """An address without what may be secret in it."""
    url = urlsplit(host if "://" in host else f"http://{host}")
    return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"


def _import_sdk() -> Any:
    try:
        import ollama
    except ImportError as error:
        raise MissingExtraError("Ollama's own protocol needs the ollama package", extra="ollama") from error
    return ollama
