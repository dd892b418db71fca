"""What a strategy works on: one call of ``generate_structured``, and what came of it so far.

A strategy is a plain generator: it yields lists of requests and is sent lists of replies, so it does no I/O, needs no
``await``, and can be driven by hand in a test. ``Task.ask`` is the step that all strategies share: it checks the
budget, yields, judges each reply and keeps it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Generator, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from trellis.contract import Contract, RepairLevel
from trellis.errors import (
    BudgetError,
    EmptyReplyError,
    GenerationError,
    LimitError,
    MaskError,
    ModelError,
    RateLimitError,
    RefusedError,
    RepairError,
    RequestRejectedError,
    SchemaMismatchError,
    TransportError,
    TrellisError,
    TruncatedError,
    UnrepairableError,
    UnsupportedError,
    UsageError,
    ValidatorError,
)
from trellis.models.base import Reply, Request
from trellis.result import Attempt, FailureKind, FieldError, Message, Mode, Result, Sampling, Usage
from trellis.strategy.budget import Meter

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Replies: TypeAlias = list[Reply | Exception]
Flow: TypeAlias = Generator[list[Request], Replies, Result[T]]
Validator = Callable[[Any], Any]
"""Takes a value of the output type; raises ValueError to refuse it, returns another to replace it, or ``None``."""

REFUSED_MODE = (400, 422, 501)
"""HTTP statuses with which servers answer to a parameter that they do not know."""


class Strategy(Protocol):
    """How test-time compute is spent on a task."""

    def run(self, task: Task[T]) -> Flow[T]:
        """Yields requests, is sent a reply or an exception for each, returns the result or raises a TrellisError."""
        ...


class Task(Generic[T]):
    """One call: what is wanted, how it is asked for, and every attempt so far.

    Args:
        contract: the output type.
        messages: the prompt.
        modes: how the shape may be asked for, the first that works; with a single one there is nothing to fall back to.
        sampling: how to draw.
        validators: the caller's checks, in order.
        repair: how far answers may be mended.
        meter: the budget.
        warnings: what the caller should know already.
        on_attempt: is told of each attempt as soon as it is judged (a log).
    """

    def __init__(self, contract: Contract[T], messages: tuple[Message, ...], modes: Sequence[Mode] = ("prompt",), *,
                 sampling: Sampling | None = None, validators: Sequence[Validator] = (), repair: RepairLevel = "normal",
                 meter: Meter | None = None, warnings: Sequence[str] = (),
                 on_attempt: Callable[[Attempt], object] | None = None) -> None:
        self.contract = contract
        self.messages = messages
        self.sampling = sampling or Sampling()
        self.validators = tuple(validators)
        self.repair = repair
        self.meter = meter or Meter()
        self.warnings = list(warnings)
        self.attempts: list[Attempt] = []
        self._modes = list(modes)
        self._on_attempt = on_attempt

    @property
    def mode(self) -> Mode:
        return self._modes[0]

    def request(self, messages: tuple[Message, ...] | None = None, *, sampling: Sampling | None = None,
                sample: int = 0, delay: float = 0.0) -> Request:
        """A request for this task; ``sample`` tells apart what is asked several times, and derives its seed."""
        drawn = sampling or self.sampling
        if drawn.seed is not None:
            drawn = replace(drawn, seed=derive_seed(drawn.seed, sample))
        return self._in_mode(Request(messages or self.messages, name=self.contract.name, schema=self.contract.schema,
                                     sampling=drawn, sample=sample, delay=delay))

    def _in_mode(self, request: Request) -> Request:
        if self.mode == "mask":
            try:
                grammar = self.contract.grammar("relax" if len(self._modes) > 1 else "error")
            except UnsupportedError as error:
                if not self._next_mode(error):
                    raise self.ended(error) from None
            else:
                self._warn(*(f"{one.reason} (at {one.pointer or '/'}); checked here" for one in grammar.relaxations))
                return replace(request, mode="mask", grammar=grammar)
        return replace(request, mode=self.mode, grammar=None)

    def ask(self, *requests: Request) -> Generator[list[Request], Replies, list[Attempt]]:
        """Yields the requests and returns an attempt for each, judged and kept.

        When the model refuses the mode itself and another one may be used, it asks again in that one, with a warning.

        Raises:
            BudgetError: there is nothing left for them.
            TrellisError: the model raised something that asking again does not help; with all attempts so far.
        """
        while True:
            self._admit(requests)
            left = self.meter.seconds_left()
            timed = [request if left is None else replace(request, timeout=max(0.0, left - request.delay))
                     for request in requests]
            replies = yield timed
            try:
                attempts = [self._judge(request, reply) for request, reply in zip(timed, replies, strict=True)]
            except TrellisError as error:  # a schema that cannot be applied, a broken validator
                raise self.ended(error) from error.__cause__
            self.meter.add(sum((attempt.usage for attempt in attempts), Usage()))
            fatal = next((reply for reply in replies
                          if isinstance(reply, Exception) and not isinstance(reply, TransportError)), None)
            if fatal is None:
                return attempts
            if not self._next_mode(fatal):
                if isinstance(fatal, MaskError) and len(self._modes) > 1:
                    fatal.hint = f'{fatal.hint}; or go without masks: mode="{self._modes[1]}"'.removeprefix("; or ")
                raise self.ended(fatal)
            requests = tuple(replace(self._in_mode(request), delay=0.0) for request in requests)

    def _admit(self, requests: Sequence[Request]) -> None:
        bound = self.meter.admit(len(requests), max((request.delay for request in requests), default=0.0))
        if bound:
            raise self.ended(BudgetError(f"the budget of {bound} does not allow another call{self._so_far()}",
                                         hint="a larger Budget(...), or fewer attempts"))

    def _next_mode(self, error: Exception) -> bool:
        refused = isinstance(error, UnsupportedError) or (
            isinstance(error, RequestRejectedError) and error.status in REFUSED_MODE)
        answered = any(attempt.raw is not None and attempt.mode == self.mode for attempt in self.attempts)
        if not refused or answered or len(self._modes) == 1:
            return False
        tried = self._modes.pop(0)
        self._warn(f"mode {tried!r} was refused ({str(error).splitlines()[0]}); went on with {self.mode!r}, and "
                   f'mode="{self.mode}" would have spared the attempt')
        return True

    def _warn(self, *warnings: str) -> None:
        self.warnings += [warning for warning in warnings if warning not in self.warnings]

    def _judge(self, request: Request, reply: Reply | Exception) -> Attempt:
        blank = Attempt(len(self.attempts), request.messages, request.mode, request.mode, None, None,
                        sampling=request.sampling)
        attempt = _no_reply(blank, reply) if isinstance(reply, Exception) else self._read(blank, reply)
        self.attempts.append(attempt)
        if self._on_attempt is not None:
            self._on_attempt(attempt)
        return attempt

    def _read(self, blank: Attempt, reply: Reply) -> Attempt:
        attempt = replace(blank, enforced=reply.enforced, raw=reply.text, finish=reply.finish, usage=reply.usage,
                          warnings=reply.warnings,
                          logprob=None if reply.token_logprobs is None else sum(reply.token_logprobs))
        if reply.finish == "refusal":
            return _failed(attempt, "refused", reply.refusal or "the model refused to answer")
        cut = _failed(attempt, "truncated", "the answer was cut off by its token limit")
        if not reply.text.strip():
            return cut if reply.finish == "length" else _failed(attempt, "empty", "the answer is empty")
        try:
            repaired = self.contract.read(reply.text, self.repair)
        except (RepairError, LimitError) as error:
            return cut if reply.finish == "length" else _failed(attempt, "syntax", error.message.splitlines()[0])
        attempt = replace(attempt, value=repaired.value, repairs=repaired.edits)
        if repaired.ambiguous:
            attempt = replace(attempt, warnings=(*attempt.warnings, "the answer can be read in more than one way"))
        if reply.finish == "length" and not self._whole(repaired):
            return replace(cut, value=repaired.value, repairs=repaired.edits)
        verdict = self.contract.validate(repaired.value)
        if not verdict.ok:
            return replace(attempt, errors=verdict.errors, failure="schema")
        return self._run_validators(replace(attempt, value=verdict.value))

    def _whole(self, repaired: Any) -> bool:
        """Whether an answer that ran into its token limit is all there: only brackets that close can tell."""
        return self.contract.format == "json" and repaired.complete and isinstance(repaired.value, dict | list)

    def _run_validators(self, attempt: Attempt) -> Attempt:
        value = attempt.value
        for validator in self.validators:
            name = getattr(validator, "__name__", type(validator).__name__)
            try:
                other = validator(value)
            except (ValueError, AssertionError) as error:
                said = _said(error) or f"refused by {name}"
                return replace(attempt, value=value, errors=(FieldError("", said[:500]),), failure="validator")
            except TrellisError:
                raise
            except Exception as error:
                raise UsageError(f"validator {name} raised {type(error).__name__}: {_said(error)}",
                                 hint="raise ValueError to refuse a value") from error
            if isinstance(other, Coroutine):
                other.close()
                raise UsageError(f"validator {name} is a coroutine function", hint="a validator is a plain function")
            if isinstance(other, bool) and not isinstance(value, bool):
                raise UsageError(f"validator {name} returned {other}",
                                 hint="raise ValueError to refuse a value; return None to accept it")
            value = value if other is None else other
        return replace(attempt, value=value)

    @property
    def usage(self) -> Usage:
        """What all attempts cost."""
        return sum((attempt.usage for attempt in self.attempts), Usage())

    def result(self, attempt: Attempt, agreement: float | None = None) -> Result[T]:
        """The result of a task whose answer is in an accepted attempt."""
        ignored = [one for one in self.attempts if one.enforced in ("mask", "native") and not one.warnings
                   and one.failure in ("syntax", "schema")]
        self._warn(*(f"mode {one.enforced!r} was claimed to be enforced, but attempt {one.index + 1} was against the "
                     "type; the server may ignore the schema" for one in ignored[:1]))
        self._warn(*attempt.warnings)
        return Result(attempt.value, attempt.raw or "", tuple(self.attempts), attempt.repairs, self.usage,
                      attempt.enforced, agreement, tuple(self.warnings))

    def failed(self, attempt: Attempt, hint: str = "") -> TrellisError:
        """The error for a task that ends with a failed attempt: the model's own, or one for the kind of failure."""
        if isinstance(attempt.error, TrellisError):
            attempt.error.hint = attempt.error.hint or hint
            return self.ended(attempt.error)
        kind = _ERRORS[attempt.failure or "syntax"]
        said = "; ".join(str(one) if one.pointer else one.message for one in attempt.errors[:3])
        said += "; ..." if len(attempt.errors) > 3 else ""
        return self.ended(kind(f"{said}{self._so_far()}", hint=hint))

    def ended(self, error: Exception) -> TrellisError:
        """The error, with everything that was paid for."""
        if not isinstance(error, TrellisError):
            error = ModelError(f"the model raised {type(error).__name__}: {_said(error)}")
        answered = [attempt for attempt in self.attempts if attempt.raw is not None]
        error.attempts = tuple(self.attempts)
        error.last_raw = answered[-1].raw if answered else None
        error.best_effort = next((one.value for one in reversed(answered) if one.value is not None), None)
        error.usage = self.usage
        return error

    def _so_far(self) -> str:
        count = len(self.attempts)
        return f" (after {count} attempt{'s' if count != 1 else ''})" if count else ""


_ERRORS: dict[FailureKind, type[GenerationError]] = {
    "truncated": TruncatedError,
    "refused": RefusedError,
    "empty": EmptyReplyError,
    "syntax": UnrepairableError,
    "schema": SchemaMismatchError,
    "validator": ValidatorError,
}


def derive_seed(seed: int, sample: int) -> int:
    """The seed of a sample: the seed itself for the first, then 31 bits of a hash of both."""
    if sample == 0:
        return seed
    digest = hashlib.blake2b(f"{seed}:{sample}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & 0x7FFF_FFFF


def _failed(attempt: Attempt, kind: FailureKind, message: str) -> Attempt:
    return replace(attempt, failure=kind, errors=(FieldError("", message),))


def _said(error: Exception) -> str:
    """What an exception of somebody else says; it may say it badly."""
    from pydantic import ValidationError

    try:
        if isinstance(error, ValidationError):  # without pydantic's layout and links
            return "; ".join(": ".join(filter(None, (".".join(map(str, one["loc"])), one["msg"])))
                             for one in error.errors(include_url=False, include_input=False, include_context=False))
        return str(error)
    except Exception:
        return type(error).__name__


def _no_reply(blank: Attempt, error: Exception) -> Attempt:
    kind: FailureKind = ("rate_limit" if isinstance(error, RateLimitError) else
                         "transport" if isinstance(error, TransportError) else "rejected")
    said = error.message if isinstance(error, TrellisError) else f"{type(error).__name__}: {error}"
    calls = 1 if isinstance(error, ModelError) else 0
    return replace(_failed(blank, kind, said), error=error, usage=Usage(calls=calls))
