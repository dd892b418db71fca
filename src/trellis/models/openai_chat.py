"""One request of the chat-completions protocol, and its answer in ours."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from typing import Any

from trellis.errors import RequestRejectedError, TransportError, UnsupportedError
from trellis.models.base import Reply, Request
from trellis.models.chat_events import ChatEvents, apart, first_of
from trellis.models.dialects import Dialect, Held
from trellis.models.lowering import ANY, Lowered, lower, wrapped
from trellis.models.remote import count, identifier
from trellis.result import Finish, Mode, Usage

FINISH: dict[str, Finish] = {"length": "length", "content_filter": "refusal"}
_KNOWN_BY_THE_CLIENT = ("response_format", "tools", "tool_choice")

Fields = dict[str, Any]


def lowered_for(request: Request, dialect: Dialect) -> Lowered:
    """The schema that a request sends: as strict as the server takes it; for a tool call that has no strict form, the
    schema as it is.

    Raises:
        UnsupportedError: it has no form in the server's schema mode.
    """
    schema = request.schema
    if schema is None or request.mode not in ("native", "tools"):
        return Lowered({})
    try:
        lowered = lower(schema, dialect.subset)
    except UnsupportedError as error:
        if request.mode == "native":
            raise
        loose = lower(schema, ANY) if schema.get("type") == "object" else wrapped(schema)
        return Lowered(loose.schema, (f"the type strictly ({error.message})",), loose.wrapped)
    if request.mode == "tools" and lowered.schema.get("type") != "object":
        return wrapped(lowered.schema)
    return lowered


class ChatCall:
    """A chat completion.

    Args:
        model: its name on the server.
        request: what is asked.
        dialect: how the server is spoken to.
        timeout: seconds for the request at most.

    Attributes:
        arguments: what the official client is given.

    Raises:
        UnsupportedError: the mode has no form for the type.
    """

    def __init__(self, model: str, request: Request, dialect: Dialect, timeout: float) -> None:
        self.request = request
        self._started = time.monotonic()
        self._lowered = lowered_for(request, dialect)
        self._said = ChatEvents()
        sampling = request.sampling
        fields, self._dropped = _MODES[request.mode](request, self._lowered, dialect), self._lowered.dropped
        if request.mode == "mask" and not fields:
            held = _held(request, dialect)
            fields, self._dropped = held.fields, held.dropped
        extra = {"top_k": sampling.top_k, "min_p": sampling.min_p,
                 **{name: value for name, value in fields.items() if name not in _KNOWN_BY_THE_CLIENT}}
        arguments = {
            "model": model,
            "messages": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": sampling.temperature, "top_p": sampling.top_p, "seed": sampling.seed,
            "stop": list(sampling.stop) or None, dialect.max_tokens: sampling.max_tokens,
            "logprobs": sampling.logprobs or None,
            "extra_body": {name: value for name, value in extra.items() if value is not None} or None,
            "timeout": None if request.timeout is None else min(request.timeout, timeout),
            **{name: value for name, value in fields.items() if name in _KNOWN_BY_THE_CLIENT},
        }
        self.arguments = {name: value for name, value in arguments.items() if value is not None}

    def send(self, client: Any) -> Any:
        return client.chat.completions.create(**self.arguments)

    def open(self, client: Any) -> Any:
        return client.chat.completions.create(**self.arguments, stream=True, stream_options={"include_usage": True})

    def take(self, event: Any) -> str:
        piece = self._said.take(event, self.request.mode == "tools")
        return "" if self._lowered.changes_answers else piece

    def end(self) -> Reply:
        return self.reply(self._said.completion())

    def reply(self, answer: Any) -> Reply:
        choice = _choice(answer)
        message = choice.message
        text, enforced, calls = message.content or "", self.request.mode, 0
        if self.request.mode == "tools":
            text, enforced, calls = _arguments(message, text)
        if text and enforced in ("native", "tools"):
            text = self._lowered.restore(text)
        refusal = getattr(message, "refusal", None) or apart(message).get("refusal")
        refused = bool(refusal) or choice.finish_reason == "content_filter"
        logprobs = getattr(getattr(choice, "logprobs", None), "content", None)
        drawn = tuple(token.logprob for token in logprobs or ())
        return Reply(
            text,
            finish="refusal" if refused else FINISH.get(choice.finish_reason, "stop"),
            enforced=enforced,
            usage=Usage(1, count(answer.usage, "prompt_tokens"), count(answer.usage, "completion_tokens"),
                        time.monotonic() - self._started),
            model=answer.model or "",
            refusal=str(refusal or ("stopped by the server's content filter" if refused else "")),
            token_logprobs=drawn if drawn and all(isinstance(one, int | float) for one in drawn) else None,
            warnings=not_enforced(self._dropped) + first_of(calls),
        )


def not_enforced(dropped: Iterable[str]) -> tuple[str, ...]:
    """What the server was not told of the type, in words."""
    return tuple(f"the server does not enforce {what}; checked here" for what in dropped)


def function_of(request: Request, lowered: Lowered, dialect: Dialect) -> Fields:
    """A function whose arguments are the answer, as the protocol describes it."""
    is_strict = dialect.subset is not ANY and not any(one.startswith("the type strictly") for one in lowered.dropped)
    return {"name": identifier(request.name), "parameters": lowered.schema, **({"strict": True} if is_strict else {})}


def with_schema(request: Request) -> Request:
    """The request, if there is a schema to enforce.

    Raises:
        RequestRejectedError: there is none.
    """
    if request.schema is None:
        raise RequestRejectedError(f"mode {request.mode!r} needs a schema, which text has none of",
                                   hint='mode="mask" or mode="prompt"')
    return request


def _native(request: Request, lowered: Lowered, dialect: Dialect) -> Fields:
    return dialect.native(identifier(with_schema(request).name), lowered.schema)


def _tools(request: Request, lowered: Lowered, dialect: Dialect) -> Fields:
    function = function_of(with_schema(request), lowered, dialect)
    return {"tools": [{"type": "function", "function": function}],
            "tool_choice": {"type": "function", "function": {"name": function["name"]}}}


def _mask(request: Request, lowered: Lowered, dialect: Dialect) -> Fields:
    """Of JSON with a schema, the server makes its own grammar."""
    if request.schema is None or request.grammar is None or request.grammar.schema is None:
        return {}
    return dialect.native(identifier(request.name), request.schema)


def _held(request: Request, dialect: Dialect) -> Held:
    if request.grammar is None:
        raise RequestRejectedError("mode 'mask' needs a grammar", hint="give Request(grammar=...)")
    return dialect.grammar(request.grammar)


_MODES: dict[Mode, Callable[[Request, Lowered, Dialect], Fields]] = {
    "native": _native,
    "tools": _tools,
    "mask": _mask,
    "json": lambda *_: {"response_format": {"type": "json_object"}},
    "prompt": lambda *_: {},
}


def _arguments(message: Any, text: str) -> tuple[str, Mode, int]:
    """The arguments of the first tool call, and how many there are; or the text, when it answered in words, whatever it
    was told."""
    calls = [call for call in getattr(message, "tool_calls", None) or () if getattr(call, "function", None)]
    if not calls:
        return text, "prompt", 0
    arguments = calls[0].function.arguments or ""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments)  # some servers send an object
    return written, "tools", len(calls)


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
