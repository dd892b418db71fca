"""One request of OpenAI's responses protocol, and its answer in ours. Nothing is kept on the server (``store``)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from trellis.errors import TransportError, UnsupportedError
from trellis.models.base import Reply, Request
from trellis.models.chat_events import ASKED_AGAIN, first_of
from trellis.models.dialects import Dialect
from trellis.models.lowering import Lowered
from trellis.models.openai_chat import Fields, function_of, lowered_for, not_enforced, with_schema
from trellis.models.remote import count, identifier
from trellis.result import Finish, Mode, Usage

_ARGUMENTS = "response.function_call_arguments.delta"
_PIECES = ("response.output_text.delta", _ARGUMENTS)
_LAST = ("response.completed", "response.incomplete", "response.failed")
"""The events that have the whole response."""


class ResponsesCall:
    """A response; arguments as those of ``ChatCall``. The protocol has no seed, stop strings, top_k or min_p: they are
    refused rather than left out."""

    def __init__(self, model: str, request: Request, dialect: Dialect, timeout: float) -> None:
        self.request = request
        self._started = time.monotonic()
        self._lowered = lowered_for(request, dialect)
        self._whole: Any = None
        sampling = request.sampling
        for name in ("stop", "top_k", "min_p"):
            if getattr(sampling, name):
                raise UnsupportedError(f"the responses protocol has no {name}", hint='OpenAIModel(api="chat") has')
        arguments = {
            "model": model, "store": False,
            "input": [{"role": message.role, "content": message.content} for message in request.messages],
            "temperature": sampling.temperature, "top_p": sampling.top_p, "max_output_tokens": sampling.max_tokens,
            "timeout": None if request.timeout is None else min(request.timeout, timeout),
            "include": ["message.output_text.logprobs"] if sampling.logprobs else None,
            **_MODES[request.mode](request, self._lowered, dialect),
        }
        self.arguments = {name: value for name, value in arguments.items() if value is not None}

    def send(self, client: Any) -> Any:
        return client.responses.create(**self.arguments)

    def open(self, client: Any) -> Any:
        return client.responses.create(**self.arguments, stream=True)

    def take(self, event: Any) -> str:
        kind = getattr(event, "type", "")
        if kind == "error":
            raise TransportError(f"the server broke off with an error: {str(getattr(event, 'message', ''))[:300]}")
        if kind in _LAST:
            self._whole = event.response
        if kind not in _PIECES or self._lowered.changes_answers:
            return ""
        return event.delta if (kind == _ARGUMENTS) == (self.request.mode == "tools") else ""

    def end(self) -> Reply:
        if self._whole is None:
            raise TransportError("the server broke off in the middle of an answer", hint=ASKED_AGAIN)
        return self.reply(self._whole)

    def reply(self, answer: Any) -> Reply:
        items = getattr(answer, "output", None)
        if not isinstance(items, list):
            raise TransportError("the server's reply cannot be read: it is no response with a list of output",
                                 hint='does the server speak the responses protocol? OpenAIModel(api="chat") is older')
        if answer.status == "failed":
            raise TransportError(f"the server answered with an error: {getattr(answer.error, 'message', answer.error)}")
        parts = [part for item in items if item.type == "message" for part in item.content or ()]
        text = "".join(part.text for part in parts if part.type == "output_text" and part.text)
        refusal = " ".join(part.refusal for part in parts if part.type == "refusal")
        calls = [item for item in items if item.type == "function_call"]
        enforced = self.request.mode
        if self.request.mode == "tools":
            text, enforced = (calls[0].arguments or "", "tools") if calls else (text, "prompt")
        if text and enforced in ("native", "tools"):
            text = self._lowered.restore(text)
        return Reply(
            text,
            finish="refusal" if refusal else _finish(answer),
            enforced=enforced,
            usage=Usage(1, count(answer.usage, "input_tokens"), count(answer.usage, "output_tokens"),
                        time.monotonic() - self._started),
            model=answer.model or "",
            refusal=refusal or ("stopped by the server's content filter" if _finish(answer) == "refusal" else ""),
            token_logprobs=tuple(one.logprob for part in parts
                                 for one in getattr(part, "logprobs", None) or ()) or None,
            warnings=not_enforced(self._lowered.dropped) + first_of(len(calls) if enforced == "tools" else 0),
        )


def _finish(answer: Any) -> Finish:
    reason = getattr(answer.incomplete_details, "reason", None) if answer.status == "incomplete" else None
    return {"max_output_tokens": "length", "content_filter": "refusal"}.get(str(reason), "stop")  # type: ignore[return-value]


def _native(request: Request, lowered: Lowered, dialect: Dialect) -> Fields:
    name = identifier(with_schema(request).name)
    return {"text": {"format": {"type": "json_schema", "name": name, "schema": lowered.schema, "strict": True}}}


def _tools(request: Request, lowered: Lowered, dialect: Dialect) -> Fields:
    function = {"strict": False, **function_of(with_schema(request), lowered, dialect)}
    return {"tools": [{"type": "function", **function}],
            "tool_choice": {"type": "function", "name": function["name"]}}


def _mask(*_: object) -> Fields:
    raise UnsupportedError("the responses protocol takes no grammars", hint='mode="auto" or "prompt"')


_MODES: dict[Mode, Callable[[Request, Lowered, Dialect], Fields]] = {
    "native": _native,
    "tools": _tools,
    "mask": _mask,
    "json": lambda *_: {"text": {"format": {"type": "json_object"}}},
    "prompt": lambda *_: {},
}
