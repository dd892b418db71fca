"""Every provider that LiteLLM knows, through the ``litellm`` package (extra ``litellm``).

It speaks chat completions to us and the provider's own protocol to the provider. Its retries are off, and it may not
leave out parameters that a provider does not know (``drop_params``): a mode would then be ignored in silence.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from trellis.errors import MissingExtraError, TransportError, UsageError, shown
from trellis.models.base import Reply, Request
from trellis.models.chat_events import ASKED_AGAIN
from trellis.models.dialects import Dialect
from trellis.models.lowering import OPENAI
from trellis.models.openai_chat import ChatCall
from trellis.models.refusals import refusals_of
from trellis.models.remote import Call, RemoteModel
from trellis.models.stainless import errors_of

_DIALECT = Dialect(OPENAI)
"""The strict subset, since a provider's own is not told; what it leaves out is checked here."""


class LiteLLMModel(RemoteModel):
    """A model by its name in LiteLLM (``"gemini/..."``, ``"bedrock/..."``).

    Args:
        model: the name; keys come from the environment variables that LiteLLM documents.
        timeout: seconds for one request.
        **settings: passed to ``litellm.completion`` with each request (``api_base``, ``api_key``, ``extra_headers``).

    Raises:
        MissingExtraError: the ``litellm`` package is not installed.
        UsageError: no name.
    """

    def __init__(self, model: str, *, timeout: float = 120.0, **settings: Any) -> None:
        self._sdk = _import_sdk()
        if not isinstance(model, str) or not model:
            raise UsageError(f"model={shown(model)} is no name of a model")
        self.model = model
        self._timeout = timeout
        self._settings = settings
        self._modes = _DIALECT.modes
        self._refusals = refusals_of(f"litellm {settings.get('api_base', '')}", model)

    @property
    def name(self) -> str:
        return f"litellm/{self.model}"

    def call(self, request: Request) -> Call:
        return _LiteLLMCall(self.model, request, _DIALECT, self._timeout, self._settings)

    def client(self) -> Any:
        return self._sdk.completion

    def async_client(self) -> Any:
        return self._sdk.acompletion

    def errors(self) -> AbstractContextManager[None]:
        import openai  # LiteLLM's exceptions are subclasses of this package's

        return errors_of(openai, "the provider's key in the environment")


class _LiteLLMCall:
    """A chat completion through LiteLLM."""

    def __init__(self, model: str, request: Request, dialect: Dialect, timeout: float, settings: Any) -> None:
        self._chat = ChatCall(model, request, dialect, timeout)
        self.arguments = {"timeout": timeout, **self._chat.arguments, "max_retries": 0, "num_retries": 0,
                          "drop_params": False, **settings}

    def send(self, client: Callable[..., Any]) -> Any:
        return client(**self.arguments)

    def open(self, client: Callable[..., Any]) -> Any:
        opened = client(**self.arguments, stream=True, stream_options={"include_usage": True})
        return self._aopened(opened) if inspect.isawaitable(opened) else self._opened(opened)

    def _opened(self, events: Any) -> _Events:
        self._events = _Events(events)
        return self._events

    async def _aopened(self, opening: Any) -> _Events:
        return self._opened(await opening)

    def take(self, event: Any) -> str:
        return self._chat.take(event)

    def end(self) -> Reply:
        self._events.check()
        return self._chat.end()

    def reply(self, answer: Any) -> Reply:
        return self._chat.reply(answer)


class _Events:
    """LiteLLM's stream, which can be left as the official clients' can."""

    def __init__(self, events: Any) -> None:
        self._events = events

    def __iter__(self) -> Iterator[Any]:
        return iter(self._events)

    def __aiter__(self) -> AsyncIterator[Any]:
        return aiter(self._events)

    def check(self) -> None:
        """LiteLLM makes up an end where a stream has none.

        Raises:
            TransportError: this one has none.
        """
        ends = [getattr(self._events, f"{kind}_finish_reason", "unknown") for kind in ("received", "intermittent")]
        if not any(ends):
            raise TransportError("the server broke off in the middle of an answer", hint=ASKED_AGAIN)

    def close(self) -> None:
        close = getattr(getattr(self._events, "completion_stream", None), "close", None)
        if close is not None:
            close()

    async def __aenter__(self) -> _Events:
        return self

    async def __aexit__(self, *_: object) -> None:
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()


def _import_sdk() -> Any:
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # or its import asks the network for prices
    try:
        import litellm
    except ImportError as error:
        raise MissingExtraError("this provider needs the litellm package", extra="litellm") from error
    return litellm
