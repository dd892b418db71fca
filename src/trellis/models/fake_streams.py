"""An answer of the fake server's script, written in chat completions, as the bytes of each protocol's stream."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any

from trellis.models.fake_bodies import messages_body, ollama_body, responses_body

CHUNK = 8
"""Characters of an answer in one event of a stream."""
Body = dict[str, Any]


def _parts(text: str) -> Sequence[str]:
    return [text[at : at + CHUNK] for at in range(0, len(text), CHUNK)]


def _sse(data: Any, event: str = "") -> bytes:
    """A server-sent event."""
    named = f"event: {event}\n" if event else ""
    return f"{named}data: {data if isinstance(data, str) else json.dumps(data)}\n\n".encode()


def chat_events(completion: Body) -> Iterator[bytes]:
    """Chunks of a chat completion."""
    choice = completion["choices"][0]
    message = choice["message"]

    def chunk(delta: Body, finish: str | None = None) -> Body:
        return {"id": completion["id"], "object": "chat.completion.chunk", "created": 0, "model": completion["model"],
                "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield _sse(chunk({"role": "assistant"}))
    for name in ("content", "refusal"):
        for part in _parts(message.get(name) or ""):
            yield _sse(chunk({name: part}))
    for index, call in enumerate(message.get("tool_calls") or ()):
        head = {"index": index, "id": call["id"], "type": "function"}
        yield _sse(chunk({"tool_calls": [{**head, "function": {"name": call["function"]["name"], "arguments": ""}}]}))
        for part in _parts(call["function"]["arguments"]):
            yield _sse(chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]}))
    yield _sse(chunk({}, choice["finish_reason"]))
    yield _sse({**chunk({}), "choices": [], "usage": completion["usage"]})
    yield _sse("[DONE]")


def responses_events(completion: Body) -> Iterator[bytes]:
    """Events of OpenAI's responses."""
    whole = responses_body(completion)
    numbers = count()

    def event(kind: str, **fields: Any) -> bytes:
        return _sse({"type": kind, "sequence_number": next(numbers), **fields}, kind)

    yield event("response.created", response={**whole, "status": "in_progress", "output": []})
    for index, item in enumerate(whole["output"]):
        place = {"item_id": item["id"], "output_index": index}
        yield event("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
        for part in _parts(item.get("arguments", "")):
            yield event("response.function_call_arguments.delta", **place, delta=part)
        for number, content in enumerate(item.get("content", ())):
            kind = "output_text" if content["type"] == "output_text" else "refusal"
            for part in _parts(content["text" if kind == "output_text" else "refusal"]):
                yield event(f"response.{kind}.delta", **place, content_index=number, delta=part, logprobs=[])
    yield event(f"response.{whole['status']}", response=whole)


def messages_events(completion: Body) -> Iterator[bytes]:
    """Events of Anthropic's messages."""
    whole = messages_body(completion)

    def event(kind: str, **fields: Any) -> bytes:
        return _sse({"type": kind, **fields}, kind)

    yield event("message_start", message={**whole, "content": [], "stop_reason": None,
                                          "usage": {**whole["usage"], "output_tokens": 1}})
    for index, block in enumerate(whole["content"]):
        if block["type"] == "tool_use":
            said = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"],
                                                                                     separators=(",", ":"))
            field, start = "partial_json", {**block, "input": {}}
        else:
            said, field, start = block["text"], "text", {**block, "text": ""}
        kind = "input_json_delta" if field == "partial_json" else "text_delta"
        yield event("content_block_start", index=index, content_block=start)
        yield event("ping")
        for part in _parts(said):
            yield event("content_block_delta", index=index, delta={"type": kind, field: part})
        yield event("content_block_stop", index=index)
    yield event("message_delta", delta={"stop_reason": whole["stop_reason"], "stop_sequence": None},
                usage={"output_tokens": whole["usage"]["output_tokens"]})
    yield event("message_stop")


def ollama_events(completion: Body) -> Iterator[bytes]:
    """Lines of Ollama's chat."""
    whole = ollama_body(completion)
    for part in _parts(whole["message"]["content"]):
        yield json.dumps({"model": whole["model"], "created_at": whole["created_at"], "done": False,
                          "message": {"role": "assistant", "content": part}}).encode() + b"\n"
    yield json.dumps({**whole, "message": {"role": "assistant", "content": ""}}).encode() + b"\n"
