"""OpenAI-compatible chat completions, through the official ``openai`` client (extra ``openai``).

Serves OpenAI itself and every server that speaks its protocol (vLLM, SGLang, llama-server, Ollama, proxies). The
client's own retries are off: strategies own them, and are told of ``Retry-After``.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from trellis.errors import (
    AuthenticationError,
    CapabilityError,
    MissingExtraError,
    ModelError,
    RateLimitError,
    RequestRejectedError,
    TransportError,
    TrellisError,
    UnknownModelError,
    UsageError,
    shown,
)
from trellis.models.base import Reply, Request
from trellis.models.strict_schema import Lowered, strict, wrapped
from trellis.result import Finish, Mode, Usage

if TYPE_CHECKING:
    import openai as sdk

SUBSET_HOSTS = ("openai.com", "azure.com", "openrouter.ai")
"""Servers that take OpenAI's strict subset of JSON Schema only; others are sent schemas as they are."""
MAX_PARALLEL = 16
_FINISH: dict[str, Finish] = {"length": "length", "content_filter": "refusal"}


class OpenAIModel:
    """A model behind an OpenAI-compatible server.

    Args:
        model: its name there; may be left out when the server has only one.
        client: an ``openai.OpenAI`` or ``openai.AsyncOpenAI`` to use; it is not changed.
        base_url: the server, when no client is given (default: ``$OPENAI_BASE_URL``, else OpenAI).
        api_key: the key, when no client is given (default: ``$OPENAI_API_KEY``; another server may need none).
        timeout: seconds for one request.
        strict_subset: whether the server takes OpenAI's strict subset of JSON Schema only; ``None``: by its host.

    Raises:
        MissingExtraError: the ``openai`` package is not installed.
        AuthenticationError: no key.
        UsageError: a client, timeout or address that is none.
    """

    modes: tuple[Mode, ...] = ("native", "tools", "json", "prompt")

    def __init__(self, model: str = "", *, client: Any = None, base_url: str | None = None, api_key: str | None = None,
                 timeout: float = 120.0, strict_subset: bool | None = None) -> None:
        self._sdk = _import_sdk()
        if client is not None and not isinstance(client, self._sdk.OpenAI | self._sdk.AsyncOpenAI):
            raise UsageError(f"client={shown(client)} is no openai client", hint="client=openai.OpenAI(...)")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise UsageError(f"timeout={shown(timeout)} is no number of seconds")
        self.model = model
        self._timeout = timeout
        self._given = client
        self._settings = {"base_url": base_url, "api_key": api_key}
        self._async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, sdk.AsyncOpenAI] = WeakKeyDictionary()
        self._sync_client: sdk.OpenAI | None = None
        if client is None:
            client = self._sync_client = self._make(self._sdk.OpenAI)
        host = str(client.base_url.host)
        self._on_openai = host.endswith(("openai.com", "azure.com"))
        self._strict_subset = host.endswith(SUBSET_HOSTS) if strict_subset is None else strict_subset

    @property
    def name(self) -> str:
        return f"openai/{self.model}"

    def complete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        client = self._client()
        if len(requests) == 1:
            return [self._complete(client, requests[0])]
        with ThreadPoolExecutor(min(MAX_PARALLEL, max(1, len(requests)))) as pool:
            return list(pool.map(lambda request: self._complete(client, request), requests))

    async def acomplete(self, requests: Sequence[Request]) -> list[Reply | Exception]:
        client = self._async_client()
        if client is None:  # a synchronous client was given
            return await asyncio.to_thread(self.complete, requests)
        return list(await asyncio.gather(*(self._acomplete(client, request) for request in requests)))

    def _complete(self, client: sdk.OpenAI, request: Request) -> Reply | Exception:
        try:
            with self._errors():
                self.model = self.model or _only(client.models.list().data)
                call = _Call(self, request)
                return call.reply(client.chat.completions.create(**call.arguments))
        except TrellisError as error:
            return error

    async def _acomplete(self, client: sdk.AsyncOpenAI, request: Request) -> Reply | Exception:
        try:
            with self._errors():
                self.model = self.model or _only((await client.models.list()).data)
                call = _Call(self, request)
                return call.reply(await client.chat.completions.create(**call.arguments))
        except TrellisError as error:
            return error

    def _client(self) -> sdk.OpenAI:
        if self._given is None:
            assert self._sync_client is not None
            return self._sync_client
        if isinstance(self._given, self._sdk.AsyncOpenAI):
            raise CapabilityError("an AsyncOpenAI client cannot answer a synchronous call",
                                  hint="await agenerate_structured(...), or pass openai.OpenAI(...)")
        client: sdk.OpenAI = self._given.with_options(max_retries=0)
        return client

    def _async_client(self) -> sdk.AsyncOpenAI | None:
        if self._given is not None:
            is_async = isinstance(self._given, self._sdk.AsyncOpenAI)
            return self._given.with_options(max_retries=0) if is_async else None
        loop = asyncio.get_running_loop()  # connections belong to their event loop
        if loop not in self._async_clients:
            self._async_clients[loop] = self._make(self._sdk.AsyncOpenAI)
        return self._async_clients[loop]

    def _make(self, kind: Any) -> Any:
        settings = {key: value for key, value in self._settings.items() if value is not None}
        try:
            try:
                return kind(max_retries=0, timeout=self._timeout, **settings)
            except self._sdk.OpenAIError:
                import os

                if "api_key" in settings or not (settings.get("base_url") or os.environ.get("OPENAI_BASE_URL")):
                    raise
                return kind(max_retries=0, timeout=self._timeout, api_key="none", **settings)
        except self._sdk.OpenAIError as error:
            raise AuthenticationError(f"openai: {error}", hint="set OPENAI_API_KEY, or pass api_key=") from error
        except Exception as error:  # the HTTP library's own, for an address or a key that cannot be one
            raise UsageError(f"no client can be made for {settings.get('base_url') or 'the server'}: {error}",
                             hint='base_url is like "http://localhost:8000/v1"') from error

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """The client's errors as ours."""
        try:
            yield
        except TrellisError:
            raise
        except self._sdk.APIStatusError as error:
            raise _status_error(error) from error
        except self._sdk.APITimeoutError as error:
            raise TransportError("the server did not answer in time",
                                 hint="a longer timeout=, or a smaller answer") from error
        except self._sdk.APIConnectionError as error:
            cause = error.__cause__
            raise TransportError(f"the server could not be reached, or broke off: {cause or error}",
                                 hint="is the server running, and base_url right?") from error
        except Exception as error:  # the body is no JSON, or not what the protocol says
            raise TransportError(f"the server's reply cannot be read: {type(error).__name__}: {str(error)[:300]}",
                                 hint="does base_url lead to the chat-completions protocol?") from error


class _Call:
    """One request in the protocol's words, and its reply in ours."""

    def __init__(self, model: OpenAIModel, request: Request) -> None:
        self.request = request
        self._started = time.monotonic()
        self._lowered = self._lower(model._strict_subset)
        sampling = request.sampling
        limit = "max_completion_tokens" if model._on_openai else "max_tokens"
        arguments = {
            "model": model.model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed,
            "stop": list(sampling.stop) or None, limit: sampling.max_tokens, "logprobs": sampling.logprobs or None,
            "extra_body": {key: value for key, value in (("top_k", sampling.top_k), ("min_p", sampling.min_p))
                           if value is not None} or None,
            "timeout": None if request.timeout is None else min(request.timeout, model._timeout),
            **self._enforcement(model._strict_subset),
        }
        self.arguments = {key: value for key, value in arguments.items() if value is not None}

    def _lower(self, strict_subset: bool) -> Lowered:
        schema = self.request.schema
        if schema is None or self.request.mode not in ("native", "tools"):
            return Lowered({})
        if strict_subset:
            return strict(schema)
        return wrapped(schema) if self.request.mode == "tools" and schema.get("type") != "object" else Lowered(schema)

    def _enforcement(self, strict_subset: bool) -> dict[str, Any]:
        name = re.sub(r"\W", "_", self.request.name, flags=re.ASCII)[:64]
        schema = self._lowered.schema
        if self.request.mode == "native":
            return {"response_format": {"type": "json_schema",
                                        "json_schema": {"name": name, "schema": schema, "strict": True}}}
        if self.request.mode == "tools":
            function = {"name": name, "parameters": schema, **({"strict": True} if strict_subset else {})}
            return {"tools": [{"type": "function", "function": function}],
                    "tool_choice": {"type": "function", "function": {"name": name}}}
        if self.request.mode == "json":
            return {"response_format": {"type": "json_object"}}
        return {}

    def reply(self, completion: Any) -> Reply:
        choice = _choice(completion)
        message = choice.message
        text, enforced = message.content or "", self.request.mode
        if self.request.mode == "tools":
            calls = [call for call in message.tool_calls or () if getattr(call, "function", None)]
            if calls:
                arguments = calls[0].function.arguments or ""
                text = arguments if isinstance(arguments, str) else json.dumps(arguments)  # some servers send an object
            else:
                enforced = "prompt"  # it answered in words, whatever it was told
        if text and enforced in ("native", "tools"):
            text = self._lowered.restore(text)
        refused = bool(message.refusal) or choice.finish_reason == "content_filter"
        usage = completion.usage
        logprobs = choice.logprobs.content if choice.logprobs else None
        drawn = tuple(token.logprob for token in logprobs or ())
        return Reply(
            text,
            finish="refusal" if refused else _FINISH.get(choice.finish_reason, "stop"),
            enforced=enforced,
            usage=Usage(1, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"),
                        time.monotonic() - self._started),
            model=completion.model or "",
            refusal=str(message.refusal or ("stopped by the server's content filter" if refused else "")),
            token_logprobs=drawn if drawn and all(isinstance(one, int | float) for one in drawn) else None,
            warnings=tuple(f"the server does not enforce {pointer}; checked here" for pointer in self._lowered.dropped),
        )


def _count(usage: Any, name: str) -> int:
    """A number of tokens; 0 where the server does not say."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) else 0


def _choice(completion: Any) -> Any:
    """The first choice of what should be a chat completion; the client checks nothing of it.

    Raises:
        TransportError: it is none.
    """
    if (fault := getattr(completion, "error", None)) is not None:  # with status 200, as some proxies do
        said = fault.get("message") if isinstance(fault, dict) else fault
        raise TransportError(f"the server answered with an error: {str(said)[:300]}")
    choices = getattr(completion, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = getattr(choice, "message", None)
    if message is None or not isinstance(message.content, str | None):
        raise TransportError("the server's reply cannot be read: it is no chat completion with a message of text",
                             hint="does base_url lead to the chat-completions protocol (often it ends in /v1)?")
    return choice


def _status_error(error: sdk.APIStatusError) -> ModelError:
    status, said = error.status_code, _said(error)
    wait = _retry_after(error.response.headers)
    if status == 429 and error.code == "insufficient_quota":
        return RequestRejectedError(said, status=status, hint="the account has no credit left")
    if status == 429 or (status == 503 and wait is not None):
        return RateLimitError(said, retry_after=wait, status=status)
    if status in (408, 409) or (status >= 500 and status != 501):
        return TransportError(said, status=status)
    if status in (401, 403):
        return AuthenticationError(said, status=status, hint="check OPENAI_API_KEY")
    hint = "check the model's name and base_url" if status == 404 else ""
    return RequestRejectedError(said, status=status, hint=hint)


def _said(error: sdk.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message") or error.message or "no reason given"
    return f"the server answered {error.status_code}: {str(message)[:300]}"


def _retry_after(headers: Any) -> float | None:
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


