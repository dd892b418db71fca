"""Anthropic's messages, through the official ``anthropic`` client (extra ``anthropic``).

Of the modes, ``native`` is its schema output (``output_config.format``) and ``tools`` a forced call of one tool; it has
no JSON mode. ``max_tokens`` has to be said there: a request that leaves it open gets ``MAX_TOKENS``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from trellis.errors import (
    AuthenticationError,
    CapabilityError,
    MissingExtraError,
    TransportError,
    UnsupportedError,
    UsageError,
    shown,
)
from trellis.models.anthropic_events import MessageEvents
from trellis.models.base import Reply, Request
from trellis.models.chat_events import first_of
from trellis.models.lowering import ANTHROPIC, Lowered, lower, wrapped
from trellis.models.openai_chat import not_enforced, with_schema
from trellis.models.refusals import refusals_of
from trellis.models.remote import Call, Clients, RemoteModel, count, identifier, transport_of
from trellis.models.stainless import errors_of
from trellis.result import Finish, Mode, Usage

MAX_TOKENS = 8_192
_FINISH: dict[str, Finish] = {"max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "refusal"}

Fields = dict[str, Any]


class AnthropicModel(RemoteModel):
    """A model of Anthropic's, or of a server that speaks its protocol.

    Args:
        model: its name.
        client: an ``anthropic.Anthropic`` or ``anthropic.AsyncAnthropic`` to use; it is not changed.
        base_url: the server, when no client is given (default: ``$ANTHROPIC_BASE_URL``, else Anthropic).
        api_key: the key, when no client is given (default: ``$ANTHROPIC_API_KEY``).
        timeout: seconds for one request.

    Raises:
        MissingExtraError: the ``anthropic`` package is not installed.
        AuthenticationError: no key.
        UsageError: a client, timeout or address that is none, or no model.
    """

    _modes: tuple[Mode, ...] = ("native", "tools", "prompt")

    def __init__(self, model: str, *, client: Any = None, base_url: str | None = None, api_key: str | None = None,
                 timeout: float = 600.0) -> None:
        self._sdk = _import_sdk()
        if client is not None and not isinstance(client, self._sdk.Anthropic | self._sdk.AsyncAnthropic):
            raise UsageError(f"client={shown(client)} is no anthropic client", hint="client=anthropic.Anthropic(...)")
        if isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0:
            raise UsageError(f"timeout={shown(timeout)} is no number of seconds")
        if not isinstance(model, str) or not model:
            raise UsageError(f"model={shown(model)} is no name of a model")
        self.model = model
        self._timeout = timeout
        self._settings = {name: value for name, value in (("base_url", base_url), ("api_key", api_key))
                          if value is not None}
        self._clients = Clients(client, self._sdk.Anthropic, self._sdk.AsyncAnthropic, self._make)
        self._refusals = refusals_of(self._clients.base_url, model)

    @property
    def name(self) -> str:
        return f"anthropic/{self.model}"

    def call(self, request: Request) -> Call:
        return _MessagesCall(self.model, request, self._timeout)

    def client(self) -> Any:
        client = self._clients.sync()
        if client is None:
            raise CapabilityError("an AsyncAnthropic client cannot answer a synchronous call",
                                  hint="await agenerate_structured(...), or pass anthropic.Anthropic(...)")
        return client

    def async_client(self) -> Any:
        return self._clients.of_loop()

    def errors(self) -> AbstractContextManager[None]:
        return errors_of(self._sdk, "ANTHROPIC_API_KEY")

    async def release(self) -> None:
        """Closes the connections of this event loop; the next request opens others."""
        await self._clients.release()

    def _make(self, kind: Any) -> Any:
        try:
            client = kind(max_retries=0, timeout=self._timeout, **transport_of(self._sdk, kind), **self._settings)
        except self._sdk.AnthropicError as error:
            raise AuthenticationError(f"anthropic: {error}", hint="set ANTHROPIC_API_KEY, or pass api_key=") from error
        except Exception as error:  # the HTTP library's own, for an address or a key that cannot be one
            raise UsageError(f"no client can be made for {self._settings.get('base_url') or 'the server'}: {error}",
                             hint='base_url is like "https://api.anthropic.com"') from error
        if not (client.api_key or client.auth_token or getattr(client, "credentials", None)):
            raise AuthenticationError("anthropic: there is no key", hint="set ANTHROPIC_API_KEY, or pass api_key=")
        return client


class _MessagesCall:
    """One request, and its answer."""

    def __init__(self, model: str, request: Request, timeout: float) -> None:
        self.request = request
        self._started = time.monotonic()
        self._lowered = _lowered(request)
        self._said = MessageEvents()
        sampling = request.sampling
        if sampling.logprobs:
            raise UnsupportedError("Anthropic's protocol has no log-probabilities", hint="leave logprobs out")
        drawn = {"temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": sampling.top_k}
        arguments = {
            "model": model,
            "max_tokens": sampling.max_tokens or MAX_TOKENS,
            "system": "\n\n".join(one.content for one in request.messages if one.role == "system") or None,
            "messages": [{"role": one.role, "content": one.content} for one in request.messages
                         if one.role != "system"],
            "stop_sequences": list(sampling.stop) or None,
            "timeout": timeout if request.timeout is None else min(request.timeout, timeout),
            "extra_body": {name: value for name, value in drawn.items() if value is not None} or None,
            **_MODES[request.mode](request, self._lowered),
        }
        self.arguments = {name: value for name, value in arguments.items() if value is not None}

    def send(self, client: Any) -> Any:
        return client.messages.create(**self.arguments)

    def open(self, client: Any) -> Any:
        return client.messages.create(**self.arguments, stream=True)

    def take(self, event: Any) -> str:
        piece = self._said.take(event, self.request.mode == "tools")
        return "" if self._lowered.changes_answers else piece

    def end(self) -> Reply:
        return self.reply(self._said.message())

    def reply(self, answer: Any) -> Reply:
        blocks = getattr(answer, "content", None)
        if not isinstance(blocks, list):
            raise TransportError("the server's reply cannot be read: it is no message with a list of content",
                                 hint="does base_url lead to the messages protocol?")
        text = "".join(block.text for block in blocks if block.type == "text" and isinstance(block.text, str))
        calls = [block.input for block in blocks if block.type == "tool_use"]
        enforced = self.request.mode
        finish = _FINISH.get(answer.stop_reason, "stop")
        said = text
        if self.request.mode == "tools":
            text, enforced = (_text_of(calls[0]), "tools") if calls else (text, "prompt")
        if text and enforced in ("native", "tools"):
            text = self._lowered.restore(text)
        return Reply(
            "" if finish == "refusal" else text,
            finish=finish,
            enforced=enforced,
            usage=Usage(1, count(answer.usage, "input_tokens"), count(answer.usage, "output_tokens"),
                        time.monotonic() - self._started),
            model=answer.model or "",
            refusal=(said or "the model refused to answer") if finish == "refusal" else "",
            warnings=(not_enforced(self._lowered.dropped) + _no_seed(self.request)
                      + first_of(len(calls) if enforced == "tools" else 0)),
        )


def _no_seed(request: Request) -> tuple[str, ...]:
    """Samples are told apart by seeds, which this protocol has none of: said, not refused."""
    return ("the server takes no seed: the answer may differ next time",) if request.sampling.seed is not None else ()


def _text_of(arguments: Any) -> str:
    return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)


def _lowered(request: Request) -> Lowered:
    """The schema to send: for a tool, any, with an object at its root."""
    schema = request.schema
    if schema is None or request.mode not in ("native", "tools"):
        return Lowered({})
    if request.mode == "native":
        return lower(schema, ANTHROPIC)
    return Lowered(schema) if schema.get("type") == "object" else wrapped(schema)


def _native(request: Request, lowered: Lowered) -> Fields:
    with_schema(request)
    return {"output_config": {"format": {"type": "json_schema", "schema": lowered.schema}}}


def _tools(request: Request, lowered: Lowered) -> Fields:
    name = identifier(with_schema(request).name)
    return {"tools": [{"name": name, "description": "Gives the answer.", "input_schema": lowered.schema}],
            "tool_choice": {"type": "tool", "name": name, "disable_parallel_tool_use": True}}


def _none(request: Request, _: Lowered) -> Fields:
    raise UnsupportedError(f"Anthropic's protocol has no mode {request.mode!r}", hint="native, tools or prompt")


_MODES: dict[Mode, Callable[[Request, Lowered], Fields]] = {
    "native": _native, "tools": _tools, "mask": _none, "json": _none, "prompt": lambda *_: {},
}


def _import_sdk() -> Any:
    try:
        import anthropic
    except ImportError as error:
        raise MissingExtraError("Anthropic's models need the anthropic package", extra="anthropic") from error
    return anthropic
