"""From a reply to an attempt: read it, mend it, validate it, ask the caller's validators; and say what failed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trellis.contract import Contract, RepairLevel, Verdict
from trellis.errors import (
    LimitError,
    ModelError,
    RateLimitError,
    RepairError,
    TransportError,
    TrellisError,
    UsageError,
    message_of,
)
from trellis.models.base import Reply
from trellis.result import Attempt, FailureKind, FieldError, Usage
from trellis.strategy.verify import RefusedByVerifier

Validator = Callable[[Any], Any]
"""Takes a value of the output type; raises ValueError to refuse it, returns another to replace it, or ``None``."""

_CUT = {"length": "the answer was cut off by its token limit",
        "timeout": "the answer was not all there when the budget's time was over"}

MAX_SAID = 500
"""Characters that a validator's error is quoted with."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of a value: the one that validators left, or what is wrong with it and who says so."""

    value: Any
    errors: tuple[FieldError, ...] = ()
    failure: FailureKind | None = None


def read_reply(blank: Attempt, reply: Reply | Exception, contract: Contract[Any], level: RepairLevel,
               validators: Sequence[Validator]) -> Attempt:
    """The attempt, judged.

    Raises:
        TrellisError: a schema that cannot be applied, a validator that is broken itself.
    """
    if isinstance(reply, Exception):
        return _no_reply(blank, reply)
    came: dict[str, Any] = {
        "enforced": reply.enforced, "raw": reply.text, "finish": reply.finish, "usage": reply.usage,
        "warnings": reply.warnings, "cached": reply.cached, "probabilities": reply.probabilities,
        "logprob": None if reply.token_logprobs is None else sum(reply.token_logprobs)}
    judged = _judged(reply, contract, level, validators)
    return replace(blank, **{**came, **judged, "warnings": (*reply.warnings, *judged.get("warnings", ()))})


def _judged(reply: Reply, contract: Contract[Any], level: RepairLevel,
            validators: Sequence[Validator]) -> dict[str, Any]:
    """What an attempt says of an answer, by the names of its attributes."""
    if reply.hopeless is not None:
        return {"failure": "schema", "errors": (reply.hopeless,)}
    if reply.finish == "refusal":
        return _failed("refused", f"the model refused{f': {reply.refusal}' if reply.refusal else ' to answer'}")
    is_cut = reply.finish in _CUT
    cut = _failed("truncated", _CUT.get(reply.finish, ""))
    if not reply.text.strip():
        return cut if is_cut else _failed("empty", "the answer is empty")
    try:
        repaired, verdict = contract.examine(reply.text, level)
    except (RepairError, LimitError) as error:
        return cut if is_cut else _failed("syntax", error.message.splitlines()[0])
    read = {"data": repaired.value, "value": repaired.value, "repairs": repaired.edits}
    if is_cut and not _is_whole(contract, repaired):
        return {**cut, **read}
    checked = _checked(verdict, repaired.value, validators)
    return {**read, "value": checked.value, "errors": checked.errors, "failure": checked.failure,
            "warnings": contract.doubts(repaired)}


def check(contract: Contract[Any], data: Any, validators: Sequence[Validator]) -> Checked:
    """What the type and the caller's validators say of JSON data.

    Raises:
        UsageError: a validator is broken itself.
    """
    return _checked(contract.validate(data), data, validators)


def _checked(verdict: Verdict[Any], data: Any, validators: Sequence[Validator]) -> Checked:
    if not verdict.ok:
        return Checked(data, verdict.errors, "schema")
    value: Any = verdict.value
    for validator in validators:
        name = getattr(validator, "__name__", type(validator).__name__)
        try:
            other = validator(value)
        except RefusedByVerifier as refused:
            return Checked(value, refused.errors, "verifier")
        except (ValueError, AssertionError) as error:
            said = said_by(error) or f"refused by {name}"
            return Checked(value, (FieldError("", said[:MAX_SAID]),), "validator")
        except TrellisError:
            raise
        except Exception as error:
            raise UsageError(f"validator {name} raised {type(error).__name__}: {said_by(error)}",
                             hint="raise ValueError to refuse a value") from error
        if isinstance(other, Coroutine):
            other.close()
            raise UsageError(f"validator {name} is a coroutine function", hint="a validator is a plain function")
        if isinstance(other, bool) and not isinstance(value, bool):
            raise UsageError(f"validator {name} returned {other}",
                             hint="raise ValueError to refuse a value; return None to accept it")
        value = value if other is None else other
    return Checked(value)


def said_by(error: Exception) -> str:
    """What an exception of somebody else says; it may say it badly."""
    from pydantic import ValidationError

    if isinstance(error, ValidationError):  # without pydantic's layout and links
        return "; ".join(": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"])))
                         for one in error.errors(include_url=False, include_input=False, include_context=False))
    return message_of(error)


def _is_whole(contract: Contract[Any], repaired: Any) -> bool:
    """Whether an answer that ran into its token limit is all there: only brackets that close can tell."""
    return contract.format == "json" and repaired.complete and isinstance(repaired.value, dict | list)


def _failed(kind: FailureKind, message: str) -> dict[str, Any]:
    return {"failure": kind, "errors": (FieldError("", message),)}


def _no_reply(blank: Attempt, error: Exception) -> Attempt:
    kind: FailureKind = ("rate_limit" if isinstance(error, RateLimitError) else
                         "transport" if isinstance(error, TransportError) else "rejected")
    said = error.message if isinstance(error, TrellisError) else f"{type(error).__name__}: {message_of(error)}"
    calls = 1 if isinstance(error, ModelError) else 0
    return replace(blank, **_failed(kind, said), error=error, usage=Usage(calls=calls))
