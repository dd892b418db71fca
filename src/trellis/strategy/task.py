"""What a strategy works on: one call of ``generate_structured``, and what came of it so far.

A strategy is a plain generator: it yields lists of requests and is sent lists of replies, so it does no I/O, needs no
``await``, and can be driven by hand in a test. ``Task.ask`` is the step that all strategies share: it checks the
budget, yields, judges each reply and keeps it.

Strategies nest: one that makes several of something runs another strategy on ``task.branch(i, n)`` for each, side by
side with ``together``. Branches share the attempts, the budget and the warnings of the run, and draw different samples.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import replace
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from trellis.contract import Contract, RepairLevel
from trellis.contract.unknown import abstentions
from trellis.errors import (
    BudgetError,
    CapabilityError,
    ContextLengthError,
    EmptyReplyError,
    GenerationError,
    MaskError,
    ModelError,
    RefusedError,
    RequestRejectedError,
    SchemaMismatchError,
    TransportError,
    TrellisError,
    TruncatedError,
    UnrepairableError,
    UnsupportedError,
    ValidatorError,
    VerifierError,
)
from trellis.models.base import Model, Reply, Request
from trellis.prompt import estimated_tokens
from trellis.result import Attempt, FailureKind, Message, Mode, Purpose, Result, Sampling, Usage, brief
from trellis.strategy.budget import Meter
from trellis.strategy.reading import Checked, Validator, check, read_reply, said_by

T = TypeVar("T")
U = TypeVar("U")
T_co = TypeVar("T_co", covariant=True)

Replies: TypeAlias = list[Reply | Exception]
Flow: TypeAlias = Generator[list[Request], Replies, Result[T]]
FindModel = Callable[[Any, Contract[Any]], tuple[Model, Sequence[Mode]]]
"""From what a caller calls a model (``None``: the run's own) to the model, and the modes that it has for a contract."""

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
        model: who is asked, for what needs to know.
        find_model: finds other models, and the modes for other contracts.
    """

    def __init__(self, contract: Contract[T], messages: tuple[Message, ...], modes: Sequence[Mode] = ("prompt",), *,
                 sampling: Sampling | None = None, validators: Sequence[Validator] = (), repair: RepairLevel = "normal",
                 meter: Meter | None = None, warnings: Sequence[str] = (),
                 on_attempt: Callable[[Attempt], object] | None = None, model: Model | None = None,
                 find_model: FindModel | None = None) -> None:
        self.contract = contract
        self.messages = messages
        self.sampling = sampling or Sampling()
        self.validators = tuple(validators)
        self.repair = repair
        self.meter = meter or Meter()
        self.warnings = list(warnings)
        self.attempts: list[Attempt] = []
        self.model = model
        self.purpose: Purpose = "answer"
        self.fresh = False
        self._alternatives: list[tuple[Request, Reply]] = []
        self._modes = list(modes)
        self._on_attempt = on_attempt
        self._find_model = find_model
        self._asked: Model | None = None  # where it is not the run's own model
        self._first_sample, self._stride = 0, 1

    @property
    def mode(self) -> Mode:
        return self._modes[0]

    def branch(self, index: int, count: int, *, sampling: Sampling | None = None,
               messages: tuple[Message, ...] | None = None) -> Task[T]:
        """The same task, to be tried once more beside others: its samples are apart from those of the other branches.

        Args:
            index: 0 to ``count`` - 1.
            count: how many branches there are in all.
            sampling: how to draw in this one, if not as in the others.
            messages: its prompt, if it is another.
        """
        task = copy.copy(self)  # shares attempts, warnings, modes and meter
        task.sampling = sampling or self.sampling
        task.messages = messages or self.messages
        task._first_sample = self._first_sample + self._stride * index
        task._stride = self._stride * count
        return task

    def aside(self, contract: Contract[U], messages: tuple[Message, ...], purpose: Purpose, *, model: Any = None,
              modes: Sequence[Mode] | None = None, sampling: Sampling | None = None,
              validators: Sequence[Validator] = ()) -> Task[U]:
        """Another question within the same run: what it costs and what it says is kept with the rest.

        Args:
            contract: the type of its answer.
            messages: its prompt.
            purpose: what it is for.
            model: who is asked, as in ``generate_structured``; ``None`` is the run's own model.
            modes: how its shape is asked for; if not given, as the model can.
            sampling: how to draw; the task's own if not given.
            validators: checks of its answer.

        Raises:
            UsageError: the model cannot be had.
        """
        task: Task[Any] = copy.copy(self)
        task.contract, task.messages, task.purpose = contract, messages, purpose
        task.validators = tuple(validators)
        task.sampling = sampling or self.sampling
        if self._find_model is not None:
            found, possible = self._find_model(model, contract)
            if found is not self.model:
                task._asked = task.model = found
        elif model is not None:
            raise CapabilityError("a task that is driven by hand knows its own model only")
        else:
            possible = self._modes
        task._modes = list(possible if modes is None else modes)
        return task

    def request(self, messages: tuple[Message, ...] | None = None, *, sampling: Sampling | None = None,
                sample: int = 0, delay: float = 0.0) -> Request:
        """A request for this task; ``sample`` tells apart what is asked several times, and derives its seed."""
        drawn = sampling or self.sampling
        number = self._first_sample + self._stride * sample
        if drawn.seed is not None:
            drawn = replace(drawn, seed=derive_seed(drawn.seed, number))
        return self._in_mode(Request(messages or self.messages, self.mode, name=self.contract.name,
                                     schema=self.contract.schema, sampling=drawn, sample=number, delay=delay,
                                     fresh=self.fresh, choices=self.contract.choices, model=self._asked))

    def _in_mode(self, request: Request) -> Request:
        if self.mode == "mask":
            try:
                grammar = self.contract.grammar("relax" if len(self._modes) > 1 else "error")
            except UnsupportedError as error:
                if not self._next_mode("mask", error):
                    raise self.ended(error) from None
            else:
                self.warn(*(f"{one.reason} (at {one.pointer or 'the root'}); checked here"
                            for one in grammar.relaxations))
                return replace(request, mode="mask", grammar=grammar)
        return request if request.mode == self.mode and request.grammar is None else replace(
            request, mode=self.mode, grammar=None)

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
            try:
                replies = yield timed
            except GeneratorExit:  # the run was given up
                self.meter.add(Usage(), len(timed))
                raise
            before = len(self.attempts)
            try:
                attempts = [self._judge(request, reply) for request, reply in zip(timed, replies, strict=True)]
            except TrellisError as error:  # a schema that cannot be applied, a broken validator
                raise self.ended(error) from error.__cause__
            finally:
                kept = self.attempts[before:]
                self.meter.add(sum((attempt.usage for attempt in kept), Usage()), len(timed),
                               unpaid=sum(attempt.cached for attempt in kept))
            fatal = next((reply for reply in replies
                          if isinstance(reply, Exception) and not isinstance(reply, TransportError)), None)
            if fatal is None:
                return attempts
            if not self._next_mode(timed[0].mode, fatal):
                if isinstance(fatal, MaskError) and len(self._modes) > 1:
                    fatal.hint = f'{fatal.hint}; or go without masks: mode="{self._modes[1]}"'.removeprefix("; or ")
                raise self.ended(fatal)
            requests = tuple(replace(self._in_mode(request), delay=0.0) for request in requests)

    def _admit(self, requests: Sequence[Request]) -> None:
        if self.meter.budget.money is not None:
            self.meter.priced(Usage(), self._model_name)  # a price that is missing is told before anything is bought
        bound = self.meter.admit(len(requests), max((request.delay for request in requests), default=0.0))
        if bound:
            raise self.ended(BudgetError(f"the budget of {bound} does not allow another call{self._so_far()}"))

    @property
    def _model_name(self) -> str:
        return self.model.name if self.model is not None else ""

    def _next_mode(self, mode: Mode, error: Exception) -> bool:
        """Whether a request that was refused in this mode may be asked in another one, which is then the task's."""
        refused = isinstance(error, UnsupportedError) or (
            isinstance(error, RequestRejectedError) and error.status in REFUSED_MODE
            and not isinstance(error, ContextLengthError))
        if refused and mode != self.mode:  # a branch beside this one has found out already
            return True
        answered = any(attempt.raw is not None and attempt.mode == mode for attempt in self.attempts)
        if not refused or answered or len(self._modes) == 1:
            return False
        tried = self._modes.pop(0)
        self.warn(f"mode {tried!r} was refused ({str(error).splitlines()[0]}); went on with {self.mode!r}, and "
                  f'mode="{self.mode}" would have spared the attempt')
        return True

    def warn(self, *warnings: str) -> None:
        """Things that the caller should know, each said once."""
        self.warnings += [warning for warning in warnings if warning not in self.warnings]

    def _judge(self, request: Request, reply: Reply | Exception) -> Attempt:
        blank = Attempt(len(self.attempts), request.messages, request.mode, request.mode, None, None,
                        sampling=request.sampling, purpose=self.purpose, model=self._model_name)
        if isinstance(reply, Reply) and reply.alternatives:
            self._alternatives = [(request, other) for other in reply.alternatives]
        try:
            attempt = read_reply(blank, reply, self.contract, self.repair, self.validators)
        except TrellisError:
            if isinstance(reply, Reply):  # it was paid for, whatever broke on our side
                self._keep(replace(blank, enforced=reply.enforced, raw=reply.text, finish=reply.finish,
                                   usage=reply.usage, failure="validator"))
            raise
        attempt = self._counted(attempt)
        left = self.meter.seconds_left()
        if attempt.failure == "transport" and left is not None and left <= 0:
            attempt = replace(attempt, failure="budget")
        return self._keep(attempt)

    def _counted(self, attempt: Attempt) -> Attempt:
        """The attempt, with estimates where a budget has to know its tokens and the model has not counted them."""
        if not self.meter.needs_tokens or attempt.raw is None or attempt.cached or attempt.usage.total_tokens:
            return attempt
        self.warn(f"{self._model_name or 'the model'} does not count its tokens: the budget goes by an estimate")
        prompt = sum(estimated_tokens(message.content) for message in attempt.messages)
        return replace(attempt, usage=replace(attempt.usage, prompt_tokens=prompt,
                                              completion_tokens=estimated_tokens(attempt.raw)))

    def alternative(self) -> Attempt | None:
        """The next of the other answers that came with the last one (of other beams), judged; ``None`` if that is all.

        Raises:
            TrellisError: a validator is broken itself.
        """
        if not self._alternatives:
            return None
        try:
            return self._judge(*self._alternatives.pop(0))
        except TrellisError as error:
            raise self.ended(error) from error.__cause__

    def _keep(self, attempt: Attempt) -> Attempt:
        usage = self.meter.priced(attempt.usage, self._model_name)
        if usage is not attempt.usage:
            attempt = replace(attempt, usage=usage)
        self.attempts.append(attempt)
        if self._on_attempt is not None:
            self._on_attempt(attempt)
        return attempt

    def check(self, data: Any) -> Checked:
        """What the type and the caller's validators say of JSON data that a strategy made.

        Raises:
            UsageError: a validator is broken itself; with all attempts so far.
        """
        try:
            return check(self.contract, data, self.validators)
        except TrellisError as error:
            raise self.ended(error) from error.__cause__

    @property
    def usage(self) -> Usage:
        """What all attempts cost."""
        return sum((attempt.usage for attempt in self.attempts), Usage())

    def result(self, attempt: Attempt) -> Result[T]:
        """The result of a task whose answer is in an accepted attempt."""
        ignored = [one for one in self.attempts if one.enforced in ("mask", "native") and not one.warnings
                   and one.failure in ("syntax", "schema")]
        self.warn(*(f"mode {one.enforced!r} was claimed to be enforced, but attempt {one.index + 1} was against the "
                    "type; the server may ignore the schema" for one in ignored[:1]))
        self.warn(*attempt.warnings)
        return Result(attempt.value, attempt.raw or "", tuple(self.attempts), attempt.repairs, self.usage,
                      attempt.enforced, warnings=tuple(self.warnings), accepted=attempt.index,
                      abstained=self.abstained(attempt.data),
                      probabilities=self._probabilities(attempt))

    def _probabilities(self, attempt: Attempt) -> dict[Any, float]:
        """Of each choice, under the value that it has in the program (or as it is written, where that has no hash)."""
        if attempt.probabilities is None:
            return {}
        found: dict[Any, float] = {}
        for text, probability in zip(self.contract.choices, attempt.probabilities, strict=True):
            value: Any = self.contract.validate(self.contract.read(text, "off").value).value
            found[value if isinstance(value, Hashable) else text] = probability
        return found

    def abstained(self, data: Any) -> tuple[str, ...]:
        """JSON pointers of what is ``Unknown`` in JSON data of this task's type."""
        return tuple(abstentions(data)) if self.contract.allows_unknown else ()

    def up_to_date(self, result: Result[T]) -> Result[T]:
        """The result of one branch as that of the run, which has more attempts by now."""
        return replace(result, attempts=tuple(self.attempts), usage=self.usage, warnings=tuple(self.warnings))

    def failed(self, attempt: Attempt, hint: str = "") -> TrellisError:
        """The error for a task that ends with a failed attempt: the model's own, or one for the kind of failure."""
        if isinstance(attempt.error, TrellisError) and attempt.failure != "budget":
            if hint and attempt.error.hint == attempt.error.usual_hint:
                attempt.error.hint = hint
            return self.ended(attempt.error)
        kind = _ERRORS[attempt.failure or "syntax"]
        said = "; ".join(map(brief, attempt.errors[:3]))
        said += "; ..." if len(attempt.errors) > 3 else ""
        return self.ended(kind(f"{said}{self._so_far()}", hint=hint))

    def ended(self, error: Exception) -> TrellisError:
        """The error, with everything that was paid for."""
        if not isinstance(error, TrellisError):
            error = ModelError(f"the model raised {type(error).__name__}: {said_by(error)}")
        answered = [attempt for attempt in self.attempts if attempt.raw is not None]
        answers = [attempt for attempt in answered if attempt.purpose == "answer"] or answered
        error.attempts = tuple(self.attempts)
        error.last_raw = answers[-1].raw if answers else None
        error.best_effort = next((one.value for one in reversed(answers) if one.value is not None), None)
        error.usage = self.usage
        return error

    def _so_far(self) -> str:
        count = len(self.attempts)
        return f" (after {count} attempt{'s' if count != 1 else ''})" if count else ""


def together(flows: Sequence[Flow[T]]) -> Generator[list[Request], Replies, list[Result[T] | TrellisError]]:
    """Runs flows side by side: what they ask for at the same time is asked in one batch.

    Returns:
        for each flow its result, or the error that it ended with.
    """
    outcomes: dict[int, Result[T] | TrellisError] = {}
    waiting: dict[int, list[Request]] = {}
    replies: dict[int, Any] = dict.fromkeys(range(len(flows)))
    while replies:
        for place, sent in replies.items():
            try:
                waiting[place] = flows[place].send(sent)
            except StopIteration as stop:
                outcomes[place] = stop.value
            except TrellisError as error:
                outcomes[place] = error
        if not waiting:
            break
        received = yield [request for requests in waiting.values() for request in requests]
        unread = iter(received)
        replies = {place: [next(unread) for _ in requests] for place, requests in waiting.items()}
        waiting = {}
    return [outcomes[place] for place in range(len(flows))]


_ERRORS: dict[FailureKind, type[GenerationError]] = {
    "budget": BudgetError,
    "truncated": TruncatedError,
    "refused": RefusedError,
    "empty": EmptyReplyError,
    "syntax": UnrepairableError,
    "schema": SchemaMismatchError,
    "validator": ValidatorError,
    "verifier": VerifierError,
}


def derive_seed(seed: int, sample: int) -> int:
    """The seed of a sample: the seed itself for the first, then 31 bits of a hash of both."""
    if sample == 0:
        return seed
    digest = hashlib.blake2b(f"{seed}:{sample}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") & 0x7FFF_FFFF
