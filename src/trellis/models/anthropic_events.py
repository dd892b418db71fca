"""The events of a streamed message of Anthropic's, put together to the message that they are of."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from trellis.errors import TransportError
from trellis.models.chat_events import ASKED_AGAIN


class MessageEvents:
    """What was said so far."""

    def __init__(self) -> None:
        self._head: Any = None
        self._blocks: dict[int, tuple[str, list[str]]] = {}
        self._stop_reason: str | None = None
        self._output_tokens = 0

    def take(self, event: Any, arguments: bool) -> str:
        """The text that an event adds: of the message, or of the first tool call's arguments.

        Raises:
            TransportError: the event is none of the protocol's.
        """
        match getattr(event, "type", None):
            case "message_start":
                self._head = event.message
            case "content_block_start":
                self._blocks[event.index] = (event.content_block.type, [])
            case "content_block_delta":
                return self._added(event.index, event.delta, arguments)
            case "message_delta":
                self._stop_reason = event.delta.stop_reason or self._stop_reason
                self._output_tokens = getattr(event.usage, "output_tokens", None) or self._output_tokens
            case None:
                raise TransportError("the server's stream cannot be read: an event is no part of a message")
        return ""

    def _added(self, index: int, delta: Any, arguments: bool) -> str:
        kind, said = self._blocks.setdefault(index, ("text", []))
        piece = getattr(delta, "partial_json" if kind == "tool_use" else "text", None) or ""
        said.append(piece)
        first = next((place for place, (other, _) in self._blocks.items() if other == "tool_use"), None)
        return piece if (index == first if arguments else kind == "text") else ""

    def message(self) -> Any:
        """The whole, as the client gives one that was not streamed.

        Raises:
            TransportError: the stream ended before the answer did.
        """
        if self._stop_reason is None or self._head is None:
            raise TransportError("the server broke off in the middle of an answer", hint=ASKED_AGAIN)
        blocks = [SimpleNamespace(type=kind, text="".join(said), input="".join(said))
                  for kind, said in self._blocks.values()]
        usage = SimpleNamespace(input_tokens=getattr(self._head.usage, "input_tokens", 0),
                                output_tokens=self._output_tokens)
        return SimpleNamespace(content=blocks, stop_reason=self._stop_reason, usage=usage, model=self._head.model)
