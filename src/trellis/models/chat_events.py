"""The events of a streamed chat completion, put together to the completion that they are of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trellis.errors import TransportError

ASKED_AGAIN = "the answer is asked for again; what came of it is not used"


def apart(message: Any) -> dict[str, Any]:
    """Where LiteLLM puts what its messages have no field for."""
    fields = getattr(message, "provider_specific_fields", None)
    return fields if isinstance(fields, dict) else {}


def first_of(calls: int) -> tuple[str, ...]:
    """What the caller should know where the model has called the function more than once, whatever it was told."""
    return (f"the model called the function {calls} times; the first call is the answer",) if calls > 1 else ()


class ChatEvents:
    """What was said so far."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._refusal: list[str] = []
        self._arguments: list[str] = []
        self._logprobs: list[Any] = []
        self._calls = 0
        self._finish: str | None = None
        self._usage: Any = None
        self._model = ""

    def take(self, event: Any, arguments: bool) -> str:
        """The text that an event adds: of the message, or of the first tool call's arguments.

        Raises:
            TransportError: the event is an error, or none of the protocol's.
        """
        if (fault := getattr(event, "error", None)) is not None:
            said = fault.get("message") if isinstance(fault, dict) else fault
            raise TransportError(f"the server broke off with an error: {str(said)[:300]}")
        self._usage = getattr(event, "usage", None) or self._usage
        self._model = getattr(event, "model", None) or self._model
        choices = getattr(event, "choices", None)
        if not isinstance(choices, list):
            raise TransportError("the server's stream cannot be read: an event is no part of a chat completion")
        piece = ""
        for choice in choices[:1]:
            self._finish = choice.finish_reason or self._finish
            logprobs = getattr(choice, "logprobs", None)
            self._logprobs += getattr(logprobs, "content", None) or []
            delta = choice.delta
            text, called = getattr(delta, "content", None) or "", self._call(delta)
            self._text.append(text)
            self._refusal.append(getattr(delta, "refusal", None) or apart(delta).get("refusal") or "")
            piece += called if arguments and self._calls else text
        return piece

    def _call(self, delta: Any) -> str:
        added = ""
        for call in getattr(delta, "tool_calls", None) or ():
            self._calls = max(self._calls, (call.index or 0) + 1)
            if (call.index or 0) == 0 and call.function is not None:
                added += call.function.arguments or ""
        self._arguments.append(added)
        return added

    def completion(self) -> Any:
        """The whole, as the client gives one that was not streamed.

        Raises:
            TransportError: the stream ended before the answer did.
        """
        if self._finish is None:
            raise TransportError("the server broke off in the middle of an answer",
                                 hint=ASKED_AGAIN)
        function = SimpleNamespace(arguments="".join(self._arguments))
        message = SimpleNamespace(
            content="".join(self._text), refusal="".join(self._refusal) or None,
            tool_calls=[SimpleNamespace(function=function)] * self._calls or None)
        choice = SimpleNamespace(message=message, finish_reason=self._finish,
                                 logprobs=SimpleNamespace(content=self._logprobs))
        return SimpleNamespace(choices=[choice], usage=self._usage, model=self._model)
