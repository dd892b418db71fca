"""The protocols that the fake server speaks, by the end of the path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from trellis.models.fake_bodies import Body, messages_body, ollama_body, responses_body
from trellis.models.fake_streams import chat_events, messages_events, ollama_events, responses_events


@dataclass(frozen=True)
class Protocol:
    """How an answer, written as a chat completion, is said in a protocol.

    Attributes:
        whole: the body of an answer in one piece.
        events: the bytes of each event of a stream.
        stream_type: the content type of a stream.
    """

    whole: Callable[[Body], Body]
    events: Callable[[Body], Iterator[bytes]]
    stream_type: str = "text/event-stream"


PROTOCOLS: Mapping[str, Protocol] = MappingProxyType({
    "/chat/completions": Protocol(lambda body: body, chat_events),
    "/responses": Protocol(responses_body, responses_events),
    "/messages": Protocol(messages_body, messages_events),
    "/api/chat": Protocol(ollama_body, ollama_events, "application/x-ndjson"),
})
