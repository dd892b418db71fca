"""What the fake server's script says, written in chat completions, in the words of other protocols."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

Body = dict[str, Any]


def responses_body(body: Body) -> Body:
    """OpenAI's responses."""
    if "choices" not in body or not body["choices"]:
        return body
    choice = body["choices"][0]
    message, usage = choice["message"], body["usage"]
    content: list[Body] = []
    if message.get("content"):
        content.append({"type": "output_text", "text": message["content"], "annotations": []})
    if message.get("refusal"):
        content.append({"type": "refusal", "refusal": message["refusal"]})
    output: list[Body] = [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                           "content": content}] if content else []
    output += [{"type": "function_call", "id": "fc_1", "call_id": call["id"], "status": "completed",
                **call["function"]} for call in message.get("tool_calls") or ()]
    reason = {"length": "max_output_tokens", "content_filter": "content_filter"}.get(choice["finish_reason"])
    return {
        "id": "resp_1", "object": "response", "created_at": 0, "model": body["model"], "output": output, "error": None,
        "status": "incomplete" if reason else "completed", "incomplete_details": {"reason": reason} if reason else None,
        "parallel_tool_calls": False, "tool_choice": "auto", "tools": [],
        "usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"],
                  "total_tokens": usage["total_tokens"], "input_tokens_details": {"cached_tokens": 0},
                  "output_tokens_details": {"reasoning_tokens": 0}},
    }


def messages_body(body: Body) -> Body:
    """Anthropic's messages."""
    if "error" in body:
        return {"type": "error", "error": {"type": body["error"].get("code") or "error",
                                           "message": body["error"]["message"]}}
    if "choices" not in body or not body["choices"]:
        return body
    choice = body["choices"][0]
    message, usage = choice["message"], body["usage"]
    said = message.get("content") or message.get("refusal")
    content: list[Body] = [{"type": "text", "text": said}] if said else []
    for call in message.get("tool_calls") or ():
        arguments: Any = call["function"]["arguments"]
        with suppress(ValueError):
            arguments = json.loads(arguments)
        content.append({"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": arguments})
    reason = "refusal" if message.get("refusal") else {
        "length": "max_tokens", "content_filter": "refusal", "tool_calls": "tool_use"}.get(choice["finish_reason"],
                                                                                         "end_turn")
    return {"id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "content": content,
            "stop_reason": reason, "stop_sequence": None,
            "usage": {"input_tokens": usage["prompt_tokens"], "output_tokens": usage["completion_tokens"]}}


def ollama_body(body: Body) -> Body:
    """Ollama's chat."""
    if "error" in body:
        return {"error": body["error"]["message"]}
    if "choices" not in body or not body["choices"]:
        return body
    choice = body["choices"][0]
    said = choice["message"].get("content") or choice["message"].get("refusal") or ""
    return {"model": body["model"], "created_at": "2026-01-01T00:00:00Z", "done": True,
            "done_reason": choice["finish_reason"], "message": {"role": "assistant", "content": said},
            "prompt_eval_count": body["usage"]["prompt_tokens"], "eval_count": body["usage"]["completion_tokens"]}
