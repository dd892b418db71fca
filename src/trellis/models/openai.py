"""OpenAI and every server that speaks its protocols, through the official ``openai`` client (extra ``openai``).

Serves OpenAI itself, vLLM, SGLang, llama-server, Ollama and proxies; ``dialects`` says what each adds. The client's own
retries are off: strategies own them, and are told of ``Retry-After``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from trellis.errors import AuthenticationError, CapabilityError, MissingExtraError, UnknownModelError, UsageError, shown
from trellis.models.base import Request
from trellis.models.dialects import Dialect, dialect_of
from trellis.models.openai_chat import ChatCall
from trellis.models.openai_responses import ResponsesCall
from trellis.models.refusals import refusals_of
from trellis.models.remote import Call, Clients, RemoteModel, transport_of
from trellis.models.stainless import errors_of
from trellis.result import Mode

if TYPE_CHECKING:
    import openai as sdk

APIS: Mapping[str, Callable[[str, Request, Dialect, float], Call]] = MappingProxyType({
    "chat": ChatCall, "responses": ResponsesCall})
RESPONSES_MODES: tuple[Mode, ...] = ("native", "tools", "json", "prompt")


class OpenAIModel(RemoteModel):
    """A model behind an OpenAI-compatible server.

    Args:
        model: its name there; may be left out when the server has only one.
        client: an ``openai.OpenAI`` or ``openai.AsyncOpenAI`` to use; it is not changed.
        base_url: the server, when no client is given (default: ``$OPENAI_BASE_URL``, else OpenAI).
        api_key: the key, when no client is given (default: ``$OPENAI_API_KEY``; another server may need none).
        timeout: seconds for one request.
        api: the protocol: chat completions, which every server speaks, or OpenAI's responses.
        dialect: what the server adds to the protocol: ``"openai"``, ``"vllm"``, ``"sglang"``, ``"llama-server"``,
            ``"ollama"`` and so on (``trellis.models.dialects``); ``None``: by its host.

    Raises:
        MissingExtraError: the ``openai`` package is not installed.
        AuthenticationError: no key.
        UsageError: a client, timeout, address, api or dialect that is none.
    """

    def __init__(self, model: str = "", *, client: Any = None, base_url: str | None = None, api_key: str | None = None,
                 timeout: float = 120.0, api: Literal["chat", "responses"] = "chat",
                 dialect: str | None = None) -> None:
        self._sdk = _import_sdk()
        if client is not None and not isinstance(client, self._sdk.OpenAI | self._sdk.AsyncOpenAI):
            raise UsageError(f"client={shown(client)} is no openai client", hint="client=openai.OpenAI(...)")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise UsageError(f"timeout={shown(timeout)} is no number of seconds")
        if api not in APIS:
            raise UsageError(f"api={shown(api)} is no protocol", hint=f"one of {', '.join(APIS)}")
        self.model, self.api = model, api
        self._timeout = timeout
        self._settings = {name: value for name, value in (("base_url", base_url), ("api_key", api_key))
                          if value is not None}
        self._clients = Clients(client, self._sdk.OpenAI, self._sdk.AsyncOpenAI, self._make)
        self.dialect = dialect_of(dialect, urlsplit(self._clients.base_url).hostname or "")
        self._modes = self.dialect.modes if api == "chat" else RESPONSES_MODES
        self._refusals = refusals_of(self._clients.base_url, f"{api}/{model}")

    @property
    def name(self) -> str:
        return f"openai/{self.model}"

    def call(self, request: Request) -> Call:
        return APIS[self.api](self.model, request, self.dialect, self._timeout)

    def client(self) -> sdk.OpenAI:
        client: sdk.OpenAI | None = self._clients.sync()
        if client is None:
            raise CapabilityError("an AsyncOpenAI client cannot answer a synchronous call",
                                  hint="await agenerate_structured(...), or pass openai.OpenAI(...)")
        return client

    def async_client(self) -> sdk.AsyncOpenAI | None:
        client: sdk.AsyncOpenAI | None = self._clients.of_loop()
        return client

    def errors(self) -> AbstractContextManager[None]:
        return errors_of(self._sdk, "OPENAI_API_KEY")

    def named(self, client: Any) -> Any:
        if self.model:
            return None
        listed = client.models.list()
        if hasattr(listed, "data"):
            self.model = _only(listed.data)
            return None
        return self._anamed(listed)

    async def _anamed(self, listing: Any) -> None:
        self.model = _only((await listing).data)

    async def release(self) -> None:
        """Closes the connections of this event loop; the next request opens others."""
        await self._clients.release()

    def _make(self, kind: Any) -> Any:
        settings = {"max_retries": 0, "timeout": self._timeout, **transport_of(self._sdk, kind), **self._settings}
        try:
            try:
                return kind(**settings)
            except self._sdk.OpenAIError:
                if "api_key" in self._settings or not (
                        self._settings.get("base_url") or os.environ.get("OPENAI_BASE_URL")):
                    raise
                return kind(api_key="none", **settings)
        except self._sdk.OpenAIError as error:
            raise AuthenticationError(f"openai: {error}", hint="set OPENAI_API_KEY, or pass api_key=") from error
        except Exception as error:  # the HTTP library's own, for an address or a key that cannot be one
            raise UsageError(f"no client can be made for {self._settings.get('base_url') or 'the server'}: {error}",
                             hint='base_url is like "http://localhost:8000/v1"') from error


def _only(models: Sequence[Any]) -> str:
    names = [str(model.id) for model in models]
    if len(names) == 1:
        return names[0]
    raise UnknownModelError(f"the server has {len(names)} models: {', '.join(names[:20])}",
                            hint='say which: trellis.OpenAIModel("name", client=client)')


def _import_sdk() -> Any:
    try:
        import openai
    except ImportError as error:
        raise MissingExtraError("OpenAI-compatible servers need the openai package", extra="openai") from error
    return openai
