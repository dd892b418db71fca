"""One call in a run log: a line when it begins, one for each attempt as soon as it is judged, one when it ends."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeVar

from trellis.errors import TrellisError
from trellis.result import Attempt, Message, Result, Sampling
from trellis.runlog.log import RunLog
from trellis.runlog.redact import moved, replaced

T = TypeVar("T")


class Record:
    """What a call tells its log. As a context manager it notes the error that ends the call.

    Args:
        log: where to write; ``None`` writes nowhere.
        messages: the prompt.
        write: how an answer with a value should look (``Contract.write_after``): training data is made of it.
        facts: what else there is to know of the call, as JSON data.
    """

    def __init__(self, log: RunLog | None, messages: Sequence[Message], write: Callable[[Any, Any], str],
                 **facts: Any) -> None:
        self._log, self._messages, self._write = log, tuple(messages), write
        self.id = ""
        if log is not None:
            self.id = os.urandom(8).hex()
            said = _messages(self._messages)
            self._note("run", at=_now(), prompt_hash=prompt_hash(log.redactor(said)), messages=said, **facts)

    def attempt(self, attempt: Attempt) -> None:
        """Notes an attempt."""
        if self._log is not None:
            self._note("attempt", at=_now(), **self._attempt(attempt))

    def kept(self, result: Result[T]) -> Result[T]:
        """Notes the result, and returns it; with a warning where the log could not be written."""
        if self._log is None:
            return result
        answer = None
        with suppress(TrellisError):  # a validator may have put another value in the place of the type's
            answer = self._write(result.value, _data(result))
        self._note("end", at=_now(), ok=True, accepted=result.accepted, value=plain(result.value), answer=answer,
                   enforced=result.enforced, agreement=result.agreement, abstained=list(result.abstained),
                   usage=asdict(result.usage),
                   warnings=list(result.warnings))
        if self._log.failures:
            return replace(result, warnings=(*result.warnings, f"the run log is not whole: {self._log.failures[-1]}"))
        return result

    def __enter__(self) -> Record:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._log is None or error is None:
            return
        usage = getattr(error, "usage", None)
        self._note("end", at=_now(), ok=False, error=_error(error), usage=None if usage is None else asdict(usage))

    def _note(self, kind: str, **facts: Any) -> None:
        assert self._log is not None
        self._log.write({"kind": kind, "run": self.id, **facts})

    def _attempt(self, attempt: Attempt) -> dict[str, Any]:
        assert self._log is not None
        spans = self._log.redactor.spans(attempt.raw) if attempt.raw else []
        repairs = [{**edit._asdict(), "start": moved(edit.start, spans), "end": moved(edit.end, spans)}
                   for edit in attempt.repairs]
        return {
            "index": attempt.index, "purpose": attempt.purpose, "model": attempt.model, "mode": attempt.mode,
            "enforced": attempt.enforced, "obeyed": obeyed(attempt),
            "messages": None if attempt.messages == self._messages else _messages(attempt.messages),
            "raw": None if attempt.raw is None else replaced(attempt.raw, spans), "finish": attempt.finish,
            "repairs": repairs, "value": plain(attempt.value), "failure": attempt.failure,
            "errors": [asdict(error) for error in attempt.errors], "usage": asdict(attempt.usage),
            "logprob": attempt.logprob, "sampling": sampling_data(attempt.sampling),
            "error": None if attempt.error is None else _error(attempt.error), "warnings": list(attempt.warnings),
        }


def _data(result: Result[Any]) -> Any:
    """What was read of the answer that the value comes from, ``None`` where it comes from several."""
    return None if result.accepted is None else result.attempts[result.accepted].data


def recorded(log: RunLog | None, messages: Sequence[Message], write: Callable[[Any, Any], str], **facts: Any) -> Record:
    """A call's record."""
    return Record(log, messages, write, **facts)


def obeyed(attempt: Attempt) -> bool | None:
    """Whether the answer keeps what was claimed to be enforced; ``None`` where nothing was claimed, or nothing came."""
    if attempt.raw is None or attempt.enforced == "prompt" or attempt.failure in ("truncated", "refused", "empty"):
        return None
    if attempt.enforced == "json":
        return attempt.failure != "syntax" and not attempt.repairs
    return attempt.failure not in ("syntax", "schema") and not attempt.repairs


def prompt_hash(messages: list[dict[str, str]]) -> str:
    """16 hexadecimal digits that are the same for the same messages: SHA-256 of their JSON as it stands in the log."""
    text = json.dumps(messages, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def sampling_data(sampling: Sampling) -> dict[str, Any]:
    """The settings that were given."""
    given = {field.name: getattr(sampling, field.name) for field in fields(sampling)}
    return {name: value for name, value in given.items() if value not in (None, (), False)}


def plain(value: Any) -> Any:
    """A value as JSON data; what has no form there as its ``repr``."""
    from pydantic_core import to_jsonable_python

    try:
        return to_jsonable_python(value, inf_nan_mode="strings", fallback=repr)
    except Exception:  # the value's own methods
        return repr(value)


def _messages(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.content} for message in messages]


def _error(error: BaseException) -> dict[str, Any]:
    said = error.message if isinstance(error, TrellisError) else str(error)
    return {"class": type(error).__name__, "message": said, "hint": getattr(error, "hint", ""),
            "status": getattr(error, "status", None)}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
