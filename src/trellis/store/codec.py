"""What makes two requests the same, and replies as JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, fields
from typing import Any
from weakref import WeakKeyDictionary

from trellis.models.base import Reply, Request
from trellis.result import Usage

_grammars: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def request_key(model: str, request: Request, salt: str = "") -> str:
    """32 hexadecimal digits for everything that an answer depends on: model, messages, mode, type, sampling, sample.

    Args:
        model: its name.
        request: what is asked.
        salt: what else tells requests apart.
    """
    sampling = {field.name: getattr(request.sampling, field.name) for field in fields(request.sampling)}
    asked = {
        "model": model, "messages": [[message.role, message.content] for message in request.messages],
        "mode": request.mode, "name": request.name, "schema": request.schema, "sampling": sampling,
        "sample": request.sample, "grammar": None if request.grammar is None else _fingerprint(request.grammar),
        "salt": salt,
        **({"beams": request.beams} if request.beams > 1 else {}),
    }
    text = json.dumps(asked, ensure_ascii=False, separators=(",", ":"))  # the order of properties matters: it is shown
    return hashlib.blake2b(text.encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()


def _fingerprint(grammar: Any) -> str:
    found = _grammars.get(grammar)
    if found is None:
        found = hashlib.blake2b(repr(grammar.program).encode(), digest_size=16).hexdigest()
        _grammars[grammar] = found
    return found


def reply_data(reply: Reply) -> dict[str, Any]:
    """A reply as JSON data; what has its default value is left out."""
    blank = Reply("")
    data = {field.name: getattr(reply, field.name) for field in fields(reply)
            if field.name not in ("usage", "alternatives") and getattr(reply, field.name) != getattr(blank, field.name)}
    return {**data, "usage": {name: value for name, value in asdict(reply.usage).items() if value}}


def reply_of(data: Any) -> Reply | None:
    """The reply, as one that was paid for before; ``None`` for what is none (a file that somebody has changed)."""
    try:
        known = {field.name for field in fields(Reply)} - {"usage", "cached", "hopeless", "alternatives"}
        given: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                 for name, value in data.items() if name in known}
        return Reply(**{"text": "", **given}, usage=Usage(), cached=True)
    except Exception:
        return None
